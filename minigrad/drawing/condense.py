"""A finished diagram with fewer boxes, for outputs that take only so many: several nodes share one.

Each step is coarser than the one before: arrows that join the same two cards are one; the cards of a column, or the
nodes of a scope, are one box; nodes equally far from the leaves are one box. It needs no Value: an output may call
it long after drawing. (`coarsen` shrinks a graph before it is a diagram.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from .captions import is_leaf, label
from .dag import depths, is_acyclic
from .diagram import Diagram, DiagramNode, Edge, Group
from .tied_paths import on_tied_paths

BANDS = 24  # boxes of the coarsest step, and leaves that keep boxes of their own
LISTED = 3  # kinds of nodes that a box lists

T = TypeVar("T")
Boxes = Mapping[str, tuple[Hashable, str]]  # for each node the key and the name of the box that it shares


def first_that_fits(diagram: Diagram, write: Callable[[Diagram], T | None], remark: str) -> T | None:
    """What `write` makes of the diagram or, where that is None, of the finest coarser one that gives something.

    remark: said in `hidden` of a coarser diagram. Returns None if nothing fits.
    """
    if (whole := write(diagram)) is not None:
        return whole
    made = (write(replace(fewer, hidden=(*fewer.hidden, remark))) for fewer in coarser(diagram))
    return next((one for one in made if one is not None), None)


def coarser(diagram: Diagram) -> Iterator[Diagram]:
    """The diagram with fewer and fewer boxes; each says in `hidden` what its boxes stand for."""
    if any(node.rows for node in diagram.nodes):
        yield replace(diagram, edges=_joined(diagram.edges, {}))
        yield _condensed(diagram, _columns(diagram.nodes), "The cards of a column are one box.")
    for depth in range(_deepest(diagram), 0, -1):
        boxes = _scopes(diagram, depth)
        if _is_drawable(diagram, boxes):
            yield _condensed(diagram, boxes, "Scopes and layers are closed.")
    yield _condensed(diagram, _bands(diagram), "Nodes equally far from the leaves are one box.")


def _columns(nodes: Sequence[DiagramNode]) -> Boxes:
    """Cards in columns from left to right, if they have places; else by layer."""
    columns: dict[Hashable, list[DiagramNode]] = {}
    for node in nodes:
        columns.setdefault(node.at[0] if node.at else node.id.partition("n")[0], []).append(node)
    return {
        node.id: (key, _span([_title(mine) for mine in members]))
        for key, members in columns.items()
        for node in members
    }


def _title(node: DiagramNode) -> str:
    return node.name or (node.rows[0].name if node.rows else label(node))


def _span(names: Sequence[str]) -> str:
    """``layer 1 · neuron 0 to 63``; the names of inputs are those of their rows."""
    first, last = names[0], names[-1]
    if first == last:
        return first
    return f"{first} to {last.rsplit(' ', 1)[-1] if first.rsplit(' ', 1)[0] == last.rsplit(' ', 1)[0] else last}"


def _deepest(diagram: Diagram) -> int:
    return max(_levels(diagram), default=0)


def _levels(diagram: Diagram) -> list[int]:
    """How many scopes are around each scope, with itself."""
    found: list[int] = []
    for cluster in diagram.clusters:
        found.append(1 if cluster.parent is None else found[cluster.parent] + 1)
    return found


def _scopes(diagram: Diagram, depth: int) -> Boxes:
    """The nodes of each scope at a depth, without the result."""
    levels = _levels(diagram)
    around: list[int] = []  # for each scope the one at that depth around it, or itself
    for number, cluster in enumerate(diagram.clusters):
        around.append(number if levels[number] <= depth or cluster.parent is None else around[cluster.parent])
    return {
        node.id: (("scope", around[node.cluster]), diagram.clusters[around[node.cluster]].name)
        for node in diagram.nodes
        if node.cluster is not None and levels[node.cluster] >= depth and node.kind != "result"
    }


def _bands(diagram: Diagram) -> Boxes:
    """Nodes by their distance from the leaves, in at most BANDS boxes; the result and a few leaves stay."""
    number = {node.id: k for k, node in enumerate(diagram.nodes)}
    ends = np.array([(number[e.head], number[e.tail]) for e in diagram.edges]).reshape(-1, 2)
    depth = depths(*ends.T)
    width = -(-(max(depth.values(), default=0) + 1) // BANDS)
    leaves = [node for node in diagram.nodes if is_leaf(node) and not node.rows]
    kept = {node.id for node in leaves} if len(leaves) <= BANDS else set()
    users: dict[int, list[int]] = {}
    for head, tail in ends.tolist():
        users.setdefault(tail, []).append(depth.get(head, 0))
    place = depth | {number[leaf.id]: min(users.get(number[leaf.id], [0])) for leaf in leaves}
    return {
        node.id: (("band", place.get(number[node.id], 0) // width), "")
        for node in diagram.nodes
        if node.kind != "result" and node.id not in kept
    }


def _is_drawable(diagram: Diagram, boxes: Boxes) -> bool:
    """Whether arrows between boxes form no cycle."""
    keys: dict[Hashable, int] = {}
    of = {node.id: keys.setdefault(boxes.get(node.id, (node.id, ""))[0], len(keys)) for node in diagram.nodes}
    ends = np.array([(of[e.head], of[e.tail]) for e in diagram.edges if of[e.head] != of[e.tail]])
    return is_acyclic(*ends.reshape(-1, 2).T)


def _condensed(diagram: Diagram, boxes: Boxes, words: str) -> Diagram:
    """The diagram with one node for all that share a box."""
    members: dict[Hashable, list[DiagramNode]] = {}
    for node in diagram.nodes:
        members.setdefault(boxes.get(node.id, (node.id, ""))[0], []).append(node)
    stands = {node.id: mine[-1].id for mine in members.values() for node in mine}
    names = dict(boxes.values())
    nodes = tuple(mine[0] if len(mine) == 1 else _box(mine, names.get(key, "")) for key, mine in members.items())
    left = {node.id: node.cluster for node in nodes}
    kept = {cluster for cluster in left.values() if cluster is not None}
    alone = {mine[0].id for mine in members.values() if len(mine) == 1}
    lettered = {node.id for node in nodes if node.group} - alone
    groups = (_of_group(group, stands, alone, lettered) for group in diagram.groups)
    edges = on_tied_paths(nodes, _joined(diagram.edges, stands))
    return replace(
        diagram,
        nodes=nodes if kept else tuple(replace(node, cluster=None) for node in nodes),
        edges=edges,
        groups=tuple(group for group in groups if group.members),
        clusters=diagram.clusters if kept else (),
        hidden=(*diagram.hidden, words),
        engine="dot",
    )


def _box(members: Sequence[DiagramNode], name: str) -> DiagramNode:
    """The node for several; it has their letter if they have one letter."""
    last = members[-1]
    marks = {(node.group, node.tie) for node in members}
    group, tie = marks.pop() if len(marks) == 1 else (None, "")
    kinds = Counter("cards" if node.rows else node.operation or node.kind for node in members)
    listed = kinds.most_common(LISTED)
    others = len(members) - sum(count for _, count in listed)
    words = [f"{count:,} {kind}" for kind, count in listed] + [f"{others:,} others"] * (others > 0)
    values = sum(max(node.count, node.times) for node in members)
    badges = Counter(badge for node in members for badge in node.badges)
    marked = tuple(f"{count} of {len(members)} {badge}" for badge, count in badges.items())
    return DiagramNode(
        id=last.id, kind="cluster", name=name, operation="", formula="", shape=(), dtype="", value=None,
        gradient=None, group=group, tie=tie, badges=marked, count=values, hides=", ".join(words),
    )  # fmt: skip


def _joined(edges: Sequence[Edge], stands: Mapping[str, str]) -> tuple[Edge, ...]:
    """One arrow for all that join the same two boxes, as wide as the widest of them."""
    found: dict[tuple[str, str], list[Edge]] = {}
    for edge in edges:
        ends = stands.get(edge.tail, edge.tail), stands.get(edge.head, edge.head)
        if ends[0] != ends[1]:
            found.setdefault(ends, []).append(edge)
    joined = []
    for number, ((tail, head), mine) in enumerate(found.items()):
        widest = max(mine, key=lambda edge: edge.width)
        alone = len(mine) == 1
        many = {} if alone else {"derivative": "", "exact": "", "contribution": "", "exact_contribution": ""}
        count = sum(edge.count for edge in mine)
        ports = {"tail_port": "", "head_port": ""}
        joined.append(replace(widest, id=f"e{number}", tail=tail, head=head, count=count, **ports, **many))  # type: ignore[arg-type]
    return tuple(joined)


def _of_group(group: Group, stands: Mapping[str, str], alone: set[str], lettered: set[str]) -> Group:
    """The group with the boxes that have its letter in place of the nodes that share them."""

    def place(member: str) -> str:
        node = member.partition(":")[0]
        return member if node in alone else stands[node] if stands[node] in lettered else ""

    return group.onto(place)
