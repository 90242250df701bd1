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

# ------------------------------------------- each entry lies between its slopes, and together they are no subgradient


def winners(x: Any) -> Any:
    """1 for every entry that is the largest, however many there are."""
    return 1.0 * (x == np.max(x))


def only_winner(x: Any) -> Any:
    """1 for the largest entry, and nothing at a tie."""
    return winners(x) * (winners(x).sum() == 1)


def norm(x: Any) -> Any:
    return np.sqrt(np.sum(x * x))


def direction_or(at_0: float) -> Function:
    """The gradient of the norm, and some number in every entry at 0."""
    return lambda x: x / norm(x) if norm(x) else np.full(x.shape, at_0)


def variation(x: Any) -> Any:
    """Anisotropic total variation of an image."""
    return np.sum(np.abs(np.diff(x, axis=0))) + np.sum(np.abs(np.diff(x, axis=1)))


def of_variation(forgotten: float) -> Function:
    """Its gradient; where neighbours are equal, the one before gets `forgotten` less than it should."""

    def gradient(x: Any) -> Any:
        found = np.zeros_like(x)
        for after, before in (
            ((slice(1, None), slice(None)), (slice(-1), slice(None))),
            ((slice(None), slice(1, None)), (slice(None), slice(-1))),
        ):
            side = np.where(x[after] >= x[before], 1.0, -1.0)
            found[after] += side
            found[before] -= side * np.where(x[after] == x[before], 1 - forgotten, 1.0)
        return found

    return gradient


def largest_two(x: Any) -> Any:
    return np.sum(np.sort(x)[-2:])


def stable_two(x: Any) -> Any:
    found = np.zeros_like(x)
    found[np.argsort(x, kind="stable")[-2:]] = 1.0
    return found


def pooled(x: Any) -> Any:
    return np.max(x.reshape(-1, 4), axis=1)


def of_pooled(share: Function) -> Function:
    """The gradient of max-pooling, with what each window does with its cotangent."""
    return lambda g, x: np.concatenate(
        [one * share(window) for one, window in zip(g, x.reshape(-1, 4), strict=True)]
    )


def hinge(s: Any) -> Any:
    """The multiclass hinge loss of scores, of which the first is that of the right class."""
    return np.sum(np.maximum(0.0, 1.0 + s[1:] - s[0]))


def of_hinge(counts: Function) -> Function:
    """Its gradient: 1 for each class above the margin, and minus their number, by `counts`, for the right one."""

    def gradient(s: Any) -> Any:
        over = 1.0 + s[1:] - s[0]
        return np.concatenate([[-float(np.sum(counts(over, 0.0)))], 1.0 * (over >= 0)])

    return gradient


IMAGE = np.full((3, 3), 2.0)
POOL = np.array([1.0, 1.0, 0.0, -1.0, 2.0, 2.0, 2.0, 2.0])
SCORES = np.array([2.0, 1.0, 1.0, -3.0])

TOGETHER = [
    ("max at a tie", np.max, (np.ones(2),), shared, {
        "every winner gets all": winners, "no winner gets any": only_winner}),
    ("max with a tie of three", np.max, (np.array([1.0, 3.0, 3.0, 0.0, 3.0]),), shared, {
        "every winner gets all": winners, "no winner gets any": only_winner}),
    ("norm at 0", norm, (np.zeros(2),), direction_or(0.0), {"1 in every entry": direction_or(1.0)}),
    ("distance of equal numbers", lambda x: np.abs(x[0] - x[1]), (np.ones(2),),
     lambda x: np.sign(x[0] - x[1]) * np.array([1.0, -1.0]),
     {"the sign forgotten": lambda x: np.ones(2) if x[0] == x[1] else np.sign(x[0] - x[1]) * np.array([1.0, -1.0])}),
    ("total variation of a flat image", variation, (IMAGE,), of_variation(0.0), {
        "a neighbour forgotten": of_variation(1.0)}),
    ("the two largest of three that tie", largest_two, (np.array([1.0, 4.0, 4.0, 4.0]),), stable_two, {
        "every entry as large gets all": lambda x: 1.0 * (x >= np.sort(x)[-2])}),
    ("hinge at the margin", hinge, (SCORES,), of_hinge(np.greater_equal), {
        "not counted at the margin": of_hinge(np.greater)}),
    ("relu of a sum", lambda x: np.maximum(np.sum(x), 0.0), (np.array([1.0, -1.0]),),
     lambda x: np.full(2, 1.0 * (np.sum(x) > 0)),
     {"on for one input": lambda x: np.array([1.0 * (np.sum(x) >= 0), 1.0 * (np.sum(x) > 0)])}),
]  # fmt: skip
TOGETHER_BY_COTANGENT = [
    ("maximum of equal arrays", np.maximum, (np.ones(3), np.ones(3)), lambda g, x, y: (g * (x >= y), g * (y > x)), {
        "both get all": lambda g, x, y: (g * (x >= y), g * (y >= x)),
        "neither gets any": lambda g, x, y: (g * (x > y), g * (y > x))}),
    ("max-pooling with ties", pooled, (POOL,), of_pooled(shared), {"every winner gets all": of_pooled(winners)}),
]  # fmt: skip

MISTAKES: list[Case] = [
    Case(
        f"{name}: {mistake}",
        f,
        x,
        ("disagree",),
        kinds=frozenset({"no subgradient"}),
        truth=truth,
        **{flavour: wrong},
    )
    for flavour, table in (("grad", TOGETHER), ("vjp", TOGETHER_BY_COTANGENT))
    for name, f, x, truth, mistakes in table
    for mistake, wrong in mistakes.items()
]
CASES += [
    Case(name, f, x, AGREE, **{flavour: truth})
    for flavour, table in (("grad", TOGETHER), ("vjp", TOGETHER_BY_COTANGENT))
    for name, f, x, truth, _ in table
]
