"""Which view is shown of what: cards of a model, operations of a Value, unless another is asked for."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ArgumentError, MinigradError, describe
from ..nn.layers import MLP
from ..nn.module import Module
from ..value import Value, graph
from .diagram import Diagram
from .survey import survey, uncollected
from .views import quotient
from .views.cards import Shown, cards
from .views.merged import within
from .views.modulecards import module_cards
from .views.network import Loss, Run, chosen_loss, evaluate, run
from .views.ops import ops

VIEWS = ("ops", "cards", "quotient", "layers")
SMALL = 500  # values of a graph, parameters of a model, up to which every view is made, for the viewer to toggle
WIDE = 12  # neurons of a layer that are shown one by one, unless more are asked for
USAGE = "\n  write  draw(y)   of a Value\n  or     draw(model, x, y, loss=...)"


def of_value(
    y: Value, view: str | None, names: Mapping[str, Any] | None, wrong: Any, sums: bool, seconds: float
) -> tuple[Diagram, ...]:
    """The diagram of the graph that a Value was computed by; then, of a small one, the other view that it has.

    seconds: that a picture of it may take. Raises ArgumentError for a view that it has not.
    """
    if view in ("cards", "layers"):
        raise ArgumentError(f"{view} are a view of a model, not of a Value{USAGE}")
    with uncollected():
        found = survey(y, names, wrong)
        if view == "quotient":
            made = ops(found, fold=sums)
            return quotient.of_graph(found, made), made
        made = within(found, seconds, fold=sums)
        small = len(found.values) <= SMALL and not made.hidden
        return (made, quotient.of_graph(found, made)) if small else (made,)


def of_model(
    model: Module,
    data: tuple[Any, ...],
    loss: Loss | None,
    view: str | None,
    neurons: int | None,
    seconds: float,
    **of_graph: Any,
) -> tuple[Diagram, ...]:
    """The diagram of loss(model(x), y); then, of a small model, the other views of it.

    data: x; x and y; or x, y and loss, as `ties` takes them. neurons: the most of a layer that are shown
    one by one. seconds: that the picture may take. of_graph: what `of_value` takes.
    """
    if neurons is not None and (not isinstance(neurons, int) or neurons < 1):
        raise ArgumentError(f"neurons says how many of a layer are shown one by one, from 1 on; got {neurons!r}")
    asked = _Asked(model, *_read(data, loss), seconds)
    chosen = _view(asked, view or "cards", neurons, of_graph)
    if not asked.is_small:
        return (chosen,)
    found = [chosen]
    for other in ("cards", "ops", "quotient"):
        if other != chosen.view:
            with contextlib.suppress(MinigradError):  # a network may have no quotient
                found.append(_view(asked, other, neurons, of_graph))
    return tuple(found)


@dataclass(frozen=True)
class _Asked:
    """A model and its data, run no more often than needed."""

    model: Module
    x: Any
    y: Any
    loss: Loss | None
    seconds: float

    @functools.cached_property
    def result(self) -> Value:
        """The loss."""
        return evaluate(self.model, self.x, self.y, chosen_loss(self.y, self.loss))[1]

    @property
    def is_small(self) -> bool:
        """Whether every view of it is made in no time."""
        return sum(p.size for p in self.model.parameters()) <= SMALL and len(graph(self.result)) <= SMALL

    @functools.cached_property
    def network(self) -> Run | None:
        """The run of a network whose neurons are joined as `nn.MLP` joins them; None of any other model."""
        if not isinstance(self.model, MLP) or type(self.model).__call__ is not MLP.__call__:
            return None
        return run(self.model, self.x, self.y, self.loss, self.seconds)


def _view(asked: _Asked, view: str, neurons: int | None, of_graph: Mapping[str, Any]) -> Diagram:
    model, x, y, loss = asked.model, asked.x, asked.y, asked.loss
    if view == "quotient" and asked.network:
        return quotient.of_network(asked.network)
    if view in ("ops", "quotient"):
        names = {"model": model} | dict(of_graph["names"] or {})
        return of_value(asked.result, view, names, of_graph["wrong"], of_graph["sums"], asked.seconds)[0]
    sizes = model.sizes if isinstance(model, MLP) else ()
    if view == "cards" and sizes and (neurons or max(sizes) <= WIDE) and asked.network:
        return cards(asked.network, Shown(tuple(min(n, neurons or n) for n in sizes)))
    return replace(module_cards(model, x, y, loss, asked.seconds), view=view)


def _read(data: tuple[Any, ...], loss: Loss | None) -> tuple[Any, Any, Loss | None]:
    """x, y and loss, given by place or by name."""
    if not 1 <= len(data) <= 3 or (len(data) == 3 and loss is not None):
        raise ArgumentError(f"a model is drawn at its data, got {len(data)} arguments after it{USAGE}")
    x, y, third = (*data, None, None)[:3]
    told = third if loss is None else loss
    if told is not None and not callable(told):
        raise ArgumentError(f"a loss is a function of prediction and target, got {describe(told)}{USAGE}")
    return x, y, told
