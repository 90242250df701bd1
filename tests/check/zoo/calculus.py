"""Functions of calculus and physics: chain factors, units, steps of integrators, interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case, Subject, normal, positive, scaled_at

W6 = normal(401, 6)
DEGREE = np.pi / 180


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_grad(x: Any) -> Any:
    r = x[1:] - x[:-1] ** 2
    d = np.zeros_like(x)
    d[:-1] = -400 * x[:-1] * r - 2 * (1 - x[:-1])
    d[1:] += 200 * r
    return d


def rosenbrock_without_neighbours(x: Any) -> Any:
    d = np.zeros_like(x)
    d[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    return d


def rosenbrock_overwrites(x: Any) -> Any:
    """The second contribution assigned, not added."""
    r = x[1:] - x[:-1] ** 2
    d = np.zeros_like(x)
    d[1:] = 200 * r
    d[:-1] = -400 * x[:-1] * r - 2 * (1 - x[:-1])
    return d


ROSENBROCK = Subject("rosenbrock", rosenbrock, (normal(402, 6),), "grad", rosenbrock_grad)


def degrees(x: Any) -> Any:
    return np.sum(W6 * np.sin(x * DEGREE))


DEGREES = Subject("sine of degrees", degrees, (np.array([10.0, 35.0, 50.0, 75.0, 110.0, 200.0]),), "grad",
                  lambda x: W6 * np.cos(x * DEGREE) * DEGREE)  # fmt: skip


def kinetic(m: Any, v: Any) -> Any:
    """Energy in joule of masses in gram at km/h."""
    return 0.5 * np.sum(m / 1000 * (v / 3.6) ** 2)


KINETIC = Subject("kinetic energy", kinetic, (200 * positive(403, 3), 90 * positive(404, 3)), "grad",
                  lambda m, v: (0.5 * (v / 3.6) ** 2 / 1000, m / 1000 * v / 3.6**2))  # fmt: skip


def chain(x: Any) -> Any:
    return np.sum(W6 * np.exp(np.sin(x * x)))


def chain_grad(x: Any) -> Any:
    return W6 * np.exp(np.sin(x * x)) * np.cos(x * x) * 2 * x


CHAIN = Subject("exp of sin of a square", chain, (positive(405, 6),), "grad", chain_grad)


def product_rule(x: Any) -> Any:
    return x * x * np.sin(x)


PRODUCT_RULE = Subject("x² sin x", product_rule, (positive(406, 5),), "vjp",
                       lambda g, x: g * (2 * x * np.sin(x) + x * x * np.cos(x)))  # fmt: skip


def quotient(x: Any, y: Any) -> Any:
    return x / y


QUOTIENT = Subject("quotient", quotient, (normal(407, 5), positive(408, 5)), "vjp",
                   lambda g, x, y: (g / y, -g * x / y**2))  # fmt: skip


def power(x: Any, p: Any) -> Any:
    return x**p


POWER = Subject("power", power, (positive(409, 5), 2 + positive(410, 5)), "vjp",
                lambda g, x, p: (g * p * x ** (p - 1), g * x**p * np.log(x)))  # fmt: skip

HORNER = np.array([0.5, -1.2, 0.7, 2.0, -0.3])


def polynomial(x: Any) -> Any:
    y = 0.0
    for c in HORNER:
        y = y * x + c
    return y


def polynomial_vjp(g: Any, x: Any) -> Any:
    return g * np.polyval(np.polyder(HORNER), x)


POLYNOMIAL = Subject("polynomial", polynomial, (normal(411, 4),), "vjp", polynomial_vjp)

KNOTS, HEIGHTS = np.array([0.0, 0.8, 2.5, 3.0, 5.0]), np.array([1.0, -0.5, 2.0, 2.2, -1.0])


def interpolate(x: Any) -> Any:
    """Linear interpolation of HEIGHTS over KNOTS."""
    i = np.searchsorted(KNOTS, x) - 1
    return HEIGHTS[i] + (x - KNOTS[i]) * np.diff(HEIGHTS)[i] / np.diff(KNOTS)[i]


def interpolate_vjp(g: Any, x: Any) -> Any:
    i = np.searchsorted(KNOTS, x) - 1
    return g * np.diff(HEIGHTS)[i] / np.diff(KNOTS)[i]


INTERPOLATE = Subject("interpolation", interpolate, (np.array([0.4, 1.7, 2.7, 4.1]),), "vjp", interpolate_vjp)


def euler(y: Any, k: Any) -> Any:
    """Ten steps of 0.1 of y' = -k y²."""
    for _ in range(10):
        y = y - 0.1 * k * y * y
    return y


