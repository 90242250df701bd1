"""Elementwise functions: y = f(x), with dy/dx written in y and x, whichever is shorter and keeps its digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import diagonal, dispatched, elementwise, op
from ..engine.sampling import (
    BOOLEAN,
    DISTINCT,
    NONZERO,
    OVER_MINUS_ONE,
    OVER_ONE,
    POSITIVE,
    REAL,
    UNIT,
    Call,
    Draw,
)
from .axes import dispatches
from .discrete import tie_share
from .limits import bounded

LN2, LN10 = float(np.log(2)), float(np.log(10))


# Slopes that are infinite at an end of their domain are separate ops, so that the second derivative there is
# the limit; a product with the vanishing factor would be nan.


@dispatched
def cbrt_slope(x: Any) -> Any:
    """1 / (3 ∛x²)."""
    y = bounded(np.cbrt(x))
    return 1 / (3 * y * y)


@dispatched
def one_less_square(x: Any) -> Any:
    """1 - x², to the last digits also close to 1."""
    return (1 - x) * (1 + x)


@dispatched
def root_above_one(x: Any) -> Any:
    """√(x² - 1), also where x² would overflow."""
    return np.sqrt(x - 1) * np.sqrt(x + 1)


def _radius(a: Any, b: Any) -> Any:
    """√(a² + b²), and 1 at the origin, where the angle has no derivative (0 by policy)."""
    r = np.hypot(a, b)
    return np.where(r == 0, 1.0, r)


def _leg(y: Any) -> Any:
    """y, but 1 at the origin, where hypot has no derivative (0 by policy), and nan where it overflowed."""
    return np.where(y == 0, 1.0, bounded(y))


def over_one_and_square(g: Any, x: Any) -> Any:
    """g / (1 + x²), also where x² would overflow."""
    r = np.hypot(1.0, x)
    return g / r / r


_function: Any


def _bessel1(x: Any) -> Any:
    """sin u / u² - cos u / u at u = πx, the spherical Bessel function; a power series where both would cancel."""
    small = np.less(np.abs(x), 0.3)
    w, safe = np.square(np.where(small, np.pi * x, 0.0)), np.where(small, 1.0, x)
    series: Any = 1.0
    for k in range(9, 0, -1):
        series = 1.0 - series * w / (2 * k * (2 * k + 3))
    u, angle = np.pi * safe, np.pi * (safe - 2.0 * np.rint(0.5 * safe))  # with all digits of the fraction
    return np.where(small, np.pi * x * series / 3.0, (np.sin(angle) / u - np.cos(angle)) / u)


# Hyperbolic functions.


NEARLY_FLAT = 0.02  # below, 1 - y² has lost more than two digits of sixteen


@dispatched
def sech2(x: Any, y: Any = None) -> Any:
    """1 - tanh(x)², the slope of tanh, to full precision; y = tanh(x), if it is known already.

    1 - y² is exact enough until y comes close to 1: there it loses digits, beyond |x| = 19 all of them.
    """
    y = np.tanh(x) if y is None else y
    slope = 1 - y * y
    if not slope.size or slope.item(slope.argmin()) >= NEARLY_FLAT:
        return slope
    slope = np.asarray(slope)
    near = slope < NEARLY_FLAT
    e = np.exp(-2 * np.abs(np.asarray(x)[near]))
    slope[near] = 4 * e / (1 + e) ** 2
    return slope[()]


_SAME_INFINITY = "at equal ∞: ½ each"
_LOG = "at 0: inf; at ∞: nan"


def _quotient(exp: Any, slope: float, a: Any, b: Any) -> Any:
    """exp(a) / exp(b), from a - b and from what its rounding lost; 1 for equal infinities."""
    with np.errstate(over="ignore", invalid="ignore"):
        d = np.where(np.equal(a, b), 0.0, a - b)
        moved = d - a
        lost = (a - (d - moved)) - (b + moved)
        return (exp(d) * (1 + np.where(np.abs(lost) < 0.5, slope * lost, 0.0)))[()]


@dispatched
def odds(a: Any, b: Any) -> Any:
    """e^(a - b), elementwise, however large the difference is; 1 for equal infinities."""
    return _quotient(np.exp, 1.0, a, b)


@dispatched
def odds2(a: Any, b: Any) -> Any:
    """2^(a - b), elementwise, however large the difference is; 1 for equal infinities."""
    return _quotient(np.exp2, LN2, a, b)


_ON_FLOATS = {
    np.maximum: "{0} if {0} > {1} else {1} if {1} > {0} else {larger}({0}, {1})",
    np.minimum: "{0} if {0} < {1} else {1} if {1} < {0} else {smaller}({0}, {1})",
}
_step = (None, lambda g, y, x, h: np.where(np.equal(x, 0), g, 0.0))


def _bounds(a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Call:
    """The bounds of np.clip, each of which has two names; a missing bound is the end of the type of a."""
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    lowest, highest = _ends(getattr(a, "dtype", None))
    return (a, lowest if low is None else low, highest if high is None else high), {}


def _ends(dtype: Any) -> tuple[float, float]:
    """Numbers that bound all of a type, and keep it: integers stay integers beside integers."""
    if dtype is None or dtype.kind not in "iub":
        return -np.inf, np.inf
    return (False, True) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


# Choosing: no gradient for the condition, none for the branch not taken.
_where_rules = (None, lambda g, y, c, a, b: np.where(c, g, 0), lambda g, y, c, a, b: np.where(c, 0, g))


def _firsts(conditions: Any) -> list[Any]:
    """For each condition, where it is the first that holds; then where none holds."""
    firsts, left = [], True
    for condition in conditions:
        firsts.append(np.logical_and(left, condition))
        left = np.logical_and(left, np.logical_not(condition))
    return [*firsts, left]


def _select(*xs: Any) -> Any:
    n = len(xs) // 2
    return np.select(list(xs[:n]), list(xs[n:-1]), xs[-1])


def _one_by_one(*xs: Any) -> Any:
    """np.select with np.where, from the last condition to the first."""
    n = len(xs) // 2
    y = xs[-1]
    for condition, choice in zip(reversed(xs[:n]), reversed(xs[n:-1]), strict=True):
        y = np.where(condition, choice, y)
    return y


def _select_back(g: Any, y: Any, *xs: Any) -> list[Any]:
    n = len(xs) // 2
    return [None] * n + [np.where(chosen, g, 0.0) for chosen in _firsts(xs[:n])]


def _select_bind(condlist: Any, choicelist: Any, default: Any = 0.0) -> Call:
    """Plain numbers take the type of the arrays beside them."""
    choices = (*choicelist, default)
    kinds = [np.result_type(x) for x in choices if not isinstance(x, (int, float, list))]
    typed = [np.result_type(*kinds).type(x) if kinds and isinstance(x, (int, float)) else x for x in choices]
    return (*condlist, *typed), {}


def _select_call(draw: Draw) -> Call:
    n, shape = draw.integer(1, 3), draw.shape()
    conditions = [draw.array(BOOLEAN, shape) for _ in range(n)]
    return (*conditions, *(draw.array(REAL, draw.choice([shape, ()])) for _ in range(n + 1))), {}


def _spell_select(*xs: Any) -> Any:
    """NumPy does not dispatch on the default, so a choice is made to dispatch as the default does."""
    n = len(xs) // 2
    choices = [xs[-1] * 0 + x if dispatches(xs[-1]) > dispatches(x) else x for x in xs[n:-1]]
    return np.select(xs[:n], choices, xs[-1])


_CLIP: Any = np._core.umath.clip  # type: ignore[attr-defined]


# fmt: off
# Exponentials and logarithms.
elementwise(np.exp, "exp", "y = e^x", lambda y, x: y)
elementwise(np.exp2, "exp2", "y = 2^x", lambda y, x: y * LN2)
elementwise(np.expm1, "expm1", "y = e^x - 1", lambda y, x: np.exp(x),
    meaning=lambda x: np.exp(x) - 1)
diagonal(np.log, "log", "y = ln x", lambda g, y, x: g / bounded(x), domain=POSITIVE, kink=_LOG)
diagonal(np.log2, "log2", "y = ln x / ln 2", lambda g, y, x: g / bounded(x) / LN2, domain=POSITIVE, kink=_LOG)
diagonal(np.log10, "log10", "y = ln x / ln 10", lambda g, y, x: g / bounded(x) / LN10, domain=POSITIVE, kink=_LOG)
diagonal(np.log1p, "log1p", "y = ln(1 + x)", lambda g, y, x: g / (1 + bounded(x)), domain=OVER_MINUS_ONE,
    kink="at -1: inf; at ∞: nan", meaning=lambda x: np.log(1 + x))
# from a - b and not a - y, whose digits y rounds away where it is large
diagonal(np.logaddexp, "logaddexp", "y = ln(e^a + e^b)", lambda g, y, a, b: g / (1 + odds(b, a)),
    lambda g, y, a, b: g / (1 + odds(a, b)), commutative=True, kink=_SAME_INFINITY)
diagonal(np.logaddexp2, "logaddexp2", "y = ln(2^a + 2^b) / ln 2", lambda g, y, a, b: g / (1 + odds2(b, a)),
    lambda g, y, a, b: g / (1 + odds2(a, b)), commutative=True, kink=_SAME_INFINITY)
elementwise(odds, "odds", "y = e^(a - b)", lambda y, a, b: y, lambda y, a, b: -y,
    meaning=lambda a, b: np.exp(a - b))
elementwise(odds2, "odds2", "y = 2^(a - b)", lambda y, a, b: y * LN2, lambda y, a, b: y * -LN2,
    meaning=lambda a, b: np.exp2(a - b))
diagonal(cbrt_slope, "1/3∛x²", "y = 1 / (3 ∛x²)", lambda g, y, x: -2 * (g * y) / (3 * x), domain=NONZERO,
    kink="at 0: -inf, at -0: inf", parity="even")
elementwise(one_less_square, "1-x²", "y = 1 - x²", lambda y, x: -2 * x, parity="even")
elementwise(root_above_one, "√(x²-1)", "y = √(x² - 1)", lambda y, x: x / y, domain=OVER_ONE, kink="at 1: inf")
# Powers and roots.
diagonal(np.square, "square", "y = x²", lambda g, y, x: 2 * g * x, parity="even", meaning=lambda x: x * x,
    on_floats="{0} * {0}")
diagonal(np.reciprocal, "reciprocal", "y = 1 / x", lambda g, y, x: -(g * y) * y, domain=NONZERO,
    kink="at 0: -inf", parity="odd", meaning=lambda x: 1 / x)
diagonal(np.sqrt, "sqrt", "y = √x", lambda g, y, x: 0.5 * g / bounded(y), domain=POSITIVE, kink=_LOG,
    on_floats="{sqrt}({0}) if {0} >= 0.0 else {root}({0})")
elementwise(np.cbrt, "cbrt", "y = ∛x", lambda y, x: cbrt_slope(x), domain=NONZERO, kink=_LOG, parity="odd")
elementwise(np.hypot, "hypot", "y = √(a² + b²)", lambda y, a, b: a / _leg(y),
    lambda y, a, b: b / _leg(y), domain=NONZERO, kink="at the origin: 0", commutative=True,
    meaning=lambda a, b: np.sqrt(a * a + b * b))
# Trigonometry.
elementwise(np.sin, "sin", "y = sin x", lambda y, x: np.cos(x), parity="odd")
elementwise(np.cos, "cos", "y = cos x", lambda y, x: -np.sin(x), parity="even")
elementwise(np.tan, "tan", "y = tan x", lambda y, x: 1 + y * y, domain=UNIT, parity="odd")
diagonal(np.arcsin, "arcsin", "y = arcsin x", lambda g, y, x: g / np.sqrt(one_less_square(x)), domain=UNIT,
    kink="at -1, 1: inf", parity="odd")
diagonal(np.arccos, "arccos", "y = arccos x", lambda g, y, x: -g / np.sqrt(one_less_square(x)), domain=UNIT,
    kink="at -1, 1: -inf")
# x² would overflow
diagonal(np.arctan, "arctan", "y = arctan x", lambda g, y, x: over_one_and_square(g, x), parity="odd")
# r² would overflow, or vanish
diagonal(np.arctan2, "arctan2", "y = angle of (b, a)",
    lambda g, y, a, b: g * (b / _radius(a, b)) / _radius(a, b),
    lambda g, y, a, b: -g * (a / _radius(a, b)) / _radius(a, b), domain=(POSITIVE, REAL), kink="at the origin: 0")
for _function, _label, _factor in (
    (np.deg2rad, "deg2rad", np.pi / 180),
    (np.radians, "radians", np.pi / 180),
    (np.rad2deg, "rad2deg", 180 / np.pi),
    (np.degrees, "degrees", 180 / np.pi),
):
    elementwise(_function, _label, f"y = {_factor:.6g} x", lambda y, x, c=_factor: c, linear=True)
elementwise(np.sinc, "sinc", "y = sin πx / πx", lambda y, x: -np.pi * _bessel1(x), parity="even")
op(sech2, "sech²", "s = 1 - tanh(x)²; y = tanh(x) only saves work", vjp=(lambda g, s, x: -2 * g * s * np.tanh(x),),
    jvp=(lambda g, s, x: -2 * g * s * np.tanh(x),), bind=lambda x, y=None: ((x,), {}),
    elementwise=True, gives_new=True, parity="even", on_floats="{slope_of_tanh}({0}, {1})")
elementwise(np.sinh, "sinh", "y = sinh x", lambda y, x: np.cosh(x), parity="odd")
elementwise(np.cosh, "cosh", "y = cosh x", lambda y, x: np.sinh(x), parity="even")
diagonal(np.tanh, "tanh", "y = tanh x", lambda g, y, x: g * sech2(x, y), parity="odd", activation=True)
diagonal(np.arcsinh, "arcsinh", "y = arsinh x", lambda g, y, x: g / np.hypot(1.0, bounded(x)), parity="odd",
    kink="at ∞: nan")
diagonal(np.arccosh, "arccosh", "y = arcosh x", lambda g, y, x: g / root_above_one(bounded(x)), domain=OVER_ONE,
    kink="at 1: inf; at ∞: nan")
diagonal(np.arctanh, "arctanh", "y = artanh x", lambda g, y, x: g / one_less_square(x), domain=UNIT,
    kink="at -1, 1: inf", parity="odd")
# Kinks. At a tie the two sides share evenly.
elementwise(np.absolute, "abs", "y = |x|", lambda y, x: np.sign(x), domain=NONZERO, kink="at 0: 0",
    parity="even", on_floats="{abs}({0})")
elementwise(np.fabs, "fabs", "y = |x|", lambda y, x: np.sign(x), domain=NONZERO, kink="at 0: 0", parity="even")
for _function, _most in (
    (np.maximum, "larger of a and b"),
    (np.minimum, "smaller of a and b"),
    (np.fmax, "larger of a and b that is not nan"),
    (np.fmin, "smaller of a and b that is not nan"),
):
    elementwise(_function, _function.__name__, f"y = the {_most}", lambda y, a, b: tie_share(y, a, b),
        lambda y, a, b: tie_share(y, b, a), domain=DISTINCT, selects=True,
        kink="a tie is shared evenly", commutative=True, on_floats=_ON_FLOATS.get(_function, ""))
elementwise(np.copysign, "copysign", "y = |a|, with the sign of b",
    lambda y, a, b: np.sign(a) * np.copysign(1.0, b), lambda y, a, b: 0.0, domain=NONZERO,
    kink="at a = 0: 0; in b: 0")
op(np.heaviside, "heaviside", "y = 1 for x > 0, 0 for x < 0, h at 0", domain=(NONZERO, REAL), vjp=_step, jvp=_step,
    kink="in x: 0")
# The real part and the conjugate of a real number are the number itself.
for _function in (np.real, np.conjugate, np.real_if_close):
    diagonal(_function, _function.__name__, "y = x", lambda g, y, x: g, moves=True,
        meaning=lambda x: x, identity=True, is_view=_function is not np.conjugate)
elementwise(np.clip, "clip", "y = min(max(x, low), high)",
    lambda y, x, low, high: np.greater_equal(x, low) & np.less_equal(x, high),
    lambda y, x, low, high: np.less(x, low) & np.less_equal(low, high),
    lambda y, x, low, high: np.greater(np.maximum(x, low), high), domain=(DISTINCT, DISTINCT, DISTINCT),
    kink="at a bound: to x", selects=True, bind=_bounds, aliases=(_CLIP,))
op(np.where, "where", "y = a where c, else b", domain=(BOOLEAN, REAL, REAL), vjp=_where_rules, jvp=_where_rules,
    kink="the branch not taken: 0", selects=True, elementwise=True, gives_new=True)
# Its inputs are the conditions, then the choices, then the value where no condition holds.
op(np.select, "select", "y = the first choice whose condition holds", domain=(REAL,), selects=True, forward=_select,
    vjp=_select_back, jvp=lambda ts, y, *xs: _select(*xs[: len(xs) // 2], *ts[len(xs) // 2 :]), bind=_select_bind,
    options=("choicelist", "default"), calls=_select_call, gives_new=True, spelling=_spell_select,
    meaning=_one_by_one)
