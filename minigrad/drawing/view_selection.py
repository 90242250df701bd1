"""Makes the requested view and, for a small graph, the others, so the viewer can switch between them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..engine.value import Value
from ..errors import ArgumentError, MinigradError, describe
from ..nn.module import Module
from .diagram import Diagram
from .graph_data import without_garbage_collection
from .views import VIEWS, View
from .views.mlp_run import Loss
from .views.request import ViewRequest

DEFAULT = {"model": "cards", "value": "ops"}
USAGE = "\n  write  draw(y)   for a Value\n  or     draw(model, x, y, loss=...)"


def request(subject: Value | Module, data: tuple[Any, ...], loss: Loss | None, **options: Any) -> ViewRequest:
    """The request for a Value, or for a model at its data.

    data: x; x and y; or x, y and loss, as `ties` takes them. options: fields of the request. Raises ArgumentError.
    """
    neurons = options["neurons"]
    if neurons is not None and (not isinstance(neurons, int) or neurons < 1):
        raise ArgumentError(f"neurons is the number of neurons per layer to show, at least 1; got {neurons!r}")
    if isinstance(subject, Value):
        return ViewRequest(subject, **options)
    return ViewRequest(subject, *_model_data(data, loss), **options)


def diagrams(asked: ViewRequest, name: str | None) -> tuple[Diagram, ...]:
    """The diagram of a view; for a small graph, those of the other views follow. Raises ArgumentError."""
    name = DEFAULT[asked.kind] if name is None else name
    view = VIEWS.get(name)
    if view is None:
        raise ArgumentError(f"no view is called {name!r}\n  expected one of {', '.join(VIEWS)}")
    if asked.kind not in view.draws:
        wanted = "a model, not of a Value" if asked.kind == "value" else "a Value, not of a model"
        raise ArgumentError(f"{name!r} is a view of {wanted}{USAGE}")
    with without_garbage_collection():
        chosen = _checked(view, view.function(asked))
        opened = {box.opens for box in chosen.clusters} - {""}
        if not asked.is_small or (asked.kind == "value" and chosen.hidden and not opened):
            return (chosen,)
        others = [v for other, v in VIEWS.items() if other != name and (v.in_viewer or other in opened)]
        others = [v for v in others if asked.kind in v.draws]
        return (chosen, *_for_the_viewer(others, asked, chosen))


def _for_the_viewer(others: list[View], asked: ViewRequest, chosen: Diagram) -> Iterator[Diagram]:
    """The diagrams of views that nobody asked for. One that fails is left out: the requested picture is right."""
    seen = [chosen]
    for view in others:
        try:
            made = _checked(view, view.function(asked))
            if not any(_is_repeated(made, other) for other in seen):
                seen.append(made)
                yield made
        except _Faulty as error:
            _warn(view, str(error))
        except MinigradError:  # a network may have no quotient
            pass
        except Exception as error:
            _warn(view, f"it raised {error!r}")


def _is_repeated(made: Diagram, other: Diagram) -> bool:
    """Whether one of two views opens the boxes of the other, and there are none."""
    opened = {made.view: other.view, other.view: made.view}
    alike = any(view.opens == opened.get(name) for name, view in VIEWS.items())
    return alike and replace(made, view=other.view) == other


def _warn(view: View, reason: str) -> None:
    text = f"the .html page of this drawing will not offer the view {view.name!r}: {reason}"
    warnings.warn(text, RuntimeWarning, stacklevel=5)


class _Faulty(ArgumentError):
    """A view returned something that no output can write."""


def _checked(view: View, made: object) -> Diagram:
    """The result of a view under the view's name. Raises _Faulty if no output could write it."""
    if not isinstance(made, Diagram):
        raise _Faulty(f"the view {view.name!r} must return a Diagram, got {describe(made)}")
    if fault := _fault(made):
        raise _Faulty(
            f"the diagram of the view {view.name!r} does not fit together: {fault}\n"
            "  write  ops_view(request.survey, shown=...)   to leave out values, with their edges and letters"
        )
    return made if made.view == view.name else replace(made, view=view.name)


def _fault(made: Diagram) -> str:
    """A node, edge or letter that refers to something that is not in the diagram; "" if there is none."""
    ids = {node.id for node in made.nodes}
    letters = {group.letter for group in made.groups}
    if len(ids) < len(made.nodes):
        return "two nodes have the same id"
    for node in made.nodes:
        used = {node.group, *(row.group for row in node.rows), *(x for line in node.cell_groups for x in line)}
        if missing := used - letters - {None, ""}:
            return f"node {node.id} has the letter {min(map(str, missing))}, which no group has"
        if node.cluster is not None and node.cluster >= len(made.clusters):
            return f"node {node.id} is in cluster {node.cluster} of {len(made.clusters)}"
    for edge in made.edges:
        if gone := {edge.tail, edge.head} - ids:
            return f"edge {edge.id} ends at {min(gone)}, which is no node"
    for group in made.groups:
        if gone := {member.partition(":")[0] for member in group.members} - ids:
            return f"group {group.letter} has the member {min(gone)}, which is no node"
    return ""


def _model_data(data: tuple[Any, ...], loss: Loss | None) -> tuple[Any, Any, Loss | None]:
    """x, y and loss, given by position or by name."""
    if not 1 <= len(data) <= 3 or (len(data) == 3 and loss is not None):
        raise ArgumentError(f"a model is drawn at its data, got {len(data)} arguments after it{USAGE}")
    x, y, third = (*data, None, None)[:3]
    given = third if loss is None else loss
    if given is not None and not callable(given):
        raise ArgumentError(f"a loss is a function of prediction and target, got {describe(given)}{USAGE}")
    return x, y, given
