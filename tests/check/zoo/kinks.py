"""Points without a unique derivative: any slope between those of the two sides is right, and others are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case, Function
from .elementwise import AGREE


def at_kink(name: str, formula: Function, x: float, slope: float, wrong: bool = False) -> Case:
    """f at one number x, and a slope given for it."""
    return Case(
        name,
        lambda x: formula(np, x),
        np.array([x]),
        ("disagree",) if wrong else AGREE,
        vjp=lambda g, x: g * slope,
        formula=formula,
    )


def relu(m: Any, x: Any) -> Any:
    return m.maximum(x, 0 * x)


def clip(m: Any, x: Any) -> Any:
    return m.minimum(m.maximum(x, 0 * x), 1 + 0 * x)


def leaky(m: Any, x: Any) -> Any:
    return m.maximum(x, 0.1 * x)


ABS: Function = lambda m, x: m.abs(x)  # noqa: E731 - one of a table of formulas

CASES: list[Case] = [
    *(at_kink(f"relu at 0, slope {s:g}", relu, 0.0, s) for s in (0.0, 0.5, 1.0)),
    *(at_kink(f"abs at 0, slope {s:g}", ABS, 0.0, s) for s in (0.0, 1.0, -1.0, 0.3)),
    *(at_kink(f"leaky relu at 0, slope {s:g}", leaky, 0.0, s) for s in (0.1, 0.55, 1.0)),
    *(at_kink(f"clip at {x:g}, slope {s:g}", clip, x, s) for x in (0.0, 1.0) for s in (0.0, 1.0)),
    at_kink("abs of x - 2 at 2, slope 0", lambda m, x: m.abs(x - 2), 2.0, 0.0),
    at_kink("1e-9 |x| at 0, slope 1e-9", lambda m, x: 1e-9 * m.abs(x), 0.0, 1e-9),
    at_kink("|x| + sin x at 0, slope 1.5", lambda m, x: m.abs(x) + m.sin(x), 0.0, 1.5),
]

WRONG: list[Case] = [
    at_kink("relu at 0, slope -0.2: outside", relu, 0.0, -0.2, wrong=True),
    at_kink("relu at 0, slope 1.01: outside", relu, 0.0, 1.01, wrong=True),
    at_kink("abs at 0, slope -1.5: outside", ABS, 0.0, -1.5, wrong=True),
    at_kink("abs at 0, slope 2: outside", ABS, 0.0, 2.0, wrong=True),
    at_kink("leaky relu at 0, slope 0: outside", leaky, 0.0, 0.0, wrong=True),
    at_kink("clip at 1, slope -1: outside", clip, 1.0, -1.0, wrong=True),
]


def shared(x: Any) -> Any:
    """The gradient of max that ties share evenly."""
    winners = x == np.max(x)
    return winners / winners.sum()


TIED = np.array([2.0, 0.5, 2.0, -1.0])
TIED_CASES: list[Case] = [
    Case("max with a tie, shared", np.max, (TIED,), AGREE, grad=shared),
    Case("max with a tie, to the first", np.max, (TIED,), AGREE, grad=lambda x: np.eye(4)[np.argmax(x)]),
    Case("maximum of equal arrays, shared", np.maximum, (TIED, TIED.copy()), AGREE, vjp=lambda g, a, b: (g / 2, g / 2)),
    Case("maximum of equal arrays, to the second", np.maximum, (TIED, TIED.copy()), AGREE,
         vjp=lambda g, a, b: (0 * g, g.copy())),
    Case("norm at 0, gradient 0", lambda x: np.sqrt(np.sum(x * x)), (np.zeros(3),), AGREE, grad=np.zeros_like),
    Case("norm at 0, a gradient of length below 1", lambda x: np.sqrt(np.sum(x * x)), (np.zeros(3),), AGREE,
         grad=lambda x: np.array([0.5, -0.5, 0.2])),
    Case("sum of absolute values, one entry 0", lambda x: np.sum(np.abs(x)), (np.array([1.0, 0.0, -2.0]),), AGREE,
         grad=np.sign),
    Case("relu layer with dead units", lambda x: np.maximum(x, 0), (np.array([0.0, 1.0, -1.0, 0.0]),), AGREE,
         vjp=lambda g, x: g * (x > 0)),
    Case("median-like loss at a data point", lambda x: np.sum(np.abs(x[0] - np.array([1.0, 2.0, 4.0]))),
         (np.array([2.0]),), AGREE, grad=np.zeros_like),
    Case("sort with equal entries", np.sort, (np.array([1.0, 3.0, 1.0]),), AGREE,
         vjp=lambda g, x: np.array([g[0], g[2], g[1]])),
]  # fmt: skip

CASES += TIED_CASES
