"""Cards as sentences, for readers who cannot see them: a card, an arrow between two cards, a whole picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from ..symmetry.clustering import TOLERANCE
from .diagram import CardRow, DiagramNode, Edge
from .marks import Marks

T = TypeVar("T")

LISTED = 8  # members of a group, or cards with a badge, that a sentence lists


def card_lines(node: DiagramNode, marks: Marks) -> list[str]:
    """A card, line by line: its head, then each row with value, gradient, mark and what is known of it."""
    head = [node.name or "inputs" * (node.kind == "input" and node.count > 1), node.operation]
    head += [f"stands for {node.times}"] if node.times > 1 else []
    head += [", ".join(node.badges), node.hides]
    return [line for line in (", ".join(filter(None, head)), *(_row(row, marks) for row in node.rows)) if line]


def arrow(edge: Edge, tail: DiagramNode, head: DiagramNode) -> str:
    """An arrow: the value it carries, and where it ends."""
    leaving, arriving = _row_name(tail, edge.tail_port), _row_name(head, edge.head_port)
    to = f"{arriving} of {head.name}" if arriving and head.name else arriving or head.name
    return f"{leaving or tail.name} to {to}"


def paragraph(nodes: Sequence[DiagramNode], edges: Sequence[Edge]) -> Iterator[str]:
    """A summary of a picture of cards: how many, the loss, the largest gradient, the badges."""
    yield f"{len(nodes)} cards and {len(edges)} arrows."
    for row in (row for node in nodes if node.kind == "result" for row in node.rows if row.kind == "op"):
        yield f"{row.name} {' '.join(row.value.lines)}."
    parameters = [row for node in nodes for row in node.rows if row.kind == "parameter" and row.gradient]
    largest = largest_of(parameters, _size)
    if largest is not None and largest.gradient and _size(largest):
        yield f"The largest gradient is that of {largest.name}: {' '.join(largest.gradient.lines)}."
    for badge in dict.fromkeys(badge for node in nodes for badge in node.badges):
        yield f"{badge}: {first_names([node.name for node in nodes if badge in node.badges])}."


def largest_of(items: Sequence[T], size: Callable[[T], float]) -> T | None:
    """The first of the largest: of two that are equal but for rounding, the last bit must not choose."""
    top = max(map(size, items), default=0.0)
    return next((item for item in items if size(item) >= (1 - TOLERANCE) * top), None)


def first_names(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - LISTED
    return ", ".join([*names[:LISTED], *([f"{more} more"] if more > 0 else [])])


def _row(row: CardRow, marks: Marks) -> str:
    line = f"{row.name} {' '.join(row.value.lines)}".strip()
    if row.gradient:
        line += f", gradient {' '.join(row.gradient.lines)}"
    if mark := marks.of(row.group, row.tie):
        line += f" ({mark.words})"
    line += f", differs from {row.differs}" * bool(row.differs)
    return line + "".join(f", {badge}" for badge in row.badges)


def _row_name(node: DiagramNode, port: str) -> str:
    return next((row.name for row in node.rows if row.port == port), "")


def _size(row: CardRow) -> float:
    """The size of a row's gradient; 0 if it is not a number."""
    g = row.gradient
    size = 0.0 if g is None else g.norm if g.norm is not None else abs(float(g.exact or 0))
    return size if size == size else 0.0
