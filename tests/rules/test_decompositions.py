"""Factorisations: through functions that do not depend on the choices of LAPACK, and at equal values by policy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checking import OPS, along
from identities import assert_same_derivatives, assert_slope, matrix

import minigrad
from minigrad import Value, errors

rng = np.random.default_rng(1)
linalg = np.linalg


def rotation(n: int) -> Any:
    return linalg.qr(rng.normal(size=(n, n)))[0]


def symmetric(values: Any, *stack: int) -> Any:
    """A symmetric matrix with these eigenvalues, far from diagonal."""
    q = np.stack([rotation(len(values)) for _ in range(int(np.prod(stack)))]).reshape(*stack, len(values), -1)
    a = (q * values) @ np.swapaxes(q, -1, -2)
    return (a + np.swapaxes(a, -1, -2)) / 2


def even(a: Any) -> Any:
    return (a + np.swapaxes(a, -1, -2)) / 2


def scaled(v: Any, w: Any) -> Any:
    """V diag(w)."""
    return v * np.expand_dims(w, -2)


def rebuilt(y: Any) -> Any:
    """U diag(s) Vᵀ, or V diag(λ) Vᵀ."""
    if len(y) == 3:
        return scaled(y[0], y[1]) @ y[2]
    return scaled(y[1], y[0]) @ np.swapaxes(y[1], -1, -2)


LEFT = symmetric([1.0, 2.5, -1.0, 4.0])
STACKED = symmetric([1.0, 2.5, -1.0], 2, 1)
TALL, WIDE, SQUARE = matrix(4, 3), matrix(3, 4), matrix(2, 3, 3)


# ----------------------------------------------------------------------------------------------- identities


@pytest.mark.parametrize("a", [LEFT, STACKED], ids=["one", "stack"])
@pytest.mark.parametrize("uplo", ["L", "U"])
@pytest.mark.parametrize(
    ("f", "h"),
    [
        (rebuilt, lambda a: a),
        (lambda y: scaled(y[1], y[0] ** 3) @ np.swapaxes(y[1], -1, -2), lambda a: a @ a @ a),
        (lambda y: scaled(y[1], 1 / y[0]) @ np.swapaxes(y[1], -1, -2), linalg.inv),
        (lambda y: y[0].sum(-1), lambda a: np.trace(a, axis1=-2, axis2=-1)),
        (lambda y: np.prod(y[0], axis=-1), linalg.det),
        (lambda y: (y[0] ** 2).sum(-1), lambda a: (a * a).sum((-1, -2))),
        (lambda y: y[1] @ np.swapaxes(y[1], -1, -2) * 0 + rebuilt(y), lambda a: a),
    ],
)
def test_eigenvalues_and_vectors(f: Any, h: Any, uplo: str, a: Any) -> None:
    assert_same_derivatives(lambda a: f(linalg.eigh(even(a), uplo)), lambda a: h(even(a)), a, rtol=1e-10)


@pytest.mark.parametrize("a", [TALL, WIDE, SQUARE], ids=["tall", "wide", "stack"])
@pytest.mark.parametrize(
    ("f", "h"),
    [
        (rebuilt, lambda a: a + 0.0),
        (lambda y: (y[1] ** 2).sum(-1), lambda a: (a * a).sum((-1, -2))),
        (lambda y: scaled(y[0], y[1] ** 3) @ y[2], lambda a: a @ np.swapaxes(a, -1, -2) @ a),
        (
            lambda y: np.swapaxes(scaled(y[0], 1 / y[1]) @ y[2], -1, -2),
            linalg.pinv,
        ),
        (lambda y: (y[1] ** 4).sum(-1), lambda a: ((np.swapaxes(a, -1, -2) @ a) ** 2).sum((-1, -2))),
    ],
)
def test_singular_values_and_vectors(f: Any, h: Any, a: Any) -> None:
    assert_same_derivatives(lambda a: f(linalg.svd(a, full_matrices=False)), h, a, rtol=1e-10)


@pytest.mark.parametrize("a", [TALL, WIDE, SQUARE], ids=["tall", "wide", "stack"])
def test_singular_values_alone(a: Any) -> None:
    with_vectors = lambda a: linalg.svd(a, full_matrices=False)[1]  # noqa: E731
    assert_same_derivatives(lambda a: linalg.svd(a, compute_uv=False), with_vectors, a)
    assert_same_derivatives(linalg.svdvals, with_vectors, a)


def test_eigenvalues_alone() -> None:
    for uplo in "LU":
        with_vectors = lambda a, u=uplo: linalg.eigh(a, u)[0]  # noqa: E731
        assert_same_derivatives(lambda a, u=uplo: linalg.eigvalsh(a, u), with_vectors, STACKED)


@pytest.mark.parametrize("a", [TALL, SQUARE, matrix(3, 3)], ids=["tall", "stack", "square"])
def test_orthogonal_and_triangular(a: Any) -> None:
    turned = lambda m: np.swapaxes(m, -1, -2)  # noqa: E731
    assert_same_derivatives(lambda a: np.matmul(*linalg.qr(a)), lambda a: a + 0.0, a)
    assert_same_derivatives(lambda a: turned(linalg.qr(a).R) @ linalg.qr(a).R, lambda a: turned(a) @ a, a)
    columns = a[..., :2]  # all of them span the whole space, whatever they are
    projector = lambda a: linalg.qr(a).Q @ turned(linalg.qr(a).Q)  # noqa: E731
    assert_same_derivatives(projector, lambda a: a @ linalg.pinv(a), columns, rtol=1e-10)
    assert_same_derivatives(lambda a: linalg.qr(a, mode="r"), lambda a: linalg.qr(a)[1], a)


def test_qr_ignores_a_cotangent_where_r_is_always_zero() -> None:
    g = np.zeros((3, 3))
    g[2, 0] = 1.0
    found = minigrad.grad(lambda a: np.sum(g * linalg.qr(a).R))(matrix(3, 3))
    np.testing.assert_array_equal(found, np.zeros((3, 3)))


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(upper: bool) -> None:
    a = matrix(2, 3, 3)
    definite = lambda a: a @ np.swapaxes(a, -1, -2)  # noqa: E731

    def product(a: Any) -> Any:
        c = linalg.cholesky(definite(a), upper=upper)
        return np.swapaxes(c, -1, -2) @ c if upper else c @ np.swapaxes(c, -1, -2)

    def log_det(a: Any) -> Any:
        c = linalg.cholesky(definite(a), upper=upper)
        return 2 * np.log(np.sum(c * np.eye(3), axis=-1)).sum(-1)

    assert_same_derivatives(product, definite, a)
    assert_same_derivatives(log_det, lambda a: linalg.slogdet(definite(a))[1], a)
    # R of qr is the factor of AᵀA, but for signs.
    factor = lambda a: np.abs(linalg.cholesky(np.swapaxes(a, -1, -2) @ a, upper=True))  # noqa: E731
    assert_same_derivatives(factor, lambda a: np.abs(linalg.qr(a).R), a)


# ------------------------------------------------------------------------------------------- one triangle is read


@pytest.mark.parametrize(
    ("f", "upper"),
    [
        (linalg.cholesky, False),
        (lambda a: linalg.cholesky(a, upper=True), True),
        (linalg.eigvalsh, False),
        (lambda a: linalg.eigvalsh(a, "U"), True),
        (lambda a: rebuilt(linalg.eigh(a)), False),
        (lambda a: rebuilt(linalg.eigh(a, UPLO="u")), True),
    ],
)
def test_the_gradient_stands_in_the_triangle_that_is_read(f: Any, upper: bool) -> None:
    """Of (A + Aᵀ)/2 it is symmetric, and so is a step along it."""
    a = symmetric([1.0, 2.5, 4.0])
    g = rng.uniform(0.5, 1.5, (3, 3)) if f(a).ndim == 2 else rng.uniform(0.5, 1.5, 3)
    weighed = lambda a: np.sum(g * f(a))  # noqa: E731
    found = minigrad.grad(weighed)(a)
    unread, read = (np.tril, np.triu) if upper else (np.triu, np.tril)
    k = -1 if upper else 1
    np.testing.assert_array_equal(unread(found, k), np.zeros((3, 3)))
    assert np.abs(read(found)[np.nonzero(read(np.ones((3, 3))))]).min() > 0
    np.testing.assert_array_equal(minigrad.grad(weighed)(read(a) + unread(np.full((3, 3), 7.0), k)), found)
    np.testing.assert_allclose(minigrad.grad(lambda a: weighed(even(a)))(a), even(found), rtol=1e-12)


# ------------------------------------------------------------------------------------------------ equal values

DOUBLE = {
    "exactly, diagonal": np.diag([1.0, 1.0, 3.0]),
    "to rounding": symmetric([1.0, 1.0, 3.0]),
    "all": np.eye(3),
    "zero": np.zeros((3, 3)),
}


def refused(what: Any, message: str) -> None:
    with pytest.raises(linalg.LinAlgError, match=message) as caught:
        what()
    assert isinstance(caught.value, errors.MinigradError)
    assert "minigrad.spectral(f, A)" in str(caught.value)


@pytest.mark.parametrize("name", DOUBLE)
@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.sum(linalg.eigvalsh(a) ** 2),
        lambda a: np.sum(linalg.eigh(a)[0] ** 2),
        lambda a: np.sum(linalg.svd(a, compute_uv=False) ** 3),
        lambda a: np.sum(linalg.svd(a)[1] ** 3),
        lambda a: np.sum(linalg.svd(a[:, :2], full_matrices=False)[1] ** 3),
        lambda a: np.sum(linalg.svd(a[:2])[1] ** 3),
        lambda a: np.linalg.norm(a, "nuc"),
    ],
)
def test_functions_of_the_values_alone_have_first_derivatives(f: Any, name: str) -> None:
    a, t = DOUBLE[name], rng.normal(size=(3, 3))
    g = minigrad.grad(f)(a)
    assert np.abs(g).max() < 100  # a gap of one rounding would make it 1e15
    np.testing.assert_allclose(np.sum(g * t), minigrad.jvp(f, (a,), (t,))[1], atol=1e-13)
    if name != "zero":  # there the nuclear norm has a kink
        assert_slope(lambda a: f(even(a)), a, rtol=1e-7)


@pytest.mark.parametrize("n", [3, 4, 6, 12, 40])
@pytest.mark.parametrize("scale", [1e-100, -1.0, 1e100])
def test_values_that_are_equal_but_for_rounding_count_as_equal(n: int, scale: float) -> None:
    """Q diag(1, …, 1, 2) Qᵀ: rounding parts equal values by some eps, and 1 / (λj - λi) would be 1e15."""
    for k in (2, n - 1):
        for values in (np.repeat([1.0, 2.0], [k, n - k]), np.repeat([1e-3, 1.0], [k, n - k])):
            a, q = scale * symmetric(values), rotation(n)
            weights = rng.normal(size=(n, n))
            for f in (
                lambda a, w=weights: np.sum(w * linalg.eigh(a)[1]),
                lambda a, w=weights: np.sum(w * linalg.svd(a)[0]),
                lambda a, w=weights: np.sum(w * linalg.svd(a @ q)[2]),  # noqa: B023
            ):
                refused(lambda f=f, a=a: minigrad.grad(f)(a), r"values \d+ and \d+ are equal")
                refused(lambda f=f, a=a, t=weights: minigrad.jvp(f, (a,), (t,)), r"values \d+ and \d+ are equal")


def test_values_that_are_close_and_not_equal_are_told_apart() -> None:
    """A gap of 1e-12 is more than rounding: the vectors turn by one over it."""
    t = np.array([[0.0, 1.0], [1.0, 0.0]])
    turned = minigrad.jvp(lambda a: linalg.eigh(a)[1], (np.diag([1.0, 1.0 + 1e-12]),), (t,))[1]
    np.testing.assert_allclose(np.abs(turned[0, 1]), 1e12, rtol=1e-3)


RANK = {
    "ones": np.ones((3, 3)),
    "zero": np.zeros((3, 2)),
    "a column of zeros": np.array([[1.0, 0.0], [2.0, 0.0]]),
    "thin product": matrix(5, 2) @ matrix(2, 4),
    "singular value of 0": (rotation(6) * np.array([1.0, 2, 3, 4, 5, 0])) @ rotation(6),
    "tall": np.outer(np.ones(20), [0.1, 0.3]),
    "columns of all sizes": np.ones((3, 3)) * [1e-150, 1.0, 1e150],
    "one of a stack": np.stack([np.eye(3), np.ones((3, 3))]),
}


@pytest.mark.parametrize("name", RANK)
@pytest.mark.parametrize("mode", ["reduced", "r"])
def test_qr_without_full_rank_to_rounding_raises(name: str, mode: str) -> None:
    """What is left of a column in the space of those before it is rounding, and its direction too."""
    a = RANK[name]
    f = lambda a: sum(np.sum(part) for part in (linalg.qr(a, mode) if mode == "reduced" else [linalg.qr(a, mode)]))  # noqa: E731
    with pytest.raises(linalg.LinAlgError):
        minigrad.grad(f)(a)
    with pytest.raises(linalg.LinAlgError):
        minigrad.jvp(f, (a,), (a + 1.0,))
    with pytest.raises(linalg.LinAlgError):
        minigrad.grad(lambda a: np.sum(minigrad.grad(f)(a)))(a)


def test_qr_of_badly_scaled_or_nearly_dependent_columns_has_its_derivative() -> None:
    """Columns of 1e-100 and 1e100 have full rank, and so has a pair that differs by 1e-10."""
    a, sizes = matrix(4, 3), np.array([1e-100, 1.0, 1e100])
    w = rng.normal(size=(4, 3))
    turned = lambda a: np.sum(w * linalg.qr(a).Q)  # noqa: E731
    np.testing.assert_allclose(
        minigrad.grad(turned)(a * sizes) * sizes, minigrad.grad(turned)(a), rtol=1e-9, atol=1e-12
    )
    near = np.array([[1.0, 1.0], [0.0, 1e-10]])
    slope = minigrad.grad(lambda a: np.abs(linalg.qr(a).R[1, 1]))(near)
    np.testing.assert_allclose(slope[1, 1], 1.0, rtol=1e-5)


def test_symmetric_functions_of_equal_eigenvalues_are_right() -> None:
    for a in (DOUBLE["exactly, diagonal"], DOUBLE["to rounding"], DOUBLE["all"]):
        np.testing.assert_allclose(
            minigrad.grad(lambda a: linalg.eigvalsh(even(a)).sum())(a), np.eye(3), atol=1e-14
        )
        found = minigrad.grad(lambda a: (linalg.eigh(even(a))[0] ** 2).sum())(a)
        np.testing.assert_allclose(found, 2 * a, atol=1e-14)
        nuclear = minigrad.grad(lambda a: linalg.svd(a, compute_uv=False).sum())(a)
        np.testing.assert_allclose(nuclear, np.eye(3), atol=1e-14)


def test_the_space_of_equal_eigenvalues_has_its_derivative() -> None:
    """The projector on the two equal ones does not tell them apart, however LAPACK turned them."""
    weights = rng.uniform(-1, 1, (3, 3))

    def projector(a: Any) -> Any:
        v = linalg.eigh(even(a))[1][:, :2]
        return np.sum(weights * (v @ v.T))

    for a in (DOUBLE["exactly, diagonal"], DOUBLE["to rounding"]):
        assert_slope(projector, a, rtol=1e-8)


POWERS = {"log": np.log, "square": np.square, "linear": lambda w: w, "root": np.sqrt}
POINTS = {
    "two": np.diag([1.0, 1.0, 3.0]),
    "turned": symmetric([1.0, 1.0, 3.0]),
    "all": np.eye(3),
    "of a stack": np.stack([symmetric([1.0, 2.0, 3.0]), symmetric([2.0, 1.0, 2.0])]),
}


@pytest.mark.parametrize("f", POWERS)
@pytest.mark.parametrize("name", POINTS)
def test_functions_of_values_and_vectors_are_refused_at_equal_ones(name: str, f: str) -> None:
    """V f(λ) Vᵀ needs f'(λ) there, and U f(s) Vᵀ too; at the unit matrix, log even has a cotangent of zeros."""
    a = POINTS[name]
    shape, which = a.shape, "of matrix 1 " if a.ndim == 3 else ""
    corner = np.zeros(shape)
    corner[..., 0, 1] = 1.0

    def by_eigh(a: Any) -> Any:
        w, v = linalg.eigh(even(a))
        return scaled(v, POWERS[f](w)) @ np.swapaxes(v, -1, -2)

    def by_svd(a: Any) -> Any:
        u, s, vh = linalg.svd(a)
        return scaled(u, POWERS[f](s)) @ vh

    for h, op in ((by_eigh, "eigh: eigenvalues"), (by_svd, "svd: singular values")):
        for g in (rng.normal(size=shape), corner if name != "turned" else rng.normal(size=shape)):
            refused(lambda g=g, h=h: minigrad.grad(h)(a, cotangent=g), rf"linalg.{op} \d and \d {which}are equal")
            refused(lambda g=g, h=h: minigrad.jvp(h, (a,), (g,)), rf"linalg.{op} \d and \d {which}are equal")


