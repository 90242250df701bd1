"""Functions of one float with their derivatives by mpmath, to be met at all magnitudes.

`f` is written for floats, as people write it, with its rounding errors and cancellations; `slope` takes an mpf.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp

from minigrad.check.numeric.derivative import Estimate

TINY = 2.0**-1022


@dataclass(frozen=True)
class Function:
    """A function, its slope, and where it is defined."""

    name: str
    f: Callable[[float], float]
    slope: Callable[[Any], Any]
    low: float = -math.inf
    high: float = math.inf

    def points(self, count: int) -> list[float]:
        """Points where f and its slope are floats, the same each time; half of them of size 1e-3 to 1e3."""
        rng, found = np.random.default_rng(sum(map(ord, self.name))), list[float]()
        while len(found) < count:
            decades = 3 if len(found) % 2 else 300
            x = float(rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-decades, decades))
            if self.low >= 0:
                x = abs(x)
            if math.isfinite(self.high) and abs(x) > abs(self.high):
                x = 1 / x  # a point inside, and as many close to 0
            if rng.random() < 0.1:
                ends = [end for end in (self.low, self.high, 0.0, 1.0) if math.isfinite(end)]
                x = float(rng.choice(ends)) + x  # close to where something happens
            if self._fits(x):
                found.append(x)
        return found

    def _fits(self, x: float) -> bool:
        try:
            return self.low < x < self.high and math.isfinite(self.f(x)) and math.isfinite(float(self.truth(x)))
        except (ArithmeticError, ValueError):
            return False

    def truth(self, x: float) -> Any:
        """The slope, to at least 50 digits."""
        with mp.workdps(60 + int(2 * abs(math.log10(abs(x) or 1.0)))):
            return +self.slope(mp.mpf(x))


@dataclass(frozen=True)
class Bar:
    """A measured slope beside the truth: whether there is a bar, whether it holds, and how wide it is."""

    function: Function
    x: float
    found: Estimate
    truth: Any

    @property
    def known(self) -> bool:
        """Whether it claims anything."""
        return math.isfinite(float(self.found.error)) and math.isfinite(float(self.found.value))

    @property
    def holds(self) -> bool:
        """Whether it contains the truth; what underflows to 0 is known to be that small."""
        return bool(abs(mp.mpf(float(self.found.value)) - self.truth) <= mp.mpf(float(self.found.error)) + TINY)

    @property
    def width(self) -> float:
        """Relative to the truth."""
        return float(self.found.error / abs(self.truth)) if self.truth else math.inf

    def __str__(self) -> str:
        """The numbers."""
        miss = float(abs(mp.mpf(float(self.found.value)) - self.truth))
        return f"{self.function.name} at {self.x!r}: {self.found}, truth {float(self.truth)!r}, off by {miss:.2g}"


def smooth_step(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else math.exp(x)


def entropy(x: float) -> float:
    return -(x * math.log(x) + (1 - x) * math.log1p(-x))


def log_cosh(x: float) -> float:
    return math.log(math.cosh(x))


FUNCTIONS = [
    Function("sin", math.sin, mp.cos),
    Function("cos", math.cos, lambda x: -mp.sin(x)),
    Function("tan", math.tan, lambda x: mp.sec(x) ** 2),
    Function("exp", math.exp, mp.exp),
    Function("expm1", math.expm1, mp.exp),
    Function("log", math.log, lambda x: 1 / x, 0.0),
    Function("log1p", math.log1p, lambda x: 1 / (1 + x), -1.0),
    Function("log2", math.log2, lambda x: 1 / (x * mp.log(2)), 0.0),
    Function("sqrt", math.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), 0.0),
    Function("cbrt", math.cbrt, lambda x: 1 / (3 * mp.cbrt(abs(x)) ** 2)),
    Function("x^2", lambda x: x * x, lambda x: 2 * x),
    Function("x^3", lambda x: x * x * x, lambda x: 3 * x * x),
    Function("x^5", lambda x: x**5, lambda x: 5 * x**4),
    Function("x^10", lambda x: x**10, lambda x: 10 * x**9),
    Function("1/x", lambda x: 1 / x, lambda x: -1 / (x * x)),
    Function("1/x^2", lambda x: 1 / (x * x), lambda x: -2 / x**3),
    Function("x^1.5", lambda x: x**1.5, lambda x: 1.5 * mp.sqrt(x), 0.0),
    Function("x^0.3", lambda x: x**0.3, lambda x: mp.mpf(0.3) * x ** (mp.mpf(0.3) - 1), 0.0),
    Function("sinh", math.sinh, mp.cosh),
    Function("cosh", math.cosh, mp.sinh),
    Function("tanh", math.tanh, lambda x: mp.sech(x) ** 2),
    Function("asinh", math.asinh, lambda x: 1 / mp.sqrt(1 + x * x)),
    Function("acosh", math.acosh, lambda x: 1 / mp.sqrt(x * x - 1), 1.0),
    Function("atanh", math.atanh, lambda x: 1 / (1 - x * x), -1.0, 1.0),
    Function("asin", math.asin, lambda x: 1 / mp.sqrt(1 - x * x), -1.0, 1.0),
    Function("acos", math.acos, lambda x: -1 / mp.sqrt(1 - x * x), -1.0, 1.0),
    Function("atan", math.atan, lambda x: 1 / (1 + x * x)),
    Function("erf", math.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
    Function("erfc", math.erfc, lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
    Function("lgamma", math.lgamma, mp.digamma, 0.0, 1e15),
    Function("sigmoid", smooth_step, lambda x: mp.exp(-abs(x)) / (1 + mp.exp(-abs(x))) ** 2),
    Function("log1p(exp(x))", lambda x: math.log1p(math.exp(x)), lambda x: 1 / (1 + mp.exp(-x))),
    Function("exp(-x^2)", lambda x: math.exp(-x * x), lambda x: -2 * x * mp.exp(-x * x)),
    Function("x log x", lambda x: x * math.log(x), lambda x: mp.log(x) + 1, 0.0),
    Function("entropy", entropy, lambda x: mp.log(1 - x) - mp.log(x), 0.0, 1.0),
    Function("sin(x)/x", lambda x: math.sin(x) / x, lambda x: (x * mp.cos(x) - mp.sin(x)) / x**2),
    Function("1/(1 + x^2)", lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2),
    Function("exp(x) - 1", lambda x: math.exp(x) - 1, mp.exp),
    Function("1 - cos(x)", lambda x: 1 - math.cos(x), mp.sin),
    Function("log cosh", log_cosh, mp.tanh),
    Function("x exp(-x)", lambda x: x * math.exp(-x), lambda x: (1 - x) * mp.exp(-x)),
    Function("sin(1/x)", lambda x: math.sin(1 / x), lambda x: -mp.cos(1 / x) / x**2),
    Function("exp(sin(x))", lambda x: math.exp(math.sin(x)), lambda x: mp.cos(x) * mp.exp(mp.sin(x))),
    Function("(x^3 - 2x + 1)/(x^2 + 1)", lambda x: (x**3 - 2 * x + 1) / (x * x + 1),
             lambda x: (x**4 + 5 * x**2 - 2 * x - 2) / (x * x + 1) ** 2),
]  # fmt: skip
