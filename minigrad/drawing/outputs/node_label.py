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
from .cells_dot import Looks, array_tables, width_of
from .markup import LINE_END, TEXT_SIZE, cell, chip, label_text, row, table

PORT_HEIGHT = 4  # points along the left side for each arrow, if there are several
PARTIAL = "∂ "  # before a gradient
CHIP = 17  # width in points of a letter's chip and the space beside it
CALM = 110  # points: narrower nodes all get the same width


def box(node: DiagramNode, looks: Looks, theme: Theme, inputs: int, least: int = 0) -> str:
    """The label of one node. inputs: number of arrows that enter it. least: its minimum width in points."""
    name = cut(visible(node.name))
    heading = [
        label_text(name, colour=theme.ink, bold=True),
        label_text(node.operation, colour=theme.ink, bold=not name),
        *(label_text(words, colour=theme.muted) for words in (node_type(node), _many(node))),
    ]
    shown = array_tables(node, looks, theme)
    lines = ["  ".join(filter(None, heading))]
    lines += [label_text(line, colour=theme.ink) for line in _value(node)]
    lines += [label_text(line, colour=theme.muted) for line in _gradient(node)]
    lines += [
        label_text(", ".join(node.badges), colour=theme.warning, bold=True),
        label_text(node.hides, colour=theme.muted),
    ]
    mark = chip(node.group, looks[node.group], proved=bool(node.tie)) if node.group else ""
    wide = max(_width(node), least - (CHIP if mark else 0))
    words = cell(LINE_END.join(filter(None, lines)) + LINE_END, wide)
    # Keeps the chip from stretching to the width of the table below it.
    filler = cell("", max(width_of(node) - wide - (CHIP if mark else 0), 1)) if shown else ""
    inside = table([row([mark, words, filler])], spacing=3)
    if shown:
        inside = table([row([f"<TD>{inside}</TD>"]), row([cell(shown)])])
    # Arrows enter at the very edge of the box.
    return table([row([_ports(inputs), f"<TD>{inside}</TD>"])], padding=0) if inputs > 1 else inside


def least_width(nodes: Iterable[DiagramNode]) -> int:
    """The common minimum width of nodes in points; a node that needs much more gets more."""
    return min(max((_width(node) + (CHIP if node.group else 0) for node in nodes), default=0), CALM)


def _width(node: DiagramNode) -> int:
    """Points that the text of a node needs."""
    heading = "  ".join(filter(None, (cut(visible(node.name)), node.operation, node_type(node), _many(node))))
    lines = (*_value(node), *_gradient(node), ", ".join(node.badges), node.hides)
    return max(text_width(heading, TEXT_SIZE, bold=True), *(text_width(line, TEXT_SIZE) for line in lines))


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


def _ports(inputs: int) -> str:
    """An invisible column on the left, where the arrows of several inputs enter one below another."""
    rows = (f'<TR><TD PORT="i{place}" WIDTH="1" HEIGHT="{PORT_HEIGHT}"></TD></TR>' for place in range(inputs))
    return f'<TD CELLPADDING="0">{table(rows, padding=0)}</TD>'
