"""The look of a picture: the colours of each theme, the marks of a group, the width of a text.

Colours are named by purpose. Views choose the content of a picture, `dot` writes it. A picture is drawn in the
colours of one theme; another theme is the same picture with other colours (`colour_map`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from .colours import WHITE, contrast, mix, with_contrast

# Okabe and Ito's palette: readers with any kind of colour vision can tell it apart (jfly.uni-koeln.de/color).
# Its eighth colour, black, is the ink. Light and dark colours alternate where possible.
PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#CC79A7", "#0072B2", "#D55E00")
DARK_INK, LIGHT_INK = "#101010", "#FEFEFE"  # on a coloured chip, in any theme
TEXT, LINE = 4.5, 3.0  # minimum contrast of text and of lines (WCAG 2.2, AA)
PATH = 3.6  # of the arrows on a tied path: more than other arrows have, so that they stand out in grey, too
FONT = "Helvetica"  # one plain name: the layout engine knows its widths
NARROW, BROAD, WIDE = (
    " .,:;!|'()[]{}fijlrtI/-₀₁₂₃₄₅₆₇₈₉",
    "ABCDEGHKNOPQRSUVXYZ#+<=>^~×≠−∞",
    "mwMW@%&…",
)  # letters by their width


@dataclass(frozen=True, slots=True)
class Style:
    """The fill of the nodes of one group, the look of its letter's chip, the colour of the arrows on its path.

    rings: the colours of the rings around the chip, from the inside out. They tell apart groups of one colour.
    """

    fill: str
    chip: str
    chip_ink: str
    chip_line: str
    path: str
    rings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by purpose.

    paper, ground      of the page; of a node without a group
    ink, muted         text; less important text
    line, arrow        outlines; arrows
    warning            the border of a node with a wrong rule, and the words of badges
    plain, zero        styles of a letter without a colour; of gradients that are exactly 0
    groups             styles of the coloured groups
    heat               from the most negative number through 0 to the largest
    """

    name: str
    paper: str
    ground: str
    ink: str
    muted: str
    line: str
    arrow: str
    warning: str
    plain: Style
    zero: Style
    groups: tuple[Style, ...]
    heat: tuple[str, ...]

    def style(self, position: int | None) -> Style:
        """The style of the coloured group at a position, the plain one without a position.

        Beyond the palette the colours begin again, with a ring around the chip in each of the colours; then with
        two rings, and so on.
        """
        if position is None:
            return self.plain
        rest, place = divmod(position, len(self.groups))
        rings = []
        while rest:
            rest, ring = divmod(rest - 1, len(self.groups))
            rings.append(self.groups[ring].chip_line)
        return replace(self.groups[place], rings=tuple(rings))

    def pairs(self) -> Iterator[tuple[str, str]]:
        """(ink, ground) of every text that an output may write."""
        fills = [self.paper, self.ground, *(s.fill for s in self._styles())]
        yield from ((ink, fill) for ink in (self.ink, self.muted, self.warning) for fill in fills)
        yield from ((s.chip_ink, s.chip) for s in self._styles())
        yield (self.paper, self.warning)

    def lines(self) -> Iterator[tuple[str, str]]:
        """(line, ground) of every line that an output may draw."""
        yield from ((line, self.paper) for line in (self.line, self.arrow, self.warning))
        yield from ((s.chip_line, s.fill) for s in self._styles())
        yield from ((s.path, self.paper) for s in self._styles())

    def _styles(self) -> tuple[Style, ...]:
        return (self.plain, self.zero, *self.groups)

    def colours(self) -> Iterator[str]:
        """All colours, in the same order for every theme."""
        yield from (getattr(self, f.name) for f in fields(self) if f.type == "str" and f.name != "name")
        yield from (getattr(s, f.name) for s in self._styles() for f in fields(s) if f.type == "str")
        yield from self.heat


