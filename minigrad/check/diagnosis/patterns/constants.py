"""Likely names of a constant number: 2, a length, a unit, a constant argument, the result itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .case import Case
from .phrases import number_phrase

PLAIN = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 100.0, 1000.0, 1e6)
NAMED_CONSTANTS = {
    "π/180: degrees for radians": math.pi / 180,
    "180/π: radians for degrees": 180 / math.pi,
    "π": math.pi,
    "2π": 2 * math.pi,
    "1/π": 1 / math.pi,
    "1/(2π)": 0.5 / math.pi,
    "√2": math.sqrt(2),
    "1/√2": math.sqrt(0.5),
    "√(2π)": math.sqrt(2 * math.pi),
    "1/√(2π)": 1 / math.sqrt(2 * math.pi),
    "2/√π": 2 / math.sqrt(math.pi),
    "ln 2: another base of the logarithm": math.log(2),
    "1/ln 2: another base of the logarithm": 1 / math.log(2),
    "ln 10: another base of the logarithm": math.log(10),
    "1/ln 10: another base of the logarithm": 1 / math.log(10),
    "60: minutes or seconds": 60.0,
    "1/60: minutes or seconds": 1 / 60,
    "3600: seconds of an hour": 3600.0,
    "1/3600: seconds of an hour": 1 / 3600,
    "e": math.e,
    "1/e": 1 / math.e,
}
SHARP = 1e-3  # an interval of a larger relative width holds too many named numbers to choose one


@dataclass(frozen=True)
class Name:
    """A likely name of a number: the words, the kind of mistake, and a remark."""

    words: str
    kind: str = "factor"
    remark: str = ""


def name(case: Case, low: float, high: float) -> Name | None:
    """The likeliest name of a number between low and high; None if no named number lies there."""
    middle = low / 2 + high / 2
    if not np.isfinite(middle) or high - low > SHARP * abs(middle):
        return None
    slack = 1e-14 * abs(middle)
    found = [label for label, value in _candidates(case) if low - slack <= value <= high + slack]
    if not found:
        return None
    first = next((label for label in found if label.kind == "averaged"), found[0])
    remark = next((label.remark for label in found if label.remark and label.words == first.words), "")
    return Name(f"{first.words} ({remark})" if remark else first.words, first.kind)


def _candidates(case: Case) -> Iterator[tuple[Name, float]]:
    """Names and their numbers, the simplest first."""
    for value in PLAIN:
        yield Name(number_phrase(value)), value
        yield Name(f"1/{number_phrase(value)}"), 1 / value
    for label, length in _lengths(case):
        yield Name(f"{length}", remark=f"{length} is {label}"), float(length)
        yield Name(f"1/{length}", remark=f"{length} is {label}"), 1 / length
    for words, length in _repeats(case):
        yield Name(f"1/{length}: a mean over {words} instead of a sum", "averaged"), 1 / length
    for words, value in NAMED_CONSTANTS.items():
        yield Name(words), value
    for label, length in _lengths(case):
        remark = f"{length} is {label}"
        yield Name(f"{length - 1}/{length}", remark=remark), (length - 1) / length
        if length > 2:
            yield Name(f"{length}/{length - 1}", remark=remark), length / (length - 1)
            yield Name(f"√{length}", remark=remark), math.sqrt(length)
            yield Name(f"1/√{length}", remark=remark), 1 / math.sqrt(length)
    yield from _scalars(case)


def _lengths(case: Case) -> Iterator[tuple[str, int]]:
    """Every length that may occur in a derivative, and which length it is."""
    named = [(case.evidence.path, case.shape), ("the result", _result_shape(case))]
    named += [(other.path, np.shape(other.x)) for other in case.others]
    named += [("a constant", np.shape(constant)) for constant in case.evidence.constants if is_numeric(constant)]
    seen = {1}
    for whose, shape in named:
        for axis, length in enumerate(shape):
            if length > 1 and length not in seen:
                seen.add(length)
                yield f"the length of axis {axis} of {whose}", int(length)
        size = math.prod(shape)
        if size > 1 and size not in seen:
            seen.add(size)
            yield f"the size of {whose}", size


def _result_shape(case: Case) -> tuple[int, ...]:
    """The shape of the result of f; flat if unknown."""
    if case.evidence.y_shape is not None:
        return case.evidence.y_shape
    return () if case.evidence.y is None else np.shape(case.evidence.y)


def _repeats(case: Case) -> Iterator[tuple[str, int]]:
    """How often x is repeated along the axes of y."""
    shape = case.evidence.y_shape
    size = 0 if case.evidence.y is None else int(np.size(case.evidence.y))
    if shape is None:
        if case.whole.size and size > case.whole.size and size % case.whole.size == 0:
            yield "the broadcast axis", size // case.whole.size
        return
    axes = broadcast_axes(shape, case.shape)
    for axis in axes:
        yield f"broadcast axis {axis}", shape[axis]
    if len(axes) > 1:
        yield "the broadcast axes", math.prod(shape[axis] for axis in axes)


def broadcast_axes(shape: tuple[int, ...], inner: tuple[int, ...]) -> list[int]:
    """The axes of a shape along which broadcasting repeats an array of shape `inner`; none if it does not fit."""
    lead = len(shape) - len(inner)
    if lead < 0 or any(a not in (1, b) for a, b in zip(inner, shape[lead:], strict=True)):
        return []
    return [k for k, length in enumerate(shape) if length > 1 and (k < lead or inner[k - lead] == 1)]


def _scalars(case: Case) -> Iterator[tuple[Name, float]]:
    """Single numbers at hand: constants, other arguments, the result, the cotangent."""
    evidence = case.evidence
    for constant in evidence.constants:
        if is_numeric(constant) and np.size(constant) == 1:
            yield from _powers("a constant among the arguments", _one(constant), "factor")
    for other in case.others:
        if np.size(other.x) == 1:
            yield from _powers(other.path, _one(other.x), "missing factor")
    if evidence.cotangent is not None and np.size(evidence.cotangent) == 1:
        cotangent = _one(evidence.cotangent)
        if cotangent:
            yield Name("1/cotangent: the cotangent is missing as a factor", "cotangent ignored"), 1 / cotangent
            yield Name("the cotangent as a factor once too often", "factor"), cotangent
    if evidence.y is not None and np.size(evidence.y) == 1:
        result = _one(evidence.y)
        yield from _powers("the result", result, "missing factor")
        yield Name("exp of the result", "missing factor"), float(np.exp(result))
        yield Name("exp of minus the result", "missing factor"), float(np.exp(-result))


def _powers(words: str, value: float, kind: str) -> Iterator[tuple[Name, float]]:
    if value and value != 1 and np.isfinite(value):
        for power, label in ((1, words), (-1, f"1 over {words}"), (2, f"{words}, squared")):
            with np.errstate(all="ignore"):
                yield Name(label, kind), float(np.float64(value) ** power)
        yield Name(f"twice {words}", kind), 2 * value
        yield Name(f"1 over twice {words}", kind), 0.5 / value


def is_numeric(constant: object) -> bool:
    """Whether a constant is a real number, or an array of real numbers or of truth values (a mask)."""
    try:
        array = np.asarray(constant)
    except (TypeError, ValueError):  # a ragged list, or an object of another library that is not an array
        return False
    return array.dtype.kind in "iuf" or (array.dtype.kind == "b" and array.ndim > 0)


def _one(value: object) -> float:
    return float(np.ravel(np.asarray(value, dtype=np.float64))[0])
