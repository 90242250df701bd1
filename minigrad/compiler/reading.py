"""From the graph that was recorded on a tape to a program: each node one step, aliases gone."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..context import Tape
from ..node import ARGUMENT, ITEM, Node, placed
from ..op import TABLE
from ..standing import PythonFloat, plain
from ..taped import HELD, SAVED, is_call, put_back
from ..value import graph
from .program import Program, Ref, Step

# NumPy's functions under the names that they are called by, and dispatch under.
_PUBLIC = {
    made_by.forward: made_by.function
    for made_by in TABLE.values()
    if (getattr(made_by.function, "__module__", None) or "").startswith("numpy")
    and getattr(made_by.function, "_implementation", None) is made_by.forward
} | {TABLE[f].forward: f for f in (np.reshape, np.ravel, np.astype)}


class Reader:
    """Reads nodes into the steps of a program.

    start: what has a smaller serial was there before, and is read at each call. known: the variables, by serial.
    """

    def __init__(self, program: Program, start: int, known: dict[int, Any], tape: Tape) -> None:
        self.program, self.start, self.names = program, start, known
        self.starts, self.ends = (
            (sorted(ends) for ends in zip(*tape.sweeps, strict=True)) if tape.sweeps else ([], [])
        )
        self.draws = {node.serial for node in tape.draws}
        self.hidden: dict[int, Ref] = {}  # of an op that saves: the pair that it gave
        self.backward = False

    def read(self, roots: Iterable[Any]) -> None:
        """Add the steps that compute the roots."""
        nodes = [x for x in roots if isinstance(x, Node)]
        for node in graph(*nodes, since=self.start):
            if node.serial not in self.names:
                self.names[node.serial] = self._variable(node)

    def named(self, x: Any) -> Any:
        """A Value as its variable; a constant as its data."""
        return self.names[x.serial] if isinstance(x, Node) else x

    def _variable(self, node: Any) -> Any:
        program, made_by = self.program, node.op
        if node.serial < self.start:
            ref = program.fresh(node._array)
            program.leaves.append((ref, node))
            return ref
        if made_by is None:
            return node._array  # a leaf that the function made
        if made_by is ARGUMENT or made_by is HELD:
            return self._alias(node)
        if made_by is SAVED:
            return self._step(node, ITEM.forward, (self.hidden[node._a.serial],), {"k": 1}, node._array)
        if made_by.saves:
            return self._pair(node)
        args, kwargs = self._arguments(node)
        data = tuple(node._array) if type(node._array) is tuple else plain(node._array)
        return self._step(node, made_by.forward, args, kwargs, data)

    def _alias(self, node: Any) -> Any:
        if not node.operands:
            return node._array
        (inner,) = node.operands
        source = self.named(inner)
        if node.op is ARGUMENT and type(inner._array) is PythonFloat:
            return self._step(node, np.float64, (source,), {}, node._array)
        return source

    def _pair(self, node: Any) -> Any:
        """An op that hands something to its rule: it gives both, and each is an item of that."""
        args, kwargs = self._arguments(node)
        kwargs = {name: p for name, p in kwargs.items() if name != "saved"}
        pair = (node._array, node.params["saved"])
        self.hidden[node.serial] = hidden = self._step(node, node.op.forward, args, kwargs, pair)
        return self._step(node, ITEM.forward, (hidden,), {"k": 0}, node._array)

    def _arguments(self, node: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        names = [self.named(x) for x in node.operands]
        if is_call(node.op):
            args, kwargs = put_back(node.params["call"], names)
            return args, kwargs
        positional, kwargs = placed(node.op, names, node.params)
        return tuple(positional), kwargs

    def _step(self, node: Any, function: Any, args: Any, kwargs: Any, data: Any) -> Ref:
        out, serial = self.program.fresh(data), node.serial
        backward = self.backward or bisect(self.starts, serial) > bisect(self.ends, serial)
        label = node.op.label if node.op is not SAVED else node._a.op.label
        function = _PUBLIC.get(function, function)
        if function is np.astype and "dtype" in kwargs:
            args, kwargs = (*args, kwargs["dtype"]), {}
        self.program.steps.append(Step(out, function, args, kwargs, label, backward, serial in self.draws))
        return out


def outer(program: Program) -> list[Any]:
    """Values that were computed outside and have a gradient: a program would not hand it on."""
    return [leaf for _, leaf in program.leaves if leaf.op is not None and leaf.has_gradient]


def labels(steps: Sequence[Step]) -> list[str]:
    """What the steps are called, for messages."""
    return [step.label for step in steps]
