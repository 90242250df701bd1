"""Where two values part: they are used alike, but the local derivatives differ, and so do their gradients.

Going back from the result, two such paths have equal gradients up to here: two values of one kind get the same
gradient, as the products of two neurons with their weights do. `views/parting` marks cards likewise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..symmetry.clustering import TOLERANCE
from . import format
from .diagram import ZERO, Diagram, DiagramNode, Edge, Group

Pair = tuple[Edge, Edge]  # two uses of like values by like values with equal gradients, with other derivatives


def with_value_partings(made: Diagram) -> Diagram:
    """A diagram of values with a mark on each arrow where two values part, and a note about the first of them."""
    nodes = {node.id: node for node in made.nodes}
    found = list(_pairs(nodes, made.edges, made.groups))
    if not found:
        return made
    names = {node.id: format.cut(format.visible(node.name or node.operation)) for node in made.nodes}
    other = {mine.id: names[twin.tail] for one, two in found for mine, twin in ((one, two), (two, one))}
    one, two = found[0]
    more = f", and {len(found) - 1} more pairs" if len(found) > 1 else ""
    note = f"≠: here {names[one.tail]} and {names[two.tail]} part{more}: {one.derivative} ≠ {two.derivative}."
    edges = tuple(replace(edge, differs=other.get(edge.id, "")) for edge in made.edges)
    return replace(made, edges=edges, notes=(*made.notes, note))


def _pairs(nodes: Mapping[str, DiagramNode], edges: Sequence[Edge], groups: Sequence[Group]) -> Iterator[Pair]:
    """The places where the paths to two computed values part. Of three or more alike, no two are compared."""
    into: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        into[edge.head].append(edge)
    for group in groups:
        alike: dict[str, list[str]] = defaultdict(list)
        for member in group.members:
            if member in nodes and nodes[member].operation and group.letter != ZERO:
                alike[nodes[member].operation].append(member)
        for heads in alike.values():
            if len(heads) == 2 and len(into[heads[0]]) == len(into[heads[1]]):
                pairs = zip(into[heads[0]], into[heads[1]], strict=True)
                yield from ((one, two) for one, two in pairs if _part(one, two, nodes[one.tail], nodes[two.tail]))


def _part(one: Edge, two: Edge, first: DiagramNode, second: DiagramNode) -> bool:
    """Whether two uses lead to two values that are computed alike, but with other derivatives."""
    alike = first.id != second.id and bool(first.operation) and first.operation == second.operation
    if not alike or not one.exact or not two.exact or (first.group and first.group == second.group):
        return False
    a, b = float(one.exact), float(two.exact)
    return abs(a - b) > TOLERANCE * max(abs(a), abs(b))
