"""What backward() leaves behind: gradients that are right, private to their value, and never stale."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

import minigrad
from minigrad import Value, errors
from minigrad.engine.op import TABLE
from minigrad.engine.value import graph, sweep

# ----------------------------------------------------------------------------------------------- gradients


def test_grad_is_none_then_an_array_and_may_be_reset() -> None:
    v = Value([1.0, 2.0])
    assert v.grad is None
    (v * v).sum().backward()
    assert type(v.grad) is np.ndarray and v.grad.tolist() == [2, 4]
    v.grad = None
    assert v.grad is None
    v.grad = [5, 6]
    assert v.grad.tolist() == [5.0, 6.0] and v.grad.dtype == np.float64
    (v * v).sum().backward()
    assert v.grad.tolist() == [7, 10]


def test_assigned_gradients_are_copied_and_fitted() -> None:
    v, given = Value(np.zeros(2, np.float32)), np.ones(2)
    v.grad = given
    given += 1
    assert v.grad.tolist() == [1, 1] and v.grad.dtype == np.float32
    v.grad = 0.0
    assert v.grad.tolist() == [0, 0], "a number serves for every entry"


def test_a_gradient_that_does_not_fit_is_refused() -> None:
    v = Value([1.0, 2.0])
    with pytest.raises(errors.ShapeError, match=r"the gradient has shape \(3,\), the value \(2,\)"):
        v.grad = np.ones(3)
    with pytest.raises(errors.GradientLost, match=r"v\.grad = g\.data"):
        v.grad = Value([1.0, 1.0])
    with pytest.raises(errors.DTypeError):
        v.grad = np.ones(2) * 1j
    with pytest.raises(errors.DTypeError):
        v.grad = "text"
    assert v.grad is None


def test_gradient_of_a_number_is_a_number() -> None:
    v = Value(3.0)
    (v * v).backward()
    assert type(v.grad) is np.float64 and v.grad == 6


def test_grad_of_reused_node() -> None:
    a = Value(1.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad == 4 and b.grad == 2 and c.grad == 1


def test_grad_of_a_leaf_of_itself() -> None:
    v = Value(3.0)
    v.backward()
    assert v.grad == 1


def test_backward_wants_one_number_and_names_the_shape() -> None:
    y = Value(np.ones((2, 3))) * 2
    with pytest.raises(errors.ShapeError) as caught:
        y.backward()
    text = str(caught.value)
    assert "this value has shape (2, 3)" in text
    assert "y.sum().backward()" in text and "y.backward(g)" in text
    assert issubclass(errors.ShapeError, ValueError)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_backward_takes_any_value_of_one_element(shape: tuple[int, ...]) -> None:
    x = Value(np.full(shape, 3.0))
    (x * x).backward()
    assert np.shape(x.grad) == shape and np.all(x.grad == 6)


def test_backward_of_nothing_at_all() -> None:
    with pytest.raises(errors.ShapeError, match=r"\(0,\)"):
        (Value(np.zeros(0)) * 2).backward()


def test_backward_with_a_cotangent() -> None:
    x, g = Value([1.0, 2.0]), np.array([10.0, 1.0])
    (x * x).backward(g)
    assert x.grad.tolist() == [20, 4] and g.tolist() == [10, 1]
    x.grad = None
    (x * x).backward([1, 1])
    assert x.grad.tolist() == [2, 4]
    with pytest.raises(errors.ShapeError, match=r"the cotangent has shape \(3,\), the value \(2,\)"):
        (x * x).backward(np.ones(3))
    with pytest.raises(errors.DTypeError, match="the cotangent"):
        (x * x).backward(np.ones(2) * 1j)


def test_a_value_as_cotangent_never_ends_up_as_a_gradient() -> None:
    x = Value([1.0, 2.0])
    try:
        (x * x).backward(Value([1.0, 1.0]))
    except errors.MinigradError:
        assert x.grad is None
    else:
        assert type(x.grad) is np.ndarray and x.grad.tolist() == [2, 4]


def test_backward_of_what_is_not_real() -> None:
    with pytest.raises(errors.DTypeError, match="nothing to differentiate"):
        (Value(2.0) > 1).backward()


def test_backward_twice_adds_exactly() -> None:
    rng = np.random.default_rng(1)
    x, w = Value(rng.normal(size=(4, 3))), Value(rng.normal(size=(3, 2)))
    loss = np.tanh(x @ w).sum()
    loss.backward()
    once = {v: v.grad.copy() for v in (x, w)}
    loss.backward()
    for v, g in once.items():
        assert (v.grad == 2 * g).all()
    loss.backward()
    for v, g in once.items():
        np.testing.assert_array_equal(v.grad, g + g + g)


def test_gradients_of_two_losses_add_up() -> None:
    x = Value(3.0)
    (x * x).backward()
    (x * 5).backward()
    assert x.grad == 11


def test_an_inner_gradient_is_that_of_the_latest_sweep() -> None:
    x = Value([1.0, 2.0])
    h = x * 2
    first, second = (h * h).sum(), (h * 10).sum()
    first.backward()
    assert h.grad.tolist() == [4, 8]
    second.backward()
    assert h.grad.tolist() == [10, 10], "not added up, and not stale"
    first.backward()
    first.backward()
    assert h.grad.tolist() == [4, 8] and first.grad == 1
    assert x.grad.tolist() == [8 * 3 + 20, 16 * 3 + 20]


def everything(loss: Value) -> dict[Value, Any]:
    return {node: node.grad for node in graph(loss) if isinstance(node.grad, np.ndarray)}


def test_no_two_gradients_share_memory() -> None:
    a, b = Value(np.ones(3)), Value(np.ones(3))
    c = a + b  # the rule hands the same cotangent to both
    d = c.reshape(3, 1)
    e = d.T
    f = np.broadcast_to(e, (2, 3)) + 0.0
    seed = np.ones((2, 3))
    f.backward(seed)
    arrays = [*everything(f).values(), seed, *(node.data for node in graph(f) if node.op is None)]
    assert len(arrays) > 8
    for one, other in itertools.combinations(arrays, 2):
        assert not np.shares_memory(one, other)
    for gradient in arrays:
        gradient += 1.0  # each of them can be written to


def test_an_assignment_into_one_gradient_reaches_no_other() -> None:
    a, b = Value(np.ones(2)), Value(np.ones(2))
    c = a + b
    c.sum().backward()
    a.grad[0] = 100
    assert b.grad.tolist() == [1, 1] and c.grad.tolist() == [1, 1]
    c.sum().backward()
    assert b.grad.tolist() == [2, 2] and a.grad.tolist() == [101, 2]


def test_reading_an_inner_gradient_twice_gives_the_same_array() -> None:
    h = Value([1.0, 2.0]) * 2
    h.sum().backward()
    h.grad[0] = 7
    assert h.grad.tolist() == [7, 1]


def test_leaf_gradient_that_was_read_is_not_overwritten_by_the_next_sweep() -> None:
    x = Value([1.0, 2.0])
    (x * x).sum().backward()
    kept = x.grad
    (x * x).sum().backward()
    assert x.grad.tolist() == [4, 8]
    assert kept.tolist() in ([2, 4], [4, 8])
    x.grad = None
    (x * x).sum().backward()
    assert x.grad.tolist() == [2, 4] and kept is not x.grad


def test_float32_leaves_get_float32_gradients() -> None:
    a, s, b = Value(np.ones(3, np.float32)), Value(0.5), Value(np.ones(3))
    y = a * s * b
    assert y.dtype == np.float64
    y.sum().backward()
    assert a.grad.dtype == np.float32 and b.grad.dtype == np.float64
    assert a.grad.tolist() == [0.5] * 3 and s.grad == 3
    c = Value(np.float32(2.0))
    (c * 3.0).backward()
    assert type(c.grad) is np.float32


def test_broadcasting_is_summed_out() -> None:
    row, column, number = Value(np.ones(3)), Value(np.ones((2, 1))), Value(2.0)
    (row * column * number).sum().backward()
    assert row.grad.tolist() == [4, 4, 4] and column.grad.tolist() == [[6], [6]] and number.grad == 6


def test_numbers_on_either_side() -> None:
    for left, right, slope in (
        (lambda x: 3 + x, lambda x: x + 3, 1),
        (lambda x: 3 * x, lambda x: x * 3, 3),
        (lambda x: 3 - x, lambda x: -(x - 3), -1),
    ):
        for f in (left, right):
            x = Value(2.0)
            f(x).backward()
            assert x.grad == slope
    x = Value(2.0)
    (1 / x).backward()
    assert x.grad == -0.25
    y = Value(2.0)
    (2**y).backward()
    assert y.grad == pytest.approx(4 * np.log(2), rel=1e-15)


@pytest.mark.parametrize(
    "number", [3, 3.0, True, np.float64(3), np.float32(3), np.int64(3), np.array(3.0), np.array([3.0]), [3.0]]
)
@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**", "%", "//", "<", "=="])
def test_every_kind_of_number_on_either_side(number: Any, symbol: str) -> None:
    space = {"v": Value([2.0, 5.0]), "n": number, "d": np.array([2.0, 5.0]), "p": np.asarray(number)}
    for typed, plain in ((f"v {symbol} n", f"d {symbol} p"), (f"n {symbol} v", f"p {symbol} d")):
        result, expected = eval(typed, space), eval(plain, space)
        assert type(result) is Value
        np.testing.assert_array_equal(result.data, expected)


# ------------------------------------------------------------------------------------------- non-mutation


@contextmanager
def frozen(*arrays: np.ndarray) -> Iterator[None]:
    """Whoever writes into one of the arrays fails, and so does whoever changes it by another way."""
    before = [a.copy() for a in arrays]
    for a in arrays:
        a.flags.writeable = False
    yield
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_is_mutated_by_a_sweep() -> None:
    rng = np.random.default_rng(0)
    x, w = Value(rng.normal(size=(5, 3))), Value(rng.normal(size=(3, 4)))
    target, g = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    h = np.tanh(x @ w)
    y = (h - target) ** 2 + h[:, ::-1] * np.sort(h, axis=0) + np.where(h > 0, h, 0)
    with frozen(target, g, *(node.data for node in graph(y) if isinstance(node.data, np.ndarray))):
        y.backward(g)
        list(sweep(y, g))
    assert w.grad.shape == (3, 4)


def test_a_cotangent_is_not_mutated_by_buffers() -> None:
    x, g = Value(np.ones((4, 2))), np.ones(2)
    y = x[0] + x[1] + x[0] + x.sum(axis=0)
    with frozen(g):
        y.backward(g)
    assert x.grad.tolist() == [[3, 3], [2, 2], [1, 1], [1, 1]]


def test_sweep_writes_no_grad() -> None:
    x = Value(3.0)
    y = x * x
    pairs = dict(sweep(y, 1.0))
    assert pairs[x] == 6 and pairs[y] == 1
    assert x.grad is None and y.grad is None


def test_a_failed_backward_writes_nothing() -> None:
    x = Value([1.0, 2.0])
    y = x * x
    with pytest.raises(errors.ShapeError):
        y.backward(np.ones(5))
    assert x.grad is None and y.grad is None


@pytest.mark.parametrize("function", [np.einsum, np.linalg.multi_dot, np.meshgrid])
def test_no_cotangent_is_computed_for_a_constant(function: Any) -> None:
    """Of an op that takes any number of inputs, the rule is asked for those that have a gradient alone."""
    record, asked = TABLE[function], []

    def counting(g: Any, y: Any, *xs: Any, **params: Any) -> list[Any]:
        found = record.vjps[0](g, y, *xs, **params)  # type: ignore[misc]
        return [lambda k=k, c=c: asked.append(k) or c() for k, c in enumerate(found)]

    a, b = np.ones((2, 2)), np.ones(2)
    call: dict[Any, Any] = {
        np.einsum: lambda x: np.einsum("ij,jk,k->", a, x, b),
        np.linalg.multi_dot: lambda x: np.sum(np.linalg.multi_dot([a, x, b])),
        np.meshgrid: lambda x: np.sum(np.meshgrid(b, x[0])[1]),
    }
    with patch.dict(TABLE, {function: replace(record, vjps=(counting,))}):
        minigrad.grad(call[function])(a)
        assert asked == [1]
        w = Value(a)  # a leaf of somebody else's, beside what is differentiated
        minigrad.grad(lambda x: np.sum(call[function](x) * w))(a)
        assert asked == [1, 1]
        if function is np.einsum:
            minigrad.grad(lambda x: np.einsum("ij,jk,k->", w, x, b))(a)
            assert asked == [1, 1, 1]
