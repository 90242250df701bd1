"""A card as DOT: an HTML-like table whose cells have the sizes in `card_layout`, with curves from row to row."""

from __future__ import annotations

from collections.abc import Sequence

from ..diagram import CardRow, DiagramNode, Edge
from ..format import cut, visible
from ..theme import Theme, text_width
from . import card_layout as size
from .letter_looks import Looks
from .markup import label_text, quote

ARROW = 6.0  # points, the length of an arrow's head
LEVEL = 0.55  # how far the control points of a curve lie from its ends, as a share of its width
WARNINGS = ("nan", "inf", "dead", "frozen", "wrong rule")
BESIDE = 3  # points between a chip and the name of its row, at least
HEAD = "head"  # the port of the left end of a head


def card_label(node: DiagramNode, columns: size.Columns, looks: Looks, theme: Theme) -> str:
    """The label of a card, exactly as large as its `at`."""
    lines = [_head(node, columns, theme)]
    if size.caption(node):
        lines.append(_caption(node, columns, theme))
    first = size.first_result(node)
    for row in node.rows:
        if row is first and size.has_rule(node):
            lines.append(_rule(columns, theme))
        right = row.kind == "op" or node.kind == "input"
        if size.in_two_lines(node, row):
            lines += _two_lines(row, columns, looks, theme, right=right)
        else:
            lines.append(_row(row, columns, looks, theme, right=right))
    lines.append(_line([_cell("", columns.inner, size.FOOT)], columns.inner, size.FOOT))
    card = (
        f'<TABLE BORDER="{size.border(node)}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" STYLE="ROUNDED" '
        f'BGCOLOR="{theme.ground}" COLOR="{theme.line}">{"".join(lines)}</TABLE>'
    )
    width, height = size.size(node, columns)
    for behind in range(size.sheets(node), 0, -1):
        card = _on_a_sheet(card, round(width) - size.SHEET * behind, round(height) - size.SHEET * behind, theme)
    return card


def _on_a_sheet(card: str, width: int, height: int, theme: Theme) -> str:
    """A card with a sheet behind it that shows at the right and below. width, height: of the card."""

    def edge(sides: str, across: int, down: int) -> str:
        look = f'BORDER="1" SIDES="{sides}" COLOR="{theme.line}" BGCOLOR="{theme.ground}" ' if sides else ""
        return f'<TD {look}FIXEDSIZE="TRUE" WIDTH="{across}" HEIGHT="{down}"></TD>'

    step = size.SHEET
    lines = (
        f'<TD ROWSPAN="2" COLSPAN="2">{card}</TD>{edge("", step, step)}',
        edge("TR", step, height - step),
        f"{edge('', step, step)}{edge('LB', width - step, step)}{edge('RB', step, step)}",
    )
    rows = "".join(f"<TR>{line}</TR>" for line in lines)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{rows}</TABLE>'


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
    operation = "" if size.is_beside_caption(node) else _operation(node, theme)
    badges = [(word, text_width(word, size.SMALL, bold=True) + size.PILL) for word in size.pills(node)]
    pills = [(_pill(word, width, theme), width + size.BETWEEN) for word, width in badges]
    if not size.has_second_line(node):
        return _head_line(f"{title}  {operation}" if operation else title, pills, size.head(node), columns, HEAD)
    upper = _head_line(title, [], size.HEAD, columns, HEAD)
    return upper + _head_line(operation, pills, size.UNDER, columns)


def _operation(node: DiagramNode, theme: Theme) -> str:
    return label_text(node.operation, colour=theme.muted, size=size.SMALL) if node.operation else ""


def _head_line(
    words: str, pills: Sequence[tuple[str, int]], height: int, columns: size.Columns, port: str = ""
) -> str:
    """Words on the left, badges on the right."""
    rest = columns.inner - 2 * size.SIDE - sum(width for _, width in pills)
    cells = [_cell("", size.SIDE, height, port=port), _cell(words, rest, height)]
    cells += [_cell(pill, width, height, "RIGHT") for pill, width in pills]
    return _line([*cells, _cell("", size.SIDE, height)], columns.inner, height)


def _pill(word: str, width: int, theme: Theme) -> str:
    line = theme.warning if word in WARNINGS else theme.ink
    return _box(label_text(word, colour=line, bold=True, size=size.SMALL), width, "ROUNDED", theme.paper, line)


