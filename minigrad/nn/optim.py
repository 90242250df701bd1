"""Optimisers: they move parameters along their gradients.

They change the data of leaves in place and record nothing. They do not ask where gradients come from. A
custom optimiser is a class with the method `Optimiser.direction`; it works eagerly and in `nn.train_step`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from ..engine.dataclass_trees import data_kind
from ..engine.tree import leaves
from ..engine.value import Value
from ..errors import ArgumentError, GradientLost, NotALeaf, describe

Container: TypeAlias = Sequence[Any] | Mapping[str, Any]  # of Values, at any depth
Parameters: TypeAlias = Iterable[Value | Container] | Mapping[str, Any]


class Optimiser:
    """The parts that all optimisers share: the parameters, the learning rate, and the step ``w -= lr · direction``.

    parameters: leaf Values, as ``net.parameters()`` gives them, or in lists, dicts and dataclasses; one that is
    listed twice steps once.
    lr: the learning rate, positive and finite; ``optimiser.lr`` may be changed between steps.
    weight_decay: adds ``weight_decay · w`` to each gradient (the gradient of half the squared norm); 0 or more.
    version: how often settings other than the rate were assigned.

    A custom optimiser derives from this class, names its state in `slots` and defines `direction`:

    >>> class Signed(Optimiser):
    ...     def direction(self, w, g, state, numbers):
    ...         return np.sign(g), state
    """

    version = 0

    def __init__(self, parameters: Parameters, lr: float, weight_decay: float = 0.0) -> None:
        self.parameters = _leaves(parameters)
        self.lr = lr
        self.weight_decay = _share(weight_decay, "weight_decay", math.inf)
        self.states = [State() for _ in self.parameters]

    def __setattr__(self, name: str, x: Any) -> None:
        """Count assignments of settings: a compiled step is made for the settings that it was traced with."""
        if name not in ("lr", "_lr"):
            object.__setattr__(self, "version", self.version + 1)
        object.__setattr__(self, name, x)

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the arrays that are kept for each parameter. A class may write ``slots = ("mean",)``."""
        return ()

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

    def direction(
        self, w: Any, g: Any, state: tuple[Any, ...], numbers: tuple[float, ...]
    ) -> tuple[Any, tuple[Any, ...]]:
        """The step of a parameter per unit of the learning rate, and its new state; each optimiser defines it.

        w, g: the parameter and its gradient, with the weight decay. state: an array for each name in `slots`, with
        shape and type of w; all zeros before the first step. numbers: the result of `numbers`. Write it with
        NumPy functions that return new arrays, and change nothing in place: `nn.train_step` compiles it.
        """
        raise NotImplementedError

    def numbers(self, count: int) -> tuple[float, ...]:
        """Python numbers that depend on how often a parameter has moved, this step included (1, 2, ...)."""
        return ()

    def step(self) -> None:
        """Move every parameter that has a gradient, in place. Raises GradientLost if none has one."""
        moved = False
        for k, w in enumerate(self.parameters):
            g = w.grad
            if g is not None:
                self.move(k, g)
                moved = True
        if not moved:
            raise GradientLost(
                "no parameter of the optimiser has a gradient, so a step would change nothing\n"
                "  write  loss.backward()   before it, with a loss that depends on these parameters"
            )

    def move(self, k: int, g: Any) -> None:
        """Move parameter number k along the gradient g, and keep its new state."""
        w, state, slots = self.parameters[k], self.states[k], self.slots
        data, arrays, before = w._array, state.arrays, ()
        if slots:
            first: Any = arrays[0]._array if arrays else None
            if len(arrays) != len(slots) or first.shape != data.shape or first.dtype != data.dtype:
                arrays = state.fit(w, len(slots))
            before = tuple([x._array for x in arrays])
        count = state.count + 1
        if self.weight_decay:
            g = g + self.weight_decay * data
        d, after = self.direction(data, g, before, self.numbers(count))
        if count == 1:
            self._check(data, len(slots), d, after)
        if after:
            for x, new in zip(arrays, after, strict=True):
                x._array = new.copy() if new is g or new is data or new.base is not None else new
        state.count = count
        w.data -= self._lr * d

    def formula(
        self, w: Any, g: Any, state: tuple[Any, ...], numbers: tuple[float, ...]
    ) -> tuple[Any, tuple[Any, ...]]:
        """`direction` at the gradient with weight decay, as `move` computes it: a compiled step traces this."""
        d, after = self.direction(w, g + self.weight_decay * w if self.weight_decay else g, state, numbers)
        self._check(w, len(state), d, after)
        return d, after

    def _check(self, w: Any, slots: int, d: Any, after: tuple[Any, ...]) -> None:
        """Raise ArgumentError for a direction or a state unlike the parameter."""
        if len(after) != slots:
            raise ArgumentError(f"{type(self).__name__} keeps {slots} arrays in its slots, got {len(after)}")
        for x in (d, *after):
            if getattr(x, "dtype", None) != w.dtype or x.shape != w.shape:
                raise ArgumentError(
                    f"{type(self).__name__}.direction gives arrays of the parameter's shape and type, "
                    f"got {describe(x)}\n  expected  {w.shape} {w.dtype}"
                )

    def reset(self) -> None:
        """Forget the state: velocities, means and how often each parameter has moved."""
        for w, state in zip(self.parameters, self.states, strict=True):
            state.reset(w)

    def zero_grad(self) -> None:
        """Forget all gradients: every parameter's ``.grad`` becomes None."""
        for w in self.parameters:
            w.grad = None


