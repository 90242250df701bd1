"""The size of a card and the positions of its rows, in points.

The view that places cards and the output that writes them both use it, so that an edge ends at its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..diagram import CardRow, DiagramNode
from ..format import cut, visible
from ..theme import text_width

TEXT, HEAD_TEXT, SMALL = 11, 12, 9  # of letters
HEAD, TOP, CAPTION, ROW, RULE, FOOT = 22, 5, 11, 17, 9, 5  # heights; TOP replaces a head without words
SIDE, GAP, BETWEEN = 6, 9, 4  # beside the rows; between columns; between badges
CHIP, AFTER, BOX, PILL = (
    17,
    7,
    14,
    8,
)  # least width of a letter's cell, the gap after it, its height; room around a badge


@dataclass(frozen=True, slots=True)
class Columns:
    """The widths of a card's columns: letter, name, value, gradient. 0: the card lacks that column."""

    chip: int
    name: int
    value: int
    gradient: int

    @property
    def inner(self) -> int:
        """The width of the card within its border."""
        return self.chip + self.name + self.value + self.gradient + 2 * SIDE


def share_columns(cards: Sequence[DiagramNode]) -> dict[str, Columns]:
    """The columns of each card by its id. Cards of one kind share theirs; `card` and `layer` count as one kind."""
    kinds: dict[str, list[DiagramNode]] = {}
    for card in cards:
        kinds.setdefault("card" if card.kind == "layer" else card.kind, []).append(card)
    found = [(cards, columns(cards)) for cards in kinds.values()]
    return {card.id: shared for cards, shared in found for card in cards}


def columns(cards: Sequence[DiagramNode]) -> Columns:
    """Columns wide enough for the rows and heads of all these cards."""
    rows = [row for card in cards for row in card.rows]
    gradients = [line for row in rows if row.gradient for line in row.gradient.lines]
    found = Columns(
        chip=max((chip_width(row.group) + AFTER for row in rows if row.group), default=0),
        name=_widest([row_name(row) for row in rows], GAP),
        value=_widest([*(line for row in rows for line in row.value.lines), "value"], GAP),
        gradient=_widest([*gradients, "gradient"], 0) if gradients else 0,
    )
    missing = max((_head_width(card) for card in cards), default=0) - found.inner
    return Columns(found.chip, found.name + max(missing, 0), found.value, found.gradient)


def size(card: DiagramNode, columns: Columns) -> tuple[float, float]:
    """Width and height of the whole card."""
    height = head(card) + caption(card) + ROW * len(card.rows) + RULE * has_rule(card) + FOOT
    return float(columns.inner + 2 * border(card)), float(height + 2 * border(card))


def row_middle(card: DiagramNode, port: str) -> float:
    """Distance from the top of the card to the middle of a row; of the head if the port is not a row."""
    down, first = float(border(card) + head(card) + caption(card)), first_result(card)
    for row in card.rows:
        down += RULE * (row is first and has_rule(card))
        if row.port == port:
            return down + ROW / 2
        down += ROW
    return border(card) + head(card) / 2


def chip_width(letter: str) -> int:
    """The width of a letter's cell."""
    return max(CHIP, text_width(letter, TEXT, bold=True) + 6)


def pills(card: DiagramNode) -> tuple[str, ...]:
    """The number of things a card stands for, and its badges."""
    return (*([f"×{card.times}"] if card.times > 1 else []), *card.badges)


def row_name(row: CardRow) -> str:
    """The name of a row as shown."""
    return cut(visible(row.name))


def first_result(card: DiagramNode) -> CardRow | None:
    """The first row below the line: the first output."""
    return next((row for row in card.rows if row.kind == "op"), None)


def has_rule(card: DiagramNode) -> bool:
    """Whether a line separates the inputs of the card from its outputs."""
    return {"op"} < {row.kind for row in card.rows}


def caption(card: DiagramNode) -> int:
    """The height of the words above the columns; 0 if the card shows no gradients."""
    return CAPTION if any(row.gradient for row in card.rows) else 0


def head(card: DiagramNode) -> int:
    """The height of the head."""
    return HEAD if card.name or pills(card) else TOP


def border(card: DiagramNode) -> int:
    """The width of the outline."""
    return 2 if card.kind == "result" else 1


def _head_width(card: DiagramNode) -> int:
    title = text_width(cut(visible(card.name)), HEAD_TEXT, bold=True)
    operation = text_width(card.operation, SMALL) + GAP if card.operation else 0
    return title + operation + sum(text_width(w, SMALL, bold=True) + PILL + BETWEEN for w in pills(card)) + 2 * SIDE


def _widest(texts: Sequence[str], gap: int) -> int:
    return max((text_width(text, TEXT) for text in texts), default=0) + gap
