"""Writes steps that compute with numbers as code for the register machine, which `registers.c` describes.

A number lives in a cell of the arena. What only one piece of code reads gets a cell that is used again after its
last reader, so a long program stays in the cache. All other numbers keep theirs, so the code can run twice.
"""

from __future__ import annotations

import operator
import struct
from array import array
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ...rules.elementwise import _CLIP
from ...tracing.nan_checks import refuse_nan
from ...tracing.placeholders import WeakFloat
from ...tracing.program import Program, Ref, Step, operands, refs
from ...tracing.tape import copy
from .. import runtime
from ..buffers import GETITEM, Plan
from ..numpy_functions import UFUNCS, numpy_spelling
from . import extension
from .instructions import CELL, NAN_CHECK, REGISTERS, Call, Instruction, Place
from .loop_choice import OURS, type_of
from .storage import Storage

# The operations of the machine by name: their number, the name of their errors, and whether they are wide.
_OPERATIONS: dict[str, tuple[int, str | None, bool]] = (
    {} if extension is None else {name: (k, *more) for k, (name, *more) in enumerate(extension.operations())}
)
# Functions that operations are named after, besides NumPy's ufuncs.
_PLAIN = (operator.pow, operator.neg, operator.abs, np.float64, copy)
_NUMBERS = {float, np.float64, WeakFloat, bool, np.bool_}  # the types of numbers in cells
_ON_ARRAYS = (runtime.plus_at, runtime.placed, GETITEM)
_EXACT = 2**53  # integers up to here are floats, too
_FAR = 2**30  # bytes: an offset, and one more, are 32-bit integers


# How a step is written: the operation; the loop that it calls, with the name of its errors; what it reads, if not
# just the step's arguments. Most steps share one of a few.
Form: TypeAlias = tuple[str, tuple[Any, str | None] | None, tuple[Any, ...] | None]


class Cells(dict[Ref, int]):
    """The cell of each number, constants included."""

    def __init__(self, storage: Storage) -> None:
        super().__init__()
        self.storage = storage
        self.constants: dict[bytes, int] = {}
        self.free: list[int] = []

    def __missing__(self, ref: Ref) -> int:
        """The cell of a number that other instructions know."""
        place = self.storage.places[ref]
        self[ref] = found = (place.offset + self.storage.slots[place.slot].offset) // CELL
        return found

    def constant(self, x: float) -> int:
        """The cell of a constant."""
        content = struct.pack("d", x)
        found = self.constants.get(content)
        if found is None:
            found = self.constants[content] = self.storage.cell(content) // CELL
        return found

    def keep(self, ref: Ref) -> int:
        """A cell that other instructions may read."""
        offset = self.storage.cell()
        self.storage.places[ref] = Place(0, offset)
        self[ref] = offset // CELL
        return offset // CELL

    def take(self) -> int:
        """A free cell."""
        return self.free.pop() if self.free else self.storage.cell() // CELL


