"""The positions of cards: one column for each layer, all centred on one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..diagram import DiagramNode
from ..outputs import card_layout

ACROSS, DOWN = 46, 16  # points between columns (up to 1.5 times that if they are tall); between cards of a column
TALL = 800  # points


def place_cards(columns: Sequence[Sequence[DiagramNode]]) -> list[list[DiagramNode]]:
    """Each card with its place. Cards of one kind are equally wide."""
    like = card_layout.share_columns([node for column in columns for node in column])
    sizes = [[card_layout.size(node, like[node.id]) for node in column] for column in columns]
    across = ACROSS + ACROSS / 2 * min(max(_height(column) for column in sizes) / TALL, 1.0)
    found, left = [], 0.0
    for column, boxes in zip(columns, sizes, strict=True):
        found.append(_stack(column, boxes, left))
        left += round(max(width for width, _ in boxes) + across)
    return found


def _height(sizes: Sequence[tuple[float, float]]) -> float:
    return sum(height for _, height in sizes) + DOWN * (len(sizes) - 1)


def _stack(column: Sequence[DiagramNode], sizes: Sequence[tuple[float, float]], left: float) -> list[DiagramNode]:
    """The cards of a column, one below another, centred vertically."""
    top, found = _height(sizes) / 2, []
    for node, (width, height) in zip(column, sizes, strict=True):
        found.append(replace(node, at=(left + width / 2, top - height / 2, width, height)))
        top -= height + DOWN
    return found
