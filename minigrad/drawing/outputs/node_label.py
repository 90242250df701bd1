"""The inside of a node, as an HTML-like label: letter, name and operation; value and gradient; badges.

The diagram has the content; this module only lays it out, in the colours of a theme.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..array_summary import is_table
from ..captions import node_type
from ..diagram import DiagramNode
from ..format import cut, visible
from ..theme import Theme, text_width
from .cells_dot import array_tables, strip_table, tables_size
from .letter_looks import Looks
from .markup import LINE_END, TEXT_SIZE, cell, chip, label_text, row, table

PORT = 4  # points along the side for each arrow, if there are several
PARTIAL = "∂ "  # before a gradient
CHIP, CHIP_HEIGHT = 17, 18  # of a letter's chip with the space beside it, in points
LINE = 13  # the height of a line
FRAME = 8  # points around the content, from border to border
CALM = 110  # points: narrower nodes all get the same width


def box(node: DiagramNode, looks: Looks, theme: Theme, inputs: int, least: int = 0, side: str = "w") -> str:
    """The label of one node.

    inputs: number of arrows that enter it. least: its minimum width in points. side: where they enter: w, e, n, s.
    """
    head, *others = _heading(node)
    title = "  ".join(_part(part, theme) for part in head)
    lines = ["  ".join(_part(part, theme) for part in line) for line in others]
    lines += [label_text(line, colour=theme.ink) for line in _value(node)]
    lines += [label_text(line, colour=theme.muted) for line in _gradient(node)]
    lines += [
        label_text(", ".join(node.badges), colour=theme.warning, bold=True),
        label_text(node.hides, colour=theme.muted),
    ]
    lines = list(filter(None, lines))
    wide = max(_width(node), least)
    found = looks.mark(node.group, node.tie)
    mark = chip(found, looks[node.group]) if found else ""
    rows = [row([mark, cell(title + LINE_END, wide - CHIP)])] if mark else []
    if words := LINE_END.join(lines if mark else filter(None, [title, *lines])):
        rows.append(row([cell(words + LINE_END, wide, ' COLSPAN="2"' if mark else "")]))
    if node.strip:
        span = ' COLSPAN="2"' if mark else ""
        rows.append(row([f'<TD ALIGN="LEFT"{span}>{strip_table(node.strip, theme)}</TD>']))
    inside = table(rows, spacing=2)
    if shown := array_tables(node, looks, theme):
        # The filler keeps the chip from stretching to the width of the arrays below it.
        filler = cell("", max(tables_size(node)[0] - wide, 1))
        inside = table([row([f"<TD>{inside}</TD>", filler]), row([f'<TD COLSPAN="2" ALIGN="LEFT">{shown}</TD>'])])
    return _with_ports(inside, inputs, side) if inputs > 1 else inside


def node_size(node: DiagramNode) -> tuple[float, float]:
    """About the width and the height of a node, in points."""
    lines = [
        *_heading(node)[1:],
        *_value(node),
        *_gradient(node),
        *node.badges[:1],
        *([node.hides] if node.hides else []),
    ]
    width, height = tables_size(node)
    head = CHIP_HEIGHT if node.group else LINE
    return max(_width(node), width) + FRAME, head + LINE * len(lines) + height + FRAME


def least_width(nodes: Iterable[DiagramNode]) -> int:
    """The common minimum width of nodes in points; a node that needs much more gets more."""
    return min(max(map(_width, nodes), default=0), CALM)


def _heading(node: DiagramNode) -> list[list[tuple[str, bool, bool]]]:
    """Name, operation, shape and number, each with whether it is bold and whether muted; in calm lines."""
    name = cut(visible(node.name))
    parts = [(name, True, False), (node.operation, not name, False), (_type(node), False, True)]
    lines: list[list[tuple[str, bool, bool]]] = [[]]
    for part in [*parts, (_many(node), False, True)]:
        if part[0] and lines[-1] and _heading_width([*lines[-1], part]) > CALM:
            lines.append([])
        lines[-1] += [part] if part[0] else []
    return lines


def _part(part: tuple[str, bool, bool], theme: Theme) -> str:
    words, bold, muted = part
    return label_text(words, colour=theme.muted if muted else theme.ink, bold=bold)


def _heading_width(line: Iterable[tuple[str, bool, bool]]) -> int:
    return text_width("  ".join(words for words, *_ in line), TEXT_SIZE, bold=True)


def _type(node: DiagramNode) -> str:
    """Shape and type; a float64 goes without saying."""
    return node_type(node).removesuffix("float64").strip()


def _width(node: DiagramNode) -> int:
    """Points that the text of a node needs, with its letter."""
    head, *others = map(_heading_width, _heading(node))
    lines = (*_value(node), *_gradient(node), ", ".join(node.badges), node.hides)
    return max(head + (CHIP if node.group else 0), *others, *(text_width(line, TEXT_SIZE) for line in lines))


def _value(node: DiagramNode) -> tuple[str, ...]:
    """The value in lines, unless a table shows it."""
    return () if node.value is None or is_table(node.value) else node.value.lines


def _gradient(node: DiagramNode) -> tuple[str, ...]:
    shown = node.value is not None and is_table(node.value)
    lines = node.gradient.lines if node.gradient and not shown else ()
    return tuple(f"{'' if k else PARTIAL}{line}" for k, line in enumerate(lines))


def _many(node: DiagramNode) -> str:
    if node.times > 1:
        return f"×{node.times:,}"
    return f"{node.count:,} values" if node.kind in ("chain", "cluster", "layer") else ""


def _with_ports(inside: str, inputs: int, side: str) -> str:
    """The content with an invisible strip along one side, where the arrows of several inputs enter in order."""
    strip, content = f'<TD CELLPADDING="0">{_ports(inputs, side in "ns")}</TD>', f"<TD>{inside}</TD>"
    both = [strip, content] if side in "nw" else [content, strip]
    return table(map(row, ([x] for x in both)) if side in "ns" else [row(both)], padding=0)


def _ports(inputs: int, along: bool) -> str:
    """The strip: side by side or one below another."""
    shape = f'WIDTH="{PORT}" HEIGHT="1"' if along else f'WIDTH="1" HEIGHT="{PORT}"'
    cells = [f'<TD PORT="i{place}" {shape}></TD>' for place in range(inputs)]
    return table([row(cells)] if along else map(row, ([c] for c in cells)), padding=0)
