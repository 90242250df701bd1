"""A card as DOT: an HTML-like table whose cells have the sizes in `card_layout`, with curves from row to row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..diagram import CardRow, DiagramNode, Edge
from ..format import cut, visible
from ..theme import Style, Theme, text_width
from . import card_layout as size
from .markup import label_text, quote

ARROW = 6.0  # points, the length of an arrow's head
LEVEL = 0.55  # how far the control points of a curve lie from its ends, as a share of its width
WARNINGS = ("nan", "inf", "dead", "frozen", "wrong rule")
HEAD = "head"  # the port of the left end of a head

Looks = Mapping[str | None, Style]


def card_label(node: DiagramNode, columns: size.Columns, looks: Looks, theme: Theme) -> str:
    """The label of a card, exactly as large as its `at`."""
    lines = [_head(node, columns, theme)]
    if size.caption(node):
        lines.append(_caption(columns, theme))
    first = size.first_result(node)
    for row in node.rows:
        if row is first and size.has_rule(node):
            lines.append(_rule(columns, theme))
        lines.append(_row(row, columns, looks, theme, right=row.kind == "op" or node.kind == "input"))
    lines.append(_line([_cell("", columns.inner, size.FOOT)], columns.inner, size.FOOT))
    return (
        f'<TABLE BORDER="{size.border(node)}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" STYLE="ROUNDED" '
        f'BGCOLOR="{theme.ground}" COLOR="{theme.line}">{"".join(lines)}</TABLE>'
    )


def ends(edge: Edge, tail: DiagramNode, head: DiagramNode) -> tuple[str, str]:
    """The two ends of an edge between cards as DOT, and its `pos` ("" lets the engine route it)."""
    leave, arrive = f":{edge.tail_port}:e" * bool(edge.tail_port), f":{edge.head_port or HEAD}:w"
    if tail.at is None or head.at is None:
        return f"{tail.id}{leave} -> {head.id}{arrive}", ""
    return f"{tail.id} -> {head.id}", quote(spline(edge, tail, head))


def spline(edge: Edge, tail: DiagramNode, head: DiagramNode) -> str:
    """The curve of an edge from the right of a row to the left of another, horizontal at both ends.

    All edges between two columns have the same bend, so two of them cross at most once, and only if they must.
    """
    (x, y), (end, level) = _side(tail, edge.tail_port, 1), _side(head, edge.head_port, -1)
    arrow = end - ARROW
    bend = (arrow - x) * LEVEL
    points = [(x, y), (x + bend, y), (arrow - bend, level), (arrow, level)]
    return f"e,{end:g},{level:g} " + " ".join(f"{a:g},{b:g}" for a, b in points)


def _side(node: DiagramNode, port: str, direction: int) -> tuple[float, float]:
    """The point where a row meets the left (-1) or the right (1) of its card."""
    x, y, width, height = node.at or (0.0, 0.0, 0.0, 0.0)
    return x + direction * width / 2, y + height / 2 - size.row_middle(node, port)


def _head(node: DiagramNode, columns: size.Columns, theme: Theme) -> str:
    title = label_text(cut(visible(node.name)), colour=theme.ink, bold=True, size=size.HEAD_TEXT)
    if node.operation:
        title += label_text("  " + node.operation, colour=theme.muted, size=size.SMALL)
    height = size.head(node)
    pills = [(word, text_width(word, size.SMALL, bold=True) + size.PILL) for word in size.pills(node)]
    rest = columns.inner - 2 * size.SIDE - sum(width + size.BETWEEN for _, width in pills)
    cells = [_cell("", size.SIDE, height, port=HEAD), _cell(title, rest, height)]
    for word, width in pills:
        line = theme.warning if word in WARNINGS else theme.ink
        badge = label_text(word, colour=line, bold=True, size=size.SMALL)
        cells.append(_cell(_box(badge, width, "ROUNDED", theme.paper, line), width + size.BETWEEN, height, "RIGHT"))
    return _line([*cells, _cell("", size.SIDE, height)], columns.inner, height)


def _caption(columns: size.Columns, theme: Theme) -> str:
    words = ("value", columns.value), ("gradient", columns.gradient)
    cells = [_cell("", size.SIDE + columns.chip + columns.name, size.CAPTION)]
    cells += [
        _cell(label_text(word, colour=theme.muted, size=size.SMALL), width, size.CAPTION) for word, width in words
    ]
    return _line([*cells, _cell("", size.SIDE, size.CAPTION)], columns.inner, size.CAPTION)


def _rule(columns: size.Columns, theme: Theme) -> str:
    line = f'<TD BGCOLOR="{theme.line}" FIXEDSIZE="TRUE" WIDTH="{columns.inner}" HEIGHT="1"></TD>'
    cell = f'<TD FIXEDSIZE="TRUE" WIDTH="{columns.inner}" HEIGHT="{size.RULE}">{_table([line])}</TD>'
    return f"<TR>{cell}</TR>"


def _row(row: CardRow, columns: size.Columns, looks: Looks, theme: Theme, *, right: bool) -> str:
    """A row. right: its port is on the right, for edges that leave, not on the left."""
    gradient = row.gradient.lines[0] if row.gradient else ""
    cells = [_cell("", size.SIDE, size.ROW, port="" if right else row.port)]
    if columns.chip:
        cells.append(_cell(_chip(row, looks) if row.group else "", columns.chip, size.ROW))
    cells += [
        _cell(label_text(size.row_name(row), colour=theme.ink), columns.name, size.ROW),
        _cell(label_text(row.value.lines[0], colour=theme.ink), columns.value, size.ROW),
    ]
    if columns.gradient:
        cells.append(_cell(label_text(gradient, colour=theme.muted), columns.gradient, size.ROW))
    return _line([*cells, _cell("", size.SIDE, size.ROW, port=row.port if right else "")], columns.inner, size.ROW)


def _chip(row: CardRow, looks: Looks) -> str:
    style, letter = looks[row.group], row.group or ""
    mark = label_text(letter, colour=style.chip_ink, bold=True, size=size.TEXT - 1)
    border = "ROUNDED" if row.tie else "ROUNDED,DASHED"
    return _box(mark, size.chip_width(letter), border, style.chip, style.chip_line)


def _box(content: str, width: int, style: str, fill: str, line: str) -> str:
    """A small cell with a border, within a row."""
    return _table(
        [
            f'<TD STYLE="{style}" BORDER="1" BGCOLOR="{fill}" COLOR="{line}" FIXEDSIZE="TRUE" WIDTH="{width}" '
            f'HEIGHT="{size.BOX}">{content}</TD>'
        ]
    )


def _line(cells: Sequence[str], width: int, height: int) -> str:
    """A row of the card: a separate table, so that no row stretches the columns of another."""
    return f'<TR><TD FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}">{_table(cells)}</TD></TR>'


def _table(cells: Sequence[str]) -> str:
    inner = f"<TR>{''.join(cells)}</TR>"
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{inner}</TABLE>'


def _cell(content: str, width: int, height: int, align: str = "LEFT", port: str = "") -> str:
    named = f' PORT="{port}"' if port else ""
    return f'<TD{named} FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}" ALIGN="{align}">{content}</TD>'