def test_vectors_on_which_nothing_depends_do_not_matter() -> None:
    """Classical scaling: the first two columns of V √λ, where all other eigenvalues are 0."""
    points, weights = matrix(6, 2), rng.normal(size=(6, 6))

    def distances(a: Any) -> Any:
        w, v = linalg.eigh(even(a))
        y = v[:, -2:] * np.sqrt(w[-2:])
        return np.sum(weights * (y @ y.T)) + np.sum(y**4)

    a = points @ points.T
    t = even(points @ rng.normal(size=(2, 6)))
    along_t = np.sum(minigrad.grad(distances)(a) * t)
    np.testing.assert_allclose(along_t, along(lambda h: distances(a + h * t)), rtol=1e-8)
    np.testing.assert_allclose(minigrad.jvp(distances, (a,), (t,))[1], along_t, rtol=1e-10)


def newton(a: Any) -> Any:
    """The polar factor of a, by Newton's iteration."""
    for _ in range(12):
        a = (a + np.swapaxes(linalg.inv(a), -1, -2)) / 2
    return a


@pytest.mark.parametrize(
    "a", [np.eye(3), 2 * rotation(3), np.array([[0.0, 2.0], [-2.0, 0.0]]), np.stack([np.eye(2)] * 2)]
)
def test_the_polar_factor_is_right_at_equal_values(a: Any) -> None:
    w, t = rng.normal(size=a.shape), rng.normal(size=a.shape)

    def polar(a: Any) -> Any:
        u, _, vh = linalg.svd(a)
        return u @ vh

    f, h = (lambda a, p=p: np.sum(w * p(a)) for p in (polar, newton))
    np.testing.assert_allclose(minigrad.grad(f)(a), minigrad.grad(h)(a), atol=1e-14)
    np.testing.assert_allclose(minigrad.jvp(polar, (a,), (t,))[1], minigrad.jvp(newton, (a,), (t,))[1], atol=1e-14)
    refused(lambda: minigrad.hvp(f, a, t), "svd: singular values 0 and 1 ")  # what `spectral` can do:
    by_root = lambda a: a @ minigrad.spectral(lambda s: s**-0.5, np.swapaxes(a, -1, -2) @ a)  # noqa: E731
    found = minigrad.hvp(lambda a: np.sum(w * by_root(a)), a, t)
    np.testing.assert_allclose(found, minigrad.hvp(h, a, t), atol=1e-13)


