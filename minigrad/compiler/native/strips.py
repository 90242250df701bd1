"""Writes runs of + - * / within a chain as code for one accumulator, which `arithmetic.c` carries out in registers.

A result goes to memory only if something else than the next step reads it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ...tracing.program import Ref
from ..numpy_functions import AS_OPERATORS
from .instructions import OPERANDS, Call, Place

# Operations, numbered as in arithmetic.c; a single number as the operand is NUMBERS further.
LOAD, STORE, NEGATIVE, SQUARE, ADD, SUBTRACT, SUBTRACT_FROM, MULTIPLY, DIVIDE, DIVIDE_INTO, NUMBERS = range(11)
MOST_PLACES, MOST_ARRAYS = 64, 16
# The operation if the accumulator is the first operand, and if it is the second.
_BINARY = {
    "+": (ADD, ADD),
    "-": (SUBTRACT, SUBTRACT_FROM),
    "*": (MULTIPLY, MULTIPLY),
    "/": (DIVIDE, DIVIDE_INTO),
}
_SIZES = {"ff": 4, "fff": 4, "dd": 8, "ddd": 8}  # bytes of an entry
_UNARY = {np.negative: NEGATIVE, np.square: SQUARE}


class Link(NamedTuple):
    """A step of a chain. local: whether only the chain reads its result. foreign: whether an operand comes from a
    Python step, so that nobody knows what memory it shares."""

    function: Any
    types: str
    args: Sequence[Any]
    out: Ref | None  # None: a conversion for the next one
    call: Call
    local: bool
    foreign: bool


@dataclass
class _Run:
    """A run that is being written. places: of each place its number, the operand that first named it, whether the
    run stores there, and whether it read there before. offsets: of the places, sorted, by their slots."""

    first: int
    code: list[int] = field(default_factory=list)
    places: dict[Place, list[int]] = field(default_factory=dict)
    offsets: dict[int, list[int]] = field(default_factory=dict)
    arrays: int = 0
    result: Ref | None = None  # in the accumulator

    def step(self, link: Link, c: int) -> None:
        """Write step number c."""
        in_hand = [type(x) is Ref and x == self.result for x in link.args]
        if not any(in_hand):
            k = 0 if link.call.steps[0] else 1
            self.code += [LOAD, self._read(link, c, k)]
            in_hand[k] = True
        if link.function in _UNARY:
            self.code += [_UNARY[link.function], 0]
        elif all(in_hand) and link.function is np.multiply:
            self.code += [SQUARE, 0]
        else:
            k = 1 if in_hand[0] else 0
            operation = _BINARY[AS_OPERATORS[link.function]][1 - k] + (0 if link.call.steps[k] else NUMBERS)
            self.code += [operation, self._read(link, c, k)]
        self.result = link.out

    def store(self, link: Link, c: int) -> None:
        """Write that the result of step number c goes to memory."""
        place = link.call.places[-1]
        self.code += [STORE, self._look_up(link, c, len(link.args))[0]]
        self.places[place][2] = True

    def is_clear(self, link: Link, nbytes: int) -> bool:
        """Whether the result, of so many bytes, lies apart from all that the run reads, or exactly on it.

        A strip that is stored must not be an operand of a later one.
        """
        slot, start = link.call.places[-1]
        for other, offset in link.call.places:
            if other == slot and 0 < abs(offset - start) < nbytes:
                return False
        offsets = self.offsets.get(slot, [])
        near = offsets[bisect_right(offsets, start - nbytes) : bisect_left(offsets, start + nbytes)]
        return not near or near == [start]

    def _read(self, link: Link, c: int, k: int) -> int:
        found = self._look_up(link, c, k)
        found[3] |= not found[2]
        return found[0]

    def _look_up(self, link: Link, c: int, k: int) -> list[int]:
        """What `places` holds of an operand."""
        place = link.call.places[k]
        found = self.places.get(place)
        if found is None:
            found = self.places[place] = [len(self.places), c * OPERANDS + k, False, False]
            insort(self.offsets.setdefault(place.slot, []), place.offset)
            self.arrays += link.call.steps[k] != 0
        return found

    def written(self, links: Sequence[Link], end: int) -> tuple[list[int], int]:
        """All of the run, as arithmetic.c reads it, and how many places it overwrites that it has read."""
        one = links[self.first]
        places = [(which, stored, stored and read) for _, which, stored, read in self.places.values()]
        kept = sum(both for _, _, both in places)
        about = (ord(one.types[-1]), one.call.name is not None, kept, len(places), len(self.code) // 2)
        return [self.first, end, *map(int, about), *(int(x) for place in places for x in place), *self.code], kept


def write_runs(links: Sequence[Link], size: int) -> tuple[list[int], int]:
    """The code of all runs in a chain, and the bytes that a run overwrites after it has read them, at most.

    size: entries of a block. A loop over blocks reuses no larger memory before its end.
    """
    readers: dict[Ref, list[int]] = {}
    for c, link in enumerate(links):
        for x in link.args:
            if type(x) is Ref:
                readers.setdefault(x, []).append(c)
    code, kept, c = [], 0, 0
    while c < len(links):
        run, end = _Run(c), c
        while end < len(links) and _joins(links[end], links[c], run, size):
            if end > c and _is_needed(links[end - 1], links[end], end, readers):
                run.store(links[end - 1], end - 1)
            run.step(links[end], end)
            end += 1
        if end - c > 1:
            run.store(links[end - 1], end - 1)
            found, most = run.written(links, end)
            code += found
            kept = max(kept, most * size * np.dtype(links[c].types[-1]).itemsize)
        c = max(end, c + 1)
    return [*code, -1], kept


def _joins(link: Link, first: Link, run: _Run, size: int) -> bool:
    """Whether a step may be one of a run that has a first step."""
    known = link.function in AS_OPERATORS or link.function in _UNARY
    nbytes = _SIZES.get(link.types, 0)
    alike = link.types[-1] == first.types[-1] and bool(link.call.name) is bool(first.call.name)
    if not (known and nbytes and alike):
        return False
    room = len(run.places) + 4 <= MOST_PLACES and run.arrays + 4 <= MOST_ARRAYS
    return room and any(link.call.steps[:-1]) and not link.foreign and run.is_clear(link, size * nbytes)


def _is_needed(link: Link, after: Link, c: int, readers: dict[Ref, list[int]]) -> bool:
    """Whether a result is read from memory, though step number c, which comes after, has it at hand."""
    found = readers.get(link.out, []) if link.out is not None else []
    times = found.count(c)
    twice = times > 1 and after.function is not np.multiply
    return not link.local or twice or times < len(found)
