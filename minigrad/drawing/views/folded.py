"""The view of operations with repeated parts drawn once, in a box ×n.

The last repetition is drawn. Its boxes state what holds for all: the range of the values, of the norms of the
gradients, a letter if all have it. A parameter that all repetitions use stays outside, with its gradient: the sum.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from .. import captions
from ..badges import badges
from ..cells import NOTE as CELLS
from ..clusters import clusters
from ..diagram import ZERO, Cluster, Diagram, DiagramNode, Edge, Group
from ..equal_groups import Letters, letters
from ..fold_sums import Sum, sums
from ..graph_data import Survey
from ..reletter import with_separate_groups_first
from ..repeat_text import common_name, common_text, skeleton, span, strip, value_range
from ..repeats import Repeat, find_repeats
from ..tied_paths import on_tied_paths
from .nested_boxes import nest_repeats
from .operations import operation_of, ops_view, term_edges

NOTE = (
    "A box ×n stands for n equal parts and shows one; numbers in it are ranges over all n. "
    "Back: handed on to the next part; first, last: of the n parts."
)
SHARED = "The gradient of a parameter outside the box is the sum over all its uses."

Boxed = tuple[Sequence[Cluster], Sequence[int | None]]


def folded_view(
    found: Survey, *, fold: bool = True, boxed: Boxed | None = None, lettered: Callable[[], Letters] | None = None
) -> Diagram | None:
    """The diagram with repeated parts folded; None if nothing is repeated. fold: one node for a long sum."""
    inner = sums(found) if fold else {}
    repeats = find_repeats(found, inner)
    if not repeats:
        return None
    grouped = letters(found) if lettered is None else lettered()  # slow, so not before it is needed
    boxes, places = clusters(found) if boxed is None else boxed
    return _Folding(found, repeats, inner, grouped).diagram(boxes, places, fold)


class _Folding:
    """For each value the one that is drawn for it (`drawn`), and for each drawn value those it stands for."""

    def __init__(
        self, found: Survey, repeats: Sequence[Repeat], inner: Mapping[int, Sum], grouped: Letters
    ) -> None:
        self.found, self.repeats, self.inner, self.grouped = found, repeats, inner, grouped
        self.drawn = list(range(len(found.values)))
        self.around: dict[int, int] = {}  # the innermost repeat around a drawn value
        self.turn: list[dict[int, int]] = []  # for each repeat, which repetition a value belongs to
        for number, repeat in enumerate(repeats):
            last = {k: column[-1] for column in repeat.members for k in column}
            self.drawn = [last.get(k, k) for k in self.drawn]
            self.around.update((column[-1], number) for column in repeat.members)
            self.turn.append(self._turns(repeat))
        parts = {part for long in inner.values() for part in long.parts}
        self.members: dict[int, list[int]] = defaultdict(list)
        for k, drawn in enumerate(self.drawn):
            if k not in parts:
                self.members[drawn].append(k)

    def _turns(self, repeat: Repeat) -> dict[int, int]:
        """Which repetition each value belongs to; within each repetition of the repeats around it."""
        turns = {k: turn for column in repeat.members for turn, k in enumerate(column)}
        for number in self.chain_of(repeat.outer):
            columns = [column for column in self.repeats[number].members if column[-1] in turns]
            turns |= {k: turns[column[-1]] for column in columns for k in column}
        return turns

    def join(self, first: int, other: int) -> None:
        """Treat two repeats as one: their repetitions are in the same boxes, as the sums and outputs of neurons."""
        self.turn[first] |= self.turn[other]
        self.around = {k: first if number == other else number for k, number in self.around.items()}
        self.repeats = [replace(r, outer=first if r.outer == other else r.outer) for r in self.repeats]

    def diagram(self, boxes: Sequence[Cluster], places: Sequence[int | None], fold: bool) -> Diagram:
        """The diagram, in the boxes of the scopes."""
        leaves = {k for k, v in enumerate(self.found.values) if v.op is None}
        base = ops_view(
            self.found, fold=fold, shown={*self.members, *leaves}, grouped=self.grouped, boxed=((), places)
        )
        boxed = nest_repeats(self.repeats, self.found, boxes, places, list(self.members))
        for first, other in boxed.same:
            self.join(first, other)
        edges = self._edges()
        arrows = tuple(edge for edge, _ in edges)
        per_use = _per_use(edges)
        nodes = [
            replace(self._node(node), cluster=boxed.number.get(k))
            for node in base.nodes
            if (k := int(node.id[1:])) in self.members
        ]
        nodes = [_with_uses(node, per_use.get(node.id, ())) for node in nodes]
        groups, nodes = _groups(base.groups, nodes)
        made = replace(
            base,
            nodes=tuple(nodes),
            edges=on_tied_paths(nodes, arrows),
            groups=groups,
            clusters=boxed.clusters,
            notes=self._notes(base, groups, nodes, arrows),
            hidden=self._hidden(),
        )
        return with_separate_groups_first(made)

    def _notes(
        self, base: Diagram, groups: Sequence[Group], nodes: Sequence[DiagramNode], edges: Sequence[Edge]
    ) -> tuple[str, ...]:
        """How to read it. "No two gradients are equal" is left out if some equal ones are not drawn."""
        if not self.found.sweep:
            return (*base.notes, NOTE)
        notes = captions.notes(nodes, edges, groups, self.grouped.unproved)
        if not groups and self.grouped.groups:
            notes = tuple(note for note in notes if not note.startswith("No two"))
        cells = [CELLS] * any(any(map(any, node.cell_groups)) for node in nodes)
        shared = [SHARED] * any(node.strip for node in nodes)
        return (*notes, *cells, NOTE, *shared, *([self.found.remark] if self.found.remark else []))

    def _hidden(self) -> tuple[str, ...]:
        total = len(self.found.values)
        return (
            f"{total:,} values are shown in {len(self.members):,} boxes: repeated parts are drawn once. "
            "draw(..., repeats=False) draws each.",
        )

    # ---------------------------------------------------------------------------------------------- nodes

    def chain(self, k: int) -> list[int]:
        """The repeats around a drawn value, the innermost first."""
        return self.chain_of(self.around.get(k))

    def chain_of(self, number: int | None) -> list[int]:
        """A repeat and those around it."""
        chain = []
        while number is not None:
            chain.append(number)
            number = self.repeats[number].outer
        return chain

    def _node(self, node: DiagramNode) -> DiagramNode:
        members = self.members[int(node.id[1:])]
        if len(members) == 1:
            return node
        found, values = self.found, [self.found.values[k] for k in members]
        gradients = [found.gradients[k] for k in members]
        group, tie = self._letter(members)
        return replace(
            node,
            name=common_name([found.names[k] for k in members]),
            operation=self._operation(members) if node.operation else "",
            value=None if isinstance(values[0]._array, tuple) else value_range([v._array for v in values]),
            gradient=None if gradients[0] is None else value_range(gradients, norm=True),
            group=group,
            tie=tie,
            badges=self._badges(members),
            count=node.count * len(members),
        )

    def _operation(self, members: Sequence[int]) -> str:
        """The operation; a number in it that differs from part to part becomes …"""
        texts = [operation_of(self.found.values[k], self.inner.get(k)) for k in members]
        return common_text([text for text in texts if skeleton(text) == skeleton(texts[-1])], lambda _: "…")

    def _letter(self, members: Sequence[int]) -> tuple[str | None, str]:
        """The letter and the tie that all have; None, "" if they differ."""
        for group in self.grouped.groups:
            if members[-1] in group.members:
                tie = dict(zip(group.members, group.ties, strict=True))
                same = all(k in tie for k in members)
                ties = {tie[k] for k in members} if same else {""}
                return (group.letter if same else None), (ties.pop() if len(ties) == 1 else "")
        return None, ""

    def _badges(self, members: Sequence[int]) -> tuple[str, ...]:
        """The badges of all; one that only some have tells how many."""
        found = self.found
        counted = Counter(
            badge
            for k in members
            for badge in badges(
                found.values[k], found.gradients[k], frozen=k in self.grouped.frozen, wrong=k in found.wrong
            )
        )
        n = len(members)
        return tuple(b if times == n else f"{b} in {times:,} of {n:,}" for b, times in counted.items())

    # ---------------------------------------------------------------------------------------------- edges

    def _edges(self) -> list[tuple[Edge, list[float]]]:
        """The arrows between drawn values, each with the flows of the uses that it stands for."""
        parts = {part for long in self.inner.values() for part in long.parts}
        every = term_edges(self.found, [k for k in range(len(self.drawn)) if k not in parts], self.inner)
        joined: dict[tuple[int, int, int, int], list[Edge]] = defaultdict(list)
        seen: Counter[tuple[str, str]] = Counter()
        for edge in every:
            seen[edge.head, edge.tail] += 1
            tail, head = self.drawn[int(edge.tail[1:])], self.drawn[int(edge.head[1:])]
            joined[head, tail, seen[edge.head, edge.tail], self._lag(edge)].append(edge)
        ordered = sorted(joined.items(), key=lambda item: (item[0][0], item[1][-1].place, item[0][1:]))
        return [
            (self._joined(f"e{number}", *key, uses), [use.flow for use in uses if use.flow is not None])
            for number, (key, uses) in enumerate(ordered)
        ]

    def _joined(self, name: str, head: int, tail: int, _: int, lag: int, uses: Sequence[Edge]) -> Edge:
        """One arrow for several uses. It shows the derivative if all have it; else the range, if it is a number."""
        shared = self._shared(head, tail)
        count = 1 if lag else max(len(uses) // math.prod(self.repeats[number].times for number in shared), 1)
        turn = "" if count > 1 else self._turn(shared, head, tail)
        if lag:
            turn = "next" if lag == 1 else f"{abs(lag)} {'later' if lag > 0 else 'earlier'}"
        edge = replace(uses[-1], id=name, tail=f"n{tail}", head=f"n{head}", count=count, turn=turn)
        if len(uses) == 1:
            return edge
        flows = [use.flow for use in uses if use.flow is not None]
        derivative, exact = _derivative(uses)
        return replace(
            edge,
            derivative=derivative,
            exact=exact,
            contribution=f"norm {span(flows)}" if flows else "",
            exact_contribution="",
            flow=max(flows) if flows else None,
            width=max(use.width for use in uses),
        )

    def _shared(self, head: int, tail: int) -> list[int]:
        """The repeats around both ends of an arrow, the innermost first."""
        return [number for number in self.chain(head) if number in self.chain(tail)]

    def _lag(self, use: Edge) -> int:
        """How many repetitions later a use takes a value; 0 within one."""
        tail, head = int(use.tail[1:]), int(use.head[1:])
        shared = [self.turn[number] for number in self._shared(self.drawn[head], self.drawn[tail])]
        lags = [turns[head] - turns[tail] for turns in shared]
        return next((lag for lag in reversed(lags) if lag), 0)  # of the outermost loop

    def _turn(self, shared: Sequence[int], head: int, tail: int) -> str:
        if self.chain(head) != shared:
            return "first"
        return "last" if self.chain(tail) != shared else ""


def _derivative(uses: Sequence[Edge]) -> tuple[str, str]:
    texts, exact = {use.derivative for use in uses}, [use.exact for use in uses]
    if len(texts) == 1:
        return texts.pop(), exact[0] if len(set(exact)) == 1 else ""
    if all(exact):
        return span([float(x) for x in exact]), ""
    return "", ""


def _per_use(edges: Sequence[tuple[Edge, list[float]]]) -> dict[str, list[float]]:
    """For each value that is used once in every repetition: the norms of what the uses add to its gradient."""
    flows: dict[str, list[list[float]]] = defaultdict(list)
    for edge, parts in edges:
        flows[edge.tail].append(parts if edge.count > 1 else [])
    return {tail: parts[0] for tail, parts in flows.items() if len(parts) == 1 and parts[0]}


def _with_uses(node: DiagramNode, norms: Sequence[float]) -> DiagramNode:
    """A leaf with the range of what its uses add to its gradient, and their strip."""
    if node.operation or not norms:
        return node
    return replace(node, hides=f"∂ of {len(norms):,} uses: norm {span(norms)}", strip=strip(norms))


def _groups(groups: Sequence[Group], nodes: Sequence[DiagramNode]) -> tuple[tuple[Group, ...], list[DiagramNode]]:
    """The groups of drawn nodes, without members that are not drawn or differ; a box ×n is several members."""
    drawn = {node.id: node for node in nodes}
    kept: list[Group] = []
    for group in groups:
        found = group.onto(lambda member, group=group: member if _is_drawn(member, group, drawn) else "")  # type: ignore[misc]
        several = len(found.members) > 1 or any(drawn[m.partition(":")[0]].count > 1 for m in found.members)
        if found.members and (several or group.letter == ZERO):
            kept.append(_as_drawn(found, drawn))
    letters_ = {group.letter for group in kept}
    return tuple(kept), [
        replace(
            node,
            group=node.group if node.group in letters_ else None,
            tie=node.tie if node.group in letters_ else "",
            cell_groups=tuple(tuple(x if x in letters_ else "" for x in line) for line in node.cell_groups)
            if node.value and node.value.cells
            else (),
        )
        for node in nodes
    ]


def _as_drawn(group: Group, drawn: Mapping[str, DiagramNode]) -> Group:
    """The group with the names and the ties of the drawn nodes, which stand for all repetitions."""
    given = zip(group.members, group.names, group.ties, strict=True)
    each = [(name, tie) if ":" in m else (drawn[m].name, drawn[m].tie) for m, name, tie in given]
    return replace(group, names=tuple(name for name, _ in each), ties=tuple(tie for _, tie in each))


def _is_drawn(member: str, group: Group, drawn: Mapping[str, DiagramNode]) -> bool:
    one, _, cell = member.partition(":")
    if one not in drawn:
        return False
    if cell:
        return bool(drawn[one].value and drawn[one].value.cells)  # type: ignore[union-attr]
    return drawn[one].group == group.letter