def test_second_derivatives_along_what_mixes_equal_values_are_refused() -> None:
    """Along all other directions, they are right: |A|² has 2 T."""
    mixing, other = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([2.0, -1.0])
    for f in (
        lambda a: np.sum(linalg.eigvalsh(even(a)) ** 2),
        lambda a: np.sum(linalg.eigh(even(a))[0] ** 2),
        lambda a: np.sum((linalg.eigvalsh(even(a)) - 1) ** 2) + 2 * np.trace(a),
        lambda a: np.sum(linalg.svdvals(a) ** 2),
        lambda a: np.sum(linalg.svd(a)[1] ** 2),
        lambda a: np.sum((linalg.svdvals(a) - 1) ** 2) + 2 * linalg.norm(a, "nuc"),
    ):
        for a in (np.eye(2), np.diag([1.0, 2.0]), np.diag([2.0, 1.0]) + 1e-5 * mixing):
            expected = 2 * mixing
            if a[0, 0] == a[1, 1]:
                refused(lambda f=f, a=a: minigrad.hvp(f, a, mixing), "values 0 and 1 are equal")
                refused(lambda f=f, a=a: minigrad.hessian(f)(a), "values 0 and 1 are equal")
                refused(lambda f=f, a=a: minigrad.compile(lambda a: minigrad.hvp(f, a, mixing))(a), "are equal")
            else:
                np.testing.assert_allclose(minigrad.hvp(f, a, mixing), expected, atol=1e-9)
            np.testing.assert_allclose(minigrad.hvp(f, a, other), 2 * other, atol=1e-9)
    unit, corner = np.eye(3), np.zeros((3, 3))
    corner[0, 1] = corner[1, 0] = 1.0
    ogden = lambda c: np.sum(linalg.eigvalsh(even(c)) ** 1.5)  # noqa: E731
    refused(lambda: minigrad.grad(minigrad.grad(lambda t: ogden(unit + t * corner)))(0.0), "0 and 1 are equal")
    np.testing.assert_allclose(minigrad.grad(ogden)(unit), 1.5 * unit, rtol=1e-14)
    for h in (lambda a: linalg.norm(a, 2), lambda a: linalg.cond(a), lambda a: linalg.norm(a, -2)):
        refused(lambda h=h: minigrad.hvp(h, np.eye(2), mixing), "singular values 0 and 1 are equal")


