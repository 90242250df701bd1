"""Translates the steps that need more than one loop, and finds operands for all: see translate.py."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import numpy as np

from ...tracing.program import Program, Ref, Step, operands
from ..buffers import Plan
from .instructions import (
    CELL,
    CORE,
    NAN_CHECK,
    PLACES,
    SCATTER,
    Call,
    Instruction,
    Operand,
    Place,
    loop,
    strides_of_rows,
)
from .loop_choice import Choice, type_of
from .matmul import core_of
from .registers import Registers
from .storage import Storage
from .sums import reduce_by_loop

SHORT = 16  # entries of a row: the call of a loop for each costs more than NumPy does


class Unsupported(Exception):
    """A step that runs as Python."""


class Form(NamedTuple):
    """An elementwise step without its places: all steps of its kind get it. shape, strides: outside of a chain."""

    choice: Choice
    call: Call
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()


class ParticularSteps:
    """Translates steps that are no plain loops. python: writes a step as a function of its operands."""

    def __init__(
        self, program: Program, plan: Plan, python: Callable[[Step, list[Ref]], str],
        find_loop: Callable[[Any, str], Any], has_vectors: bool = False,
    ) -> None:  # fmt: skip
        self.program, self.plan, self.python, self.find_loop = program, plan, python, find_loop
        self.storage = Storage(program, plan)
        self.registers = Registers(program, plan, self.storage, find_loop)
        self.code: list[Instruction] = []
        self.has_vectors = has_vectors  # of which arithmetic.c computes runs
        self.native = 0  # steps that need no Python
        self.known: dict[Hashable, Form] = {}

    # --------------------------------------------------------------------------------------------- operands

    def _operand(self, x: Any) -> Operand:
        """Where an array or a number is."""
        found = self.storage.operand(x)
        if found is None:
            raise Unsupported
        return found

    def _dense(self, x: Any, type: str = "") -> Operand:
        sample = self.program.sample(x)
        found = self._operand(x)
        if not (isinstance(sample, np.ndarray) and sample.flags.c_contiguous) or (type and found.type != type):
            raise Unsupported
        return found

    def _converted(self, x: Any, type: str) -> Operand:
        """An operand of the type that a loop wants: a constant converted for good, a variable at each call."""
        if type_of(x) and not isinstance(x, np.ndarray):  # a constant number
            return self.storage.constant_number(x, type) or leave_to_python()
        found = self._operand(x)
        if found.type == "?" and not found.shape:  # kept as a double, for the registers
            raise Unsupported
        if found.type == type or (found.type == "p" and type == "d"):
            return found
        given = "d" if found.type == "p" else found.type
        lasting = not found.shape  # a number is converted before its chain begins, where scratch is used again
        y = Operand(self.storage.lasting(CELL), type) if lasting else self.storage.scratch(found.shape, type)
        self.code.append(loop(self._loop("cast", given + type), [found, y], found.shape, None))
        return y

    def _loop(self, function: Any, types: str) -> Any:
        found = self.find_loop(function, types)
        return leave_to_python() if found is None else found

    # ------------------------------------------------------------------------------------- particular steps

    def _entry(self, step: Step, y: Operand) -> None:
        """One entry of an array, at a place that does not depend on data."""
        x = self.program.sample(step.args[0])
        index = step.kwargs["index"] if "index" in step.kwargs else step.args[1]
        index = index if isinstance(index, tuple) else (index,)
        if len(index) != np.ndim(x) or not all(type(k) is int or isinstance(k, np.integer) for k in index):
            raise Unsupported
        found = self._operand(step.args[0])
        pairs = zip(index, found.strides, found.shape, strict=True)
        entry = Operand(found.place.at(sum((k % side) * stride for k, stride, side in pairs)), found.type)
        self.code.append(loop(self._loop("copy", found.type + y.type), [entry, y], (), None))

    def _reduce(self, step: Step, ufunc: np.ufunc, y: Operand) -> None:
        x = self._operand(step.args[0])
        axis, keeps = step.kwargs.get("axis"), bool(step.kwargs.get("keepdims"))
        if x.type != y.type or set(step.kwargs) - {"axis", "keepdims"} or len(step.args) != 1:
            raise Unsupported
        name = None if step.backward else "reduce"
        found = reduce_by_loop(ufunc, x, y, axis, keeps, self.storage, self._loop, name)
        self.code += found if found is not None else leave_to_python()

    def _product(self, step: Step, y: Operand) -> None:
        if step.kwargs:
            raise Unsupported
        a, b = (self._operand(x) for x in step.args)
        samples = [self.program.sample(x) for x in step.args]
        found = core_of(a, b, y, samples, step.function is np.dot)
        if found is None:
            raise Unsupported
        name = None if step.backward or step.function is np.dot else "matmul"
        loop = self._loop(np.matmul, y.type * 3)
        calls = tuple(
            Call(loop, (a.place.at(i), b.place.at(j), y.place.at(k)), name=name) for i, j, k in found.offsets
        )
        self.code.append(Instruction(CORE, calls, found.shape, found.strides))

    def _gather(self, kind: int, source: Place, index: Place, out: Place, sample: Any, step: int = 0) -> None:
        places = (source, index, out)
        self.code.append(Instruction(kind, (Call(None, places, (step,)),), size=sample.size, item=sample.itemsize))

    def _places(self, step: Step) -> None:
        """The flat places of classes; other classes raise, in Python."""
        x = self._operand(step.args[0])
        k, columns = step.args[1:]
        if x.type != "l" or type(k) is not int or not isinstance(columns, np.ndarray):
            raise Unsupported
        y = self.storage.own(step.out)
        call = Call(None, (x.place, y.place), x.strides)
        raising = self.python(step, list(operands(step)))
        args = tuple(self.storage.slot(ref) for ref in operands(step))
        self.code.append(Instruction(PLACES, (call,), size=len(columns), function=raising, args=args, bound=k))

    def _reshape(self, step: Step, y: Operand) -> None:
        """A copy in other rows. Where they are short, NumPy's way of copying is faster."""
        x = self._operand(step.args[0])
        rows = Operand(y.place, y.type, x.shape, strides_of_rows(x.shape, y.type))
        one = loop(self._loop("copy", x.type + y.type), [x, rows], x.shape, None)
        if one.shape and one.shape[-1] < SHORT:
            raise Unsupported
        self.code.append(one)

    def _less_one(self, step: Step, y: Operand) -> None:
        """A copy with minus the sum of the others at one place of each column: see `take_one`."""
        p, chosen = self._dense(step.args[0]), self._dense(step.args[1], "l")
        if y.type != p.type or len(y.shape) != 2:
            raise Unsupported
        k, n = y.shape
        if p.place != y.place:
            self.code.append(loop(self._loop("copy", p.type + y.type), [p, y], y.shape, None))
        zero = self.storage.constant_number(0.0, y.type) or leave_to_python()
        index = self.program.sample(step.args[1])
        item = np.dtype(y.type)
        entries = np.broadcast_to(np.zeros((), item), index.shape)
        self._gather(SCATTER, zero.place, chosen.place, y.place, entries)
        sums = self.storage.scratch((n,), y.type)
        minus = self.storage.operand(np.full(k, -1, item)) or leave_to_python()
        found = core_of(minus, y, sums, [np.full(k, -1, item), np.zeros((k, n), item)], True)
        core = found if found is not None else leave_to_python()
        call = Call(self._loop(np.matmul, y.type * 3), (minus.place, y.place, sums.place))
        self.code.append(Instruction(CORE, (call,), core.shape, core.strides))
        self._gather(SCATTER, sums.place, chosen.place, y.place, entries, item.itemsize)

    def _check(self, step: Step) -> None:
        """Look for nan; if there is some, Python raises."""
        args = tuple(self.storage.slot(x) for x in step.args if type(x) is Ref)
        found = []
        for x in step.args:
            sample, here = self.program.sample(x), self._operand(x)
            if here.type not in ("d", "f", "p"):
                raise Unsupported
            dense = sample.size if isinstance(sample, np.ndarray) else 1
            if isinstance(sample, np.ndarray) and not (sample.flags.c_contiguous or sample.flags.f_contiguous):
                raise Unsupported
            kind = ord("f" if here.type == "f" else "d")
            found.append(
                Instruction(
                    NAN_CHECK,
                    (Call(None, (here.place,)),),
                    size=dense,
                    item=kind,
                    function=step.function,
                    args=args,
                )
            )
        self.code += found


def leave_to_python() -> Any:
    """Leave a step to Python."""
    raise Unsupported
