"""Algebra that does not change a bit, and constants computed once.

x · 1, x / 1, -(-x), x - 0 are x (x + 0 is not: it makes 0 of -0). A reshaping to the shape that is there, a cast to
the type that is there and a transpose of a transpose are gone. What depends on shapes alone is a constant.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...rules.discrete import stop_gradient
from ...taped import _copy
from ..program import Program, Ref, Step, operands, refs, step_with

Known = dict[Ref, Step]


def simplified(program: Program) -> Program:
    """The program without steps that give one of their operands, or a constant."""
    steps: list[Step] = []
    names: dict[Ref, Any] = {}
    known: Known = {}
    for before in program.steps:
        step = step_with(before, names)
        result = _result(program, step, known)
        if result is None:
            known[step.out] = step
            steps.append(step)
        else:
            names[step.out] = result[0]
    return program.with_steps(steps, names)


def _result(program: Program, step: Step, known: Known) -> tuple[Any] | None:
    """What a step gives, where that is known without computing it."""
    if step.draws:
        return None
    function, sample = step.function, program.samples[step.out]
    if function in _SHAPES_ALONE or not _reads(step):
        return None if isinstance(sample, tuple) else (sample,)
    rule = _RULES.get(function)
    if rule is None:
        return None
    x = rule(program, step, known)
    return (x,) if x is not None and _alike(program.sample(x), sample) else None


def _reads(step: Step) -> bool:
    return bool(operands(step))


def _alike(x: Any, y: Any) -> bool:
    """Whether two samples have the same kind, shape, type and layout."""
    if type(x) is not type(y) or np.shape(x) != np.shape(y):
        return False
    if not isinstance(x, np.ndarray):
        return True
    return x.dtype == y.dtype and (x.strides == y.strides or x.size < 2)


def _is(x: Any, number: int) -> bool:
    """Whether a constant is that number: for 0, that is +0."""
    if type(x) is Ref or not isinstance(x, (int, float, np.number, np.ndarray)) or np.size(x) == 0:
        return False
    return bool(np.all(np.equal(x, number)) and not np.any(np.signbit(x)))


def _times_one(program: Program, step: Step, known: Known) -> Any:
    a, b = step.args
    return a if _is(b, 1) else b if _is(a, 1) else None


def _by_one(program: Program, step: Step, known: Known) -> Any:
    return step.args[0] if _is(step.args[1], 1) else None


def _less_zero(program: Program, step: Step, known: Known) -> Any:
    return step.args[0] if _is(step.args[1], 0) else None


def _to_the_first(program: Program, step: Step, known: Known) -> Any:
    return step.args[0] if type(step.args[1]) in (int, float) and step.args[1] == 1 else None


def _itself(program: Program, step: Step, known: Known) -> Any:
    return step.args[0]


def _twice(program: Program, step: Step, known: Known) -> Any:
    """The operand of the operand: -(-x), and (xᵀ)ᵀ."""
    inner = known.get(step.args[0])
    plain = all(
        len(s.args) == 1 and all(p is None for p in s.kwargs.values()) for s in (step, inner) if s is not None
    )
    return inner.args[0] if inner is not None and inner.function is step.function and plain else None


_SHAPES_ALONE = {np.zeros_like, np.ones_like, np.shape}
_RULES: dict[Callable[..., Any], Callable[[Program, Step, Known], Any]] = {
    **dict.fromkeys((np.multiply, operator.mul), _times_one),
    **dict.fromkeys((np.divide, operator.truediv), _by_one),
    operator.pow: _to_the_first,
    **dict.fromkeys((np.subtract, operator.sub), _less_zero),
    **dict.fromkeys((np.negative, np.transpose), _twice),
    **dict.fromkeys((np.positive, np.astype, np.reshape, np.broadcast_to, np.expand_dims, np.squeeze), _itself),
    **dict.fromkeys((_copy, np.copy, stop_gradient._implementation), _itself),  # type: ignore[attr-defined]
}


def constants(program: Program) -> list[Any]:
    """The arrays that stand in a program as constants."""
    seen: dict[int, Any] = {}

    def look(x: Any) -> None:
        if isinstance(x, np.ndarray):
            seen[id(x)] = x
        elif isinstance(x, (tuple, list)):
            for item in x:
                look(item)
        elif isinstance(x, dict):
            for item in x.values():
                look(item)

    for step in program.steps:
        look(step.args)
        look(step.kwargs)
    look(program.outputs)
    return [*seen.values()]


__all__ = ["constants", "refs", "simplified"]