class Registers:
    """Writes runs of steps of one program."""

    def __init__(
        self, program: Program, plan: Plan, storage: Storage, find_loop: Callable[[Any, str], Any]
    ) -> None:
        self.program, self.samples, self.plan, self.storage = program, program.samples, plan, storage
        self.find_loop = find_loop
        self.cells = Cells(storage)
        self.known: dict[object, Form | None] = {}
        self.last = {ref: i for i, step in enumerate(program.steps) for ref in operands(step)}
        self.last.update(dict.fromkeys(refs(program.outputs), len(program.steps)))

    # ------------------------------------------------------------------------------------------- which steps

    def run(self, first: int, stop: int) -> list[Form]:
        """The forms of the steps from `first` on, up to `stop` or to one without a form.

        They are of one part, forward or backward; a check for nan is the last of its run.
        """
        steps, forms = self.program.steps, list[Form]()
        if type(self.samples[steps[first].out]) is np.ndarray and steps[first].function not in _ON_ARRAYS:
            return forms  # nearly always, in a program on arrays
        part, made = steps[first].backward, set[Ref]()
        for i in range(first, stop):
            step = steps[i]
            form = self._form(step, made) if step.backward is part else None
            if form is None:
                break
            forms.append(form)
            if step.checks:
                break
        return forms

    def _form(self, step: Step, made: set[Ref]) -> Form | None:
        """How to write a step; None if there is no way. made: arrays that the run makes."""
        function, kind = step.function, type(self.samples[step.out])
        if kind not in _NUMBERS or function is GETITEM:
            return self._entry_form(step, made) if function is GETITEM else self._array_form(step, made)
        kinds = self._kinds(step.args)
        if not kinds or step.kwargs:
            return None
        if step.has_effect:
            return ("nan_or", None, None) if function is refuse_nan else None
        key = function, step.backward, kind, kinds
        if key not in self.known:
            self.known[key] = self._choose(function, step.backward, kind is np.bool_, kinds)
        return self.known[key]

    def _kinds(self, args: tuple[Any, ...]) -> tuple[type, ...] | None:
        """The types of operands; None if one cannot be in a cell."""
        found, samples = [], self.samples
        for x in args:
            kind = type(samples[x]) if type(x) is Ref else type(x)
            if kind not in _NUMBERS and not (kind is int and -_EXACT < x < _EXACT):
                return None
            found.append(kind)
        return tuple(found)

    def _choose(self, function: Any, backward: bool, truth: bool, kinds: tuple[type, ...]) -> Form | None:
        """The operation that computes a function, and the loop that it calls, with the name of its errors."""
        ufunc = UFUNCS.get(function, function)
        # Operators of NumPy's numbers, but not of its truth values, report errors by names of their own.
        number = not isinstance(function, np.ufunc) and kinds[0] is not np.bool_
        if isinstance(ufunc, np.ufunc):
            name = ufunc.__name__ if numpy_spelling(ufunc) else ""
            operation = self._fitting(ufunc, name, truth, len(kinds))
            reported = f"scalar {name}" if number else name
        else:
            name = function.__name__ if function in _PLAIN else OURS.get(function, "")
            operation = name if name in _OPERATIONS else ""
            reported = "scalar power" if number else ""
        if operation and (backward or _OPERATIONS[operation][1] in (None, reported)):
            wide = isinstance(ufunc, np.ufunc) and _OPERATIONS[operation][2]
            return operation, (self.find_loop(ufunc, "ddd"), None) if wide else None, None
        ufunc = _CLIP if function is np.clip else ufunc
        called: Any = ufunc if isinstance(ufunc, np.ufunc) and not truth and _in_doubles(ufunc, kinds) else None
        called = name if called is None and name in OURS.values() and backward else called
        loop = None if called is None else self.find_loop(called, "d" * (len(kinds) + 1))
        return None if loop is None else ("call", (loop, None if backward else reported), None)

    def _fitting(self, ufunc: np.ufunc, name: str, truth: bool, count: int) -> str:
        """The operation of that name, if the result is what it computes: the sum of truth values is not a sum."""
        floats = f"{'d' * count}->d" in ufunc.types
        return name if name in _OPERATIONS and ufunc.nin == count and floats is not truth else ""

    def _entry_form(self, step: Step, made: set[Ref]) -> Form | None:
        """One entry of an array of float64, at a place that does not depend on data."""
        x, y = step.args[0], self.samples[step.out]
        index = step.kwargs["index"] if "index" in step.kwargs else step.args[1]
        known = self._is_placed(x, made) and type(y) is np.float64
        offset = _offset(self.program.sample(x), index) if known else None
        return None if offset is None else ("load", None, (x, offset))

    def _array_form(self, step: Step, made: set[Ref]) -> Form | None:
        """An array of float64 to which one number is added at a known place."""
        y = self.samples[step.out]
        if step.function is runtime.plus_at:
            before, number, index = step.args
            known = isinstance(before, np.ndarray) or self._is_placed(before, made)
            if not known or _layout(self.program.sample(before)) != _layout(y):
                return None
        elif step.function is runtime.placed:
            before, (number, index) = None, step.args[:2]
        else:
            return None
        offset = _offset(y, index) if self.plan.modes[step.out] == "into" and step.backward else None
        if offset is None or self._kinds((number,)) is None:
            return None
        made.add(step.out)
        return "add_at", None, (before, number, offset)

    def _is_placed(self, x: Any, made: set[Ref]) -> bool:
        """Whether a variable is an array within reach."""
        if type(x) is not Ref or self.storage.size >= _FAR:
            return False
        return x in made or (x in self.storage.places and self.storage.places[x].offset < _FAR)

    # ----------------------------------------------------------------------------------------------- writing

    def write(self, first: int, forms: list[Form]) -> list[Instruction]:
        """The instructions for the run from `first` on."""
        steps = self.program.steps[first : first + len(forms)]
        code = Code(self, first, first + len(forms))
        for i, ((operation, call, args), step) in enumerate(zip(forms, steps, strict=True), first):
            special = _SPECIAL.get(operation)
            if special is None:
                code.compute(i, step.out, operation, step.args, call)
            else:
                special(code, i, step.out, *(step.args if args is None else args))
        written = code.instruction(None if steps[0].backward else "numbers")
        return [written, self._refusal(steps[-1].out)] if steps[-1].checks else [written]

    def _refusal(self, ref: Ref) -> Instruction:
        """Python, if the number is nan."""
        call = Call(None, (self.storage.places[ref],))
        args = (self.storage.slot(ref),)
        return Instruction(NAN_CHECK, (call,), size=1, item=ord("d"), function=refuse_nan, args=args)


