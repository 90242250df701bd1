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
from .memory import in_order_of, tensor_in_order_of

# The unit roundoff of each type of floats, by the name that its library gives it.
ROUNDOFF = {
    "float64": 2.0**-53,
    "float32": 2.0**-24,
    "float16": 2.0**-11,
    "bfloat16": 2.0**-8,
    "float8_e4m3fn": 2.0**-4,
    "float8_e5m2": 2.0**-3,
}
UNKNOWN_TO_NUMPY = ("bfloat", "float8")  # types that are read as float32


@dataclass(frozen=True)
class Slot:
    """One array of real numbers in a nesting: its path, and its part of the row.

    dtype: that in which NumPy reads it: float32, if NumPy does not know its own.
    """

    path: str
    leaf: Any
    shape: tuple[int, ...]
    dtype: Any
    start: int
    stop: int

    @property
    def dtype_name(self) -> str:
        """The name of its own type."""
        return name_of_dtype(self.leaf)

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
                return _own_copy(leaf)
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
        if not hasattr(leaf, "detach"):
            found = np.asarray(leaf)
            return found.astype(np.float32) if found.dtype.name.startswith(UNKNOWN_TO_NUMPY) else found
        tensor = leaf.detach().cpu()
        narrow = str(getattr(leaf, "dtype", "")).removeprefix("torch.").startswith(UNKNOWN_TO_NUMPY)
        return np.asarray((tensor.float() if narrow else tensor).numpy())
    except (TypeError, ValueError, RuntimeError) as error:
        raise DTypeError(f"not an array of numbers: {describe(leaf)}") from error


def name_of_dtype(leaf: Any) -> str:
    """The name of the type of its numbers: float64, bfloat16; that of NumPy for numbers of Python."""
    dtype = leaf.dtype if hasattr(leaf, "dtype") else to_array(leaf).dtype
    return str(getattr(dtype, "name", dtype)).rpartition(".")[2]


def unit_of_dtype(name: str) -> float:
    """The unit roundoff of a type of floats, by its name; that of float64 for others."""
    return ROUNDOFF.get(name, 2.0**-53)


def is_array(leaf: object) -> bool:
    """Whether a leaf is an array or a number, of any library."""
    return isinstance(leaf, (bool, int, float, complex, np.generic)) or hasattr(leaf, "__array__")


def is_foreign(leaf: object) -> bool:
    """Whether a leaf is an array of another library than NumPy, whose functions may take no other."""
    return hasattr(leaf, "new_tensor") or (
        hasattr(leaf, "__array_namespace__") and not isinstance(leaf, np.ndarray)
    )


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


def _own_copy(leaf: Any) -> Any:
    """A leaf that is not differentiated, such that a function may change it."""
    if isinstance(leaf, np.ndarray):
        return leaf.copy(order="K")
    return leaf.clone() if hasattr(leaf, "new_tensor") and hasattr(leaf, "clone") else leaf


def match_dtype(leaf: Any, data: NDArray[Any], promote: bool) -> Any:
    """The numbers as the leaf has them: its library, device and memory order, and its type or float64."""
    if isinstance(leaf, float) and not isinstance(leaf, np.generic):
        return float(data)
    if isinstance(leaf, (np.ndarray, np.generic, Value)):
        dtype = np.float64 if promote else leaf.dtype
        if not isinstance(leaf, np.ndarray):
            return np.array(data, dtype=dtype)[()]
        made = in_order_of(leaf, data, dtype)
        return made if type(leaf) is np.ndarray else leaf.__array_wrap__(made)
    if hasattr(leaf, "new_tensor"):  # PyTorch
        return _tensor_like(leaf, data, promote)
    if hasattr(leaf, "__array_namespace__"):  # the array API: JAX and others
        wanted = np.float64 if promote else leaf.dtype if hasattr(leaf, "dtype") else to_array(leaf).dtype
        return leaf.__array_namespace__().asarray(np.array(data).astype(wanted))
    return np.array(data, dtype=np.float64 if promote else to_array(leaf).dtype)


def _tensor_like(leaf: Any, data: NDArray[Any], promote: bool) -> Any:
    source = leaf.detach().new_tensor([])  # of its type and on its device
    if promote and name_of_dtype(leaf) in ROUNDOFF:
        source = source.double()
    made = tensor_in_order_of(leaf, source.new_tensor(np.array(data)))
    if type(leaf) is not type(made):  # a Parameter
        made = made.as_subclass(type(leaf))
    return made.requires_grad_(leaf.requires_grad)
