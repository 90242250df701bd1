"""Finds repeated parts of a graph: the steps of a loop, equal blocks, the windows of a convolution.

The operations stand in serial order, so a part that runs again and again is a run of operations with a period. It
is a repetition only if its parts are connected alike: to places of the same part, to places of the part before (the
state that is carried), to one value for all parts (shared weights), or to a value of their own each.
About linear in the size of the graph: only periods at which many short stretches recur are tried.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ..engine.op import TABLE
from ..engine.value import Value
from .fold_sums import Sum
from .graph_data import Survey

CHAINED, APART = 12, 60  # minimum operations that folding hides: of a loop; of parts side by side
MANY = 150  # operations; in a graph of more, parts side by side are folded like those of a loop
FEWEST = 3  # repetitions
LONGEST = 4_096  # operations of a part
PHASES = 8  # places in a run that are tried as the first operation of a part
GETITEM = TABLE[operator.getitem]

Tails: TypeAlias = tuple[Any, ...]  # for each operand of an op, the position of the Value, or its text
Link: TypeAlias = tuple[tuple[Any, ...], ...]  # how the operands of a part are connected


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repeated part.

    times    the number of repetitions
    members  for each place of the part, the positions of its values, one for each repetition; operations first,
             then leaves that each repetition has for itself
    carried  whether each repetition depends on the one before
    outer    the index of the repeat that contains this one; None if none does
    """

    times: int
    members: tuple[tuple[int, ...], ...]
    carried: bool
    outer: int | None = None


def find_repeats(found: Survey, folded: Mapping[int, Sum]) -> tuple[Repeat, ...]:
    """The repeated parts of a graph, outer before inner. An inner one is that of the last repetition of the outer.

    folded: the long sums that are shown as one operation.
    """
    search = _Search(found, folded)
    todo: list[tuple[int, int, int | None]] = [(0, len(search.order), None)]
    while todo:
        first, end, outer = todo.pop()
        for start, period, times, carried in search.runs(first, end):
            search.repeats.append(search.repeat(start, period, times, carried, outer))
            last = start + (times - 1) * period
            todo.append((last, last + period, len(search.repeats) - 1))
    return tuple(search.repeats)


