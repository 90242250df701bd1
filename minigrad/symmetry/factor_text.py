"""Writes one factor of the chain rule as a formula: the derivative of an op's output entry by an input entry.

A formula is a fraction of names and numbers, as on paper: ``w5``, ``a1 (1 - a1)``, ``-y / a3``. It is for reading
only: the op's own rule computes the number beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.node import ARGUMENT, ITEM
from ..engine.value import Value

Index = tuple[int, ...]
LONG = 24  # characters: a longer formula is replaced by a name


@dataclass(frozen=True)
class Fraction:
    """A fraction as text: the factors above the line, and those below it."""

    sign: int = 1
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()

    def times(self, other: Fraction) -> Fraction:
        """The product."""
        return Fraction(self.sign * other.sign, self.above + other.above, self.below + other.below)

    def __str__(self) -> str:
        """As text: -y / a3."""
        top, bottom = " ".join(self.above) or "1", " ".join(self.below)
        return ("-" if self.sign < 0 else "") + (f"{top} / {bottom}" if bottom else top)


class EntryNames:
    """Names the entries of values, and keeps the number of each entry that it named.

    given: names by serial, for values that have none of their own.
    """

    def __init__(self, nodes: list[Value], given: dict[int, str] | None = None) -> None:
        self.rank = {v.serial: k for k, v in enumerate(nodes)}
        self.given = given or {}
        self.numbers: dict[str, float] = {}

    def of(self, v: Value, index: Index) -> str:
        """The name of an entry: a1, W1[0,2]; a value without a name is named by its place in the graph, as v3."""
        rank = self.rank[v.serial]
        name = self.given.get(v.serial, v.name) or ("y" if rank == len(self.rank) - 1 else f"v{rank}")
        text = f"{name}[{','.join(map(str, index))}]" if index else name
        self.numbers[text] = float(np.asarray(v._array)[index])
        return text

    def text_of(self, x: object, index: Index) -> str:
        """The entry of an operand as a name, a short formula or a number."""
        if not isinstance(x, Value):
            return f"{float(np.asarray(x)[index]):.4g}"
        if x.name or x.serial in self.given:
            return self.of(x, index)
        if x.op is None:
            return f"{float(np.asarray(x._array)[index]):.4g}"
        operands = x.operands
        adds = x.op.linear and x.op.elementwise and not x.op.moves and len(operands) == 2
        if adds or x.op.label == "neg":
            parts = [self.text_of(o, under(index, o)) for o in operands]
            text = f"-{parts[0]}" if len(operands) == 1 else f"({f' {x.op.label} '.join(parts)})"
            if len(text) <= LONG:
                return text
        if len(operands) == 1 and x.op.elementwise:
            text = f"{'σ' if x.op.label == 'sigmoid' else x.op.label}({self.text_of(operands[0], index)})"
            if len(text) <= LONG:
                return text
        return self.of(x, index)


def under(index: Index, operand: Any) -> Index:
    """The index of the operand entry that was broadcast to an entry of the output."""
    shape = np.shape(operand._array) if isinstance(operand, Value) else np.shape(operand)
    tail = index[len(index) - len(shape) :] if shape else ()
    return tuple(0 if n == 1 else i for i, n in zip(tail, shape, strict=True))


Rule = Callable[[Value, int, Index, Index, EntryNames], Fraction]


def partial(y: Value, k: int, e: Index, f: Index, names: EntryNames) -> Fraction:
    """The derivative of entry e of y by entry f of operand k."""
    assert y.op is not None
    rule = RULES.get(y.op.label)
    if rule is not None:
        return rule(y, k, e, f, names)
    if y.op.moves or y.op in (ITEM, ARGUMENT):
        return Fraction(sign=_sign(_data(y), e, _data(y.operands[k]), f))
    return Fraction(above=(f"{y.op.label}′({names.text_of(y.operands[k], f)})",))


def _output(y: Value, e: Index, names: EntryNames, otherwise: str) -> str:
    """An op's output as its name, or as a function of its input."""
    return names.of(y, e) if y.name else f"{otherwise}({names.text_of(y.operands[0], e)})"


