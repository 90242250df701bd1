"""A picture as PDF, for print."""

from __future__ import annotations

from . import Picture, output
from .dot import to_dot
from .render import render
from .svg import is_placed


@output(".pdf", "a page for print")
def to_pdf(picture: Picture) -> bytes:
    """The PDF of a picture. Raises RenderError if no layout engine writes PDF."""
    diagram = picture.diagram
    source = to_dot(diagram, picture.colours)
    return render(source, "pdf", diagram.engine, placed=is_placed(diagram), seconds=picture.seconds)