def test_sums_with_fixed_weights_have_second_derivatives_at_equal_values() -> None:
    """Σ λ is the trace; Σ s is the nuclear norm."""
    a, t = 2 * rotation(3), rng.normal(size=(3, 3))
    for f in (lambda a: np.sum(linalg.eigvalsh(even(a))), lambda a: 3 * np.sum(linalg.eigh(even(a))[0])):
        np.testing.assert_array_equal(minigrad.hvp(f, np.eye(3), t), np.zeros((3, 3)))
        np.testing.assert_array_equal(minigrad.grad(lambda a, f=f: np.sum(minigrad.grad(f)(a) ** 2))(np.eye(3)), 0)
    right = minigrad.hvp(lambda a: np.sum(newton(a) * a), a, t)
    for f in (lambda a: np.sum(linalg.svdvals(a)), lambda a: np.sum(linalg.svd(a)[1])):
        np.testing.assert_allclose(minigrad.hvp(f, a, t), right, atol=1e-13)
    refused(lambda: minigrad.hvp(lambda a: linalg.eigvalsh(even(a))[0], np.eye(3), t), "are equal")


def test_the_nuclear_norm_has_its_second_derivative_at_equal_values() -> None:
    a, t = 2 * rotation(3), rng.normal(size=(3, 3))
    found = minigrad.hvp(lambda a: linalg.norm(a, "nuc"), a, t)
    np.testing.assert_allclose(found, minigrad.hvp(lambda a: np.sum(newton(a) * a), a, t), atol=1e-13)


