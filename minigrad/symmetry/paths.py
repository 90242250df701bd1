"""The paths from a value back to one entry of another, and the factors along them.

Steps go from one named value to the next; everything unnamed in between is summed into one factor. If nothing has
a name, every value is a step. `explain` compares paths.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.forward import push
from ..engine.value import Value, graph, sweep_from
from .factor_text import EntryNames, Fraction, Index, partial, under
from .loss_graph import loss_graph_of

Stop = tuple[int, Index]  # a node by its serial, and an entry
TERMS = 3  # terms that are written out if a factor is a sum


@dataclass(frozen=True)
class ChainFactor:
    """∂upper/∂lower as a formula and as a number, and the lower stop."""

    upper: str
    lower: str
    words: str
    number: float
    stop: Stop
    maker: str  # the op that computed the lower value


@dataclass(frozen=True)
class Path:
    """The factors from the result down to the entry, and their product."""

    factors: tuple[ChainFactor, ...]
    product: float


class PathSearch:
    """Finds all paths from y to entry `index` of u: counts them, and yields the largest first."""

    def __init__(self, y: Value, u: Value, index: Index, names: EntryNames) -> None:
        nodes = graph(y)
        self.names, self.end = names, (u.serial, index)
        self.node = {v.serial: v for v in nodes}
        self.twins = list(_twins(nodes))
        self.reach = _reach(nodes, self.twins, u, index)
        self.stops = _named_stops(nodes, self.reach, y, u)
        self.start: Stop = (y.serial, (0,) * np.ndim(y._array))
        self._partials: dict[Any, Any] = {}
        self._steps: dict[Stop, list[tuple[Stop, float, str]]] = {}
        self.count: dict[Stop, int] = {}
        self._largest: dict[Stop, float] = {}
        self._size: dict[Stop, float] = {}
        self._step_size: dict[tuple[Stop, Stop], float] = {}
        self._explore()

    def _explore(self) -> None:
        """Find all stops; then compute, from the end, how many paths each has, their largest product and size."""
        todo, order = [self.start], []
        while todo:
            stop = todo.pop()
            if stop in self._steps:
                continue
            order.append(stop)
            self._steps[stop] = [] if stop == self.end else self._next(stop)
            todo += [lower for lower, _, _ in self._steps[stop]]
        for stop in sorted(order):
            steps = [step for step in self._steps[stop] if self.count[step[0]]]
            self._steps[stop] = steps
            self.count[stop] = sum(self.count[lower] for lower, _, _ in steps) + (stop == self.end)
            own = [abs(number) * self._largest[lower] for lower, number, _ in steps]
            self._largest[stop] = max(own, default=1.0 if stop == self.end else 0.0)
            sizes = [self._step_size[stop, lower] * self._size[lower] for lower, _, _ in steps]
            self._size[stop] = sum(sizes) + (stop == self.end)

    @property
    def total(self) -> int:
        """The number of paths."""
        return self.count[self.start]

    @property
    def size(self) -> float:
        """The sum of the absolute values of all products, before any of them cancel."""
        return self._size[self.start]

    def largest(self) -> Iterator[Path]:
        """The paths, largest product first."""
        tie = itertools.count()
        heap: list[Any] = [(-self._largest[self.start], next(tie), self.start, 1.0, ())]
        while heap:
            _, _, stop, product, factors = heapq.heappop(heap)
            if stop == self.end:
                yield Path(factors, product)
                continue
            for step in self._steps[stop]:
                lower, number, _ = step
                bound = -abs(product * number) * self._largest[lower]
                longer = (*factors, self.factor(stop, step))
                heapq.heappush(heap, (bound, next(tie), lower, product * number, longer))

    def factor(self, stop: Stop, step: tuple[Stop, float, str]) -> ChainFactor:
        """One step as a factor."""
        lower, number, words = step
        upper = self.names.of(self.node[stop[0]], stop[1])
        node = self.node[lower[0]]
        return ChainFactor(
            upper, self.names.of(node, lower[1]), words, number, lower, node.op.label if node.op else ""
        )

    def steps(self, stop: Stop) -> list[tuple[Stop, float, str]]:
        """The steps down from a stop: the lower stop, the derivative, its formula."""
        return self._steps[stop]

    def _next(self, stop: Stop) -> list[tuple[Stop, float, str]]:
        """The next stops, each with the sum over all ways through unnamed values."""
        found: dict[Stop, list[tuple[float, Fraction]]] = {}
        todo: list[tuple[Stop, float, Fraction]] = [(stop, 1.0, Fraction())]
        while todo:
            (serial, e), number, words = todo.pop(0)  # in the order of the operands
            for k, x, f, slope in self._operands(self.node[serial], e):
                longer = words.times(partial(self.node[serial], k, e, f, self.names))
                lower = (x.serial, f)
                if x.serial in self.stops:
                    found.setdefault(lower, []).append((number * slope, longer))
                else:
                    todo.append((lower, number * slope, longer))
        self._step_size |= {(stop, lower): sum(abs(n) for n, _ in ways) for lower, ways in found.items()}
        return [(lower, sum(n for n, _ in ways), _sum_text([w for _, w in ways])) for lower, ways in found.items()]

    def _operands(self, y: Value, e: Index) -> Iterator[tuple[int, Value, Index, float]]:
        """The entries that entry e of y depends on and that lead to the end, each with the derivative."""
        for k, x in enumerate(y.operands):
            if not isinstance(x, Value) or x.serial not in self.reach:
                continue
            reach = self.reach[x.serial]
            if y.op is not None and y.op.function in (np.matmul, np.dot) and y.ndim == 2 and _are_matrices(y):
                for f, slope in _row_or_column(y, k, e):
                    if reach[f]:
                        yield k, x, f, slope
                continue
            slopes, candidates = self._slopes_and_entries(y, k, e, x)
            for f in candidates:
                if slopes is not None and reach[f]:
                    yield k, x, f, float(slopes[f])

    def _slopes_and_entries(self, y: Value, k: int, e: Index, x: Value) -> tuple[Any, Any]:
        """The derivative of entry e of y by operand k, and the entries of that operand on which it depends."""
        slopes: Any
        if sum(other is x for other in y.operands) > 1:
            slopes = np.asarray(self._slope_of(y, k, e))
        elif y.op is not None and y.op.elementwise and np.shape(x._array) == np.shape(y._array):
            slopes = self._slopes(y, None).get(x.serial)  # for all entries at once: each depends on one entry
        else:
            slopes = self._slopes(y, e).get(x.serial)
        if y.op is not None and y.op.elementwise:
            return slopes, [under(e, x)]
        return slopes, map(tuple, np.argwhere(self._entries_used(y, e, x)).tolist())

    def _entries_used(self, y: Value, e: Index, x: Value) -> Any:
        """Which entries of x affect entry e of y, at these numbers or others: a weight may be 0."""
        parts = [_slopes(twins[y.serial], e).get(twins[x.serial].serial) for twins in self.twins]
        return np.logical_or.reduce([np.zeros(np.shape(x._array), bool), *(p != 0 for p in parts if p is not None)])

    def _slopes(self, y: Value, e: Index | None) -> dict[int, Any]:
        """The derivative of entry e of y (None: of the sum) by each input Value, from the op's own rule."""
        key = (y.serial, e)
        if key not in self._partials:
            self._partials[key] = _slopes(y, e)
        return self._partials[key]  # type: ignore[no-any-return]

    def _slope_of(self, y: Value, k: int, e: Index) -> Any:
        """The derivative by operand k alone, for a value that is used as several operands."""
        seed = np.zeros(np.shape(y._array))
        seed[e] = 1.0
        operands = [x._array if isinstance(x, Value) else x for x in y.operands]
        params = y.params or {}
        assert y.op is not None
        with np.errstate(all="ignore"):
            if y.op.variadic:
                shares = y.op.vjps[0](seed[()], y._array, *operands, **params)  # type: ignore[misc]
                return shares[k]
            return y.op.vjps[k](seed[()], y._array, *operands, **params)  # type: ignore[misc]


