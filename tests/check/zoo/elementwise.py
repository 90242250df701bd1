"""Right derivatives of functions of one number that are hard on numerics, computable to any number of digits.

Each is written once as formula(m, x) with a module of mathematics m - NumPy for the checker, a multiple-precision
one for the proof - and so is its derivative.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .case import Case, Function

AGREE: tuple[str, ...] = ("agree",)
# What the arithmetic may hide: the honest answer may be that it cannot be told.
PERHAPS: tuple[str, ...] = ("agree", "unresolved")


def each(
    name: str,
    formula: Function,
    slope: Function,
    points: Sequence[float] | np.ndarray,
    verdicts: tuple[str, ...] = AGREE,
    digits: float = 1e-11,
) -> Case:
    """An array of f at the points, with a right vjp."""
    x = np.asarray(points, dtype=float)
    return Case(
        name,
        lambda x: formula(np, x),
        (x,),
        verdicts,
        vjp=lambda g, x: g * slope(np, x),
        formula=formula,
        digits=digits,
    )


def total(
    name: str,
    formula: Function,
    slope: Function,
    points: Sequence[float] | np.ndarray,
    verdicts: tuple[str, ...] = AGREE,
    digits: float = 1e-11,
) -> Case:
    """The sum of f over the points, with a right grad."""
    x = np.asarray(points, dtype=float)
    return Case(
        name,
        lambda x: np.sum(formula(np, x)),
        (x,),
        verdicts,
        grad=lambda x: slope(np, x) * np.ones_like(x),
        formula=formula,
        digits=digits,
    )


def number(
    name: str, formula: Function, slope: Function, x: Any, verdicts: tuple[str, ...] = AGREE, digits: float = 1e-11
) -> Case:
    """f at one number, as it is given: a Python float, np.float64, an array of no dimensions."""
    return Case(
        name,
        lambda x: formula(np, x),
        x,
        verdicts,
        grad=lambda x: slope(np, x),
        formula=formula,
        digits=digits,
    )


def scaled(c: float) -> tuple[Function, Function]:
    return lambda m, x: c * m.sin(x), lambda m, x: c * m.cos(x)


def offset(c: float) -> tuple[Function, Function]:
    return lambda m, x: c + m.sin(x), lambda m, x: m.cos(x)


def wave(k: float) -> tuple[Function, Function]:
    return lambda m, x: m.sin(k * x), lambda m, x: k * m.cos(k * x)


def growth(k: float) -> tuple[Function, Function]:
    return lambda m, x: m.exp(k * x), lambda m, x: k * m.exp(k * x)


def power(p: int, c: float = 1.0) -> tuple[Function, Function]:
    return lambda m, x: c * x**p, lambda m, x: c * p * x ** (p - 1)


LOG = (lambda m, x: m.log(x), lambda m, x: 1 / x)
SQRT = (lambda m, x: m.sqrt(x), lambda m, x: 0.5 / m.sqrt(x))
RECIPROCAL = (lambda m, x: 1 / x, lambda m, x: -1 / x**2)
TANH = (lambda m, x: m.tanh(x), lambda m, x: 1 / m.cosh(x) ** 2)


def logistic(m: Any, x: Any) -> Any:
    return 1 / (1 + m.exp(-x))


def logistic_slope(m: Any, x: Any) -> Any:
    return 1 / (1 + m.exp(-x)) / (1 + m.exp(x))


def factors(m: Any, x: Any) -> Any:
    """A product of 50 factors 1 + x / k."""
    y = 1.0
    for k in range(1, 51):
        y = y * (1 + x / k)
    return y


def factors_slope(m: Any, x: Any) -> Any:
    return factors(m, x) * sum(1 / (k + x) for k in range(1, 51))


def legendre(m: Any, x: Any) -> Any:
    """Legendre polynomial of degree 30, by recurrence."""
    return legendre_pair(x)[0]


def legendre_pair(x: Any) -> tuple[Any, Any]:
    before, p = 1.0 + 0 * x, x
    for n in range(2, 31):
        before, p = p, ((2 * n - 1) * x * p - (n - 1) * before) / n
    return p, before


def legendre_slope(m: Any, x: Any) -> Any:
    p, before = legendre_pair(x)
    return 30 * (before - x * p) / (1 - x * x)


def bessel(m: Any, x: Any) -> Any:
    """J0 by its series."""
    y, t = 1.0 + 0 * x, 1.0 + 0 * x
    for k in range(1, 40):
        t = -t * x * x / (4 * k * k)
        y = y + t
    return y


def bessel_slope(m: Any, x: Any) -> Any:
    """-J1 by its series."""
    t = x / 2
    y = t
    for k in range(1, 40):
        t = -t * x * x / (4 * k * (k + 1))
        y = y + t
    return -y


def error_function(m: Any, x: Any) -> Any:
    """erf by its series."""
    t = x
    y = t
    for k in range(1, 60):
        t = -t * x * x / k
        y = y + t / (2 * k + 1)
    return 2 * y / m.sqrt(m.pi + 0 * x)


def nested(m: Any, x: Any) -> Any:
    """sin applied ten times."""
    for _ in range(10):
        x = m.sin(x)
    return x


def nested_slope(m: Any, x: Any) -> Any:
    d = 1.0
    for _ in range(10):
        d = d * m.cos(x)
        x = m.sin(x)
    return d


def runge(m: Any, x: Any) -> Any:
    return 1 / (1 + 25 * x * x)


WIDE = np.array([1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4, 1e6])
SOME = np.array([0.3, -1.1, 0.7, 2.4])

CASES: list[Case] = [
    *(each(f"sine times {c:g}", *scaled(c), SOME) for c in (1e-12, 1e12, 1e-100, 1e-300, 1e200)),
    *(total(f"sum of sines times {c:g}", *scaled(c), SOME) for c in (1e-12, 1e12, 1e-200, 1e100)),
    each("squares of 1e-6 to 1e6", *power(2), WIDE),
    total("sum of squares of 1e-6 to 1e6", *power(2), WIDE, PERHAPS),
    each("cubes of 1e-6 to 1e6", *power(3), WIDE),
    each("logs of 1e-6 to 1e6", *LOG, WIDE),
    total("sum of logs of 1e-6 to 1e6", *LOG, WIDE),
    each("roots of 1e-6 to 1e6", *SQRT, WIDE),
    each("sine with an offset of 1e6", *offset(1e6), SOME),
    each("sine with an offset of 1e8", *offset(1e8), SOME),
    total("sum of sines with an offset of 1e6 each", *offset(1e6), SOME),
    total("sum of sines with an offset of -1e8 each", *offset(-1e8), SOME),
    *(each(f"sin({k:g} x)", *wave(k), SOME) for k in (300.0, 1000.0, 1e-3)),
    number("sin(1000 x) of a number", *wave(1000.0), 0.37),
    *(each(f"exp({k:g} x)", *growth(k), [0.3, -0.2, 0.9, 0.5]) for k in (20.0, 30.0, -30.0)),
    number("exp(30 x) at 1.5", *growth(30.0), 1.5),
    *(number(f"log at {x:g}", *LOG, x) for x in (1e-9, 1e-5, 1e9)),
    number("log at 1e-200", *LOG, 1e-200, PERHAPS),
    *(number(f"sqrt at {x:g}", *SQRT, x) for x in (1e-10, 1e-7, 1e10)),
    *(number(f"1/x at {x:g}", *RECIPROCAL, x) for x in (1e-3, -1e-6, 1e7)),
    number("x² at 1e8", *power(2), 1e8),
    number("1e-6 x² at 1e10", *power(2, 1e-6), 1e10),
    number("abs at 3e-7", lambda m, x: m.abs(x), lambda m, x: x / m.abs(x), 3e-7),
    number("abs at -1e-12", lambda m, x: m.abs(x), lambda m, x: x / m.abs(x), -1e-12),
    number("a Python float", *power(3), 0.7),
    number("a np.float64", *power(3), np.float64(-1.3)),
    number("an array of no dimensions", *power(3), np.array(0.9)),
    each("an array of one entry", *power(3), [1.1]),
    each("a matrix of one entry", *power(3), [[1.1]]),
    each("tanh, saturated", *TANH, [18.0, -12.0, 0.4, 5.0], digits=1e-9),
    number("tanh at 25, where it is 1 to the last bit", *TANH, 25.0, PERHAPS),
    each("logistic, saturated", logistic, logistic_slope, [30.0, -30.0, 8.0, 0.1], digits=1e-9),
    number("logistic at -600", logistic, logistic_slope, -600.0),
    number("tanh(1e6 x) at 3e-7", lambda m, x: m.tanh(1e6 * x), lambda m, x: 1e6 / m.cosh(1e6 * x) ** 2, 3e-7),
    number("atan(1e8 x) at 0", lambda m, x: m.arctan(1e8 * x), lambda m, x: 1e8 / (1 + (1e8 * x) ** 2), 0.0),
    number("x⁹ at 0", *power(9), 0.0),
    number("x² at 0", *power(2), 0.0),
    number("x³ at 1e-5", *power(3), 1e-5),
    number("exp(-1/x²) at 0.2", lambda m, x: m.exp(-1 / x**2), lambda m, x: 2 / x**3 * m.exp(-1 / x**2), 0.2),
    # It grows by 1e44 over steps of a hundredth, and is 1e-174 here: a check may find nothing that short steps tell.
    number("exp(-1/x²) at 0.05", lambda m, x: m.exp(-1 / x**2), lambda m, x: 2 / x**3 * m.exp(-1 / x**2), 0.05,
           ("agree", "unresolved")),
    number(
        "(1 - cos x)/x² at 1e-4",
        lambda m, x: (1 - m.cos(x)) / x**2,
        lambda m, x: -x / 12 + x**3 / 180,
        1e-4,
        PERHAPS,
        digits=1e-9,
    ),
    number("sin(x)/x at 1e-3", lambda m, x: m.sin(x) / x, lambda m, x: -x / 3 + x**3 / 30, 1e-3, PERHAPS, digits=1e-9),
    number("log(1 + x) written so, at 1e-8", lambda m, x: m.log(1 + x), lambda m, x: 1 / (1 + x), 1e-8),
    number("sqrt(x+1) - sqrt(x) at 1e8", lambda m, x: m.sqrt(x + 1) - m.sqrt(x),
           lambda m, x: -0.5 / (m.sqrt(x) * m.sqrt(x + 1) * (m.sqrt(x) + m.sqrt(x + 1))), 1e8, PERHAPS),
    each("arcsin near 1", lambda m, x: m.arcsin(x), lambda m, x: 1 / m.sqrt((1 - x) * (1 + x)),
         [1 - 1e-9, -1 + 1e-6, 0.99]),
    number("arccosh just above 1", lambda m, x: m.arccosh(x), lambda m, x: 1 / m.sqrt((x - 1) * (x + 1)), 1 + 1e-7),
    number("arctanh near 1", lambda m, x: m.arctanh(x), lambda m, x: 1 / ((1 - x) * (1 + x)), 1 - 1e-8),
    number("tan near its pole", lambda m, x: m.tan(x), lambda m, x: 1 / m.cos(x) ** 2, 1.5707),
    number("1/(x-1) at 1 + 1e-5", lambda m, x: 1 / (x - 1), lambda m, x: -1 / (x - 1) ** 2, 1 + 1e-5, digits=1e-9),
    number("x log x at 1e-12", lambda m, x: x * m.log(x), lambda m, x: m.log(x) + 1, 1e-12),
    number("x to the power x at 1e-3", lambda m, x: x**x, lambda m, x: x**x * (m.log(x) + 1), 1e-3),
    number("sin(1/x) at 0.01", lambda m, x: m.sin(1 / x), lambda m, x: -m.cos(1 / x) / x**2, 0.01),
    number("x² sin(1/x) at 0.003", lambda m, x: x**2 * m.sin(1 / x),
           lambda m, x: 2 * x * m.sin(1 / x) - m.cos(1 / x), 0.003),
    each("a product of 50 factors", factors, factors_slope, [0.5, -0.3, 2.0]),
    each("legendre polynomial of degree 30", legendre, legendre_slope, [0.13, -0.6, 0.98], digits=1e-9),
    each("polynomial of degree 20 at 3", lambda m, x: x**20 - 5 * x**19 + x,
         lambda m, x: 20 * x**19 - 95 * x**18 + 1, [3.0, -2.5, 0.9]),
    each("wilkinson's (x - 1)⁷ expanded, near 1", lambda m, x: ((((((x - 7) * x + 21) * x - 35) * x + 35) * x - 21)
         * x + 7) * x - 1, lambda m, x: 7 * (x - 1) ** 6, [1.001, 1.3], PERHAPS, digits=1e-6),
    each("bessel's J0 by series", bessel, bessel_slope, [0.5, 2.2, 9.7], digits=1e-9),
    each("erf by series", error_function, lambda m, x: 2 / m.sqrt(m.pi + 0 * x) * m.exp(-x * x), [0.1, 1.1, 2.3],
         digits=1e-9),
    each("sine of sine, ten times", nested, nested_slope, [0.4, -2.0, 1.5]),
    each("runge's function", runge, lambda m, x: -50 * x / (1 + 25 * x * x) ** 2, [0.03, -0.2, 0.9]),
    each("a narrow peak from a distance", lambda m, x: m.exp(-((x - 0.5) / 1e-3) ** 2),
         lambda m, x: -2e6 * (x - 0.5) * m.exp(-((x - 0.5) / 1e-3) ** 2), [0.5003, 0.499, 0.4]),
    each("a fast ripple on a slow wave", lambda m, x: m.sin(x) + 1e-6 * m.sin(1e4 * x),
         lambda m, x: m.cos(x) + 1e-2 * m.cos(1e4 * x), [0.3, 1.2]),
    each("an exponential cut off by a gaussian", lambda m, x: m.exp(10 * x - x * x),
         lambda m, x: (10 - 2 * x) * m.exp(10 * x - x * x), [0.5, 4.0, 5.0, 12.0]),
    each("piecewise, away from the joints", lambda m, x: m.maximum(x, 2 * x - 1) + m.abs(x),
         lambda m, x: 1 + (m.sign(x - 1) + 1) / 2 + m.sign(x), [0.5, 1.5, -2.0, 1.0001]),
    each("a kink very near by", lambda m, x: m.maximum(x, 0 * x) * x, lambda m, x: m.maximum(x, 0 * x) * 2,
         [1e-8, -1e-8, 1e-3]),
    total("true zeros among ordinary entries", *power(2), [0.0, 1.0, 0.0, -2.0, 0.5]),
    each("slopes from 1e-5 to 1e5", *power(3), np.array([1e-3, 1.0, 1e2]) * 1.7),
    total("a constant function", lambda m, x: 3.0 + 0 * x, lambda m, x: 0 * x, SOME),
    total("3,000 inputs", lambda m, x: m.sin(x) * x, lambda m, x: m.sin(x) + x * m.cos(x), np.linspace(-3, 3, 3000)),
    total("a long sum of exponentials", *growth(1.0), np.linspace(-20, 5, 500), PERHAPS),
]  # fmt: skip
