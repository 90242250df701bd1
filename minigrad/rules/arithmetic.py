"""Python's own operators: + - * / // % ** and the signs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import diagonal, op, piecewise_constant
from ..engine.sampling import NONZERO, OVER_ONE, POSITIVE, REAL, UNEVEN, Call, Domain, Draw
from .limits import bounded


def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    if not isinstance(b, (int, float)):
        power = bounded(a) ** (b - 1)
        # a ** 0 is 1 for any a: the slope is 0, not 0·inf. It grows with b without bound, as ∛b does.
        flat = np.equal(b, 0) & np.isinf(power)
        return g * np.where(flat, np.cbrt(np.where(flat, b, 1.0)), b * power)
    if b == 2:
        return g * b * a
    if b < 0:
        return g * b * y / a  # a ** (b - 1) may be too large or too small for a float
    return g * b * (a if b >= 1 else bounded(a)) ** (b - 1 if b else 0)


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    # Powers of a negative base are real at whole exponents only: the derivative in b is 0 by policy. 0 ** b is 0.
    return g * (y * np.log(np.where(np.less(a, 0) | np.equal(y, 0), 1.0, a)))


def _quotient(draw: Draw) -> Call:
    """a and b whose quotient is not an integer: at integers the remainder jumps."""
    shape = draw.shape()
    q, x = draw.array(UNEVEN, shape), draw.array(OVER_ONE, draw.choice([shape, shape[1:], ()]))
    return draw.choice([(q * x, x), (x, x / q)]), {}


_EXPONENT = Domain("whole", -3, 3, kind="i")


# fmt: off
diagonal(np.add, "+", "y = a + b", lambda g, y, a, b: g, lambda g, y, a, b: g, commutative=True, sums=True)
diagonal(np.subtract, "-", "y = a - b", lambda g, y, a, b: g, lambda g, y, a, b: -g, sums=True, neutral=(None, 0))
diagonal(np.multiply, "*", "y = a b", lambda g, y, a, b: g * b, lambda g, y, a, b: g * a, commutative=True,
    bilinear=True, sums=True, neutral=(1, 1))
diagonal(np.negative, "neg", "y = -x", lambda g, y, x: -g, moves=True, involution=True, on_floats="-{0}")
diagonal(np.positive, "pos", "y = x", lambda g, y, x: +g, moves=True, meaning=lambda x: x, identity=True,
    on_floats="{0}")
diagonal(np.divide, "/", "y = a / b", lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * y) / b,
    domain=(REAL, NONZERO), kink="b = 0: inf", neutral=(None, 1),
    on_floats="{0} / {1} if {1} else {divide}({0}, {1})")
for _power in (np.power, np.float_power):
    diagonal(_power, "**", "y = a ** b", _power_base, _power_exponent, domain=(POSITIVE, REAL),
        kink="a = 0: the limit; in b, a < 0: 0; a = ∞, 0 < b < 1: nan", on_floats="{power}({0}, {1})")
piecewise_constant(np.floor_divide, "//", "y = ⌊a / b⌋", domain=(REAL, NONZERO))
diagonal(np.remainder, "%", "y = a - b ⌊a / b⌋", lambda g, y, a, b: g,
    lambda g, y, a, b: -(g * np.floor_divide(a, b)), domain=(REAL, NONZERO), calls=_quotient)
diagonal(np.fmod, "fmod", "y = a - b trunc(a / b)", lambda g, y, a, b: g,
    lambda g, y, a, b: -(g * np.rint((a - y) / b)), domain=(REAL, NONZERO), calls=_quotient)
# Several outputs: the whole numbers have no gradient, the remainder and the fraction have one.
op(np.divmod, "divmod", "q, y = ⌊a / b⌋, a - b q", domain=(REAL, NONZERO),
    vjp=(lambda g, y, a, b: g[1], lambda g, y, a, b: -(g[1] * y[0])),
    jvp=(lambda t, y, a, b: (0.0 * t, t), lambda t, y, a, b: (0.0 * t, -(t * y[0]))), calls=_quotient)
op(np.modf, "modf", "y, n = x - n, x without its fraction", domain=(UNEVEN,), vjp=(lambda g, y, x: g[0],),
    jvp=(lambda t, y, x: (t, 0.0 * t),))
op(np.ldexp, "ldexp", "y = x 2^n", domain=(REAL, _EXPONENT), vjp=(lambda g, y, x, n: np.ldexp(g, n), None),
    jvp=(lambda t, y, x, n: np.ldexp(t, n), None))
op(np.frexp, "frexp", "y, n = x 2^-n of size ½ to 1, and that n",
    domain=(Domain("real, no powers of 2", 1.2, 1.8),), vjp=(lambda g, y, x: np.ldexp(g[0], -y[1]),),
    jvp=(lambda t, y, x: (np.ldexp(t, -y[1]), 0.0 * t),), kink="at a power of 2: the slope above it")
