"""A copy of a graph beside the point at which it was computed, where no product is 0·∞.

A random tiny number stands for each 0, a huge one for each infinity, an ordinary one for each nan; all else stays.
Each node is computed again, in float64. Selections and kinks are those of the point: a copy chooses what the point
chose. A 0 that a selection or a constant made stays exactly 0. The usual sweeps run on the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .node import ARGUMENT, ITEM, Node, new_node, restore_parameters
from .op import TABLE, Op, op
from .sampling import REAL

JUMP = 1e-3  # a slope that changes by more, between the point and beside it, has a kink there
NEAR = 1e-9  # a number that differs by less from that of the point lies just beside it
HUGE = 1e7  # a cotangent beyond it may stand for an infinite one
TINY = 1e-12  # one below it may stand for 0


@dataclass(frozen=True)
class Nudge:
    """What stands for 0, ∞ and nan in one copy: sizes, each entry times a random number from 1 to 2.

    growth: how fast a logarithmic pole grows beside another of the same kind. Nobody knows: each copy has another.
    doubt: the slope of a kink that counts as 0. Alone it is too small to be seen; times ∞ it is a huge number, of
    another sign in another copy.
    """

    seed: int
    tiny: float
    huge: float
    missing: float
    growth: float = 1.0
    doubt: float = 0.0


def _limit(x: Any) -> Any:
    """x; its data hold limits where those of its operand are nan."""
    return x


op(_limit, "limit", "y = x", domain=(REAL,), vjp=(lambda g, y, x: g,), jvp=(lambda t, y, x: t,))
LIMIT = TABLE.pop(_limit)  # users never call it


class Beside:
    """A copy of a graph beside the point. twins: its nodes, by the serials of those they copy."""

    def __init__(self, nodes: Sequence[Node], nudge: Nudge) -> None:
        self.nudge = nudge
        self.random = np.random.default_rng(nudge.seed)
        self.twins: dict[int, Node] = {}
        self.constants: dict[int, Any] = {}  # by identity: an array used twice is one array in the copy, too
        self.known = {*TABLE.values()}
        for node in nodes:
            self.twins[node.serial] = self._twin(node)

    def serials(self, of: Collection[int] | None) -> set[int] | None:
        """The serials of the twins."""
        return None if of is None else {self.twins[serial].serial for serial in of if serial in self.twins}

    def seed(self, y: Node, g: Any) -> Any:
        """A cotangent or tangent; where y is nan, one that no other copy has: what depends on it stays nan."""
        g = _wide(data_of(g))
        missing = np.isnan(g) | (np.isnan(y._array) & np.not_equal(g, 0))
        return self._tamed(np.where(missing, self.nudge.missing, g))

    # ---------------------------------------------------------------------------------------------- nodes

    def _twin(self, node: Node) -> Node:
        made_by, data = node.op, node._array
        if made_by is None or not node.operands or not made_by.vjps:
            fixed = made_by is not None and not made_by.vjps  # such as a mask: its 0 is exactly 0
            return new_node(type(node), self._moved(data, data, not fixed), ARGUMENT, (), None)
        twins = tuple(self.twins[x.serial] if isinstance(x, Node) else self._constant(x) for x in node.operands)
        args, beside = [data_of(x) for x in node.operands], [data_of(x) for x in twins]
        made_by, output, params = self._computed(node, args, beside)
        if made_by.elementwise:
            output = np.where(_is_pole(node, args), np.sign(output) * self._sizes(np.shape(output)).log, output)
        output = self._moved(output, data, _may_vanish(made_by, beside))
        return new_node(type(node), output, made_by, twins, params)

    def _computed(self, node: Node, args: list[Any], beside: list[Any]) -> tuple[Op, Any, Any]:
        """The op of a twin, with rules that fit, its output, and its parameters."""
        made_by: Any = node.op
        if made_by is ITEM or made_by is ARGUMENT or made_by is LIMIT:
            alias = ARGUMENT if made_by is LIMIT else made_by
            return alias, alias.forward(*beside, **(node.params or {})), node.params
        swallows_nan = any(map(_has_nan, args)) and not _has_nan(node._array)
        if made_by not in self.known or swallows_nan:  # it cannot be computed again, or skips nan as it likes
            return self._at_the_point(node, args), node._array, node.params
        if made_by.selects and not made_by.moves:
            return self._at_the_point(node, args), self._selected(node, args, beside), node.params
        output, params = _compute(node, beside)
        return self._across_kinks(node, args, beside), output, params

    def _selected(self, node: Node, args: list[Any], beside: list[Any]) -> Any:
        """The output of a selection: the entries that the point selects, as they are beside it."""
        made_by: Any = node.op
        inputs, params = restore_parameters(made_by, args, node.params)
        moves, y = [_difference(x, x0) for x, x0 in zip(beside, args, strict=True)], node._array
        if made_by.variadic:
            return y + made_by.jvps[0](moves, y, *inputs, **params)
        rules = [(rule, t) for rule, t in zip(made_by.jvps, moves, strict=False) if rule is not None]
        return y + sum(rule(t, y, *inputs, **params) for rule, t in rules)

    # ---------------------------------------------------------------------------------------------- rules

    def _at_the_point(self, node: Node, args: list[Any]) -> Op:
        """The op of a node with rules that read the data of the point."""
        made_by: Any = node.op
        y, inputs = node._array, args if made_by.variadic else args[: len(made_by.domain)]

        def at_the_point(rule: Any) -> Any:
            def there(g: Any, _: Any, *xs: Any, **params: Any) -> Any:
                lost = _each(lambda x: np.isnan(x) * 1.0, g)
                known = _each(lambda x: np.where(np.isnan(x), 0.0, x)[()], g)
                c = _each(self._tamed, _called(rule(known, y, *inputs, **params)))
                if not _has_nan(g):
                    return self._doubt_zeros(node, args, rule, g, c)
                # What the rule takes of nan is nan; what it leaves out is 0.
                hit = _called(rule(lost, y, *inputs, **params))
                return _each(lambda c, hit: None if c is None else np.where(hit != 0, np.nan, c)[()], c, hit)

            return rule and there

        return _with_rules(made_by, at_the_point)

    def _across_kinks(self, node: Node, args: list[Any], beside: list[Any]) -> Op:
        """The op of a node with rules that read the data beside the point, but for slopes that jump there."""
        made_by: Any = node.op
        y, (inputs, at_point) = node._array, restore_parameters(made_by, args, node.params)
        near = all(np.all(_all_close([x], [b])) for x, b in zip(args, beside, strict=True))

        def across(rule: Any) -> Any:
            def of_entries(g: Any, y_beside: Any, *xs: Any, **params: Any) -> Any:
                one = np.ones(np.shape(g))
                slope, there = rule(one, y_beside, *xs, **params), rule(one, y, *inputs, **at_point)
                return self._share(g, *self._slope(node, args, beside, slope, there))

            def of_all(g: Any, y_beside: Any, *xs: Any, **params: Any) -> Any:
                size = np.max(_each(_size, g))
                c, c0 = rule(g, y_beside, *xs, **params), rule(g, y, *inputs, **at_point)
                c = self._doubt_zeros(node, args, rule, g, _each(self._tamed, _called(c)))
                return _each(lambda c, c0: self._at_kink(c, c0, size), c, _called(c0)) if near else c

            return rule and (of_entries if made_by.elementwise and type(y) is not tuple else of_all)

        return _with_rules(made_by, across)

    def _slope(self, node: Node, args: list[Any], beside: list[Any], slope: Any, at_point: Any) -> tuple[Any, Any]:
        """The slope of an elementwise op beside the point, never 0 by rounding; and that of a kink, else nan."""
        bar = JUMP * np.maximum(1.0, np.abs(at_point))
        jumps = _all_close(args, beside) & np.isfinite(at_point) & (np.abs(slope - at_point) > bar)
        sizes = self._sizes(np.shape(slope))
        steep = np.where(np.isinf(node._array), sizes.pole, sizes.root)
        slope = np.where(np.isinf(slope), np.copysign(steep, slope), slope)
        finite = np.all(np.broadcast_arrays(*[np.isfinite(x) for x in args]), axis=0)
        rounded = np.equal(slope, 0) & _may_vanish(node.op, beside) & finite
        return np.where(rounded, sizes.tiny, slope), np.where(jumps, at_point, np.nan)

    def _share(self, g: Any, slope: Any, at_kink: Any) -> Any:
        """A cotangent times a slope. What is exactly 0 stays 0; that a kink counts as 0 beats no infinity."""
        smooth = np.isnan(at_kink)
        share = np.where(np.equal(at_kink, 0), self._doubt(np.abs(g)), g * np.where(smooth, slope, at_kink))
        return np.where(np.equal(g, 0) | (smooth & np.equal(slope, 0)), 0.0, share)[()]

    def _at_kink(self, c: Any, c0: Any, size: Any) -> Any:
        """c, or the cotangent at the point where it jumps; but that a kink counts as 0 beats no infinity."""
        if c is None or c0 is None:
            return c
        jumps = np.isfinite(c0) & (np.abs(c - c0) > JUMP * np.maximum(size, np.abs(c0)))
        return np.where(jumps, np.where(np.equal(c0, 0), self._doubt(size), c0), c)[()]

    def _doubt_zeros(self, node: Node, args: list[Any], rule: Any, g: Any, c: Any) -> Any:
        """c, with what stands for a doubtful 0 where the rule gives 0 at these numbers alone."""
        made_by: Any = node.op
        fixed = made_by.linear or made_by.bilinear or made_by.selects or made_by not in self.known
        several = c is None or isinstance(c, (tuple, list)) or isinstance(g, tuple)
        if fixed or several or np.all(c) or not np.any(g):
            return c
        elsewhere = [self._elsewhere(x) for x in args]
        y, params = _compute(node, elsewhere)
        inputs, params = restore_parameters(made_by, elsewhere, params)
        by_chance = np.equal(c, 0) & (np.abs(rule(g, y, *inputs, **params)) > 0)
        return np.where(by_chance, self._doubt(_size(g)), c)

    def _doubt(self, size: Any) -> Any:
        """What stands for a 0 that a kink, or the numbers at the point, made of a cotangent of this size."""
        doubt = size * np.where(size < TINY, np.sign(self.nudge.doubt), self.nudge.doubt)
        return np.where(size > HUGE, np.nan, doubt)

    # -------------------------------------------------------------------------------------------- numbers

    def _constant(self, x: Any) -> Any:
        if np.result_type(x).kind != "f":
            return x
        if id(x) not in self.constants:
            self.constants[id(x)] = self._moved(x, x, False)
        return self.constants[id(x)]

    def _moved(self, x: Any, point: Any, vanishing: Any = True) -> Any:
        """x, with other numbers where it is 0, infinite or nan as the data of the point are.

        vanishing: where a 0 may be replaced.
        """

        def one(x: Any, point: Any) -> Any:
            if np.result_type(x).kind != "f":
                return x
            c = self.random.uniform(1.0, 2.0, np.shape(x))
            x = self._tamed(_wide(x), np.isinf(point))
            x = np.where((x == 0) & np.equal(point, 0) & vanishing, self.nudge.tiny * c, x)
            return np.where(np.isnan(x) & np.isnan(point), self.nudge.missing * c, x)[()]

        return _each(one, x, point)

    def _tamed(self, x: Any, where: Any = True) -> Any:
        """x, with huge numbers for its infinities."""
        if x is None or not np.any(infinite := np.isinf(x) & where):
            return x
        c = self.random.uniform(1.0, 2.0, np.shape(x))
        return np.where(infinite, np.copysign(self.nudge.huge * c, x), x)[()]

    def _elsewhere(self, x: Any) -> Any:
        """x with ordinary changes of its numbers."""
        if np.result_type(x).kind != "f":
            return x
        change = self.random.uniform(1e-3, 2e-3, np.shape(x)) * (1.0 + np.abs(x))
        return np.where(np.isfinite(x), x + change, x)[()]

    def _sizes(self, shape: tuple[int, ...]) -> _Sizes:
        return _Sizes(self.nudge.tiny * self.random.uniform(1.0, 2.0, shape), self.nudge.growth)


@dataclass(frozen=True)
class _Sizes:
    """How large things are at a random tiny distance from a point, not 0, where a slope is infinite."""

    tiny: Any
    growth: float

    @property
    def log(self) -> Any:
        """The value at a pole: those of the table, log1p and arctanh, grow like a logarithm."""
        return -self.growth * np.log(np.abs(self.tiny))

    @property
    def pole(self) -> Any:
        """The slope at such a pole."""
        return 1 / np.abs(self.tiny)

    @property
    def root(self) -> Any:
        """The slope where the value is finite, as at the ends of arcsin."""
        return np.sqrt(self.pole)


def _compute(node: Node, data: list[Any]) -> tuple[Any, dict[str, Any]]:
    """The output of a node's op for other data, and its parameters, with what it saves for its rules."""
    made_by: Any = node.op
    own = {name: p for name, p in (node.params or {}).items() if name != "saved"}
    inputs, params = restore_parameters(made_by, data, own)
    output = made_by.forward(*inputs, **params)
    if made_by.saves:
        output, own["saved"] = output
    return tuple(output) if isinstance(output, (tuple, list)) else output, own