def _palette_style(colour: str, paper: str, share: float, towards: str) -> Style:
    """The style of one palette colour: a tint for the node, the full colour for the chip."""
    fill = mix(colour, share, paper)
    ink = max((DARK_INK, LIGHT_INK), key=lambda ink: contrast(ink, colour))
    # The frame's colour differs from the chip's, so that a style sheet can replace each.
    line = with_contrast(mix(towards, 0.08, colour), [fill, paper], LINE, towards)
    path = with_contrast(mix(towards, 0.04, colour), [paper], PATH, towards)
    return Style(fill, colour, ink, line, path)


def _heat(negative: str, zero: str, positive: str, shares: tuple[float, ...]) -> tuple[str, ...]:
    """A scale symmetric about 0: each step mixes a share of an end's colour into that of 0."""
    below = (mix(negative, share, zero) for share in reversed(shares))
    return (*below, zero, *(mix(positive, share, zero) for share in shares))


SCALE = (0.15, 0.35, 0.55, 0.78, 0.98)
LIGHT = Theme(
    name="light",
    paper=WHITE,
    ground="#F7F8F9",
    ink="#111111",
    muted="#4B5158",
    line="#868C93",
    arrow="#8A949E",
    warning="#B00020",
    plain=Style("#F7F8F9", "#FDFDFD", "#121212", "#82888F", "#8A949E"),
    zero=Style("#E7E9EC", "#D3D7DB", "#131313", "#6F757C", "#8A949E"),
    groups=tuple(_palette_style(colour, WHITE, 0.27, "#000000") for colour in PALETTE),
    heat=_heat(PALETTE[5], "#E1E4E7", PALETTE[6], SCALE),
)
DARK = Theme(
    name="dark",
    paper="#0F1117",
    ground="#1A1D25",
    ink="#F2F4F6",
    muted="#B9C0C8",
    line="#858D97",
    arrow="#606975",
    warning="#FF9C94",
    plain=Style("#1A1D25", "#14161D", "#F1F3F5", "#8A929C", "#606975"),
    zero=Style("#2A2E37", "#3A3F4A", "#F0F2F4", "#9AA2AC", "#606975"),
    groups=tuple(_palette_style(colour, "#0F1117", 0.25, "#FFFFFF") for colour in PALETTE),
    heat=_heat(PALETTE[5], "#363B45", PALETTE[6], SCALE),
)
# Black on white only: letters alone show groups, and grey tells the sign of a number in a heat map.
_BLACK = Style(WHITE, WHITE, "#000000", "#000000", "#000000")
_GREYS = tuple(mix("#000000", step / 10, WHITE) for step in range(11))  # white: the most negative number
PRINT = Theme("print", WHITE, WHITE, *("#000000",) * 5, _BLACK, _BLACK, (_BLACK,) * len(PALETTE), _GREYS)
THEMES = {theme.name: theme for theme in (LIGHT, DARK, PRINT)}
NAMES = ("auto", *THEMES)  # auto: light or dark, as the reader's system


def colour_map(one: Theme, other: Theme) -> dict[str, str]:
    """The colours of the other theme, by those of the first."""
    return {a: b for a, b in zip(one.colours(), other.colours(), strict=True) if a != b}


def letter(position: int) -> str:
    """A, B, ... Z, AA, AB, ...: as the columns of a spreadsheet."""
    text = ""
    position += 1
    while position:
        position, place = divmod(position - 1, 26)
        text = chr(ord("A") + place) + text
    return text


def letter_position(name: str) -> int:
    """The position of a letter: 0 for A, 26 for AA."""
    position = 0
    for character in name:
        position = 26 * position + ord(character) - ord("A") + 1
    return position - 1


def text_width(text: str, size: int, *, bold: bool = False) -> int:
    """Points to reserve for a text, enough for any common sans-serif font.

    The layout engine measures Helvetica, and measures any letter outside ASCII as a space. A reader without
    Helvetica gets a wider font, such as DejaVu Sans; these are about its widths.
    """
    return round(sum(map(_ems, text)) * size * (1.1 if bold else 1.0)) + 1


def _ems(character: str) -> float:
    if unicodedata.combining(character):
        return 0
    if unicodedata.east_asian_width(character) in "WF" or character in WIDE:
        return 1
    return 0.36 if character in NARROW else 0.84 if character in BROAD else 0.64
