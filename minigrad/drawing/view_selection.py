"""Makes the requested view and, for a small graph, the others, so the viewer can switch between them."""

from __future__ import annotations

import contextlib
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
        chosen = _diagram(view, asked)
        if not asked.is_small or (asked.kind == "value" and chosen.hidden):
            return (chosen,)
        found = [chosen]
        for other, entry in VIEWS.items():
            if other != name and entry.in_viewer and asked.kind in entry.draws:
                with contextlib.suppress(MinigradError):  # a network may have no quotient
                    found.append(_diagram(entry, asked))
    return tuple(found)


def _diagram(view: View, asked: ViewRequest) -> Diagram:
    made = view.function(asked)
    if not isinstance(made, Diagram):
        raise ArgumentError(f"the view {view.name!r} must return a Diagram, got {describe(made)}")
    return made if made.view == view.name else replace(made, view=view.name)


def _model_data(data: tuple[Any, ...], loss: Loss | None) -> tuple[Any, Any, Loss | None]:
    """x, y and loss, given by position or by name."""
    if not 1 <= len(data) <= 3 or (len(data) == 3 and loss is not None):
        raise ArgumentError(f"a model is drawn at its data, got {len(data)} arguments after it{USAGE}")
    x, y, third = (*data, None, None)[:3]
    given = third if loss is None else loss
    if given is not None and not callable(given):
        raise ArgumentError(f"a loss is a function of prediction and target, got {describe(given)}{USAGE}")
    return x, y, given