def _may_vanish(made_by: Any, beside: Sequence[Any]) -> Any:
    """Where a 0 in an op's output comes from rounding, not from a selection or an operand that is exactly 0."""
    if made_by.selects:
        return False
    zeros = [np.equal(x, 0) for x in beside if not isinstance(x, tuple) and np.result_type(x).kind == "f"]
    if made_by.elementwise:
        return ~np.any(np.broadcast_arrays(*zeros), axis=0)
    return not any(map(np.any, zeros))


def _is_pole(node: Node, args: list[Any]) -> Any:
    """Where an op of one input is infinite at a finite number that is not 0, though nothing overflowed."""
    made_by: Any = node.op
    poles = np.isinf(node._array) & np.isfinite(args[0]) & np.not_equal(args[0], 0)
    if len(args) != 1 or not poles.any():
        return False
    try:
        with np.errstate(all="ignore", over="raise"):
            made_by.forward(args[0][poles])
    except FloatingPointError:
        return False
    return poles


def _all_close(args: list[Any], beside: list[Any]) -> Any:
    """Where all numbers of an elementwise op lie just beside those of the point, or are the same."""
    pairs = [(x, b) for x, b in zip(args, beside, strict=True) if not isinstance(x, tuple)]
    floats = [(x, b) for x, b in pairs if np.result_type(x).kind == "f"]
    near = [np.isfinite(x) & (np.abs(b - x) <= NEAR * np.maximum(1.0, np.abs(x))) for x, b in floats]
    return np.all(np.broadcast_arrays(*near), axis=0) if near else True


