"""Functions that no constant of the ladder was chosen on: it only has to meet them."""

from __future__ import annotations

import math
from typing import Any

from .scalar import Scalar

INF = math.inf
HALF_PI = math.pi / 2


def agm(m: Any, x: Any) -> Any:
    """The arithmetic-geometric mean of 1 and x."""
    a, g = x * 0 + 1, x
    for _ in range(12):
        a, g = (a + g) / 2, m.sqrt(a * g)
    return a


def legendre(m: Any, x: Any) -> Any:
    before, now = x * 0 + 1, x
    for n in range(1, 9):
        before, now = now, ((2 * n + 1) * x * now - n * before) / (n + 1)
    return now


def oscillator(m: Any, x: Any) -> Any:
    """A pendulum of stiffness x, stepped from time to time."""
    place, speed = x * 0 + 1, x * 0
    for _ in range(40):
        speed = speed - x * m.sin(place) / 20
        place = place + speed / 20
    return place


def lambert(m: Any, x: Any) -> Any:
    w = m.log(1 + x)
    for _ in range(50):
        e = m.exp(w)
        w = w - (w * e - x) / (e * (w + 1))
    return w


def softmax_of_three(m: Any, x: Any) -> Any:
    return m.exp(x) / (m.exp(x) + m.exp(2 * x - 1) + m.exp(x / 3))


def little_network(m: Any, x: Any) -> Any:
    first = [m.tanh(w * x + b) for w, b in ((0.7, 0.1), (-1.3, 0.4), (2.1, -0.8), (0.2, 1.5))]
    second = [m.tanh(sum((k - j) * h / 3 for j, h in enumerate(first))) for k in range(3)]
    return sum(second)


def trapezium(m: Any, x: Any) -> Any:
    """The integral of exp(-t²) from 0 to x, by 40 steps."""
    ends = (1 + m.exp(-x * x)) / 2
    return x / 40 * (ends + sum(m.exp(-((x * k / 40) ** 2)) for k in range(1, 40)))


def weierstrass(m: Any, x: Any) -> Any:
    return sum(m.cos(3**k * x) / 2**k for k in range(7))


def random_sum(m: Any, x: Any) -> Any:
    return sum(((7 * k) % 11 - 5) * m.sin((k + 1) * x) for k in range(30))


def planck(m: Any, x: Any) -> Any:
    return x**3 / m.expm1(x)


