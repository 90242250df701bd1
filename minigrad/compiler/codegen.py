"""Writes a program as Python: one line per step, with the op and the shape as a comment.

The text is a function `make`: it allocates buffers and returns a function `step` that computes in them.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..engine.node import ITEM
from ..engine.tree import flatten, kind_of
from ..tracing.placeholders import apply_as_numpy
from ..tracing.program import Program, Ref, Step, operands, refs
from . import runtime
from .blocking import Chain
from .buffers import GETITEM, Plan
from .names import Names, identifier
from .numpy_functions import (
    AS_OPERATORS,
    INTO,
    SYMBOLS,
    UFUNCS,
    name_of,
    numpy_spelling,
    record_of,
    reducing_ufunc,
)
from .powers import power_as
from .result_text import ResultWriter
from .rows import Rows
from .scalar_codegen import ScalarWriter, is_scalar

# Operators that can raise on Python floats: NumPy's meaning replaces them.
_RAISING = {operator.truediv, operator.pow, operator.floordiv, operator.mod}
_QUIET = 'with np.errstate(divide="ignore", over="ignore", invalid="ignore"):'


def names_for_step() -> Names:
    """The names of a new text, with the words that each text uses."""
    return Names("make", "step", np=np, ndarray=np.ndarray)


def _infix(symbol: str, a: str, b: str) -> str:
    """a + b; with brackets for a negative number, as -2 ** 2 is -4."""
    return f"({a}) {symbol} {b}" if symbol == "**" and a.startswith("-") else f"{a} {symbol} {b}"


class Writer:
    """Writes one program by its plan: `text` is the source. inputs: their names. notes: comments at the top."""

    def __init__(
        self, program: Program, plan: Plan, inputs: dict[Ref, str], names: Names, notes: list[str]
    ) -> None:
        self.program, self.plan, self.variables, self.names = program, plan, dict(inputs), names
        self.constants: dict[int, str] = {}
        self.made: list[str] = []  # lines before the step: buffers and views of them
        self.body: list[str] = []
        self.notes = notes
        self.numbers: ScalarWriter | None = None  # writes the steps of a program that computes only with numbers
        self.chains = [chain for chain in plan.chains if chain.is_loop]
        self.loop = [names.take(word) for word in "ij"] if self.chains else []  # the ends of a block
        self.views: dict[str, str] = {}  # variables, by the text of the view that they are
        self.rows = Rows(names)
        self.sliced: dict[int, str] = {}  # constants, while a chain is written

    def text(self) -> str:
        """The source of `make`."""
        if is_scalar(self.program):
            self.numbers = ScalarWriter(self.program, self.variables, self.names)
            self.body = self.numbers.lines()
        else:
            self.name_variables()
            self._buffers()
            self._steps()
        returned = ResultWriter(self).text(self.program.outputs)
        read = [*self.program.inputs, *(ref for ref, _ in self.program.leaves)]
        given = ", ".join(self.variables[ref] for ref in read)
        lines = ["def make():", '    """Buffers, and the step that computes in them."""']
        lines += [f"    # {note}" for note in self.notes]
        lines += [f"    {line}" for line in self.made]
        lines += ["", f"    def step({given}):", *(f"        {line}" for line in self.body)]
        lines += [f"        return {returned}", "", "    return step"]
        return "\n".join(lines) + "\n"

    # -------------------------------------------------------------------------------------------- buffers

    def _buffers(self) -> None:
        plan, samples = self.plan, self.program.samples
        if not plan.place:
            return
        memory = self.names.take("memory")
        self.made.append(f"{memory} = np.empty({plan.size}, np.uint8)")
        first: dict[object, str] = {}
        for ref, start in plan.place.items():
            y, name = samples[ref], self.variables[ref]
            same = (start, self._shape(ref, y), y.strides, y.dtype)
            self.made.append(f"{name} = {first.get(same) or self._buffer_array(ref, y, memory, start)}")
            first.setdefault(same, name)

    def _shape(self, ref: Ref, y: Any) -> tuple[int, ...]:
        return (self.plan.block[ref],) if ref in self.plan.block else y.shape

    def _buffer_array(self, ref: Ref, y: Any, memory: str, start: int) -> str:
        strides = "" if y.flags.c_contiguous else f", strides={y.strides}"
        return f'ndarray({self._shape(ref, y)}, "{y.dtype.char}", {memory}, {start}{strides})'

    # ---------------------------------------------------------------------------------------------- steps

    def _steps(self) -> None:
        part: bool | None = None
        starts = {chain.first: chain for chain in self.chains}
        inside = {i for chain in self.chains for i in range(chain.first, chain.end)}
        for i, step in enumerate(self.program.steps):
            if self._is_made(step):
                continue
            if step.out in self.plan.hoisted:
                self.made.append(self._line_with_comment(step))
                continue
            if part is not step.backward:
                part = step.backward
                self.body.append("# backward" if part else "# forward")
                if part:
                    self.body.append(_QUIET)
            indent = "    " if step.backward else ""
            if i in starts:
                self.body += [indent + line for line in self._chain(starts[i])]
            elif i not in inside:
                self.body.append(indent + self._line_with_comment(step))
        if self.body and self.body[-1] == _QUIET:
            self.body.append("    pass")

    def _is_made(self, step: Step) -> bool:
        """Whether a step is a view that an earlier step made; then it has that one's name."""
        name = self.variables[step.out]
        if self.plan.modes[step.out] == "view":
            self.variables[step.out] = self.views.setdefault(self._view(step), name)
        return self.variables[step.out] != name

    def _line_with_comment(self, step: Step) -> str:
        return f"{self._line(step)}  # {self._comment(step)}"

    def _chain(self, chain: Chain) -> list[str]:
        """Write a chain as a loop over blocks. A name with a trailing _ is one block of that variable."""
        steps, whole = self.program.steps[chain.first : chain.end], self.variables
        inside = dict(whole)
        (i, j), even = self.loop, chain.size % chain.block == 0
        before, heads = [], [] if even else [f"{j} = {self.names.of(min)}({i} + {chain.block}, {chain.size})"]
        end = f"{i} + {chain.block}" if even else j
        for ref in dict.fromkeys(x for step in steps for x in (*operands(step), step.out)):
            name = whole[ref]
            if not isinstance(self.program.samples[ref], np.ndarray) or (ref in chain.local and even):
                continue
            if ref in chain.local:
                heads.append(f"{self.rows.block(name)} = {name}[:{j} - {i}]")
            else:
                before += self._made_before(ref, chain)
                heads.append(f"{self.rows.block(name)} = {self._flat_variable(ref, before)}[{i}:{end}]")
            inside[ref] = self.rows.block(name)
        for x in {id(x): x for step in steps for x in step.args if isinstance(x, np.ndarray)}.values():
            name = self.constant(x)
            heads.append(f"{self.rows.block(name)} = {self.rows.flat(name, x, self.made)}[{i}:{end}]")
            self.sliced[id(x)] = self.rows.block(name)
        self.variables = inside
        body = [f"{self._write(step, inside[step.out])}  # {self._comment(step)}" for step in steps]
        self.variables, self.sliced = whole, {}
        blocks = f"{self.names.of(range)}(0, {chain.size}, {chain.block})"
        loop = f"for {i} in {blocks}:  # in blocks that stay in the cache"
        return [*before, loop, *(f"    {line}" for line in (*dict.fromkeys(heads), *body))]

    def _made_before(self, ref: Ref, chain: Chain) -> list[str]:
        """The line before a loop that gives a variable its array: a donated operand's, or a new one."""
        sample, name = self.program.samples[ref], self.variables[ref]
        if self.plan.loops.get(ref) is not chain:
            return []
        if ref in self.plan.in_place:
            return [f"{name} = {self.variables[self.plan.in_place[ref]]}"]
        return [f'{name} = np.empty({sample.shape}, "{sample.dtype.char}")'] if ref in self.plan.fresh else []

    def _flat_variable(self, ref: Ref, before: list[str]) -> str:
        """The name of a variable's array as one row: of a buffer, with the buffers; of others, before the loop."""
        lasting = ref in self.plan.place or ref in self.plan.hoisted
        return self.rows.flat(self.variables[ref], self.program.samples[ref], self.made if lasting else before)

    def name_variables(self) -> None:
        """Name the result of each step."""
        self.variables |= {step.out: self.names.take(f"v{int(step.out)}") for step in self.program.steps}

    def as_function(self, step: Step) -> list[str]:
        """A step as the body of a function that returns the result, unless that fills an array it is given."""
        write = {"number": self._number, "view": self._view, "call": self._call}.get(self.plan.modes[step.out])
        line = f"return {write(step)}" if write is not None else self._write(step, self.variables[step.out])
        line = f"{line}  # {self._comment(step)}"
        return [_QUIET, f"    {line}"] if step.backward else [line]

    def _comment(self, step: Step) -> str:
        y = self.program.samples[step.out]
        shape = f" {y.shape}" if isinstance(y, np.ndarray) else ""
        return f"{step.label}{shape}"

    def _line(self, step: Step) -> str:
        mode, name = self.plan.modes[step.out], self.variables[step.out]
        write = {"number": self._number, "view": self._view, "call": self._call}.get(mode)
        return f"{name} = {write(step)}" if write is not None else self._into(step, name)

    def _into(self, step: Step, name: str) -> str:
        """Write a step that fills its buffer, an operand's array, or a new array."""
        plan = self.plan
        if step.out in plan.in_place:
            given = self.variables[plan.in_place[step.out]]
            return f"{name} = {self._write(step, given)}"
        if step.out not in plan.fresh:
            return self._write(step, name)
        if step.function in INTO:
            return f"{name} = {self._call(step)}"
        return f"{name} = {self._write(step, None)}"

    def _write(self, step: Step, out: str | None) -> str:
        function, args = step.function, [self.spell(x) for x in step.args]
        to = [] if out is None else [f"out={out}"]
        if (reduces := reducing_ufunc(function)) is not None:
            axes = [f"axis={self.spell(step.kwargs.get('axis'))}"]
            axes += ["keepdims=True"] if step.kwargs.get("keepdims") else []
            return f"np.{reduces.__name__}.reduce({', '.join([args[0], *axes, *to])})"
        if function in INTO:
            into = getattr(runtime, INTO[function][0])
            return f"{self.names.of(into)}({', '.join([*args, str(out)])})"
        if function is operator.pow:
            found = power_as(self.program, step)
            assert found is not None
            return f"np.{found[0].__name__}({', '.join([*args[: found[1]], *to])})"
        if function is np.dot or self._as_dot(step):
            return f"np.dot({', '.join([*args, *to])})"
        ufunc = UFUNCS.get(function, function)
        return f"{numpy_spelling(ufunc) or self.constant(ufunc)}({', '.join([*args, *to])})"

    def _as_dot(self, step: Step) -> bool:
        """Whether np.dot multiplies these two matrices by BLAS as `@` does, with less overhead."""
        if UFUNCS.get(step.function, step.function) is not np.matmul:
            return False
        a, b = (self.program.sample(x) for x in step.args)
        matrices = a.ndim == b.ndim == 2 and a.dtype == b.dtype and a.dtype.char in "fd"
        return (
            matrices
            and min(*a.shape, *b.shape) > 1
            and all(x.flags.c_contiguous or x.flags.f_contiguous for x in (a, b))
        )

    def _number(self, step: Step) -> str:
        function, args = step.function, [self.spell(x) for x in step.args]
        numbers, sample = [self.program.sample(x) for x in step.args], self.program.samples[step.out]
        scalars = not step.kwargs and all(isinstance(x, (float, np.number, np.bool_, int)) for x in numbers)
        if function in _RAISING and isinstance(sample, float) and not isinstance(sample, np.float64):
            return f"{self.names.of(apply_as_numpy)}({', '.join([self.constant(function), *args])})"
        if function in SYMBOLS and len(args) == 2:
            return _infix(SYMBOLS[function], *args)
        if scalars and function in AS_OPERATORS and any(isinstance(x, np.generic) for x in numbers):
            return f"{args[0]} {AS_OPERATORS[function]} {args[1]}"
        if (
            reducing_ufunc(function) is not None
            and set(step.kwargs) <= {"axis", "keepdims"}
            and isinstance(numbers[0], np.ndarray)
        ):
            return self._write(step, None)
        plain = isinstance(function, np.ufunc) or type(sample) is float or function is np.dot
        return self._call(step) if plain else f"{self.names.of(runtime.number)}({self._call(step)})"

    def _call(self, step: Step) -> str:
        function, args = step.function, [self.spell(x) for x in step.args]
        if function is ITEM.forward:
            return f"{args[0]}[{step.kwargs['k']}]"
        if function is GETITEM:
            return f"{args[0]}[{self._index(step)}]"
        if function in SYMBOLS and len(args) == 2:
            return _infix(SYMBOLS[function], *args)
        args += [f"{key}={self.spell(x)}" for key, x in step.kwargs.items()]
        if step.draws:
            return f"{args[0]}.{function.__name__}({', '.join(args[1:])})"
        return f"{numpy_spelling(function) or self.constant(function)}({', '.join(args)})"

    # ---------------------------------------------------------------------------------------------- views

    def _view(self, step: Step) -> str:
        x, y = self.spell(step.args[0]), self.program.samples[step.out]
        function, kwargs = step.function, step.kwargs
        if function is GETITEM:
            return f"{x}[{self._index(step)}]"
        if function is np.transpose and len(step.args) == 1 and kwargs.get("axes") is None:
            return f"{x}.T"
        if function is np.broadcast_to:
            return f"np.broadcast_to({x}, {y.shape})"
        record = record_of(function)
        if record is not None and record.identity and kwargs.get("order", "C") == "C":
            return f"{x}.reshape({y.shape})"
        return self._call(step)

    def _index(self, step: Step) -> str:
        index = step.kwargs["index"] if "index" in step.kwargs else step.args[1]
        if type(index) is tuple and index:
            return ", ".join(self._part(part) for part in index) + ("," if len(index) == 1 else "")
        return self._part(index)

    def _part(self, part: object) -> str:
        if isinstance(part, slice):
            ends = [("" if x is None else self.spell(x)) for x in (part.start, part.stop, part.step)]
            return f"{ends[0]}:{ends[1]}" + (f":{ends[2]}" if ends[2] else "")
        return "..." if part is Ellipsis else self.spell(part)

    # ------------------------------------------------------------------------------------------ constants

    # It walks by hand: each literal has a text of its own.
    def spell(self, x: Any) -> str:
        """The text of an argument: a variable, a literal, or the name of a constant."""
        if type(x) is Ref:
            return self.variables[x]
        if x is None or type(x) in (bool, int, str) or (type(x) is float and math.isfinite(x)):
            return repr(x)
        if type(x) in (tuple, list):
            x = type(x)(int(item) if isinstance(item, np.integer) else item for item in x)
            items = ", ".join(map(self.spell, x))
            return f"[{items}]" if type(x) is list else f"({items}{',' if len(x) == 1 else ''})"
        if type(x) is slice:
            return f"{self.names.of(slice)}({self.spell(x.start)}, {self.spell(x.stop)}, {self.spell(x.step)})"
        if type(x) is dict and all(type(key) is str for key in x):
            return f"{{{', '.join(f'{key!r}: {self.spell(item)}' for key, item in x.items())}}}"
        return self.rebuild(x, self.spell) if kind_of(x) and any(True for _ in refs(x)) else self.constant(x)

    def rebuild(self, x: Any, spell: Any) -> str:
        """The text of a container that has no literal: its structure, filled with the text of its leaves."""
        found, structure = flatten(x)
        return f"{self.constant(structure)}.unflatten([{', '.join(map(spell, found))}])"

    def constant(self, x: object) -> str:
        """The name of an object that is not a literal; a note says that arrays are frozen."""
        if id(x) in self.sliced:
            return self.sliced[id(x)]
        if id(x) not in self.constants:
            name = self.constants[id(x)] = self.names.of(x, self._word(x))
            if isinstance(x, np.ndarray):
                self.notes.append(f"{name}: an array {x.shape} that does not depend on the arguments, frozen")
            elif isinstance(x, (np.generic, float)):
                self.notes.append(f"{name}: {x!r}")
        return self.constants[id(x)]

    def _word(self, x: Any) -> str:
        """The word for an object: a function's own name, else one with a number."""
        if isinstance(x, (np.ndarray, np.generic, float)):
            return f"c_{len(self.constants)}"
        named = name_of(x) if callable(x) and x.__hash__ is not None else getattr(x, "__name__", "k")
        stem = identifier(named)
        own = callable(x) and not isinstance(x, type) and stem == named and len(stem) > 1
        return stem if own else f"{stem}_{len(self.constants)}"
