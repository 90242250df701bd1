"""Traces a function for the second time: compares each node with that of the first run, and keeps none.

Both runs make the same nodes in the same order, unless something that does not depend on the arguments differs:
random numbers, a clock, a counter. So no second graph is needed, only the place of each node in the first one.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ..engine.dataclass_trees import static_fields
from ..engine.node import MANY, Node, Superseded, _Place, live
from ..engine.tree import kind_of
from ..engine.value import Value
from ..errors import TracingError
from .interpreters import Tape
from .program import Ref, same_bits
from .replay import own_params
from .tape import INPUT, ArgumentSlot, is_call


class FirstRun(Tape):
    """Keeps all nodes, in the order in which they were made."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Any] = []
        self.notice = self.nodes.append


class SecondRun(Tape):
    """Finds the first node that differs from the first run.

    twins: the serial of the node of the first run, for each node of this run.
    """

    def __init__(self, first: FirstRun) -> None:
        super().__init__()
        self.expected = iter(first.nodes)
        self.count = 0
        self.twins: dict[int, int] = {}
        self.leaves: list[tuple[Node, Node]] = []  # of both runs, made by f: they are compared at the end
        self.difference = ""

    def notice(self, node: Any) -> None:
        """Compare a new node with the next one of the first run, up to the first difference.

        The function goes on: it may change a model at each run, and then the error should name the model.
        """
        if self.difference:
            return
        twin: Any = next(self.expected, None)
        twin = live(twin) if type(twin) is Superseded else twin
        self.difference = self._compare(twin, node)
        if not self.difference:
            self.twins[node.serial] = twin.serial
            self.count += node.op is not INPUT

    def _compare(self, twin: Any, node: Any) -> str:
        """A sentence on how two nodes differ; empty if they do not."""
        if twin is None:
            return f"one has {self.count} steps, the other more"
        a, b = twin.op, node.op
        if a is not b and not _same_op(a, b):
            return f"step {self.count} is {_label(a)} in one and {_label(b)} in the other"
        if a is None:
            self.leaves.append((twin, node))
        elif a is not INPUT and (reason := self._unlike_inputs(twin, node)):
            return f"in step {self.count}, {a.label}{_shape(node)}, {reason}"
        return ""

    def _unlike_inputs(self, twin: Any, node: Any) -> str:
        """A phrase on how the operands or parameters of two nodes differ; empty if they do not."""
        ours, others, twins = twin._a, node._a, self.twins
        if node._b is not MANY:
            ours, others = (ours, twin._b), (others, node._b)
        elif twin._b is not MANY or len(ours) != len(others):
            return "the operands differ"
        for x, y in zip(ours, others, strict=True):
            if x is y or (type(x) is type(y) is Value and twins.get(y.serial) == x.serial):  # nearly always
                continue
            if reason := self._unlike_operands(live(x), live(y)):
                return reason
        return "" if twin.params is node.params else self._unlike_params(twin, node)

    def _unlike_params(self, twin: Any, node: Any) -> str:
        if is_call(node.op) and is_call(twin.op):
            (ours, named), (others, and_named) = twin.params["call"], node.params["call"]
            if len(ours) == len(others) and not (named or and_named):  # nearly always
                return next(filter(None, map(unlike, ours, others)), "")
        return unlike(own_params(twin), own_params(node))

    def _unlike_operands(self, x: Any, y: Any) -> str:
        if isinstance(x, Node) and isinstance(y, Node):
            return "" if self.twin_of(y) == x.serial else "the operands differ"
        return unlike(x, y)

    def twin_of(self, node: Any) -> int:
        """The serial of the node in the first run; that of a Value from outside is its own."""
        serial: int = node.serial
        return self.twins.get(serial, serial)

    def finish_comparing(self) -> None:
        """Raise TracingError if the run differed from the first, or ended earlier."""
        if not self.difference and next(self.expected, None) is not None:
            self.difference = f"one has {self.count} steps, the other more"
        for n, (twin, node) in enumerate(self.leaves):
            if not self.difference and (reason := unlike(live(twin)._array, live(node)._array)):
                self.difference = f"in Value {n} that the function makes, {reason}"
        if self.difference:
            _refuse(self.difference)

    def compare_results(self, first: Any, second: Any) -> None:
        """Raise TracingError if two results differ."""
        if reason := unlike(first, second):
            _refuse(f"in the result, {reason}")


def _refuse(difference: str) -> NoReturn:
    raise TracingError(
        f"traced twice, the function gave two different programs: {difference}\n"
        "  All that does not depend on the arguments must stay the same: no random numbers, time or counters.\n"
        "  write  f(x, rng)   with a numpy.random.Generator as an argument: each call draws again\n"
        "  or     f(x, noise) with the numbers as an argument"
    )


def _same_op(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return False
    return bool(a.label == b.label and same_function(a.forward, b.forward))


def _label(made_by: Any) -> str:
    return made_by.label if made_by is not None else "a new Value"


def _shape(node: Any) -> str:
    return f" {node._array.shape}" if isinstance(node._array, np.ndarray) else ""


def same_function(f: Any, g: Any) -> bool:
    """Whether two functions are one, or were made by the same line."""
    return f is g or (getattr(f, "__code__", f) is getattr(g, "__code__", g))


def unlike(x: Any, y: Any) -> str:
    """A phrase on how two nested arguments differ; empty if they do not."""
    if x is y or (type(x) is type(y) is float and x == y and x):
        return ""
    if type(x) is not type(y):
        return f"there is {type(x).__name__} in one and {type(y).__name__} in the other"
    if type(x) is Ref:
        return "" if x == y else "the operands differ"
    if type(x) is ArgumentSlot or type(x) is _Place:
        return "" if x.k == y.k else "the operands differ"
    if kind := kind_of(x):
        (keys, items, _), (others, beside, _) = kind.split(x), kind.split(y)
        if keys != others:  # a dict may have them in another order
            if len(keys) != len(others):
                return f"there are {len(keys)} items in one and {len(others)} in the other"
            if dict.fromkeys(keys) != dict.fromkeys(others):
                return "the keys differ"
            there = dict(zip(others, beside, strict=True))
            beside = [there[key] for key in keys]
        return next(filter(None, map(unlike, items, beside)), "") or _unlike_static(x, y)
    if isinstance(x, (np.ndarray, np.generic, float)):
        return "" if same_bits(x, y) else f"a constant is {_short(x)} in one and {_short(y)} in the other"
    if isinstance(x, slice):
        return unlike((x.start, x.stop, x.step), (y.start, y.stop, y.step))
    if x is y or x == y or same_function(x, y):
        return ""
    return f"there is {_short(x)} in one and {_short(y)} in the other"


def _unlike_static(x: Any, y: Any) -> str:
    """A phrase on how the fields of two containers differ that are no items."""
    fixed, other = static_fields(x), static_fields(y)
    return "" if fixed is None or fixed is other or other is None else unlike(fixed, other)


def _short(x: Any) -> str:
    return f"an array of shape {x.shape}" if isinstance(x, np.ndarray) and x.size > 4 else repr(x)
