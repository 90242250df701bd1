"""scipy.special on Values, and its kin without SciPy: each rule against mpmath, over the range of its function.

mpmath differences the function itself with enough digits, so no derivative is written down twice.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, check_op, compile, draw, grad, hessian, jvp, ties, vmap
from minigrad.errors import ArgumentError

mp = pytest.importorskip("mpmath", reason="mpmath is not installed")
special = pytest.importorskip("scipy.special", reason="SciPy is not installed")

EPS = {np.float64: 2.0**-52, np.float32: 2.0**-23}
KINDS = pytest.mark.parametrize("kind", EPS, ids=lambda kind: kind.__name__)


def derivative(f: Callable[..., Any], at: Sequence[Any], which: Sequence[int]) -> Any:
    """The derivative of a function of mpmath in the inputs `which`: central differences, with a step of 1e-25."""
    at = [mp.mpf(float(x)) for x in at]
    lost = sum(abs(mp.log10(abs(x))) for x in at if x)
    with mp.workdps(450 + int(2.3 * lost)):  # 1 - e^-700 needs 304 digits, differences the rest
        if not which:
            return mp.re(f(*at))
        *before, k = which
        h = mp.mpf(10) ** -25 * (min(abs(at[k]), 1) if at[k] else 1)
        if [*which] == [k, k]:  # the same points as for the first derivative, and the middle
            y = [f(*(x + s * h if i == k else x for i, x in enumerate(at))) for s in (-1, 0, 1)]
            return mp.re(y[0] - 2 * y[1] + y[2]) / h**2
        sides = [[x + s * h if i == k else x for i, x in enumerate(at)] for s in (-1, 1)]
        low, high = (_inner(f, side, before) for side in sides)
        return mp.re(high - low) / (2 * h)


def _inner(f: Callable[..., Any], at: Any, which: Sequence[int]) -> Any:
    if not which:
        return f(*at)
    (k,) = which
    h = mp.mpf(10) ** -40 * (min(abs(at[k]), 1) if at[k] else 1)
    low, high = ([x + s * h if i == k else x for i, x in enumerate(at)] for s in (-1, 1))
    return (f(*high) - f(*low)) / (2 * h)


def ulps(got: Any, exact: Any, kind: Any) -> float:
    """The error in units of the last place; 0 for an infinity in place of what is too large for a float."""
    limits = np.finfo(kind)
    assert type(got) is kind, got
    if abs(exact) > float(limits.max):
        return 0.0 if np.isinf(got) else np.inf
    size = max(abs(exact), mp.mpf(float(limits.tiny)) / EPS[kind])
    return float(abs(mp.mpf(float(got)) - exact) / size / EPS[kind]) if np.isfinite(got) else np.inf


def mirrored(*xs: float) -> list[float]:
    return [*(-x for x in xs), *xs]


def log_ndtr(x: Any) -> Any:
    return mp.log(mp.ncdf(x)) if x < 5 else mp.log1p(-mp.ncdf(-x))


OPEN = (1e-100, 1e-8, 0.1, 0.3, 0.5, 0.7, 0.99, 1 - 2.0**-20, 1 - 2.0**-50)  # between 0 and 1
POSITIVE = (1e-100, 1e-8, 0.1, 0.9, 1.0, 1.46, 2.5, 10.0, 1e3, 1e8, 1e100)
# For each function: itself in mpmath, points, and how many units in the last place its first and its second
# derivative may be off.
ONE: dict[str, tuple[Callable[..., Any], Sequence[float], int, int]] = {
    "erf": (mp.erf, mirrored(1e-100, 1e-8, 0.3, 1, 3, 5.9, 10, 26), 6, 6),
    "erfc": (mp.erfc, mirrored(1e-8, 0.3, 1, 3, 5.9, 10, 25.5), 6, 6),
    "erfcx": (
        lambda x: mp.exp(x * x) * mp.erfc(x),
        [-26, -10, -3, -0.1, 0, 1e-8, 0.3, 1, 2, 5, 50, 1e3, 1e8],
        16,
        16,
    ),
    "erfinv": (mp.erfinv, [*OPEN, *(-x for x in OPEN)], 4, 6),
    "expit": (lambda x: 1 / (1 + mp.exp(-x)), mirrored(0.3, 1, 5, 20, 37, 100, 700), 4, 6),
    "log_expit": (lambda x: -mp.log1p(mp.exp(-x)), mirrored(1e-8, 0.3, 1, 5, 20, 37, 100, 700, 1e8), 4, 6),
    "logit": (lambda x: mp.log(x / (1 - x)), [x for x in OPEN if x != 0.5], 4, 6),
    "gammaln": (
        lambda x: mp.log(abs(mp.gamma(x))) if x < 1e4 else mp.loggamma(x),
        [*POSITIVE, -0.5, -5.7, -50.2],
        16,
        6,
    ),
    "loggamma": (mp.loggamma, POSITIVE, 6, 6),
    "gamma": (mp.gamma, [1e-100, 1e-8, 0.1, 0.9, 1, 1.46, 2.5, 10, 170, -0.5, -5.7, -50.2, -150.4], 16, 16),
    "psi": (mp.digamma, [*POSITIVE, -0.5, -5.7, -50.2], 6, 6),
    "ndtr": (mp.ncdf, mirrored(1e-8, 0.3, 1, 3, 8, 20, 37), 4, 4),
    "log_ndtr": (log_ndtr, [*mirrored(1e-8, 0.3, 1, 3, 8, 20, 37), -1e3, -1e8], 16, 16),
    "ndtri": (lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), [x for x in OPEN if x != 0.5], 6, 8),
    "entr": (lambda x: -x * mp.log(x), [1e-100, 1e-8, 0.1, 0.5, 1, 2, 1e10, 1e100], 12, 4),
    "i0": (partial(mp.besseli, 0), mirrored(1e-8, 0.3, 1, 3, 8, 20, 100, 700), 8, 8),
    "i1": (partial(mp.besseli, 1), mirrored(1e-8, 0.3, 1, 3, 8, 20, 100, 700), 8, 8),
    "i0e": (lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), mirrored(1e-8, 0.3, 1, 3, 8, 24.9, 25.1, 100, 1e5), 8, 8),
    "i1e": (
        lambda x: mp.besseli(1, x) * mp.exp(-abs(x)),
        mirrored(1e-8, 0.3, 1, 3, 8, 24.9, 25.1, 100, 1e5),
        8,
        16,
    ),
    "j0": (partial(mp.besselj, 0), mirrored(1e-8, 0.3, 1, 3, 8, 20, 100), 40, 40),
    "j1": (partial(mp.besselj, 1), mirrored(1e-8, 0.3, 1, 3, 8, 20, 100), 40, 40),
    "exp2": (lambda x: mp.mpf(2) ** x, mirrored(1e-8, 0.3, 100, 1000), 4, 4),
    "expm1": (mp.expm1, mirrored(1e-8, 0.3, 30, 700), 4, 4),
    "log1p": (mp.log1p, [-0.999, -0.5, -1e-8, 1e-100, 0.3, 100, 1e100], 4, 4),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), mirrored(1e-100, 1e-8, 0.3, 30, 1e100), 4, 4),
}


def in_range(x: float, kind: Any) -> bool:
    """Whether x, and what is squared of it, is an ordinary number of that type, inside of the domain."""
    return kind is np.float64 or ((x == 0 or 1e-12 < abs(x) < 1e12) and abs(kind(x)) != 1)


@KINDS
@pytest.mark.parametrize("name", ONE)
def test_derivatives_keep_their_digits(name: str, kind: Any) -> None:
    """The slope and its slope, in reverse and in forward mode, for points of all sizes."""
    f, points, *allowed = ONE[name]
    ufunc = getattr(special, name)
    slope = grad(ufunc)

    def forward(x: Any) -> Any:
        return jvp(ufunc, (x,), (np.ones_like(x),))[1]

    for x in map(kind, (x for x in points if x and in_range(x, kind))):
        for order, (found, other) in enumerate(
            [(slope(x), forward(x)), (grad(slope)(x), jvp(forward, (x,), (kind(1),))[1])], 1
        ):
            exact = derivative(f, [x], [0] * order)
            assert ulps(found, exact, kind) <= allowed[order - 1], (x, order, found, float(exact))
            assert ulps(other, exact, kind) <= allowed[order - 1], (x, order, other, float(exact))


TWO: dict[str, tuple[Callable[..., Any], Sequence[tuple[float, float]], int]] = {
    # Its slopes have as many digits as SciPy's value, which has fewer for large inputs.
    "beta": (mp.beta, [(0.1, 2), (0.3, 0.7), (1, 1), (2.5, 3.5), (10, 0.1), (30, 50)], 64),
    "betaln": (
        lambda a, b: mp.log(mp.beta(a, b)),
        [(1e-8, 1e-8), (1e-8, 2), (0.3, 0.7), (2.5, 3.5), (30, 50), (1e6, 1), (1e6, 1e-3), (1, 1e6), (1e8, 3)],
        8,
    ),
    "xlogy": (
        lambda x, y: x * mp.log(y),
        [(0.3, 0.2), (1e-30, 1e-30), (5, 1), (0.5, 0.5), (-2, 3), (1e10, 1e-10)],
        4,
    ),
    "xlog1py": (lambda x, y: x * mp.log1p(y), [(0.3, 0.2), (1, -0.999), (5, 1e-30), (-2, 3), (1e10, 1e10)], 4),
    "rel_entr": (
        lambda x, y: x * mp.log(x / y),
        [(0.3, 0.2), (1e-30, 1e-30), (0.5, 0.5), (0.5, 0.50001), (2, 3), (1e10, 1e-10), (1e-250, 1e250)],
        4,
    ),
    "kl_div": (
        lambda x, y: x * mp.log(x / y) - x + y,
        [(0.3, 0.2), (1e-30, 1e-29), (0.5, 0.50001), (0.5, 0.5000000001), (2, 3), (1e10, 1e-10)],
        4,
    ),
}
OURS = [name for name in TWO if hasattr(minigrad, name)]


@KINDS
@pytest.mark.parametrize("package", [special, minigrad], ids=["scipy", "minigrad"])
@pytest.mark.parametrize("name", TWO)
def test_derivatives_in_both_inputs_keep_their_digits(name: str, package: Any, kind: Any) -> None:
    function = getattr(package, name, None)
    if function is None:
        pytest.skip("only SciPy has it")
    f, points, allowed = TWO[name]
    for at in points:
        if kind is np.float32 and not all(1e-12 < abs(x) < 1e12 for x in at):
            continue
        at = tuple(map(kind, at))
        for k in (0, 1):
            slope = grad(function, k)
            exact = derivative(f, at, [k])
            assert ulps(slope(*at), exact, kind) <= allowed, (at, k, slope(*at), float(exact))
            for j in (0, 1):
                second, exact = grad(slope, j)(*at), derivative(f, at, [k, j])
                if abs(exact) > 1e-40 * abs(derivative(f, at, [])):  # else it is 0, and mpmath's a rounding
                    assert ulps(second, exact, kind) <= allowed, (at, k, j, second, float(exact))


def gamma_share(a: Any, x: Any) -> Any:
    return mp.gammainc(a, 0, x, regularized=True)


def beta_share(a: Any, b: Any, x: Any) -> Any:
    return mp.betainc(a, b, 0, x, regularized=True)


GAMMAS = [
    (0.3, 0.1),
    (0.3, 5),
    (1, 1e-10),
    (2.5, 1e-5),
    (2.5, 40),
    (10, 8),
    (19.5, 3),
    (20.5, 5),
    (50, 60),
    (300, 290),
]
BETAS = [
    (0.5, 0.5, 0.3),
    (1, 1, 0.3),
    (2.5, 3.5, 1e-5),
    (2.5, 3.5, 0.999),
    (19, 25, 0.4),
    (25, 30, 0.9),
    (300, 500, 0.37),
]
ORDERS = [(0, 0.5), (1, 0.5), (1, 1e-8), (2, 3), (0.5, 1), (2.5, 10), (3, 100), (7, 1e-3)]
# Of the last argument; the others are held constant.
SHAPED: dict[str, tuple[Callable[..., Any], Callable[..., Any], Sequence[tuple[float, ...]], int]] = {
    "gammainc": (special.gammainc, gamma_share, GAMMAS, 40),
    "gammaincc": (special.gammaincc, lambda a, x: 1 - gamma_share(a, x), GAMMAS, 40),
    "betainc": (special.betainc, beta_share, BETAS, 40),
    "iv": (special.iv, mp.besseli, ORDERS, 16),
    "jv": (special.jv, mp.besselj, ORDERS, 64),
    "polygamma": (
        minigrad.polygamma,
        lambda n, x: mp.polygamma(int(n), x),
        [(n, x) for n in (0, 1, 2, 5) for x in (1e-5, 0.5, 1.4616, 3, 1e3, 1e8, -0.3, -2.5, -10.3)],
        8,
    ),
}


@KINDS
@pytest.mark.parametrize("name", SHAPED)
def test_derivatives_in_the_argument_keep_their_digits_for_every_shape_and_order(name: str, kind: Any) -> None:
    function, f, points, allowed = SHAPED[name]
    for *shape, x in points:
        x, of_x = kind(x), partial(function, *shape)
        exact = [derivative(lambda z, s=shape: f(*map(mp.mpf, s), z), [x], [0] * k) for k in (1, 2)]
        for found, want in zip((grad(of_x)(x), grad(grad(of_x))(x)), exact, strict=True):
            assert ulps(found, want, kind) <= allowed, (*shape, x, found, float(want))
        assert jvp(of_x, (x,), (kind(1),))[1] == grad(of_x)(x)


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("log_ndtr", (-3.0, -0.5, 0.5, 3.0)),
        ("erfcx", (-3.0, 0.3, 5.0, 1e3)),
        ("i0e", (0.3, 3.0, 30.0, 1e4)),
        ("i1", (0.3, 3.0, 30.0)),
        ("gammaln", (0.1, 2.5, 1e4, -2.7)),
        ("ndtri", (1e-8, 0.3, 0.99)),
        ("erfinv", (1e-3, 0.3, 0.99)),
    ],
)
def test_third_derivatives_are_right_too(name: str, points: Sequence[float]) -> None:
    """So the slopes of what the slopes are made of are."""
    ufunc = getattr(special, name)
    for x in points:
        with mp.workdps(200):
            h = mp.mpf(10) ** -20
            y = [ONE[name][0](x * (1 + s * h)) for s in (mp.mpf(-2), mp.mpf(-1), mp.mpf(1), mp.mpf(2))]
            exact = (y[3] - 2 * y[2] + 2 * y[1] - y[0]) / (2 * (h * x) ** 3)
        assert ulps(grad(grad(grad(ufunc)))(x), exact, np.float64) <= 256, x


def test_polygamma_itself_and_its_differences_are_right() -> None:
    """The digamma function close to its root, where all digits of a careless sum cancel, and beyond."""
    from minigrad.rules.polygamma import polygamma_step

    for n in (0, 1, 4, 11):
        for x in (1e-100, 0.1, 1.4616321449683622, 1.4616321449683625, 1.47, 30.0, 1e8, -0.3, -2.5, -1000.3):
            exact = derivative(lambda x, n=n: mp.polygamma(n, x), [x], [])
            assert ulps(minigrad.polygamma(n, np.float64(x)), exact, np.float64) <= 6, (n, x)
        for x, w in ((1e-8, 1e8), (0.3, 1e-12), (2.0, 0.5), (1e8, 1.0), (1e8, 1e-8), (1e50, 1e49)):
            with mp.workdps(200):
                exact = mp.polygamma(n, mp.mpf(x) + mp.mpf(w)) - mp.polygamma(n, mp.mpf(x))
            assert ulps(polygamma_step(n, np.float64(x), np.float64(w)), exact, np.float64) <= 6, (n, x, w)
    whole = np.arange(4).reshape(4, 1)
    table = minigrad.polygamma(whole, np.array([0.5, 3.0]))
    np.testing.assert_allclose(table, special.polygamma(whole, np.array([0.5, 3.0])), rtol=1e-14)
    for n in (-1, 0.5):
        with pytest.raises(ArgumentError, match=r"polygamma: the order is a whole number"):
            minigrad.polygamma(n, 1.0)


# ------------------------------------------------------------------------------------------- ends and infinities

INF, NAN = np.inf, np.nan
ENDS: list[tuple[str, tuple[float, ...], int, float]] = [
    *((name, (x,), 0, 0.0) for name in ("erf", "erfc", "expit", "ndtr", "i0e", "i1e") for x in (INF, -INF)),
    *((name, (INF,), 0, 0.0) for name in ("erfcx", "log_expit", "log_ndtr")),
    *(("log_expit", (-INF,), 0, 1.0), ("log_ndtr", (-INF,), 0, INF), ("erfcx", (-INF,), 0, -INF)),
    *((name, (x,), 0, INF) for name in ("logit", "ndtri") for x in (0.0, 1.0)),
    *(("erfinv", (1.0,), 0, INF), ("erfinv", (-1.0,), 0, INF), ("entr", (0.0,), 0, INF)),
    *(("erfinv", (1.5,), 0, NAN), ("ndtri", (1.5,), 0, NAN), ("entr", (-1.0,), 0, NAN)),
    *((name, (0.0,), 0, -INF) for name in ("gamma", "gammaln", "loggamma")),
    *((name, (-2.0,), 0, NAN) for name in ("gamma", "gammaln")),
    *(("psi", (0.0,), 0, INF), ("psi", (-2.0,), 0, INF), ("psi", (INF,), 0, NAN), ("gammaln", (INF,), 0, INF)),
    *(("beta", (0.0, 2.0), 0, -INF), ("betaln", (0.0, 2.0), 0, -INF), ("betaln", (INF, 2.0), 0, NAN)),
    *(("i0", (0.0,), 0, 0.0), ("i1", (0.0,), 0, 0.5), ("i0e", (0.0,), 0, 0.0)),
    *(("i1e", (0.0,), 0, 0.5), ("j0", (0.0,), 0, 0.0), ("j1", (0.0,), 0, 0.5), ("jv", (0, 0.0), 1, 0.0)),
    *(("gammainc", (0.5, 0.0), 1, INF), ("gammainc", (1.0, 0.0), 1, 1.0), ("gammainc", (2.0, 0.0), 1, 0.0)),
    *(("gammaincc", (0.5, 0.0), 1, -INF), ("gammainc", (2.0, INF), 1, 0.0), ("gammainc", (40.0, INF), 1, 0.0)),
    *(
        ("betainc", (0.5, 2.0, 0.0), 2, INF),
        ("betainc", (2.0, 0.5, 1.0), 2, INF),
        ("betainc", (1.0, 1.0, 0.0), 2, 1.0),
    ),
    *(("betainc", (2.0, 3.0, 0.0), 2, 0.0), ("betainc", (30.0, 40.0, 1.0), 2, 0.0)),
    *(("xlogy", (2.0, 0.0), 0, -INF), ("xlogy", (2.0, 0.0), 1, INF), ("xlogy", (0.0, 0.0), 0, -INF)),
    *(("xlogy", (0.0, 0.0), 1, 0.0), ("xlogy", (0.0, INF), 1, 0.0), ("xlogy", (2.0, INF), 1, NAN)),
    *(("xlogy", (2.0, -1.0), 0, NAN), ("xlog1py", (0.0, -1.0), 0, -INF), ("xlog1py", (0.0, -1.0), 1, 0.0)),
    *(("rel_entr", (0.0, 0.5), 0, -INF), ("rel_entr", (0.0, 0.5), 1, 0.0), ("rel_entr", (0.0, 0.0), 0, INF)),
    *(("rel_entr", (0.5, 0.0), 1, -INF), ("rel_entr", (-1.0, 0.5), 1, NAN), ("rel_entr", (1.0, -1.0), 1, NAN)),
    *(("kl_div", (0.0, 0.5), 0, -INF), ("kl_div", (0.0, 0.5), 1, 1.0), ("kl_div", (0.0, 0.0), 1, 1.0)),
    *(("kl_div", (0.5, 0.0), 1, -INF), ("kl_div", (-1.0, 0.5), 1, NAN)),
]


@pytest.mark.parametrize(("name", "at", "k", "slope"), ENDS, ids=str)
def test_at_the_ends_the_slope_is_the_limit_or_nan_in_both_modes(
    name: str, at: tuple[float, ...], k: int, slope: float
) -> None:
    for package in (special, minigrad):
        if not hasattr(package, name):
            continue
        function = getattr(package, name)

        def of_one(x: Any, f: Any = function) -> Any:
            return f(*at[:k], x, *at[k + 1 :])

        with np.errstate(all="ignore"):
            slopes = [grad(of_one)(at[k]), jvp(of_one, (at[k],), (1.0,))[1]]
            masked = grad(lambda x, f=of_one: np.where(x == at[k], 0.0, f(x)))
            shielded = [masked(at[k]), grad(masked)(at[k]), jvp(masked, (at[k],), (1.0,))[1]]
        np.testing.assert_allclose(slopes, slope, rtol=1e-15)
        assert shielded == [0, 0, 0]


def test_a_slope_meets_its_cotangent_where_neither_over_or_underflows() -> None:
    density = np.exp(-0.5 * 37.0**2) / np.sqrt(2 * np.pi)
    assert grad(lambda x: 1e300 * special.log_ndtr(x))(37.0) == pytest.approx(1e300 * density)
    assert grad(lambda x: 1e-300 * special.ndtri(x))(1e-300) == pytest.approx(
        1.0 / -special.ndtri(1e-300), rel=1e-2
    )
    assert grad(lambda x: special.xlogy(1e-300, x))(1e-300) == 1.0
    assert grad(lambda x: special.rel_entr(x, 1e300))(1e-300) == pytest.approx(1 - 600 * np.log(10))


def test_kl_div_keeps_its_digits_and_its_range() -> None:
    y = np.float64(0.5000000001)
    exact = derivative(lambda y: -mp.log(2 * y) / 2 + y - 0.5, [y], [])
    assert ulps(minigrad.kl_div(0.5, y), exact, np.float64) <= 8
    assert minigrad.kl_div(1e-300, 1e300) == 1e300
    assert minigrad.kl_div(1.0, INF) == INF and minigrad.kl_div(0.0, 2.0) == 2.0


# ------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda v: special.jv(v, 2.0), "jv .* order v"),
        (lambda v: special.iv(v, 2.0), "iv .* order v"),
        (lambda v: special.gammainc(v, 2.0), "gammainc .* shape a"),
        (lambda v: special.gammaincc(v, 2.0), "gammaincc .* shape a"),
        (lambda v: special.betainc(v, 2.0, 0.5), "betainc .* shape a"),
        (lambda v: special.betainc(2.0, v, 0.5), "betainc .* shape b"),
        (lambda v: minigrad.polygamma(v, 0.5), "polygamma .* order n"),
    ],
)
def test_an_order_or_a_shape_that_needs_a_gradient_is_refused_by_name(call: Any, named: str) -> None:
    for derivative_of in (grad(call), grad(lambda v: call(2 * v)), lambda v: jvp(call, (v,), (1.0,))):
        with pytest.raises(ArgumentError, match=named):
            derivative_of(1.0)
    held = grad(lambda v: v * call(minigrad.stop_gradient(v)))(2.0)  # as the message says
    assert held == call(2.0)
    for plain in (np.argmax(Value([0.0, 1.0])), np.floor(Value(1.5)), minigrad.stop_gradient(Value(1.0))):
        x = Value(3.0)
        (x * call(plain)).backward()  # Values that carry no gradient
        assert x.grad == call(1.0)
    order = Value(2.0)
    assert grad(lambda x: x * call(order))(1.0) == call(2.0)  # a Value that this gradient does not ask about
    assert compile(call)(1.0) == call(1.0)


# ----------------------------------------------------------------------------------------------- without SciPy


@pytest.mark.parametrize("name", [*OURS, "entr"])
def test_what_needs_no_scipy_gives_what_scipy_gives(name: str) -> None:
    """kl_div of SciPy, and rel_entr of older versions, are infinite where x / y over- or underflows."""
    ours, theirs = getattr(minigrad, name), getattr(special, name)
    edges = [0.0, -0.0, 1.0, 2.0, 0.3, -1.0, -0.5, 1e-300, 1e300, INF, -INF, NAN]
    xs = np.array(edges) if theirs.nin == 1 else np.meshgrid(edges, edges)
    with np.errstate(all="ignore"):
        y, z = (f(xs) if theirs.nin == 1 else f(*xs) for f in (ours, theirs))
        usual = np.isfinite(z) if name in ("kl_div", "rel_entr") else np.ones_like(y, bool)
        np.testing.assert_allclose(y[usual], z[usual], rtol=1e-15)
    assert ours(*[np.float32(0.5)] * theirs.nin).dtype == np.float32
    assert type(ours(*[0.5] * theirs.nin)) is np.float64


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_minigrad_does_not_import_scipy() -> None:
    run("import sys, minigrad, numpy as np; minigrad.grad(np.sin)(1.0); assert 'scipy' not in sys.modules")


def test_without_scipy_the_table_is_shorter_and_all_else_works() -> None:
    run(
        "import sys; sys.modules['scipy'] = None\n"
        "import minigrad, numpy as np\n"
        "assert not [row for row in minigrad.ops() if 'scipy' in row.page]\n"
        "assert minigrad.grad(minigrad.xlogy, 1)(0.0, 0.0) == 0.0\n"
        "assert abs(minigrad.grad(lambda x: minigrad.polygamma(0, x))(1.0) - np.pi**2 / 6) < 1e-15\n"
        "try: np.frompyfunc(abs, 1, 1)(minigrad.Value(1.0))\n"
        "except minigrad.errors.MissingRule: pass\n"
    )


@pytest.mark.parametrize(
    "first",
    [
        "minigrad.grad(special.gammaln)(2.5)",
        "minigrad.Value(2.5) * special.gammaln(minigrad.Value(2.5))",
        "minigrad.check_op(special.gammaln).ok or 1 / 0",
        "minigrad.compile(minigrad.grad(special.gammaln))(2.5)",
        "minigrad.vmap(minigrad.grad(special.gammaln))(np.ones(3))",
        "minigrad.hessian(lambda x: np.sum(special.gammaln(x)))(np.ones(2))",
        "minigrad.grad(lambda x: special.erf(x).sum())(np.ones(2))",
    ],
)
def test_the_rules_are_there_when_a_function_of_scipy_is_first_met(first: str) -> None:
    run(f"import minigrad, numpy as np\nfrom scipy import special\n{first}")


# -------------------------------------------------------------------------------------------- the other rooms


def test_check_op_agrees() -> None:
    for name in ("gammaln", "log_ndtr", "betainc", "jv"):
        assert check_op(getattr(special, name), examples=4).ok


def poisson(theta: Any, x: Any, counts: Any) -> Any:
    rate = np.exp(x @ theta)
    return np.sum(special.xlogy(counts, rate) - rate - special.gammaln(counts + 1.0))


def beta_likelihood(p: Any, xs: Any) -> Any:
    a, b = np.exp(p)
    return np.sum(special.xlogy(a - 1, xs) + special.xlog1py(b - 1, -xs) - special.betaln(a, b))


def probit(theta: Any, x: Any, side: Any) -> Any:
    return np.sum(special.log_ndtr(side * (x @ theta)))


def test_log_likelihoods_end_to_end() -> None:
    """Each with its gradient in closed form; the second derivatives by mpmath, or in closed form."""
    rng = np.random.default_rng(0)
    x, theta = rng.normal(size=(6, 2)), np.array([0.3, -0.5])
    counts = np.array([0.0, 1.0, 3.0, 0.0, 2.0, 5.0])
    rate = np.exp(x @ theta)
    np.testing.assert_allclose(grad(poisson)(theta, x, counts), x.T @ (counts - rate), rtol=1e-13)
    np.testing.assert_allclose(hessian(poisson)(theta, x, counts), -(x.T * rate) @ x, rtol=1e-13)

    xs, p = rng.uniform(0.1, 0.9, 7), np.log([2.5, 1e6])
    a, b = np.exp(p)
    step = [special.psi(a + b) - special.psi(a), float(mp.digamma(mp.mpf(a) + mp.mpf(b)) - mp.digamma(mp.mpf(b)))]
    want = [a * (np.sum(np.log(xs)) + 7 * step[0]), b * (np.sum(np.log1p(-xs)) + 7 * step[1])]
    np.testing.assert_allclose(grad(beta_likelihood)(p, xs), want, rtol=1e-12)

    side = np.where(counts > 1, 1.0, -1.0)
    far = theta * 1e3  # most observations are a thousand deviations off: the density and the share below are 0
    z = side * (x @ far)
    slopes = np.array([float(mp.npdf(v) / mp.ncdf(v)) for v in map(mp.mpf, z)])
    np.testing.assert_allclose(grad(probit)(far, x, side), x.T @ (side * slopes), rtol=1e-12)
    assert (np.linalg.eigvalsh(hessian(probit)(far, x, side)) < 0).all()


@pytest.mark.parametrize("loss", [poisson, probit])
def test_compiled_and_vectorised_they_give_the_same(loss: Any) -> None:
    rng = np.random.default_rng(1)
    x, thetas, y = rng.normal(size=(5, 2)), rng.normal(size=(4, 2)), np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    eager = np.array([grad(loss)(theta, x, y) for theta in thetas])
    compiled = compile(grad(loss))
    np.testing.assert_array_equal([compiled(theta, x, y) for theta in thetas], eager)
    np.testing.assert_allclose(vmap(grad(loss), (0, None, None))(thetas, x, y), eager, rtol=1e-13)
    narrow = grad(loss)(*(np.float32(z) for z in (thetas[0], x, y)))
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, eager[0], rtol=1e-4)


def test_pictures_and_ties_know_them_by_their_names() -> None:
    w = Value(np.array([0.7, 0.7]), name="w")
    y = np.sum(special.log_ndtr(w) + special.betaln(w, 2.0))
    assert "log_ndtr" in draw(y).dot and "betaln" in draw(y).dot
    assert [len(group) for group in ties(y).groups] == [2]
    rows = {row.op: row for row in minigrad.ops()}
    assert rows["scipy.special.gammaln"].forward == "forward" and rows["scipy.special.logit"].kink == "at 0, 1: inf"
    assert rows["scipy.special.expit"].page == "scipy.special" and rows["minigrad.sigmoid"].page == "activations"
