"""v += w is v = v + w, except where that would do less than it does to an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value, errors

# --------------------------------------------------------------------------------------------- v += w


def test_in_place_operators_compute_a_new_value() -> None:
    a, b = Value(2.0), Value(3.0)
    v = a * b
    first = v
    v += b
    assert v is not first and v.op.label == "+" and v.inputs == (first, b)
    v -= 1.0
    v *= 2.0
    v /= 4.0
    v **= 2
    v.backward()
    assert a.data == 2.0 and first.data == 6.0, "nothing is changed in place"
    assert v.data == 16.0
    assert a.grad == 2 * 4.0 * 0.5 * 3.0


def test_in_place_matmul() -> None:
    m = Value(np.eye(2)) * 2.0
    m @= np.ones((2, 2))
    assert m.op.label == "@" and m.data.tolist() == [[2, 2], [2, 2]]


def test_a_leaf_accumulates_values() -> None:
    x, total = Value(3.0), Value(0.0)
    leaf = total
    for _ in range(3):
        total += x * x
    total.backward()
    assert total.data == 27 and x.grad == 18 and leaf.data == 0 and leaf.grad == 1


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**", "@", "//", "%"])
@pytest.mark.parametrize("other", [3.0, np.ones(3)])
def test_a_leaf_with_a_plain_number_is_refused(symbol: str, other: Any) -> None:
    space = {"w": Value([1.0, 2.0, 3.0], name="w"), "other": other}
    leaf = space["w"]
    with pytest.raises(errors.InPlaceError, match=r"leave this leaf unchanged") as caught:
        exec(f"w {symbol}= other", space)
    assert f"write  w.data {symbol}= ..." in str(caught.value)
    assert leaf.data.tolist() == [1, 2, 3]


def test_the_loop_over_parameters_is_told_to_write_data() -> None:
    parameters = [Value([1.0, 2.0]), Value(3.0)]
    sum((p * p).sum() for p in parameters).backward()
    for p in parameters:
        with pytest.raises(errors.InPlaceError, match=r"w\.data -= \.\.\."):
            p -= 0.1 * p.grad
        p.data -= 0.1 * p.grad
    assert parameters[1].data == pytest.approx(2.4)


@pytest.mark.parametrize(
    "view",
    [
        lambda y: y[0],
        lambda y: y[:, 1:],
        lambda y: y.T,
        lambda y: y.reshape(-1),
        lambda y: y.ravel(),
        lambda y: np.swapaxes(y, 0, 1),
        lambda y: np.expand_dims(y, 0),
        lambda y: np.squeeze(y[:, :1]),
    ],
)
def test_in_place_on_a_view_is_refused(view: Any) -> None:
    r = view(Value(np.ones((2, 3))))
    with pytest.raises(errors.InPlaceError, match=r"(?s)on a view \(made by .*minigrad\.put"):
        r += 10.0


@pytest.mark.parametrize(
    "fresh",
    [
        lambda y: y[[0, 1]],
        lambda y: y[y > 0],
        lambda y: y[0, 0],
        lambda y: y.flatten(),
        lambda y: y.copy(),
        lambda y: y.sum(axis=0),
        lambda y: y.T @ y,
    ],
)
def test_in_place_on_a_result_that_is_no_view_is_allowed(fresh: Any) -> None:
    y = Value(np.ones((2, 3)))
    r = fresh(y)
    before = r.data.copy()
    r += 10.0
    np.testing.assert_array_equal(r.data, before + 10)
    assert y.data.tolist() == np.ones((2, 3)).tolist()
