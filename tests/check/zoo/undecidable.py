"""Points at which nothing can be told: f is not finite, raises, jumps, or has no slope that is a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case, Function


def undecidable(name: str, f: Function, x: Any, kind: str, slope: float = 1.0) -> Case:
    """f at x, with a gradient of one slope everywhere; the check says why it cannot tell."""
    return Case(
        name, f, x, ("unresolved",), grad=lambda x: slope * np.ones(np.shape(x))[()], kinds=frozenset({kind})
    )


def raises(x: Any) -> Any:
    raise ValueError("no table for this argument")


def raises_below_one(x: Any) -> Any:
    if x < 1:
        raise ValueError("below one")
    return x * x


def finite_at_one_point(x: Any) -> Any:
    return 2.0 if x == 0.5 else np.nan


def raises_elsewhere(x: Any) -> Any:
    if x != 0.5:
        raise ValueError("only here")
    return 2.0


def endless(name: str, f: Function, x: float, slope: float) -> Case:
    """f whose slope grows without bound towards x: infinity is right, if that can be told, and 1 is not."""
    verdicts = ("unresolved", "agree") if slope == np.inf else ("unresolved", "disagree")
    return Case(f"{name}, slope {slope:g}", f, x, verdicts, grad=lambda x: np.float64(slope))


ENDLESS: list[tuple[str, Function, float]] = [
    ("sqrt at 0", np.sqrt, 0.0),
    ("cbrt at 0", np.cbrt, 0.0),
    ("arcsin at 1", np.arcsin, 1.0),
    ("half a circle at its end", lambda x: -np.sqrt((1 - x) * (1 + x)), 1.0),
]

CASES: list[Case] = [
    undecidable("log of a negative number", np.log, -1.0, "not finite"),
    undecidable("one over zero", lambda x: 1 / np.float64(x), 0.0, "not finite"),
    undecidable("nan at the point", lambda x: x * np.nan, 0.3, "not finite"),
    undecidable("exp of 1000", np.exp, 1000.0, "not finite"),
    undecidable("a sum, one entry nan", lambda x: np.sum(np.sqrt(x)), np.array([1.0, -1.0]), "not finite"),
    undecidable("raises at the point", raises, 0.3, "not finite"),
    undecidable("raises on this side of one", raises_below_one, 0.5, "not finite"),
    undecidable("finite at the point alone", finite_at_one_point, 0.5, "no neighbourhood", 0.0),
    undecidable("raises everywhere else", raises_elsewhere, 0.5, "no neighbourhood", 0.0),
    undecidable("a step at the step", lambda x: np.where(x >= 1, 1.0, 0.0), 1.0, "jump", 0.0),
    undecidable("floor at an integer", np.floor, 2.0, "jump", 0.0),
    undecidable("a jump on a slope", lambda x: x + (x > 0.5), 0.5, "jump"),
    *(endless(name, f, x, slope) for name, f, x in ENDLESS for slope in (1.0, np.inf)),
]