def _with_rules(made_by: Op, change: Callable[[Any], Any]) -> Op:
    return replace(made_by, vjps=tuple(map(change, made_by.vjps)), jvps=tuple(map(change, made_by.jvps)), add=None)


def _each(f: Callable[..., Any], x: Any, *others: Any) -> Any:
    """f of the one output or cotangent; of each if there are several."""
    if isinstance(x, (tuple, list)):
        return type(x)(f(*parts) for parts in zip(x, *others, strict=True))
    return f(x, *others)


def _called(c: Any) -> Any:
    """What a rule passes on; a joint rule may give functions for it."""
    return _each(lambda part: part() if callable(part) else part, c)


def _has_nan(x: Any) -> bool:
    return bool(np.any(_each(lambda part: np.result_type(part).kind == "f" and bool(np.isnan(part).any()), x)))


def _size(x: Any) -> Any:
    """The size of the largest entry that is a number."""
    return np.max(np.abs(x), initial=0.0, where=~np.isnan(x))


def _difference(x: Any, point: Any) -> Any:
    """By how much x lies beside the point; 0 where that is no number."""
    if np.result_type(x).kind != "f":
        return np.zeros(np.shape(x))
    return np.where(np.isfinite(point), x - point, 0.0)[()]


def _wide(x: Any) -> Any:
    """x in float64, or wider."""
    return np.asarray(x, np.result_type(x, np.float64))[()]


def data_of(x: Any) -> Any:
    """The data of a node; anything else as it is."""
    return x._array if isinstance(x, Node) else x