def euler_vjp(g: Any, y: Any, k: Any) -> Any:
    states = [y]
    for _ in range(10):
        states.append(states[-1] - 0.1 * k * states[-1] ** 2)
    dk = np.zeros_like(k)
    for s in states[-2::-1]:
        dk = dk - 0.1 * g * s * s
        g = g * (1 - 0.2 * k * s)
    return g, dk


def continuous_vjp(g: Any, y: Any, k: Any) -> Any:
    """The derivative of the exact solution y / (1 + k y), not of the steps."""
    return g / (1 + k * y) ** 2, -g * y * y / (1 + k * y) ** 2


EULER = Subject("euler steps", euler, (positive(412, 3), positive(413, 3)), "vjp", euler_vjp)


def verlet(q: Any, p: Any) -> Any:
    """Energy after one leapfrog step of a pendulum."""
    half = p - 0.05 * np.sin(q)
    q = q + 0.1 * half
    p = half - 0.05 * np.sin(q)
    return np.sum(0.5 * p * p - np.cos(q))


def verlet_grad(q: Any, p: Any) -> Any:
    half = p - 0.05 * np.sin(q)
    q1 = q + 0.1 * half
    p1 = half - 0.05 * np.sin(q1)
    dq1 = np.sin(q1) - 0.05 * np.cos(q1) * p1
    dhalf = p1 + 0.1 * dq1
    return dq1 - 0.05 * np.cos(q) * dhalf, dhalf


def verlet_forgets_the_force(q: Any, p: Any) -> Any:
    half = p - 0.05 * np.sin(q)
    q1 = q + 0.1 * half
    p1 = half - 0.05 * np.sin(q1)
    dq1 = np.sin(q1)
    dhalf = p1 + 0.1 * dq1
    return dq1 - 0.05 * np.cos(q) * dhalf, dhalf


VERLET = Subject("leapfrog step", verlet, (normal(414, 3), normal(415, 3)), "grad", verlet_grad)


def lennard_jones(r: Any) -> Any:
    return np.sum(4 * (r**-12 - r**-6))


LENNARD_JONES = Subject("lennard-jones", lennard_jones, (1 + 0.3 * positive(416, 4),), "grad",
                        lambda r: 4 * (-12 * r**-13 + 6 * r**-7))  # fmt: skip


def arrhenius(a: Any, e: Any) -> Any:
    """Rate constants at 300 K; energies in kJ/mol."""
    return a * np.exp(-e / (0.008314 * 300))


ARRHENIUS = Subject("arrhenius", arrhenius, (positive(417, 4), 2 * positive(418, 4)), "vjp",
                    lambda g, a, e: (g * np.exp(-e / 2.4942), -g * a * np.exp(-e / 2.4942) / 2.4942))  # fmt: skip


def haversine(lat: Any, lon: Any) -> Any:
    """Cosine of the angle to a fixed place, degrees in."""
    a, b = lat * DEGREE, lon * DEGREE
    return np.sum(W6 * (np.sin(a) * 0.6 + np.cos(a) * 0.8 * np.cos(b - 0.3)))


def haversine_grad(lat: Any, lon: Any) -> Any:
    a, b = lat * DEGREE, lon * DEGREE
    return (W6 * (np.cos(a) * 0.6 - np.sin(a) * 0.8 * np.cos(b - 0.3)) * DEGREE,
            -W6 * np.cos(a) * 0.8 * np.sin(b - 0.3) * DEGREE)  # fmt: skip


HAVERSINE = Subject(
    "angle on a sphere", haversine, (50 * normal(419, 6), 60 * normal(420, 6)), "grad", haversine_grad
)


