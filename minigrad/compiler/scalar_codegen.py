"""Writes programs that compute only with numbers as straight lines on Python floats.

Python floats add and multiply three times faster than NumPy numbers, to the same bits. Everything else keeps
NumPy's meaning: 1 / 0 is inf and raises nothing, and all but arithmetic calls the same functions as eager code.
Arithmetic whose only reader is arithmetic is inlined there.

Python compiles each line in the same time, however long the function: 66,000 lines stay one function.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.tree_folds import is_nested_list
from ..tracing.program import Program, Ref, Step, operands, refs
from . import scalar_runtime
from .names import Names, identifier
from .numpy_functions import SYMBOLS, UFUNCS, name_of, record_of

LONGEST = 80  # characters of an expression to inline

_ARITHMETIC: dict[object, str] = {ufunc: SYMBOLS[f] for f, ufunc in UFUNCS.items() if SYMBOLS[f] in "+-*"}
_COMPARISONS: dict[object, str] = {ufunc: SYMBOLS[f] for f, ufunc in UFUNCS.items() if SYMBOLS[f][0] in "<>=!&|^"}
_TRUTHS = {np.logical_not, np.isnan}
_EITHER = {np.maximum, np.minimum}  # return an operand as it is: a boolean must become a number there
_HELPERS = {
    **{
        f.__name__: f
        for f in (
            scalar_runtime.divide,
            scalar_runtime.power,
            scalar_runtime.larger,
            scalar_runtime.smaller,
            scalar_runtime.root,
        )
    },
    **{f.__name__: f for f in (scalar_runtime.signum, scalar_runtime.no_slope, scalar_runtime.slope_of_tanh)},
    "sqrt": math.sqrt,
    "abs": abs,
    "inf": math.inf,
}
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_QUIET = 'with {}(divide="ignore", over="ignore", invalid="ignore"):'


def is_scalar(program: Program) -> bool:
    """Whether a program reads and computes only single floats and booleans."""
    made = [program.samples[step.out] for step in program.steps]
    read = [program.samples[ref] for ref in (*program.inputs, *(ref for ref, _ in program.leaves))]
    return (
        bool(made)
        and all(isinstance(x, (float, np.bool_)) for x in (*made, *read))
        and all(
            _is_number(x) or is_nested_list(x, _is_number)
            for step in program.steps
            for x in (*step.args, *step.kwargs.values())
        )
        and not any(step.draws for step in program.steps)
    )


def _is_number(x: Any) -> bool:
    """Whether an argument is a variable, a number or a text: what Python's arithmetic and `repr` can write."""
    return x is None or isinstance(x, (float, int, str, np.bool_))


def _is_plain(step: Step) -> bool:
    """Whether a step is arithmetic without a test."""
    return UFUNCS.get(step.function, step.function) in _ARITHMETIC or step.function is np.negative


def _float_formula(function: Any) -> str:
    """The function on Python floats as text, with {0}, {1} for its operands; "" if its op states none."""
    if function is np.float64:
        return "{0}"
    record = record_of(function)
    text = record.on_floats if record is not None else ""
    return "" if "{power}" in text and isinstance(function, np.ufunc) else text  # only ** calls C's pow


