"""Draw calls that an op takes, where its domain alone does not tell how its inputs fit together.

A custom op states a domain for each input, but no shapes, and no values of settings without a default. Its forward
function decides: shapes that broadcast are tried first, then those of products, then single ones.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...engine.op import Op
from ...engine.sampling import Shape
from ..numeric.evaluation import silence_warnings
from .op_calls import OpCall
from .op_sampling import OpCallDraw

Shapes = Callable[[int], list[Shape]]  # for so many inputs, one shape each

# An op that takes all of these broadcasts. No side is 1, which would fit almost anything.
BROADCASTING: tuple[Shapes, ...] = (
    lambda count: [(2, 3)] * count,
    lambda count: [(2, 3), *[(3,)] * (count - 1)],
    lambda count: [(3,), *[(2, 3)] * (count - 1)],
    lambda count: [()] * count,
)
# Those of products, of vectors, of numbers.
OTHERS: tuple[Shapes, ...] = (
    lambda count: [(2, 3) if k % 2 == 0 else (3, 2) for k in range(count)],
    lambda count: [(2, 2)] * count,
    lambda count: [(2, 3), *[(3,)] * (count - 1)],
    lambda count: [(2,), *[(2, 3)] * (count - 1)],
    lambda count: [(2, 3)] * count,
    lambda count: [(3,)] * count,
    lambda count: [(3,), *[()] * (count - 1)],
    lambda count: [()] * count,
)
SETTINGS = (1.5, 2, 0, True)  # values for all settings without a default


@dataclass
class _OfShapes(OpCallDraw):
    """Draws a call whose inputs have these shapes."""

    fixed: Shapes = OTHERS[0]

    def shapes(self, count: int) -> list[Shape]:
        """One shape per input."""
        return self.fixed(count)


@dataclass(frozen=True)
class CallsOfOp:
    """How to draw calls of an op: in shapes that broadcast, unless `fixed` are others, and with these settings."""

    op: Op
    fixed: Shapes | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def draw(self, integer: Callable[[int, int], int], size: int) -> OpCall:
        """One call."""
        source = OpCallDraw(integer, size=size)
        if self.fixed is not None:
            source = _OfShapes(integer, size=size, fixed=self.fixed)
        inputs, params = self.op.calls(source)
        return OpCall(self.op, inputs, self.settings | params, integer(0, 2**16))


def find_calls(op: Op, seed: int) -> CallsOfOp | str:
    """How to draw calls that an op takes; or else the error of the first one that was tried."""
    rng = np.random.default_rng(seed)

    def integer(low: int, high: int) -> int:
        return int(rng.integers(low, high, endpoint=True))

    if not draws_by_domain(op):
        first = CallsOfOp(op).draw(integer, size=6)
        error = error_of_call(first)
        return f"{first!r} raised {error}" if error else CallsOfOp(op)
    names, errors = _without_default(op), list[str]()
    for value in SETTINGS if names else (None,):
        settings = dict.fromkeys(names, value)

        def refused(shapes: Shapes, settings: dict[str, Any] = settings) -> bool:
            call = CallsOfOp(op, shapes, settings).draw(integer, size=6)
            if error := error_of_call(call):
                errors.append(f"{call!r} raised {error}")
            return bool(error)

        if not any(map(refused, BROADCASTING)):
            return CallsOfOp(op, None, settings)
        if (fixed := next((shapes for shapes in OTHERS if not refused(shapes)), None)) is not None:
            return CallsOfOp(op, fixed, settings)
    return errors[0]


def draws_by_domain(op: Op) -> bool:
    """Whether calls of an op are drawn from its domain, and not as its statement says."""
    return isinstance(op.calls, functools.partial)


def error_of_call(call: OpCall) -> str:
    """The error that a call raises; "" if there is none."""
    with silence_warnings():
        try:
            call(*call.inputs)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return ""


def _without_default(op: Op) -> list[str]:
    """The settings that every call of an op must name."""
    try:
        parameters: Any = inspect.signature(op.forward).parameters.values()
    except (TypeError, ValueError):  # written in C
        return []
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
