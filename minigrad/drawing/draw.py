"""draw, and the Drawing it returns, which a user shows and saves. `cli/commands/draw` is its command."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path
from types import NoneType
from typing import Any

from ..engine.value import Value
from ..errors import ArgumentError, RenderError, UnknownFormat, describe
from ..nn.module import Module
from .diagram import Diagram
from .outputs import OUTPUTS, Picture, encode
from .outputs.attributes import graph_attributes
from .outputs.dot import to_dot
from .outputs.frame import Frame
from .outputs.history import with_open_cards
from .outputs.html import write_html
from .outputs.render import ENGINES, SECONDS, graphviz_source
from .outputs.svg import fit_width, to_svg
from .outputs.text import to_text
from .subjects import record_subject
from .theme import NAMES
from .view_selection import USAGE, diagrams, request
from .views.request import PAGE

BUDGET = 5.0  # seconds a picture may take; a graph that would take longer is shown with less detail
TREE = 60  # a picture with at most this many nodes is shown as a text tree, too


class Drawing:
    """A picture of a graph at the moment of drawing. Shows itself in a notebook; `save` writes a file.

    diagram: its content in plain text and numbers. theme: light, dark, print or auto (light or dark, as the
    reader's system). history: drawings of the same structure earlier in training, in a sequence or by step.
    others: diagrams of the same in other views, for the viewer.
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
        return to_dot(self.diagram, self._picture.colours)

    @property
    def source(self) -> Any:
        """The DOT text as a `graphviz.Source`, for restyling or rendering with Graphviz's own tools."""
        return graphviz_source(self.dot, self.diagram.engine)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture in the format of the suffix. Returns the path.

        ``python -m minigrad draw --help`` lists the suffixes. Raises UnknownFormat for any other. Raises
        RenderError if no layout engine could draw the picture; then a .dot file of the same name has the DOT text.
        """
        path = Path(path)
        try:
            content = encode(path.suffix.lower(), self._picture)
        except RenderError as error:
            written = self.save(path.with_suffix(".dot"))
            raise RenderError(f"{error}\n  wrote  {written}   (DOT text) instead of {path.name}") from error
        if content is None:
            *suffixes, last = OUTPUTS
            raise UnknownFormat(f"cannot save {path.name!r}: the suffix must be {', '.join(suffixes)} or {last}")
        path.write_bytes(content)
        return path

    def viewer(self, height: int = 560) -> Frame:
        """The interactive page for a notebook, in which the last line of a cell shows it.

        height: in pixels. Raises ArgumentError for less than 100, RenderError if there is no layout engine.
        """
        return Frame(write_html(self._picture), height)

    @property
    def _patience(self) -> float:
        """Seconds the engine may take: more than the budget, because the machine may be busy."""
        return max(SECONDS, 3 * self.seconds)

    @property
    def _picture(self) -> Picture:
        """The input of the outputs."""
        steps = self.history if isinstance(self.history, Mapping) else dict(enumerate(self.history))
        drawn = [(drawing.diagram, *drawing.others) for drawing in (self, *steps.values())]
        (now, *others), *earlier = with_open_cards(drawn) if steps else drawn
        history = dict(zip(map(str, steps), earlier, strict=True))
        return Picture(now, self.theme, self._patience, tuple(others), history)

    def _svg(self) -> str:
        return to_svg(self.diagram, self.theme, self._patience)

    def _text(self) -> str:
        """The text tree if it is short enough for a terminal, else one line."""
        return to_text(self.diagram) if len(self.diagram.nodes) <= TREE else repr(self)

    def __repr__(self) -> str:
        """The title and the size."""
        is_folded = any(box.times > 1 for box in self.diagram.clusters)
        things = "cards" if any(node.rows for node in self.diagram.nodes) else "boxes" if is_folded else "values"
        return f"<drawing of {len(self.diagram.nodes)} {things}: {self.diagram.title}>"

    def _repr_svg_(self) -> str | None:
        """For notebooks, as wide as a cell; None if no engine can lay the picture out."""
        try:
            return fit_width(self._svg())
        except RenderError:
            return None

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        """For notebooks: the picture and its text, or the reason why it cannot be shown."""
        try:
            bundle = {"image/svg+xml": fit_width(self._svg()), "text/plain": self._text()}
        except RenderError as error:
            bundle = {"text/plain": f"{self!r}\n{error}"}
        return {kind: content for kind, content in bundle.items() if kind not in (exclude or ())}


def draw(
    y: Value | Module | Callable[..., Any],
    *data: Any,
    loss: Callable[..., Any] | None = None,
    grad: bool = False,
    view: str | None = None,
    names: Mapping[str, Any] | None = None,
    wrong: Any = (),
    theme: str = "auto",
    seconds: float = BUDGET,
    width: float = PAGE,
    history: Sequence[Drawing] | Mapping[int, Drawing] = (),
    sums: bool = True,
    repeats: bool = True,
    neurons: int | None = None,
    title: str | None = None,
    engine: str | None = None,
    **given: Any,
) -> Drawing:
    """Draw a computation, with every value and every gradient.

    draw(y)                        the graph that computed a Value y
    draw(model, x, y, loss=...)    a model of `nn` at its data; the default loss is the squared error, without y the
                                   sum of the outputs
    draw(f, *arguments)            what a function makes of these arguments; f may be compiled, or be one of JAX.
                                   grad=True: its gradient by them, with the ops that compute it
    draw(torch_module, x, loss=...)   a model of PyTorch, recorded in float64; without a loss the sum of the outputs

    `draw` computes the gradients and writes no `.grad`. They are those of y if it has one element, else those of
    the cotangent in `y.grad`; without one, the picture shows none. Equal gradients share a letter.

    view: by default cards for a model, ops for a Value; ``python -m minigrad draw --help`` lists all views.
    neurons: how many neurons of a layer get cards of their own; by default, if a layer has more than 12, each layer
    is one card.
    names: for values without a name of their own, such as `locals()`. wrong: a result of `check_graph`, or serials:
    marks those nodes as made by an op whose rule is wrong. theme: auto, light, dark or print.
    width: of the page that the picture should fit, in pixels. A graph too wide for it goes from top to bottom, a
    long one in columns; rankdir= sets another direction.
    sums: whether ``a + b + c`` is one Σ, or a node for each +. title: replaces the finding.
    repeats: whether a part that repeats, such as the steps of a loop, is one box ×n, or each is drawn.
    history: drawings of the same graph earlier in training, in a sequence or by step; the .html page steps through
    them and marks where a tie breaks.
    engine, and graph attributes (rankdir="TB", ...): as in Graphviz. Raises ArgumentError for anything else, for
    an unknown theme, view or engine, and for a bad title, time or history.
    """
    _check(y, data, names, engine)
    if not isinstance(y, (Value, Module)):
        y, data = record_subject(y, data, loss, grad), ()
    _check_options(title, seconds, width, history)
    wrong = getattr(wrong, "wrong", wrong)
    options = {"names": names or {}, "wrong": wrong, "sums": sums, "neurons": neurons, "seconds": seconds}
    options |= {"width": width, "repeats": repeats}
    made, *others = diagrams(request(y, data, loss, **options), view)
    made = made if title is None else replace(made, title=title)
    made, *others = (replace(one, width=width) for one in (_with_layout(made, engine, given), *others))
    return Drawing(made, theme, history, seconds, others)


def _check(y: object, data: tuple[object, ...], names: object, engine: str | None) -> None:
    if isinstance(y, Value) and data:
        raise ArgumentError(f"draw takes one Value, got {1 + len(data)} arguments{USAGE}")
    if not isinstance(names, (Mapping, NoneType)):
        given_kind = type(names).__name__
        raise ArgumentError(f"names is a dict from names to Values, got {given_kind}\n  such as  locals()")
    if engine not in (None, *ENGINES):
        raise ArgumentError(f"no engine is called {engine!r}\n  expected one of {', '.join(ENGINES)}")


def _check_options(title: object, seconds: object, width: object, history: object) -> None:
    if not isinstance(title, (str, NoneType)):
        raise ArgumentError(f"a title is text, got {describe(title)}")
    if not isinstance(seconds, Real) or not float(seconds) >= 0:
        raise ArgumentError(f"seconds is the number of seconds a picture may take; got {describe(seconds)}")
    if not isinstance(width, Real) or not 0 < float(width) < math.inf:
        raise ArgumentError(f"width is that of the page in pixels, such as 1000; got {describe(width)}")
    steps: Any = list(history.values()) if isinstance(history, Mapping) else history
    if not isinstance(steps, Sequence) or not all(isinstance(step, Drawing) for step in steps):
        raise ArgumentError(
            f"history is a list of drawings of earlier steps, or a dict by step; got {describe(history)}\n"
            "  write  history=[draw(model, x, y), ...]"
        )


def _with_layout(made: Diagram, engine: str | None, given: Mapping[str, object]) -> Diagram:
    """The diagram with the caller's engine and attributes. If either sets the layout, cards lose their places."""
    attributes = dict(made.attributes) | dict(graph_attributes(given, draw.__kwdefaults__ or ()))
    if made.engine == "neato" and (engine or "rankdir" in given):
        made = replace(made, nodes=tuple(replace(node, at=None) for node in made.nodes), engine="dot")
    return replace(made, attributes=tuple(sorted(attributes.items())), engine=engine or made.engine)