class ScalarWriter:
    """Writes the steps of one program of numbers.

    variables: the text of each variable where it is read: a name or an inlined expression.
    """

    def __init__(self, program: Program, variables: dict[Ref, str], names: Names) -> None:
        self.program, self.variables, self.names = program, variables, names
        self.labels: dict[Ref, str] = {}  # of inlined steps
        self.tops: dict[Ref, str] = {}  # the last operator of inlined steps
        self.inlined = self._find_inlined()
        self.on_python: dict[int, Callable[..., Any]] = {}  # functions of Python numbers, by those of NumPy numbers

    def _find_inlined(self) -> set[Ref]:
        """Arithmetic steps with one reader, which is arithmetic, too."""
        reads = Counter(ref for step in self.program.steps for ref in operands(step))
        reads.update(refs(self.program.outputs))
        plain = {step.out for step in self.program.steps if _is_plain(step)}
        by = {ref: step.out for step in self.program.steps for ref in operands(step)}
        return {ref for ref in plain if reads[ref] == 1 and by.get(ref) in plain}

    def lines(self) -> list[str]:
        """The body of the function without its return."""
        steps, body, part = self.program.steps, self._conversions(), None
        # Python's arithmetic never warns.
        calls = any(step.backward and not (step.checks or _is_plain(step)) for step in steps)
        for step in steps:
            if part is not step.backward:
                part = step.backward
                body.append("# backward" if part else "# forward")
                body += [_QUIET.format(self.names.of(np.errstate))] if part and calls else []
            line = self._line(step)
            body += [("    " if part and calls else "") + line] if line else []
        return body

    def _conversions(self) -> list[str]:
        given = [*self.program.inputs, *(ref for ref, _ in self.program.leaves)]
        kinds: dict[type, type] = {np.float64: float, np.bool_: bool}
        named = [(self.variables[ref], kinds.get(type(self.program.samples[ref]))) for ref in given]
        return [f"{name} = {self.names.of(kind)}({name})" for name, kind in named if kind]

    def result_text(self, ref: Ref) -> str:
        """A result as the NumPy number that eager code returns."""
        kind = np.bool_ if isinstance(self.program.samples[ref], np.bool_) else np.float64
        return f"{self.names.of(kind)}({self.variables[ref]})"

    def _line(self, step: Step) -> str:
        if step.function in (np.float64, np.positive) and not step.kwargs and step.args[0] in self.variables:
            self.variables[step.out] = self.variables[step.args[0]]
            return ""
        text = self._expression(step)
        label = " ".join([*(self.labels[x] for x in operands(step) if x in self.labels), step.label])
        if step.out in self.inlined and len(text) <= LONGEST:
            self.variables[step.out], self.labels[step.out] = f"({text})", label
            self.tops[step.out] = _ARITHMETIC.get(UFUNCS.get(step.function, step.function), "neg")
            return ""
        name = self.variables[step.out] = self.names.take(f"v{int(step.out)}")
        return f"{name} = {text}  # {label}"

    def _expression(self, step: Step) -> str:
        function, sample = UFUNCS.get(step.function, step.function), self.program.samples[step.out]
        args = [self._spell(x) for x in step.args]
        symbol = (_ARITHMETIC if isinstance(sample, float) else _COMPARISONS).get(function)
        if symbol and len(args) == 2:
            return self._infix(symbol, step.args, args)
        if function is np.where and len(args) == 3 and all(self._is_float(x) for x in step.args[1:]):
            return f"{args[1]} if {args[0]} else {args[2]}"
        text = _float_formula(step.function)
        fits = (
            len(args) == (2 if "{1}" in text else 1 if text else 0)
            and not step.kwargs
            and isinstance(sample, float) is (function not in _TRUTHS)
        )
        if fits and (function not in _EITHER or all(map(self._is_float, step.args))):
            words = {name: self.names.of(x, name) for name, x in _HELPERS.items() if f"{{{name}}}" in text}
            return text.format(*args, **words)
        return self._call(step)

    def _infix(self, symbol: str, operands: tuple[Any, ...], args: list[str]) -> str:
        """a + b, with brackets where needed."""
        written = [type(x) is Ref and x in self.labels for x in operands]  # the number 3.0 is not variable 3
        bare = [text[1:-1] if inside else text for inside, text in zip(written, args, strict=True)]
        tops = [self.tops[x] if inside else "" for x, inside in zip(operands, written, strict=True)]
        left = bare[0] if symbol in "+-" or tops[0] in "*neg" else args[0]
        right = bare[1] if symbol in "+-" and tops[1] == "*" else args[1]
        return f"{left} {symbol} {right}"

    def _call(self, step: Step) -> str:
        function = step.function
        args = [self._as_it_is(x) for x in step.args]
        args += [f"{key}={self._as_it_is(x)}" for key, x in step.kwargs.items()]
        named = name_of(function)
        word = identifier(step.label if named == "<lambda>" else named)  # the rule of sum is d_sum
        if isinstance(function, np.ufunc):
            kind = bool if isinstance(self.program.samples[step.out], np.bool_) else float
            return f"{self.names.of(kind)}({self.names.of(function, word)}({', '.join(args)}))"
        if id(function) not in self.on_python:
            self.on_python[id(function)] = scalar_runtime.as_python_function(function)
        return f"{self.names.of(self.on_python[id(function)], word)}({', '.join(args)})"

    def _is_float(self, x: object) -> bool:
        return isinstance(x, int) if type(x) is not Ref and not isinstance(x, (bool, float)) else self._reals(x)

    def _reals(self, x: object) -> bool:
        return isinstance(self.program.sample(x), float)

    def _spell(self, x: object) -> str:
        """An operand of arithmetic; integers are written as floats."""
        return self._as_it_is(float(x) if type(x) is int else x)

    def _as_it_is(self, x: object) -> str:
        if type(x) is Ref:
            return self.variables[x]
        if isinstance(x, np.bool_):
            return repr(bool(x))
        if isinstance(x, float):
            x = float(x)
            if not math.isfinite(x):
                return self.names.of(_NOT_FINITE[repr(x)], repr(x).replace("-", "minus_"))
            return f"({x!r})" if math.copysign(1.0, x) < 0 else repr(x)
        if isinstance(x, (tuple, list)):
            return repr(type(x)(x))
        return repr(x)
