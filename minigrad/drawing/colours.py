"""Arithmetic of colours, written as #RRGGBB: mixing, and the contrast of two. `theme` chooses the colours."""

from __future__ import annotations

from collections.abc import Iterable

BLACK, WHITE = "#000000", "#FFFFFF"


def mix(colour: str, share: float, ground: str = WHITE) -> str:
    """A mixture: this share of the colour, the rest from the ground."""
    pairs = zip(_rgb(colour), _rgb(ground), strict=True)
    return _hex(below + (above - below) * share for above, below in pairs)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.2, relative luminance)."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def with_contrast(colour: str, grounds: Iterable[str], ratio: float, towards: str = BLACK) -> str:
    """The colour, moved towards black (or white) until its contrast to every ground is at least `ratio`."""
    grounds = list(grounds)
    for step in range(21):
        found = mix(towards, step / 20, colour)
        if min(contrast(found, ground) for ground in grounds) >= ratio:
            return found
    return towards


def _luminance(colour: str) -> float:
    shares = (channel / 255 for channel in _rgb(colour))
    linear = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return sum(weight * s for weight, s in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(channels: Iterable[float]) -> str:
    return "#" + "".join(f"{round(channel):02X}" for channel in channels)