def test_third_derivatives_of_functions_of_values() -> None:
    a, t = matrix(3, 3), rng.normal(size=(3, 3))
    along_t = lambda f: lambda h: f(a + h * t)  # noqa: E731
    for f, h in (
        (lambda a: np.sum(linalg.svdvals(a) ** 4), lambda a: np.sum((a.T @ a) ** 2)),
        (lambda a: np.sum(linalg.eigvalsh(even(a)) ** 3), lambda a: np.trace(even(a) @ even(a) @ even(a))),
    ):
        third, expected = (minigrad.grad(minigrad.grad(minigrad.grad(along_t(k))))(0.0) for k in (f, h))
        np.testing.assert_allclose(third, expected, rtol=1e-9)

        def second(k: Any) -> Any:
            return minigrad.jvp(lambda a: minigrad.jvp(k, (a,), (t,))[1], (a,), (t,))[1]

        np.testing.assert_allclose(second(f), second(h), rtol=1e-9)


def test_the_nuclear_norm_rests_at_its_minimum() -> None:
    """Singular values of 0 are minima, as |x| has one: of all subgradients the smallest."""
    nuclear = lambda a: linalg.svd(a, compute_uv=False).sum()  # noqa: E731
    np.testing.assert_array_equal(minigrad.grad(nuclear)(np.zeros((3, 2))), np.zeros((3, 2)))
    a = np.outer([1.0, 2.0, 2.0], [3.0, 4.0])
    np.testing.assert_allclose(minigrad.grad(nuclear)(a), a / 15, atol=1e-14)
    full = lambda a: linalg.svd(a, full_matrices=False)[1].sum()  # noqa: E731
    np.testing.assert_allclose(minigrad.grad(full)(a), a / 15, atol=1e-14)
    np.testing.assert_allclose(minigrad.jvp(full, (a,), (a,))[1], 15, rtol=1e-14)


