"""Optimisers: what is done with a gradient.

They change the data of leaves in place and record nothing. Where gradients come from is not their business.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real

from ..errors import NotALeaf, describe
from ..value import Value


class SGD:
    """Gradient descent: ``w -= lr · dJ/dw`` for every parameter, all at once.

    parameters: leaf Values, as ``net.parameters()`` gives them; one that is listed twice steps once.
    lr: the learning rate, positive and finite; ``optimiser.lr`` may be changed between steps.
    """

    def __init__(self, parameters: Iterable[Value], lr: float) -> None:
        self.parameters = _leaves(parameters)
        self.lr = lr

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
        for w in self.parameters:
            if w.grad is not None:
                w.data -= self.lr * w.grad

    def zero_grad(self) -> None:
        """Forget all gradients: every parameter's ``.grad`` becomes None."""
        for w in self.parameters:
            w.grad = None


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
