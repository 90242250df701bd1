"""The view of operations for a large graph: boxes that stand for many values, with a description of these.

`coarsen` decides which values share a box. A value with its own box looks as in the view of operations.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import array_summary, captions, format
from ..clusters import clusters, path_of
from ..coarsen import Shrunk, cost, shrink
from ..dag import distinct
from ..diagram import ZERO, Cluster, Diagram, DiagramNode, Edge, Group
from ..equal_groups import COMPARABLE, Letters, letters
from ..fold_sums import sums
from ..graph_data import Survey
from ..marks import base
from ..reletter import with_marks_of
from ..theme import letter
from ..tied_paths import on_tied_paths
from . import view
from .folded import folded_view
from .module_cards import all_cards
from .operations import arrow_width, ops_view
from .request import PAGE, ViewRequest

LONG = 1_800  # seconds: nobody waits longer for a picture
BOXES = 200  # maximum boxes on a page of the usual width, which is about four times as long as wide
NAMED = 4  # leaves inside that a box names
LABELS = 3  # kinds of operations that a box lists
DONE = {
    "clusters": "scopes and layers are closed",
    "chains": "chains of operations are one box each",
    "equal": "values computed in the same way from equal values are one box, ×n",
    "layers": "values equally far from the leaves are one box",
}
MOVES = "If an arrow joins a box of several values, its width shows the whole gradient of the values at its tail."


@view("ops", "a node for each value")
def coarse_ops(request: ViewRequest) -> Diagram:
    """The operations of a graph, with the letters of the cards; a large one fits the time and the page."""
    made = _folded(request) or unrolled(request)
    if made.hidden or not request.is_small or request.network is None or request.network.tied is None:
        return made
    summary = request.network.tied.found.summary()  # as on the cards
    made = replace(made, title=f"{made.title.split(' · ')[0]} · {summary}")
    return with_marks_of(made, all_cards(request).groups)


def _folded(request: ViewRequest) -> Diagram | None:
    """The operations with repeated parts drawn once; None if nothing is repeated, or the picture takes too long."""
    found = request.survey
    if not request.repeats or len(found.values) > COMPARABLE:
        return None
    made = folded_view(found, fold=request.sums, lettered=lambda: request.letters)
    if made is None or cost(len(found.values), len(made.nodes), len(made.edges)) > request.seconds:
        return None
    return replace(made, width=request.width)


@view("unrolled", "as ops, with every repetition of a repeated part", draws=("value",), in_viewer=False)
def unrolled(request: ViewRequest) -> Diagram:
    """Each repetition drawn by itself. The page of a picture with boxes ×n offers it."""
    return within(request.survey, request.seconds, fold=request.sums, width=request.width, grouped=request.letters)


def within(
    found: Survey, seconds: float, *, fold: bool = True, width: float = PAGE, grouped: Letters | None = None
) -> Diagram:
    """The view of operations, shrunk so that the picture takes at most about these seconds and fits its page.

    grouped: the result of `letters`, if it is known.
    """
    fold = fold and len(found.values) <= COMPARABLE  # in a larger graph, sums are merged anyway
    inner = {head: s.parts for head, s in sums(found).items()} if fold else {}
    boxes, places = clusters(found)
    pages = width / PAGE
    most = BOXES * max(pages, pages**2)  # a narrow page may be longer
    shrunk = shrink(found, inner, boxes, places, seconds, most)
    return (
        ops_view(found, fold=fold, grouped=grouped, boxed=(boxes, places))
        if shrunk is None
        else _coarse_diagram(found, shrunk, boxes, places, fold, seconds, grouped or letters(found))
    )


def _coarse_diagram(
    found: Survey,
    shrunk: Shrunk,
    boxes: Sequence[Cluster],
    places: Sequence[int | None],
    fold: bool,
    seconds: float,
    grouped: Letters,
) -> Diagram:
    shown = set(distinct(shrunk.labels).tolist()) - set(shrunk.kinds)
    base = ops_view(found, fold=fold, shown=shown, grouped=grouped, boxed=((), places))
    inside = {label: np.flatnonzero(shrunk.labels == label) for label in shrunk.kinds}
    nodes = [
        replace(n, times=shrunk.times.get(int(n.id[1:]), 1), cluster=places[int(n.id[1:])]) for n in base.nodes
    ]
    nodes += [_box(found, shrunk, label, members, places[label]) for label, members in inside.items()]
    nodes.sort(key=lambda node: int(node.id[1:]))
    kept, nodes = _kept_boxes(boxes, nodes)
    groups, nodes = _visible_groups(base.groups, nodes)
    edges = (*base.edges, *_edges(found, shrunk, base.edges))
    return replace(
        base,
        nodes=tuple(nodes),
        edges=on_tied_paths(nodes, edges),
        groups=groups,
        clusters=kept,
        title=_title(base, found, shrunk, grouped, len(nodes)),
        notes=_notes(found, nodes, edges, groups, grouped),
        hidden=_hidden(found, shrunk, len(nodes), seconds),
    )


def _visible_groups(
    groups: Sequence[Group], nodes: Sequence[DiagramNode]
) -> tuple[tuple[Group, ...], list[DiagramNode]]:
    """Groups with at least two visible members, lettered from A; the nodes with these letters."""
    visible: Counter[str] = Counter()
    for group in groups:
        visible[base(group.letter)] += len(group.members)
    bases = [name for name, count in visible.items() if count > 1 and name != ZERO]
    new = {ZERO: ZERO} | {name: letter(k) for k, name in enumerate(bases)}
    kept = [group for group in groups if base(group.letter) in new]
    letters_ = {g.letter: g.letter.replace(base(g.letter), new[base(g.letter)]) for g in kept}
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


def _box(found: Survey, shrunk: Shrunk, label: int, members: Any, place: int | None) -> DiagramNode:
    """The box for several values, named after the last of them."""
    kind = shrunk.kinds[label]
    v, g = found.values[label], found.gradients[label]
    array = np.asarray(v._array) if kind == "chain" and not isinstance(v._array, tuple) else None
    return DiagramNode(
        id=f"n{label}",
        kind=kind,
        name=shrunk.names.get(label, found.names[label] if kind == "chain" else ""),
        operation=_operations(found, members[~shrunk.leaf[members]]),
        formula="",
        shape=() if array is None else array.shape,
        dtype="" if array is None else array.dtype.name,
        value=None if array is None else array_summary.summarize_value(v._array),
        gradient=None if array is None or g is None else array_summary.summarize_gradient(g),
        cluster=None if kind == "layer" or place is None else place,
        count=len(members),
        times=shrunk.times.get(label, 1),
        hides=_leaves(found, members[shrunk.leaf[members]]),
    )


def _operations(found: Survey, made: Any) -> str:
    """The most frequent operations inside: ``500 *, 499 +, ...``."""
    counted = Counter(op.label for k in made.tolist() if (op := found.values[k].op) is not None)
    parts = [f"{times:,} {format.cut(label)}" for label, times in counted.most_common(LABELS)]
    return ", ".join(parts) + (" …" if len(counted) > LABELS else "")


def _leaves(found: Survey, leaves: Any) -> str:
    """The leaves inside, by name if they are few, and the norm of their gradients."""
    if not len(leaves):
        return ""
    norm = _norm(found, leaves)
    names = [format.cut(format.visible(found.names[k])) for k in leaves.tolist()[:NAMED]]
    count = f"{len(leaves):,} {'leaf' if len(leaves) == 1 else 'leaves'}"
    if len(leaves) <= NAMED and all(names):
        count = ", ".join(names)
    return count if norm is None else f"{count}, ∂ norm {format.number_text(norm)}"


def _norm(found: Survey, members: Any) -> float | None:
    """The norm of the gradients of several values together; None if none has one."""
    sizes = [
        format.euclidean_norm(np.asarray(g)) for k in members.tolist() if (g := found.gradients[k]) is not None
    ]
    return format.euclidean_norm(np.array(sizes)) if sizes else None


def _edges(found: Survey, shrunk: Shrunk, known: Sequence[Edge]) -> list[Edge]:
    """The arrows between boxes that the view of operations lacks, one for each pair."""
    there = {(edge.tail, edge.head) for edge in known}
    missing = [arrow for arrow in _crossing(shrunk) if (f"n{arrow[0]}", f"n{arrow[1]}") not in there]
    flows = [_norm(found, tails) for *_, tails in missing]
    finite = [flow for flow in (*flows, *(edge.flow for edge in known)) if flow is not None and math.isfinite(flow)]
    largest, places = max(finite, default=0.0), Counter(edge.head for edge in known)
    edges = []
    for number, ((tail, head, count, _), flow) in enumerate(zip(missing, flows, strict=True), start=len(known)):
        edge = Edge(
            f"e{number}", f"n{tail}", f"n{head}", places[f"n{head}"], flow=flow, width=arrow_width(flow, largest)
        )
        edges.append(replace(edge, count=count))
        places[edge.head] += 1
    return edges


def _crossing(shrunk: Shrunk) -> list[tuple[int, int, int, Any]]:
    """For each arrow: its two boxes, the number of uses it stands for, and the values used."""
    labels, n = shrunk.labels, len(shrunk.labels)
    apart = labels[shrunk.heads] != labels[shrunk.tails]
    heads, tails = shrunk.heads[apart], shrunk.tails[apart]
    between = labels[heads] * n + labels[tails]
    order = np.argsort(between, kind="stable")
    keys, starts = np.unique(between[order], return_index=True)
    uses = np.split(tails[order], starts[1:])
    return [(int(key % n), int(key // n), len(t), distinct(t)) for key, t in zip(keys.tolist(), uses, strict=True)]


def _kept_boxes(
    boxes: Sequence[Cluster], nodes: Sequence[DiagramNode]
) -> tuple[tuple[Cluster, ...], list[DiagramNode]]:
    """The boxes that are not empty, renumbered, and the nodes in them; a closed box lies in the one around it."""
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


def _outside(node: DiagramNode, boxes: Sequence[Cluster]) -> int | None:
    place = node.cluster
    if node.kind != "cluster":
        return place
    while place is not None and path_of(boxes, place) != node.name:
        place = boxes[place].parent
    return None if place is None else boxes[place].parent


def _title(base: Diagram, found: Survey, shrunk: Shrunk, grouped: Letters, count: int) -> str:
    """The size of the graph, and how many gradients its leaves share, if known."""
    size = f"{len(found.values):,} values in {count:,} boxes"
    leaves = {k for k in np.flatnonzero(shrunk.leaf).tolist() if found.gradients[k] is not None}
    if len(found.values) <= COMPARABLE and len(leaves) > 1:
        shared = [len(leaves.intersection(group.members)) for group in grouped.groups]
        different = len(leaves) - sum(n - 1 for n in shared if n)
        size += f", {len(leaves):,} leaves with {different:,} different gradient{'s' * (different > 1)}"
    return f"{base.title.split(' · ')[0]} · {size}"


def _notes(
    found: Survey, nodes: Sequence[DiagramNode], edges: Sequence[Edge], groups: Sequence[Group], grouped: Letters
) -> tuple[str, ...]:
    """How to read it. "No two gradients are equal" is left out if some equal ones are hidden."""
    if not found.sweep:
        return (found.remark,)
    notes = captions.notes(nodes, edges, groups, grouped.unproved)
    compared = len(found.values) <= COMPARABLE
    if not groups and (grouped.groups or not compared):
        notes = tuple(note for note in notes if not note.startswith("No two"))
    if not compared:
        notes = (*notes, f"The gradients of more than {COMPARABLE:,} values are not compared.")
    return (*notes, MOVES, *([found.remark] if found.remark else []))


def _hidden(found: Survey, shrunk: Shrunk, count: int, seconds: float) -> tuple[str, ...]:
    """The parts left out, and how to get them."""
    done = "; ".join(DONE[step] for step in shrunk.done)
    needed, slow = math.ceil(shrunk.needed * 1.25), shrunk.needed > seconds
    reason = "time" if slow else "page"
    hidden = f"To fit the {reason}, {len(found.values):,} values are shown in {count:,} boxes: {done}."
    wide = math.ceil((len(found.values) / BOXES) ** 0.5 * PAGE / 100) * 100
    options = [f"seconds={needed}"] * slow + [f"width={wide}"] * (wide > PAGE)
    if not slow or needed < LONG:
        return hidden, f"To show all of them, write draw(y, {', '.join(options)})."
    hours = f"{max(round(needed / 3600), 1):,} hour{'s' * (needed > 5400)}"
    remedy = "Draw a part instead, or name parts with scope."
    return hidden, f"Showing all of them takes about {hours} (seconds={needed}). {remedy}"