def test_singular_values_of_zero() -> None:
    a = np.outer([1.0, 2.0, 2.0], [3.0, 4.0])  # rank 1, tall
    g = minigrad.grad(lambda a: linalg.svd(a, compute_uv=False)[0])(a)
    np.testing.assert_allclose(g, a / 15, rtol=1e-14)
    for part in range(3):
        found = minigrad.grad(lambda a, k=part: np.sum(linalg.svd(a, full_matrices=False)[k] ** 2))(a)
        assert np.isfinite(found).all()
        assert np.abs(found).max() < 1e2
    # U s Vᵀ is A itself, but the rule of svd does not see how s = 0 and its vectors go together.
    weights = rng.normal(size=(3, 2))
    refused(
        lambda: minigrad.grad(lambda a: np.sum(weights * rebuilt(linalg.svd(a, full_matrices=False))))(a), "is 0"
    )
    low = lambda a: np.sum(weights * rebuilt([y[..., :1] for y in linalg.svd(a)[:2]] + [linalg.svd(a)[2][:1]]))  # noqa: E731
    np.testing.assert_allclose(minigrad.grad(low)(a) * 0, 0)
    t = np.outer([1.0, 0.5, 2.0], [3.0, 4.0])
    np.testing.assert_allclose(np.sum(minigrad.grad(low)(a) * t), np.sum(weights * t), rtol=1e-12)


