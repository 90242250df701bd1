"""Patterns of a gradient that is the derivative plus something simple."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .axis_lines import axis_sets, line_numbers, most_lines_wrong
from .case import ENOUGH, FROM_LIST, ROUNDING, Case, Fit, fit
from .factor_library import broadcast_candidates, other_arguments
from .order import pattern
from .phrases import aggregate, axes_phrase, factor_phrase, number_phrase, same

PENALTIES: Final = {"x": " (as of weight decay)", "sign(x)": " (as of an L1 penalty)"}


@dataclass(frozen=True)
class Term:
    """A term, of which given - reference may be a multiple: the words, and its values at the measured entries."""

    words: str
    values: NDArray[Any]


@pattern(130)
def missing_term(case: Case) -> Diagnosis | None:
    """given - reference is a multiple of 1, x, y, the cotangent: by one number, or by one for each line."""
    for axes in axis_sets(case, whole=True):
        groups = line_numbers(case, axes)
        whole = len(axes) == len(case.shape)
        if not whole and not most_lines_wrong(case, groups):
            continue
        for term in _terms(case):
            found = fit(case.change, case.tolerance, term.values, case.digits, groups)
            if found is not None and found.spare >= ENOUGH + (FROM_LIST if term.words else 0):
                return Diagnosis("missing term", _sentence(case, term, found, axes, groups))
    return None


def _terms(case: Case) -> Iterator[Term]:
    """Terms, the simplest first; products with the cotangent last."""
    evidence = case.evidence
    cotangent, y = case.of_size(evidence.cotangent), case.of_size(evidence.y)
    yield Term("", np.ones(len(case.at)))
    yield Term("x", case.x)
    if cotangent is not None:
        yield Term("the cotangent", cotangent)
    simple = list(_simple(case, y))
    yield from simple
    if cotangent is not None:
        for term in [Term("x", case.x), *simple]:
            yield Term(f"the cotangent × {term.words}", term.values * cotangent)


def _simple(case: Case, y: NDArray[Any] | None) -> Iterator[Term]:
    """Functions of x and of y, and the arrays among the arguments."""
    x = case.x
    if y is not None:
        yield Term("y", y)
    yield Term("sign(x)", np.sign(x))
    for words, array in other_arguments(case):
        for values in broadcast_candidates(case, array, np.shape(array)):
            yield Term(words, values)
    yield from (Term("x²", x * x), Term("1/x", 1 / x), Term("x³", x**3))
    yield from (Term("cos x", np.cos(x)), Term("sin x", np.sin(x)), Term("exp x", np.exp(x)))
    yield from (Term("log x", np.log(x)), Term("x cos x", x * np.cos(x)), Term("x sin x", x * np.sin(x)))
    if y is not None:
        yield from (Term("y/x", y / x), Term("x y", x * y), Term("y²", y * y))


def _sentence(case: Case, term: Term, found: Fit, axes: tuple[int, ...], groups: NDArray[Any]) -> str:
    whole = len(axes) == len(case.shape)
    known = _meaning(case, term, axes, groups)
    if whole:
        size, slack = float(found.values[0]), float(found.high[0] - found.low[0]) / 2
        seen = f"given - reference is {number_phrase(size, slack)} everywhere"
        if term.words:
            seen = f"given - reference is {factor_phrase(size, slack)} × {term.words}"
        elif len(case.at) < case.whole.size:
            seen = seen.replace("everywhere", "in all measured entries")
        return f"a term is missing, or one too many: {seen}{PENALTIES.get(term.words, '')}{_equals(known, term)}"
    what = (
        f"{term.words} times a number constant along {axes_phrase(axes)}"
        if term.words
        else f"constant along {axes_phrase(axes)}"
    )
    return f"a term is missing, or one too many: given - reference is {what}{_equals(known, term)}"


def _equals(known: str, term: Term) -> str:
    if not known:
        return ""
    mean = known.endswith("mean of the given gradient") and not known.startswith("minus") and not term.words
    why = " (the derivative of a mean that is subtracted from x)" if mean else ""
    return f", and {'the number' if term.words else 'it'} equals {known}{why}"


def _meaning(case: Case, term: Term, axes: tuple[int, ...], groups: NDArray[Any]) -> str:
    """The number of each line, if it is a mean or a sum along the line of something known; else ''."""
    for words, values in _summands(case):
        if not np.all(np.isfinite(values)):
            continue
        total = np.broadcast_to(values.sum(axis=axes, keepdims=True), case.shape)
        rounding = np.broadcast_to(np.abs(values).sum(axis=axes, keepdims=True), case.shape) * ROUNDING
        count = values.size / max(1, values.sum(axis=axes, keepdims=True).size)
        for what, share in (("mean", count), ("sum", 1.0)):
            for minus, factor in (("", 1.0), ("minus ", -1.0)):
                predicted = factor * np.ravel(total)[case.at] / share * term.values
                slack = np.ravel(rounding)[case.at] / share * np.abs(term.values)
                if np.all(np.abs(case.change - predicted) <= case.tolerance + slack):
                    return f"{minus}{aggregate(what, axes, len(case.shape))} of {words}"
    return ""


def _summands(case: Case) -> Iterator[tuple[str, NDArray[Any]]]:
    """Arrays shaped like x whose means and sums occur in derivatives."""
    evidence = case.evidence
    x = np.asarray(evidence.x, dtype=np.float64)
    pairs = [("the given gradient", case.whole)]
    if evidence.cotangent is not None and np.size(evidence.cotangent) == case.whole.size:
        pairs.append(("the cotangent", np.reshape(evidence.cotangent, case.shape)))
    yield from pairs
    for words, values in pairs:
        yield f"{words} times x", values * x
        if evidence.y is not None and np.size(evidence.y) == case.whole.size:
            yield f"{words} times y", values * np.reshape(evidence.y, case.shape)
    if not same(np.ravel(x)):
        yield "x", x
