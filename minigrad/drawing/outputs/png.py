"""A picture as PNG: sharp on dense screens, and no larger than viewers and seconds allow."""

from __future__ import annotations

import re

from ...errors import RenderError
from ..condense import first_that_fits
from ..diagram import Diagram
from . import Picture, output
from .dot import to_dot
from .render import render
from .svg import is_placed

DPI = 144  # pixels per inch: sharp on a dense screen
LEAST = 48  # below that, nobody can read the text
LONGEST = 8_000  # pixels a side
MOST = 20_000_000  # pixels; they take some two seconds
BOX = re.compile(rb'bb="[^,"]*,[^,"]*,([^,"]+),([^,"]+)"')
MARGIN = 30  # points around what is laid out


@output(".png", "pixels, at most 8,000 a side")
def to_png(picture: Picture) -> bytes:
    """The PNG of a picture; one too large to be read is condensed, and says so. Raises RenderError.

    The engine lays the picture out first: its size decides how many pixels an inch gets.
    """
    remark = f"The whole picture is too large for {LONGEST:,} pixels a side: save .svg or .html."
    found = first_that_fits(picture.diagram, lambda one: _if_legible(one, picture), remark)
    if found is None:
        raise RenderError(f"the picture is too large for pixels\n  {remark}")
    return found


def _if_legible(diagram: Diagram, picture: Picture) -> bytes | None:
    """The PNG; None if it would have too few pixels to be read."""
    source, placed, seconds = to_dot(diagram, picture.colours), is_placed(diagram), picture.seconds
    laid_out = render(source, "dot", diagram.engine, placed=placed, seconds=seconds)
    box = BOX.search(laid_out)
    dpi = dots_per_inch(*map(float, box.groups())) if box else DPI
    if dpi < LEAST:
        return None
    sharp = laid_out.replace(b"graph [", b"graph [dpi=%d, " % dpi, 1).decode()
    return render(sharp, "png", "neato", placed=True, seconds=seconds)


def dots_per_inch(width: float, height: float) -> int:
    """Pixels per inch for a picture of that many points: 144, fewer if it would have too many pixels."""
    width, height = width + MARGIN, height + MARGIN
    return int(min(DPI, 72 * LONGEST / max(width, height), 72 * (MOST / (width * height)) ** 0.5))
