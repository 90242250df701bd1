"""Layout: nested arguments or results as one row of numbers, and back again, whoever's arrays they are.

Arrays of other libraries are met by what they can do (`__array__`, `__array_namespace__`, `new_tensor`): none is
imported here. What is no real number (integers, truth values, text, None) stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DTypeError, describe
from ..tree import tree_map
from ..value import Value


@dataclass(frozen=True)
class Slot:
    """One array of real numbers in a nesting: where it stands, and which stretch of the row is its own."""

    path: str
    leaf: Any
    shape: tuple[int, ...]
    dtype: Any
    start: int
    stop: int

    @property
    def stretch(self) -> slice:
        """Its part of the row."""
        return slice(self.start, self.stop)

    def index(self, position: int) -> tuple[int, ...]:
        """The index, in the array, of an entry of the row."""
        return tuple(int(i) for i in np.unravel_index(position - self.start, self.shape))


class Layout:
    """Where each array of a nesting stands in a row of numbers.

    tree: lists, tuples and dicts of arrays. takes: which leaves count (by default those made of floats).
    within: the numbers of the items of the tree in which they are looked for (by default all).
    """

    def __init__(self, tree: Any, takes: Callable[[Any], bool] | None = None, within: Sequence[int] = ()) -> None:
        self.tree, self.slots = tree, list[Slot]()
        takes = takes or is_float
        among = tuple(f"[{n}]" for n in within) or ("",)
        self.size = 0

        def place(leaf: Any, where: str) -> Any:
            if where.startswith(among) and takes(leaf):
                data = plain(leaf)
                stop = self.size + data.size
                self.slots.append(Slot(where, leaf, data.shape, data.dtype, self.size, stop))
                self.size = stop

        tree_map(place, tree)
        self._places = {slot.path: slot for slot in self.slots}

    def row(self, tree: Any = None) -> np.ndarray:
        """The numbers of a tree of this layout (by default the one it was made from) in one row of float64."""
        found = [slot.leaf for slot in self.slots] if tree is None else self.leaves(tree)
        return joined([plain(leaf) for leaf in found])

    def build(self, row: np.ndarray, promote: bool = False) -> Any:
        """The tree with these numbers in it, in arrays of their own; promote: in float64, whatever they were."""

        def put(leaf: Any, where: str) -> Any:
            slot = self._places.get(where)
            if slot is None:
                return leaf.copy() if isinstance(leaf, np.ndarray) else leaf
            return like(leaf, row[slot.stretch].reshape(slot.shape), promote)

        return tree_map(put, self.tree)

    def fill(self, leaves: Sequence[Any], tree: Any = None) -> Any:
        """A tree of this layout (by default its own) with other leaves in its slots."""
        found = dict(zip(self._places, leaves, strict=True))
        return tree_map(lambda leaf, where: found.get(where, leaf), self.tree if tree is None else tree)

    def leaves(self, tree: Any) -> list[Any]:
        """What stands in the slots, in a tree of this layout."""
        found = []

        def take(leaf: Any, where: str) -> None:
            if where in self._places:
                found.append(leaf)

        tree_map(take, tree)
        return found

    def slot_of(self, position: int) -> Slot:
        """The slot in which an entry of the row lies."""
        return next(slot for slot in self.slots if slot.start <= position < slot.stop)


def joined(arrays: list[Any]) -> np.ndarray:
    """Arrays in one row of float64."""
    return np.concatenate([np.zeros(0), *(np.ravel(a).astype(np.float64) for a in arrays)])


def plain(leaf: Any) -> np.ndarray:
    """A leaf as a NumPy array. Raises DTypeError for what no array of numbers can be made of."""
    if type(leaf) is np.ndarray:
        return leaf
    if isinstance(leaf, Value):
        return np.asarray(leaf.data)
    try:
        return np.asarray(leaf.detach().cpu().numpy() if hasattr(leaf, "detach") else leaf)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DTypeError(f"not an array of numbers: {describe(leaf)}") from error


def is_array(leaf: Any) -> bool:
    """Whether a leaf is an array or a number, of anybody's."""
    return isinstance(leaf, (bool, int, float, complex, np.generic)) or hasattr(leaf, "__array__")


def is_float(leaf: Any) -> bool:
    """Whether a leaf is made of real numbers that are no integers; complex ones are refused."""
    if not is_array(leaf) or isinstance(leaf, (bool, int, str)):
        return False
    kind = plain(leaf).dtype.kind
    if kind == "c":
        raise DTypeError(f"complex numbers have no gradient here: {describe(leaf)}")
    return kind == "f"


def is_number(leaf: Any) -> bool:
    """Whether a leaf is made of real numbers, integers and truth values included."""
    return is_array(leaf) and (is_float(leaf) or plain(leaf).dtype.kind in "iub")


def like(leaf: Any, data: np.ndarray, promote: bool) -> Any:
    """The numbers in an array of the leaf's own kind: of its type, or in float64."""
    if isinstance(leaf, float) and not isinstance(leaf, np.generic):
        return float(data)
    if isinstance(leaf, (np.ndarray, np.generic, Value)):
        dtype = np.float64 if promote else leaf.dtype
        return np.array(data, dtype=dtype) if type(leaf) is np.ndarray else np.array(data, dtype=dtype)[()]
    if hasattr(leaf, "new_tensor"):  # PyTorch
        source = leaf.detach().double() if promote else leaf.detach()
        made = source.new_tensor(np.array(data))
        return made.requires_grad_(leaf.requires_grad)
    if hasattr(leaf, "__array_namespace__"):  # the array API: JAX and others
        return leaf.__array_namespace__().asarray(
            np.array(data, dtype=np.float64 if promote else plain(leaf).dtype)
        )
    return np.array(data, dtype=np.float64 if promote else plain(leaf).dtype)
