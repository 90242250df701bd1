"""Factorisations: through functions that do not depend on the choices of LAPACK, and at equal values by policy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checking import OPS
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


@pytest.mark.parametrize("name", DOUBLE)
def test_nothing_is_nan_at_equal_values(name: str) -> None:
    a = DOUBLE[name]
    for f in (
        lambda a: sum(np.sum(part) for part in linalg.eigh(a)),
        lambda a: sum(np.sum(part) for part in linalg.svd(a)),
        lambda a: np.sum(linalg.eigvalsh(a)),
        lambda a: np.sum(linalg.svd(a, compute_uv=False)),
        lambda a: sum(np.sum(part) for part in linalg.svd(a[:, :2], full_matrices=False)),
        lambda a: sum(np.sum(part) for part in linalg.svd(a[:2], full_matrices=False)),
    ):
        g, again = minigrad.grad(f)(a), minigrad.grad(lambda a, f=f: np.sum(minigrad.grad(f)(a)))(a)
        assert np.isfinite(g).all()
        assert np.isfinite(again).all()
        assert np.isfinite(minigrad.jvp(f, (a,), (np.ones((3, 3)),))[1])
        # A gap of one rounding counts as none: it would make gradients of 1e15.
        assert np.abs(g).max() < 100


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
                steepest = 10 * n * np.abs(weights).sum() / (values[0] * abs(scale))  # by 1 / (s + s), too
                assert np.abs(minigrad.grad(f)(a)).max() < steepest
                assert np.abs(minigrad.jvp(f, (a,), (weights,))[1]) < steepest * n * n


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


def test_the_part_of_an_equal_pair_counts_as_zero() -> None:
    """The policy by its number: of V λ² Vᵀ = A², the share 2 λ of the pair is missing off the diagonal."""
    a = np.diag([1.0, 1.0, 3.0])
    g = np.zeros((3, 3))
    g[0, 1] = g[1, 0] = 1.0

    def square(a: Any) -> Any:
        w, v = linalg.eigh(even(a))
        return np.sum(g * (scaled(v, w**2) @ v.T))

    np.testing.assert_array_equal(minigrad.grad(square)(a), np.zeros((3, 3)))
    assert minigrad.grad(lambda a: np.sum(g * (even(a) @ even(a))))(a)[0, 1] == 2.0


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


# ------------------------------------------------------------------------------------------- errors and types


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: linalg.svd(v[:2]), r"svd of a Value of shape \(2, 3\) does not take full_matrices=True"),
        (lambda v: linalg.svd(v, hermitian=True), "svd of a Value does not take hermitian=True"),
        (lambda v: linalg.qr(v[:2]), r"qr of a Value takes as many rows as columns or more, got shape \(2, 3\)"),
        (lambda v: linalg.qr(v, mode="raw"), "qr of a Value .* does not take mode='raw'"),
        (lambda v: linalg.qr(v[:, :2], mode="complete"), r"of shape \(3, 2\) does not take mode='complete'"),
        (lambda v: linalg.eig(v), "linalg.eig has no rule"),
        (lambda v: linalg.eigvals(v), "linalg.eigvals has no rule"),
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
