"""Translates a program and its plan into the instructions of the executor.

Each step becomes instructions where its function has an inner loop for the types at hand; any other step runs as
Python, as in the program's source, inside the same call. Views cost nothing: an instruction holds their offsets.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from ...tracing.nan_checks import refuse_nan
from ...tracing.program import Ref, Step, operands
from .. import runtime
from ..blocking import Chain
from ..buffers import GETITEM
from ..numpy_functions import is_view, reducing_ufunc
from .instructions import (
    CHAIN,
    GATHER,
    LOOP,
    PYTHON,
    Call,
    Instruction,
    Operand,
    Place,
    loop,
    unlocked,
)
from .loop_choice import Choice, choose_loop, fits_any_layout, type_of
from .matmul import is_product
from .particular_steps import Form, ParticularSteps, Unsupported, leave_to_python
from .short_rows import repeat_rows
from .strips import Link, write_runs


class Translator(ParticularSteps):
    """Translates one program. python: writes a step that runs as Python, as a function of its operands."""

    def translate(self) -> list[Instruction]:
        """The instructions of all steps."""
        starts = {chain.first: chain for chain in self.plan.chains}
        steps, i = self.program.steps, 0
        while i < len(steps):
            chain = starts.get(i)
            self.storage.end_step()
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
        before, kind = len(self.code), self.plan.kinds.of(step)
        form = None if kind is None else self.known.get(kind)
        try:
            if form is not None:
                self.code.append(Instruction(LOOP, (self._again(step, form),), form.shape, form.strides))
            else:
                self._translate(step, kind)
            self.native += 1
        except Unsupported:
            del self.code[before:]
            self._as_python(step)

    def _again(self, step: Step, form: Form) -> Call:
        """The call of a step whose kind is known."""
        storage, places = self.storage, self.storage.places
        found = []
        for x, kind in zip(step.args, form.choice.types[:-1], strict=False):
            if type(x) is Ref:
                if x not in places:
                    raise Unsupported
                found.append(places[x])
            elif isinstance(x, np.ndarray):
                found.append(storage.constant(x))
            else:
                found.append((storage.constant_number(x, kind) or leave_to_python()).place)
        found.append(storage.place_result(step.out))
        call = form.call
        return Call(call.loop, tuple(found), call.steps, call.local, call.name)

    def _translate(self, step: Step, kind: Hashable) -> None:
        function, mode, storage = step.function, self.plan.modes[step.out], self.storage
        if function is refuse_nan:
            self._check(step)
        elif step.has_effect:
            raise Unsupported
        elif isinstance(storage.program.samples[step.out], np.ndarray) and is_view(function):
            self._view(step)
        elif mode == "number":
            self._number(step, kind)
        elif function is runtime.places:
            self._places(step)
        elif mode == "into":
            self._into(step, kind)
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

    def _into(self, step: Step, kind: Hashable) -> None:
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
        elif function is runtime.reshaped:
            self._reshape(step, y)
        elif (reduces := reducing_ufunc(function)) is not None:
            self._reduce(step, reduces, y)
        elif is_product(function):
            self._product(step, y)
        else:
            self._elementwise(step, y, kind)

    def _number(self, step: Step, kind: Hashable) -> None:
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
        elif is_product(function):
            self._product(step, y)
        else:
            self._elementwise(step, y, kind)

    def _elementwise(self, step: Step, y: Operand, kind: Hashable) -> None:
        found, before = choose_loop(self.program, step) or leave_to_python(), len(self.code)
        inputs = [self._converted(x, t) for x, t in zip(found.args, found.types, strict=False)]
        if found.types[-1] != y.type or (not y.shape and any(x.shape for x in inputs)):
            raise Unsupported
        one = loop(self._loop(found.function, found.types), [*inputs, y], y.shape, self._name(step))
        if not (fits_any_layout(found) or _is_plain([*inputs, y])):
            raise Unsupported
        code = repeat_rows(one, found.types, self.storage, self._loop) if fits_any_layout(found) else [one]
        if kind is not None and len(self.code) == before and code == [one]:  # nothing is converted or repeated
            self.known[kind] = Form(found, one.calls[0], one.shape, one.strides)
        self.code += code

    def _name(self, step: Step) -> str | None:
        """The name under which NumPy reports floating-point errors of a step; None if it reports none."""
        found = None if step.backward else choose_loop(self.program, step)
        if found is None or not isinstance(found.function, np.ufunc):
            return None
        number = not isinstance(self.program.samples[step.out], np.ndarray) and step.function is not found.function
        return f"scalar {found.function.__name__}" if number else found.function.__name__

    def _chain(self, chain: Chain) -> None:
        """Steps computed block by block."""
        steps = self.program.steps[chain.first : chain.end]
        links = [link for step in steps for link in self._links(step, chain)]
        self.native += len(steps)
        runs, kept = write_runs(links, chain.block) if self.has_vectors else (None, 0)
        room = self.storage.lasting(kept) if kept else Place(0)
        code = None if runs is None else np.array(runs, np.int32).tobytes()
        calls = tuple(link.call for link in links)
        self.code.append(
            Instruction(
                CHAIN, calls, size=chain.size, block=chain.block, item=room.slot, code=code, bound=room.offset
            )
        )

    def _links(self, step: Step, chain: Chain) -> list[Link]:
        """The calls for one step of a chain: one for each array that its loop wants converted, and its loop's."""
        local = tuple([type(x) is Ref and x in chain.local for x in (*step.args, step.out)])
        kind = self.plan.kinds.of(step)
        form = self.known.get((kind, local))
        if form is not None:
            return [self._link(step, form.choice, self._again(step, form))]
        self.storage.end_step()
        found, before = choose_loop(self.program, step) or leave_to_python(), len(self.code)
        y = self.storage.result(step.out)
        links: list[Link] = []
        inputs, block_local = [], []
        for x, type_, is_local in zip(found.args, found.types, local, strict=False):
            if isinstance(sample := self.program.sample(x), np.ndarray) and type_of(sample) != type_:
                given, block = self._operand(x), self.storage.scratch((chain.block,), type_)
                convert = self._loop("cast", given.type + type_)
                call = _block_call(convert, [given, block], (is_local, True))
                links.append(Link("cast", given.type + type_, [x], None, call, True, False))
                inputs.append(block)
                block_local.append(True)
            else:
                inputs.append(self._converted(x, type_))
                block_local.append(is_local)
        loop = self._loop(found.function, found.types)
        call = _block_call(loop, [*inputs, y], (*block_local, local[-1]), self._name(step))
        if kind is not None and not links and len(self.code) == before:  # nothing is converted
            self.known[kind, local] = Form(found, call)
        return [*links, self._link(step, found, call)]

    def _link(self, step: Step, choice: Choice, call: Call) -> Link:
        foreign = self.storage.foreign
        meets = bool(foreign) and any(place.slot in foreign for place in call.places)
        args = step.args[: len(call.places) - 1]
        return Link(choice.function, choice.types, args, step.out, call, call.local[-1], meets)

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


def _block_call(loop: Any, operands: list[Operand], local: tuple[bool, ...], name: str | None = None) -> Call:
    steps = tuple(np.dtype(x.type).itemsize if x.shape else 0 for x in operands)
    return Call(loop, tuple(x.place for x in operands), steps, local, name)


def _is_plain(xs: list[Operand]) -> bool:
    """Whether NumPy passes arrays to a loop in one call as they are: dense and alike, or of one axis.

    NumPy keeps the step of an axis of one entry, which an instruction does not.
    """
    arrays, y = [x for x in xs if x.shape], xs[-1]
    if any(x.shape != y.shape for x in arrays):
        return False
    alike = y.dense and all(x.strides == y.strides for x in arrays)
    return alike or (len(y.shape) < 2 and y.shape != (1,))


def _address(x: Any) -> int:
    address: int = x.__array_interface__["data"][0]
    return address
