"""matmul and dot, and what all of linear algebra shares: one product in many spellings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checking import TABLE
from identities import assert_same_derivatives

import minigrad
from minigrad import Value, errors

rng = np.random.default_rng(0)


@pytest.mark.parametrize(
    "f",
    [
        np.dot,
        np.linalg.matmul,
        lambda a, b: a.dot(b),
        lambda a, b: np.tensordot(a, b, 1),
        lambda a, b: np.inner(a, b.T),
        lambda a, b: np.einsum("ij,jk", a, b),
        lambda a, b: np.linalg.multi_dot([a, b]),
        lambda a, b: np.sum(a[:, :, None] * b, axis=1),
        lambda a, b: np.stack([np.vecdot(a, column) for column in b.T], axis=1),
        lambda a, b: sum(np.outer(column, row) for column, row in zip(a.T, b, strict=True)),
        lambda a, b: np.linalg.solve(np.eye(2), a @ b),
        lambda a, b: (np.kron(np.eye(4), a) @ b.T.ravel()).reshape(4, 2).T,
    ],
)
def test_one_product_in_many_spellings(f: Any) -> None:
    assert_same_derivatives(f, np.matmul, rng.uniform(-1, 1, (2, 3)), rng.uniform(-1, 1, (3, 4)))


@pytest.mark.parametrize(
    ("a", "b"),
    [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((4, 1, 2, 3), (5, 3, 2)), ((3,), (4, 3, 2)), ((4, 2, 3), (3,))],
)
def test_matmul_of_vectors_and_stacks_is_einsum(a: Any, b: Any) -> None:
    left, right = "...ij" if len(a) > 1 else "j", "...jk" if len(b) > 1 else "j"
    out = "..." + "i" * (len(a) > 1) + "k" * (len(b) > 1)
    subscripts = f"{left},{right}->{out}"
    assert_same_derivatives(
        lambda a, b: np.einsum(subscripts, a, b), np.matmul, rng.uniform(-1, 1, a), rng.uniform(-1, 1, b)
    )


@pytest.mark.parametrize(("a", "b"), [((2, 3), (4, 3, 2)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)), ((), (2, 3))])
def test_dot_of_tensors_sums_the_last_axis_with_the_last_but_one(a: Any, b: Any) -> None:
    axes: Any = 0 if not a else ((len(a) - 1,), (max(len(b) - 2, 0),))
    assert_same_derivatives(
        lambda a, b: np.tensordot(a, b, axes), np.dot, rng.uniform(-1, 1, a), rng.uniform(-1, 1, b)
    )


def test_a_product_with_its_own_transpose() -> None:
    """d tr(A Aᵀ) = 2 A, whichever way both shares arrive."""
    a = rng.uniform(-1, 1, (3, 2))
    for f in (lambda a: np.trace(a @ a.T), lambda a: np.einsum("ij,ij", a, a), lambda a: np.vdot(a, a)):
        np.testing.assert_allclose(minigrad.grad(f)(a), 2 * a, rtol=1e-14)


def test_the_transpose_that_would_fit_is_named() -> None:
    with pytest.raises(errors.ShapeError, match=r"Did you mean a @ b\.T\?"):
        Value(np.ones((2, 3))) @ np.ones((4, 3))


def test_linear_algebra_in_float32_stays_there() -> None:
    """Results, gradients and everything between: a rule that brings in an array of float64 works twice as long."""
    a = (np.eye(3) + rng.uniform(-0.2, 0.2, (3, 3))).astype(np.float32)
    for f in (
        lambda a: np.linalg.inv(a).sum(),
        np.linalg.det,
        lambda a: np.linalg.slogdet(a)[1],
        lambda a: np.linalg.matrix_power(a, 3).sum(),
        lambda a: np.linalg.cholesky(a @ a.T).sum(),
        lambda a: np.linalg.qr(a).R.sum(),
        lambda a: np.linalg.eigh(a @ a.T)[0].sum(),
        lambda a: np.linalg.eigh(a @ a.T)[1].sum(),
        lambda a: sum(part.sum() for part in np.linalg.svd(a)),
        lambda a: sum(part.sum() for part in np.linalg.svd(a[:2], full_matrices=False)),
        lambda a: np.linalg.lstsq(a, np.ones(3, np.float32))[0].sum(),
        np.trace,
    ):
        leaf = Value(a)
        y = f(leaf)
        y.backward()
        assert y.dtype == leaf.grad.dtype == np.float32
    for function in (np.linalg.cholesky, np.linalg.eigh, np.linalg.svd, np.linalg.qr, np.linalg.det, np.trace):
        y = function(a @ a.T)
        g = tuple(map(np.ones_like, y)) if isinstance(y, tuple) else np.ones_like(y)
        assert TABLE[function].vjps[0](g, y, a @ a.T).dtype == np.float32  # type: ignore[misc]