@dataclass(slots=True)
class _Search:
    """Operations in serial order (`order`: their positions), what each is (`tokens`) and what it uses (`tails`)."""

    found: Survey
    folded: Mapping[int, Sum]
    order: list[int] = field(default_factory=list)
    at: dict[int, int] = field(default_factory=dict)
    tokens: Any = None
    tails: list[Tails] = field(default_factory=list)
    users: list[list[int]] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)

    def __post_init__(self) -> None:
        found, numbers = self.found, dict[Any, int]()
        parts = {part for long in self.folded.values() for part in long.parts}
        self.order = [k for k, v in enumerate(found.values) if v.op is not None and k not in parts]
        self.at = {k: place for place, k in enumerate(self.order)}
        kinds = [_kind(found, k, self.folded.get(k)) for k in self.order]
        self.tokens = np.array([numbers.setdefault(kind, len(numbers)) for kind in kinds], np.int64)
        self.tails = [_tails(found, k, self.folded.get(k)) for k in self.order]
        self.users = [[] for _ in found.values]
        for head, tails in zip(self.order, self.tails, strict=True):
            for tail in tails:
                if not isinstance(tail, str):
                    self.users[tail].append(head)

    def runs(self, first: int, end: int) -> list[tuple[int, int, int, bool]]:
        """(start, period, times, carried) of repetitions that do not overlap: those that hide most come first."""
        tokens = self.tokens[first:end]
        known: list[tuple[int, int, int, bool]] = []
        for period in _periods(tokens):
            for start, length in _stretches(tokens, period):
                if length >= FEWEST * period:
                    known += self._aligned(first + start, period, length)
        known.sort(key=lambda run: (-(run[2] - 1) * run[1], run[1], run[0]))
        taken: list[tuple[int, int, int, bool]] = []
        free = np.ones(end - first, bool)
        for run in known:
            place = slice(run[0] - first, run[0] - first + run[1] * run[2])
            if free[place].all():
                free[place] = False
                taken.append(run)
        return taken

    def _aligned(self, start: int, period: int, length: int) -> Iterator[tuple[int, int, int, bool]]:
        """The longest repetition of a run, from the first operation at which it is longest."""
        spare = length % period
        found = []
        for phase in range(0, spare + 1, max(1, (spare + 1) // PHASES)):
            found.append(self._connected(start + phase, period, (length - phase) // period))
        runs = [run for run in found if run is not None]
        if runs:  # a part that cuts the real one in two hands something on, though it is no loop
            *run, loop, _ = max(runs, key=lambda run: (run[3] or not run[4], run[2]))
            yield run[0], run[1], run[2], loop

    def _connected(self, start: int, period: int, times: int) -> tuple[int, int, int, bool, bool] | None:
        """The longest part of a run whose repetitions are connected alike; None if it hides too little.

        Then start, period, times, whether it is a loop, and whether a repetition uses the one before.
        """
        links = [self._link(start + k * period, period) for k in range(times)]
        first, count, k = 0, 0, 1
        while k < times:
            end = k
            while end < times and links[end] == links[k]:
                end += 1
            begin = k - 1 if self._opens(start, period, k - 1, links[k]) else k
            if end - begin > count:
                first, count = begin, end - begin
            k = end
        result = self.at.get(self.found.result, -1)
        if count and start + first * period <= result < start + (first + count) * period:
            count -= 1  # the result has a box of its own
        if count < FEWEST:
            return None
        link = links[first + 1]
        loop = _is_loop(link)
        if (count - 1) * period < (CHAINED if loop or len(self.order) > MANY else APART):
            return None
        return start + first * period, period, count, loop, any(kind == "carried" for kind, *_ in link)

    def _link(self, start: int, period: int) -> Link:
        """How the part at `start` is connected: to itself, to the part before, to the same or other values."""
        link: list[tuple[Any, ...]] = []
        for place in range(start, start + period):
            now = self.tails[place]
            before = self.tails[place - period] if place >= period else ()
            for operand, tail in enumerate(now):
                link.append(self._connection(start, period, tail, before[operand : operand + 1]))
            link.append(("end",))
        return tuple(link)

    def _connection(self, start: int, period: int, tail: Any, before: Tails) -> tuple[Any, ...]:
        if isinstance(tail, str):
            return ("constant", tail)
        place = self.at.get(tail, -1)
        if place >= start:
            return "inside", place - start
        if place >= start - period and place >= 0:
            return "carried", place - start + period
        return ("shared",) if before == (tail,) else self._own(tail)

    def _own(self, tail: int) -> tuple[Any, ...]:
        v = self.found.values[tail]
        return "own", v.op is None, np.shape(v._array)

    def _opens(self, start: int, period: int, k: int, link: Link) -> bool:
        """Whether a part is like those after it, whose links are equal, but for the state that it starts with."""
        first = start + k * period
        here = self._link(first, period)
        tails = [tail for place in range(first, first + period) for tail in (*self.tails[place], "")]
        if len(here) != len(link):
            return False
        return all(
            one == other
            or (other[0] in ("carried", "shared") and one[0] not in ("inside", "end"))
            or (other[0] == "own" and isinstance(tail, int) and one[0] != "inside" and self._own(tail) == other)
            for one, other, tail in zip(here, link, tails, strict=True)
        )

    def repeat(self, start: int, period: int, times: int, carried: bool, outer: int | None) -> Repeat:
        """The repeat of a run, with the leaves that each repetition has for itself."""
        at = [range(start + place, start + place + times * period, period) for place in range(period)]
        members = [tuple(self.order[k] for k in column) for column in at]
        inside = {k for column in members for k in column}
        taken: set[int] = set()
        for column in at:
            for operand in range(len(self.tails[column[-1]])):
                leaves: list[Any] = [self.tails[k][operand] if operand < len(self.tails[k]) else "" for k in column]
                if self._are_own(leaves, inside) and not taken.intersection(leaves):
                    taken.update(leaves)
                    members.append(tuple(leaves))
        return Repeat(times, tuple(members), carried, outer)

    def _are_own(self, leaves: Sequence[Any], inside: set[int]) -> bool:
        """Whether these are different leaves, used nowhere else."""
        values = self.found.values
        return (
            all(not isinstance(k, str) and values[k].op is None for k in leaves)
            and len(set(leaves)) == len(leaves)
            and len({(np.shape(values[k]._array), self.found.gradients[k] is None) for k in leaves}) == 1
            and all(inside.issuperset(self.users[k]) for k in leaves)
        )


def _is_loop(link: Link) -> bool:
    """Whether a part's carried state depends on that of the part before."""
    place, reached, carried = 0, set(), set()
    for kind, *which in link:
        if kind == "end":
            place += 1
        elif kind == "carried":
            carried.add(which[0])
            reached.add(place)
        elif kind == "inside" and which[0] in reached:
            reached.add(place)
    return bool(carried & reached)


def _kind(found: Survey, k: int, folded: Sum | None) -> tuple[Any, ...]:
    """What an operation is: the op, its parameters, the type of its result. An index may differ."""
    v = found.values[k]
    shape = None if isinstance(v._array, tuple) else (v._array.shape, v._array.dtype)
    params = () if v.op is GETITEM else tuple((name, repr(x)) for name, x in (v.params or {}).items())
    terms = len(folded.terms) if folded else 0
    return id(v.op), terms, shape, params, found.gradients[k] is None, k in found.wrong


def _tails(found: Survey, k: int, folded: Sum | None) -> Tails:
    """For each operand the position of the Value; for a constant its shape."""
    if folded:
        return (*(tail for tail, *_ in folded.terms), *(f"constant {np.shape(x)}" for x in folded.constants))
    uses = iter(found.uses[k])
    return tuple(
        next(uses) if isinstance(x, Value) else f"constant {np.shape(x)}" for x in found.values[k].operands
    )


def _periods(tokens: Any) -> list[int]:
    """The periods at which many stretches of 1, 2, 4, ... operations recur, short before long."""
    n, votes = len(tokens), Counter[int]()
    numbers, length = tokens, 1
    while length <= min(n // 2, LONGEST):
        order = np.argsort(numbers, kind="stable")
        same = numbers[order][1:] == numbers[order][:-1]
        gaps, counts = np.unique((order[1:] - order[:-1])[same], return_counts=True)
        for gap, count in zip(gaps.tolist(), counts.tolist(), strict=True):
            if gap <= LONGEST and count >= (FEWEST - 1) * gap - length:
                votes[gap] = max(votes[gap], count)
        if len(numbers) <= length:
            break
        pairs = numbers[:-length] * (int(numbers.max()) + 1) + numbers[length:]
        _, numbers = np.unique(pairs, return_inverse=True)
        length *= 2
    return sorted(votes)


def _stretches(tokens: Any, period: int) -> list[tuple[int, int]]:
    """(start, length) of the longest stretches in which each operation equals the one a period before."""
    same = np.concatenate(([False], tokens[period:] == tokens[:-period], [False])).astype(np.int8)
    edges = np.flatnonzero(np.diff(same))
    return [(int(start), int(end - start) + period) for start, end in edges.reshape(-1, 2)]
