"""What picks, repeats, turns, joins and cuts by position: gradients by hand, and what is refused, by its text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value, errors, grad

X = np.arange(6.0).reshape(2, 3) + 1


def pulled(f: Any, x: Any) -> Any:
    """The gradient of <weights 1, 2, 3, …, f(x)>."""
    y = f(x)
    return grad(lambda x: np.sum(f(x) * np.reshape(np.arange(1.0, np.size(y) + 1), np.shape(y))))(x)


def test_entry_taken_twice_gets_both_shares() -> None:
    np.testing.assert_array_equal(pulled(lambda x: np.take(x, [0, -1, 0]), X[0]), [4, 0, 2])
    np.testing.assert_array_equal(pulled(lambda x: np.take(x, [5, -7], mode="wrap"), X[0]), [0, 0, 3])
    np.testing.assert_array_equal(pulled(lambda x: np.take(x, [5, -7], mode="clip"), X[0]), [2, 0, 1])


def test_take_by_positions_that_were_computed_from_values() -> None:
    x = Value([3.0, 1.0, 2.0])
    y = np.take(x, np.argsort(x))
    (y * [1.0, 2.0, 3.0]).sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 1, 2])
    x = Value([[3.0, 1.0], [1.0, 2.0]])
    (np.take_along_axis(x, np.expand_dims(x.argmax(axis=1), 1), 1) * [[1.0], [2.0]]).sum().backward()
    np.testing.assert_array_equal(x.grad, [[1, 0], [0, 2]])


def test_take_along_axis_of_an_array_that_is_broadcast() -> None:
    index = np.array([[0, 0], [2, 1], [1, 1]])
    np.testing.assert_array_equal(pulled(lambda x: np.take_along_axis(x, index, 1), X[:1]), [[1 + 2, 4 + 5 + 6, 3]])


def test_repeat_adds_up_what_each_copy_gets() -> None:
    np.testing.assert_array_equal(pulled(lambda x: np.repeat(x, 2), X[0]), [3, 7, 11])
    np.testing.assert_array_equal(pulled(lambda x: np.repeat(x, [0, 1, 2]), X[0]), [0, 1, 5])
    np.testing.assert_array_equal(pulled(lambda x: np.repeat(x, 2, axis=0), X), [[5, 7, 9], [17, 19, 21]])
    assert pulled(lambda x: np.repeat(x, 3), np.float64(2.0)) == 6


@pytest.mark.parametrize("reps", [2, (2,), (2, 1), (3, 1, 2), (), 0])
def test_tile_through_concatenate(reps: Any) -> None:
    t = np.atleast_1d(reps)
    full = (1,) * (2 - len(t)) + tuple(int(n) for n in t)

    def by_hand(x: Any) -> Any:
        x = np.reshape(x, (1,) * (len(full) - 2) + x.shape)
        for axis, n in enumerate(full):
            x = np.concatenate([x] * n, axis=axis) if n else np.take(x, [], axis=axis)
        return x

    if reps == ():
        full = (1, 1)
    np.testing.assert_array_equal(pulled(lambda x: np.tile(x, reps), X), pulled(by_hand, X))


def test_joins_have_their_own_labels_and_take_a_value_for_a_list() -> None:
    v = Value(X)
    for join in (np.vstack, np.hstack, np.dstack, np.column_stack):
        y = join([v, 2 * X])
        assert y.op is not None
        assert y.op.label == join.__name__
        assert y.inputs == (v,)
        np.testing.assert_array_equal(join(v).data, join(X))


def test_joining_rows_and_numbers_gives_each_its_own_shape_back() -> None:
    a, b, c = Value([1.0, 2.0]), Value([[3.0], [4.0]]), Value(5.0)
    (np.column_stack([a, b, a]) * [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).sum().backward()
    np.testing.assert_array_equal(a.grad, [4, 10])
    np.testing.assert_array_equal(b.grad, [[2], [5]])
    (np.hstack([c, a, c]) * [1.0, 2.0, 3.0, 4.0]).sum().backward()
    assert c.grad == 5
    np.testing.assert_array_equal(a.grad, [4 + 2, 10 + 3])


def test_joining_what_does_not_fit_names_the_shapes() -> None:
    with pytest.raises(errors.ShapeError, match=r"vstack[\s\S]*joined, got \(2,\), \(3,\)"):
        np.vstack([Value([1.0, 2.0]), np.ones(3)])
    with pytest.raises(errors.ArgumentError, match="hstack of a Value does not take dtype="):
        np.hstack([Value([1.0, 2.0])], dtype=np.float32)


def test_append_and_delete() -> None:
    v, w = Value(X), Value([7.0])
    (np.append(v, w) * np.arange(7.0)).sum().backward()
    np.testing.assert_array_equal(v.grad, [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(w.grad, [6])
    np.testing.assert_array_equal(pulled(lambda x: np.delete(x, 1, axis=1), X), [[1, 0, 2], [3, 0, 4]])
    np.testing.assert_array_equal(pulled(lambda x: np.append(5.0, x), X[0]), [2, 3, 4])


def test_diagonals_of_wide_and_narrow_matrices_by_offset() -> None:
    for x in (X, X.T, np.ones((1, 3)), np.ones((0, 2))):
        for k in range(-4, 5):
            on = np.eye(*x.shape, k, dtype=bool)
            want = np.zeros(x.shape)
            want[on] = np.arange(1.0, on.sum() + 1)
            for f in (lambda x, k=k: np.diag(x, k), lambda x, k=k: np.diagonal(x, k)):
                np.testing.assert_array_equal(pulled(f, x), want)
    np.testing.assert_array_equal(pulled(lambda x: np.linalg.diagonal(x), X), [[1, 0, 0], [0, 2, 0]])


def test_triangle_of_a_row_is_broadcast_and_summed_out() -> None:
    np.testing.assert_array_equal(pulled(np.tril, X[0]), [1 + 4 + 7, 5 + 8, 9])


def test_cutting_gives_values_and_pieces_not_used_have_no_gradient() -> None:
    v = Value(X)
    left, _, right = np.hsplit(v, 3)
    assert isinstance(left, Value)
    (left * 2 + right).sum().backward()
    np.testing.assert_array_equal(v.grad, [[2, 0, 1], [2, 0, 1]])
    row = Value(X[0])
    first, *_ = np.hsplit(row, 3)
    first.sum().backward()
    np.testing.assert_array_equal(row.grad, [1, 0, 0])
    a, b = np.unstack(Value(X))
    np.testing.assert_array_equal((a - b).data, X[0] - X[1])


def test_every_axis_rolled_to_every_place() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    for axis in range(-3, 3):
        for start in range(-3, 4):
            np.testing.assert_array_equal(
                pulled(lambda x, a=axis, s=start: np.rollaxis(x, a, s), x),
                pulled(lambda x, a=axis, s=start: np.transpose(x, order(a, s)), x),
            )


def order(axis: int, start: int) -> tuple[int, ...]:
    """The order of axes that np.rollaxis makes of three, told by their lengths."""
    return tuple({2: 0, 3: 1, 4: 2}[n] for n in np.rollaxis(np.empty((2, 3, 4)), axis, start).shape)


def test_out_is_refused_by_name() -> None:
    with pytest.raises(errors.ArgumentError, match="take of a Value does not take out="):
        np.take(Value(X), [0], out=np.zeros(1))


def test_float32_and_second_order_through_a_chain() -> None:
    x = X.astype(np.float32)
    v = Value(x)
    y = np.rot90(np.tile(np.fliplr(np.triu(v)), (1, 2)))
    assert y.dtype == np.float32
    (y * y).sum().backward()
    assert v.grad.dtype == np.float32
    np.testing.assert_array_equal(v.grad, 4 * np.triu(x))

    def penalty(x: Any) -> Any:
        return np.sum(grad(lambda x: np.sum(np.repeat(np.diag(x), 2) ** 3))(x) ** 2)

    np.testing.assert_allclose(grad(penalty)(np.array([1.0, 2.0])), 4 * 36 * np.array([1.0, 8.0]))
