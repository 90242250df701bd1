"""Patterns of a gradient that is a multiple of the derivative: by one number, or entry by entry."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..evidence import Diagnosis
from .axis_lines import axis_sets, line_numbers, most_lines_wrong
from .case import ENOUGH, FROM_LIST, Case, Fit, fit
from .constants import Name, name
from .factor_library import Factor, factors
from .order import pattern
from .phrases import axes_phrase, axis_noun, factor_phrase, number_phrase


@pattern(20)
def zero(case: Case) -> Diagnosis | None:
    """0 everywhere, although the derivative is not."""
    if np.any(case.given):
        return None
    where = (
        "in all entries checked" if np.any(case.whole) else "everywhere"
    )  # those not checked are nan, if unknown
    return Diagnosis(
        "zero", f"the given gradient is 0 {where}: the input is detached, or its gradient is never added"
    )


@pattern(30)
def sign(case: Case) -> Diagnosis | None:
    """The negative of the derivative."""
    if case.is_derivative(-case.whole):
        return Diagnosis("sign", "the sign is wrong: given = -1 × reference")
    return None


@pattern(50)
def named_factor(case: Case) -> Diagnosis | None:
    """A constant multiple by a number that has a name."""
    found = _ratio(case)
    if found is None:
        return None
    low, high, fitted = found
    known = name(case, low, high) or _negative(name(case, -high, -low))
    if known is None or fitted.total < ENOUGH or (fitted.spare < ENOUGH and fitted.total < ENOUGH + FROM_LIST):
        return None
    return Diagnosis(known.kind, f"{_equation(low, high)}: likely {known.words}")


@pattern(100)
def any_factor(case: Case) -> Diagnosis | None:
    """A constant multiple by any number, in at least two entries."""
    found = _ratio(case)
    if found is None or found[2].spare < ENOUGH:
        return None
    low, high, _ = found
    return Diagnosis("factor", f"{_equation(low, high)}, in all measured entries")


@pattern(210)
def lone_factor(case: Case) -> Diagnosis | None:
    """A single entry: a factor can be computed, but other mistakes look the same."""
    found = _ratio(case)
    if found is None or np.count_nonzero(case.given) != 1:
        return None
    low, high, _ = found
    return Diagnosis("factor", f"{_equation(low, high)}; from one entry a factor and a term look alike")


def _equation(low: float, high: float) -> str:
    """The statement that given is a multiple of the reference, by a number between low and high."""
    return f"given = {factor_phrase(low / 2 + high / 2, (high - low) / 2)} × reference"


@pattern(140)
def factor_per_line(case: Case) -> Diagnosis | None:
    """A multiple by a number that is constant along an axis and differs between lines."""
    for axes in axis_sets(case):
        groups = line_numbers(case, axes)
        found = fit(case.reference, case.tolerance, case.given, case.digits, groups)
        if found is None or found.spare < ENOUGH or not most_lines_wrong(case, groups):
            continue
        where = axis_noun(axes, len(case.shape)) or "line"
        return Diagnosis(
            "missing factor",
            f"given / reference is constant along {axes_phrase(axes)}, {_range(found)}: a factor per "
            f"{where if where in ('row', 'column') else 'remaining index'} is missing, or is one too many",
        )
    return None


@pattern(120)
def listed_factor(case: Case) -> Diagnosis | None:
    """A multiple by a function of x, of y, or by an array among the arguments."""
    best: tuple[int, Factor, float, bool] | None = None
    for factor, missing, found in _fits(case):
        rank, multiple = _rank(found)
        if factor.is_mask and not case.wrong.all() and abs(multiple) == 1:
            continue  # right on one side, and 0 or the negative on the other: this is a branch
        if rank is not None and (best is None or rank < best[0]):
            best = (rank, factor, multiple, missing)
    return None if best is None else _say(*best[1:])


def _fits(case: Case) -> Iterator[tuple[Factor, bool, Fit]]:
    """The factors of the library that explain the gradient if they are missing, or are there once too often."""
    for factor in factors(case):
        if np.isnan(factor.values).any():
            continue  # √x of a negative number explains nothing there
        relative = factor.rounding / np.abs(factor.values)
        tolerance = case.tolerance + np.where(np.isfinite(relative), relative, 0) * np.abs(case.reference)
        digits = case.digits_within(tolerance)
        for missing in (True, False):
            base = case.given * factor.values if missing else case.given / factor.values
            found = fit(case.reference, tolerance, base, digits)
            if found is not None and found.low[0] <= 0 <= found.high[0]:
                continue  # 0 times anything explains a derivative of 0
            if found is not None and found.total >= ENOUGH + FROM_LIST:
                yield factor, missing, found


def _rank(found: Fit) -> tuple[int | None, float]:
    """The rank of the number beside a factor, simple numbers first; None if the fit explains only that number."""
    low, high = found.low[0], found.high[0]
    for rank, multiple in enumerate((1.0, -1.0, 2.0, 0.5, -2.0, -0.5)):
        if abs(multiple - found.values[0]) <= (high - low) / 2 + 1e-14:
            return rank, multiple
    return (9 if found.spare >= ENOUGH + FROM_LIST else None), float(found.values[0])


def _say(factor: Factor, multiple: float, missing: bool) -> Diagnosis:
    words = factor.words if multiple == 1 else f"{factor_phrase(multiple)}·{factor.words}"
    if factor.kind == "cotangent ignored" and missing and multiple == 1:
        return Diagnosis(factor.kind, "given × cotangent = reference: the cotangent is missing as a factor")
    if missing:
        return Diagnosis("missing factor", f"given × {words} = reference: the factor {words} is missing")
    inverse = factor.inverse if multiple == 1 else f"{factor_phrase(multiple)}·{factor.inverse}"
    seen = f"given = {factor.words} × reference" if multiple == 1 else f"given × {inverse} = reference"
    return Diagnosis(
        "missing factor", f"{seen}: the factor {inverse} is missing, or {factor.words} is one too many"
    )


def _ratio(case: Case) -> tuple[float, float, Fit] | None:
    """The interval of given / reference, if it can be the same number for all entries."""
    found = fit(case.reference, case.tolerance, case.given, case.digits)
    if found is None or found.low[0] <= 0 <= found.high[0]:
        return None
    ends = sorted((1 / found.low[0], 1 / found.high[0]))
    return ends[0], ends[1], found


def _negative(known: Name | None) -> Name | None:
    return None if known is None else Name(f"the wrong sign, and {known.words}", known.kind)


def _range(found: Fit) -> str:
    values = 1 / found.values[np.isfinite(found.values)]
    return f"from {number_phrase(float(values.min()))} to {number_phrase(float(values.max()))}"