class Code:
    """The code of one run, as it is written."""

    def __init__(self, registers: Registers, first: int, end: int) -> None:
        self.registers, self.storage, self.cells = registers, registers.storage, registers.cells
        self.last, self.first, self.end = registers.last, first, end
        self.code = array("i")
        self.inside: set[Ref] = set()  # numbers whose cells are used again
        self.calls: dict[tuple[Any, str | None], int] = {}

    def compute(self, i: int, out: Ref, operation: str, args: tuple[Any, ...], call: Any) -> None:
        """Write an operation on numbers."""
        at = self.read(i, args)
        count, to = len(at), self.result(out)
        self.code.extend((_OPERATIONS[operation][0], to, at[0], at[1] if count > 1 else 0))
        if call is not None:
            which = self.calls.setdefault(call, len(self.calls) + 1)
            self.code.extend((0, which, at[2] if count > 2 else 0, count))
        elif count > 2:
            self.code.extend((0, 0, at[2], 0))

    def read(self, i: int, args: tuple[Any, ...]) -> list[int]:
        """The cells of operands; those that step i is the last to read are free from now on."""
        cells, inside, last, found = self.cells, self.inside, self.last, []
        for x in args:
            if type(x) is not Ref:
                found.append(cells.constant(x))
                continue
            found.append(cell := cells[x])
            if last[x] == i and x in inside:
                inside.discard(x)
                cells.free.append(cell)
        return found

    def result(self, out: Ref) -> int:
        """The cell of a result."""
        if self.last.get(out, 0) >= self.end:
            return self.cells.keep(out)
        self.inside.add(out)
        self.cells[out] = found = self.cells.take()
        return found

    def load(self, i: int, out: Ref, x: Ref, offset: int) -> None:
        """Read an entry of an array."""
        slot, start = self.storage.places[x]
        self.code.extend((_OPERATIONS["load"][0], self.result(out), slot, start + offset))

    def add_at(self, i: int, out: Ref, before: Any, number: Any, offset: int) -> None:
        """Add a number to an entry of an array, of zeros if that is None, in place if the plan says so."""
        slot, start = self.storage.result(out).place
        size = self.registers.samples[out].nbytes
        source = None if before is None else self.storage.operand(before)
        if source is None:
            self.code.extend((_OPERATIONS["zero"][0], slot, start, size))
        elif source.place != (slot, start):
            self.code.extend((_OPERATIONS["copy_bytes"][0], slot, start, 0, 0, *source.place, size))
        self.code.extend((_OPERATIONS["add_at"][0], *self.read(i, (number,)), slot, start + offset))

    def look_for_nan(self, i: int, out: Ref, *args: Any) -> None:
        """The result is nan if an operand is, else 0."""
        found = self.cells.keep(out)
        self.code.extend((_OPERATIONS["copy"][0], found, self.cells.constant(0.0), 0))
        for cell in self.read(i, args):
            self.code.extend((_OPERATIONS["nan_or"][0], found, found, cell))

    def instruction(self, name: str | None) -> Instruction:
        """All of it. name: of the first call, which only says whether floating-point errors are reported."""
        self.cells.free += [self.cells[ref] for ref in self.inside]
        self.code.extend((_OPERATIONS["end"][0], 0, 0, 0, 0, 0, 0, 0))
        calls = [Call(None, (), name=name), *(Call(loop, (), name=name) for loop, name in self.calls)]
        return Instruction(REGISTERS, tuple(calls), size=self.end - self.first, code=self.code.tobytes())


_SPECIAL: dict[str, Callable[..., None]] = {"load": Code.load, "add_at": Code.add_at, "nan_or": Code.look_for_nan}


def _in_doubles(ufunc: np.ufunc, kinds: tuple[type, ...]) -> bool:
    """Whether NumPy would compute in float64."""
    if ufunc.signature is not None or ufunc.nout != 1 or ufunc.nin != len(kinds) or ufunc.nin > 3:
        return False
    given = [x if x in (int, float) else float if x is WeakFloat else np.dtype(x) for x in kinds]
    try:
        return all(dtype == np.float64 for dtype in ufunc.resolve_dtypes((*given, None)))
    except TypeError:
        return False


def _offset(x: Any, index: Any) -> int | None:
    """The offset in bytes of one entry of an array of float64; None for another array, or another index."""
    parts = index if isinstance(index, tuple) else (index,)
    if type_of(x) != "d" or len(parts) != x.ndim or x.nbytes >= _FAR:
        return None
    if not all(type(k) is int or isinstance(k, np.integer) for k in parts):
        return None
    return sum(int(k) % int(side) * int(stride) for k, side, stride in zip(parts, x.shape, x.strides, strict=True))


def _layout(x: Any) -> Any:
    return (x.shape, x.strides, x.dtype) if isinstance(x, np.ndarray) else None
