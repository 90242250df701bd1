"""A picture as PNG; a large one gets fewer pixels per inch."""

from __future__ import annotations

from ..diagram import Diagram
from . import Picture, output
from .dot import to_dot
from .render import render
from .svg import is_placed

DPI = 144  # sharp on a dense screen
SHARP = 150  # a picture with at most this many boxes is drawn at full density


@output(".png", "pixels")
def to_png(picture: Picture) -> bytes:
    """The PNG of a picture. Raises RenderError if there is no layout engine."""
    diagram = picture.diagram
    source = to_dot(diagram, picture.colours, dots_per_inch(diagram))
    return render(source, "png", diagram.engine, placed=is_placed(diagram), seconds=picture.seconds)


def dots_per_inch(diagram: Diagram) -> int:
    """Pixels per inch: fewer for many boxes and arrows, since every pixel takes its time."""
    size = len(diagram.nodes) + len(diagram.edges) / 3
    return max(int(DPI * min(1.0, (SHARP / max(size, 1)) ** 0.5)), 36)
