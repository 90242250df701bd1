"""The positions of cards: one column for each layer, all centred on one line, as wide as the page if they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ..diagram import DiagramNode
from ..outputs import card_layout

NEAR, FAR, DOWN = 28, 84, 14  # points between columns, at least and at most; between cards of a column
MANY = 64  # arrows between two columns that need twice as much room as one does
TALL = 1_400  # points: of cards in a taller column no row takes two lines but the results
OVER = 1.03  # how much wider than the page the cards may be before they become compact
POINTS = 0.75  # of a pixel

Column = Sequence[DiagramNode]
Sizes = Sequence[tuple[float, float]]  # of the cards of a column: width and height


def place_cards(columns: Sequence[Column], page: float) -> list[list[DiagramNode]]:
    """Each card with its place, as compact as it must be. page: the width that they should fit, in pixels."""
    wanted, gaps = page * POINTS, _gaps(columns)
    for compact in (0, 1, 2):
        cards = [[replace(card, compact=compact) for card in column] for column in columns]
        sizes = _sizes(cards)
        if compact == 2 and max(map(_height, sizes)) > TALL:
            break
        found = cards, sizes
        if _width(sizes, gaps) <= OVER * wanted:
            break
    return _side_by_side(*found, gaps, wanted)


def _sizes(columns: Sequence[Column]) -> list[Sizes]:
    like = card_layout.share_columns([card for column in columns for card in column])
    return [[card_layout.size(card, like[card.id]) for card in column] for column in columns]


def _width(sizes: Sequence[Sizes], gaps: Sequence[float]) -> float:
    return sum(max(width for width, _ in column) for column in sizes) + sum(gaps)


def _gaps(columns: Sequence[Column]) -> list[float]:
    """The least room between two columns: more arrows need more."""
    arrows = [len(tails) * len(heads) for tails, heads in pairwise(columns)]
    return [NEAR * (1 + min(count / MANY, 1)) for count in arrows]


def _side_by_side(
    columns: Sequence[Column], sizes: Sequence[Sizes], gaps: Sequence[float], wanted: float
) -> list[list[DiagramNode]]:
    """The cards with their places; the room that is left goes between the columns."""
    larger = 1 + max(wanted - _width(sizes, gaps), 0) / sum(gaps)
    found, left = [], 0.0
    for column, boxes, gap in zip(columns, sizes, [*gaps, 0], strict=True):
        found.append(_stack(column, boxes, left))
        left += round(max(width for width, _ in boxes) + min(gap * larger, FAR))
    return found


def _height(sizes: Sizes) -> float:
    return sum(height for _, height in sizes) + DOWN * (len(sizes) - 1)


def _stack(column: Column, sizes: Sizes, left: float) -> list[DiagramNode]:
    """The cards of a column, one below another, centred vertically."""
    top, found = _height(sizes) / 2, []
    for node, (width, height) in zip(column, sizes, strict=True):
        found.append(replace(node, at=(left + width / 2, top - height / 2, width, height)))
        top -= height + DOWN
    return found
