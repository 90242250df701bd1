"""The functions that the constants of the ladder were chosen on."""

from __future__ import annotations

import math
from typing import Any

from .scalar import Scalar

INF = math.inf


def logistic_map(m: Any, x: Any) -> Any:
    for _ in range(5):
        x = 3.7 * x * (1 - x)
    return x


def horner(m: Any, x: Any) -> Any:
    total = x * 0
    for c in (3, -7, 2, 5, -1, 4, -6, 1):
        total = total * x + c
    return total


def newton_root(m: Any, x: Any) -> Any:
    y = x * 0 + 1
    for _ in range(60):
        y = y - (y * y * y + y - x) / (3 * y * y + 1)
    return y


def bessel(m: Any, x: Any) -> Any:
    """J0 by the trapezium rule, which is exact here up to sizes of about 30."""
    return sum(m.cos(x * m.sin(2 * m.pi * k / 80)) for k in range(80)) / 80


def fraction(m: Any, x: Any) -> Any:
    total = x * 0
    for k in range(12, 0, -1):
        total = k * x / (1 + total)
    return total


def series(m: Any, x: Any) -> Any:
    total, term = x * 0, x * 0 + 1
    for k in range(1, 60):
        term = term * x / k
        total = total + term
    return total


TUNED = [
    Scalar("sin", lambda m, x: m.sin(x), special=(m_half := math.pi / 2,), largest=1e8),
    Scalar("cos", lambda m, x: m.cos(x), special=(0.0, math.pi), largest=1e6),
    Scalar("tan", lambda m, x: m.tan(x), special=(m_half, -m_half), largest=1e3),
    Scalar("exp", lambda m, x: m.exp(x), largest=700),
    Scalar("exp 30 x", lambda m, x: m.exp(30 * x), largest=20),
    Scalar("log", lambda m, x: m.log(x), (0.1, 5), (0, INF), (1.0,), 1e300),
    Scalar("sqrt", lambda m, x: m.sqrt(x), (0.1, 5), (0, INF), (), 1e300),
    Scalar("reciprocal", lambda m, x: 1 / x, special=(0.0,), largest=1e100),
    Scalar("square", lambda m, x: x * x, special=(0.0,), largest=1e100),
    Scalar("cube", lambda m, x: x**3, special=(0.0,), largest=1e90),
    Scalar("x to the 20", lambda m, x: x**20, largest=1e9),
    Scalar("tanh", lambda m, x: m.tanh(x), largest=300),
    Scalar("sinh", lambda m, x: m.sinh(x), largest=500),
    Scalar("cosh", lambda m, x: m.cosh(x), special=(0.0,), largest=500),
    Scalar("atan", lambda m, x: m.atan(x), largest=1e12),
    Scalar("asin", lambda m, x: m.asin(x), (-0.9, 0.9), (-1, 1)),
    Scalar("acos", lambda m, x: m.acos(x), (-0.9, 0.9), (-1, 1)),
    Scalar("log1p", lambda m, x: m.log1p(x), (-0.9, 5), (-1, INF), (), 1e30),
    Scalar("expm1", lambda m, x: m.expm1(x), largest=700),
    Scalar("sin 300 x", lambda m, x: m.sin(300 * x), special=(math.pi / 600,)),
    Scalar("sin of 1/x", lambda m, x: m.sin(1 / x), special=(0.3,), largest=1e9),
    Scalar("sigmoid", lambda m, x: 1 / (1 + m.exp(-x)), largest=700),
    Scalar("softplus", lambda m, x: m.log1p(m.exp(x)), largest=700),
    Scalar("gaussian", lambda m, x: m.exp(-x * x / 2), special=(0.0,), largest=30),
    Scalar("narrow peak", lambda m, x: 1 / (1 + 1e6 * x * x), (-0.01, 0.01), special=(0.0,)),
    Scalar("runge", lambda m, x: 1 / (1 + 25 * x * x), special=(0.0,), largest=1e6),
    Scalar("logistic map", logistic_map, (0.05, 0.95), (-0.5, 1.5), (0.5,), 2),
    Scalar("polynomial", horner, special=(1.0, 0.5), largest=1e6),
    Scalar("root by Newton", newton_root, largest=1e4),
    Scalar("J0", bessel, (-15, 15), (-20, 20), (0.0, 3.8317), 20),
    Scalar("continued fraction", fraction, (0.1, 5), (0, INF), (), 1e6),
    Scalar("exponential series", series, (-3, 5), (-20, 20), (), 15),
    Scalar("gamma", lambda m, x: m.gamma(x), (0.5, 8), (0, INF), (1.4616321,), 150),
    Scalar("erf", lambda m, x: m.erf(x), largest=20),
    Scalar("erfc", lambda m, x: m.erfc(x), largest=20),
    Scalar("x exp -x", lambda m, x: x * m.exp(-x), special=(1.0,), largest=300),
    Scalar("x log x", lambda m, x: x * m.log(x), (0.1, 5), (0, INF), (math.exp(-1),), 1e100),
    Scalar("offset", lambda m, x: m.sin(x) + 1e6),
    Scalar("great offset", lambda m, x: m.exp(x) - 1e10, largest=10),
    Scalar("tiny scale", lambda m, x: 1e-12 * m.sin(3 * x)),
    Scalar("huge scale", lambda m, x: 1e12 * m.cos(2 * x) * x),
    Scalar("difference of squares", lambda m, x: (x + 1e4) ** 2 - (x - 1e4) ** 2),
    Scalar("cancelling cosine", lambda m, x: (1 - m.cos(x)) / (x * x), special=(0.1,)),
    Scalar("sinc", lambda m, x: m.sin(x) / x, special=(4.4934,), largest=1e4),
    Scalar("distance", lambda m, x: m.sqrt(x * x + 1e-8), (-1e-3, 1e-3), special=(0.0,), largest=1e6),
    Scalar("smooth step", lambda m, x: m.tanh(1e4 * (x - 0.5)), (0.499, 0.501), special=(0.5,)),
    Scalar("chirp", lambda m, x: m.cos(x * x * x), largest=30),
    Scalar("two scales", lambda m, x: m.sin(x) + 1e-3 * m.sin(1e3 * x)),
    Scalar("far two scales", lambda m, x: m.sin(x) + 1e-9 * m.sin(1e5 * x)),
    Scalar("beat", lambda m, x: m.sin(50 * x) * m.sin(51 * x)),
    Scalar("logit", lambda m, x: m.log(x / (1 - x)), (0.05, 0.95), (0, 1)),
    Scalar("power 0.3", lambda m, x: x**0.3, (0.1, 5), (0, INF), (), 1e100),
    Scalar("power -2.5", lambda m, x: x**-2.5, (0.1, 5), (0, INF), (), 1e60),
    Scalar("x to the x", lambda m, x: x**x, (0.1, 3), (0, INF), (math.exp(-1),), 100),
    Scalar("steep valley", lambda m, x: (x * x - 2) ** 2, special=(math.sqrt(2), 0.0), largest=1e4),
    Scalar("constant plus little", lambda m, x: 1 + 1e-10 * x * x),
    Scalar("rational", lambda m, x: (x**3 - x) / (x * x + x + 1), special=(1.0,), largest=1e8),
    Scalar("quotient with poles", lambda m, x: x / (x * x - 1), special=(1.0, -1.0), largest=1e6),
    Scalar("log of cos", lambda m, x: m.log(m.cos(x)), (-1.5, 1.5), (-m_half, m_half), (0.0,)),
    Scalar("exp of sin", lambda m, x: m.exp(m.sin(10 * x)), special=(math.pi / 20,)),
    Scalar("swish", lambda m, x: x / (1 + m.exp(-x)), special=(-1.27846,), largest=500),
    Scalar("gelu", lambda m, x: x * (1 + m.erf(x / m.sqrt(2))) / 2, special=(-0.7518,), largest=30),
    Scalar("log cosh", lambda m, x: m.log(m.cosh(x)), special=(0.0,), largest=700),
    Scalar("bump", lambda m, x: m.exp(-1 / (1 - x * x)), (-0.9, 0.9), (-1, 1), (0.0,)),
]
