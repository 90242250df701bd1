"""Slots and instructions as the executor reads them: see `executor.c`, whose order of fields this file keeps.

A place is a slot and an offset in bytes. Numbers live in cells of 8 bytes at the start of an arena, before buffers.
"""

from __future__ import annotations

import itertools
import math
import operator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

# Kinds of slots and of instructions, numbered as in executor.h.
ARENA, INPUT, CONSTANT, FRESH, OBJECT, NUMBER, VIEW = range(7)
LOOP, CHAIN, CORE, GATHER, SCATTER, PLACES, REGISTERS, NAN_CHECK, PYTHON, UNLOCK, LOCK = range(11)
OPERANDS = 6  # at most, of an instruction
CELL = 8  # bytes


class Place(NamedTuple):
    """An address: that of a slot, plus an offset in bytes."""

    slot: int
    offset: int = 0

    def at(self, offset: int) -> Place:
        """The address so many bytes further."""
        return Place(self.slot, self.offset + offset)


class Call(NamedTuple):
    """A call of an inner loop. steps: bytes from entry to entry. name: whose floating-point errors are reported."""

    loop: Any
    places: tuple[Place, ...]
    steps: tuple[int, ...] = ()
    local: tuple[bool, ...] = ()
    name: str | None = None


class MemorySlot(NamedTuple):
    """See `Slot` in executor.h. which: of an input its number, of a view the slot of its base."""

    kind: int
    which: int = 0
    offset: int = 0
    type: str = "d"
    object: object = None
    dtype: Any = None
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()


class Instruction(NamedTuple):
    """See `Instruction` in executor.h."""

    kind: int
    calls: tuple[Call, ...] = ()
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    size: int = 0
    block: int = 0
    item: int = 0
    function: Any = None
    args: tuple[int, ...] = ()
    out: int = -1
    code: bytes | None = None
    bound: int = 0

    @property
    def work(self) -> int:
        """About how many entries it computes."""
        if self.kind == CORE:
            return math.prod(self.shape) // 8 + 1
        sizes = math.prod(self.shape) if self.kind == LOOP else self.size
        return sizes * max(len(self.calls), 1)


def strides_of_rows(shape: tuple[int, ...], type: str) -> tuple[int, ...]:
    """The strides of a C-contiguous array."""
    sizes = itertools.accumulate((np.dtype(type).itemsize, *shape[:0:-1]), operator.mul)
    return tuple(sizes)[: len(shape)][::-1]


@dataclass
class Operand:
    """What an instruction reads or writes: where it is, its type character, and its layout."""

    place: Place
    type: str
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()

    @property
    def dense(self) -> bool:
        """Whether an array fills its memory in rows or in columns."""
        columns = strides_of_rows(self.shape[::-1], self.type)[::-1]
        return self.strides in (strides_of_rows(self.shape, self.type), columns)

    def spread(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The strides that read it as an array of a larger shape."""
        lead = len(shape) - len(self.shape)
        own = zip(self.shape, self.strides, shape[lead:], strict=True)
        return (*[0] * lead, *[0 if side != whole else stride for side, stride, whole in own])


def loop(function: Any, operands: list[Operand], shape: tuple[int, ...], name: str | None) -> Instruction:
    """The instruction that calls a loop on operands, of which the last has that shape: its result."""
    return loop_over(function, [x.place for x in operands], shape, [x.spread(shape) for x in operands], name)


def loop_over(
    function: Any, places: list[Place], shape: tuple[int, ...], strides: list[tuple[int, ...]], name: str | None,
    leads: int = -1,
) -> Instruction:  # fmt: skip
    """The instruction that calls a loop along all axes; that with the smallest steps is the innermost.

    leads: the operand whose steps count, which is the result unless it is summed into.
    """
    axes = [d for d, side in enumerate(shape) if side != 1]
    axes.sort(key=lambda d: abs(strides[leads][d]), reverse=True)
    sides, steps = [shape[d] for d in axes], [[x[d] for x in strides] for d in axes]
    for d in range(len(sides) - 2, -1, -1):  # join two axes that all operands pass through evenly
        if all(far == near * sides[d + 1] for far, near in zip(steps[d], steps[d + 1], strict=True)):
            sides[d : d + 2] = [sides[d] * sides[d + 1]]
            del steps[d]
    inner = tuple(steps[-1]) if steps else (0,) * len(places)
    padding = [0] * (OPERANDS - len(places))
    outer = tuple(x for axis in steps for x in (*axis, *padding))
    return Instruction(LOOP, (Call(function, tuple(places), inner, (), name),), tuple(sides), outer)


def unlocked(code: list[Instruction], least: int = 20_000) -> list[Instruction]:
    """The code with the interpreter's lock given back around long runs that need no Python."""
    found: list[Instruction] = []
    run: list[Instruction] = []
    for one in [*code, Instruction(PYTHON)]:
        if one.kind != PYTHON:
            run.append(one)
            continue
        long = sum(x.work for x in run) >= least
        found += [Instruction(UNLOCK), *run, Instruction(LOCK)] if long else run
        found.append(one)
        run = []
    return found[:-1]
