"""The line of samples above a picture: each sign as it is drawn, and its meaning. `samples` chooses them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..samples import Sample
from ..theme import Theme, text_width
from .letter_looks import Looks
from .markup import SMALL, cell, chip, label_text, row, table

SIZE = SMALL + 1  # of the words
LINE, ABOVE, BELOW = 22, 8, 4  # points: the length of a sample of an arrow; the room above and below it
GAP = 12  # points between a sample's words and the next sample
PENS = {
    "wide arrow": ("4", ""),
    "lettered arrow": ("4", ""),
    "dotted arrow": ("1", ' STYLE="dotted"'),
    "dashed arrow": ("1", ' STYLE="dashed"'),
}
HEATS = (0, 2, 5, 8, 10)  # steps of the scale in a sample, the middle one for 0


def sample_rows(found: Sequence[Sample], looks: Looks, theme: Theme, width: int) -> Iterator[str]:
    """The samples in as many rows as a width in points needs, each a table."""
    cells: list[str] = []
    used = 0
    for sample in found:
        words = text_width(sample.words, SIZE) + GAP
        if cells and used + words + LINE > width:
            yield _row(cells, width - used)
            cells, used = [], 0
        cells += [
            _sample(sample, looks, theme),
            cell(label_text(sample.words, colour=theme.muted, size=SIZE), words),
        ]
        used += words + LINE
    if cells:
        yield _row(cells, width - used)


def _row(cells: Sequence[str], rest: int) -> str:
    """The cells, and a filler: without it the engine would stretch them to the width of the notes."""
    return table([row([f"<TD>{table([row(cells)], spacing=2)}</TD>", cell("", max(rest, 1))])])


def _sample(sample: Sample, looks: Looks, theme: Theme) -> str:
    """The cell of one sample."""
    if sample.mark is not None:
        return chip(sample.mark, looks[sample.mark.letter])
    if sample.kind == "line":
        return f"<TD>{_line(sample.sign, theme)}</TD>"
    if sample.kind == "heat":
        squares = (
            f'<TD BGCOLOR="{theme.heat[step]}" WIDTH="7" HEIGHT="7" FIXEDSIZE="TRUE"></TD>' for step in HEATS
        )
        return f"<TD>{table([row(squares)], padding=0)}</TD>"
    word = label_text(sample.sign, colour=theme.warning, bold=True, size=SIZE)
    wide = text_width(sample.sign, SIZE, bold=True) + 8
    return f'<TD COLOR="{theme.warning}" BORDER="1" STYLE="rounded" WIDTH="{wide}">{word}</TD>'


def _line(sign: str, theme: Theme) -> str:
    """A piece of an arrow, in the middle of its cell."""
    width, style = PENS[sign]
    colour = theme.groups[0].chip_line if sign == "lettered arrow" else theme.arrow
    pen = f'WIDTH="{LINE}" HEIGHT="{ABOVE}" FIXEDSIZE="TRUE" BORDER="{width}" SIDES="B" COLOR="{colour}"{style}'
    return table([f"<TR><TD {pen}></TD></TR>", f'<TR><TD HEIGHT="{BELOW}"></TD></TR>'], padding=0)
