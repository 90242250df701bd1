"""Arrays inside a node, as tables of Graphviz's HTML-like labels: small ones cell by cell, others as heat maps.

A cell shows a value, below it the gradient with its letter. A heat map runs from blue (negative, marked with a
dash) through grey (0) to vermillion; its caption gives the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..array_summary import NOT_FINITE, summary
from ..diagram import ArraySummary, DiagramNode
from ..theme import Style, Theme, text_width
from .markup import LINE_END, SMALL, cell, label_text, row, table

SIDE = 7  # points of a cell of a heat map
MIDDLE = "<BR/>"

Looks = Mapping[str | None, Style]


def array_tables(node: DiagramNode, looks: Looks, theme: Theme) -> str:
    """The table of a node's value and gradient; "" if the node has no arrays to show."""
    value, gradient = node.value, node.gradient
    if value is None:
        return ""
    if value.cells:
        return _cells(node, value, gradient, looks, theme)
    if value.thumbnail:
        maps = [(value, "value")] + ([(gradient, "gradient")] if gradient and gradient.thumbnail else [])
        folded = len(node.shape) > 2
        return table([row(f"<TD>{_map(numbers, name, folded, theme)}</TD>" for numbers, name in maps)], spacing=4)
    return ""


def _cells(
    node: DiagramNode, value: ArraySummary, gradient: ArraySummary | None, looks: Looks, theme: Theme
) -> str:
    rows = []
    for i, line in enumerate(value.cells):
        cells = []
        for j, number in enumerate(line):
            letter = node.cell_groups[i][j] if node.cell_groups else ""
            g = gradient.cells[i][j] if gradient and gradient.cells else ""
            cells.append(_cell(number, g, letter, looks, theme))
        rows.append(row(cells))
    return table(rows, spacing=3)


def _cell(number: str, gradient: str, letter: str, looks: Looks, theme: Theme) -> str:
    parts = [label_text(number, colour=theme.ink, size=SMALL)]
    if gradient:
        mark = f"{label_text(letter, colour=theme.ink, bold=True, size=SMALL)} " if letter else ""
        parts.append(f"{mark}{label_text(gradient, colour=theme.muted, size=SMALL)}")
    if not letter:
        return f"<TD>{MIDDLE.join(parts)}</TD>"
    look = looks[letter]
    return f'<TD BGCOLOR="{look.fill}" COLOR="{look.chip_line}" BORDER="1">{MIDDLE.join(parts)}</TD>'


def _map(numbers: ArraySummary, name: str, folded: bool, theme: Theme) -> str:
    """A heat map and its caption."""
    grid = "".join(row(_square(x, theme) for x in line) for line in numbers.thumbnail)
    shown = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{grid}</TABLE>'
    words = [name, *summary(numbers).split(", "), *(["last axis across"] * folded)]
    caption = LINE_END.join(label_text(line, colour=theme.muted, size=SMALL) for line in words) + LINE_END
    return table([row([f'<TD ALIGN="LEFT">{shown}</TD>']), row([cell(caption)])])


def _square(x: float, theme: Theme) -> str:
    size = f'WIDTH="{SIDE}" HEIGHT="{SIDE}" FIXEDSIZE="TRUE"'
    if x == NOT_FINITE:
        mark = label_text("!", colour=theme.paper, bold=True, size=SIDE - 1)
        return f'<TD {size} BGCOLOR="{theme.warning}">{mark}</TD>'
    middle = len(theme.heat) // 2
    step = round(x * middle)
    mark = label_text("-", colour=theme.on_heat(step), bold=True, size=SIDE - 1) if step < 0 else ""
    return f'<TD {size} BGCOLOR="{theme.heat[middle + step]}">{mark}</TD>'


def width_of(node: DiagramNode) -> int:
    """The approximate width of a node's tables in points."""
    if node.value is None:
        return 0
    if node.value.cells:
        grids = [node.value.cells, *([node.gradient.cells] if node.gradient and node.gradient.cells else [])]
        letter = 12 if node.cell_groups else 0
        columns = zip(*(line for grid in grids for line in grid), strict=True)
        return sum(max(text_width(words, SMALL) for words in column) + letter + 6 for column in columns)
    maps = [numbers for numbers in (node.value, node.gradient) if numbers and numbers.thumbnail]
    return sum(_map_width(numbers) for numbers in maps)


def _map_width(numbers: ArraySummary) -> int:
    caption = max(text_width(words, SMALL) for words in summary(numbers).split(", "))
    return max(caption, len(numbers.thumbnail[0]) * SIDE) + 10
