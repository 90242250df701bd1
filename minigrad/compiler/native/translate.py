"""Translates a program and its plan into the instructions of the executor.

Each step becomes instructions where its function has an inner loop for the types at hand; any other step runs as
Python, as in the program's source, inside the same call. Views cost nothing: an instruction holds their offsets.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...tracing.nan_checks import refuse_nan
from ...tracing.program import Program, Ref, Step, operands
from .. import runtime
from ..blocking import Chain
from ..buffers import GETITEM, Plan
from ..numpy_functions import is_view, reducing_ufunc
from .instructions import (
    CHAIN,
    CORE,
    GATHER,
    NAN_CHECK,
    PLACES,
    PYTHON,
    SCATTER,
    Call,
    Instruction,
    Operand,
    Place,
    loop,
    unlocked,
)
from .loop_choice import choose_loop, fits_any_layout, type_of
from .matmul import core_of
from .registers import Registers
from .storage import Storage
from .sums import reduce_by_loop


class Unsupported(Exception):
    """A step that runs as Python."""


class Translator:
    """Translates one program. python: writes a step that runs as Python, as a function of its operands."""

    def __init__(
        self, program: Program, plan: Plan, python: Callable[[Step, list[Ref]], str],
        find_loop: Callable[[Any, str], Any],
    ) -> None:  # fmt: skip
        self.program, self.plan, self.python, self.find_loop = program, plan, python, find_loop
        self.storage = Storage(program, plan)
        self.registers = Registers(program, plan, self.storage, find_loop)
        self.code: list[Instruction] = []
        self.native = 0  # steps that need no Python

    def translate(self) -> list[Instruction]:
        """The instructions of all steps."""
        starts = {chain.first: chain for chain in self.plan.chains}
        steps, i = self.program.steps, 0
        while i < len(steps):
            chain = starts.get(i)
            if chain is not None:
                self._chain(chain)
                i = chain.end
                continue
            if forms := self.registers.run(i, len(steps)):
                self.code += self.registers.write(i, forms)
                self.native += len(forms)
                i += len(forms)
                continue
            self._step(steps[i])
            i += 1
        return unlocked(self.code)

    # ------------------------------------------------------------------------------------------------ steps

    def _step(self, step: Step) -> None:
        before = len(self.code)
        try:
            self._translate(step)
            self.native += 1
        except Unsupported:
            del self.code[before:]
            self._as_python(step)

    def _translate(self, step: Step) -> None:
        function, mode, storage = step.function, self.plan.modes[step.out], self.storage
        if function is refuse_nan:
            self._check(step)
        elif step.has_effect:
            raise Unsupported
        elif isinstance(storage.program.samples[step.out], np.ndarray) and is_view(function):
            self._view(step)
        elif mode == "number":
            self._number(step)
        elif function is runtime.places:
            self._places(step)
        elif mode == "into":
            self._into(step)
        else:
            raise Unsupported

    def _view(self, step: Step) -> None:
        """A view is an offset, if what it is a view of is in memory and its place depends on no data."""
        x, y = self.program.sample(step.args[0]), self.program.samples[step.out]
        if len(operands(step)) != (type(step.args[0]) is Ref) or not isinstance(x, np.ndarray) or not y.size:
            raise Unsupported
        seen = step.function(x, *step.args[1:], **step.kwargs)
        same = seen.shape == y.shape and seen.strides == y.strides and np.may_share_memory(seen, x)
        if not same or (type(step.args[0]) is Ref and step.args[0] not in self.storage.places):
            raise Unsupported
        self.storage.view(step.out, step.args[0], _address(seen) - _address(x))

    def _into(self, step: Step) -> None:
        function = step.function
        y = self.storage.result(step.out)
        if function is runtime.less_one:
            self._less_one(step, y)
        elif function is runtime.pick:
            source, index = self._dense(step.args[0]), self._dense(step.args[1], "l")
            self._gather(GATHER, source.place, index.place, y.place, self.program.samples[step.out])
        elif function is runtime.as_columns:
            x = self._operand(step.args[0])
            turned = Operand(x.place, x.type, x.shape[::-1], x.strides[::-1])
            self.code.append(loop(self._loop("copy", x.type + y.type), [turned, y], y.shape, None))
        elif (reduces := reducing_ufunc(function)) is not None:
            self._reduce(step, reduces, y)
        elif function in (np.dot, np.matmul, operator.matmul):
            self._product(step, y)
        else:
            self._elementwise(step, y)

    def _number(self, step: Step) -> None:
        """A step whose result is a number."""
        function, sample = step.function, self.program.samples[step.out]
        if type_of(sample) in ("", "i", "?"):  # truth is kept as a double: see the registers
            raise Unsupported
        if function in (np.float64, np.positive) and type_of(self.program.sample(step.args[0])) in ("d", "p"):
            self.storage.alias(step.out, step.args[0])
            return
        y = self.storage.result(step.out)
        if function is GETITEM:
            self._entry(step, y)
        elif (reduces := reducing_ufunc(function)) is not None:
            self._reduce(step, reduces, y)
        elif function is np.dot:
            self._product(step, y)
        else:
            self._elementwise(step, y)

    def _elementwise(self, step: Step, y: Operand) -> None:
        found = choose_loop(self.program, step) or _refuse()
        inputs = [self._converted(x, t) for x, t in zip(found.args, found.types, strict=False)]
        if found.types[-1] != y.type or (not y.shape and any(x.shape for x in inputs)):
            raise Unsupported
        one = loop(self._loop(found.function, found.types), [*inputs, y], y.shape, self._name(step))
        if not (fits_any_layout(found) or _is_plain([*inputs, y])):
            raise Unsupported
        self.code.append(one)

    def _name(self, step: Step) -> str | None:
        """The name under which NumPy reports floating-point errors of a step; None if it reports none."""
        found = None if step.backward else choose_loop(self.program, step)
        if found is None or not isinstance(found.function, np.ufunc):
            return None
        number = not isinstance(self.program.samples[step.out], np.ndarray) and step.function is not found.function
        return f"scalar {found.function.__name__}" if number else found.function.__name__

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
            return self.storage.constant_number(x, type) or _refuse()
        found = self._operand(x)
        if found.type == "?" and not found.shape:  # kept as a double, for the registers
            raise Unsupported
        if found.type == type or (found.type == "p" and type == "d"):
            return found
        given = "d" if found.type == "p" else found.type
        y = self.storage.scratch(found.shape, type)
        self.code.append(loop(self._loop("cast", given + type), [found, y], found.shape, None))
        return y

    def _loop(self, function: Any, types: str) -> Any:
        found = self.find_loop(function, types)
        return _refuse() if found is None else found

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
        self.code += found if found is not None else _refuse()

    def _product(self, step: Step, y: Operand) -> None:
        if step.kwargs:
            raise Unsupported
        a, b = (self._operand(x) for x in step.args)
        samples = [self.program.sample(x) for x in step.args]
        found = core_of(a, b, y, samples, step.function is np.dot)
        if found is None:
            raise Unsupported
        shape, strides = found
        name = None if step.backward or step.function is np.dot else "matmul"
        call = Call(self._loop(np.matmul, y.type * 3), (a.place, b.place, y.place), name=name)
        self.code.append(Instruction(CORE, (call,), shape, strides))

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

    def _less_one(self, step: Step, y: Operand) -> None:
        """A copy with minus the sum of the others at one place of each column: see `take_one`."""
        p, chosen = self._dense(step.args[0]), self._dense(step.args[1], "l")
        if y.type != p.type or len(y.shape) != 2:
            raise Unsupported
        k, n = y.shape
        if p.place != y.place:
            self.code.append(loop(self._loop("copy", p.type + y.type), [p, y], y.shape, None))
        zero = self.storage.constant_number(0.0, y.type) or _refuse()
        index = self.program.sample(step.args[1])
        item = np.dtype(y.type)
        entries = np.broadcast_to(np.zeros((), item), index.shape)
        self._gather(SCATTER, zero.place, chosen.place, y.place, entries)
        sums = self.storage.scratch((n,), y.type)
        minus = self.storage.operand(np.full(k, -1, item)) or _refuse()
        found = core_of(minus, y, sums, [np.full(k, -1, item), np.zeros((k, n), item)], True)
        shape, strides = found if found is not None else _refuse()
        call = Call(self._loop(np.matmul, y.type * 3), (minus.place, y.place, sums.place))
        self.code.append(Instruction(CORE, (call,), shape, strides))
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

    def _chain(self, chain: Chain) -> None:
        """Steps computed block by block."""
        steps = self.program.steps[chain.first : chain.end]
        calls = tuple(self._block_call(step, chain) for step in steps)
        self.native += len(steps)
        self.code.append(Instruction(CHAIN, calls, size=chain.size, block=chain.block))

    def _block_call(self, step: Step, chain: Chain) -> Call:
        found = choose_loop(self.program, step) or _refuse()
        y = self.storage.result(step.out)
        inputs = [self._converted(x, t) for x, t in zip(found.args, found.types, strict=False)]
        places = tuple(x.place for x in (*inputs, y))
        steps = tuple(np.dtype(x.type).itemsize if x.shape else 0 for x in (*inputs, y))
        local = (*(type(x) is Ref and x in chain.local for x in found.args), step.out in chain.local)
        return Call(self._loop(found.function, found.types), places, steps, local, self._name(step))

    # ---------------------------------------------------------------------------------------------- as Python

    def _as_python(self, step: Step) -> None:
        """A step that runs as Python: its source, as a function of the variables that it reads."""
        read = [*dict.fromkeys(operands(step))]
        args = [self.storage.slot(x) for x in read]
        if self.plan.modes[step.out] == "into":  # it fills an array
            self.storage.result(step.out)
            read.append(step.out)
            args.append(self.storage.slot(step.out))
            out = -1
        else:
            out = self.storage.object(step.out)
        self.code.append(Instruction(PYTHON, function=self.python(step, read), args=tuple(args), out=out))


def _is_plain(xs: list[Operand]) -> bool:
    """Whether NumPy passes arrays to a loop in one call as they are: dense and alike, or of one axis."""
    arrays, y = [x for x in xs if x.shape], xs[-1]
    if any(x.shape != y.shape for x in arrays):
        return False
    return len(y.shape) < 2 or (y.dense and all(x.strides == y.strides for x in arrays))


def _address(x: Any) -> int:
    address: int = x.__array_interface__["data"][0]
    return address


def _refuse() -> Any:
    raise Unsupported