def tanh_elements(x: Any) -> Any:
    return np.tanh(x)


TANH = Subject("tanh", tanh_elements, (normal(421, 6),), "vjp", lambda g, x: g * (1 - np.tanh(x) ** 2))


def sigmoid_elements(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


SIGMOID = Subject("sigmoid", sigmoid_elements, (normal(422, 6),), "vjp",
                  lambda g, x: g * sigmoid_elements(x) * (1 - sigmoid_elements(x)))  # fmt: skip


def log_elements(x: Any) -> Any:
    return np.log(x)


LOG = Subject("log", log_elements, (positive(423, 6),), "vjp", lambda g, x: g / x)


def sqrt_elements(x: Any) -> Any:
    return np.sqrt(x)


SQRT = Subject("sqrt", sqrt_elements, (positive(424, 6),), "vjp", lambda g, x: g / (2 * np.sqrt(x)))

SUBJECTS = [
    ROSENBROCK, DEGREES, KINETIC, CHAIN, PRODUCT_RULE, QUOTIENT, POWER, POLYNOMIAL, INTERPOLATE, EULER, VERLET,
    LENNARD_JONES, ARRHENIUS, HAVERSINE, TANH, SIGMOID, LOG, SQRT,
]  # fmt: skip

MISTAKES: list[Case] = [
    ROSENBROCK.wrong("what the left neighbour gives left out", "missing term", rosenbrock_without_neighbours, deep=True),
    ROSENBROCK.wrong("contributions assigned, not added", "entries", rosenbrock_overwrites),
    ROSENBROCK.slip("the last entry", "entries", scaled_at((5,), 2), index=(5,)),
    ROSENBROCK.slip("shifted by one", "rolled", lambda d: np.roll(d, -1)),
    ROSENBROCK.slip("one part in a million in one entry", "entries", scaled_at((2,), 1 + 1e-6), index=(2,)),
    DEGREES.slip("as if radians", "factor", lambda d: d / DEGREE),
    DEGREES.slip("converted twice", "factor", lambda d: d * DEGREE),
    DEGREES.wrong("sine for cosine", "wrong", lambda x: W6 * np.sin(x * DEGREE) * DEGREE),
    DEGREES.wrong("the cosine of degrees", "wrong", lambda x: W6 * np.cos(x) * DEGREE),
    KINETIC.slip("the unit of speed left out once", "factor", lambda d: d * 3.6, at=1),
    KINETIC.slip("grams", "factor", lambda d: d * 1000),
    KINETIC.slip("the half kept in the derivative", "factor", lambda d: d / 2, at=1),
    CHAIN.wrong("the inner derivative left out", "missing factor",
                lambda x: W6 * np.exp(np.sin(x * x)) * np.cos(x * x)),
    CHAIN.slip("x of the inner derivative left out", "missing factor", lambda d, x: d / x),
    CHAIN.wrong("the cosine left out", "missing factor", lambda x: W6 * np.exp(np.sin(x * x)) * 2 * x, deep=True),
    PRODUCT_RULE.wrong("the first term only", "missing term", lambda g, x: g * 2 * x * np.sin(x), deep=True),
    PRODUCT_RULE.wrong("the second term only", "missing term", lambda g, x: g * x * x * np.cos(x)),
    PRODUCT_RULE.wrong("a product of derivatives", "wrong", lambda g, x: g * 2 * x * np.cos(x)),
    QUOTIENT.slip("the denominator not squared", "missing factor", lambda d, g, x, y: d * y, at=1),
    QUOTIENT.slip("the sign of the denominator", "sign", lambda d: -d, at=1),
    QUOTIENT.slip("the numerator missing", "missing factor", lambda d, g, x, y: -g / y**2, at=1),
    QUOTIENT.slip("the denominator missing", "missing factor", lambda d, g, x, y: g.copy()),
    POWER.slip("the exponent not lowered", "missing factor", lambda d, g, x, p: d * x),
    POWER.slip("the exponent's factor left out", "missing factor", lambda d, g, x, p: d / p),
    POWER.slip("the log left out", "missing factor", lambda d, g, x, p: g * x**p, at=1),
    POWER.slip("the exponent detached", "zero", lambda d: d * 0, at=1),
    POLYNOMIAL.wrong("the constant term differentiated as well", "missing term",
                     lambda g, x: g * (np.polyval(np.polyder(HORNER), x) + HORNER[-1])),
    POLYNOMIAL.wrong("the coefficients in the other order", "wrong",
                     lambda g, x: g * np.polyval(np.polyder(HORNER[::-1]), x)),
    POLYNOMIAL.wrong("not lowered by one", "missing factor",
                     lambda g, x: g * x * np.polyval(np.polyder(HORNER), x)),
    INTERPOLATE.wrong("the distance of the knots left out", "wrong",
                      lambda g, x: g * np.diff(HEIGHTS)[np.searchsorted(KNOTS, x) - 1]),
    INTERPOLATE.wrong("the slope of the next piece", "wrong",
                      lambda g, x: g * np.roll(np.diff(HEIGHTS) / np.diff(KNOTS), -1)[np.searchsorted(KNOTS, x) - 1]),
    INTERPOLATE.wrong("flat", "zero", lambda g, x: np.zeros_like(x)),
    EULER.wrong("of the exact solution, not of the steps", "wrong", continuous_vjp),
    EULER.slip("of one step in place of ten", "wrong", lambda d, g, y, k: g * (1 - 0.2 * k * y)),
    EULER.slip("the step left out", "factor", lambda d: d * 10, at=1),
    EULER.slip("the rate's sign", "sign", lambda d: -d, at=1),
    VERLET.wrong("the second kick's dependence left out", "missing term", verlet_forgets_the_force, deep=True),
    VERLET.wrong("place and momentum exchanged", "swapped", lambda q, p: verlet_grad(q, p)[::-1], at=None),
    VERLET.slip("the force, not the gradient", "sign", lambda d: -d),
    LENNARD_JONES.slip("the force, not the gradient", "sign", lambda d: -d),
    LENNARD_JONES.wrong("the attraction left out", "missing term", lambda r: -48 * r**-13.0, deep=True),
    LENNARD_JONES.slip("a power too many", "missing factor", lambda d, r: d / r),
    ARRHENIUS.slip("energies in J/mol", "factor", lambda d: d / 1000, at=1),
    ARRHENIUS.slip("the prefactor left out", "missing factor", lambda d, g, a, e: d / a, at=1),
    ARRHENIUS.slip("one part in ten million", "factor", lambda d: d * (1 - 1e-7)),
    HAVERSINE.slip("latitude as if radians", "factor", lambda d: d / DEGREE),
    HAVERSINE.wrong("latitude and longitude exchanged", "swapped", lambda a, b: haversine_grad(a, b)[::-1], at=None),
    HAVERSINE.slip("the cosine of the latitude left out", "missing factor",
                   lambda d, a, b: d / np.cos(a * DEGREE), at=1, deep=True),
    TANH.wrong("the slope left out", "missing factor", lambda g, x: g.copy()),
    TANH.wrong("the output not squared", "missing factor", lambda g, x: g * (1 - np.tanh(x))),
    TANH.wrong("of the input, not the output", "missing factor", lambda g, x: g * (1 - x * x)),
    SIGMOID.wrong("y forgotten in y (1 - y)", "missing factor", lambda g, x: g * (1 - sigmoid_elements(x))),
    SIGMOID.wrong("y (1 - y) forgotten", "missing factor", lambda g, x: g.copy()),
    SIGMOID.wrong("as of tanh", "wrong", lambda g, x: g * (1 - sigmoid_elements(x) ** 2)),
    LOG.wrong("multiplied in place of divided", "missing factor", lambda g, x: g * x),
    LOG.wrong("the log itself", "wrong", lambda g, x: g * np.log(x)),
    SQRT.wrong("the half left out", "factor", lambda g, x: g / np.sqrt(x)),
    SQRT.wrong("multiplied in place of divided", "missing factor", lambda g, x: g * np.sqrt(x) / 2),
]  # fmt: skip
