"""What Python's own operators do: + - * / // % ** and the signs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domain import NONZERO, OVER_ONE, POSITIVE, REAL, UNEVEN, Call, Domain, Draw
from ..op import constant, diagonal, elementwise, op
from .limits import times

diagonal(np.add, "+", "y = a + b", lambda g, y, a, b: g, lambda g, y, a, b: g, domain=REAL)
diagonal(np.subtract, "-", "y = a - b", lambda g, y, a, b: g, lambda g, y, a, b: -g, domain=REAL)
diagonal(np.multiply, "*", "y = a b", lambda g, y, a, b: g * b, lambda g, y, a, b: g * a, domain=REAL)
diagonal(np.negative, "neg", "y = -x", lambda g, y, x: -g, domain=REAL)
diagonal(np.positive, "pos", "y = x", lambda g, y, x: +g, domain=REAL)

elementwise(
    np.divide,
    "/",
    "y = a / b",
    lambda y, a, b: 1 / (np.float64(b) if type(b) is float or type(b) is int else b),  # Python's 1 / 0 raises
    lambda y, a, b: -y / b,
    domain=(REAL, NONZERO),
    product=times,
    kink="b = 0: inf, but 0 where g is 0",
)


def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    if isinstance(b, (int, float)) and b in (1, 2):  # the usual case: finite everywhere
        return g * b * a ** (b - 1)
    return times(g, times(b, a ** (b - 1)))


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    # A power of a negative base is real at whole exponents only: no derivative there, and 0 by policy; so at 0.
    return times(g, times(np.log(np.where(a > 0, a, 1.0)), y))


for _power in (np.power, np.float_power):
    diagonal(
        _power,
        "**",
        "y = a ** b",
        _power_base,
        _power_exponent,
        domain=(POSITIVE, REAL),
        kink="a = 0: the limit; in b, a ≤ 0: 0",
    )


def _quotient(draw: Draw) -> Call:
    """a and b whose quotient is no integer: there the remainder jumps."""
    shape = draw.shape()
    q, x = draw.array(UNEVEN, shape), draw.array(OVER_ONE, draw.choice([shape, shape[1:], ()]))
    return draw.choice([(q * x, x), (x, x / q)]), {}


constant(np.floor_divide, "//", "y = ⌊a / b⌋", domain=(REAL, NONZERO))
diagonal(
    np.remainder,
    "%",
    "y = a - b ⌊a / b⌋",
    lambda g, y, a, b: g,
    lambda g, y, a, b: -times(g, np.floor_divide(a, b)),
    domain=(REAL, NONZERO),
    calls=_quotient,
    analytic=False,
)
diagonal(
    np.fmod,
    "fmod",
    "y = a - b trunc(a / b)",
    lambda g, y, a, b: g,
    lambda g, y, a, b: -times(g, np.rint((a - y) / b)),
    domain=(REAL, NONZERO),
    calls=_quotient,
    analytic=False,
)

# Several outputs: whole numbers have no gradient, the rest of the division and the fraction do.
op(
    np.divmod,
    "divmod",
    "q, y = ⌊a / b⌋, a - b q",
    domain=(REAL, NONZERO),
    vjp=(lambda g, y, a, b: g[1], lambda g, y, a, b: -times(g[1], y[0])),
    jvp=(lambda t, y, a, b: (0.0 * t, t), lambda t, y, a, b: (0.0 * t, -times(t, y[0]))),
    calls=_quotient,
    analytic=False,
)
op(
    np.modf,
    "modf",
    "y, n = x - n, x without its fraction",
    domain=(UNEVEN,),
    vjp=(lambda g, y, x: g[0],),
    jvp=(lambda t, y, x: (t, 0.0 * t),),
    analytic=False,
)
_EXPONENT = Domain("whole", -3, 3, kind="i")
op(
    np.ldexp,
    "ldexp",
    "y = x 2^n",
    domain=(REAL, _EXPONENT),
    vjp=(lambda g, y, x, n: np.ldexp(g, n), None),
    jvp=(lambda t, y, x, n: np.ldexp(t, n), None),
    analytic=False,
)
op(
    np.frexp,
    "frexp",
    "y, n = x 2^-n of size ½ to 1, and that n",
    domain=(Domain("real, no powers of 2", 1.2, 1.8),),
    vjp=(lambda g, y, x: np.ldexp(g[0], -y[1]),),
    jvp=(lambda t, y, x: (np.ldexp(t, -y[1]), 0.0 * t),),
    kink="at a power of 2: as above it",
    analytic=False,
)
