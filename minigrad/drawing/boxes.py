"""The inside of a node, as an HTML-like label: letter, name and operation; value and gradient; badges.

What stands there is the diagram's; here it is only laid out, in the colours of a theme.
"""

from __future__ import annotations

from collections.abc import Iterable

from .cells_dot import Looks, arrays, width_of
from .diagram import Node
from .findings import kind
from .markup import LINE_END, TEXT_SIZE, cell, chip, row, table, text
from .numbers import is_table
from .theme import Theme, text_width
from .words import cut, visible

PORT_HEIGHT = 4  # points of a side that each of many arrows has to itself; few share the height of the text
PARTIAL = "∂ "  # before a gradient
CHIP = 17  # points that the chip of a letter takes, with the space beside it
CALM = 110  # points up to which nodes are made equally wide


def box(node: Node, looks: Looks, theme: Theme, inputs: int, least: int = 0) -> str:
    """The label of one node. inputs: so many arrows enter it. least: points that it is wide at the least."""
    name = cut(visible(node.name))
    heading = [
        text(name, colour=theme.ink, bold=True),
        text(node.operation, colour=theme.ink, bold=not name),
        *(text(words, colour=theme.muted) for words in (kind(node), _many(node))),
    ]
    shown = arrays(node, looks, theme)
    lines = ["  ".join(filter(None, heading))]
    lines += [text(line, colour=theme.ink) for line in _value(node)]
    lines += [text(line, colour=theme.muted) for line in _gradient(node)]
    lines += [text(", ".join(node.badges), colour=theme.warning, bold=True), text(node.hides, colour=theme.muted)]
    mark = chip(node.group, looks[node.group], proved=bool(node.tie)) if node.group else ""
    wide = max(_width(node), least - (CHIP if mark else 0))
    words = cell(LINE_END.join(filter(None, lines)) + LINE_END, wide)
    # Lest the chip be stretched to the width of what stands below it.
    filler = cell("", max(width_of(node) - wide - (CHIP if mark else 0), 1)) if shown else ""
    inside = table([row([mark, words, filler])], spacing=3)
    if shown:
        inside = table([row([f"<TD>{inside}</TD>"]), row([cell(shown)])])
    # The places where arrows enter stand at the very edge of the box.
    return table([row([_ports(inputs), f"<TD>{inside}</TD>"])], padding=0) if inputs > 1 else inside


def least_width(nodes: Iterable[Node]) -> int:
    """Points for nodes that are to be equally wide, unless one of them needs a great deal more than others."""
    return min(max((_width(node) + (CHIP if node.group else 0) for node in nodes), default=0), CALM)


def _width(node: Node) -> int:
    """Points that the text of a node needs."""
    heading = "  ".join(filter(None, (cut(visible(node.name)), node.operation, kind(node), _many(node))))
    lines = (*_value(node), *_gradient(node), ", ".join(node.badges), node.hides)
    return max(text_width(heading, TEXT_SIZE, bold=True), *(text_width(line, TEXT_SIZE) for line in lines))


def _value(node: Node) -> tuple[str, ...]:
    """The value in lines, unless a table shows it."""
    return () if node.value is None or is_table(node.value) else node.value.lines


def _gradient(node: Node) -> tuple[str, ...]:
    shown = node.value is not None and is_table(node.value)
    lines = node.gradient.lines if node.gradient and not shown else ()
    return tuple(f"{'' if k else PARTIAL}{line}" for k, line in enumerate(lines))


def _many(node: Node) -> str:
    if node.times > 1:
        return f"×{node.times:,}"
    return f"{node.count:,} values" if node.kind in ("chain", "cluster", "layer") else ""


def _ports(inputs: int) -> str:
    """An invisible column on the left, where the arrows of several inputs enter one below the other."""
    rows = (f'<TR><TD PORT="i{place}" WIDTH="1" HEIGHT="{PORT_HEIGHT}"></TD></TR>' for place in range(inputs))
    return f'<TD CELLPADDING="0">{table(rows, padding=0)}</TD>'