def _are_matrices(y: Value) -> bool:
    return all(np.ndim(x._array if isinstance(x, Value) else x) == 2 for x in y.operands)


def _row_or_column(y: Value, k: int, e: Index) -> Iterator[tuple[Index, float]]:
    """The inputs of entry (i, j) of a matrix product: row i of the first factor, column j of the second."""
    a, b = (np.asarray(x._array if isinstance(x, Value) else x) for x in y.operands)
    for inner in range(a.shape[1]):
        yield ((e[0], inner), float(b[inner, e[1]])) if k == 0 else ((inner, e[1]), float(a[e[0], inner]))


def _slopes(y: Value, e: Index | None) -> dict[int, Any]:
    seed = np.zeros(np.shape(y._array))
    seed[... if e is None else e] = 1.0
    ends = {x.serial for v in y.inputs for x in (v.inputs if type(v._array) is tuple else (v,))}
    with np.errstate(all="ignore"):
        swept = sweep_from([(y, seed[()])], None, (), ends)
        return {x.serial: np.asarray(g) for x, g in swept if x is not y}


def _sum_text(ways: list[Fraction]) -> str:
    """A sum of formulas as text; a long sum is cut."""
    text = " + ".join(map(str, ways[:TERMS])).replace("+ -", "- ")
    return text if len(ways) <= TERMS else f"{text} + {len(ways) - TERMS} more"


def _reach(nodes: list[Value], every: list[dict[int, Any]], u: Value, index: Index) -> dict[int, Any]:
    """By serial, the entries that depend on the given entry: those that its tangent reaches.

    A weight of 0 may stop the tangent at these numbers, so the tangent is also computed at other numbers.
    """
    direction = np.zeros(np.shape(u._array))
    direction[index] = 1.0
    found: dict[int, Any] = {}
    for twins in every:
        with np.errstate(all="ignore"):
            tangents = push([twins[nodes[-1].serial]], {twins[u.serial].serial: direction[()]})
        for v in nodes:
            t = tangents.get(twins[v.serial].serial)
            if t is not None and not isinstance(t, tuple):
                arrived = np.asarray(t) != 0
                found[v.serial] = found[v.serial] | arrived if v.serial in found else arrived
    return found


def _twins(nodes: list[Value]) -> Iterator[dict[int, Any]]:
    """The graph itself and, if it can be computed again, copies with other numbers in the leaves."""
    yield {v.serial: v for v in nodes}
    recording = loss_graph_of(nodes[-1])
    if not recording.is_detached:
        numbers = np.random.default_rng(0).normal(size=(3, *recording.values.shape))
        for values in (np.abs(numbers[0]), *numbers[1:]):  # positive numbers open most relus
            yield recording.record_again(values)


def _named_stops(nodes: list[Value], reach: dict[int, Any], y: Value, u: Value) -> set[int]:
    """Serials of the values at which a path stops: the named ones, or all if none has a name."""
    on_the_way = [v for v in nodes if v.serial in reach and v.serial >= u.serial and type(v._array) is not tuple]
    named = {v.serial for v in on_the_way if v.name}
    if named - {y.serial, u.serial}:
        return named | {y.serial, u.serial}
    return {v.serial for v in on_the_way} | {y.serial, u.serial}
