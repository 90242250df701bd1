"""Expressions from a command line: text in, a Value out. They are parsed, never run as code.

An expression has numbers, names, operators, brackets and functions of the derivative table. It becomes a list of
steps for a stack machine, so nothing here recurses, however deep the text is nested.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.value import Value
from ..errors import ExpressionError, MinigradError
from ..rules.shaping import stack
from .vocabulary import CONSTANTS, FUNCTIONS, nearest

LONGEST = 20_000  # letters; for longer texts Python's parser may need too much memory
DEEPEST = 1_000  # levels of brackets, calls and operators; the parser of each Python has another, higher limit
MOST_SHOWN = 100  # letters of a line to show around an error
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
_TOO_DEEP = "the expression is nested too deeply"
INSTEAD = {
    ast.BitXor: "write  a ** b   for a power",
    ast.And: "write  logical_and(a, b)",
    ast.Or: "write  logical_or(a, b)",
    ast.Not: "write  logical_not(a)",
    ast.IfExp: "write  where(condition, a, b)",
    ast.Subscript: "write each entry as a separate name: x1, x2",
    ast.Attribute: "only functions have a dot in their names: linalg.det(x)",
}


@dataclass(frozen=True)
class MachineStep:
    """One step of the machine: takes `count` operands from the stack and leaves one result. node: its source."""

    compute: Callable[..., Any]
    count: int
    node: ast.expr


@dataclass(frozen=True)
class Expression:
    """A parsed expression. names: those that need a value, in order of first appearance."""

    text: str
    names: tuple[str, ...]
    steps: tuple[MachineStep, ...]

    def evaluate(self, values: Mapping[str, Value]) -> Value:
        """Evaluate and record the expression, with a Value for each of its names.

        Raises ExpressionError for a missing or unknown name, and if the computation fails.
        """
        self._check_names(values)
        stacked: list[object] = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                at = len(stacked) - step.count
                operands = stacked[at:]
                del stacked[at:]
                stacked.append(self._compute(step, operands, values))
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
            raise ExpressionError(f"the expression does not contain {', '.join(extra)}\n  its names are {known}")

    def _compute(self, step: MachineStep, operands: list[Any], values: Mapping[str, Value]) -> Any:
        if isinstance(step.node, ast.Name):
            return values[step.node.id]
        try:
            return step.compute(*operands)
        except (MinigradError, ArithmeticError, ValueError, TypeError, LookupError, MemoryError) as error:
            raise _error(self.text, step.node, str(error) or type(error).__name__) from error

    def _as_value(self, y: object) -> Value:
        try:
            return Value(_array(y))
        except (MinigradError, ValueError, TypeError) as error:
            raise ExpressionError(f"the result of the expression is not a number or an array\n  {error}") from error


def parse(text: str) -> Expression:
    """Parse an expression. Raises ExpressionError, which marks the place of the error."""
    steps, todo = [], [(_tree(text), 1)]
    while todo:  # each node before its parts, last part first: the reverse is the order of evaluation
        node, depth = todo.pop()
        if depth > DEEPEST:
            raise ExpressionError(_TOO_DEEP)
        compute, parts = _read(text, node)
        steps.append(MachineStep(compute, len(parts), node))
        todo += [(part, depth + 1) for part in parts]
    steps.reverse()
    names = dict.fromkeys(step.node.id for step in steps if isinstance(step.node, ast.Name))
    return Expression(text, tuple(names), tuple(steps))


def assignments(given: Sequence[str]) -> dict[str, Value]:
    """Read Values from words such as  x=1  and  w="[0.1, 0.2]"."""
    values: dict[str, Value] = {}
    for word in given:
        name, equals, text = word.partition("=")
        name = name.strip()
        if not (equals and name.isidentifier()):
            raise ExpressionError(f"{word!r} is not an assignment\n  write  x=0.3  or  x='[1, 2]'")
        if name in values:
            raise ExpressionError(f"{name} has two values")
        expression = parse(text)
        if expression.names:
            raise ExpressionError(f"{word!r}: a value consists of numbers, but {expression.names[0]} is a name")
        values[name] = Value(expression.evaluate({}).data, name=name)
    return values


def _tree(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"the expression has {len(text):,} letters; at most {LONGEST:,} are allowed")
    if not text.strip():
        raise ExpressionError("the expression is empty\n  write  'sigmoid(w*x + b)'  w=.1 x=1 b=0")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        line, column = (error.lineno or 1), (error.offset or 1) - 1
        raise ExpressionError(
            f"this is not an expression: {error.msg}\n{_mark(text, line, column, column + 1)}"
        ) from error
    except (RecursionError, MemoryError):
        raise ExpressionError(_TOO_DEEP) from None
    except ValueError as error:  # a zero byte
        raise ExpressionError(f"this is not an expression: {error}") from error


def _read(text: str, node: ast.expr) -> tuple[Callable[..., Any], list[ast.expr]]:
    """A node's function and the nodes of its operands. Raises ExpressionError for unsupported syntax."""
    match node:
        case ast.Constant():
            return _number(text, node), []
        case ast.Name():
            return lambda value: value, []  # evaluate looks it up
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
    remedy = INSTEAD.get(what, "it consists of numbers, names, operators, brackets and functions of the table")
    raise _error(text, node, f"this is not allowed in an expression\n  {remedy}")


