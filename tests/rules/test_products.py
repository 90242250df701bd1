"""Products of vectors, matrices and tensors: equal to the same sums written another way."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from checking import OPS, check_gradient, check_second_order
from identities import assert_same_derivatives

import minigrad
from minigrad import Value, errors
from minigrad.check.testing.op_calls import OpCall
from minigrad.engine.op import TABLE

rng = np.random.default_rng(0)


def arrays(*shapes: tuple[int, ...]) -> list[Any]:
    return [rng.uniform(-2, 2, shape) for shape in shapes]


@pytest.mark.parametrize(
    ("f", "h", "shapes"),
    [
        (np.outer, lambda a, b: a[:, None] * b[None, :], [(3,), (2,)]),
        (np.linalg.outer, lambda a, b: a[:, None] * b[None, :], [(3,), (2,)]),
        (np.outer, lambda a, b: a.reshape(-1, 1) @ b.reshape(1, -1), [(3, 2), (2, 2)]),
        (np.inner, lambda a, b: a @ b.T, [(3, 4), (2, 4)]),
        (np.inner, lambda a, b: (a * b).sum(), [(4,), (4,)]),
        (np.vdot, lambda a, b: (a * b).sum(), [(2, 3), (2, 3)]),
        (np.vecdot, lambda a, b: (a * b).sum(axis=-1), [(2, 3), (4, 1, 3)]),
        (np.linalg.vecdot, lambda a, b: (a * b).sum(axis=-1), [(2, 3), (3,)]),
        (lambda a, b: np.tensordot(a, b, 1), lambda a, b: a @ b, [(2, 3), (3, 4)]),
        (lambda a, b: np.linalg.tensordot(a, b, axes=1), lambda a, b: a @ b, [(2, 3), (3, 4)]),
        (lambda a, b: np.tensordot(a, b), lambda a, b: (a * b).sum(), [(2, 3), (2, 3)]),
        (lambda a, b: np.tensordot(a, b, 0), np.multiply.outer, [(2, 3), (2,)]),
        (np.kron, lambda a, b: (a[:, None, :, None] * b[:, None, :]).reshape(6, 4), [(2, 2), (3, 2)]),
        (np.kron, lambda a, b: np.outer(a, b).ravel(), [(3,), (2,)]),
        (lambda a, b, c: np.linalg.multi_dot([a, b, c]), lambda a, b, c: a @ b @ c, [(2, 5), (5, 3), (3, 2)]),
        (lambda a, b, c: np.linalg.multi_dot([a, b, c]), lambda a, b, c: a @ b @ c, [(5,), (5, 3), (3,)]),
        (lambda a, b: np.linalg.multi_dot((a, b)), lambda a, b: a @ b, [(5,), (5, 3)]),
        (lambda a, b: np.linalg.multi_dot([a, b, a, b]), lambda a, b: a @ b @ a @ b, [(2, 3), (3, 2)]),
        (lambda a, b: np.trace(a @ b), lambda a, b: (a * b.T).sum(), [(3, 2), (2, 3)]),
        (lambda a: np.linalg.trace(a, offset=1), lambda a: (a * np.eye(3, k=1)).sum((-1, -2)), [(2, 3, 3)]),
        (lambda a: np.trace(a, 1, 2, 0), lambda a: (a * np.eye(3, k=1).T[:, None, :]).sum((0, 2)), [(3, 2, 3)]),
        (lambda a: np.trace(a, 0, 2, 0), lambda a: (a * np.eye(3)[:, None, :]).sum((0, 2)), [(3, 2, 3)]),
    ],
)
def test_products_equal_the_same_sums_written_with_others(f: Any, h: Any, shapes: Any) -> None:
    assert_same_derivatives(f, h, *arrays(*shapes))


def test_the_cotangent_of_a_trace_of_a_product_is_the_other_factor_turned() -> None:
    """The first row of every table: d tr(A B) / dA = Bᵀ."""
    a, b = arrays((2, 3), (3, 2))
    np.testing.assert_array_equal(minigrad.grad(lambda a: np.trace(a @ b))(a), b.T)


@pytest.mark.parametrize("function", [np.outer, np.inner, np.kron, lambda a, b: np.tensordot(a, b, 0)])
def test_a_plain_number_is_a_factor_like_any_other(function: Any) -> None:
    (x,) = arrays((3,))
    np.testing.assert_allclose(minigrad.grad(lambda x: function(x, 2.0).sum())(x), np.full(3, 2.0))
    np.testing.assert_allclose(minigrad.grad(lambda x: function(2, x).sum())(x), np.full(3, 2.0))


def test_a_cross_product_is_square_to_its_factors() -> None:
    """a · (a × b) is 0 wherever a and b are: so are its gradients. And the triple product is a determinant."""
    a, b, c = arrays((3,), (3,), (3,))
    for g in minigrad.grad(lambda a, b: a @ np.cross(a, b), (0, 1))(a, b):
        np.testing.assert_allclose(g, 0, atol=1e-14)
    assert_same_derivatives(
        lambda a, b, c: a @ np.cross(b, c), lambda *rows: np.linalg.det(np.stack(rows)), a, b, c
    )


@pytest.mark.parametrize(
    ("shapes", "params"),
    [
        (((3, 2), (2, 3)), {"axisa": 0, "axisb": 1, "axisc": 0}),
        (((3, 2), (4, 2, 3)), {"axisa": 0, "axisc": 0}),
        (((4, 3, 2), (3,)), {"axisa": 1, "axisc": 1}),
        (((1, 3, 2), (4, 3, 1)), {"axis": 1}),
        (((3,), (2, 4, 3)), {"axisc": 1}),
    ],
)
def test_cross_products_along_any_axes(shapes: Any, params: dict[str, int]) -> None:
    record = TABLE[np.cross]
    example = OpCall(record, tuple(arrays(*shapes)), params, seed=1)
    inputs, params = record.arguments(example.inputs, params)
    check_gradient(record, OpCall(record, inputs, params, seed=1))
    check_second_order(record, OpCall(record, inputs, params, seed=1))
    np.testing.assert_array_equal(np.cross(*map(Value, example.inputs), **params).data, np.cross(*inputs, **params))


def takes_planes() -> bool:
    """Whether NumPy takes vectors of two entries: before 2.5 it does."""
    with warnings.catch_warnings(action="ignore"):
        try:
            np.cross(np.ones(2), np.ones(2))
        except ValueError:
            return False
    return True


@pytest.mark.skipif(takes_planes(), reason="this NumPy takes vectors of two entries")
@pytest.mark.parametrize("sizes", [(2, 2), (2, 3), (3, 2)])
def test_vectors_that_numpy_refuses_are_refused(sizes: tuple[int, int]) -> None:
    a, b = (np.ones(n) for n in sizes)
    with pytest.raises(ValueError, match="3-dimensional"):
        np.cross(a, b)
    with pytest.raises(errors.ArgumentError, match="cross takes vectors of 3 entries"):
        np.cross(Value(a), b)


@pytest.mark.skipif(not takes_planes(), reason="NumPy takes vectors of three entries alone from 2.5 on")
def test_vectors_in_a_plane_get_the_warning_of_numpy() -> None:
    for a in (np.ones(2), Value(np.ones(2))):
        with pytest.warns(DeprecationWarning, match="Arrays of 2-dimensional vectors"):
            np.cross(a, np.ones(2))


@pytest.mark.skipif(not takes_planes(), reason="NumPy takes vectors of three entries alone from 2.5 on")
@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("sizes", [(2, 2), (2, 3), (3, 2)])
def test_vectors_in_a_plane_lie_in_space(sizes: tuple[int, int], axis: int) -> None:
    """Of two of them NumPy gives the entry that stands out of the plane, with a warning of its own."""
    a, b = arrays(*((n, 4) if axis == 0 else (4, n) for n in sizes))
    np.testing.assert_array_equal(np.cross(Value(a), b, axis=axis).data, np.cross(a, b, axis=axis))

    def by_entries(a: Any, b: Any) -> Any:
        a, b = ((*np.moveaxis(x, axis, 0), 0.0)[:3] for x in (a, b))
        whole = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
        return whole[2] if sizes == (2, 2) else np.stack(whole, axis=axis)

    assert_same_derivatives(lambda a, b: np.cross(a, b, axis=axis), by_entries, a, b)


def test_linalg_cross_is_cross() -> None:
    a, b = arrays((3, 2), (3, 2))
    assert_same_derivatives(lambda a, b: np.linalg.cross(a, b, axis=0), lambda a, b: np.cross(a, b, axis=0), a, b)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda v: np.cross(v, v[:, :1]),
            r"cross takes vectors of (2 or )?3 entries, got shape \(3, 1\) with its vectors on axis -1",
        ),
        (lambda v: np.outer(v, v, out=np.zeros((9, 9))), "outer of a Value does not take out="),
        (lambda v: np.linalg.multi_dot([v, v], out=np.zeros((3, 3))), "multi_dot of a Value does not take out="),
    ],
)
def test_what_has_no_rule_is_refused_by_its_name(call: Any, message: str) -> None:
    with pytest.raises(errors.ArgumentError, match=message):
        call(Value(np.eye(3)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda v: np.inner(v, np.ones((2, 2))),
            r"expected last axes of one length, got shapes \(2, 3\) and \(2, 2\)",
        ),
        (lambda v: np.vdot(v, np.ones(5)), "expected as many entries on both sides"),
        (lambda v: np.tensordot(v, v, 1), "expected summed axes of one length"),
    ],
)
def test_shapes_that_do_not_fit_are_told_what_would(call: Any, message: str) -> None:
    with pytest.raises(errors.ShapeError, match=message):
        call(Value(np.ones((2, 3))))


def test_the_length_of_a_chain_costs_no_accuracy() -> None:
    """Gradients of a chain of twenty orthogonal factors are as good as those of one."""
    qs = [np.linalg.qr(a)[0] for a in arrays(*[(4, 4)] * 20)]
    found = minigrad.grad(lambda *qs: np.trace(np.linalg.multi_dot(qs)), tuple(range(20)))(*qs)
    for g in found:
        np.testing.assert_allclose(g @ g.T, np.eye(4), atol=1e-13)


@pytest.mark.skipif(not hasattr(np, "matvec"), reason="from NumPy 2.2 on")
def test_products_of_stacks_of_matrices_and_vectors() -> None:
    assert_same_derivatives(np.matvec, lambda a, b: (a @ b[..., None])[..., 0], *arrays((2, 3, 4), (4,)))
    assert_same_derivatives(np.vecmat, lambda a, b: (a[..., None, :] @ b)[..., 0, :], *arrays((3,), (2, 3, 4)))


def test_products_are_all_in_the_table() -> None:
    names = {
        "outer",
        "inner",
        "vdot",
        "vecdot",
        "tensordot",
        "kron",
        "cross",
        "trace",
        "linalg.multi_dot",
        "einsum",
    }
    assert names <= set(OPS)
