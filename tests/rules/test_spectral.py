"""minigrad.spectral, f(A) = V f(λ) Vᵀ: right where eigenvalues are equal or close, to second order and beyond."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checking import along
from identities import assert_same_derivatives

import minigrad
from minigrad import errors, spectral
from minigrad.rules.divided_differences import divided_difference

rng = np.random.default_rng(7)
E3 = np.zeros((3, 3))
E3[0, 1] = E3[1, 0] = 1.0


def even(a: Any) -> Any:
    return (a + np.swapaxes(a, -1, -2)) / 2


def turned(values: Any) -> Any:
    """A symmetric matrix with these eigenvalues."""
    q = np.linalg.qr(rng.normal(size=(len(values), len(values))))[0]
    return even((q * values) @ q.T)


def matrix_exp(a: Any) -> Any:
    """e^A by its series."""
    term = y = np.eye(a.shape[-1]) + 0.0 * a
    for k in range(1, 60):
        term = term @ even(a) / k
        y = y + term
    return y


def matrix_log(a: Any) -> Any:
    """ln A = 2 artanh((A - 1)(A + 1)⁻¹) by its series."""
    one, a = np.eye(a.shape[-1]), even(a)
    z = (a - one) @ np.linalg.inv(a + one)
    term, square, y = z, z @ z, z
    for k in range(3, 150, 2):
        term = term @ square
        y = y + term / k
    return 2 * y


def matrix_root(a: Any) -> Any:
    """√A by Denman and Beavers' iteration."""
    y, z = even(a), np.eye(a.shape[-1])
    for _ in range(12):
        y, z = (y + np.linalg.inv(z)) / 2, (z + np.linalg.inv(y)) / 2
    return y


FUNCTIONS = [
    (np.exp, matrix_exp),
    (np.log, matrix_log),
    (np.sqrt, matrix_root),
    (lambda w: w**3, lambda a: even(a) @ even(a) @ even(a)),
    (lambda w: 1 / w, lambda a: np.linalg.inv(even(a))),
    (lambda w: w, even),
]
POINTS = {
    "unit": np.eye(3),
    "two equal": np.diag([1.0, 1.0, 2.0]),
    "two equal, turned": turned([0.5, 1.5, 1.5]),
    "close": turned([1.0, 1.0 + 1e-9, 2.0]),
    "closer": np.diag([1.0, 1.0 + 2e-15, 1.0 + 3e-13]),
    "distinct": turned([0.5, 1.0, 2.0]),
    "stack": np.stack([np.eye(3), turned([0.7, 1.5, 1.5])]),
}


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize(("f", "h"), FUNCTIONS, ids=["exp", "log", "root", "cube", "inverse", "same"])
def test_derivatives_by_series_and_iterations(f: Any, h: Any, name: str) -> None:
    """Value, gradient, tangent, second derivative, against functions that know nothing of eigenvalues."""
    a = POINTS[name]
    assert_same_derivatives(lambda a: spectral(f, a), h, a, rtol=1e-12)
    traced = lambda k: lambda a: np.trace(k(a), axis1=-2, axis2=-1)  # noqa: E731
    if h is not even:
        assert_same_derivatives(traced(lambda a: spectral(f, a)), traced(h), a, rtol=1e-12)


def test_third_and_fourth_derivatives() -> None:
    s, t = even(rng.normal(size=(3, 3))), even(rng.normal(size=(3, 3)))
    weights = rng.normal(size=(3, 3))

    def along_both(h: Any, a: Any, order: int) -> Any:
        f: Any = lambda x: np.sum(weights * h(a + x * s + x * x * t))  # noqa: E731
        for _ in range(order):
            f = minigrad.grad(f)
        return f(0.0)

    for a in (np.eye(3), turned([1.0, 1.0, 2.0])):
        for order in (3, 4):
            found = along_both(lambda a: spectral(np.log, a), a, order)
            np.testing.assert_allclose(found, along_both(matrix_log, a, order), rtol=1e-10)


# --------------------------------------------------------------------- first points of mechanics and statistics


def ogden(c: Any) -> Any:
    return np.trace(spectral(lambda w: w**1.5, c))


