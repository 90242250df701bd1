"""Turns a graph recorded on a tape into a program: each node becomes one step, aliases disappear."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..engine.node import ARGUMENT, ITEM, Node, live
from ..engine.op import TABLE
from ..engine.value import graph
from . import Tape
from .placeholders import WeakFloat, unwrap_weak_float
from .program import Program, Ref, Step
from .replay import Evaluate, arguments, own_params, replay
from .tape import SAVED

# From the implementation of a NumPy function to its public function.
_PUBLIC = {
    made_by.forward: made_by.function
    for made_by in TABLE.values()
    if (getattr(made_by.function, "__module__", None) or "").startswith("numpy")
    and (made_by.identity or getattr(made_by.function, "_implementation", None) is made_by.forward)
}


class Reader(Evaluate):
    """Reads nodes into the steps of a program.

    start: nodes with a smaller serial were recorded before and are read at each call. known: variables by serial.
    """

    def __init__(self, program: Program, start: int, known: dict[int, Any], tape: Tape) -> None:
        self.program, self.start, self.names = program, start, known
        self.starts, self.ends = (
            (sorted(ends) for ends in zip(*tape.sweeps, strict=True)) if tape.sweeps else ([], [])
        )
        self.draws = {live(node).serial for node in tape.draws}
        self.checks = {node.serial for node in tape.checks}
        self.hidden: dict[int, Ref] = {}  # for an op that saves data: its pair of results
        self.backward = False

    def read(self, roots: Iterable[object]) -> None:
        """Add the steps that compute the roots."""
        nodes = [x for x in roots if isinstance(x, Node)]
        replay(graph(*nodes, since=self.start), self.names, self)

    def result_of(self, x: Any) -> Any:
        """The variable of a Value; a constant as it is."""
        return self.names[x.serial] if isinstance(x, Node) else x

    def leaf(self, node: Any) -> Any:
        """A Value from outside, read at each call; the data of a leaf that the function made."""
        if node.serial < self.start:
            ref = self.program.fresh(node._array)
            self.program.leaves.append((ref, node))
            return ref
        return node._array if node.op is None else NotImplemented

    def alias(self, node: Any, operands: list[Any]) -> Any:
        """The variable of the operand; a step for a Python float that enters a level."""
        if not operands:
            return node._array
        if node.op is ARGUMENT and type(node.operands[0]._array) is WeakFloat:
            return self._step(node, np.float64, (operands[0],), {}, node._array)
        return operands[0]

    def saved(self, node: Any) -> Any:
        """The second item of the pair that the op returned."""
        return self._step(node, ITEM.forward, (self.hidden[node.operands[0].serial],), {"k": 1}, node._array)

    def item(self, node: Any, operands: list[Any]) -> Any:
        """A step like any other."""
        return self.apply(node, operands)

    def apply(self, node: Any, operands: list[Any]) -> Any:
        """The step that calls the function of the op."""
        if node.op.saves:
            return self._pair(node, operands)
        args, kwargs = arguments(node.op, operands, node.params or {})
        data = tuple(node._array) if type(node._array) is tuple else unwrap_weak_float(node._array)
        return self._step(node, node.op.forward, tuple(args), kwargs, data)

    def _pair(self, node: Any, operands: list[Any]) -> Any:
        """An op that saves data for its rule: one step returns the pair, and two steps take its items."""
        positional, kwargs = arguments(node.op, operands, own_params(node))
        args = tuple(positional)
        pair = (node._array, node.params["saved"])
        self.hidden[node.serial] = hidden = self._step(node, node.op.forward, args, kwargs, pair)
        return self._step(node, ITEM.forward, (hidden,), {"k": 0}, node._array)

    def _step(self, node: Any, function: Any, args: Any, kwargs: Any, data: Any) -> Ref:
        out, serial = self.program.fresh(data), node.serial
        backward = self.backward or bisect(self.starts, serial) > bisect(self.ends, serial)
        label = node.op.label if node.op is not SAVED else node.operands[0].op.label
        function = _PUBLIC.get(function, function)
        if function is np.astype and "dtype" in kwargs:
            args, kwargs = (*args, kwargs["dtype"]), {}
        draws, checks = serial in self.draws, serial in self.checks
        self.program.steps.append(Step(out, function, args, kwargs, label, backward, draws, checks))
        return out


def outer_values(program: Program) -> list[Any]:
    """Values from outside through which a gradient flows: a program would not pass it on."""
    return [leaf for _, leaf in program.leaves if leaf.op is not None and leaf.has_gradient]


def labels(steps: Sequence[Step]) -> list[str]:
    """The labels of steps, for messages."""
    return [step.label for step in steps]