HELD_OUT = [
    Scalar("arithmetic-geometric mean", agm, (0.1, 5), (0, INF), (), 1e8),
    Scalar("Legendre polynomial 9", legendre, (-1, 1), special=(1.0, 0.0), largest=1e3),
    Scalar("pendulum", oscillator, (-2, 8), special=(0.0,), largest=100),
    Scalar("Lambert's function", lambert, (0.1, 5), (-0.3, INF), (), 1e6),
    Scalar("softmax", softmax_of_three, largest=200),
    Scalar("little network", little_network, largest=100),
    Scalar("integral", trapezium, special=(0.0,), largest=20),
    Scalar("Weierstrass, 7 terms", weierstrass, special=(0.0, math.pi)),
    Scalar("sum of 30 sines", random_sum),
    Scalar("Planck's law", planck, (0.1, 10), (0, INF), (2.8214393721,), 300),
    Scalar("asinh", lambda m, x: m.asinh(x), special=(0.0,), largest=1e15),
    Scalar("acosh", lambda m, x: m.acosh(x), (1.1, 5), (1, INF), (), 1e15),
    Scalar("atanh", lambda m, x: m.atanh(x), (-0.9, 0.9), (-1, 1)),
    Scalar("cube root", lambda m, x: m.cbrt(x), (0.1, 5), (0, INF), (), 1e100),
    Scalar("log gamma", lambda m, x: m.log(m.gamma(x)), (0.5, 8), (0, INF), (1.4616321,), 150),
    Scalar("cotangent", lambda m, x: m.cos(x) / m.sin(x), (0.2, 3), special=(math.pi,), largest=100),
    Scalar("secant", lambda m, x: 1 / m.cos(x), (-1.4, 1.4), special=(0.0, HALF_PI), largest=100),
    Scalar("mish", lambda m, x: x * m.tanh(m.log1p(m.exp(x))), special=(-1.1924,), largest=300),
    Scalar("elu, smooth part", lambda m, x: m.expm1(x) + x, largest=100),
    Scalar("log sigmoid", lambda m, x: -m.log1p(m.exp(-x)), largest=300),
    Scalar("binary entropy", lambda m, x: -x * m.log(x) - (1 - x) * m.log1p(-x), (0.05, 0.95), (0, 1), (0.5,)),
    Scalar("log of log", lambda m, x: m.log(m.log(x)), (1.2, 10), (1, INF), (), 1e200),
    Scalar("root of root", lambda m, x: m.sqrt(1 + m.sqrt(x)), (0.1, 5), (0, INF), (), 1e100),
    Scalar("hypotenuse", lambda m, x: m.sqrt(3 + x * x), special=(0.0,), largest=1e100),
    Scalar("inverse square", lambda m, x: 1 / (x * x), special=(0.5,), largest=1e60),
    Scalar("Lennard-Jones", lambda m, x: x**-12 - x**-6, (0.8, 3), (0, INF), (2 ** (1 / 6),), 1e5),
    Scalar("Morse potential", lambda m, x: (1 - m.exp(-2 * (x - 1))) ** 2, special=(1.0,), largest=100),
    Scalar("Yukawa", lambda m, x: m.exp(-x) / x, (0.1, 5), (0, INF), (), 300),
    Scalar("damped wave", lambda m, x: m.exp(-x) * m.cos(20 * x), special=(0.0,), largest=100),
    Scalar("carrier", lambda m, x: (1 + 0.1 * m.sin(x)) * m.cos(500 * x)),
    Scalar("sine of exp", lambda m, x: m.sin(m.exp(x)), (-3, 5), largest=10),
    Scalar("exp of exp", lambda m, x: m.exp(-m.exp(-x)), special=(0.0,), largest=200),
    Scalar("sine squared", lambda m, x: m.sin(x) ** 2, special=(0.0, HALF_PI), largest=1e5),
    Scalar("sine of square", lambda m, x: m.sin(x * x), special=(0.0,), largest=100),
    Scalar("product of roots", lambda m, x: (x - 1) * (x - 2) * (x - 3) * (x - 4), (0, 5), special=(2.5, 1.0)),
    Scalar("Wilkinson's 12", lambda m, x: math.prod([x - k for k in range(1, 13)]), (0, 13), special=(6.5,)),
    Scalar("expanded power", lambda m, x: x**3 - 3 * x**2 + 3 * x - 1, (0, 2), special=(1.0,), largest=1e5),
    Scalar("minus a near one", lambda m, x: m.sqrt(x + 1) - m.sqrt(x), (0.1, 5), (0, INF), (), 1e12),
    Scalar("exp less its tangent", lambda m, x: m.exp(x) - 1 - x, special=(0.0,), largest=100),
    Scalar("Celsius", lambda m, x: 1e3 / (x + 273.15), (-50, 50), largest=200),
    Scalar("date", lambda m, x: m.sin((x - 2459000.5) / 10), (2458900, 2459100), largest=10),
    Scalar("nano", lambda m, x: m.exp(1e9 * x), (-3e-9, 3e-9), special=(0.0, 1e-9), largest=1.01),
    Scalar("giga", lambda m, x: m.sin(1e-9 * x), (-3e9, 3e9), largest=1e10),
    Scalar("nano scale of values", lambda m, x: 1e-9 * m.exp(-x) * x),
    Scalar("giga offset", lambda m, x: 1e9 + m.atan(x), largest=100),
    Scalar("Lorentz line", lambda m, x: 1 / (1 + ((x - 1) / 1e-4) ** 2), (0.999, 1.001), special=(1.0,)),
    Scalar("Fermi step", lambda m, x: 1 / (1 + m.exp((x - 1) * 500)), (0.98, 1.02), special=(1.0,), largest=2),
    Scalar("nearly a kink", lambda m, x: m.log1p(m.exp(200 * x)) / 200, (-0.1, 0.1), special=(0.0,)),
    Scalar("nearly a sign", lambda m, x: x / m.sqrt(x * x + 1e-6), (-0.01, 0.01), special=(0.0,)),
    Scalar("rounded corner", lambda m, x: m.sqrt((x - 0.3) ** 2 + 1e-12), (0.299, 0.301), special=(0.3,)),
    Scalar("power 7/3", lambda m, x: x**2.3333, (0.1, 5), (0, INF), (), 1e60),
    Scalar("power -1/3", lambda m, x: x**-0.3333, (0.1, 5), (0, INF), (), 1e100),
    Scalar("two to the x", lambda m, x: 2**x, special=(0.0,), largest=1000),
    Scalar("x to the sine", lambda m, x: x ** m.sin(x), (0.2, 6), (0, INF), (), 50),
    Scalar("Moebius", lambda m, x: (3 * x - 1) / (x + 2), special=(-2.0,), largest=1e10),
    Scalar("Pade of exp", lambda m, x: (12 + 6 * x + x * x) / (12 - 6 * x + x * x), special=(3.46,), largest=1e6),
    Scalar("Gaussian times Hermite", lambda m, x: (4 * x * x - 2) * m.exp(-x * x / 2), special=(0.0,), largest=20),
    Scalar("tail of the normal", lambda m, x: m.erfc(x / m.sqrt(2)) / 2, (-3, 5), largest=25),
    Scalar("log of erfc", lambda m, x: m.log(m.erfc(x)), (-3, 5), largest=20),
    Scalar("angle", lambda m, x: m.atan2(x, 3 - x * x), special=(0.0,), largest=1e6),
    Scalar("cosine of arc", lambda m, x: m.cos(9 * m.acos(x)), (-0.9, 0.9), (-1, 1), (0.5,)),
    Scalar("versine", lambda m, x: 1 - m.cos(x), special=(0.0,), largest=1e3),
    Scalar("half sine squared", lambda m, x: 2 * m.sin(x / 2) ** 2, special=(0.0, math.pi), largest=1e3),
    Scalar("sine minus x", lambda m, x: m.sin(x) - x, special=(0.0,), largest=100),
    Scalar("Hill's curve", lambda m, x: x**4 / (0.2 + x**4), (0.1, 2), (0, INF), (0.67,), 1e6),
]
