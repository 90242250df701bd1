"""draw, and the drawing it gives: what a user holds, shows and saves."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, RenderError, UnknownFormat
from ..value import Value
from .diagram import Diagram, diagram
from .dot import to_dot
from .render import render
from .svg import to_svg

DPI = 144  # of a picture made of pixels: sharp on a dense screen


class Drawing:
    """A picture of a graph as it was when it was drawn. Shows itself in a notebook; `save` writes a file."""

    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram

    @property
    def source(self) -> str:
        """The picture as DOT text; needs no layout engine. Equal graphs give equal text."""
        return to_dot(self.diagram)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture: the suffix .svg, .png or .dot decides. Gives back the path.

        Raises UnknownFormat for another suffix. Raises RenderError if the picture cannot be laid out; then
        the DOT text is written all the same, beside where the picture would have been.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in (".svg", ".png", ".dot"):
            raise UnknownFormat(f"cannot save {path.name!r}: the suffix must be .svg, .png or .dot")
        if suffix == ".dot":
            path.write_text(self.source, encoding="utf-8", newline="\n")
            return path
        try:
            content = self._svg() if suffix == ".svg" else self._png()
        except RenderError as error:
            written = self.save(path.with_suffix(".dot"))
            raise RenderError(f"{error}\n  wrote  {written}   (DOT text) in place of {path.name}") from error
        path.write_bytes(content)
        return path

    def _svg(self) -> bytes:
        return to_svg(self.diagram).encode()

    def _png(self) -> bytes:
        return render(to_dot(self.diagram, DPI), "png")

    def __repr__(self) -> str:
        """The title and the size."""
        return f"<drawing of {len(self.diagram.nodes)} values: {self.diagram.title}>"

    def _repr_svg_(self) -> str | None:
        """For notebooks; None where nothing can lay the picture out."""
        try:
            return to_svg(self.diagram)
        except RenderError:
            return None

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        """For notebooks: the picture, and in a line of text what it shows or why it cannot be shown."""
        try:
            bundle = {"image/svg+xml": to_svg(self.diagram), "text/plain": repr(self)}
        except RenderError as error:
            bundle = {"text/plain": f"{self!r}\n{error}"}
        return {kind: content for kind, content in bundle.items() if kind not in (exclude or ())}


def draw(y: Value, *, wrong: Any = ()) -> Drawing:
    """Draw the graph that y was computed by, with every value and every gradient of y.

    y: a Value. The gradients are computed here, and written to no `.grad`: those of y, if it has one element,
    else those of the cotangent in `y.grad`; without one, the picture shows none. Nodes whose gradients are
    equal share a letter and a colour. wrong: what `check_graph` found, or serials: those nodes are marked as made
    by an op whose rule is wrong. Raises ArgumentError for anything but a Value.
    """
    if not isinstance(y, Value):
        raise ArgumentError(f"draw takes a Value, got {type(y).__name__}\n  of several, draw the sum of them")
    return Drawing(diagram(y, getattr(wrong, "wrong", wrong)))
