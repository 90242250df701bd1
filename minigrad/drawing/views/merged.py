"""The view of operations of a graph that is too large for it: boxes that stand for many values, and what they hide.

Which values share a box is decided in `shrinking`. A value that has its own is shown as in the view of operations.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import findings, numbers, words
from ..clusters import clusters, path_of
from ..contraction import depths, distinct
from ..diagram import ZERO, Cluster, Diagram, Edge, Group, Node
from ..letters import COMPARABLE, Letters, letters
from ..shrinking import Shrunk, shrink
from ..sums import sums
from ..survey import Survey
from ..theme import letter
from .ops import ops, width

LONG = 1_800  # seconds that nobody waits for a picture
STRIP = 10  # boxes one after another, from which on they stand one below the other
LABELS = 3  # operations of a box that are counted by name
DONE = {
    "clusters": "scopes and layers are closed",
    "chains": "chains of operations are one box each",
    "alike": "what is computed alike out of equal values is one box, ×n",
    "layers": "what is equally far from the leaves is one box",
}
MOVES = "The width of an arrow to or from such a box: all of the gradient at its beginning."


def within(found: Survey, seconds: float, *, fold: bool = True) -> Diagram:
    """The view of operations, with so much hidden that the picture takes about so many seconds at most."""
    fold = fold and len(found.values) <= COMPARABLE  # beyond, sums are parts of what is merged anyway
    inner = {head: s.parts for head, s in sums(found).items()} if fold else {}
    boxes, places = clusters(found)
    shrunk = shrink(found, inner, boxes, places, seconds)
    return (
        ops(found, fold=fold, boxed=(boxes, places))
        if shrunk is None
        else _merged(found, shrunk, boxes, places, fold)
    )


def _merged(
    found: Survey, shrunk: Shrunk, boxes: Sequence[Cluster], places: Sequence[int | None], fold: bool
) -> Diagram:
    grouped = letters(found)
    shown = set(distinct(shrunk.labels).tolist()) - set(shrunk.kinds)
    base = ops(found, fold=fold, shown=shown, grouped=grouped, boxed=((), places))
    inside = {label: np.flatnonzero(shrunk.labels == label) for label in shrunk.kinds}
    nodes = [
        replace(n, times=shrunk.times.get(int(n.id[1:]), 1), cluster=places[int(n.id[1:])]) for n in base.nodes
    ]
    nodes += [_box(found, shrunk, label, members, places[label]) for label, members in inside.items()]
    nodes.sort(key=lambda node: int(node.id[1:]))
    kept, nodes = _used(boxes, nodes)
    groups, nodes = _seen(base.groups, nodes)
    edges = (*base.edges, *_edges(found, shrunk, base.edges))
    return replace(
        base,
        nodes=tuple(nodes),
        edges=edges,
        groups=groups,
        clusters=kept,
        attributes=(("rankdir", "TB"),) if _is_strip(edges, len(nodes)) else (),
        title=_title(base, found, shrunk, grouped, len(nodes)),
        notes=_notes(found, nodes, edges, groups, grouped),
        hidden=_hidden(found, shrunk, len(nodes)),
    )


def _is_strip(edges: Sequence[Edge], boxes: int) -> bool:
    """Whether boxes follow one another: side by side they would be too wide to be read."""
    ends = [(int(edge.head[1:]), int(edge.tail[1:])) for edge in edges]
    longest = max(depths(*np.array(ends).T).values(), default=0) if ends else 0
    return longest >= STRIP and boxes <= 1.5 * longest


def _seen(groups: Sequence[Group], nodes: Sequence[Node]) -> tuple[tuple[Group, ...], list[Node]]:
    """Groups of which two members can be seen, with letters from A on; nodes with these."""
    kept = [group for group in groups if len(group.members) > 1 or group.letter == ZERO]
    letters_ = {group.letter: ZERO if group.letter == ZERO else letter(k) for k, group in enumerate(kept)}
    renamed = tuple(replace(group, letter=letters_[group.letter]) for group in kept)
    return renamed, [
        replace(
            node,
            group=letters_.get(node.group or ""),
            tie=node.tie if node.group in letters_ else "",
            cell_groups=tuple(tuple(letters_.get(x, "") for x in line) for line in node.cell_groups),
        )
        for node in nodes
    ]


def _box(found: Survey, shrunk: Shrunk, label: int, members: Any, place: int | None) -> Node:
    """The box for several values, named after the last of them."""
    kind = shrunk.kinds[label]
    v, g = found.values[label], found.gradients[label]
    array = np.asarray(v._array) if kind == "chain" and not isinstance(v._array, tuple) else None
    return Node(
        id=f"n{label}",
        kind=kind,
        name=shrunk.names.get(label, found.names[label] if kind == "chain" else ""),
        operation=_operations(found, members[~shrunk.leaf[members]]),
        formula="",
        shape=() if array is None else array.shape,
        dtype="" if array is None else array.dtype.name,
        value=None if array is None else numbers.of_value(v._array),
        gradient=None if array is None or g is None else numbers.of_gradient(g),
        cluster=None if kind == "layer" or place is None else place,
        count=len(members),
        times=shrunk.times.get(label, 1),
        hides=_leaves(found, members[shrunk.leaf[members]]),
    )


def _operations(found: Survey, made: Any) -> str:
    """What is done most often inside: ``500 *, 499 +, ...``."""
    counted = Counter(op.label for k in made.tolist() if (op := found.values[k].op) is not None)
    told = [f"{times:,} {words.cut(label)}" for label, times in counted.most_common(LABELS)]
    return ", ".join(told) + (" …" if len(counted) > LABELS else "")


def _leaves(found: Survey, leaves: Any) -> str:
    """How many leaves are inside, and the norm of their gradients."""
    if not len(leaves):
        return ""
    norm = _norm(found, leaves)
    told = f"{len(leaves):,} {'leaf' if len(leaves) == 1 else 'leaves'}"
    return told if norm is None else f"{told}, ∂ norm {words.number(norm)}"


def _norm(found: Survey, members: Any) -> float | None:
    """The norm of the gradients of several values together; None where none comes."""
    sizes = [words.norm(np.asarray(g)) for k in members.tolist() if (g := found.gradients[k]) is not None]
    return words.norm(np.array(sizes)) if sizes else None


def _edges(found: Survey, shrunk: Shrunk, known: Sequence[Edge]) -> list[Edge]:
    """One arrow between two boxes, where the view of operations has none."""
    there = {(edge.tail, edge.head) for edge in known}
    missing = [arrow for arrow in _crossing(shrunk) if (f"n{arrow[0]}", f"n{arrow[1]}") not in there]
    flows = [_norm(found, tails) for *_, tails in missing]
    finite = [flow for flow in (*flows, *(edge.flow for edge in known)) if flow is not None and math.isfinite(flow)]
    largest, places = max(finite, default=0.0), Counter(edge.head for edge in known)
    edges = []
    for number, ((tail, head, count, _), flow) in enumerate(zip(missing, flows, strict=True), start=len(known)):
        edge = Edge(f"e{number}", f"n{tail}", f"n{head}", places[f"n{head}"], flow=flow, width=width(flow, largest))
        edges.append(replace(edge, count=count))
        places[edge.head] += 1
    return edges


def _crossing(shrunk: Shrunk) -> list[tuple[int, int, int, Any]]:
    """For each two boxes with an arrow between them: both, how many uses it stands for, of which values."""
    labels, n = shrunk.labels, len(shrunk.labels)
    apart = labels[shrunk.heads] != labels[shrunk.tails]
    heads, tails = shrunk.heads[apart], shrunk.tails[apart]
    between = labels[heads] * n + labels[tails]
    order = np.argsort(between, kind="stable")
    keys, starts = np.unique(between[order], return_index=True)
    uses = np.split(tails[order], starts[1:])
    return [(int(key % n), int(key // n), len(t), distinct(t)) for key, t in zip(keys.tolist(), uses, strict=True)]


def _used(boxes: Sequence[Cluster], nodes: Sequence[Node]) -> tuple[tuple[Cluster, ...], list[Node]]:
    """Boxes around something, numbered anew; a closed box stands in the one around it."""
    placed = [_outside(node, boxes) for node in nodes]
    wanted: set[int] = set()
    for place in placed:
        while place is not None and place not in wanted:
            wanted.add(place)
            place = boxes[place].parent
    number = {old: new for new, old in enumerate(sorted(wanted))}
    kept = tuple(
        replace(boxes[old], parent=None if (parent := boxes[old].parent) is None else number[parent])
        for old in number
    )
    pairs_ = zip(nodes, placed, strict=True)
    return kept, [replace(node, cluster=None if place is None else number[place]) for node, place in pairs_]


def _outside(node: Node, boxes: Sequence[Cluster]) -> int | None:
    place = node.cluster
    if node.kind != "cluster":
        return place
    while place is not None and path_of(boxes, place) != node.name:
        place = boxes[place].parent
    return None if place is None else boxes[place].parent


def _title(base: Diagram, found: Survey, shrunk: Shrunk, grouped: Letters, count: int) -> str:
    """How much there is, and how many gradients its leaves share, if that is known."""
    told = f"{len(found.values):,} values in {count:,} boxes"
    leaves = {k for k in np.flatnonzero(shrunk.leaf).tolist() if found.gradients[k] is not None}
    if len(found.values) <= COMPARABLE and len(leaves) > 1:
        shared = [len(leaves.intersection(group.members)) for group in grouped.groups]
        different = len(leaves) - sum(n - 1 for n in shared if n)
        told += f", {len(leaves):,} leaves with {different:,} different gradient{'s' * (different > 1)}"
    return f"{base.title.split(' · ')[0]} · {told}"


def _notes(
    found: Survey, nodes: Sequence[Node], edges: Sequence[Edge], groups: Sequence[Group], grouped: Letters
) -> tuple[str, ...]:
    """How to read it. That no two gradients are equal is not said where some that are cannot be seen."""
    if not found.sweep:
        return (found.remark,)
    notes = findings.notes(nodes, edges, groups, grouped.unproved)
    compared = len(found.values) <= COMPARABLE
    if not groups and (grouped.groups or not compared):
        notes = tuple(note for note in notes if not note.startswith("No two"))
    if not compared:
        notes = (*notes, f"Of more than {COMPARABLE:,} values, gradients are not compared.")
    return (*notes, MOVES, *([found.remark] if found.remark else []))


def _hidden(found: Survey, shrunk: Shrunk, count: int) -> tuple[str, ...]:
    """What was left out, and how to get it."""
    done = "; ".join(DONE[step] for step in shrunk.done)
    needed = math.ceil(shrunk.needed * 1.25)
    told = f"To fit the time, {len(found.values):,} values are shown in {count:,} boxes: {done}."
    if needed < LONG:
        return told, f"For all of them: draw(y, seconds={needed})."
    hours = f"{max(round(needed / 3600), 1):,} hour{'s' * (needed > 5400)}"
    return told, f"All of them, draw(y, seconds={needed}), may take {hours}: draw a part, or name parts with scope."
