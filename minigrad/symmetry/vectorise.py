"""Turns a graph of single numbers into a graph of vectors: 50,000 nodes become a few hundred.

Nodes of one op whose inputs are ready form one vector; a chain of additions becomes one sum, with any brackets.
Nothing here is about symmetry: the new graph has the value and the gradient of the old one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import modes
from ..engine.node import record
from ..engine.op import TABLE
from ..engine.value import Value, argument, graph
from ..rules.indexing import scatter
from ..tracing import trace
from ..tracing.replay import own_params
from .semantics import describe_params

ADD, POWER = TABLE[np.add], TABLE[np.power]
NUMBER = (float, int, np.number, np.bool_)
WORTH_IT = 4  # nodes per vector, on average


def vectorise(
    y: Value, params: Sequence[Value], symbolic_data: Sequence[Value]
) -> tuple[Value, Value, Value] | None:
    """The same loss as a function of two vectors, parameters and data; None if impossible or not worth it."""
    nodes = graph(y)
    own = {x.serial for x in (*params, *symbolic_data)}
    if y.serial in own or not all(node.serial in own or _is_plain(node) for node in nodes):
        return None
    levels = _Levels(nodes, own, y)
    if len(levels.groups) * WORTH_IT > len(nodes):
        return None
    with modes.recording(), trace(), np.errstate(all="ignore"):
        return _Vectors(params, symbolic_data).build(levels, y)


def _is_plain(node: Any) -> bool:
    """Whether a node is one number: data, or computed from numbers by an elementwise op."""
    if not isinstance(node._array, NUMBER):
        return False
    if node.op is None:
        return True
    if node.op is ADD and isinstance(node._array, np.bool_):
        return False  # it is "or", not a sum
    operands = node.operands
    return bool(operands) and node.op.elementwise and all(isinstance(x, (Value, *NUMBER)) for x in operands)


class _Levels:
    """Groups of nodes by (level, op, parameters, kinds of operands), and the terms of each sum.

    A node's level is one above the levels of its inputs. A sum used only once, by another sum, is part of that sum.
    """

    def __init__(self, nodes: Sequence[Value], own: set[int], y: Value) -> None:
        self.groups: dict[Any, list[Any]] = defaultdict(list)
        self.terms: dict[int, list[Any]] = {}
        self._level = dict.fromkeys(own, 0)
        self._parts: dict[int, list[Any]] = {}  # the terms of sums inside other sums
        self._inner = _used_by_one_sum(nodes) - {y.serial}
        for node in nodes:
            if node.serial not in own and node.op is not None:
                self._place(node)

    def _place(self, node: Any) -> None:
        operands = node.operands
        if node.op is ADD:
            operands = self._flatten(operands)
            if node.serial in self._inner:
                self._parts[node.serial] = operands
                return
            self.terms[node.serial] = operands
        level = self._level
        above = 1 + max((level.get(x.serial, 0) for x in operands if isinstance(x, Value)), default=0)
        level[node.serial] = above
        self.groups[above, node.op, *_kind(node)].append(node)

    def _flatten(self, operands: Sequence[Any]) -> list[Any]:
        """The terms of a sum. Extends the longest part, so a chain of n sums takes n steps."""
        parts = [self._parts.pop(x.serial, [x]) if isinstance(x, Value) else [x] for x in operands]
        short, long = sorted(parts, key=len)
        long += short
        return long


def _used_by_one_sum(nodes: Sequence[Value]) -> set[int]:
    """Serials of sums that are used exactly once, in another sum."""
    users: dict[int, list[Any]] = defaultdict(list)
    for node in nodes:
        for x in node.inputs:
            if x.op is ADD:
                users[x.serial].append(node.op)
    return {serial for serial, ops in users.items() if ops == [ADD]}


def _kind(node: Any) -> tuple[Any, Any]:
    """The rest of the group key: parameters, and which operands are plain numbers."""
    if node.op is ADD:
        return (), ()
    exact = node.op is POWER  # x ** 2 and x ** 3 have different meanings
    kinds = tuple(isinstance(x, Value) or (exact and float(x)) for x in node.operands)
    return describe_params(node.params) if node.params else (), kinds


class _Vectors:
    """The vectors built so far, laid end to end; `place` gives the position of each old node."""

    def __init__(self, params: Sequence[Value], symbolic_data: Sequence[Value]) -> None:
        self.vectors: list[Any] = []
        self.starts: list[int] = []
        self.size = 0
        self.place: dict[int, int] = {}
        for given in (params, symbolic_data):
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
                params = own_params(nodes[0])
                vector = record(Value, made_by, tuple(operands), params or None)
            self._append(vector, nodes)
        return self._gather([y])[0], self.vectors[0], self.vectors[1]

    def _operand(self, xs: Sequence[Any]) -> Any:
        """One operand for all nodes of a group: gathered from the vectors, or plain numbers."""
        if isinstance(xs[0], Value) and any(x.serial in self.place for x in xs):
            return self._gather_mixed(xs)
        numbers = np.array([x._array if isinstance(x, Value) else x for x in xs])
        return numbers[0] if (numbers == numbers[0]).all() else numbers

    def _sums(self, terms: Sequence[Sequence[Any]]) -> Any:
        flat = [x for ts in terms for x in ts]
        whose = np.repeat(np.arange(len(terms)), [len(ts) for ts in terms])
        return scatter(self._gather_mixed(flat), whose, (len(terms),))

    def _gather_mixed(self, xs: Sequence[Any]) -> Any:
        """Values gathered from the vectors; data and plain numbers unchanged."""
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
        """The entries of some old nodes; reads only the vectors that hold them."""
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
