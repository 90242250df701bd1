"""The headline of a picture: the title, how to read it, and the meaning of each letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

from ..captions import NAMED, is_leaf
from ..diagram import Diagram, DiagramNode, Group
from ..format import cut, visible
from ..theme import Style, Theme, text_width
from .markup import SMALL, TEXT_SIZE, TITLE_SIZE, cell, chip, label_text, row, table

FEW, NARROW, WIDE = 12, 95, 150  # below FEW nodes a picture is narrow; characters of a line of notes
LETTER, LEAST = 6, 50  # points per letter of a note; minimum characters of a line, even above a narrow picture
BELOW = 8  # points between the last note and a picture that has no legend
CROWD, CROWDED = 500, 6  # above this many arrows, and arrows per node, they are a crowd
LISTED = 36  # maximum letters that are explained one by one
COLUMNS, COLUMNS_OF_MANY, MANY = 4, 6, 60  # columns of the legend; those of a picture with MANY nodes

Looks = Mapping[str | None, Style]


def is_crowded(diagram: Diagram) -> bool:
    """Whether there are too many arrows to label: nobody could read the labels, and they take long to lay out."""
    return len(diagram.edges) > CROWD and len(diagram.edges) > CROWDED * len(diagram.nodes)


def headline(diagram: Diagram, looks: Looks, theme: Theme) -> str:
    """Title, notes and letters, as an HTML-like label."""
    more = len(diagram.groups) - LISTED
    texts = [*diagram.notes, *diagram.hidden]
    texts += [f"{more} more letters are not listed here."] if more > 0 else []
    texts += (
        [f"{len(diagram.edges):,} arrows: a quarter as wide as usual, without derivatives, in any order."]
        if is_crowded(diagram)
        else []
    )
    width = _line_length(diagram)
    notes = [line for note in texts for line in wrap(note, width, break_long_words=False, break_on_hyphens=False)]
    title_width = text_width(diagram.title, TITLE_SIZE, bold=True)
    widths = [text_width(note, SMALL + 1) for note in notes]
    cells = [
        cell(label_text(diagram.title, colour=theme.ink, bold=True, size=TITLE_SIZE), title_width, ' COLSPAN="2"')
    ]
    cells += [
        cell(label_text(note, colour=theme.muted, size=SMALL + 1), width, ' COLSPAN="2"')
        for note, width in zip(notes, widths, strict=True)
    ]
    last = _letters(diagram, looks, theme, max([title_width, *widths])) or f'<TR><TD HEIGHT="{BELOW}"></TD></TR>'
    return table([*(row([c]) for c in cells), last])


def _line_length(diagram: Diagram) -> int:
    """Characters of a line of notes: as many as fit above the picture, if its width is known."""
    places = [node.at for node in diagram.nodes if node.at]
    if places and len(places) == len(diagram.nodes):
        right, left = max(x + w / 2 for x, _, w, _ in places), min(x - w / 2 for x, _, w, _ in places)
        return max(round((right - left) / LETTER), LEAST)
    small = all(not node.rows and not (node.value and node.value.cells) for node in diagram.nodes)
    return NARROW if len(diagram.nodes) < FEW and small else WIDE


def _letters(diagram: Diagram, looks: Looks, theme: Theme, beside: int) -> str:
    """The letters, and a filler: without it the engine would stretch the letters to the width of the notes."""
    shown = () if any(node.rows for node in diagram.nodes) else diagram.groups[:LISTED]  # rows list their own
    if not shown:
        return ""
    columns = COLUMNS if len(diagram.nodes) < MANY else COLUMNS_OF_MANY
    nodes = {node.id: node for node in diagram.nodes}
    members = [_members(group, nodes) for group in shown]
    widths = [text_width(words, TEXT_SIZE) + 8 for words in members]
    chips = [chip(group.letter, looks[group.letter], proved=_is_tied(group, nodes)) for group in shown]
    cells = [
        c + cell(label_text(t, colour=theme.ink), width) for c, t, width in zip(chips, members, widths, strict=True)
    ]
    rows = [row(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    filler = max(beside - sum(width + 20 for width in widths[:columns]), 1)
    return row([f"<TD>{table(rows, spacing=3)}</TD>", cell("", filler)])


def _is_tied(group: Group, nodes: Mapping[str, DiagramNode]) -> bool:
    """Whether each member has the frame of a proved tie."""
    return all(nodes[member].tie for member in group.members if member in nodes)


def _members(group: Group, nodes: Mapping[str, DiagramNode]) -> str:
    """The gradient of a group and the names of its members, leaves first."""
    members = [nodes[member] for member in group.members if member in nodes]
    ordered = sorted(members, key=lambda node: not is_leaf(node))
    names: Sequence[str] = [cut(visible(node.name)) for node in ordered if node.name][:NAMED]
    names = names or [cut(visible(name)) for name in group.names if name][:NAMED]
    more = len(group.members) - len(names)
    rest = [f"{more} {'more' if names else 'value' if more == 1 else 'values'}"] if more > 0 else []
    return f"{group.gradient}:  {', '.join([*names, *rest])}"
