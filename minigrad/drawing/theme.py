"""How a picture looks: the colours of each theme, the marks of a group, how wide a text is.

Colours by what they are for, and letters; what is shown is decided by the views, how it is written down by `dot`.
A picture is drawn in the colours of one theme; another theme is the same picture with each colour `replaced`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, fields

from .colours import WHITE, against, contrast, mix

# Okabe and Ito's palette, told apart by readers with any kind of colour vision (jfly.uni-koeln.de/color).
# Its eighth colour, black, is the ink. Light and dark take turns as far as they can.
PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#CC79A7", "#0072B2", "#D55E00")
DARK_INK, LIGHT_INK = "#101010", "#FEFEFE"  # on a coloured chip, in any theme
TEXT, LINE = 4.5, 3.0  # the contrast that text and lines need (WCAG 2.2, AA)
FONT = "Helvetica"  # one plain name: the layout engine knows its widths
NARROW, WIDE = " .,:;!|'()[]{}fijlrtI/-", "mwMW@%&"


@dataclass(frozen=True, slots=True)
class Style:
    """How the nodes of one group are filled, and its letter's chip."""

    fill: str
    chip: str
    chip_ink: str
    chip_line: str


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by what they are for.

    paper, ground      of the page; of a node without a group
    ink, muted         text; text that stands back
    line, arrow        outlines; arrows
    warning            the border of what is wrong, and the words of badges
    plain, zero        styles of a letter without a colour; of gradients that are exactly 0
    groups             styles of the groups that wear a colour
    heat               from the most negative number by 0 to the largest
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
        """That of the group at a position among those that wear a colour; beyond the palette, the letter alone."""
        return self.plain if position is None or position >= len(self.groups) else self.groups[position]

    def pairs(self) -> Iterator[tuple[str, str]]:
        """(ink, ground) of every text that an output may write."""
        fills = [self.paper, self.ground, *(s.fill for s in self._styles())]
        yield from ((ink, fill) for ink in (self.ink, self.muted, self.warning) for fill in fills)
        yield from ((s.chip_ink, s.chip) for s in self._styles())
        yield (self.paper, self.warning)
        below = len(self.heat) // 2
        yield from ((self.on_heat(-step), self.heat[below - step]) for step in range(1, below + 1))

    def on_heat(self, step: int) -> str:
        """The ink of a mark on a negative step of the heat scale: the same of every theme's inks for one step."""
        return self.ink if step > -STRONG else LIGHT_INK

    def lines(self) -> Iterator[tuple[str, str]]:
        """(line, ground) of every line that an output may draw."""
        yield from ((line, self.paper) for line in (self.line, self.arrow, self.warning))
        yield from ((s.chip_line, s.fill) for s in self._styles())

    def _styles(self) -> tuple[Style, ...]:
        return (self.plain, self.zero, *self.groups)

    def colours(self) -> Iterator[str]:
        """All colours, in an order that is the same for every theme."""
        yield from (getattr(self, f.name) for f in fields(self) if f.type == "str" and f.name != "name")
        yield from (getattr(s, f.name) for s in self._styles() for f in fields(s))
        yield from self.heat


def _coloured(colour: str, paper: str, share: float, towards: str) -> Style:
    """Of one colour of the palette: a tint for the node, the full colour for the chip."""
    fill = mix(colour, share, paper)
    ink = max((DARK_INK, LIGHT_INK), key=lambda ink: contrast(ink, colour))
    # A frame has a colour of its own: a style sheet must be able to tell it from the chip.
    line = against(mix(towards, 0.08, colour), [fill, paper], LINE, towards)
    return Style(fill, colour, ink, line)


def _heat(negative: str, zero: str, positive: str, shares: tuple[float, ...]) -> tuple[str, ...]:
    """A scale that is symmetric about 0, each share of the colour at its end mixed into that of 0."""
    below = (mix(negative, share, zero) for share in reversed(shares))
    return (*below, zero, *(mix(positive, share, zero) for share in shares))


STRONG = 5  # steps of the scale below 0, from which on a mark is light
SCALE = (0.15, 0.35, 0.55, 0.78, 0.98)
LIGHT = Theme(
    name="light",
    paper=WHITE,
    ground="#F7F8F9",
    ink="#111111",
    muted="#4B5158",
    line="#868C93",
    arrow="#78838F",
    warning="#B00020",
    plain=Style("#F7F8F9", "#FDFDFD", "#121212", "#82888F"),
    zero=Style("#E7E9EC", "#D3D7DB", "#131313", "#6F757C"),
    groups=tuple(_coloured(colour, WHITE, 0.27, "#000000") for colour in PALETTE),
    heat=_heat(PALETTE[5], "#E1E4E7", PALETTE[6], SCALE),
)
DARK = Theme(
    name="dark",
    paper="#0F1117",
    ground="#1A1D25",
    ink="#F2F4F6",
    muted="#B9C0C8",
    line="#858D97",
    arrow="#7C8794",
    warning="#FF9C94",
    plain=Style("#1A1D25", "#14161D", "#F1F3F5", "#8A929C"),
    zero=Style("#2A2E37", "#3A3F4A", "#F0F2F4", "#9AA2AC"),
    groups=tuple(_coloured(colour, "#0F1117", 0.25, "#FFFFFF") for colour in PALETTE),
    heat=_heat(PALETTE[5], "#363B45", PALETTE[6], SCALE),
)
# Nothing but black on white: groups by their letters alone.
_BLACK = Style(WHITE, WHITE, "#000000", "#000000")
_GREYS = _heat("#000000", WHITE, "#000000", (0.1, 0.2, 0.3, 0.4, 0.85))
PRINT = Theme("print", WHITE, WHITE, *("#000000",) * 5, _BLACK, _BLACK, (_BLACK,) * len(PALETTE), _GREYS)
THEMES = {theme.name: theme for theme in (LIGHT, DARK, PRINT)}
NAMES = ("auto", *THEMES)  # auto: light, and dark where the reader's system is


def replaced(one: Theme, other: Theme) -> dict[str, str]:
    """What each colour of one theme is in another."""
    return {a: b for a, b in zip(one.colours(), other.colours(), strict=True) if a != b}


def letter(position: int) -> str:
    """A, B, ... Z, AA, AB, ...: as the columns of a spreadsheet."""
    text = ""
    position += 1
    while position:
        position, place = divmod(position - 1, 26)
        text = chr(ord("A") + place) + text
    return text


def text_width(text: str, size: int, *, bold: bool = False) -> int:
    """Points to reserve for a text, whichever sans-serif font it will be shown in.

    The layout engine measures Helvetica, and takes any letter outside ASCII for a space. A reader without
    Helvetica gets a wider font, such as DejaVu Sans; these are about its widths.
    """
    return round(sum(map(_ems, text)) * size * (1.1 if bold else 1.0)) + 1


def _ems(character: str) -> float:
    if unicodedata.combining(character):
        return 0
    if unicodedata.east_asian_width(character) in "WF" or character in WIDE:
        return 1
    return 0.36 if character in NARROW else 0.64
