"""Anybody's arrays as one row of numbers, and back: what is no real number passes through."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, Self

import numpy as np
import pytest

from minigrad import Value
from minigrad.check.numeric.flattening import Layout, is_float, is_number, match_dtype, to_array
from minigrad.errors import DTypeError

Pair = namedtuple("Pair", "first second")


class Torchlike:
    """A tensor as PyTorch has it: no NumPy array, and one only after `detach`."""

    def __init__(self, data: Any, dtype: Any = None, requires_grad: bool = False) -> None:
        self.data = np.array(data, dtype=dtype or np.float64)
        self.requires_grad = requires_grad

    def detach(self) -> Self:
        return type(self)(self.data, self.data.dtype)

    def double(self) -> Self:
        return type(self)(self.data, np.float64)

    def cpu(self) -> Self:
        return self

    def numpy(self) -> Any:
        if self.requires_grad:
            raise RuntimeError("detach it first")
        return self.data

    def new_tensor(self, data: Any) -> Self:
        return type(self)(data, self.data.dtype)

    def requires_grad_(self, on: bool) -> Self:
        self.requires_grad = on
        return self

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.numpy(), dtype=dtype)


class Jaxlike:
    """An array as the array API has it."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __array_namespace__(self) -> Any:
        class Namespace:
            asarray = Jaxlike

        return Namespace

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.data, dtype=dtype)


