"""A graph of single numbers as a graph of vectors: the same function, in a few hundred nodes and not 50,000.

Nodes of one op whose inputs are all known go into one vector; a chain of additions is one sum, however it was
bracketed. Nothing about symmetry here: the new graph has the value and the gradient of the old one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import context
from ..node import record
from ..op import TABLE
from ..rules.indexing import scatter
from ..value import Value, argument, graph
from .meaning import described, is_elementwise

ADD, POWER = TABLE[np.add], TABLE[np.power]
NUMBER = (float, int, np.number, np.bool_)
WORTH_IT = 4  # nodes per vector, on average


def batched(y: Value, params: Sequence[Value], free: Sequence[Value]) -> tuple[Value, Value, Value] | None:
    """The same loss, of one vector of parameters and one of free data; None where there is none or no gain."""
    nodes = graph(y)
    own = {x.serial for x in (*params, *free)}
    if y.serial in own or not all(node.serial in own or _is_plain(node) for node in nodes):
        return None
    levels = _Levels(nodes, own, y)
    if len(levels.groups) * WORTH_IT > len(nodes):
        return None
    with context.recording(), context.trace(), np.errstate(all="ignore"):
        return _Vectors(params, free).build(levels, y)


def _is_plain(node: Any) -> bool:
    """A number: a datum, or made of numbers by an elementwise op."""
    if not isinstance(node._array, NUMBER):
        return False
    if node.op is None:
        return True
    if node.op is ADD and isinstance(node._array, np.bool_):
        return False  # "or", and no sum
    operands = node.operands
    return bool(operands) and is_elementwise(node.op) and all(isinstance(x, (Value, *NUMBER)) for x in operands)


class _Levels:
    """Groups of nodes by (level, op, parameters, kinds of operands), and the terms of each sum.

    A node's level is one above those of what it is made of. A sum that is used once, by another sum, is part of it.
    """

    def __init__(self, nodes: Sequence[Value], own: set[int], y: Value) -> None:
        self.groups: dict[Any, list[Any]] = defaultdict(list)
        self.terms: dict[int, list[Any]] = {}
        self._level = dict.fromkeys(own, 0)
        self._parts: dict[int, list[Any]] = {}  # the terms of sums that are part of another
        self._inner = _used_by_one_sum(nodes) - {y.serial}
        for node in nodes:
            if node.serial not in own and node.op is not None:
                self._place(node)

    def _place(self, node: Any) -> None:
        operands = node.operands
        if node.op is ADD:
            operands = self._flattened(operands)
            if node.serial in self._inner:
                self._parts[node.serial] = operands
                return
            self.terms[node.serial] = operands
        level = self._level
        above = 1 + max((level.get(x.serial, 0) for x in operands if isinstance(x, Value)), default=0)
        level[node.serial] = above
        self.groups[above, node.op, *_kind(node)].append(node)

    def _flattened(self, operands: Sequence[Any]) -> list[Any]:
        """The terms of a sum; the longest part is added to, so that a chain of n sums takes n steps."""
        parts = [self._parts.pop(x.serial, [x]) if isinstance(x, Value) else [x] for x in operands]
        short, long = sorted(parts, key=len)
        long += short
        return long


def _used_by_one_sum(nodes: Sequence[Value]) -> set[int]:
    """Serials of sums that have one use, and that one in a sum."""
    users: dict[int, list[Any]] = defaultdict(list)
    for node in nodes:
        for x in node.inputs:
            if x.op is ADD:
                users[x.serial].append(node.op)
    return {serial for serial, ops in users.items() if ops == [ADD]}


def _kind(node: Any) -> tuple[Any, Any]:
    """What nodes of one group share besides the op: parameters, and which operands are plain numbers."""
    if node.op is ADD:
        return (), ()
    exact = node.op is POWER  # x ** 2 has a meaning of its own
    kinds = tuple(isinstance(x, Value) or (exact and float(x)) for x in node.operands)
    return described(node.params) if node.params else (), kinds


class _Vectors:
    """The vectors made so far, laid end to end: each old node has its place there."""

    def __init__(self, params: Sequence[Value], free: Sequence[Value]) -> None:
        self.vectors: list[Any] = []
        self.starts: list[int] = []
        self.size = 0
        self.place: dict[int, int] = {}
        for given in (params, free):
            self._append(argument(np.array([float(x._array) for x in given], dtype=np.float64)), given)

    def _append(self, vector: Any, nodes: Sequence[Any]) -> None:
        self.place.update(zip((n.serial for n in nodes), range(self.size, self.size + len(nodes)), strict=True))
        self.vectors.append(vector)
        self.starts.append(self.size)
        self.size += len(nodes)

    def build(self, levels: _Levels, y: Value) -> tuple[Value, Value, Value]:
        for key in sorted(levels.groups, key=lambda key: key[0]):
            nodes = levels.groups[key]
            made_by = key[1]
            if made_by is ADD:
                vector = self._sums([levels.terms[n.serial] for n in nodes])
            else:
                operands = [self._operand([n.operands[k] for n in nodes]) for k in range(len(nodes[0].operands))]
                params = {name: p for name, p in (nodes[0].params or {}).items() if name != "saved"}
                vector = record(Value, made_by, tuple(operands), params or None)
            self._append(vector, nodes)
        return self._gather([y])[0], self.vectors[0], self.vectors[1]

    def _operand(self, xs: Sequence[Any]) -> Any:
        """One operand of all nodes of a group: from their places, or plain numbers."""
        if isinstance(xs[0], Value) and any(x.serial in self.place for x in xs):
            return self._mixed(xs)
        numbers = np.array([x._array if isinstance(x, Value) else x for x in xs])
        return numbers[0] if (numbers == numbers[0]).all() else numbers

    def _sums(self, terms: Sequence[Sequence[Any]]) -> Any:
        flat = [x for ts in terms for x in ts]
        whose = np.repeat(np.arange(len(terms)), [len(ts) for ts in terms])
        return scatter(self._mixed(flat), whose, (len(terms),))

    def _mixed(self, xs: Sequence[Any]) -> Any:
        """Values from their places, data and plain numbers as they are."""
        known = [isinstance(x, Value) and x.serial in self.place for x in xs]
        if all(known):
            return self._gather(xs)
        numbers = np.array([x._array if isinstance(x, Value) else x for x in xs])
        if not any(known):
            return numbers
        order = np.argsort(np.argsort(~np.array(known), kind="stable"), kind="stable")
        values = self._gather([x for x, k in zip(xs, known, strict=True) if k])
        return np.concatenate([values, numbers[~np.array(known)]])[order]

    def _gather(self, xs: Sequence[Value]) -> Any:
        """The entries for some old nodes, out of as few vectors as hold them."""
        places = np.array([self.place[x.serial] for x in xs])
        whose = np.searchsorted(self.starts, places, side="right") - 1
        # An empty vector starts where the next one does.
        needed = np.unique(whose)
        sizes = np.array([len(self.vectors[k]) for k in needed])
        base = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        at = base[np.searchsorted(needed, whose)] + places - np.array(self.starts)[whose]
        found = [self.vectors[k] for k in needed]
        whole = found[0] if len(found) == 1 else np.concatenate(found)
        return whole if len(at) == len(whole) and (at == np.arange(len(at))).all() else whole[at]
