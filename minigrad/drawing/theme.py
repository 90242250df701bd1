"""How a picture looks: the palette, the style of each group, the marks.

Colours, outlines and letters only. What is shown is decided in `diagram`, how it is written down in `dot`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# Okabe and Ito's palette, told apart by readers with any kind of colour vision (jfly.uni-koeln.de/color).
# Its eighth colour, black, is the ink. Light and dark take turns as far as they can.
PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#CC79A7", "#0072B2", "#D55E00")
INK = "#111111"
MUTED = "#4F555C"  # gradients, notes, arrows: 7:1 on white, 4.5:1 on any fill
PAPER = "#FFFFFF"
GREY = "#8A8F96"
WRONG = "#B00020"  # a border, and the words beside it: 7:1 on white
FONT = "Helvetica"  # one plain name: the layout engine knows its widths
NARROW, WIDE = " .,:;!|'()[]{}fijlrtI/-", "mwMW@%&"

OUTLINES = ("solid", "dashed", "dotted")  # of the groups that wear a colour for the first, second, third time


@dataclass(frozen=True, slots=True)
class Style:
    """How the nodes of one group are filled and outlined, and how their letter is set."""

    fill: str
    line: str
    outline: str
    chip: str
    chip_ink: str


PLAIN = Style(fill=PAPER, line=GREY, outline="solid", chip=PAPER, chip_ink=INK)
ZERO = Style(fill="#E3E5E8", line=GREY, outline="solid", chip="#C3C7CC", chip_ink=INK)


def group_style(position: int, *, quiet: bool) -> Style:
    """The style of the group that comes at a position: never by colour alone, for the letter goes with it.

    quiet: for a gradient that is merely handed on; a paler fill, and the letter on white.
    """
    turn, place = divmod(position, len(PALETTE))
    colour = PALETTE[place]
    chip = PAPER if quiet else colour
    return Style(
        fill=tint(colour, 0.10 if quiet else 0.30 if turn == 0 else 0.18),
        line=shade(colour, 0.75),
        outline=OUTLINES[min(turn, len(OUTLINES) - 1)],
        chip=chip,
        chip_ink=max((INK, PAPER), key=lambda ink: contrast(ink, chip)),
    )


def letter(position: int) -> str:
    """A, B, ... Z, AA, AB, ...: as the columns of a spreadsheet."""
    text = ""
    position += 1
    while position:
        position, place = divmod(position - 1, 26)
        text = chr(ord("A") + place) + text
    return text


def tint(colour: str, share: float) -> str:
    """A share of the colour, the rest white."""
    return _hex(255 + (channel - 255) * share for channel in _rgb(colour))


def shade(colour: str, share: float) -> str:
    """A share of the colour, the rest black."""
    return _hex(channel * share for channel in _rgb(colour))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.2, relative luminance)."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


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


def _luminance(colour: str) -> float:
    shares = (channel / 255 for channel in _rgb(colour))
    linear = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return sum(weight * s for weight, s in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(channels: Iterable[float]) -> str:
    return "#" + "".join(f"{round(channel):02X}" for channel in channels)
