"""Inverses, determinants, powers and systems: identities between them, singular matrices, stacks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checking import CONSTANT, OPS
from identities import assert_same_derivatives, assert_slope, matrix

import minigrad
from minigrad import Value, errors

rng = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("f", "h"),
    [
        (np.linalg.inv, lambda a: np.linalg.solve(a, np.eye(3))),
        (np.linalg.pinv, np.linalg.inv),
        (np.linalg.det, lambda a: np.prod(np.linalg.slogdet(a)[0] * np.exp(np.linalg.slogdet(a).logabsdet))),
        (np.linalg.det, lambda a: a[0] @ np.cross(a[1], a[2])),
        (lambda a: np.linalg.slogdet(a)[1], lambda a: np.log(np.abs(np.linalg.det(a)))),
        (lambda a: np.linalg.det(a.T @ a), lambda a: np.linalg.det(a) ** 2),
        (lambda a: np.linalg.matrix_power(a, 5), lambda a: a @ a @ a @ a @ a),
        (lambda a: np.linalg.matrix_power(a, 6), lambda a: np.linalg.multi_dot([a] * 6)),
        (lambda a: np.linalg.matrix_power(a, 1), lambda a: a + 0.0),
        (lambda a: np.linalg.matrix_power(a, -1), np.linalg.inv),
        (lambda a: np.linalg.matrix_power(a, -3), lambda a: np.linalg.inv(a @ a @ a)),
        (lambda a: np.linalg.lstsq(a, np.eye(3)).__getitem__(0), np.linalg.inv),
    ],
)
def test_identities_of_square_matrices(f: Any, h: Any) -> None:
    assert_same_derivatives(f, h, matrix(3, 3))


@pytest.mark.parametrize("rows", [5, 3])
@pytest.mark.parametrize("b", [(), (2,)])
def test_least_squares_is_the_pseudoinverse_and_the_normal_equations(rows: int, b: Any) -> None:
    a, right = matrix(rows, 3), rng.uniform(-1, 1, (rows, *b))

    def normal(a: Any, b: Any) -> Any:
        return np.linalg.solve(a.T @ a, a.T @ b)

    assert_same_derivatives(lambda a, b: np.linalg.lstsq(a, b)[0], normal, a, right)
    assert_same_derivatives(lambda a, b: np.linalg.lstsq(a, b)[0], lambda a, b: np.linalg.pinv(a) @ b, a, right)
    wide, short = a.T, rng.uniform(-1, 1, (3, *b))
    least = lambda a, b: a.T @ np.linalg.solve(a @ a.T, b)  # noqa: E731
    assert_same_derivatives(lambda a, b: np.linalg.lstsq(a, b)[0], least, wide, short)


@pytest.mark.parametrize("b", [(5,), (5, 2)])
def test_residuals_and_singular_values_of_lstsq(b: Any) -> None:
    """All that lstsq gives has its gradient: the residuals and the singular values too."""
    a, right = matrix(5, 3), rng.uniform(-1, 1, b)

    def residuals(a: Any, b: Any) -> Any:
        x = np.linalg.solve(a.T @ a, a.T @ b)
        return np.sum((a @ x - b) ** 2, axis=0) * np.ones(1)

    assert_same_derivatives(lambda a, b: np.linalg.lstsq(a, b)[1], residuals, a, right)
    values = lambda a: np.linalg.svd(a, compute_uv=False)  # noqa: E731
    assert_same_derivatives(lambda a: np.linalg.lstsq(a, right)[3], values, a)
    rank = np.linalg.lstsq(Value(a), right)[2]
    assert rank.data == 3
    assert not rank.has_gradient


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (2, 3, 2)])
def test_a_pseudoinverse_is_one_of_the_matrix_and_its_transpose(shape: Any) -> None:
    a = matrix(*shape)
    turned = lambda a: np.swapaxes(np.linalg.pinv(np.swapaxes(a, -1, -2)), -1, -2)  # noqa: E731
    assert_same_derivatives(np.linalg.pinv, turned, a)
    assert_same_derivatives(lambda a: a @ np.linalg.pinv(a) @ a, lambda a: a + 0.0, a)


@pytest.mark.parametrize(
    "f",
    [
        np.linalg.inv,
        np.linalg.det,
        np.linalg.pinv,
        lambda a: np.linalg.slogdet(a)[1],
        lambda a: np.linalg.matrix_power(a, 3),
        lambda a: np.linalg.matrix_power(a, -2),
        lambda a: np.linalg.solve(a, np.arange(6.0).reshape(3, 2)),
        lambda a: np.linalg.solve(a, np.arange(3.0)),
    ],
)
def test_a_stack_is_its_matrices_one_by_one(f: Any) -> None:
    a = matrix(2, 2, 3, 3)
    each = lambda a: np.stack([np.stack([f(m) for m in row]) for row in a])  # noqa: E731
    assert_same_derivatives(f, each, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 3), (3,)),
        ((2, 3, 3), (3,)),
        ((3, 3), (2, 3, 1)),
        ((2, 1, 3, 3), (4, 3, 2)),
        ((1, 3, 3), (2, 3, 3)),
    ],
)
def test_solve_broadcasts_its_stacks_and_takes_vectors(a: Any, b: Any) -> None:
    def by_inverse(a: Any, b: Any) -> Any:
        return np.linalg.inv(a) @ b

    assert_same_derivatives(np.linalg.solve, by_inverse, matrix(*a), rng.uniform(-1, 1, b))


def test_the_gradient_of_log_det_is_the_inverse_turned_and_its_hessian_is_known() -> None:
    """d ln|det A| = tr(A⁻¹ dA); d² = -tr(A⁻¹ dA A⁻¹ dA)."""
    a = matrix(3, 3)
    inverse = np.linalg.inv(a)
    f = lambda a: np.linalg.slogdet(a)[1]  # noqa: E731
    np.testing.assert_allclose(minigrad.grad(f)(a), inverse.T, rtol=1e-13)
    hessian = -np.einsum("li,jk->ijkl", inverse, inverse)
    np.testing.assert_allclose(minigrad.hessian(f)(a), hessian, rtol=1e-12, atol=1e-15)


def test_no_gradient_through_the_sign_of_slogdet() -> None:
    found = minigrad.grad(lambda a: np.linalg.slogdet(a).sign)(matrix(3, 3))
    np.testing.assert_array_equal(found, np.zeros((3, 3)))


# ------------------------------------------------------------------------------------------ without full rank

SINGULAR = {
    "rank n-1": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]]),
    "rank n-1, seen by no pivot": np.arange(1.0, 10.0).reshape(3, 3),
    "rank n-2": np.ones((3, 3)),
    "zero": np.zeros((3, 3)),
    "a zero row": np.diag([1.0, 0.0, 2.0]),
    "one of a stack": np.stack([np.eye(3), np.ones((3, 3)), np.diag([1.0, 0.0, 2.0])]),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_det_has_its_gradient_at_singular_matrices(name: str) -> None:
    """det is a polynomial: its gradient are the cofactors, by the rule of Sarrus or any other."""
    a = SINGULAR[name]
    m = np.moveaxis(a, (-2, -1), (0, 1))
    turn = lambda i: [(i + 1) % 3, (i + 2) % 3]  # noqa: E731
    expected = np.empty_like(m)
    for i in range(3):
        for j in range(3):
            (p, q), (r, s) = turn(i), turn(j)
            expected[i, j] = m[p, r] * m[q, s] - m[p, s] * m[q, r]
    found = minigrad.grad(lambda a: np.sum(np.linalg.det(a)))(a)
    np.testing.assert_allclose(found, np.moveaxis(expected, (0, 1), (-2, -1)), atol=1e-13, rtol=1e-12)


def test_second_derivatives_of_det_at_the_identity() -> None:
    """det(1 + h) = 1 + tr h + ((tr h)² - tr h²) / 2 + …: equal singular values are no trouble."""
    hessian = minigrad.hessian(np.linalg.det)(np.eye(2))
    eye = np.eye(2)
    expected = np.einsum("ij,kl->ijkl", eye, eye) - np.einsum("il,jk->ijkl", eye, eye)
    np.testing.assert_allclose(hessian, expected, atol=1e-15)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.linalg.slogdet(a)[1],
        lambda a: np.linalg.inv(a).sum(),
        lambda a: np.linalg.solve(a, np.ones(3)).sum(),
        lambda a: minigrad.grad(lambda a: minigrad.grad(np.linalg.det)(a).sum())(a).sum(),
        lambda a: np.linalg.matrix_power(a, -2).sum(),
    ],
)
def test_what_has_no_derivative_at_a_singular_matrix_raises(f: Any) -> None:
    with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
        minigrad.grad(f)(np.diag([1.0, 0.0, 2.0]))


def test_pinv_and_lstsq_without_full_rank_move_along_matrices_of_that_rank() -> None:
    u, v = matrix(4, 2), matrix(3, 2)
    f = lambda u: np.linalg.pinv(u @ v.T).sum()  # noqa: E731
    assert np.linalg.matrix_rank(u @ v.T) == 2
    assert_slope(f, u)
    right = rng.uniform(-1, 1, 4)
    assert_slope(lambda u: np.linalg.lstsq(u @ v.T, right)[0].sum(), u)
    assert_slope(lambda b: np.linalg.lstsq(u @ v.T, b)[0].sum(), right)


def test_powers_of_a_singular_matrix() -> None:
    a = SINGULAR["a zero row"]
    assert_slope(lambda a: np.linalg.matrix_power(a, 4).sum(), a)
    for n in (0, 1):
        expected = np.ones((3, 3)) * n
        np.testing.assert_array_equal(minigrad.grad(lambda a, n=n: np.linalg.matrix_power(a, n).sum())(a), expected)


# ------------------------------------------------------------------------------------------- errors and types


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: np.linalg.pinv(v, hermitian=True), "pinv of a Value does not take hermitian=True"),
        (lambda v: np.linalg.inv(v[:2]), r"expected square matrices, got shape \(2, 3\)"),
        (lambda v: np.linalg.solve(v, np.ones(2)), "right sides with as many rows"),
        (lambda v: np.linalg.lstsq(v, np.ones(2)), "right sides with as many rows"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(call: Any, message: str) -> None:
    with pytest.raises((errors.ArgumentError, errors.ShapeError, np.linalg.LinAlgError), match=message) as caught:
        call(Value(np.eye(3)))
    assert "Value" in "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


def test_constants_may_be_lists_and_integers() -> None:
    a, b = [[2, 1], [1, 3], [0, 1]], np.array([1.0, 2.0, 4.0])
    for f, m, x in ((np.linalg.solve, a[:2], b[:2]), (lambda m, x: np.linalg.lstsq(m, x)[0], a, b)):
        inverse = np.linalg.pinv(np.array(m, float))
        np.testing.assert_allclose(minigrad.grad(lambda x, m=m, f=f: f(m, x).sum())(x), inverse.sum(axis=0))
        g = minigrad.grad(lambda m, x=x, f=f: f(m, x.astype(int).tolist()).sum())(np.array(m, float))
        assert np.abs(g).min() > 0


def test_slogdet_gives_the_named_tuple_of_numpy() -> None:
    y = np.linalg.slogdet(Value(matrix(2, 3, 3)))
    assert type(y) is type(np.linalg.slogdet(np.eye(2)))
    assert y.sign.shape == y.logabsdet.shape == (2,)


def test_rank_is_a_value_without_a_gradient() -> None:
    assert "linalg.matrix_rank" in CONSTANT
    assert np.linalg.matrix_rank(Value(np.ones((3, 3)))).data == 1


@pytest.mark.parametrize("n", [0, 1])
def test_matrices_without_or_with_one_entry(n: int) -> None:
    for f in (np.linalg.det, lambda a: np.linalg.slogdet(a)[1], lambda a: np.linalg.inv(a).sum()):
        assert minigrad.grad(f)(2 * np.eye(n)).shape == (n, n)


def test_gradients_keep_their_accuracy_beside_a_singular_matrix() -> None:
    """The pivot that is nearly 0 is a factor of det and a divisor of the inverse: in the cofactors it cancels."""
    a = SINGULAR["rank n-1"] + np.diag([0, 0, 1e-13])
    expected = np.array([[3.0, -6.0, 3.0], [3.0, -6.0, 3.0], [-3.0, 6.0, -3.0]])
    np.testing.assert_allclose(minigrad.grad(np.linalg.det)(a), expected, rtol=1e-11)


def test_systems_are_all_in_the_table() -> None:
    names = ("inv", "pinv", "det", "slogdet", "solve", "lstsq", "matrix_power", "matrix_rank")
    assert {f"linalg.{name}" for name in names} <= set(OPS)
