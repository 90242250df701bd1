"""Arrays inside a node, as tables of Graphviz's HTML-like labels: small ones cell by cell, others as heat maps.

A cell shows a value, below it the gradient with its letter. A heat map runs from blue (negative) through grey (0)
to vermillion; below it are its colour bar and the numbers of the end colours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ..array_summary import NOT_FINITE
from ..diagram import ArraySummary, DiagramNode
from ..format import derivative_text
from ..marks import LetterMark
from ..theme import Theme, text_width
from .letter_looks import Looks
from .markup import LINE_END, SMALL, cell, label_text, row, table

MAP, LEAST, MOST = 48, 4, 12  # points of a side of a heat map; of a square of it, at least and at most
STRIP = 7  # points: the side of a square of a strip
BAR = 4  # points: the height of a colour bar
GAP = 4  # points between tables, and between the parts of a heat map
LINE = 13  # the height of a line
MIDDLE = "<BR/>"


def array_tables(node: DiagramNode, looks: Looks, theme: Theme) -> str:
    """The table of a node's value and gradient; "" if the node has no arrays to show."""
    value, gradient = node.value, node.gradient
    if value is None:
        return ""
    if value.cells:
        return _cells(node, value, gradient, looks, theme)
    maps = [f'<TD VALIGN="TOP">{_map(numbers, words, theme)}</TD>' for numbers, words in _maps(node)]
    return table([row(maps)], spacing=GAP) if maps else ""


def tables_size(node: DiagramNode) -> tuple[int, int]:
    """The approximate width and height of a node's tables in points."""
    value, gradient = node.value, node.gradient
    if value is None or not value.cells:
        maps = [_map_size(numbers, words) for numbers, words in _maps(node)]
        return sum(width + GAP for width, _ in maps), max((height for _, height in maps), default=0)
    grids = [value.cells, *([gradient.cells] if gradient and gradient.cells else [])]
    letter = 12 if node.cell_groups else 0
    columns = zip(*(line for grid in grids for line in grid), strict=True)
    width = sum(max(text_width(words, SMALL) for words in column) + letter + 6 for column in columns)
    return width, len(value.cells) * (LINE * len(grids) + 6)


def _cells(
    node: DiagramNode, value: ArraySummary, gradient: ArraySummary | None, looks: Looks, theme: Theme
) -> str:
    rows = []
    for i, line in enumerate(value.cells):
        cells = []
        for j, number in enumerate(line):
            g = gradient.cells[i][j] if gradient and gradient.cells else ""
            cells.append(_cell(number, g, looks.at(f"{node.id}:{i},{j}"), looks, theme))
        rows.append(row(cells))
    return table(rows, spacing=3)


def _cell(number: str, gradient: str, found: LetterMark | None, looks: Looks, theme: Theme) -> str:
    parts = [label_text(number, colour=theme.ink, size=SMALL)]
    if gradient:
        mark = f"{label_text(found.text, colour=theme.ink, bold=True, size=SMALL)} " if found else ""
        parts.append(f"{mark}{label_text(gradient, colour=theme.muted, size=SMALL)}")
    if found is None:
        return f"<TD>{MIDDLE.join(parts)}</TD>"
    look, outline = looks[found.letter], "" if found.proved else ' STYLE="dashed"'
    return f'<TD BGCOLOR="{look.fill}" COLOR="{look.chip_line}" BORDER="1"{outline}>{MIDDLE.join(parts)}</TD>'


def _maps(node: DiagramNode) -> Iterator[tuple[ArraySummary, str]]:
    """The heat maps of a node, each with its caption: the numbers of its end colours."""
    for numbers, name in ((node.value, ""), (node.gradient, "∂ ")):
        if numbers and numbers.thumbnail:
            low, high = _ends(numbers)
            end = derivative_text(numbers.scale or 0.0)
            yield (
                numbers,
                name
                + {(True, True): f"±{end}", (True, False): f"-{end} .. 0"}.get(
                    (low < 0, high > 0), f"0 .. {end}" if high else "0"
                ),
            )


def _map(numbers: ArraySummary, caption: str, theme: Theme) -> str:
    """A heat map; below it its colour bar, and what the ends of that mean."""
    wide, high = _square(numbers)
    steps = _steps(numbers)
    if len({step for line in steps for step in line}) == 1:  # one square: no seams
        wide, high, steps = wide * len(steps[0]), high * len(steps), [steps[0][:1]]
    grid = [row(_run(x, len(list(same)), wide, high, theme) for x, same in groupby(line)) for line in steps]
    low, top = _ends(numbers)
    part = max(round(MAP / (top - low + 1)), 1)
    bar = [row(_run(step, 1, part, BAR, theme) for step in range(low, top + 1))]
    text = label_text(caption, colour=theme.muted, size=SMALL) + LINE_END
    parts = [
        f'<TD ALIGN="LEFT">{_exact(grid, wide * len(steps[0]), high * len(steps))}</TD>',
        f'<TD ALIGN="LEFT">{_exact(bar, part * (top - low + 1), BAR)}</TD>',
        cell(text, text_width(caption, SMALL)),
    ]
    return table(map(row, ([part] for part in parts)))


def strip_table(sizes: Sequence[float], theme: Theme) -> str:
    """A row of squares, the darker the larger: what each use of a value adds to its gradient."""
    steps = [None if x == NOT_FINITE else round(x * _HALF) for x in sizes]
    return _exact([row(_run(step, 1, STRIP, STRIP, theme) for step in steps)], STRIP * len(steps), STRIP)


def _exact(rows: list[str], width: int, height: int) -> str:
    """A table that does not grow where there is more room."""
    fixed = f' FIXEDSIZE="TRUE" ALIGN="LEFT" WIDTH="{width}" HEIGHT="{height}"'
    return table(rows, padding=0, attributes=fixed)


def _map_size(numbers: ArraySummary, caption: str) -> tuple[int, int]:
    wide, high = _square(numbers)
    width = max(len(numbers.thumbnail[0]) * wide, text_width(caption, SMALL))
    return width + GAP, len(numbers.thumbnail) * high + BAR + LINE + GAP


def _square(numbers: ArraySummary) -> tuple[int, int]:
    """The width and the height of one square."""
    rows, columns = len(numbers.thumbnail), len(numbers.thumbnail[0])
    return tuple(min(max(round(MAP / n), LEAST), MOST) for n in (columns, rows))  # type: ignore[return-value]


_HALF = 5  # colours on either side of 0


def _steps(numbers: ArraySummary) -> list[list[int | None]]:
    """The number of the colour of each square, 0 for the number 0; None for what is not finite."""
    return [[None if x == NOT_FINITE else round(x * _HALF) for x in line] for line in numbers.thumbnail]


def _ends(numbers: ArraySummary) -> tuple[int, int]:
    """The ends of the colour bar: a side of 0 on which there is no number is left out."""
    found = [x for line in numbers.thumbnail for x in line if x != NOT_FINITE]
    return (-_HALF if min(found, default=0) < 0 else 0), (_HALF if max(found, default=0) > 0 else 0)


def _run(step: int | None, count: int, wide: int, high: int, theme: Theme) -> str:
    """Some squares of one colour side by side."""
    colour = theme.warning if step is None else theme.heat[_HALF + step]
    span = f' COLSPAN="{count}"' if count > 1 else ""
    return f'<TD{span} WIDTH="{wide * count}" HEIGHT="{high}" FIXEDSIZE="TRUE" BGCOLOR="{colour}"></TD>'
