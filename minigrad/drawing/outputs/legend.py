"""The headline of a picture: the title, how to read it, and the meaning of each letter."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

from ..captions import NAMED, is_leaf
from ..diagram import Diagram, DiagramNode
from ..format import cut, visible
from ..marks import Tie
from ..samples import samples
from ..theme import Theme, text_width
from .letter_looks import Looks
from .markup import SMALL, TEXT_SIZE, TITLE_SIZE, cell, chip, label_text, row, table
from .sample_line import sample_rows

FEW, NARROW, WIDE = 12, 95, 150  # below FEW nodes a picture is narrow; characters of a line of notes
NOTE = 6.6  # points per letter of a note in a font that is wider than Helvetica
LETTER, LEAST = 6, 50  # points per letter of a note; minimum characters of a line, even above a narrow picture
BELOW = 8  # points between the last note and a picture that has no legend
CROWD, CROWDED = 150, 6  # above this many arrows, and arrows per node, they are a crowd
LISTED = 36  # maximum letters that are explained one by one
COLUMNS, COLUMNS_OF_MANY, MANY = 4, 6, 60  # columns of the legend; those of a picture with MANY nodes


def is_crowded(diagram: Diagram) -> bool:
    """Whether there are too many arrows to label: nobody could read the labels, and they take long to lay out."""
    return len(diagram.edges) > CROWD and len(diagram.edges) > CROWDED * len(diagram.nodes)


def headline(diagram: Diagram, looks: Looks, theme: Theme) -> str:
    """Title, notes and letters, as an HTML-like label."""
    more = len(list(looks.marks.ties())) - LISTED
    texts = [*diagram.notes, *diagram.hidden]
    texts += [f"{more} more marks are not listed here."] if more > 0 else []
    texts += (
        [f"{len(diagram.edges):,} arrows: a quarter as wide as usual, without derivatives, in any order."]
        if is_crowded(diagram)
        else []
    )
    width = _line_length(diagram)
    notes = [line for note in texts for line in wrap(note, width, break_long_words=False, break_on_hyphens=False)]
    title_width = text_width(diagram.title, TITLE_SIZE, bold=True)
    widths = [text_width(note, SMALL) for note in notes]
    cells = [
        cell(label_text(diagram.title, colour=theme.ink, bold=True, size=TITLE_SIZE), title_width, ' COLSPAN="2"')
    ]
    cells += [
        cell(label_text(note, colour=theme.muted, size=SMALL), width, ' COLSPAN="2"')
        for note, width in zip(notes, widths, strict=True)
    ]
    beside = max([title_width, *widths])
    last = _letters(diagram, looks, theme, beside) or f'<TR><TD HEIGHT="{BELOW}"></TD></TR>'
    wide = max(beside, width * LETTER)
    line = [f'<TD ALIGN="LEFT" COLSPAN="2">{one}</TD>' for one in sample_rows(samples(diagram), looks, theme, wide)]
    return table([*(row([c]) for c in (*cells, *line)), last])


def _line_length(diagram: Diagram) -> int:
    """Characters of a line of notes: as many as fit above the picture, if its width is known."""
    places = [node.at for node in diagram.nodes if node.at]
    if places and len(places) == len(diagram.nodes):
        right, left = max(x + w / 2 for x, _, w, _ in places), min(x - w / 2 for x, _, w, _ in places)
        return max(round((right - left) / LETTER), LEAST)
    small = all(not node.rows and not (node.value and node.value.cells) for node in diagram.nodes)
    return NARROW if len(diagram.nodes) < FEW and small else min(WIDE, round(0.75 * diagram.width / NOTE))


def _letters(diagram: Diagram, looks: Looks, theme: Theme, beside: int) -> str:
    """The letters, and a filler: without it the engine would stretch the letters to the width of the notes."""
    rows_list_their_own = any(node.rows for node in diagram.nodes)
    shown = [] if rows_list_their_own else list(looks.marks.ties())[:LISTED]
    if not shown:
        return ""
    nodes = {node.id: node for node in diagram.nodes}
    members = [_members(tie, nodes) for tie in shown]
    widths = [text_width(words, TEXT_SIZE) + 8 for words in members]
    most = COLUMNS if len(diagram.nodes) < MANY else COLUMNS_OF_MANY
    columns = min(most, max(round(0.75 * diagram.width) // (max(widths) + 20), 1))
    chips = [chip(tie.mark, looks[tie.mark.letter]) for tie in shown]
    cells = [
        c + cell(label_text(t, colour=theme.ink), width) for c, t, width in zip(chips, members, widths, strict=True)
    ]
    rows = [row(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    filler = max(beside - sum(width + 20 for width in widths[:columns]), 1)
    return row([f"<TD>{table(rows, spacing=3)}</TD>", cell("", filler)])


def _members(tie: Tie, nodes: Mapping[str, DiagramNode]) -> str:
    """The gradient of a mark, the names of its members, leaves first, and what is known of them."""
    named = [(member, name) for member, name in zip(tie.members, tie.names, strict=True) if name]
    named.sort(key=lambda one: not (one[0] in nodes and is_leaf(nodes[one[0]])))
    names = [cut(visible(name)) for _, name in named][:NAMED]
    more = len(tie.members) - len(names)
    rest = [f"{more} {'more' if names else 'value' if more == 1 else 'values'}"] if more > 0 else []
    passed = [] if tie.group.apart else ["passed on"]
    return f"{tie.group.gradient}:  {', '.join([*names, *rest, *passed])}"