def _number(text: str, node: ast.Constant) -> Callable[..., Any]:
    number = node.value
    if not (isinstance(number, (int, float)) or number is None):
        raise _error(text, node, f"this is {type(number).__name__}, not a real number")
    try:
        finite = number is None or np.isfinite(float(number))
    except OverflowError:
        finite = False
    if not finite:
        raise _error(text, node, "this number is too large for a float")
    return lambda: number


def _whole(node: ast.expr) -> bool:
    """Whether this is an integer literal. With a sign it stays an integer, as an axis must be."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _arithmetic(compute: Callable[..., Any]) -> Callable[..., Any]:
    """The operator on Values and floats: with Python integers 9**9**9**9 would take for ever."""

    def computed(*operands: Any) -> Any:
        arrays = [_array(x) for x in operands]
        if any(isinstance(x, Value) for x in arrays):  # beside a Value, a number is recorded as a plain float
            arrays = [float(x) if type(x) is np.float64 else x for x in arrays]
        return compute(*arrays)

    return computed


def _array(x: Any) -> Any:
    """A number or nested numbers as floats; a Value unchanged."""
    if isinstance(x, (Value, np.ndarray, np.generic)):
        return x
    if x is None:
        raise TypeError("None is not a number")
    return np.asarray(x, dtype=np.float64)[()]


def _list(*parts: Any) -> Any:
    """An array if there is a Value or an array in it; otherwise a list, which may be a list of axes."""
    if any(isinstance(x, (Value, np.ndarray)) for x in parts):
        return stack([_array(x) for x in parts])
    return list(parts)


def _call(text: str, node: ast.Call) -> tuple[Callable[..., Any], list[ast.expr]]:
    name = _dotted(node.func)
    if name not in FUNCTIONS:
        raise _error(text, node.func, _unknown_function(name))
    starred = [part for part in node.args if isinstance(part, ast.Starred)]
    for part in (*starred, *(keyword.value for keyword in node.keywords if keyword.arg is None)):
        raise _error(text, part, "write the arguments one by one")
    function, count = FUNCTIONS[name], len(node.args)
    keys = [str(keyword.arg) for keyword in node.keywords]

    def compute(*operands: Any) -> Any:
        args = [_array(x) if k == 0 and isinstance(x, list) else x for k, x in enumerate(operands[:count])]
        return function(*args, **dict(zip(keys, operands[count:], strict=True)))

    return compute, [*node.args, *(keyword.value for keyword in node.keywords)]


def _unknown_function(name: str) -> str:
    if not name:
        return "only a function of the derivative table can be called"
    meant = nearest(name)
    remedy = f"write  {meant}(...)" if meant else "python -m minigrad ops   lists them"
    return f"{name} is not in the derivative table\n  {remedy}"


def _dotted(node: ast.expr) -> str:
    """A dotted name, such as np.linalg.det; "" for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _error(text: str, node: ast.expr, message: str) -> ExpressionError:
    """An error with the message and its place in the text."""
    lines = text.strip().splitlines()
    first, last = lines[node.lineno - 1].encode(), lines[(node.end_lineno or 1) - 1].encode()
    start = len(first[: node.col_offset].decode())  # Python counts in bytes
    end = len(last[: node.end_col_offset].decode()) if node.end_lineno == node.lineno else len(first.decode())
    return ExpressionError(f"{message}\n{_mark(text, node.lineno, start, end)}")


def _mark(text: str, line: int, start: int, end: int) -> str:
    """The part of a line around the error, with carets under the letters from start to end."""
    lines = text.strip().splitlines() or [""]
    shown = lines[min(line, len(lines)) - 1]
    left = max(0, min(start, len(shown)) - MOST_SHOWN // 2)
    before, after = ("…" if left else ""), ("…" if len(shown) > left + MOST_SHOWN else "")
    carets = "^" * (max(start + 1, min(end, left + MOST_SHOWN)) - start)
    return f"  {before}{shown[left : left + MOST_SHOWN]}{after}\n  {' ' * (start - left + len(before))}{carets}"
