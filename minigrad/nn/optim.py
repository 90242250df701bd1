"""Optimisers: what is done with a gradient.

They change the data of leaves in place and record nothing. Where gradients come from is not their business.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np

from ..errors import NotALeaf, describe
from ..value import Value


class Optimiser:
    """What all have in common: the parameters, the rate, and that each parameter with a gradient moves at once.

    parameters: leaf Values, as ``net.parameters()`` gives them; one that is listed twice steps once.
    lr: the learning rate, positive and finite; ``optimiser.lr`` may be changed between steps.
    weight_decay: adds ``weight_decay · w`` to each gradient, that of half the squared norm; 0 or more.
    """

    def __init__(self, parameters: Iterable[Value], lr: float, weight_decay: float = 0.0) -> None:
        self.parameters = _leaves(parameters)
        self.lr = lr
        self.weight_decay = _share(weight_decay, "weight_decay", math.inf)

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        if not isinstance(lr, Real):
            raise TypeError(f"lr must be a number, got {describe(lr)}")
        if isinstance(lr, bool) or not (math.isfinite(lr) and lr > 0):
            raise ValueError(f"lr must be a positive finite number, got {lr!r}")
        self._lr: float = float(lr)

    def step(self) -> None:
        """Move every parameter that has a gradient, in the memory it has; the others stay as they are."""
        for k, w in enumerate(self.parameters):
            if w.grad is not None:
                g = w.grad + self.weight_decay * w.data if self.weight_decay else w.grad
                w.data -= self.lr * self._direction(k, g)

    def zero_grad(self) -> None:
        """Forget all gradients: every parameter's ``.grad`` becomes None."""
        for w in self.parameters:
            w.grad = None

    def _direction(self, k: int, g: Any) -> Any:
        """Where parameter number k goes, per unit of the rate, at gradient g."""
        raise NotImplementedError


class SGD(Optimiser):
    """Gradient descent: ``w -= lr · v``, with ``v = momentum · v + dJ/dw``, for every parameter, all at once.

    parameters, lr, weight_decay: see `Optimiser`. momentum: 0 (plain descent) or more, less than 1 (Polyak 1964).
    """

    def __init__(
        self, parameters: Iterable[Value], lr: float, momentum: float = 0.0, weight_decay: float = 0.0
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.momentum = _share(momentum, "momentum", 1.0)
        self._velocity: dict[int, Any] = {}

    def _direction(self, k: int, g: Any) -> Any:
        if not self.momentum:
            return g
        self._velocity[k] = self.momentum * self._velocity.get(k, 0.0) + g
        return self._velocity[k]


class Adam(Optimiser):
    """Steps of the mean gradient over the root of the mean square, both forgetting: Kingma and Ba (2015).

    parameters, lr, weight_decay: see `Optimiser`. betas: what is kept of the two means in each step, 0 or more and
    less than 1. eps: added to the root.
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"betas are two numbers, like (0.9, 0.999), got {betas!r}")
        self.betas = _share(betas[0], "betas[0]", 1.0), _share(betas[1], "betas[1]", 1.0)
        self.eps = _share(eps, "eps", math.inf)
        self._means: dict[int, tuple[int, Any, Any]] = {}

    def _direction(self, k: int, g: Any) -> Any:
        (first, second), (steps, mean, square) = self.betas, self._means.get(k, (0, 0.0, 0.0))
        steps += 1
        mean = first * mean + (1 - first) * g
        square = second * square + (1 - second) * g * g
        self._means[k] = steps, mean, square
        # Both start at 0: divided by the share of real gradients in them, they are means from the first step on.
        return mean / (1 - first**steps) / (np.sqrt(square / (1 - second**steps)) + self.eps)


def _share(x: float, what: str, below: float) -> float:
    if isinstance(x, bool) or not isinstance(x, Real) or not (0 <= x < below):
        bound = "" if below == math.inf else f" and less than {below:g}"
        raise ValueError(f"{what} must be a number, 0 or more{bound}, got {x!r}")
    return float(x)


def _leaves(parameters: Iterable[Value]) -> list[Value]:
    if isinstance(parameters, Value) or not isinstance(parameters, Iterable):
        raise TypeError(
            f"expected a list of Values, got {describe(parameters)}\n"
            "  write  SGD(net.parameters(), lr)  or  SGD([w], lr)"
        )
    given = list(parameters)
    if not given:
        raise ValueError("there is no parameter to step\n  a generator is empty once it has been read")
    for w in given:
        if not isinstance(w, Value):
            raise TypeError(f"expected Values, got {describe(w)}")
        if w.op is not None:
            raise NotALeaf(f"only a leaf can be stepped\n  got  {describe(w)}")
    return list(dict.fromkeys(given))
