"""Layout: nested arguments or results as one row of numbers, and back again, for arrays of any library.

Arrays of other libraries are handled through their methods (`__array__`, `__array_namespace__`, `new_tensor`),
without an import. Leaves that are not real numbers (integers, truth values, text, None) stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engine.tree import flatten, tree_map
from ...engine.value import Value
from ...errors import DTypeError, describe


@dataclass(frozen=True)
class Slot:
    """One array of real numbers in a nesting: its path, and its part of the row."""

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
    """The place of each array of a nesting in a row of numbers.

    tree: lists, tuples and dicts of arrays. takes: which leaves count (by default arrays of floats, and floats).
    within: the positions of the items of the tree that count (by default all).
    """

    def __init__(self, tree: Any, takes: Callable[[Any], bool] | None = None, within: Sequence[int] = ()) -> None:
        self.tree, self.slots = tree, list[Slot]()
        takes = takes or is_float
        among = tuple(f"[{n}]" for n in within) or ("",)
        self.size = 0
        self._every: list[tuple[Any, Slot | None]] = []  # all leaves, as `flatten` lists them
        self._structure = flatten(tree)[1]

        def place(leaf: Any, where: str) -> Any:
            slot = None
            if where.startswith(among) and takes(leaf):
                data = to_array(leaf)
                slot = Slot(where, leaf, data.shape, data.dtype, self.size, self.size + data.size)
                self.slots.append(slot)
                self.size = slot.stop
            self._every.append((leaf, slot))

        tree_map(place, tree)
        self._places = {slot.path: slot for slot in self.slots}

    def __getstate__(self) -> dict[str, Any]:
        """Without the structure, which belongs to this process."""
        return {name: x for name, x in vars(self).items() if name != "_structure"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """In the worker that checks a part."""
        vars(self).update(state, _structure=flatten(state["tree"])[1])

    def row(self, tree: object = None) -> NDArray[Any]:
        """The numbers of a tree of this layout (by default the original) as one row of float64."""
        found = [slot.leaf for slot in self.slots] if tree is None else self.leaves(tree)
        return concatenate_flat([to_array(leaf) for leaf in found])

    def build(self, row: NDArray[Any], promote: bool = False) -> Any:
        """The tree with these numbers, in new arrays; promote: all in float64."""

        def put(leaf: Any, slot: Slot | None) -> Any:
            if slot is None:
                return leaf.copy() if isinstance(leaf, np.ndarray) else leaf
            data = match_dtype(leaf, row[slot.stretch].reshape(slot.shape), promote)
            # The code of a Module may use what only a Value has, such as its name.
            return Value(data, leaf.name) if isinstance(leaf, Value) and "." in slot.path else data

        return self._structure.unflatten([put(leaf, slot) for leaf, slot in self._every])

    def fill(self, leaves: Sequence[Any], tree: Any = None) -> Any:
        """A tree of this layout (by default the original) with other leaves in its slots."""
        found = dict(zip(self._places, leaves, strict=True))
        return tree_map(lambda leaf, where: found.get(where, leaf), self.tree if tree is None else tree)

    def leaves(self, tree: Any) -> list[Any]:
        """The leaves in the slots of a tree of this layout."""
        found = []

        def take(leaf: object, where: str) -> None:
            if where in self._places:
                found.append(leaf)

        tree_map(take, tree)
        return found

    def slot_of(self, position: int) -> Slot:
        """The slot of an entry of the row."""
        return next(slot for slot in self.slots if slot.start <= position < slot.stop)


def concatenate_flat(arrays: list[Any]) -> NDArray[Any]:
    """Arrays as one row of float64."""
    return np.concatenate([np.zeros(0), *(np.ravel(a).astype(np.float64) for a in arrays)])


def to_array(leaf: object) -> NDArray[Any]:
    """A leaf as a NumPy array. Raises DTypeError if it does not hold numbers."""
    if type(leaf) is np.ndarray:
        return leaf
    if isinstance(leaf, Value):
        return np.asarray(leaf.data)
    try:
        return np.asarray(leaf.detach().cpu().numpy() if hasattr(leaf, "detach") else leaf)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DTypeError(f"not an array of numbers: {describe(leaf)}") from error


def is_array(leaf: object) -> bool:
    """Whether a leaf is an array or a number, of any library."""
    return isinstance(leaf, (bool, int, float, complex, np.generic)) or hasattr(leaf, "__array__")


def is_float(leaf: object) -> bool:
    """Whether a leaf is made of floats. Raises DTypeError for complex numbers."""
    if not is_array(leaf) or isinstance(leaf, (bool, int, str)):
        return False
    kind = to_array(leaf).dtype.kind
    if kind == "c":
        raise DTypeError(f"complex numbers have no gradient here: {describe(leaf)}")
    return kind == "f"


def is_number(leaf: object) -> bool:
    """Whether a leaf is made of real numbers, including integers and truth values."""
    return is_array(leaf) and (is_float(leaf) or to_array(leaf).dtype.kind in "iub")


def match_dtype(leaf: Any, data: NDArray[Any], promote: bool) -> Any:
    """The numbers as an array of the leaf's library, in the leaf's type or in float64."""
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
            np.array(data, dtype=np.float64 if promote else to_array(leaf).dtype)
        )
    return np.array(data, dtype=np.float64 if promote else to_array(leaf).dtype)
