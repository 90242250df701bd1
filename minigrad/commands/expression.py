"""Expressions from a command line: text in, a Value out. They are parsed, and never run as code.

An expression has numbers, names, operators, brackets and functions of the derivative table. It becomes a list of
steps for a stack machine, so that nothing here recurses, whatever the text. What is done with the Value that comes
out is not said here.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ExpressionError, MinigradError
from ..rules.shaping import stack
from ..value import Value
from .vocabulary import CONSTANTS, FUNCTIONS, nearest

LONGEST = 20_000  # letters; beyond it Python's parser may need more memory than it is worth
SHOWN = 100  # letters of a line that are shown around the place of an error
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
INSTEAD = {
    ast.BitXor: "write  a ** b   for a power",
    ast.And: "write  logical_and(a, b)",
    ast.Or: "write  logical_or(a, b)",
    ast.Not: "write  logical_not(a)",
    ast.IfExp: "write  where(condition, a, b)",
    ast.Subscript: "write each entry as a name of its own: x1, x2",
    ast.Attribute: "functions alone have a dot in their names: linalg.det(x)",
}


@dataclass(frozen=True)
class Step:
    """One step of the machine: takes `count` operands from the stack and leaves one. node: where it is written."""

    compute: Callable[..., Any]
    count: int
    node: ast.expr


@dataclass(frozen=True)
class Expression:
    """An expression that was read. names: what must be given, in the order in which they first stand in it."""

    text: str
    names: tuple[str, ...]
    steps: tuple[Step, ...]

    def evaluate(self, values: Mapping[str, Value]) -> Value:
        """The Value of the expression, recorded, at a Value for each of its names.

        Raises ExpressionError for a name that is missing or not asked for, and where the computation fails.
        """
        self._check_names(values)
        stacked: list[Any] = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                at = len(stacked) - step.count
                operands = stacked[at:]
                del stacked[at:]
                stacked.append(self._computed(step, operands, values))
        (y,) = stacked
        return y if isinstance(y, Value) else self._as_value(y)

    def _check_names(self, values: Mapping[str, Value]) -> None:
        missing = [name for name in self.names if name not in values]
        if missing:
            hints = [f"  {name} is a function: write  {name}(...)" for name in missing if name in FUNCTIONS]
            remedy = " ".join(f"{name}=0.3" for name in missing)
            raise ExpressionError("\n".join([f"no value for {', '.join(missing)}", f"  write  {remedy}", *hints]))
        extra = [name for name in values if name not in self.names]
        if extra:
            known = ", ".join(self.names) or "none"
            raise ExpressionError(f"{', '.join(extra)} does not occur in the expression\n  its names are {known}")

    def _computed(self, step: Step, operands: list[Any], values: Mapping[str, Value]) -> Any:
        if isinstance(step.node, ast.Name):
            return values[step.node.id]
        try:
            return step.compute(*operands)
        except (MinigradError, ArithmeticError, ValueError, TypeError, LookupError, MemoryError) as error:
            raise _error(self.text, step.node, str(error) or type(error).__name__) from error

    def _as_value(self, y: Any) -> Value:
        try:
            return Value(_array(y))
        except (MinigradError, ValueError, TypeError) as error:
            raise ExpressionError(f"the expression gives no number and no array\n  {error}") from error


def parse(text: str) -> Expression:
    """Read an expression. Raises ExpressionError, with the line and a caret under the place."""
    steps, todo = [], [_tree(text)]
    while todo:  # each node before its parts, the last part first: backwards, this is the order of evaluation
        node = todo.pop()
        compute, parts = _read(text, node)
        steps.append(Step(compute, len(parts), node))
        todo += parts
    steps.reverse()
    names = dict.fromkeys(step.node.id for step in steps if isinstance(step.node, ast.Name))
    return Expression(text, tuple(names), tuple(steps))


def assignments(given: Sequence[str]) -> dict[str, Value]:
    """The Values that words like  x=1  and  w="[0.1, 0.2]"  name. What is assigned is made of numbers alone."""
    values: dict[str, Value] = {}
    for word in given:
        name, equals, text = word.partition("=")
        name = name.strip()
        if not (equals and name.isidentifier()):
            raise ExpressionError(f"{word!r} gives no name a value\n  write  x=0.3  or  x='[1, 2]'")
        if name in values:
            raise ExpressionError(f"{name} has two values")
        expression = parse(text)
        if expression.names:
            raise ExpressionError(f"{word!r}: a value is made of numbers, and {expression.names[0]} is a name")
        values[name] = Value(expression.evaluate({}).data, name=name)
    return values


def _tree(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"the expression has {len(text):,} letters, and at most {LONGEST:,} are read")
    if not text.strip():
        raise ExpressionError("the expression is empty\n  write  'sigmoid(w*x + b)'  w=.1 x=1 b=0")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        line, column = (error.lineno or 1), (error.offset or 1) - 1
        raise ExpressionError(
            f"this is no expression: {error.msg}\n{_marked(text, line, column, column + 1)}"
        ) from error
    except (RecursionError, MemoryError):
        raise ExpressionError("the expression is nested too deeply to be read") from None
    except ValueError as error:  # a zero byte
        raise ExpressionError(f"this is no expression: {error}") from error


def _read(text: str, node: ast.expr) -> tuple[Callable[..., Any], list[ast.expr]]:
    """What a node computes, and the nodes of its operands. Raises ExpressionError for what does not belong."""
    match node:
        case ast.Constant():
            return _number(text, node), []
        case ast.Name():
            return lambda value: value, []  # looked up when it is computed
        case ast.BinOp(op=op) if type(op) in OPERATORS:
            return _arithmetic(OPERATORS[type(op)]), [node.left, node.right]
        case ast.UnaryOp(op=op) if type(op) in OPERATORS:
            return OPERATORS[type(op)] if _whole(node.operand) else _arithmetic(OPERATORS[type(op)]), [node.operand]
        case ast.Compare(ops=[op]) if type(op) in OPERATORS:
            return _arithmetic(OPERATORS[type(op)]), [node.left, *node.comparators]
        case ast.List():
            return _list, node.elts
        case ast.Tuple():
            return lambda *parts: parts, node.elts
        case ast.Attribute() if _dotted(node) in CONSTANTS:
            number = CONSTANTS[_dotted(node)]
            return lambda: number, []
        case ast.Call():
            return _call(text, node)
    what = type(getattr(node, "op", node))
    remedy = INSTEAD.get(what, "an expression has numbers, names, operators, brackets and functions of the table")
    raise _error(text, node, f"this is no part of an expression\n  {remedy}")


def _number(text: str, node: ast.Constant) -> Callable[..., Any]:
    number = node.value
    if not (isinstance(number, (int, float)) or number is None):
        raise _error(text, node, f"this is {type(number).__name__}, and no real number")
    try:
        finite = number is None or np.isfinite(float(number))
    except OverflowError:
        finite = False
    if not finite:
        raise _error(text, node, "this number is too large for a float")
    return lambda: number


def _whole(node: ast.expr) -> bool:
    """Whether this is a whole number as it stands: an axis stays one with its sign."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _arithmetic(compute: Callable[..., Any]) -> Callable[..., Any]:
    """The operator on Values and on floats: with whole numbers of any length, 9**9**9**9 would take for ever."""

    def computed(*operands: Any) -> Any:
        arrays = [_array(x) for x in operands]
        if any(isinstance(x, Value) for x in arrays):  # beside one, a number is written as it stands
            arrays = [float(x) if type(x) is np.float64 else x for x in arrays]
        return compute(*arrays)

    return computed


