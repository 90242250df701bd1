"""Writes a program as Python: one line per step, with the op and the shape as a comment.

The text is a function `make`: it allocates buffers and returns a function `step` that computes in them.
"""

from __future__ import annotations

import builtins
import copy
import math
import operator
import re
from keyword import iskeyword
from typing import Any

import numpy as np

from ..engine.node import ITEM
from ..engine.tree import flatten, kind_of
from ..tracing.arguments import identifier
from ..tracing.placeholders import WeakFloat, apply_as_numpy
from ..tracing.program import Kept, Program, Ref, Step, operands, refs
from . import runtime
from .blocking import Chain
from .buffers import GETITEM, Plan, power_as
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
from .scalar_codegen import ScalarWriter, is_scalar

# Operators that can raise on Python floats: NumPy's meaning replaces them.
_RAISING = {operator.truediv, operator.pow, operator.floordiv, operator.mod}
# Words of the text that are not variables.
_WORDS = {"make", "step", "apply_as_numpy", "like", "deepcopy", "np", "ndarray"}
_QUIET = 'with np.errstate(divide="ignore", over="ignore", invalid="ignore"):'


class Writer:
    """Writes one program by its plan. `text` is the source, `names` the objects that it names."""

    def __init__(self, program: Program, plan: Plan, inputs: dict[Ref, str], notes: list[str]) -> None:
        self.program, self.plan, self.variables = program, plan, dict(inputs)
        self.arguments = frozenset(inputs.values())
        self.names: dict[str, object] = {"np": np, "ndarray": np.ndarray}
        self.constants: dict[int, str] = {}
        self.made: list[str] = []  # lines before the step: buffers and views of them
        self.body: list[str] = []
        self.notes = notes
        self.returned: set[Ref] = set()
        self.numbers: ScalarWriter | None = None  # writes the steps of a program that computes only with numbers
        self.sliced: dict[int, str] = {}  # constants, while a chain is written

        for step in program.steps:
            self.variables.setdefault(step.out, f"v{int(step.out)}")

    def text(self) -> str:
        """The source of `make`."""
        if is_scalar(self.program):
            self.numbers = ScalarWriter(self.program, self.variables, self.names)
            self.body = self.numbers.lines()
        else:
            self._buffers()
            self._steps()
        returned = self._outputs(self.program.outputs)
        arguments = ", ".join(self.variables[ref] for ref in self.program.inputs)
        leaves = [self.variables[ref] for ref, _ in self.program.leaves]
        given = ", ".join(filter(None, [arguments, *leaves]))
        lines = ["def make():", '    """Buffers, and the step that computes in them."""']
        lines += [f"    # {note}" for note in self.notes]
        lines += [f"    {line}" for line in self.made]
        lines += ["", f"    def step({given}):", *(f"        {line}" for line in self.body)]
        lines += [f"        return {returned}", "", "    return step"]
        return "\n".join(lines) + "\n"

    # -------------------------------------------------------------------------------------------- buffers

    def _buffers(self) -> None:
        plan, samples = self.plan, self.program.samples
        self.made += [f"m{k} = np.empty({size}, np.uint8)" for k, size in enumerate(plan.sizes)]
        first: dict[object, str] = {}
        for ref, k in plan.place.items():
            y, name = samples[ref], self.variables[ref]
            same = (k, self._shape(ref, y), y.strides, y.dtype)
            if same not in first:
                first[same] = name
            self.made.append(f"{name} = {self._buffer_array(ref, y, k) if first[same] == name else first[same]}")

    def _shape(self, ref: Ref, y: Any) -> tuple[int, ...]:
        return (self.plan.block[ref],) if ref in self.plan.block else y.shape

    def _buffer_array(self, ref: Ref, y: Any, k: int) -> str:
        strides = "" if y.flags.c_contiguous else f", strides={y.strides}"
        return f'ndarray({self._shape(ref, y)}, "{y.dtype.char}", m{k}{strides})'

    # ---------------------------------------------------------------------------------------------- steps

    def _steps(self) -> None:
        part: bool | None = None
        starts = {chain.first: chain for chain in self.plan.chains}
        inside = {i for chain in self.plan.chains for i in range(chain.first, chain.end)}
        for i, step in enumerate(self.program.steps):
            if step.out in self.plan.hoisted:
                self.made.append(f"{self.variables[step.out]} = {self._view(step)}  # {self._comment(step)}")
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
                self.body += [indent + line for line in self._lines_with_comment(step)]
        if self.body and self.body[-1] == _QUIET:
            self.body.append("    pass")

    def _lines_with_comment(self, step: Step) -> list[str]:
        lines = self._lines(step)
        lines[-1] += f"  # {self._comment(step)}"
        return lines

    def _chain(self, chain: Chain) -> list[str]:
        """Write a chain as a loop over blocks. A name with a trailing _ is one block of that variable."""
        steps, whole = self.program.steps[chain.first : chain.end], dict(self.variables)
        even = chain.size % chain.block == 0
        before, heads = [], [] if even else [f"j = min(i + {chain.block}, {chain.size})"]
        end = f"i + {chain.block}" if even else "j"
        for ref in dict.fromkeys(x for step in steps for x in (*operands(step), step.out)):
            sample, name = self.program.samples[ref], whole[ref]
            if not isinstance(sample, np.ndarray) or (ref in chain.local and even):
                continue
            if ref in self.plan.in_place:
                before.append(f"{name} = {whole[self.plan.in_place[ref]]}")
            if ref in self.plan.fresh and ref in {step.out for step in steps}:
                before.append(f'{name} = np.empty({sample.shape}, "{sample.dtype.char}")')
            if ref not in chain.local and sample.ndim > 1:
                before.append(f"{name}_flat = {name}.reshape(-1)")
                name = f"{name}_flat"
            heads.append(
                f"{whole[ref]}_ = {name}[:j - i]" if ref in chain.local else f"{whole[ref]}_ = {name}[i:{end}]"
            )
            self.variables[ref] = f"{whole[ref]}_"
        for x in {id(x): x for step in steps for x in step.args if isinstance(x, np.ndarray)}.values():
            name = self.constant(x)
            heads.append(f"{name}_ = {name}.reshape(-1)[i:{end}]")
            self.sliced[id(x)] = f"{name}_"
        body = [line for step in steps for line in self._in_block(step)]
        self.variables, self.sliced = whole, {}
        loop = f"for i in range(0, {chain.size}, {chain.block}):  # in blocks that stay in the cache"
        return [*before, loop, *(f"    {line}" for line in (*heads, *body))]

    def _in_block(self, step: Step) -> list[str]:
        return [f"{self._write(step, self.variables[step.out])}  # {self._comment(step)}"]

    def as_function(self, steps: list[Step]) -> list[str]:
        """Steps as the body of a function that returns the last result, unless that fills an array."""
        last, lines = steps[-1], []
        if len(steps) > 1:
            lines = self._chain(next(chain for chain in self.plan.chains if chain.end > chain.first))
        elif self.plan.modes[last.out] == "into":
            lines = [self._write(last, self.variables[last.out])]
        else:
            text = self._lines(last)[-1]
            lines = [f"return {text.partition(' = ')[2]}"]
        return [_QUIET, *(f"    {line}" for line in lines)] if last.backward else lines

    def _comment(self, step: Step) -> str:
        y = self.program.samples[step.out]
        shape = f" {y.shape}" if isinstance(y, np.ndarray) else ""
        return f"{step.label}{shape}"

    def _lines(self, step: Step) -> list[str]:
        mode, name = self.plan.modes[step.out], self.variables[step.out]
        if mode == "number":
            return [f"{name} = {self._number(step)}"]
        if mode == "view":
            return [f"{name} = {self._view(step)}"]
        if mode == "call":
            return [f"{name} = {self._call(step)}"]
        return self._into(step, name)

    def _into(self, step: Step, name: str) -> list[str]:
        """Write a step that fills its buffer, an operand's array, or a new array."""
        plan = self.plan
        if step.out in plan.in_place:
            given = self.variables[plan.in_place[step.out]]
            return [f"{name} = {self._write(step, given)}"]
        if step.out not in plan.fresh:
            return [self._write(step, name)]
        if step.function in INTO:
            return [f"{name} = {self._call(step)}"]
        return [f"{name} = {self._write(step, None)}"]

    def _write(self, step: Step, out: str | None) -> str:
        function, args = step.function, [self.spell(x) for x in step.args]
        to = [] if out is None else [f"out={out}"]
        if (reduces := reducing_ufunc(function)) is not None:
            axes = [f"axis={self.spell(step.kwargs.get('axis'))}"]
            axes += ["keepdims=True"] if step.kwargs.get("keepdims") else []
            return f"np.{reduces.__name__}.reduce({', '.join([args[0], *axes, *to])})"
        if function in INTO:
            return f"{self._support(INTO[function][0])}({', '.join([*args, str(out)])})"
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
            return f"{self._word('apply_as_numpy', apply_as_numpy)}({', '.join([self.constant(function), *args])})"
        if function in SYMBOLS and len(args) == 2:
            return f"{args[0]} {SYMBOLS[function]} {args[1]}"
        if scalars and function in AS_OPERATORS and any(isinstance(x, np.generic) for x in numbers):
            return f"{args[0]} {AS_OPERATORS[function]} {args[1]}"
        if (
            reducing_ufunc(function) is not None
            and set(step.kwargs) <= {"axis", "keepdims"}
            and isinstance(numbers[0], np.ndarray)
        ):
            return self._write(step, None)
        plain = isinstance(function, np.ufunc) or type(sample) is float or function is np.dot
        return self._call(step) if plain else f"{self._support('number')}({self._call(step)})"

    def _call(self, step: Step) -> str:
        function, args = step.function, [self.spell(x) for x in step.args]
        if function is ITEM.forward:
            return f"{args[0]}[{step.kwargs['k']}]"
        if function is GETITEM:
            return f"{args[0]}[{self._index(step)}]"
        if step.draws:
            args += [f"{key}={self.spell(x)}" for key, x in step.kwargs.items()]
            return f"{args[0]}.{function.__name__}({', '.join(args[1:])})"
        if function in SYMBOLS and len(args) == 2:
            return f"{args[0]} {SYMBOLS[function]} {args[1]}"
        args += [f"{key}={self.spell(x)}" for key, x in step.kwargs.items()]
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
        if record is not None and record.identity and "order" not in kwargs:
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

    # This and `_outputs` walk by hand: each literal has a text of its own.
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
            return f"slice({self.spell(x.start)}, {self.spell(x.stop)}, {self.spell(x.step)})"
        if type(x) is dict and all(type(key) is str for key in x):
            return f"{{{', '.join(f'{key!r}: {self.spell(item)}' for key, item in x.items())}}}"
        return self._rebuilt(x, self.spell) if kind_of(x) and any(True for _ in refs(x)) else self.constant(x)

    def _rebuilt(self, x: Any, spell: Any) -> str:
        """The text of a container that has no literal: its structure, filled with the text of its leaves."""
        found, structure = flatten(x)
        return f"{self.constant(structure)}.unflatten([{', '.join(map(spell, found))}])"

    def constant(self, x: object) -> str:
        """The name of an object that is not a literal; a note says that arrays are frozen."""
        if id(x) in self.sliced:
            return self.sliced[id(x)]
        if id(x) not in self.constants:
            named = name_of(x) if callable(x) and x.__hash__ is not None else getattr(x, "__name__", "k")
            stem = "c" if isinstance(x, (np.ndarray, np.generic, float)) else identifier(named)
            own = callable(x) and not isinstance(x, type) and stem == named and self._is_free(stem)
            name, count = stem if own else f"{stem}_{len(self.constants)}", len(self.constants)
            while name in self.names or name in self.arguments:
                name, count = f"{stem}_{count + 1}", count + 1
            self.constants[id(x)], self.names[name] = name, x
            if isinstance(x, np.ndarray):
                self.notes.append(f"{name}: an array {x.shape} that does not depend on the arguments, frozen")
            elif isinstance(x, (np.generic, float)):
                self.notes.append(f"{name}: {x!r}")
        return self.constants[id(x)]

    def _is_free(self, name: str) -> bool:
        """Whether a function may have its own name in the text, because nothing else there can have it."""
        taken = name in self.names or name in vars(runtime) or name in vars(builtins) or name in _WORDS
        variable = name in self.variables.values() or re.fullmatch(r"\w+_(flat|\d*)|[a-z]\d*", name)
        return not (taken or variable or iskeyword(name))

    def _support(self, name: str) -> str:
        return self._word(name, getattr(runtime, name))

    def _word(self, name: str, x: object) -> str:
        """The word for a function that the text uses: its name, unless an argument has that."""
        while name in self.arguments:
            name = f"{name}_1"
        self.names[name] = x
        return name

    # -------------------------------------------------------------------------------------------- outputs

    def _outputs(self, x: object) -> str:
        """The text of the result: containers written out, with variables in them."""
        if type(x) is Ref:
            return self._result(x)
        if type(x) is Kept:
            return self.constant(x.model)
        if type(x) is tuple:
            return f"({', '.join(map(self._outputs, x))}{',' if len(x) == 1 else ''})"
        if type(x) is list:
            return f"[{', '.join(map(self._outputs, x))}]"
        if type(x) is dict and all(type(key) in (str, int) for key in x):
            return f"{{{', '.join(f'{key!r}: {self._outputs(item)}' for key, item in x.items())}}}"
        if isinstance(x, np.ndarray):
            return f"np.array({self.constant(x)})"
        if x is not None and not isinstance(x, (tuple, list, dict)) and kind_of(x):
            return self._rebuilt(x, self._outputs)
        if isinstance(x, (tuple, list, dict)) and any(True for _ in refs(x)):
            return self._nested(x)
        if isinstance(x, (list, dict)):
            return f"{self._word('deepcopy', copy.deepcopy)}({self.constant(x)})"
        return self.spell(x)

    def _result(self, ref: Ref) -> str:
        if self.numbers is not None:
            return self.numbers.result_text(ref)
        name = self.variables[ref]
        again = ref in self.returned and isinstance(self.program.samples[ref], np.ndarray)
        self.returned.add(ref)
        if type(self.program.samples[ref]) in (float, WeakFloat):
            return f"np.float64({name})"
        return f"np.array({name})" if again or ref in self.plan.copied else name

    def _nested(self, x: Any) -> str:
        """The text of other containers: named tuples, dict subclasses, dicts with keys that are not literals."""
        if hasattr(x, "_fields"):
            return f"{self.constant(type(x))}({', '.join(map(self._outputs, x))})"
        if isinstance(x, dict):
            items = ", ".join(f"{self.spell(key)}: {self._outputs(item)}" for key, item in x.items())
            return f"{self._word('like', runtime.dict_like)}({self.constant(_empty_copy(x))}, {{{items}}})"
        return f"{self.constant(type(x))}([{', '.join(map(self._outputs, x))}])"


def _empty_copy(x: dict[Any, Any]) -> dict[Any, Any]:
    new = x.copy()
    new.clear()
    return new
