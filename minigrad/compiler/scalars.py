"""Programs of numbers alone, written as straight lines of Python's floats.

A float of Python is added and multiplied three times faster than a number of NumPy's, to the same bits. All else
keeps the meaning it has in NumPy: 1 / 0 is inf and raises nothing, and what is no arithmetic is computed by the
very functions that eager code calls. Arithmetic that is read once, by arithmetic, is written where it is read.

Python's compiler takes the same time for each line of a function, however many there are: 66,000 stay one function.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterator
from keyword import iskeyword
from typing import Any

import numpy as np

from . import numbers
from .functions import SECH2, TIMES, UFUNCS
from .program import Program, Ref, Step, operands, refs

LONGEST = 80  # letters of an expression that is written into another

_ARITHMETIC: dict[Any, str] = {np.add: "+", np.subtract: "-", np.multiply: "*"}
_COMPARISONS: dict[Any, str] = {
    np.less: "<", np.less_equal: "<=", np.greater: ">", np.greater_equal: ">=", np.equal: "==", np.not_equal: "!=",
    np.bitwise_and: "&", np.bitwise_or: "|", np.bitwise_xor: "^",
}  # fmt: skip
# With the operands a, b, ...: Python where it means the same, and a question where it may not.
_WRITTEN: dict[Callable[..., Any], tuple[int, str]] = {
    np.divide: (2, "{0} / {1} if {1} else {divided}({0}, {1})"),
    operator.pow: (2, "{power}({0}, {1})"),
    np.negative: (1, "-{0}"),
    np.positive: (1, "{0}"),
    np.square: (1, "{0} * {0}"),
    np.absolute: (1, "abs({0})"),
    np.float64: (1, "{0}"),
    np.logical_not: (1, "not {0}"),
    np.isnan: (1, "{0} != {0}"),
    np.sqrt: (1, "{sqrt}({0}) if {0} >= 0.0 else {root}({0})"),
    np.sign: (1, "1.0 if {0} > 0.0 else -1.0 if {0} < 0.0 else {signum}({0})"),
    np.maximum: (2, "{0} if {0} > {1} else {1} if {1} > {0} else {larger}({0}, {1})"),
    np.minimum: (2, "{0} if {0} < {1} else {1} if {1} < {0} else {smaller}({0}, {1})"),
    TIMES: (2, "{0} * {1} if -{inf} < {1} < {inf} else {product}({0}, {1})"),
    SECH2: (2, "{slope_of_tanh}({0}, {1})"),
}
_TRUTHS = {np.logical_not, np.isnan}
_EITHER = {np.maximum, np.minimum}  # give an operand as it is: a truth value must become a number there
_HELPERS = {
    **{f.__name__: f for f in (numbers.divided, numbers.power, numbers.larger, numbers.smaller, numbers.root)},
    **{f.__name__: f for f in (numbers.signum, numbers.product, numbers.slope_of_tanh)},
    "sqrt": math.sqrt,
    "inf": math.inf,
}
_QUIET = 'with {}(divide="ignore", over="ignore", invalid="ignore"):'


def is_scalar(program: Program) -> bool:
    """Whether all that a program reads and computes is floats and truth values, one at a time."""
    made = [program.samples[step.out] for step in program.steps]
    read = [program.samples[ref] for ref in (*program.inputs, *(ref for ref, _ in program.leaves))]
    constants = [x for step in program.steps for x in _flat((step.args, [*step.kwargs.values()]))]
    return (
        bool(made)
        and all(isinstance(x, (float, np.bool_)) for x in (*made, *read))
        and all(x is None or isinstance(x, (float, int, str, np.bool_)) for x in constants)
        and not any(step.draws for step in program.steps)
    )


def _flat(x: Any) -> Iterator[Any]:
    if isinstance(x, (tuple, list)):
        for item in x:
            yield from _flat(item)
    elif type(x) is not Ref:
        yield x


def _is_plain(step: Step) -> bool:
    """Whether a step is arithmetic, with no question in it."""
    return UFUNCS.get(step.function, step.function) in _ARITHMETIC or step.function is np.negative


class Numbers:
    """Writes the steps of one program of numbers.

    variables: how each variable is spelled where it is read: a name, or the expression that it is. names: what the
    text refers to by name.
    """

    def __init__(self, program: Program, variables: dict[Ref, str], names: dict[str, Any]) -> None:
        self.program, self.variables, self.names = program, variables, names
        self.labels: dict[Ref, str] = {}  # of what is written into another
        self.tops: dict[Ref, str] = {}  # its last operator
        self.inlined = self._read_once()
        self.meanings: dict[str, Any] = dict.fromkeys(
            [*names, *variables.values()], self
        )  # of words that are taken

    def _read_once(self) -> set[Ref]:
        """Arithmetic that is read once, by arithmetic."""
        reads = Counter(ref for step in self.program.steps for ref in operands(step))
        reads.update(refs(self.program.outputs))
        plain = {step.out for step in self.program.steps if _is_plain(step)}
        by = {ref: step.out for step in self.program.steps for ref in operands(step)}
        return {ref for ref in plain if reads[ref] == 1 and by.get(ref) in plain}

    def lines(self) -> list[str]:
        """The body of the function, but for what it returns."""
        steps, body, part = self.program.steps, self._converted(), None
        calls = any(
            step.backward and not _is_plain(step) for step in steps
        )  # arithmetic of Python warns of nothing
        for step in steps:
            if part is not step.backward:
                part = step.backward
                body.append("# backward" if part else "# forward")
                body += [_QUIET.format(self._word("errstate", np.errstate))] if part and calls else []
            line = self._line(step)
            body += [("    " if part and calls else "") + line] if line else []
        return body

    def _converted(self) -> list[str]:
        given = [*self.program.inputs, *(ref for ref, _ in self.program.leaves)]
        kinds = {np.float64: "float", np.bool_: "bool"}
        named = [(self.variables[ref], kinds.get(type(self.program.samples[ref]))) for ref in given]
        return [f"{name} = {kind}({name})" for name, kind in named if kind]

    def given_back(self, ref: Ref) -> str:
        """A result: a number of NumPy's, where eager code gives one."""
        kind = np.bool_ if isinstance(self.program.samples[ref], np.bool_) else np.float64
        return f"{self._word(kind.__name__, kind)}({self.variables[ref]})"

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
        name = self.variables[step.out] = f"v{int(step.out)}"
        return f"{name} = {text}  # {label}"

    def _expression(self, step: Step) -> str:
        function, sample = UFUNCS.get(step.function, step.function), self.program.samples[step.out]
        args = [self._spelled(x) for x in step.args]
        symbol = (_ARITHMETIC if isinstance(sample, float) else _COMPARISONS).get(function)
        if symbol and len(args) == 2:
            return self._joined(symbol, step.args, args)
        if function is np.where and len(args) == 3 and all(self._is_float(x) for x in step.args[1:]):
            return f"{args[1]} if {args[0]} else {args[2]}"
        count, text = _WRITTEN.get(step.function, _WRITTEN.get(function, (0, "")))
        fits = count == len(args) and not step.kwargs and isinstance(sample, float) is (function not in _TRUTHS)
        if fits and (function not in _EITHER or all(map(self._is_float, step.args))):
            words = {name: self._word(name, x) for name, x in _HELPERS.items() if f"{{{name}}}" in text}
            return text.format(*args, **words)
        return self._call(step)

    def _joined(self, symbol: str, operands: tuple[Any, ...], args: list[str]) -> str:
        """a + b, with brackets where they are needed."""
        written = [type(x) is Ref and x in self.labels for x in operands]  # the number 3.0 is no variable 3
        bare = [text[1:-1] if inside else text for inside, text in zip(written, args, strict=True)]
        tops = [self.tops[x] if inside else "" for x, inside in zip(operands, written, strict=True)]
        left = bare[0] if symbol in "+-" or tops[0] in "*neg" else args[0]
        right = bare[1] if symbol in "+-" and tops[1] == "*" else args[1]
        return f"{left} {symbol} {right}"

    def _call(self, step: Step) -> str:
        function = step.function
        args = [self._as_it_is(x) for x in step.args]
        given = ", ".join([*args, *(f"{key}={self._as_it_is(x)}" for key, x in step.kwargs.items())])
        name = "".join(c for c in getattr(function, "__name__", "") if c.isalnum() or c == "_").strip("_") or "f"
        if isinstance(function, np.ufunc):
            kind = "bool" if isinstance(self.program.samples[step.out], np.bool_) else "float"
            return f"{kind}({self._word(name, function)}({given}))"
        return f"{self._word(name, numbers.called(function), function)}({given})"

    def _is_float(self, x: Any) -> bool:
        return isinstance(x, int) if type(x) is not Ref and not isinstance(x, (bool, float)) else self._reals(x)

    def _reals(self, x: Any) -> bool:
        return isinstance(self.program.sample(x), float)

    def _spelled(self, x: Any) -> str:
        """An operand of arithmetic: whole numbers as the floats that they are taken for."""
        if type(x) is int and abs(x) < 2**53:
            x = float(x)
        return self._as_it_is(x)

    def _as_it_is(self, x: Any) -> str:
        if type(x) is Ref:
            return self.variables[x]
        if isinstance(x, np.bool_):
            return repr(bool(x))
        if isinstance(x, float):
            x = float(x)
            if not math.isfinite(x):
                return self._word("nan" if x != x else "inf" if x > 0 else "minus_inf", x, repr(x))
            return f"({x!r})" if math.copysign(1.0, x) < 0 else repr(x)
        if isinstance(x, (tuple, list)):
            return repr(type(x)(x))
        return repr(x)

    def _word(self, name: str, x: Any, meaning: Any = None) -> str:
        """The word in the text for something that is called or read: its name, unless that means another thing."""
        meaning = x if meaning is None else meaning
        name = f"{name}_" if iskeyword(name) else name
        word, count = name, 0
        while word in self.meanings and self.meanings[word] is not meaning and self.meanings[word] != meaning:
            count += 1
            word = f"{name}_{count}"
        self.meanings[word], self.names[word] = meaning, self.names.get(word, x)
        return word
