"""A short row that meets each row of a matrix, as a bias does: repeated, so that a call computes many rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .instructions import LOOP, OPERANDS, Instruction, loop_over
from .storage import Storage

LONGEST, MOST = 128, 2048  # entries of a row, and of all that are written: more take longer than the calls


def repeat_rows(
    one: Instruction, types: str, storage: Storage, find_loop: Callable[[Any, str], Any]
) -> list[Instruction]:
    """The instructions for one, a loop over all rows of a matrix: itself, unless a short row meets each of them.

    types: of the operands. The row is written k times behind itself, and then meets k rows of the matrix at once,
    so there are about 2 * sqrt(rows) calls. Only for loops whose bits do not depend on how operands lie in memory.
    """
    (call,) = one.calls
    if one.kind != LOOP or len(one.shape) != 2:
        return [one]
    rows, n = one.shape
    far, near = one.strides[: len(call.steps)], call.steps
    short = [k for k, (a, b) in enumerate(zip(far, near, strict=True)) if a == 0 and b != 0]
    even = all(a == b * n for k, (a, b) in enumerate(zip(far, near, strict=True)) if k not in short)
    if not short or not even or not 0 < n <= LONGEST:
        return [one]
    most = min(math.isqrt(rows), MOST // n)
    count = next((k for k in range(most, 2, -1) if rows % k == 0), 1)  # two rows save nothing
    if count == 1:
        return [one]
    code, places, steps = [], [*call.places], [*near]
    for k in short:
        item = np.dtype(types[k]).itemsize
        block = storage.scratch((count * n,), types[k])
        copy, places_of = find_loop("copy", types[k] * 2), [call.places[k], block.place]
        code.append(loop_over(copy, places_of, (count, n), [(0, near[k]), (n * item, item)], None))
        places[k], steps[k] = block.place, item
    padding = (0,) * (OPERANDS - len(near))
    outer = (0 if k in short else a * count for k, a in enumerate(far))
    call = call._replace(places=tuple(places), steps=tuple(steps))
    sides = rows // count, count * n
    return [*code, Instruction(LOOP, (call,), sides, (*outer, *padding, *steps, *padding))]
