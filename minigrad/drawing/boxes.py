"""The inside of a node, as an HTML-like label: letter, name and operation; value and gradient; badges.

What stands there is the diagram's; here it is only laid out, in the colours of a theme.
"""

from __future__ import annotations

from .diagram import Node
from .findings import kind
from .markup import LINE_END, TEXT_SIZE, cell, chip, row, table, text
from .theme import Style, Theme, text_width
from .words import cut, visible

PORT_HEIGHT = 4  # points of a side that each of many arrows has to itself; few share the height of the text
PARTIAL = "∂ "  # before a gradient


def box(node: Node, style: Style, theme: Theme, inputs: int) -> str:
    """The label of one node. inputs: so many arrows enter it."""
    name, operation = cut(visible(node.name)), node.operation
    badges = ", ".join(node.badges)
    many = f"{node.count:,} values" if node.kind in ("chain", "cluster", "layer") else ""
    many = f"×{node.times:,}" if node.times > 1 else many
    heading = [
        text(name, colour=theme.ink, bold=True),
        text(operation, colour=theme.ink, bold=not name),
        text(kind(node), colour=theme.muted),
        text(many, colour=theme.muted),
    ]
    value, gradient = (x.lines if x else () for x in (node.value, node.gradient))
    gradient = tuple(f"{'' if k else PARTIAL}{line}" for k, line in enumerate(gradient))
    lines = ["  ".join(filter(None, heading))]
    lines += [text(line, colour=theme.ink) for line in value]
    lines += [text(line, colour=theme.muted) for line in gradient]
    lines += [text(line, colour=theme.warning, bold=True) for line in (badges, node.hides) if line]
    width = text_width("  ".join(filter(None, (name, operation, kind(node), many))), TEXT_SIZE, bold=True)
    width = max(width, *(text_width(line, TEXT_SIZE) for line in (*value, *gradient, badges, node.hides)))
    mark = chip(node.group, style, proved=bool(node.tie)) if node.group else ""
    body = LINE_END.join(filter(None, lines)) + LINE_END
    return table([row([_ports(inputs), mark, cell(body, width)])], spacing=3)


def _ports(inputs: int) -> str:
    """An invisible column on the left, where the arrows of several inputs enter one below the other."""
    if inputs < 2:
        return ""
    rows = (f'<TR><TD PORT="i{place}" WIDTH="1" HEIGHT="{PORT_HEIGHT}"></TD></TR>' for place in range(inputs))
    return f'<TD CELLPADDING="0">{table(rows, padding=0)}</TD>'
