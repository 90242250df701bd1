"""Where the variables of a program are while the executor runs: slots, cells and buffers."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from ...tracing.program import Program, Ref
from ..buffers import Plan, room
from .instructions import (
    ARENA,
    CELL,
    CONSTANT,
    FRESH,
    INPUT,
    NUMBER,
    OBJECT,
    VIEW,
    MemorySlot,
    Operand,
    Place,
    strides_of_rows,
)
from .loop_choice import type_of


class Storage:
    """Hands out slots and places. Numbers come first in an arena, then the buffers of the plan, then scratch."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self.program, self.plan = program, plan
        self.slots: list[MemorySlot] = [MemorySlot(ARENA)] * 3  # the cells, the buffers, and scratch
        self.places: dict[Ref, Place] = {}
        self.objects: dict[Ref, int] = {}  # slots whose object is the variable itself
        self.constants: dict[int, tuple[object, Place]] = {}
        self.foreign: set[int] = set()  # slots of Python steps: nobody knows what memory their arrays share
        self.numbers: dict[bytes, Place] = {}  # constants, by their bytes
        self.cells = bytearray()
        self.loads: list[int] = []
        self.size = plan.size
        self.scratched = self.most_scratch = 0  # bytes of scratch: of this step, and the most of any step
        for k, ref in enumerate((*program.inputs, *(ref for ref, _ in program.leaves))):
            self._input(ref, k)

    def _slot(self, slot: MemorySlot) -> int:
        self.slots.append(slot)
        return len(self.slots) - 1

    def _input(self, ref: Ref, k: int) -> None:
        sample = self.program.samples[ref]
        kind = type_of(sample)
        if isinstance(sample, np.ndarray) or not kind:
            self.objects[ref] = self._slot(MemorySlot(INPUT, k))
            self.places[ref] = Place(self.objects[ref])
            return
        self.objects[ref] = self._slot(MemorySlot(NUMBER, k, self.cell(), "l" if kind == "i" else kind))
        self.places[ref] = Place(self.objects[ref])
        self.loads.append(self.objects[ref])

    def cell(self, content: bytes = b"") -> int:
        """The offset of a new cell."""
        self.cells += content.ljust(CELL, b"\0")
        return len(self.cells) - CELL

    # ------------------------------------------------------------------------------------------- operands

    def operand(self, x: Any) -> Operand | None:
        """Where a variable or a constant array is; None for what no instruction can read."""
        sample = self.program.sample(x)
        kind = type_of(sample)
        if kind in ("", "i"):
            return None
        if type(x) is Ref:
            place = self.places.get(x)
            if place is None:
                return None
        elif isinstance(x, np.ndarray):
            place = self.constant(x)
        else:
            return self.constant_number(x, "d" if kind == "p" else kind)
        return _operand(place, kind, sample)

    def constant(self, x: Any) -> Place:
        """Where a constant array is."""
        if id(x) not in self.constants:
            self.constants[id(x)] = (x, Place(self._slot(MemorySlot(CONSTANT, object=x))))
        return self.constants[id(x)][1]

    def constant_number(self, x: Any, kind: str) -> Operand | None:
        """The cell of a constant number; None if it does not fit the type."""
        if kind == "d" and type(x) is float:  # nearly always
            content = struct.pack("d", x)
        elif kind not in "dfl?" or (kind == "?" and type_of(x) != "?"):
            return None
        else:
            with np.errstate(all="ignore"):
                content = np.dtype("i8" if kind == "l" else kind).type(x).tobytes()
        if content not in self.numbers:
            self.numbers[content] = Place(0, self.cell(content))
        return Operand(self.numbers[content], kind)

    # -------------------------------------------------------------------------------------------- results

    def result(self, ref: Ref) -> Operand:
        """Where the plan puts the result of a step."""
        sample = self.program.samples[ref]
        return _operand(self.place_result(ref), type_of(sample), sample)

    def place_result(self, ref: Ref) -> Place:
        """The place of that."""
        if ref in self.places:
            return self.places[ref]
        sample, plan = self.program.samples[ref], self.plan
        if not isinstance(sample, np.ndarray):
            place = Place(self._slot(MemorySlot(NUMBER, 0, self.cell(), type_of(sample))))
            self.objects[ref] = place.slot
        elif ref in plan.in_place:
            place = self.places[plan.in_place[ref]]
            self.objects[ref] = place.slot
        elif ref in plan.place:
            place = Place(1, plan.place[ref])
        else:
            place = self._fresh(ref, sample)
        self.places[ref] = place
        return place

    def _fresh(self, ref: Ref, sample: Any) -> Place:
        """A new array at each call."""
        self.objects[ref] = self._slot(_array_slot(FRESH, 0, 0, sample))
        return Place(self.objects[ref])

    def own(self, ref: Ref) -> Operand:
        """Storage in the arena that no other variable uses."""
        sample = self.program.samples[ref]
        self.places[ref] = Place(1, self.size)
        self.size += room(sample.nbytes)
        return _operand(self.places[ref], type_of(sample), sample)

    def scratch(self, shape: tuple[int, ...], kind: str) -> Operand:
        """Storage in rows, for this step alone: the next step uses the same memory again."""
        place = Place(2, self.scratched)
        self.scratched += room(max(math.prod(shape), 1) * np.dtype(kind).itemsize)
        self.most_scratch = max(self.most_scratch, self.scratched)
        return Operand(place, kind, shape, strides_of_rows(shape, kind))

    def end_step(self) -> None:
        """Give back the scratch of a step."""
        self.scratched = 0

    def lasting(self, nbytes: int) -> Place:
        """Storage in the arena that nothing else uses."""
        self.size += room(nbytes)
        return Place(1, self.size - room(nbytes))

    def view(self, ref: Ref, of: Any, offset: int) -> None:
        """A view is at a fixed distance, in bytes, from what it is a view of."""
        self.places[ref] = (self.places[of] if type(of) is Ref else self.constant(of)).at(offset)

    def alias(self, ref: Ref, of: Any) -> None:
        """A number that equals another one."""
        found = self.operand(of)
        assert found is not None
        self.places[ref] = found.place

    # -------------------------------------------------------------------------------------------- objects

    def object(self, ref: Ref) -> int:
        """The slot for the result of a Python step."""
        sample = self.program.samples[ref]
        kind = type_of(sample)
        if kind and not isinstance(sample, np.ndarray):
            self.result(ref)
            return self.objects[ref]
        array = isinstance(sample, np.ndarray)
        self.objects[ref] = self._slot(_array_slot(OBJECT, 0, 0, sample) if array else MemorySlot(OBJECT))
        self.places[ref] = Place(self.objects[ref])
        self.foreign.add(self.objects[ref])
        return self.objects[ref]

    def slot(self, ref: Ref) -> int:
        """The slot that gives a variable as an object."""
        if ref not in self.objects:
            sample, place = self.program.samples[ref], self.places[ref]
            if not isinstance(sample, np.ndarray):
                offset = place.offset + self.slots[place.slot].offset
                self.objects[ref] = self._slot(MemorySlot(NUMBER, 0, offset, type_of(sample)))
            else:
                kind = ARENA if self.slots[place.slot].kind == ARENA else VIEW
                self.objects[ref] = self._slot(_array_slot(kind, place.slot, place.offset, sample))
        return self.objects[ref]

    def layout(self) -> tuple[int, list[MemorySlot]]:
        """The bytes of an arena, and the slots, with buffers behind the cells."""
        start = room(len(self.cells))
        starts = (0, start, start + self.size)  # of the cells, the buffers and scratch
        slots = [
            slot._replace(which=0, offset=starts[k if k < len(starts) else slot.which] + slot.offset)
            if slot.kind == ARENA
            else slot
            for k, slot in enumerate(self.slots)
        ]
        return starts[2] + self.most_scratch, slots


def _array_slot(kind: int, which: int, offset: int, sample: Any) -> MemorySlot:
    return MemorySlot(kind, which, offset, "d", None, sample.dtype, sample.shape, sample.strides)


def _operand(place: Place, kind: str, sample: Any) -> Operand:
    array = isinstance(sample, np.ndarray)
    return Operand(place, kind, sample.shape if array else (), sample.strides if array else ())
