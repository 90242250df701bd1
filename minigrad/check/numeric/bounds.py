"""Bounds of the arguments, outside of which a function is never called, and the room that they leave for steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.tree import tree_map
from ...errors import ArgumentError, DTypeError, ShapeError, describe
from .extrapolation import Array
from .flattening import Layout, Slot, to_array

_REMEDY = "  write  bounds=(low, high), each a number, or one number or array per argument (None: no bound)"
_SIDES = ("low", "high")


@dataclass(frozen=True)
class Bounds:
    """The least and the largest value of each number of a point: rows of its length."""

    low: Array
    high: Array

    def room(self, x: Array, line: int | Array) -> tuple[float, float]:
        """The largest t ≥ 0 for which x - t·u stays inside, and for x + t·u. line: an axis by its number, or u."""
        if isinstance(line, int):
            return float(x[line] - self.low[line]), float(self.high[line] - x[line])
        up, down = self.high - x, x - self.low
        with np.errstate(all="ignore"):
            size = np.abs(line)
            sides = (np.where(line > 0, down, up), np.where(line > 0, up, down))
            left, right = (np.min(side / size, where=line != 0, initial=np.inf) for side in sides)
        return float(left), float(right)

    def inward(self, x: Array, u: Array, t: float) -> Array:
        """A direction like u, and x + t·u is inside: entries that would lead outside turn, or get smaller."""
        up, down = self.high - x, x - self.low
        with np.errstate(invalid="ignore"):
            near = np.minimum(up, down) < t * np.abs(u)
        side = np.where(up >= down, 1.0, -1.0)
        return np.where(near, side * np.minimum(np.abs(u), np.maximum(up, down) / t), u)

    def clip(self, row: Array) -> Array:
        """A row of numbers, moved inside: x + t·u may lie outside by a rounding."""
        return np.minimum(np.maximum(row, self.low), self.high)

    def mirror(self, x: Array, row: Array) -> Array:
        """A row close to a point x: entries that lie outside, on the other side of x."""
        return self.clip(np.where((row < self.low) | (row > self.high), 2 * x - row, row))

    def contains(self, row: Array) -> bool:
        """Whether a row lies inside, up to rounding."""
        gap = np.abs(row - self.clip(row))
        return bool(np.all((gap <= 8 * np.spacing(np.abs(row))) | np.isnan(row)))


def read_bounds(given: Any, layout: Layout, alone: bool) -> Bounds | None:
    """Bounds as they are given to a check; None if there are none.

    alone: the arguments are one, which was not given as a tuple. Raises ArgumentError if `given` is not a pair, if
    low > high, or if the point lies outside; ShapeError if an array has another shape than its argument.
    """
    if given is None or isinstance(given, Bounds):
        return given
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ArgumentError(f"bounds= takes a pair (low, high), got {describe(given)}\n{_REMEDY}")
    low, high = (_row(side, layout, alone, n) for n, side in enumerate(given))
    x = layout.row()
    low, high = _in_its_type(low, x, layout, up=True), _in_its_type(high, x, layout, up=False)
    _refuse(~(low <= high), "the low bound is above the high one", low, high, layout)
    _refuse((x < low) | (x > high), "the point lies outside of its bounds", low, high, layout)
    return Bounds(low, high)


def _refuse(bad: Array, what: str, low: Array, high: Array, layout: Layout) -> None:
    """Raise ArgumentError for the first bad number."""
    if bad.any():
        k = int(np.argmax(bad))
        ends = f"low {low[k]:.9g}, high {high[k]:.9g}"
        raise ArgumentError(f"{what}: {_entry(layout, k)} is {layout.row()[k]:.17g}, {ends}\n{_REMEDY}")


def _row(side: Any, layout: Layout, alone: bool, n: int) -> Array:
    """One side of the bounds, as a row of numbers."""
    row, leaves = np.full(layout.size, (-np.inf, np.inf)[n]), dict[str, Any]()
    if isinstance(side, (int, float, np.generic, np.ndarray)) and np.ndim(side) == 0:
        row[:] = side
        return row
    tree_map(lambda leaf, where: leaves.update({where: leaf}), _per_argument(side, len(layout.tree), alone, n))
    for slot in layout.slots:
        found = [path for path in leaves if _leads_to(path, slot.path)]  # its own, or one number for many arrays
        found = found or [path for path in leaves if _leads_to(slot.path, path)]  # a list of numbers
        if found:
            row[slot.stretch] = _of_slot([_numbers(leaves[path]) for path in found], slot, n)
    for path in leaves:
        if not _has_numbers(path, layout):
            raise ArgumentError(f"{_SIDES[n]} of bounds= has an entry at {path}, where the arguments have none")
    return row


def _per_argument(side: Any, count: int, alone: bool, n: int) -> Any:
    """One side of the bounds as a tuple with an entry per argument."""
    listed = isinstance(side, (tuple, list))
    if side is None or alone or (count == 1 and not listed):
        return (side,)
    if not listed or len(side) != count:
        raise ArgumentError(f"{_SIDES[n]} of bounds= needs one entry for each of {count} arguments\n{_REMEDY}")
    return tuple(side)


def _has_numbers(path: str, layout: Layout) -> bool:
    """Whether there are numbers to bound at a path; an argument that is not differentiated needs none."""
    within = [slot.path for slot in layout.slots if _leads_to(slot.path[: slot.path.index("]") + 1], path)]
    return not within or any(_leads_to(path, slot) or _leads_to(slot, path) for slot in within)


def _leads_to(path: str, other: str) -> bool:
    """Whether a path leads to a place, or to a nesting that holds it."""
    return other.startswith(path) and other[len(path) :][:1] in ("", "[", ".")


def _numbers(leaf: Any) -> Array:
    found = to_array(leaf)
    if found.dtype.kind not in "fiu":
        raise DTypeError(f"bounds= takes real numbers, got {describe(leaf)}")
    return found.astype(np.float64)


def _of_slot(found: list[Array], slot: Slot, n: int) -> Array:
    """The bounds of one array: one number, an array of its shape, or the numbers of a list."""
    if len(found) == 1 and found[0].shape in ((), slot.shape):
        return np.broadcast_to(found[0], slot.shape).ravel()
    row = np.concatenate([part.ravel() for part in found])
    if len(found) > 1 and all(part.ndim == 0 for part in found) and row.size == slot.stop - slot.start:
        return row
    shape = found[0].shape if len(found) == 1 else (len(found),)
    raise ShapeError(f"{_SIDES[n]} of bounds= has shape {shape} at {slot.path}, the argument {slot.shape}")


def _in_its_type(side: Array, x: Array, layout: Layout, up: bool) -> Array:
    """Bounds rounded inward to the type of their argument: a point inside then stays inside in that type.

    The point itself may be a bound, rounded outward: a bound of 0.1, and float32(0.1).
    """
    side = side.copy()
    for slot in layout.slots:
        dtype, part = np.dtype(slot.dtype), side[slot.stretch]
        if dtype.kind != "f" or dtype == np.float64:
            continue
        with np.errstate(over="ignore"):
            rounded = part.astype(dtype)
            outward = rounded < part if up else rounded > part
            inward = np.where(outward, np.nextafter(rounded, dtype.type(np.inf if up else -np.inf)), rounded)
        side[slot.stretch] = np.where(x[slot.stretch] == rounded, x[slot.stretch], inward)
    return side


def _entry(layout: Layout, k: int) -> str:
    """The place of a number, as in ``argument 0['w'][2]``."""
    slot = layout.slot_of(k)
    index = ", ".join(map(str, slot.index(k)))
    return f"argument {slot.path[1:].replace(']', '', 1)}" + (f"[{index}]" if slot.shape else "")
