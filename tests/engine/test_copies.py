"""The data of a leaf and its copies: converted or refused, never shared, never cut off the graph."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, errors

# ------------------------------------------------------------------------------------------ data and copies


def test_data_setter_converts_and_refuses() -> None:
    v = Value([1.0, 2.0])
    v.data = [3, 4]
    assert v.data.dtype == np.float64 and v.data.tolist() == [3, 4]
    given = np.zeros(2)
    v.data = given
    v.data += 1
    assert given.tolist() == [0, 0]
    for bad in (1j, "a", None, [object()]):
        with pytest.raises(errors.DTypeError):
            v.data = bad
    assert v.data.tolist() == [1, 1], "a refused assignment changes nothing"


def test_a_step_in_place_works_for_numbers_and_arrays() -> None:
    for start in (3.0, np.array([3.0, 4.0]), np.float32(3.0), np.array([3.0], np.float32)):
        w = Value(start)
        dtype = w.dtype
        (w * w).sum().backward()
        before = w.data
        w.data -= 0.1 * w.grad
        np.testing.assert_allclose(w.data, np.asarray(start) * 0.8, rtol=1e-6)
        assert w.dtype == dtype
        assert before is w.data or not isinstance(before, np.ndarray)


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
@pytest.mark.parametrize("data", [2.5, [1.0, 2.0], np.array([1.5], np.float32)])
def test_a_copied_leaf_is_a_leaf_of_its_own(clone: Any, data: Any) -> None:
    v = Value(data, name="v")
    (v * 3).sum().backward()
    twin = clone(v)
    assert type(twin) is Value and twin.op is None and twin.name == "v"
    assert twin.serial > v.serial
    np.testing.assert_array_equal(twin.data, v.data)
    np.testing.assert_array_equal(twin.grad, v.grad)
    assert twin.dtype == v.dtype
    if v.ndim:
        assert not np.shares_memory(twin.data, v.data) and not np.shares_memory(twin.grad, v.grad)
    (twin * 5).sum().backward()
    np.testing.assert_array_equal(v.grad, np.full(v.shape, 3.0))


def test_deepcopy_keeps_shared_leaves_shared() -> None:
    v = Value(2.0)
    first, second = copy.deepcopy([v, v])
    assert first is second and first is not v


def test_a_copy_of_an_inner_node_is_the_node() -> None:
    """It never changes, as a tuple: code that copies what it is given keeps the gradient."""
    x = Value(2.0)
    y = x * 3
    assert copy.copy(y) is y
    assert minigrad.grad(lambda x: copy.copy(x) * copy.copy(x * 2))(3.0) == 12.0


@pytest.mark.parametrize("clone", [copy.deepcopy, pickle.dumps])
def test_copying_an_inner_node_is_refused(clone: Any) -> None:
    for node in (Value(2.0) * 3, np.tanh(Value([1.0]))):
        with pytest.raises(errors.NotALeaf, match=r"made by (\*|tanh)\n  write  Value\(v\.data\)"):
            clone(node)


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy])
def test_copying_an_argument_does_not_cut_the_gradient(clone: Any) -> None:
    try:
        gradient = minigrad.grad(lambda x: clone(x) * 2.0)(3.0)
    except errors.NotALeaf:
        return
    assert gradient == 2.0


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copying_a_result_without_gradient_keeps_its_type(clone: Any) -> None:
    v = Value([1.0, 2.0])
    for result in (v > 1, v.argsort()):
        try:
            twin = clone(result)
        except errors.NotALeaf:
            continue
        assert twin.dtype == result.dtype
