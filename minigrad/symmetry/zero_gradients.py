"""Which gradients are 0 to rounding: each by a bound of its own, not beside a larger one.

The loss is recorded again with small random errors in the numbers on the way, forward and back, where ops round
them. These errors change a gradient as its roundings do, but by more. A product of many small factors changes by a
small share of itself, however small it is; a sum that cancels changes by a share of its terms.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.node import record
from ..engine.op import TABLE, op
from ..engine.sampling import REAL
from ..engine.value import Value
from .loss_graph import RecordAgain, Recording, flat_gradient

ROUNDINGS = 64  # a gradient up to this many roundings is 0
DRAWS = 4  # of errors: in one draw, the errors of a sum may cancel too
CLOSE = 1e4  # a gradient that is this many times its bound in one draw is not 0
# Of more entries than these, those that are small beside the largest: up to this many roundings of it; or all, if
# the largest is this small beside the loss.
ALL, CANDIDATES, SMALL = 100_000, 4096, 1e-10
LARGE = {8: 1e-8, 4: 1e-2}  # a gradient with a larger entry is seen as it is in trials; by bytes per number


def zero_to_rounding(recording: Recording, values: Any, gradient: Any) -> Any:
    """Which entries of the gradient at these numbers are 0, or as small as their own rounding errors."""
    zero = gradient == 0
    open_ = ~zero & _candidates(recording, gradient)
    size = float(np.sqrt(recording.eps))
    for draw in range(0 if recording.is_detached else DRAWS):
        if not open_.any():
            break
        moved = _gradient(recording, values, _Errors(draw, size))
        with np.errstate(invalid="ignore"):
            bound = ROUNDINGS * recording.eps / size * np.abs(moved - gradient)
        zero |= open_ & (np.abs(gradient) <= bound)
        open_ &= ~zero & (np.abs(gradient) <= CLOSE * bound)
    return zero


def gradient_without_rounding(recording: Recording, values: Any) -> Any:
    """The gradient at these numbers, with 0 for each entry that is nothing but rounding.

    Only a gradient that is small in all its entries is looked at: beside a large one, rounding is seen by its size.
    """
    gradient = recording.gradient(values)
    largest = float(np.abs(gradient[np.isfinite(gradient)]).max(initial=0))
    if not 0 < largest <= LARGE.get(recording.width, 1e-1):
        return gradient
    return np.where(zero_to_rounding(recording, values, gradient), 0.0, gradient)


def _candidates(recording: Recording, gradient: Any) -> Any:
    largest = float(np.abs(gradient[np.isfinite(gradient)]).max(initial=0))
    loss = abs(float(np.asarray(recording.y._array).ravel()[0]))
    if len(gradient) <= ALL or not largest > SMALL * max(1.0, loss):
        return np.isfinite(gradient)
    return np.abs(gradient) <= CANDIDATES * recording.eps * largest


def scaled_gradient(recording: Recording, values: Any) -> Any:
    """The gradient with each cotangent on the way times a random number between 0.5 and 2.

    Sums that cancel become other numbers, as large as their terms; products with a factor 0 stay 0.
    """
    return _gradient(recording, values, _Scales())


def with_errors(recording: Recording, values: Any) -> dict[int, Any]:
    """All nodes with errors in the numbers that are handed on, by the serial of the old node."""
    return recording.record(values, _Errors(0, float(np.sqrt(recording.eps))))


def _gradient(recording: Recording, values: Any, evaluate: RecordAgain) -> Any:
    env = recording.record(values, evaluate)
    return flat_gradient(env[recording.y.serial], [env[p.serial] for p in recording.params])


def _scale(x: Any, forth: Any, back: Any) -> Any:
    return x if forth is None else x * forth


op(
    _scale,
    "scale",
    "y = x",
    domain=(REAL,),
    vjp=(lambda g, y, x, forth, back: g * back,),
    jvp=(lambda t, y, x, forth, back: t,),
)
SCALE = TABLE.pop(_scale)  # users never call it


class _Scales(RecordAgain):
    """Records each node again; what flows back to each of its operands is multiplied by random numbers."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def factors(self, x: Any) -> Any:
        """Random numbers in the shape of x, which what flows back to it is multiplied by."""
        return self.rng.uniform(0.5, 2.0, np.shape(x))

    def apply(self, node: Any, operands: list[Any]) -> Any:
        """The node, with its operands scaled."""
        return super().apply(node, [self._scaled(x, False) for x in operands])

    alias = apply

    def _scaled(self, x: Any, forth: bool) -> Any:
        """An operand, scaled on the way back; and on the way forth, if asked for."""
        if not _has_rounding(x):
            return x
        both = [self._like(x) if wanted else None for wanted in (forth, True)]
        return record(Value, SCALE, (x,), dict(zip(("forth", "back"), both, strict=True)))

    def _like(self, x: Any) -> Any:
        return np.asarray(self.factors(x._array)).astype(x._array.real.dtype)[()]


class _Errors(_Scales):
    """Records each node again, with errors of a size in what it computes. Parameters and data are what they are.

    An op on each entry has errors in its outputs, from which its slope is often computed; an op that combines
    entries rounds inside, as if its inputs had errors. What only moves or picks entries rounds nothing.
    """

    def __init__(self, draw: int, size: float) -> None:
        self.rng, self.size = np.random.default_rng(draw), size

    def factors(self, x: Any) -> Any:
        """1 and errors."""
        return 1 + self.size * self.rng.uniform(-1, 1, np.shape(x))

    def apply(self, node: Any, operands: list[Any]) -> Any:
        """The node, with errors."""
        rounds = not (node.op.moves or node.op.selects)
        inside = rounds and not node.op.elementwise
        y = RecordAgain.apply(self, node, [self._scaled(x, inside) for x in operands])
        if rounds and not inside and _has_rounding(y):
            y._array = (y._array * self._like(y)).astype(y._array.dtype)
        return y


def _has_rounding(x: Any) -> bool:
    return type(x) is Value and type(x._array) is not tuple and x._array.dtype.kind in "fc"
