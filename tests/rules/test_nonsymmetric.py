"""eigvals, eig and roots of real spectra: real on every NumPy, right at equal values or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from identities import assert_same_derivatives, assert_slope

import minigrad
from minigrad import Value, errors
from minigrad.engine.op import TABLE

rng = np.random.default_rng(3)
linalg = np.linalg


def with_values(values: Any) -> Any:
    """A matrix with these eigenvalues, far from symmetric."""
    s = rng.uniform(-1, 1, (len(values), len(values))) + 2 * np.eye(len(values))
    return s @ np.diag(values) @ linalg.inv(s)


DISTINCT = with_values([1.0, 2.0, 4.0])
STACK = np.stack([with_values([-1.0, 2.0, 3.0]), with_values([1.0, 2.5, 4.0])])
EQUAL = with_values([1.0, 4.0, 1.0])
SHARED = np.array([[1.0, 1.0], [0.0, 1.0]])  # one eigenvector for two eigenvalues


def rebuilt(y: Any) -> Any:
    w, v = y
    return (v * np.expand_dims(w, -2)) @ linalg.inv(v)


@pytest.mark.parametrize("a", [DISTINCT, STACK], ids=["one", "stack"])
def test_identities(a: Any) -> None:
    trace = lambda a: np.trace(a, axis1=-2, axis2=-1)  # noqa: E731
    for values in (linalg.eigvals, lambda a: linalg.eig(a)[0]):
        assert_same_derivatives(
            lambda a, f=values: np.sum(f(a) ** 3, axis=-1), lambda a: trace(a @ a @ a), a, rtol=1e-9
        )
        assert_same_derivatives(lambda a, f=values: np.prod(f(a), axis=-1), linalg.det, a, rtol=1e-9)
    assert_same_derivatives(lambda a: rebuilt(linalg.eig(a)), lambda a: a + 0.0, a, rtol=1e-9)


def test_values_and_vectors_by_differences() -> None:
    """Whatever the signs of the vectors and the order of the values."""
    weights = rng.normal(size=3)
    assert_slope(lambda a: np.sum(weights * np.sort(np.real(linalg.eigvals(a)))), DISTINCT, rtol=1e-8)

    def squares(a: Any) -> Any:
        w, v = linalg.eig(a)
        return weights @ (v**2) @ np.exp(w)

    assert_slope(lambda a: np.real(squares(a)), DISTINCT, rtol=1e-7)
    t = rng.normal(size=(3, 3))
    tangent = minigrad.jvp(squares, (DISTINCT,), (t,))[1]
    np.testing.assert_allclose(tangent, np.sum(minigrad.grad(squares)(DISTINCT) * t), rtol=1e-11)


def test_the_results_are_real() -> None:
    """NumPy gives complex numbers from 2.5 on, in the same order."""
    for a in (DISTINCT, STACK):
        w, v = linalg.eig(Value(a))
        assert w.dtype == v.dtype == np.float64
        np.testing.assert_array_equal(w.data, np.real(linalg.eig(a)[0]))
        np.testing.assert_array_equal(v.data, np.real(linalg.eig(a)[1]))
        np.testing.assert_array_equal(linalg.eigvals(Value(a)).data, np.real(linalg.eigvals(a)))
        np.testing.assert_allclose(np.sum(v.data**2, axis=-2), np.ones(a.shape[:-1]))
    y = linalg.eig(Value(DISTINCT))
    assert type(y) is type(linalg.eig(DISTINCT))
    roots = np.roots(Value(np.poly([1.0, 2.0])))
    assert roots.dtype == np.float64
    assert linalg.eigvals(Value(DISTINCT.astype(np.float32))).dtype == np.float32


@pytest.mark.parametrize("f", [linalg.eigvals, linalg.eig])
def test_complex_spectra_are_refused(f: Any) -> None:
    for a in (np.array([[1.0, 2.0], [-2.0, 1.0]]), np.stack([np.eye(2), [[1.0, 2.0], [-2.0, 1.0]]])):
        with pytest.raises(errors.DTypeError, match=r"eigenvalues 1\+2j, 1-2j are complex"):
            f(Value(a))
    with pytest.raises(errors.DTypeError, match=r"roots: the roots .*1j.* are complex"):
        np.roots(Value(np.array([1.0, 0.0, 1.0])))


def test_equal_values() -> None:
    t = rng.normal(size=(3, 3))
    for f in (linalg.eigvals, lambda a: linalg.eig(a)[0]):
        cubes = lambda a, f=f: np.sum(f(a) ** 3)  # noqa: E731
        for a in (EQUAL, np.eye(3), np.zeros((3, 3)), STACK):
            square = np.swapaxes(a @ a, -1, -2)
            np.testing.assert_allclose(minigrad.grad(cubes)(a), 3 * square, atol=1e-11)
        np.testing.assert_allclose(
            minigrad.jvp(cubes, (EQUAL,), (t,))[1], np.sum(3 * (EQUAL @ EQUAL).T * t), rtol=1e-11
        )
    for a, which in ((EQUAL, r"\d and \d"), (np.stack([DISTINCT, EQUAL]), r"\d and \d of matrix 1")):
        weights = rng.normal(size=a.shape)
        for f in (
            lambda a: np.max(linalg.eigvals(a)) + np.sum(linalg.eigvals(a) * [1.0, 2.0, 3.0]),
            lambda a: np.sum(weights * linalg.eig(a)[1]),  # noqa: B023
            lambda a: np.sum(weights * rebuilt(linalg.eig(a))),  # noqa: B023
        ):
            with pytest.raises(linalg.LinAlgError, match=f"eigenvalues {which} are equal"):
                minigrad.grad(f)(a)
            with pytest.raises(linalg.LinAlgError, match=f"eigenvalues {which} are equal"):
                minigrad.jvp(f, (a,), (weights,))


@pytest.mark.parametrize("nearly", [0.0, 1e-18, 1e-16])
def test_values_that_share_a_vector_are_refused(nearly: float) -> None:
    """The slope of each is infinite, and that of their sum is lost in rounding."""
    for f in (linalg.eigvals, lambda a: linalg.eig(a)[1]):
        with pytest.raises(linalg.LinAlgError, match="share an eigenvector"):
            minigrad.grad(lambda a, f=f: np.sum(f(a)))(SHARED + nearly * np.tri(2, k=-1))
    near = SHARED + 1e-12 * np.tri(2, k=-1)  # values that differ by 2e-6
    np.testing.assert_allclose(minigrad.grad(lambda a: np.sum(linalg.eigvals(a)))(near), np.eye(2), atol=1e-8)


def test_second_derivatives_at_equal_values_are_refused() -> None:
    with pytest.raises(linalg.LinAlgError, match="eigenvalues 0 and 1 are equal"):
        minigrad.hvp(lambda a: np.sum(linalg.eigvals(a) ** 2), np.eye(2), np.array([[0.0, 1.0], [0.0, 0.0]]))


def test_compiled() -> None:
    f = minigrad.grad(lambda a: np.sum(linalg.eigvals(a) ** 3))
    np.testing.assert_allclose(minigrad.compile(f)(DISTINCT), f(DISTINCT), rtol=1e-13)


# ------------------------------------------------------------------------------------------------------- roots


@pytest.mark.parametrize(
    "p", [np.poly([1.0, 2.0, 4.0]), np.array([2.0, -3.0]), np.poly([-1.0, 0.0, 3.0]), np.array([2.0])]
)
def test_roots(p: Any) -> None:
    if len(p) > 1:
        weights = 1.0 + np.arange(len(p) - 1)
        assert_slope(lambda p: np.sum(weights * np.sort(np.roots(p))), p, rtol=1e-7)
    if len(p) > 2:  # by Vieta
        assert_same_derivatives(lambda p: np.sum(np.roots(p)), lambda p: -p[1] / p[0], p, rtol=1e-9)
        squares = lambda p: (p[1] / p[0]) ** 2 - 2 * p[2] / p[0]  # noqa: E731
        assert_same_derivatives(lambda p: np.sum(np.roots(p) ** 2), squares, p, rtol=1e-9)
    assert minigrad.grad(lambda p: np.sum(np.roots(p)))(p).shape == p.shape


def test_zeros_around_the_coefficients() -> None:
    """NumPy strips them; zeros at the end are roots of 0."""
    p = np.array([0.0, 1.0, -3.0, 2.0, 0.0])
    np.testing.assert_allclose(np.roots(Value(p)).data, np.real(np.roots(p)))
    g = minigrad.grad(lambda p: np.roots(p)[-1])(p)
    np.testing.assert_allclose(g, [0, 0, 0, 0, -0.5], atol=1e-15)
    np.testing.assert_allclose(minigrad.jvp(np.roots, (p,), (np.eye(5)[4],))[1][-1], -0.5)


def test_multiple_roots_are_nan() -> None:
    """They move by the square root of a change. Whether rounding leaves them real is up to LAPACK."""
    for p, y in (([1.0, -2.0, 1.0], [1.0, 1.0]), ([1.0, -4.0, 4.0], [2.0 + 1e-8, 2.0 - 1e-8])):
        for rule in (*TABLE[np.roots].vjps, *TABLE[np.roots].jvps):
            assert rule is not None
            assert np.isnan(rule(np.ones(2 + (rule in TABLE[np.roots].jvps)), np.array(y), np.array(p))).all()
        try:
            g = minigrad.grad(lambda p: np.sum(np.roots(p)))(np.array(p))
        except errors.DTypeError:
            continue
        assert np.isnan(g).all()
