"""The size of a card and the positions of its rows, in points.

The view that places cards and the output that writes them both use it, so that an edge ends at its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..diagram import CardRow, DiagramNode
from ..format import cut, visible
from ..theme import text_width

TEXT, HEAD_TEXT, SMALL = 10, 11, 9  # of letters
HEAD, TOP, CAPTION, ROW, RULE, FOOT = 20, 5, 11, 16, 9, 5  # heights; TOP replaces a head without words
LINE, BELOW, UNDER = 12, 3, 15  # the height of a second line of a row, below it, of a second line of a head
SIDE, GAP, BETWEEN = 6, 8, 4  # beside the rows; between columns; between badges
CHIP, AFTER, BOX, PILL = 16, 8, 13, 8  # a letter's cell, the gap after it, its height; room around a badge
GRADIENT = "∂ "  # before a gradient below its value
DIFFERS = "≠"  # after the name of a row where two neurons part
SHEET = 4  # how far each sheet of a stack lies to the right of and below the one before it


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
    """The columns of each card by its id. Cards of one kind share theirs, and so do the neurons of one layer."""
    kinds: dict[tuple[str, str], list[DiagramNode]] = {}
    for card in cards:
        kind, layer = "card" if card.kind == "layer" else card.kind, card.id.rpartition("n")[0]
        kinds.setdefault((kind, layer), []).append(card)
    found = [(cards, columns(cards)) for cards in kinds.values()]
    return {card.id: shared for cards, shared in found for card in cards}


def columns(cards: Sequence[DiagramNode]) -> Columns:
    """Columns wide enough for the rows and heads of all these cards; rows in two lines may run across them."""
    every = [(card, row) for card in cards for row in card.rows]
    rows = [row for card, row in every if not in_two_lines(card, row)]
    aligned = [row for card, row in every if row.kind != "op" or not in_two_lines(card, row)]
    gradients = [row.gradient.lines[0] for row in rows if row.gradient]
    found = Columns(
        chip=max((chip_width(row.group) + AFTER for _, row in every if row.group), default=0),
        name=max([*map(_name_width, aligned), *map(_operation_width, filter(is_beside_caption, cards))], default=0),
        value=_widest([*(row.value.lines[0] for row in aligned), *["value"] * bool(gradients)], GAP),
        gradient=_widest([*gradients, "gradient"], 0) if gradients else 0,
    )
    needed = [_head_width(card) for card in cards]
    needed += [found.chip + _two_lines_width(row) + 2 * SIDE for card, row in every if in_two_lines(card, row)]
    more = max(max(needed, default=0) - found.inner, 0)
    return replace(found, name=found.name + more) if gradients else replace(found, value=found.value + more)


def in_two_lines(card: DiagramNode, row: CardRow) -> bool:
    """Whether a row shows its gradient below its value: all rows of a compact card, or its results."""
    return row.gradient is not None and (card.compact == 2 or (card.compact == 1 and row.kind == "op"))


def name_in_two_lines(row: CardRow, columns: Columns) -> int:
    """The width of the name of a row in two lines: that of the column, unless the value needs more room."""
    room = columns.inner - columns.chip - 2 * SIDE - text_width(row.value.lines[0], TEXT)
    return columns.name if columns.name <= room else room


def _two_lines_width(row: CardRow) -> int:
    """The width of a row in two lines: name and value; gradient."""
    first = _name_width(row) + text_width(row.value.lines[0], TEXT)
    return max(first, _widest([GRADIENT + row.gradient.lines[0]] if row.gradient else [], 0))


def _name_width(row: CardRow) -> int:
    return text_width(row_name(row), TEXT) + mark_width(row) + GAP


def size(card: DiagramNode, columns: Columns) -> tuple[float, float]:
    """Width and height of the whole card."""
    rows = sum(row_height(card, row) for row in card.rows)
    height = head(card) + caption(card) + rows + RULE * has_rule(card) + FOOT
    more = 2 * border(card) + SHEET * sheets(card)
    return float(columns.inner + more), float(height + more)


def row_height(card: DiagramNode, row: CardRow) -> int:
    """The height of a row."""
    return ROW + (LINE + BELOW) * in_two_lines(card, row)


def row_middle(card: DiagramNode, port: str) -> float:
    """Distance from the top of the card to the middle of a row; of the head if the port is not a row."""
    down, first = float(border(card) + head(card) + caption(card)), first_result(card)
    for row in card.rows:
        down += RULE * (row is first and has_rule(card))
        if row.port == port:
            return down + ROW / 2  # of its first line
        down += row_height(card, row)
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


def mark_width(row: CardRow) -> int:
    """The width of the mark after the name of a row where two neurons part; 0 without one."""
    return text_width(DIFFERS, TEXT, bold=True) + 1 if row.differs else 0


def first_result(card: DiagramNode) -> CardRow | None:
    """The first row below the line: the first output."""
    return next((row for row in card.rows if row.kind == "op"), None)


def has_rule(card: DiagramNode) -> bool:
    """Whether a line separates the inputs of the card from its outputs."""
    return {"op"} < {row.kind for row in card.rows}


def caption(card: DiagramNode) -> int:
    """The height of the words above the columns; 0 if the card has no column of gradients."""
    return CAPTION if any(row.gradient and not in_two_lines(card, row) for row in card.rows) else 0


def head(card: DiagramNode) -> int:
    """The height of the head."""
    return (HEAD if card.name or pills(card) else TOP) + UNDER * has_second_line(card)


def has_second_line(card: DiagramNode) -> bool:
    """Whether the head of a card shows its operation and badges below its name: the narrowest form does."""
    return bool(card.compact == 2 and card.name and (card.operation or pills(card)))


def is_beside_caption(card: DiagramNode) -> bool:
    """Whether the operation of a card stands beside the words above the columns and not in the head."""
    return bool(card.compact == 1 and card.operation and caption(card))


def sheets(card: DiagramNode) -> int:
    """How many more sheets lie behind a card: a stack of several neurons shows at most three in all."""
    return min(len(card.bundle), 3) - 1 if card.bundle else 0


def border(card: DiagramNode) -> int:
    """The width of the outline."""
    return 2 if card.kind == "result" else 1


def _head_width(card: DiagramNode) -> int:
    title = text_width(cut(visible(card.name)), HEAD_TEXT, bold=True)
    operation = _operation_width(card) if not is_beside_caption(card) else 0
    rest = operation + sum(text_width(w, SMALL, bold=True) + PILL + BETWEEN for w in pills(card))
    return (max(title, rest) if has_second_line(card) else title + rest) + 2 * SIDE


def _operation_width(card: DiagramNode) -> int:
    return text_width(card.operation, SMALL) + GAP if card.operation else 0


def _widest(texts: Sequence[str], gap: int) -> int:
    return max((text_width(text, TEXT) for text in texts), default=0) + gap