class State:
    """The state of an optimiser for one parameter. arrays: Values, one for each slot. count: steps so far."""

    def __init__(self) -> None:
        self.arrays: list[Value] = []  # grows and never shrinks: a compiled step reads these very Values
        self.count = 0

    def reset(self, w: Value) -> None:
        """Zeros, as before the first step."""
        self.count = 0
        for x in self.arrays:
            x._array = _zeros(w)

    def fit(self, w: Value, slots: int) -> list[Value]:
        """The arrays. Where the parameter has data of another shape, they are zeros; of another type, converted."""
        self.arrays += [Value(_zeros(w)) for _ in range(slots - len(self.arrays))]
        arrays = self.arrays[:slots]
        for x in arrays:
            if x._array.shape != w._array.shape:
                self.reset(w)
            elif x._array.dtype != w._array.dtype:
                x._array = x._array.astype(w.dtype)
        return arrays


class SGD(Optimiser):
    """Gradient descent: ``w -= lr · v``, with ``v = momentum · v + dJ/dw``, for every parameter.

    parameters, lr, weight_decay: see `Optimiser`. momentum: 0 (plain descent) or more, less than 1 (Polyak 1964).
    """

    def __init__(self, parameters: Parameters, lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.momentum = _share(momentum, "momentum", 1.0)

    @property
    def slots(self) -> tuple[str, ...]:
        """The velocity, with momentum."""
        return ("velocity",) if self.momentum else ()

    def direction(
        self, w: Any, g: Any, state: tuple[Any, ...], numbers: tuple[float, ...]
    ) -> tuple[Any, tuple[Any, ...]]:
        """The velocity; without momentum, the gradient."""
        if not self.momentum:
            return g, state
        velocity = self.momentum * state[0] + g
        return velocity, (velocity,)


class Adam(Optimiser):
    """Steps along the running mean gradient over the root of the running mean square: Kingma and Ba (2015).

    parameters, lr, weight_decay: see `Optimiser`. betas: the share of the two means that each step keeps, 0 or more
    and less than 1. eps: added to the root.
    """

    slots = ("mean", "square")

    def __init__(
        self,
        parameters: Parameters,
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

    def numbers(self, count: int) -> tuple[float, ...]:
        """The share of real gradients in each mean: both start at 0."""
        first, second = self.betas
        return 1 - first**count, 1 - second**count

    def direction(
        self, w: Any, g: Any, state: tuple[Any, ...], numbers: tuple[float, ...]
    ) -> tuple[Any, tuple[Any, ...]]:
        """The mean over the root of the mean square, each divided by its share of real gradients."""
        (first, second), (mean, square), shares = self.betas, state, numbers
        mean = first * mean + (1 - first) * g
        square = second * square + (1 - second) * g * g
        return mean / shares[0] / (np.sqrt(square / shares[1]) + self.eps), (mean, square)


def _zeros(w: Value) -> Any:
    return np.zeros(w.shape, w.dtype) if w.ndim else w.dtype.type(0)


def _share(x: float, what: str, below: float) -> float:
    if isinstance(x, bool) or not isinstance(x, Real) or not (0 <= x < below):
        bound = "" if below == math.inf else f" and less than {below:g}"
        raise ValueError(f"{what} must be a number, 0 or more{bound}, got {x!r}")
    return float(x)


def _leaves(parameters: Any) -> list[Value]:
    nested = bool(data_kind(parameters))
    if not nested and (isinstance(parameters, Value) or not isinstance(parameters, Iterable)):
        raise TypeError(
            f"expected a list of Values, got {describe(parameters)}\n"
            "  write  SGD(net.parameters(), lr)  or  SGD([w], lr)"
        )
    given = leaves(parameters if nested else list(parameters))
    if not given:
        raise ValueError(
            "there is no parameter to step\n  write  ws = [*ws]   for a generator, before its first use"
        )
    for w in given:
        if not isinstance(w, Value):
            raise TypeError(f"expected Values, got {describe(w)}")
        if w.op is not None:
            raise NotALeaf(f"only a leaf can be stepped, got {describe(w)}")
    return list(dict.fromkeys(given))
