"""The rounding that a function shows in its values: it may compute in float32 behind arguments of float64.

The type of a result says how it is stored. Its numbers say more: those of a float32 kernel need 24 bits although
they are stored in 53, and they do not change at all when the argument moves by less than float32 can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .extrapolation import NARROW, Array
from .flattening import ROUNDOFF, Layout, unit_of_dtype

DOUBLE = 2.0**-53
# The unit roundoff of the types that a function may compute in, by the number of bits of their mantissas.
BITS: Final[dict[str, int]] = {"float32": 24, "float16": 11, "bfloat16": 8}
UNITS: Final[dict[str, float]] = {name: ROUNDOFF[name] for name in BITS}
# Numbers that need fewer bits than the next coarser type has may come from any type.
FEWEST: Final[dict[str, int]] = {"float32": 12, "float16": 9, "bfloat16": 5}
FEW = 4
# Relative moves of the argument, each 2**-depth: first one that float64 tells apart and float32 does not.
DEPTHS: Final = (34, 25, 22, 14, 11, 9, 7, 5)


def unit_of(layout: Layout) -> float:
    """The unit roundoff of the coarsest floats in a layout, by their types."""
    return max((unit_of_dtype(slot.dtype_name) for slot in layout.slots), default=DOUBLE)


def float_name(unit: float) -> str:
    """The name of the type with a unit roundoff, or of the type next to it."""
    return next((name for name, own in UNITS.items() if unit <= own and unit > DOUBLE), "float64")


def grid_unit(values: Array, coarsest: float = 1.0) -> float:
    """The unit roundoff of the coarsest type that holds all these numbers; that of float64 if they do not tell.

    Numbers of few bits, such as 0.5 and 3, do not tell. coarsest: no coarser type comes into question.
    """
    bits = _bits(values[np.isfinite(values) & (values != 0)])
    most = int(bits.max(initial=0))
    if len(bits) < FEW and most >= FEWEST["bfloat16"]:  # a few numbers of eleven bits may all end with zeros
        most = max(most, FEWEST["float16"])
    fitting = (name for name in BITS if FEWEST[name] <= most <= BITS[name] and UNITS[name] <= coarsest)
    return next((UNITS[name] for name in fitting), DOUBLE)


def _bits(values: Array) -> Array:
    """The number of bits that the mantissa of each number needs."""
    mantissas = (np.frexp(values)[0] * 2.0**53).astype(np.int64)
    lowest = (mantissas & -mantissas).astype(np.float64)  # a power of two
    return 54 - np.frexp(lowest)[1]


def shown_unit(call: Callable[[Array], Any], x: Array, y: Array, unit: float, own: float) -> float:
    """The unit roundoff that a function shows in its values around x, at most `len(DEPTHS)` calls later.

    call: the values at a row of numbers. y: those at x. unit, own: what the types of the results and of the
    arguments say; the result is never finer than `unit`. One call suffices for a function that computes in its own
    type.
    """
    telling = np.isfinite(y) & (y != 0)
    if not x.size:
        return unit
    rng = np.random.default_rng(x.size)
    size = np.where(np.isfinite(x), np.abs(x), 0.0)
    size[x == 0] = np.median(size[size > 0]) if size.any() else 1.0
    if not telling.any() or not x.any():  # any type tells a small number from 0: only the digits of values count
        u = 2.0 ** -DEPTHS[-1] * rng.choice([-1.0, 1.0], x.size) * rng.uniform(0.5, 1.0) * size
        sides = [there for move in (u, -u) if (there := _values(call, x + move)) is not None]
        return max(unit, grid_unit(np.concatenate(sides))) if sides else unit
    seen, before = [y[telling]], DEPTHS[0] + 1.0
    # A move that the types can hardly tell apart shows nothing.
    for depth in (d for d in DEPTHS if 2.0**-d >= 64 * max(unit if unit > DOUBLE else 0.0, own)):
        u = rng.choice([-1.0, 1.0], x.size) * rng.uniform(0.5, 1.0, x.size)  # along a single one, f may stand still
        values = _values(call, x + 2.0**-depth * u * size)
        if values is None or values.shape != y.shape:
            return unit
        there = values[telling]
        moved = (there != seen[0]) & np.isfinite(there)
        seen.append(there[moved])
        if depth == DEPTHS[0] and moved.sum() * 4 > len(moved):  # it tells more numbers apart than float32 does
            return unit
        if moved.any():
            changed = np.concatenate([seen[0][moved], *seen[1:]])
            if np.array_equal(changed, np.round(changed)):  # as those of floor, which moves in steps by definition
                return unit
            grid = grid_unit(np.concatenate([seen[0], *seen[1:]]))  # the more numbers, the surer
            grid = grid if grid > DOUBLE else grid_unit(changed)  # the others may be constants
            if grid > DOUBLE:
                return max(unit, grid)
            # It stood still over shorter moves, and then moved: in steps of at least this size. What wider steps
            # stand for, nobody can know.
            jump = np.median(np.abs(there - seen[0])[moved] / np.abs(seen[0][moved]))
            return unit if jump > NARROW else max(unit, float(min(jump * 2.0 ** (depth - before), 2.0**-depth)))
        before = depth
    return unit


def _values(call: Callable[[Array], Any], row: Array) -> Array | None:
    try:
        return call(row)
    except Exception:  # it ends near the point
        return None