def _divide(y: Value, k: int, e: Index, f: Index, names: EntryNames) -> Fraction:
    a, b = (names.text_of(x, under(e, x)) for x in y.operands)
    return Fraction(below=(b,)) if k == 0 else Fraction(-1, (a,), (b, b))


def _power(y: Value, k: int, e: Index, f: Index, names: EntryNames) -> Fraction:
    a, p = (names.text_of(x, under(e, x)) for x in y.operands)
    if k == 1:
        return Fraction(above=(f"{a}^{p}", f"ln {a}"))
    return Fraction(above=("2", a) if p == "2" else (p, f"{a}^({p} - 1)"))


def _matmul(y: Value, k: int, e: Index, f: Index, names: EntryNames) -> Fraction:
    a, b = y.operands
    if k == 0:
        other: tuple[int, ...] = (f[-1], e[-1]) if np.ndim(_data(b)) == 2 else (f[-1],)
        return Fraction(above=(names.text_of(b, other),)) if np.ndim(_data(b)) <= 2 else _generic(y, names, f, k)
    other = (e[0], f[0]) if np.ndim(_data(a)) == 2 else (f[0],)
    return Fraction(above=(names.text_of(a, other),)) if np.ndim(_data(a)) <= 2 else _generic(y, names, f, k)


def _generic(y: Value, names: EntryNames, f: Index, k: int) -> Fraction:
    return Fraction(above=(f"{y.op.label if y.op else ''}′({names.text_of(y.operands[k], f)})",))


def _data(x: Any) -> Any:
    return x._array if isinstance(x, Value) else x


def _sigmoid(y: Value, k: int, e: Index, f: Index, names: EntryNames) -> Fraction:
    a = _output(y, e, names, "σ")
    return Fraction(above=(a, f"(1 - {a})"))


def _mean(y: Value, k: int, e: Index, f: Index, names: EntryNames) -> Fraction:
    return Fraction(below=(str(y.inputs[0]._array.size // max(np.size(y._array), 1)),))


def _other(y: Value, k: int, e: Index, f: Index, names: EntryNames) -> Fraction:
    other = y.operands[1 - k]
    return Fraction(above=(names.text_of(other, under(e, other)),))


def _input(template: str) -> Rule:
    """A rule whose factor is a formula in the op's input."""
    return lambda y, k, e, f, names: Fraction(above=(template.format(names.text_of(y.operands[0], f)),))


def _sign(y: Any, e: Index, x: Any, f: Index) -> int:
    """-1 if an entry that moves changes its sign."""
    return -1 if not isinstance(y, tuple) and y[e] == -x[f] != 0 else 1


def _one(y: Value, k: int, e: Index, f: Index, names: EntryNames) -> Fraction:
    return Fraction()


RULES: dict[str, Rule] = {
    "+": _one,
    "sum": _one,
    "-": lambda y, k, e, f, names: Fraction(sign=(1, -1)[k]),
    "neg": lambda y, k, e, f, names: Fraction(sign=-1),
    "*": _other,
    "·": _other,
    "/": _divide,
    "**": _power,
    "@": _matmul,
    "dot": _matmul,
    "mean": _mean,
    "sigmoid": _sigmoid,
    "log": lambda y, k, e, f, names: Fraction(below=(names.text_of(y.operands[0], f),)),
    "exp": lambda y, k, e, f, names: Fraction(above=(_output(y, e, names, "exp"),)),
    "tanh": lambda y, k, e, f, names: Fraction(above=(f"(1 - {_output(y, e, names, 'tanh')}²)",)),
    "relu": _input("[{} > 0]"),
    "softplus": _input("σ({})"),
    "square": _input("2 {}"),
    "sqrt": lambda y, k, e, f, names: Fraction(below=("2", _output(y, e, names, "√"))),
}
