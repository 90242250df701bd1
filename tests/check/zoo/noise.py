"""Functions with noise inside: a right gradient must never be called wrong, nor a wrong one right.

Each scenario is a function whose values are not those of the smooth function behind it, but near: the gradient
given is that of the smooth one - or, where f is smooth in pieces that are longer than the steps that a checker may
take, that of the piece: nobody could call a difference to the smooth one noise. It stands here twice more, with the gradient half as large again and negative.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .case import Case, Function


@dataclass(frozen=True)
class Scenario:
    """A noisy function of one number (or of each entry of an array), and the slope of the smooth one behind it."""

    name: str
    noisy: Function
    smooth: Function
    slope: Function
    x: Any
    amplitude: float  # |noisy - smooth| is never larger, near x
    own: Function | None = None  # the slope that f itself has at x, where f is smooth in pieces
    random: bool = field(default=False)


def fixed_point(x: Any) -> Any:
    """y = cos(x y), by iteration until a step is below 1e-8."""
    y = 0.5
    for _ in range(500):
        y, before = np.cos(x * y), y
        if abs(y - before) < 1e-8:
            break
    return y


def fixed_point_exact(x: float) -> float:
    y = 0.5
    for _ in range(100):
        y = y - (y - np.cos(x * y)) / (1 + x * np.sin(x * y))
    return float(y)


def fixed_point_slope(x: float) -> float:
    y = fixed_point_exact(x)
    s = np.sin(x * y)
    return float(-y * s / (1 + x * s))


def fixed_point_own(x: float) -> float:
    """The slope of the iteration itself: beside that of its limit by what the last steps leave, the same all about.

    Such noise moves with x as smoothly as the function does, over all short steps: no difference tells it apart.
    """
    y, slope = 0.5, 0.0
    for _ in range(500):
        y, slope, before = np.cos(x * y), -np.sin(x * y) * (y + x * slope), y
        if abs(y - before) < 1e-8:
            break
    return float(slope)


def newton_root(x: Any) -> Any:
    """The cube root of x by bisection to 1e-6."""
    low, high = 0.0, 2.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if middle**3 < x else (low, middle)
    return (low + high) / 2


def single_inside(x: Any) -> Any:
    return np.float64(np.sin(np.float32(x)) * np.float32(2))


def half_inside(x: Any) -> Any:
    return np.float64(np.float16(np.exp(x)))


def quantised(x: Any) -> Any:
    return np.round(np.sin(x), 6)


def cancelled(x: Any) -> Any:
    return (1e10 + np.sin(x)) - 1e10


GRID = np.linspace(0, 4, 4001)
TABLE = np.sin(GRID)


def table_nearest(x: Any) -> Any:
    """The nearest entry of a table of the sine, at steps of 0.001."""
    return TABLE[int(np.round(x * 1000))]


def table_linear(x: Any) -> Any:
    return np.interp(x, GRID, TABLE)


STORED = np.random.default_rng(7).normal(size=2000)


def table_slope(x: Any) -> Any:
    """The slope of the piece."""
    i = int(np.searchsorted(GRID, x)) - 1
    return (TABLE[i + 1] - TABLE[i]) / (GRID[i + 1] - GRID[i])


def monte_carlo(x: Any) -> Any:
    """A mean over samples that are the same each time: smooth, and its own gradient is known."""
    return np.mean(np.tanh(x + STORED))


def monte_carlo_slope(x: Any) -> Any:
    return float(np.mean(1 / np.cosh(x + STORED) ** 2))


def hit_or_miss(x: Any) -> Any:
    """The share of 2,000 fixed samples below x."""
    return np.mean(x > STORED)


def normal_cdf(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def quadrature(x: Any) -> tuple[float, float]:
    """The integral of exp(x t) over 0..1 by Simpson's rule, halved until the error seems below 1e-5; its slope.

    The halves depend on x, and jump; between the jumps the rule is smooth, and its slope is that of its terms.
    """

    def simpson(a: float, b: float, weight: Function) -> Any:
        m = (a + b) / 2
        return (b - a) / 6 * (weight(a) + 4 * weight(m) + weight(b))

    def value(t: float) -> Any:
        return np.exp(x * t)

    def slope(t: float) -> Any:
        return t * np.exp(x * t)

    def integral(a: float, b: float, tolerance: float, depth: int = 10) -> np.ndarray:
        m = (a + b) / 2
        coarse, fine = simpson(a, b, value), simpson(a, m, value) + simpson(m, b, value)
        if abs(coarse - fine) < tolerance or not depth:
            return np.array([fine, simpson(a, m, slope) + simpson(m, b, slope)])
        return integral(a, m, tolerance / 2, depth - 1) + integral(m, b, tolerance / 2, depth - 1)

    result = integral(0.0, 1.0, 1e-5)
    return float(result[0]), float(result[1])


def unordered(x: Any) -> Any:
    """A sum of 4,000 terms of changing sign, in single precision, in an order that depends on them."""
    terms = (1e3 * np.sin(np.arange(4000.0) * 1.7 + x)).astype(np.float32)
    return np.float64(np.cumsum(terms[np.argsort(terms, kind="stable")], dtype=np.float32)[-1]) + np.sin(x) * 50


SINES = np.arange(4000.0) * 1.7


def long_sum(x: Any) -> Any:
    """A sum of 4,000 large terms, most of which cancel."""
    total = 0.0
    for t in 1e6 * np.sin(SINES + x):
        total += t
    return np.float64(total)


def chaotic(x: Any) -> Any:
    """The sine with what sixty steps of the logistic map make of the last bits of x, 1e-7 large."""
    y = 0.3 + 1e-3 * np.sin(x)
    for _ in range(60):
        y = 3.99 * y * (1 - y)
    return np.sin(x) + 1e-7 * y


def decay(x: Any) -> tuple[float, float]:
    """y' = -x y over 0..1 by midpoints, each step halved until its share of y seems below 1e-4; y and its slope in x."""
    t, y, dy, h = 0.0, 1.0, 0.0, 0.25
    while t < 1:
        h = min(h, 1 - t)
        if (x * h) ** 2 / 2 > 1e-4:
            h /= 2
            continue
        growth, slope = 1 - x * h + (x * h) ** 2 / 2, -h + x * h * h
        t, y, dy = t + h, growth * y, growth * dy + slope * y
    return y, dy