def test_ogdens_material_unloaded() -> None:
    np.testing.assert_allclose(minigrad.hvp(ogden, np.eye(3), E3), 0.75 * E3, atol=1e-14)
    second = minigrad.grad(minigrad.grad(lambda t: ogden(np.eye(3) + t * E3)))(0.0)
    np.testing.assert_allclose(second, 1.5, rtol=1e-14)
    np.testing.assert_allclose(minigrad.grad(ogden)(np.eye(3)), 1.5 * np.eye(3), rtol=1e-14)
    for a in (turned([1.0, 1.0, 1.5]), turned([1.0, 1.0, 1.0 + 1e-9])):
        assert minigrad.check_grads(ogden, a, order=2).ok


def test_the_square_of_the_size() -> None:
    for a in (np.eye(2), np.diag([1.0, 2.0]), np.zeros((2, 2))):
        t = even(rng.normal(size=(2, 2)))
        np.testing.assert_allclose(
            minigrad.hvp(lambda a: np.trace(spectral(np.square, a)), a, t), 2 * t, atol=1e-14
        )


def test_a_projector_has_its_derivative_and_a_step_none_elsewhere() -> None:
    """f is 1 below 1.5: V1 V1ᵀ turns by 1 / (λj - λi)."""
    a, w, t = turned([1.0, 1.0, 2.0, 3.0]), rng.normal(size=(4, 4)), even(rng.normal(size=(4, 4)))
    below = lambda a: np.sum(w * spectral(lambda x: np.where(x < 1.5, 1.0, 0.0), a))  # noqa: E731
    found = minigrad.jvp(below, (a,), (t,))[1]
    np.testing.assert_allclose(found, along(lambda h: below(a + h * t)), rtol=1e-8)
    np.testing.assert_allclose(found, np.sum(minigrad.grad(below)(a) * t), rtol=1e-12)


# ----------------------------------------------------------------------------------------------- how it is used


def test_every_transform() -> None:
    stack = POINTS["stack"]
    w = rng.normal(size=(3, 3))
    f = lambda a: np.sum(w * spectral(np.log, a))  # noqa: E731
    g = np.stack([minigrad.grad(f)(a) for a in stack])
    np.testing.assert_allclose(minigrad.vmap(minigrad.grad(f))(stack), g, rtol=1e-13)
    np.testing.assert_array_equal(minigrad.compile(minigrad.grad(f))(stack[1]), g[1])
    t = even(w)
    compiled = minigrad.compile(
        lambda a, t: minigrad.hvp(lambda a: np.sum(w * spectral(lambda x: x**1.5, a)), a, t)
    )
    for a in stack:
        np.testing.assert_allclose(
            compiled(a, t), minigrad.hvp(lambda a: np.sum(w * spectral(lambda x: x**1.5, a)), a, t)
        )
    h = minigrad.hessian(f)(np.eye(3))
    np.testing.assert_allclose(np.sum(h * t, axis=(2, 3)), minigrad.hvp(f, np.eye(3), t), atol=1e-14)


def test_float32_stays_float32() -> None:
    a = POINTS["two equal, turned"].astype(np.float32)
    f = lambda a: np.sum(spectral(np.log, a) ** 2)  # noqa: E731
    g = minigrad.grad(f)(a)
    assert g.dtype == np.float32
    assert spectral(np.log, a).dtype == np.float32
    np.testing.assert_allclose(g, minigrad.grad(f)(a.astype(np.float64)), atol=1e-5)
    np.testing.assert_allclose(
        minigrad.hvp(f, a, a), minigrad.hvp(f, a.astype(np.float64), a.astype(np.float64)), atol=1e-4
    )


def test_only_the_symmetric_part_counts() -> None:
    a, b = turned([1.0, 1.0, 2.0]), rng.normal(size=(3, 3))
    np.testing.assert_allclose(spectral(np.exp, a + b - b.T), spectral(np.exp, a), rtol=1e-12)
    g = minigrad.grad(lambda a: np.sum(b * spectral(np.exp, a)))(a)
    np.testing.assert_allclose(g, g.T, rtol=1e-13)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (1, 1)])
def test_small_and_empty(shape: Any) -> None:
    a = np.ones(shape)
    assert minigrad.grad(lambda a: np.sum(spectral(np.exp, a)))(a).shape == shape
    assert minigrad.hvp(lambda a: np.sum(spectral(np.exp, a)), a, a).shape == shape
    np.testing.assert_allclose(spectral(np.exp, np.ones((1, 1), dtype=int)), [[np.e]])


