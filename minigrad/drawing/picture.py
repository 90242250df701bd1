"""draw, and the drawing it gives: what a user holds, shows and saves."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path
from types import NoneType
from typing import Any

from ..errors import ArgumentError, RenderError, UnknownFormat, describe
from ..nn.module import Module
from ..value import Value
from .attributes import graph_attributes
from .choice import USAGE, VIEWS, of_model, of_value
from .diagram import Diagram
from .dot import to_dot
from .html import to_html
from .jsontext import to_json
from .mermaid import to_mermaid
from .render import ENGINES, SECONDS, graphviz_source, render
from .snapshots import timeline
from .svg import fitted, is_placed, to_svg
from .text import to_text
from .theme import LIGHT, NAMES, THEMES, Theme

BUDGET = 5.0  # seconds that a picture may take: what takes longer is shown with less in it
TREE = 60  # nodes that are shown as text beside a picture
SHARP = 150  # boxes that are drawn at the full density
DPI = 144  # of a picture made of pixels: sharp on a dense screen


class Drawing:
    """A picture of a graph as it was when it was drawn. Shows itself in a notebook; `save` writes a file.

    diagram: what it shows, in plain text and numbers. theme: light, dark, print or auto (light, and dark where the
    reader's system is). history: drawings of the same structure earlier in training, in a sequence or by step.
    others: the same in other views, for the viewer.
    """

    def __init__(
        self,
        diagram: Diagram,
        theme: str = "auto",
        history: Sequence[Drawing] | Mapping[int, Drawing] = (),
        seconds: float = BUDGET,
        others: Sequence[Diagram] = (),
    ) -> None:
        if theme not in NAMES:
            raise ArgumentError(f"no theme is called {theme!r}\n  expected one of {', '.join(NAMES)}")
        self.diagram = diagram
        self.theme = theme
        self.history = history
        self.seconds = seconds
        self.others = tuple(others)

    @property
    def dot(self) -> str:
        """The picture as DOT text; needs no layout engine. Equal graphs give equal text."""
        return to_dot(self.diagram, self._colours)

    @property
    def source(self) -> Any:
        """The DOT text as a `graphviz.Source`, to be restyled or rendered with Graphviz's own tools."""
        return graphviz_source(self.dot, self.diagram.engine)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture: the suffix decides. Gives back the path.

        Raises UnknownFormat for a suffix that no picture has. Raises RenderError if the picture cannot be laid out;
        then the DOT text is written all the same, beside where the picture would have been.
        """
        path = Path(path)
        write = WRITERS.get(path.suffix.lower())
        if write is None:
            *suffixes, last = WRITERS
            raise UnknownFormat(f"cannot save {path.name!r}: the suffix must be {', '.join(suffixes)} or {last}")
        try:
            content = write(self)
        except RenderError as error:
            written = self.save(path.with_suffix(".dot"))
            raise RenderError(f"{error}\n  wrote  {written}   (DOT text) in place of {path.name}") from error
        path.write_bytes(content)
        return path

    @property
    def _colours(self) -> Theme:
        return LIGHT if self.theme == "auto" else THEMES[self.theme]

    @property
    def _patience(self) -> float:
        """Seconds that the engine may take: budgets are for a machine with nothing else to do."""
        return max(SECONDS, 3 * self.seconds)

    def _svg(self) -> str:
        return to_svg(self.diagram, self.theme, self._patience)

    def _html(self) -> str:
        steps = self.history if isinstance(self.history, Mapping) else dict(enumerate(self.history))
        earlier = {str(step): (drawing.diagram, *drawing.others) for step, drawing in steps.items()}
        views = [timeline(self.diagram, earlier)]
        for shown in self.others:
            try:
                views.append(timeline(shown, earlier))
            except ArgumentError:  # what a quotient is made of is another at another step
                views.append(timeline(shown, {}))
        return to_html(views, self.theme, self._patience)

    def _rendered(self, file_format: str, dpi: int | None = None) -> bytes:
        source, diagram = to_dot(self.diagram, self._colours, dpi), self.diagram
        placed = is_placed(diagram)
        return render(source, file_format, diagram.engine, placed=placed, seconds=self._patience)

    def _text(self) -> str:
        """As a tree where that is short enough for a terminal; else in a line."""
        return to_text(self.diagram) if len(self.diagram.nodes) <= TREE else repr(self)

    def __repr__(self) -> str:
        """The title and the size."""
        things = "cards" if any(node.rows for node in self.diagram.nodes) else "values"
        return f"<drawing of {len(self.diagram.nodes)} {things}: {self.diagram.title}>"

    def _repr_svg_(self) -> str | None:
        """For notebooks, as wide as a cell; None where nothing can lay the picture out."""
        try:
            return fitted(self._svg())
        except RenderError:
            return None

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        """For notebooks: the picture, and as text what it shows or why it cannot be shown."""
        try:
            bundle = {"image/svg+xml": fitted(self._svg()), "text/plain": self._text()}
        except RenderError as error:
            bundle = {"text/plain": f"{self!r}\n{error}"}
        return {kind: content for kind, content in bundle.items() if kind not in (exclude or ())}


# What each suffix is written by.
WRITERS: dict[str, Callable[[Drawing], bytes]] = {
    ".svg": lambda drawing: drawing._svg().encode(),
    ".png": lambda drawing: drawing._rendered("png", _dots(drawing.diagram)),
    ".pdf": lambda drawing: drawing._rendered("pdf"),
    ".html": lambda drawing: drawing._html().encode(),
    ".dot": lambda drawing: drawing.dot.encode(),
    ".mmd": lambda drawing: to_mermaid(drawing.diagram, drawing._colours).encode(),
    ".json": lambda drawing: to_json(drawing.diagram).encode(),
    ".txt": lambda drawing: to_text(drawing.diagram).encode(),
}


def _dots(diagram: Diagram) -> int:
    """Pixels per inch: fewer for many boxes and arrows, since every pixel takes its time."""
    size = len(diagram.nodes) + len(diagram.edges) / 3
    return max(int(DPI * min(1.0, (SHARP / max(size, 1)) ** 0.5)), 36)


def draw(
    y: Value | Module,
    *data: Any,
    loss: Callable[[Any, Any], Any] | None = None,
    view: str | None = None,
    names: Mapping[str, Any] | None = None,
    wrong: Any = (),
    theme: str = "auto",
    seconds: float = BUDGET,
    history: Sequence[Drawing] | Mapping[int, Drawing] = (),
    sums: bool = True,
    neurons: int | None = None,
    title: str | None = None,
    engine: str | None = None,
    **given: Any,
) -> Drawing:
    """Draw a computation, with every value and every gradient.

    draw(y)                        the graph that a Value y was computed by
    draw(model, x, y, loss=...)    a model of `nn` at its data; by default of the squared error, without y of the
                                   sum of the outputs

    The gradients are computed here, and written to no `.grad`: those of y, if it has one element, else those of the
    cotangent in `y.grad`; without one, the picture shows none. What has equal gradients shares a letter and colour.

    view: ops (a node for each value), cards (a card for each neuron, or for each part with parameters), layers (for
    each part) or quotient (one for all that are alike); a model gives cards, a Value ops. neurons: the most of a
    layer that have a card of their own; by default, where a layer has more than 12, each layer is one card.
    names: for values without a name of their own, such as `locals()`. wrong: what `check_graph` found, or serials:
    those nodes are marked as made by an op whose rule is wrong. theme: auto, light, dark or print.
    sums: whether ``a + b + c`` is one Σ, or a node for each +. title: in place of what is found.
    history: drawings of the same at earlier steps of training, in a sequence or by step; the .html page moves
    through them, and marks where a tie breaks.
    engine, and graph attributes (rankdir="TB", ...): as Graphviz has them. Raises ArgumentError for anything but a
    Value or a model, for a theme, view or engine that there is none of, and for what is no title, time or history.
    """
    _check(y, data, view, names, engine)
    _check_looks(title, seconds, history)
    wrong = getattr(wrong, "wrong", wrong)
    if isinstance(y, Module):
        views = of_model(y, data, loss, view, neurons, seconds, names=names, wrong=wrong, sums=sums)
    else:
        views = of_value(y, view, names, wrong, sums, seconds)
    made, *others = views
    made = made if title is None else replace(made, title=title)
    return Drawing(_laid_out(made, engine, given), theme, history, seconds, others)


def _check(y: Any, data: tuple[Any, ...], view: str | None, names: Any, engine: str | None) -> None:
    if not isinstance(y, (Value, Module)):
        raise ArgumentError(
            f"draw takes a Value or a model, got {type(y).__name__}\n  of several, draw the sum of them"
        )
    if isinstance(y, Value) and data:
        raise ArgumentError(f"draw takes one Value, got {1 + len(data)} arguments{USAGE}")
    if not isinstance(names, (Mapping, NoneType)):
        given_kind = type(names).__name__
        raise ArgumentError(f"names is a dict, from names to Values, got {given_kind}\n  such as  locals()")
    if view not in (None, *VIEWS):
        raise ArgumentError(f"no view is called {view!r}\n  expected one of {', '.join(VIEWS)}")
    if engine not in (None, *ENGINES):
        raise ArgumentError(f"no engine is called {engine!r}\n  expected one of {', '.join(ENGINES)}")


def _check_looks(title: Any, seconds: Any, history: Any) -> None:
    if not isinstance(title, (str, NoneType)):
        raise ArgumentError(f"a title is text, got {describe(title)}")
    if not isinstance(seconds, Real) or not float(seconds) >= 0:
        raise ArgumentError(f"seconds says how long a picture may take, as a number; got {describe(seconds)}")
    steps: Any = list(history.values()) if isinstance(history, Mapping) else history
    if not isinstance(steps, Sequence) or not all(isinstance(step, Drawing) for step in steps):
        raise ArgumentError(
            f"history is drawings of earlier steps, in a list or by step; got {describe(history)}\n"
            "  write  history=[draw(model, x, y), ...]"
        )


def _laid_out(made: Diagram, engine: str | None, given: Mapping[str, Any]) -> Diagram:
    """With what the caller says of the layout. Where a view has places of its own, that is to leave them."""
    attributes = dict(made.attributes) | dict(graph_attributes(given, draw.__kwdefaults__ or ()))
    if made.engine == "neato" and (engine or "rankdir" in given):
        made = replace(made, nodes=tuple(replace(node, at=None) for node in made.nodes), engine="dot")
    return replace(made, attributes=tuple(sorted(attributes.items())), engine=engine or made.engine)
