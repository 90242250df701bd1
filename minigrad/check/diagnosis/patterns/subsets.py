"""Patterns of a gradient that is wrong in some entries and right in the others."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .case import Case, fit
from .factor_library import broadcast_candidates, other_arguments
from .order import pattern
from .phrases import between, factor_phrase, number_phrase, same, several
from .regions import region

FEW_SETS, MANY_SETS = 6, 100


@pattern(10, single=True)
def not_finite(case: Case) -> Diagnosis | None:
    """nan or inf where the derivative is finite."""
    bad = ~np.isfinite(case.given)
    if not bad.any():
        return None
    what = "nan" if np.isnan(case.given[bad]).all() else "inf" if np.isinf(case.given[bad]).all() else "nan or inf"
    where = region(case, bad)
    at = f": {where}" if where and not bad.all() else ""
    x = f", where x = {number_phrase(float(case.x[bad][0]))}" if same(case.x[bad]) else ""
    return Diagnosis(
        "nan", f"given is {what} in {several(int(bad.sum()), len(bad))}{at}{x}; the derivative is finite"
    )


@pattern(170)
def branch_at_zero(case: Case) -> Diagnosis | None:
    """Right on one side of 0, wrong on the other: of x, of the cotangent, of y, of the given gradient."""
    return _branch(case, zero=True)


@pattern(190)
def branch(case: Case) -> Diagnosis | None:
    """Right on one side of some number, wrong on the other."""
    return _branch(case, zero=False)


@pattern(180, single=True)
def known_entries(case: Case) -> Diagnosis | None:
    """Wrong in some entries that have something in common."""
    if not case.wrong.all() and (where := region(case, case.wrong)):
        return _entries(case, where)
    if not case.wrong.all() and (where := region(case, ~case.wrong)) and _some_right(case):
        return _entries(case, f"all but {where}")
    return None


@pattern(200, single=True)
def some_entries(case: Case) -> Diagnosis | None:
    """Wrong in some entries, right in others that are not 0."""
    if case.wrong.all() or not _some_right(case):
        return None
    indices = [tuple(int(i) for i in np.unravel_index(flat, case.shape)) for flat in case.at[case.wrong][:4]]
    listed = ", ".join(str([*index]) for index in indices)
    return _entries(case, f"{listed}{', ...' if np.count_nonzero(case.wrong) > 4 else ''}")


def _entries(case: Case, where: str) -> Diagnosis:
    seen = several(int(case.wrong.sum()), len(case.wrong))
    return Diagnosis("entries", f"wrong in {seen}: {where}{_there(case)}")


def _some_right(case: Case) -> bool:
    """Whether some right entries are not 0."""
    return bool(np.any(~case.wrong & (np.abs(case.reference) > 100 * case.tolerance)))


def _branch(case: Case, zero: bool) -> Diagnosis | None:
    count = int(case.wrong.sum())
    if min(count, len(case.wrong) - count) < 2:
        return None
    sets = comb(len(case.wrong), count)
    for words, values in _variables(case):
        # With few sets of so many entries, one of them may look like a branch by chance.
        if sets < (FEW_SETS if zero and words == "x" else MANY_SETS):
            continue
        for low, high in ((case.wrong, ~case.wrong), (~case.wrong, case.wrong)):
            below, above = float(values[low].max()), float(values[high].min())
            if below < above and (not zero or below <= 0 <= above):
                bound = between(below, above)
                sides = [f"{words} {'<' if below < bound else '≤'} {number_phrase(bound)}"]
                sides += [f"{words} {'>' if above > bound else '≥'} {number_phrase(bound)}"]
                wrong_side, right_side = sides if low is case.wrong else sides[::-1]
                return Diagnosis("branch", f"right where {right_side}, wrong where {wrong_side}{_there(case)}")
    return None


def _variables(case: Case) -> Iterator[tuple[str, NDArray[Any]]]:
    """The variables on which a branch may depend."""
    yield "x", case.x
    yield "|x|", np.abs(case.x)
    for words, values in (("y", case.evidence.y), ("the cotangent", case.evidence.cotangent)):
        own = case.of_size(values)
        if own is not None:
            yield words, own
    for words, array in other_arguments(case):
        for values in broadcast_candidates(case, array, np.shape(array)):
            yield words, values
    if np.all(case.given):
        yield "the given gradient", case.given


def _there(case: Case) -> str:
    """A simple description of the given gradient in the wrong entries, if there is one."""
    given, reference, tolerance = (a[case.wrong] for a in (case.given, case.reference, case.tolerance))
    if not np.any(given):
        return "; given is 0 there"
    if np.all(np.abs(reference) <= tolerance):
        return "; the derivative is 0 there"
    digits = np.ones(len(given))
    found = fit(reference, tolerance, given, digits)
    if found is not None and not found.low[0] <= 0 <= found.high[0]:
        low, high = sorted((1 / float(found.low[0]), 1 / float(found.high[0])))
        return f"; given = {factor_phrase(low / 2 + high / 2, (high - low) / 2)} × reference there"
    found = fit(given - reference, tolerance, digits, digits)
    if found is not None:
        slack = float(found.high[0] - found.low[0]) / 2
        return f"; given - reference = {number_phrase(float(found.values[0]), slack)} there"
    return ""