def test_what_is_refused() -> None:
    with pytest.raises(errors.ShapeError, match="square matrices"):
        spectral(np.exp, np.ones((2, 3)))
    with pytest.raises(errors.DTypeError, match="real numbers"):
        spectral(np.exp, 1j * np.eye(2))
    with pytest.raises(errors.GradientLost, match="f depends on a Value"):
        minigrad.grad(lambda k: np.sum(spectral(lambda w: k * w, np.eye(2))))(2.0)
    with pytest.raises(errors.ArgumentError, match="entry by entry"):
        spectral(lambda w: w[:1], np.eye(2))


# ------------------------------------------------------------------------------------------ divided differences


def powers(k: float) -> Any:
    """x^k and its derivatives."""

    def derivative(x: Any, order: int) -> Any:
        return float(np.prod(k - np.arange(order))) * x ** (k - order)

    return derivative


EXACT = {
    # f[x0, …, xn] by formulas without cancellation
    "1/x": (powers(-1), lambda *x: (-1.0) ** (len(x) - 1) / np.prod(x, axis=0)),
    "x³": (
        powers(3),
        lambda *x: [0, 0, x[0] ** 2 + x[0] * x[1] + x[1] ** 2, sum(x), 1 + 0 * x[0]][len(x)],
    ),
    "√x": (
        powers(0.5),
        lambda *x: (
            1 / (np.sqrt(x[0]) + np.sqrt(x[1]))
            if len(x) == 2
            else -1
            / ((np.sqrt(x[0]) + np.sqrt(x[1])) * (np.sqrt(x[1]) + np.sqrt(x[2])) * (np.sqrt(x[0]) + np.sqrt(x[2])))
        ),
    ),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", EXACT)
def test_digits_at_all_gaps(name: str, dtype: Any) -> None:
    f, exact = EXACT[name]
    gaps = 10.0 ** np.arange(-17, 1.1, 0.25)
    for base in (1.0, 0.37, 3.1e5, 1e-6):
        x, y = np.full(gaps.shape, base), base * (1 + gaps)
        z = base * (1 + gaps * 0.3)
        for points in ((x, y), (x, x, y), (y, x, y), (x, y, z), (x, x, x)):
            if name == "√x" and len(points) > 3:
                continue
            rounded = [p.astype(dtype) for p in points]
            found = divided_difference(f, *rounded)
            assert found.dtype == dtype
            right = exact(*(p.astype(np.float64) for p in rounded))
            np.testing.assert_allclose(found, right, rtol=16 * np.finfo(dtype).eps)


@pytest.mark.parametrize("count", [2, 3])
def test_digits_by_mpmath(count: int) -> None:
    mpmath = pytest.importorskip("mpmath")
    gaps = 10.0 ** np.arange(-15.5, 0.6)

    def exact(f: Any, *x: Any) -> Any:
        x = sorted(x)
        if x[0] == x[-1]:
            return mpmath.diff(f, x[0], len(x) - 1) / mpmath.factorial(len(x) - 1)
        return (exact(f, *x[1:]) - exact(f, *x[:-1])) / (x[-1] - x[0])

    with mpmath.workdps(70):
        for f, derivative in (
            (
                mpmath.log,
                lambda x, k: np.log(x) if k == 0 else -np.prod(-1.0 * np.arange(1, k)) * -(x ** -float(k)),
            ),
            (mpmath.exp, lambda x, k: np.exp(x)),
        ):
            for base in (0.2, 1.0, 2.9):
                points = [np.full(gaps.shape, base), base * (1 + gaps), base * (1 + 0.4 * gaps)][:count]
                right = [float(exact(f, *map(mpmath.mpf, map(float, at)))) for at in zip(*points, strict=True)]
                found = divided_difference(derivative, *points)
                np.testing.assert_allclose(found, right, rtol=16 * np.finfo(float).eps)


def test_a_function_that_bends_between_the_points_has_the_quotient() -> None:
    """A quadrature of its slope would miss the bend."""
    step = lambda x, order: np.where(x < 1, 0.0, 1.0) if order == 0 else 0.0 * x  # noqa: E731
    for gap in (1e-3, 1e-8, 1e-12):
        np.testing.assert_allclose(
            divided_difference(step, np.array([1 - gap]), np.array([1 + gap])), 1 / (2 * gap), rtol=1e-3
        )
    steep = lambda x, order: np.tanh(1e6 * (x - 1)) if order == 0 else 1e6 / np.cosh(1e6 * (x - 1)) ** 2  # noqa: E731
    x, y = np.array([1 - 3e-6]), np.array([1 + 2e-5])
    np.testing.assert_allclose(divided_difference(steep, x, y), (steep(y, 0) - steep(x, 0)) / (y - x), rtol=1e-12)