def _caption(node: DiagramNode, columns: size.Columns, theme: Theme) -> str:
    words = ("value", columns.value), ("gradient", columns.gradient)
    beside = _operation(node, theme) if size.is_beside_caption(node) else ""
    cells = [_cell("", size.SIDE, size.CAPTION), _cell(beside, columns.chip + columns.name, size.CAPTION)]
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
    cells = [
        *_name(row, columns.name, theme),
        _cell(label_text(row.value.lines[0], colour=theme.ink, size=size.TEXT), columns.value, size.ROW),
    ]
    if columns.gradient:
        cells.append(_cell(label_text(gradient, colour=theme.muted, size=size.TEXT), columns.gradient, size.ROW))
    return _with_port(row, cells, columns, looks, right=right)


def _two_lines(row: CardRow, columns: size.Columns, looks: Looks, theme: Theme, *, right: bool) -> list[str]:
    """A row with its name and value, and a second one with its gradient."""
    name = size.name_in_two_lines(row, columns)
    value = label_text(row.value.lines[0], colour=theme.ink, size=size.TEXT)
    cells = [*_name(row, name, theme), _cell(value, columns.inner - 2 * size.SIDE - columns.chip - name, size.ROW)]
    gradient = row.gradient.lines[0] if row.gradient else ""
    before = size.SIDE + columns.chip
    if columns.gradient:  # there is a column of gradients
        before += columns.name + columns.value
    else:
        gradient = size.GRADIENT + gradient
    under = label_text(gradient, colour=theme.muted, size=size.TEXT)
    below = [_cell("", before, size.LINE), _cell(under, columns.inner - before, size.LINE)]
    end = _line([_cell("", columns.inner, size.BELOW)], columns.inner, size.BELOW)
    return [_with_port(row, cells, columns, looks, right=right), _line(below, columns.inner, size.LINE), end]


def _with_port(row: CardRow, cells: Sequence[str], columns: size.Columns, looks: Looks, *, right: bool) -> str:
    """The cells of a row between its letter and its two sides, one of which has the port."""
    chip = [_cell(_chip(row, looks) if row.group else "", columns.chip, size.ROW)] if columns.chip else []
    left, end = ("", row.port) if right else (row.port, "")
    sides = _cell("", size.SIDE, size.ROW, port=left), _cell("", size.SIDE, size.ROW, port=end)
    return _line([sides[0], *chip, *cells, sides[1]], columns.inner, size.ROW)


def _name(row: CardRow, width: int, theme: Theme) -> list[str]:
    """The cell of a row's name; where two neurons part, a second one with the mark."""
    name, mark = label_text(size.row_name(row), colour=theme.ink, size=size.TEXT), ""
    if row.differs:
        mark = label_text(size.DIFFERS, colour=theme.warning, size=size.TEXT)
    marked = size.mark_width(row)
    if not marked:
        return [_cell(name, width, size.ROW)]
    return [_cell(name, width - marked - size.GAP, size.ROW), _cell(mark, marked + size.GAP, size.ROW)]


def parting_label(edge: Edge, tail: DiagramNode, head: DiagramNode, theme: Theme) -> dict[str, str]:
    """The mark in the middle of an arrow where two neurons part; {} for any other arrow."""
    if not edge.differs:
        return {}
    (x, y), (end, level) = _side(tail, edge.tail_port, 1), _side(head, edge.head_port, -1)
    words = label_text(size.DIFFERS, colour=theme.warning, bold=True, size=size.SMALL)
    mark = _box(words, size.CHIP, "ROUNDED", theme.paper, theme.warning)
    return {"label": f"<{mark}>", "lp": quote(f"{(x + end - ARROW) / 2:g},{(y + level) / 2:g}")}


def _chip(row: CardRow, looks: Looks) -> str:
    found, style = looks.mark(row.group, row.tie), looks[row.group]
    if found is None:
        return ""
    rings = style.rings[:1]  # a row has no room for more
    mark = label_text(found.text, colour=style.chip_ink, bold=True, size=size.TEXT - 1)
    border = "ROUNDED" if found.proved else "ROUNDED,DASHED"
    room = size.chip_width(found.letter) + size.AFTER - BESIDE  # the column has as much for every letter
    width = min(size.chip_width(found.text), room - 2 * len(rings))
    chip = _box(mark, width, border, style.chip, style.chip_line)
    for ring in rings:
        chip = _box(chip, width + 2, "ROUNDED", style.fill, ring, size.BOX + 2)
    return chip


def _box(content: str, width: int, style: str, fill: str, line: str, height: int = size.BOX) -> str:
    """A small cell with a border, within a row."""
    return _table(
        [
            f'<TD STYLE="{style}" BORDER="1" BGCOLOR="{fill}" COLOR="{line}" FIXEDSIZE="TRUE" WIDTH="{width}" '
            f'HEIGHT="{height}">{content}</TD>'
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
