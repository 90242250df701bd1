"""A picture as SVG; with a history of training, as an animation that any page shows, such as a README.

The pictures of the steps follow each other, under a line that says the step, the loss and the ties that break, and
above the curve of the loss. A reader whose system asks for less motion sees the last one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ..format import number_text
from ..theme import FONT, LIGHT, THEMES
from . import Picture, output
from .history import Snapshot, breaking, captions, loss_of, step_in_words, timeline
from .svg import SIZE, dark_style, to_svg, xml

SECONDS = 1.5  # of each step
CAPTION, CURVE, EDGE = 24, 78, 23  # points: the line above the picture, the curve below it, left of both
ABOVE, BELOW = 14, 18  # points of the curve's part for the words above it and below it
BODY = re.compile(r"(<svg\b[^>]*>)(.*)</svg>", re.DOTALL)
NAMES = re.compile(r' id="[^"]*"| role="[^"]*"| aria-label="[^"]*"')
WORDS = re.compile(r"<(title|desc|style)>.*?</\1>", re.DOTALL)
VIEW_BOX = re.compile(r'viewBox="([^"]*)"')


@output(".svg", "a picture for pages, with a description; of a history, an animation")
def write_svg(picture: Picture) -> str:
    """The SVG text of a picture, or of its training."""
    snapshots = timeline(picture.diagram, picture.history)
    if len(snapshots) < 2:
        return to_svg(picture.diagram, picture.theme, picture.seconds)
    return to_animation(snapshots, picture.theme, picture.seconds)


def to_animation(snapshots: Sequence[Snapshot], theme: str, seconds: float) -> str:
    """The pictures of all snapshots in one SVG that shows them in turn."""
    fixed = "light" if theme == "auto" else theme
    drawn = [to_svg(snapshot.diagram, fixed, seconds) for snapshot in snapshots]
    sizes = [tuple(map(float, SIZE.search(one).groups())) for one in drawn]  # type: ignore[union-attr]
    wide, high = (max(size[k] for size in sizes) for k in (0, 1))
    told, below = captions(snapshots), high + CAPTION + CURVE
    frames = [
        _frame(one, words, _across(k, len(drawn), wide), high)
        for k, (one, words) in enumerate(zip(drawn, told, strict=True))
    ]
    body = "\n".join(
        [
            f'<rect width="{wide:g}" height="{below:g}" fill="{THEMES[fixed].paper}"/>',
            _curve(snapshots, wide, high),
            *(
                f'<g class="frame" style="animation-delay:{k * SECONDS:g}s">{one}</g>'
                for k, one in enumerate(frames)
            ),
        ]
    )
    dark = dark_style(body) if theme == "auto" else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'width="{wide:g}pt" height="{below:g}pt" viewBox="0 0 {wide:g} {below:g}">\n'
        f"<title>{xml(snapshots[-1].diagram.title)}</title>\n<desc>{xml('. '.join(told))}.</desc>\n"
        f"<style>{_motion(len(drawn))}{dark}</style>\n{body}\n</svg>\n"
    )


def _motion(count: int) -> str:
    """Each frame is seen for one part of the whole time; without motion, the last one."""
    share = 100 / count
    return (
        f".frame{{visibility:hidden;animation:turn {count * SECONDS:g}s infinite}}"
        f"@keyframes turn{{0%,{share - 0.01:.2f}%{{visibility:visible}}{share:.2f}%,100%{{visibility:hidden}}}}"
        "@media (prefers-reduced-motion:reduce){.frame{animation:none}.frame:last-of-type{visibility:visible}}"
    )


def _frame(drawn: str, words: str, x: float, high: float) -> str:
    """One step: its line of words, its picture without names, and its mark on the curve at x."""
    head, inside = BODY.search(drawn).groups()  # type: ignore[union-attr]
    inside = NAMES.sub("", WORDS.sub("", inside))
    box, size = VIEW_BOX.search(head), SIZE.search(head)
    assert box is not None and size is not None
    look = f'font-family="{FONT}" font-size="12" fill="{LIGHT.ink}"'
    return (
        f'<text x="{EDGE}" y="{CAPTION - 7}" {look}>{xml(words)}</text>'
        f'<svg y="{CAPTION}" width="{size[1]}" height="{size[2]}" viewBox="{box[1]}">{inside}</svg>'
        f'<line x1="{x:g}" x2="{x:g}" y1="{high + CAPTION + ABOVE:g}" y2="{high + CAPTION + CURVE - BELOW:g}" '
        f'stroke="{LIGHT.ink}" stroke-width="1.5"/>'
    )


def _curve(snapshots: Sequence[Snapshot], wide: float, high: float) -> str:
    """The loss at each step, with its first and its last number; steps below it; dashed where a tie breaks."""
    losses = [loss_of(snapshot.diagram) for snapshot in snapshots]
    finite = [loss for loss in losses if math.isfinite(loss)]
    top, bottom = high + CAPTION + ABOVE, high + CAPTION + CURVE - BELOW
    if not finite:
        return ""
    scale = (bottom - top) / ((max(finite) - min(finite)) or 1.0)
    points = " ".join(
        f"{_across(k, len(losses), wide):g},{bottom - (loss - min(finite)) * scale:.2f}"
        for k, loss in enumerate(losses)
        if math.isfinite(loss)
    )
    across = [_across(k, len(losses), wide) for k in range(len(losses))]
    last, breaks = len(losses) - 1, breaking(snapshots)
    lines = "".join(
        f'<line x1="{across[k]:g}" x2="{across[k]:g}" y1="{top:g}" y2="{bottom:g}" stroke="{LIGHT.warning}" '
        'stroke-dasharray="3 3"/>'
        + _words(across[k], bottom + 12, step_in_words(snapshots[k].step), "middle", LIGHT.warning)
        for k in breaks
    )
    ends = "".join(
        _words(across[k], bottom + 12, step_in_words(snapshots[k].step), anchor)
        for k, anchor in ((0, "start"), (last, "end"))
        if all(abs(across[k] - across[place]) > 3 * EDGE for place in breaks)
    )
    return (
        f'{lines}<polyline points="{points}" fill="none" stroke="{LIGHT.muted}" stroke-width="1.5"/>{ends}'
        f"{_words(across[0], top - 4, f'loss {number_text(finite[0])}', 'start')}"
        f"{_words(across[last], top - 4, number_text(finite[-1]), 'end')}"
    )


def _words(x: float, y: float, words: str, anchor: str, colour: str = LIGHT.muted) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-family="{FONT}" font-size="10" '
        f'fill="{colour}">{xml(words)}</text>'
    )


def _across(place: int, count: int, wide: float) -> float:
    return round(EDGE + place * (wide - 2 * EDGE) / max(count - 1, 1), 2)