class Bare:
    """No more than something that NumPy can read."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array([1.5, 2.5], dtype=dtype)


def test_a_row_and_back() -> None:
    tree = ({"w": [np.ones((2, 2)), 3.0]}, Pair(np.float64(4.0), np.zeros(0)))
    layout = Layout(tree)
    assert layout.row().tolist() == [1.0, 1.0, 1.0, 1.0, 3.0, 4.0] and layout.size == 6
    built = layout.build(np.arange(6.0))
    assert built[0]["w"][0].tolist() == [[0.0, 1.0], [2.0, 3.0]] and built[0]["w"][1] == 4.0
    assert isinstance(built[1], Pair) and built[1].first == 5.0 and built[1].second.shape == (0,)
    assert type(built[0]["w"][1]) is float


def test_paths_and_indices_are_those_that_code_has() -> None:
    layout = Layout(({"w": [np.ones(2), np.ones((3, 2))]},))
    slot = layout.slot_of(7)
    assert slot.path == "[0]['w'][1]" and slot.index(7) == (2, 1)
    assert layout.slot_of(1).path == "[0]['w'][0]"


def test_what_is_no_real_number_passes_through() -> None:
    ints, mask = np.arange(3), np.array([True, False])
    tree = (2, True, "text", None, ints, mask, np.int64(4), np.array(["a"]), 0.5)
    layout = Layout(tree)
    assert [slot.path for slot in layout.slots] == ["[8]"]
    built = layout.build(np.array([7.0]))
    assert built[:4] == (2, True, "text", None) and built[8] == 7.0
    assert built[4].tolist() == [0, 1, 2] and built[4] is not ints and built[5] is not mask


def test_only_the_chosen_arguments() -> None:
    tree = tuple(np.full(1, float(k)) for k in range(11))
    assert [slot.path for slot in Layout(tree, within=(1, 10)).slots] == ["[1]", "[10]"]


@pytest.mark.parametrize(
    ("leaf", "single", "double"),
    [
        (np.float32(0.5), np.float32, np.float64),
        (np.array([0.5], np.float32), np.float32, np.float64),
        (Value(np.array([0.5], np.float32)), np.float32, np.float64),
        (Torchlike([0.5], np.float32), np.float32, np.float64),
        (Jaxlike(np.array([0.5], np.float32)), np.float32, np.float64),
        (Bare(), np.float64, np.float64),
    ],
)
def test_the_type_is_kept_or_promoted(leaf: Any, single: Any, double: Any) -> None:
    data = np.full(np.shape(to_array(leaf)), 0.1)
    assert to_array(match_dtype(leaf, data, promote=False)).dtype == single
    wide = to_array(match_dtype(leaf, data, promote=True))
    assert wide.dtype == double and np.all(wide == 0.1)


def test_a_tensor_is_rebuilt_as_one_that_requires_what_it_did() -> None:
    leaf = Torchlike([1.0, 2.0], np.float32, requires_grad=True)
    layout = Layout((leaf,))
    (built,) = layout.build(np.array([3.0, 4.0]))
    assert isinstance(built, Torchlike) and built.requires_grad and built is not leaf
    assert built.detach().numpy().tolist() == [3.0, 4.0] and leaf.data.tolist() == [1.0, 2.0]


def test_an_array_of_the_array_api_is_rebuilt_by_its_own_library() -> None:
    (built,) = Layout((Jaxlike(np.ones(2)),)).build(np.array([3.0, 4.0]))
    assert isinstance(built, Jaxlike) and built.data.tolist() == [3.0, 4.0]


def test_what_only_numpy_can_read_comes_back_as_an_array() -> None:
    (built,) = Layout((Bare(),)).build(np.array([3.0, 4.0]))
    assert type(built) is np.ndarray


def test_complex_numbers_are_refused() -> None:
    for leaf in (1j, np.array([1j])):
        with pytest.raises(DTypeError, match="complex numbers have no gradient here"):
            Layout((leaf,))


def test_built_arrays_share_nothing_with_the_row() -> None:
    row = np.arange(3.0)
    (built,) = Layout((np.ones(3),)).build(row)
    built[:] = 9.0
    assert row.tolist() == [0.0, 1.0, 2.0]


def test_integers_are_numbers_of_a_result_and_no_arguments() -> None:
    for leaf in (1, True, np.int32(1), np.arange(2)):
        assert is_number(leaf) and not is_float(leaf)
    assert not is_number("text") and not is_number(np.array(["text"]))


def test_other_leaves_in_the_slots() -> None:
    layout = Layout(({"a": 1.0, "n": 2}, 3.0))
    assert layout.fill(["x", "y"]) == ({"a": "x", "n": 2}, "y")
    assert layout.leaves(({"a": 5.0, "n": 2}, 6.0)) == [5.0, 6.0]


def orders(x: Any) -> list[Any]:
    """An array of shape (2, 3, 4) as it may lie in memory."""
    wide = np.zeros((4, 9, 4), x.dtype)
    wide[::2, ::3] = x
    return [
        np.asfortranarray(x),
        np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0),
        wide[::2, ::3],
        x[::-1, :, ::-1],
    ]


@pytest.mark.parametrize("promote", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_array_is_rebuilt_in_the_same_memory_order(dtype: Any, promote: bool) -> None:
    x = np.arange(24, dtype=dtype).reshape(2, 3, 4)
    for given in orders(x):
        layout = Layout((given,))
        (built,) = layout.build(layout.row(), promote)
        units = [[stride // a.itemsize for stride in a.strides] for a in (given, built)]
        assert units[0] == units[1] and not built.flags.c_contiguous
        assert np.array_equal(built, given) and not np.shares_memory(built, given)


def test_entries_that_share_memory_get_their_own() -> None:
    windows = np.lib.stride_tricks.sliding_window_view(np.arange(5.0), 3)
    for given in (np.broadcast_to(np.arange(3.0), (2, 3)), windows):
        layout = Layout((given,))
        row = np.arange(given.size, dtype=float)
        (built,) = layout.build(row)
        built += 1  # each entry once
        assert np.array_equal(built.ravel(), row + 1)


def test_a_subclass_is_kept_and_so_is_the_order_of_what_is_not_differentiated() -> None:
    class Metres(np.ndarray):
        unit = "m"

    order = np.asfortranarray(np.ones((2, 3), dtype=int))
    built = Layout((np.ones(2).view(Metres), order)).build(np.array([3.0, 4.0]))
    assert type(built[0]) is Metres and built[0].tolist() == [3.0, 4.0]
    assert built[1].flags.f_contiguous and built[1] is not order
