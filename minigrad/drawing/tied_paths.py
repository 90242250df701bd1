"""The letters of arrows: one on a path whose gradients are proved to stay equal has the letter of that path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .diagram import ZERO, CardRow, DiagramNode, Edge


def on_tied_paths(nodes: Sequence[DiagramNode], edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """The edges, each with the letter and the tie of its path, if it is on one.

    Between cards it is the path to the weight where the arrow ends. Between values it is the path to the value that
    gets the gradient. A letter without a tie is no proof, and gradients that are 0 have no path.
    """
    ends: dict[str, CardRow | DiagramNode] = {node.id: node for node in nodes}
    ends |= {f"{node.id}:{row.port}": row for node in nodes for row in node.rows}
    cards = {node.id for node in nodes if node.rows}

    def path(edge: Edge) -> Edge:
        end = ends.get(f"{edge.head}:{edge.head_port}" if edge.head in cards else edge.tail if edge.flow else "")
        if end is None or not end.tie or end.group in (None, ZERO):
            return replace(edge, group=None, tie="")
        return replace(edge, group=end.group, tie=end.tie)

    return tuple(map(path, edges))
