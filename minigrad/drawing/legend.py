"""The headline of a picture: the title, how to read it, and what each letter stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

from .diagram import Diagram, Group, Node
from .findings import NAMED, is_leaf
from .markup import SMALL, TEXT_SIZE, TITLE_SIZE, cell, chip, row, table, text
from .theme import Style, Theme, text_width
from .words import cut, visible

FEW, NARROW, WIDE = 12, 95, 150  # characters of a line of notes: so many nodes make a narrow picture
LETTER, LEAST = 6, 50  # points for a letter of a note; characters of a line, however narrow the picture
BELOW = 8  # points between the last note and a picture that has no legend
CROWD, CROWDED = 500, 6  # arrows, and arrows for each node, from which on they are a crowd
LISTED = 36  # so many letters are explained one by one
COLUMNS, COLUMNS_OF_MANY, MANY = 4, 6, 60  # the columns of the legend, and from how many nodes on it has more

Looks = Mapping[str | None, Style]


def is_crowded(diagram: Diagram) -> bool:
    """Whether arrows are too many to be told apart: what stands beside them could not be read, but takes long."""
    return len(diagram.edges) > CROWD and len(diagram.edges) > CROWDED * len(diagram.nodes)


def headline(diagram: Diagram, looks: Looks, theme: Theme) -> str:
    """Title, notes and letters, as an HTML-like label."""
    more = len(diagram.groups) - LISTED
    told = [*diagram.notes, *diagram.hidden]
    told += [f"{more} more letters are not listed here."] if more > 0 else []
    told += (
        [f"{len(diagram.edges):,} arrows: a quarter as wide, without derivatives, in no order."]
        if is_crowded(diagram)
        else []
    )
    width = _line_length(diagram)
    notes = [line for note in told for line in wrap(note, width, break_long_words=False, break_on_hyphens=False)]
    title_width = text_width(diagram.title, TITLE_SIZE, bold=True)
    widths = [text_width(note, SMALL + 1) for note in notes]
    cells = [cell(text(diagram.title, colour=theme.ink, bold=True, size=TITLE_SIZE), title_width, ' COLSPAN="2"')]
    cells += [
        cell(text(note, colour=theme.muted, size=SMALL + 1), width, ' COLSPAN="2"')
        for note, width in zip(notes, widths, strict=True)
    ]
    last = _letters(diagram, looks, theme, max([title_width, *widths])) or f'<TR><TD HEIGHT="{BELOW}"></TD></TR>'
    return table([*(row([c]) for c in cells), last])


def _line_length(diagram: Diagram) -> int:
    """Characters of a line of notes: as many as go above the picture, where its places are known."""
    places = [node.at for node in diagram.nodes if node.at]
    if places and len(places) == len(diagram.nodes):
        right, left = max(x + w / 2 for x, _, w, _ in places), min(x - w / 2 for x, _, w, _ in places)
        return max(round((right - left) / LETTER), LEAST)
    small = all(not node.rows and not (node.value and node.value.cells) for node in diagram.nodes)
    return NARROW if len(diagram.nodes) < FEW and small else WIDE


def _letters(diagram: Diagram, looks: Looks, theme: Theme, beside: int) -> str:
    """The letters, and a filler that keeps the engine from stretching them to the width of the lines beside."""
    shown = () if any(node.rows for node in diagram.nodes) else diagram.groups[:LISTED]  # rows tell for themselves
    if not shown:
        return ""
    columns = COLUMNS if len(diagram.nodes) < MANY else COLUMNS_OF_MANY
    nodes = {node.id: node for node in diagram.nodes}
    told = [_members(group, nodes) for group in shown]
    widths = [text_width(words, TEXT_SIZE) + 8 for words in told]
    chips = [chip(group.letter, looks[group.letter], proved=_tied(group, nodes)) for group in shown]
    cells = [c + cell(text(t, colour=theme.ink), width) for c, t, width in zip(chips, told, widths, strict=True)]
    rows = [row(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    filler = max(beside - sum(width + 20 for width in widths[:columns]), 1)
    return row([f"<TD>{table(rows, spacing=3)}</TD>", cell("", filler)])


def _tied(group: Group, nodes: Mapping[str, Node]) -> bool:
    """Whether each member is framed as tied to another."""
    return all(nodes[member].tie for member in group.members if member in nodes)


def _members(group: Group, nodes: Mapping[str, Node]) -> str:
    """The gradient of a group and the names of its members, leaves first."""
    members = [nodes[member] for member in group.members if member in nodes]
    ordered = sorted(members, key=lambda node: not is_leaf(node))
    names: Sequence[str] = [cut(visible(node.name)) for node in ordered if node.name][:NAMED]
    names = names or [cut(visible(name)) for name in group.names if name][:NAMED]
    more = len(group.members) - len(names)
    rest = [f"{more} {'more' if names else 'value' if more == 1 else 'values'}"] if more > 0 else []
    return f"{group.gradient}:  {', '.join([*names, *rest])}"