# ------------------------------------------------------------------------------------------- completed bases


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (5, 4), (2, 3, 2)])
def test_the_columns_that_complete_a_basis(shape: Any) -> None:
    """The projector on the space they span is 1 - A A⁺; R, s and the other columns do not depend on them."""
    a, turned = matrix(*shape), lambda m: np.swapaxes(m, -1, -2)
    n = min(shape[-2:])
    tall = shape[-2] > shape[-1]
    outside = lambda q: q[..., n:] @ turned(q[..., n:])  # noqa: E731
    spans = [lambda a: a @ linalg.pinv(a), lambda a: linalg.pinv(a) @ a]
    rest = lambda a: np.eye(max(shape[-2:])) - spans[not tall](a)  # noqa: E731
    of_svd = lambda a: outside(linalg.svd(a)[0] if tall else turned(linalg.svd(a)[2]))  # noqa: E731
    assert_same_derivatives(of_svd, rest, a, rtol=1e-9)
    thin = lambda a: rebuilt(linalg.svd(a, full_matrices=False))  # noqa: E731
    full = lambda a: rebuilt([linalg.svd(a)[0][..., :n], linalg.svd(a)[1], linalg.svd(a)[2][..., :n, :]])  # noqa: E731
    assert_same_derivatives(full, thin, a, rtol=1e-9)
    assert_same_derivatives(lambda a: linalg.svd(a)[1], linalg.svdvals, a)
    if tall:
        assert_same_derivatives(lambda a: outside(linalg.qr(a, "complete").Q), rest, a, rtol=1e-9)
        parts = [lambda a: linalg.qr(a, "complete").Q[..., :n], lambda a: linalg.qr(a, "complete").R[..., :n, :]]
        for part, complete in enumerate(parts):
            assert_same_derivatives(complete, lambda a, k=part: linalg.qr(a)[k], a, rtol=1e-9)


def test_how_they_are_turned_is_arbitrary() -> None:
    a, w = matrix(4, 2), rng.normal(size=(4, 4))
    for f, name, remedy in (
        (lambda a: linalg.svd(a)[0], "svd", "full_matrices=False"),
        (lambda a: linalg.svd(a.T)[2], "svd", "full_matrices=False"),
        (lambda a: linalg.qr(a, "complete")[0], "qr", "mode='reduced'"),
    ):
        for derivative in (
            lambda f=f: minigrad.grad(f)(a, cotangent=w),
            lambda f=f: minigrad.jvp(f, (a,), (a + 1.0,)),
            lambda f=f: minigrad.compile(lambda a: minigrad.grad(f)(a, cotangent=w))(a),
        ):
            with pytest.raises(linalg.LinAlgError, match=rf"linalg.{name}: .* complete the basis") as caught:
                derivative()
            assert remedy in str(caught.value)


def test_one_column_that_completes_a_basis_is_determined() -> None:
    a, w = matrix(3, 2), rng.normal(size=(3, 3))
    for f in (lambda a: linalg.svd(a)[0], lambda a: linalg.qr(a, "complete")[0]):
        assert_slope(lambda a, f=f: np.sum(w * f(a)), a)


@pytest.mark.parametrize("mode", ["reduced", "complete", "r"])
@pytest.mark.parametrize("shape", [(2, 3), (3, 5), (2, 2, 4)])
def test_qr_of_wide_matrices(shape: Any, mode: str) -> None:
    a, turned = matrix(*shape), lambda m: np.swapaxes(m, -1, -2)
    r = lambda a: linalg.qr(a, mode) if mode == "r" else linalg.qr(a, mode).R  # noqa: E731
    assert_same_derivatives(lambda a: turned(r(a)) @ r(a), lambda a: turned(a) @ a, a)
    if mode != "r":
        assert_same_derivatives(lambda a: np.matmul(*linalg.qr(a, mode)), lambda a: a + 0.0, a)
        first = lambda a: linalg.qr(a[..., : shape[-2]]).Q  # noqa: E731
        assert_same_derivatives(lambda a: linalg.qr(a, mode).Q, first, a)