@dataclass
class Random:
    """The sine, with noise that is another one at every call."""

    size: float
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(11))

    def __call__(self, x: Any) -> Any:
        return np.sin(x) + self.size * self.generator.normal()


def counted() -> Callable[[Any], Any]:
    """A function that depends on how often it was called."""

    @dataclass
    class Counting:
        calls: int = 0

        def __call__(self, x: Any) -> Any:
            self.calls += 1
            return np.sin(x) * (1 + 1e-3 * self.calls)

    return Counting()


SCENARIOS: list[Scenario] = [
    Scenario("fixed point to 1e-8", fixed_point, fixed_point_exact, fixed_point_slope, 0.9, 1e-7, fixed_point_own),
    Scenario("bisection to 1e-6", newton_root, np.cbrt, lambda x: 1 / (3 * np.cbrt(x) ** 2), 0.7, 1e-6),
    Scenario("float32 inside", single_inside, lambda x: 2 * np.sin(x), lambda x: 2 * np.cos(x), 0.8, 1e-6),
    Scenario("float16 inside", half_inside, np.exp, np.exp, 0.4, 1e-3),
    Scenario("rounded to 1e-6", quantised, np.sin, np.cos, 0.5, 1e-6),
    Scenario("(1e10 + sin x) - 1e10", cancelled, np.sin, np.cos, 0.6, 4e-6),
    Scenario("the nearest entry of a table", table_nearest, np.sin, np.cos, 1.2003, 1e-3),
    Scenario("interpolated in a table", table_linear, np.sin, np.cos, 1.2003, 1e-6, table_slope),
    Scenario("monte carlo with stored samples", monte_carlo, monte_carlo, monte_carlo_slope, 0.3, 0.0),
    Scenario("a share of stored samples", hit_or_miss, normal_cdf, lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
             0.3, 0.05),
    Scenario("adaptive quadrature to 1e-5", lambda x: quadrature(x)[0], lambda x: np.expm1(x) / x,
             lambda x: (x * np.exp(x) - np.expm1(x)) / x**2, 2.3, 1e-6, lambda x: quadrature(x)[1]),
    Scenario("an unordered sum in single precision", unordered,
             lambda x: np.sum(1e3 * np.sin(SINES + x)) + 50 * np.sin(x),
             lambda x: np.sum(1e3 * np.cos(SINES + x)) + 50 * np.cos(x), 0.3, 10.0),
    Scenario("a long sum that cancels", long_sum, lambda x: np.sum(1e6 * np.sin(SINES + x)),
             lambda x: np.sum(1e6 * np.cos(SINES + x)), 0.3, 1e-7),
    Scenario("a chaotic remainder", chaotic, np.sin, np.cos, 0.7, 1e-7),
    Scenario("steps halved by an error estimate", lambda x: decay(x)[0], lambda x: np.exp(-x), lambda x: -np.exp(-x),
             1.3, 1e-4, lambda x: decay(x)[1]),
    Scenario("random noise of 1e-9", Random(1e-9), np.sin, np.cos, 0.5, 1e-8, random=True),
    Scenario("random noise of 1e-3", Random(1e-3), np.sin, np.cos, 0.5, 1e-2, random=True),
    Scenario("random noise of 10", Random(10.0), np.sin, np.cos, 0.5, 1e2, random=True),
    Scenario("changes with every call", counted(), np.sin, np.cos, 0.5, 1.0, random=True),
]  # fmt: skip


def times(slope: Function, factor: float) -> Function:
    """A gradient function: factor times the slope."""
    return lambda x: np.float64(factor * slope(x))


def case(scenario: Scenario, label: str, factor: float) -> Case:
    """The scenario with its slope times factor; random functions must be reported as such."""
    right = factor == 1.0
    verdicts = ("agree", "unresolved") if right else ("disagree", "unresolved")
    kinds = frozenset({"random"} if scenario.random else ())
    right_slope = scenario.own or scenario.slope
    slope = times(right_slope, factor)
    return Case(
        f"{scenario.name}, {label}",
        scenario.noisy,
        scenario.x,
        ("unresolved",) if scenario.random else verdicts,
        grad=slope,
        kinds=kinds,
        truth=None if right else times(right_slope, 1.0),
    )


LABELS = {"right gradient": 1.0, "gradient half as large again": 1.5, "gradient negative": -1.0}
CASES: list[Case] = [case(scenario, label, factor) for scenario in SCENARIOS for label, factor in LABELS.items()]