def _array(x: Any) -> Any:
    """A number or a nesting of numbers in floats; a Value as it is."""
    if isinstance(x, (Value, np.ndarray, np.generic)):
        return x
    if x is None:
        raise TypeError("None is no number")
    return np.asarray(x, dtype=np.float64)[()]


def _list(*parts: Any) -> Any:
    """An array, where there is a Value in it; else a list, which may be that of some axes."""
    if any(isinstance(x, (Value, np.ndarray)) for x in parts):
        return stack([_array(x) for x in parts])
    return list(parts)


def _call(text: str, node: ast.Call) -> tuple[Callable[..., Any], list[ast.expr]]:
    name = _dotted(node.func)
    if name not in FUNCTIONS:
        raise _error(text, node.func, _unknown(name))
    starred = [part for part in node.args if isinstance(part, ast.Starred)]
    for part in (*starred, *(keyword.value for keyword in node.keywords if keyword.arg is None)):
        raise _error(text, part, "arguments are written one by one")
    function, count = FUNCTIONS[name], len(node.args)
    keys = [str(keyword.arg) for keyword in node.keywords]

    def compute(*operands: Any) -> Any:
        args = [_array(x) if k == 0 and isinstance(x, list) else x for k, x in enumerate(operands[:count])]
        return function(*args, **dict(zip(keys, operands[count:], strict=True)))

    return compute, [*node.args, *(keyword.value for keyword in node.keywords)]


def _unknown(name: str) -> str:
    if not name:
        return "only a function of the derivative table can be called"
    meant = nearest(name)
    remedy = f"write  {meant}(...)" if meant else "python -m minigrad ops   lists them"
    return f"{name} is no function of the derivative table\n  {remedy}"


def _dotted(node: ast.expr) -> str:
    """np.linalg.det, of names and dots; nothing, of anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _error(text: str, node: ast.expr, message: str) -> ExpressionError:
    """The error that says it and shows where."""
    lines = text.strip().splitlines()
    first, last = lines[node.lineno - 1].encode(), lines[(node.end_lineno or 1) - 1].encode()
    start = len(first[: node.col_offset].decode())  # Python counts in bytes
    end = len(last[: node.end_col_offset].decode()) if node.end_lineno == node.lineno else len(first.decode())
    return ExpressionError(f"{message}\n{_marked(text, node.lineno, start, end)}")


def _marked(text: str, line: int, start: int, end: int) -> str:
    """A line of the text, or what of it is near the place, and carets under the letters from start to end."""
    lines = text.strip().splitlines() or [""]
    shown = lines[min(line, len(lines)) - 1]
    left = max(0, min(start, len(shown)) - SHOWN // 2)
    before, after = ("…" if left else ""), ("…" if len(shown) > left + SHOWN else "")
    carets = "^" * (max(start + 1, min(end, left + SHOWN)) - start)
    return f"  {before}{shown[left : left + SHOWN]}{after}\n  {' ' * (start - left + len(before))}{carets}"