# ------------------------------------------------------------------------------------------- errors and types


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: linalg.svd(v, hermitian=True), "svd of a Value does not take hermitian=True"),
        (lambda v: linalg.qr(v, mode="raw"), "qr of a Value does not take mode='raw'"),
        (lambda v: linalg.cholesky(v[:2]), r"expected square matrices, got shape \(2, 3\)"),
        (lambda v: linalg.eigh(v[:2]), r"expected square matrices, got shape \(2, 3\)"),
    ],
)
def test_what_has_no_rule_is_refused_by_its_name(call: Any, message: str) -> None:
    with pytest.raises((errors.MinigradError, linalg.LinAlgError), match=message) as caught:
        call(Value(np.eye(3)))
    told = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert "Value" in told or "v.data" in told


def test_results_are_the_named_tuples_of_numpy() -> None:
    v = Value(symmetric([1.0, 2.0, 4.0]))
    for f, names in (
        (linalg.eigh, ("eigenvalues", "eigenvectors")),
        (linalg.svd, ("U", "S", "Vh")),
        (linalg.qr, ("Q", "R")),
    ):
        y = f(v)
        assert type(y) is type(f(v.data))
        for name in names:
            part = getattr(y, name)
            assert isinstance(part, Value)
            np.testing.assert_array_equal(part.data, getattr(f(v.data), name))
            assert part.inputs[0].inputs == (v,)


@pytest.mark.parametrize("shape", [(0, 3, 3), (2, 0, 3, 3), (0, 0)])
def test_stacks_without_a_matrix(shape: Any) -> None:
    a = np.zeros(shape)
    for f in (
        linalg.eigh,
        lambda a: linalg.svd(a, full_matrices=False),
        linalg.qr,
        lambda a: (linalg.cholesky(a),),
    ):
        found = minigrad.grad(lambda a, f=f: sum(np.sum(part) for part in f(a)))(a)
        assert found.shape == shape


def test_decompositions_are_all_in_the_table() -> None:
    assert {f"linalg.{name}" for name in ("cholesky", "qr", "eigh", "eigvalsh", "svd")} <= set(OPS)


@pytest.mark.parametrize("gap", [1e-13, 1e-10, 1e-6])
def test_close_values_cost_no_digits_where_nothing_tells_their_vectors_apart(gap: float) -> None:
    rng = np.random.default_rng(0)
    w, (q, p) = rng.normal(size=(3, 3)), np.linalg.qr(rng.normal(size=(2, 3, 3)))[0]
    v, s = q[:, :2], np.array([1.0, 1.0 + gap, 2.0])

    def polar(a: Any) -> Any:
        u, _, vh = np.linalg.svd(a)
        return np.sum(w * (u @ vh))

    def projector(a: Any) -> Any:
        u = np.linalg.eigh((a + a.T) / 2)[1][:, :2]
        return np.sum(w * (u @ u.T))

    # of the polar factor Q Pᵀ: Q (X / (s[i] + s[j])) Pᵀ, with the odd part X of Qᵀ W P, twice
    x = q.T @ w @ p
    right = q @ ((x - x.T) / (s[:, None] + s)) @ p.T
    np.testing.assert_allclose(minigrad.grad(polar)(q * s @ p.T), right, rtol=1e-12, atol=1e-13)
    # of the projector on the space of the first two: its vectors meet the third alone
    even = (w + w.T) / 2
    right = v @ ((v.T @ even @ q[:, 2:]) / (s[:2, None] - s[2])) @ q[:, 2:].T
    np.testing.assert_allclose(minigrad.grad(projector)(q * s @ q.T), right + right.T, rtol=1e-12, atol=1e-12)


def test_values_and_vectors_of_two_calls_are_not_seen_to_belong_together() -> None:
    """As docs/nan-and-zero.md says: a known wrong number, which `spectral` and a single call do not give."""
    g = np.array([[0.0, 1.0], [1.0, 0.0]])

    def of_two_calls(a: Any) -> Any:
        w, v = linalg.eigvalsh(a), linalg.eigh(a)[1]
        return np.sum(g * (v * np.exp(w) @ v.T))

    def of_one_call(a: Any) -> Any:
        w, v = linalg.eigh(a)
        return np.sum(g * (v * np.exp(w) @ v.T))

    refused(lambda: minigrad.grad(of_one_call)(np.eye(2)), "are equal")
    slope = minigrad.grad(lambda a: np.sum(g * minigrad.spectral(np.exp, a)))(np.eye(2))
    np.testing.assert_allclose(slope + slope.T, 2 * np.e * g, rtol=1e-14)
    assert not minigrad.grad(of_two_calls)(np.eye(2)).any(), "right by now: take it out of the docs"
    np.testing.assert_allclose(minigrad.grad(of_two_calls)(np.diag([1.0, 1.5])).sum(), 4 * (np.e**1.5 - np.e))
