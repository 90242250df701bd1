"""Which view is shown of what: cards of a model, operations of a Value, unless another is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import ArgumentError, describe
from ..nn.layers import MLP
from ..nn.module import Module
from ..value import Value
from .diagram import Diagram
from .survey import survey
from .views import quotient
from .views.cards import Shown, cards
from .views.modulecards import module_cards
from .views.network import Loss, chosen_loss, evaluate, run
from .views.ops import ops

VIEWS = ("ops", "cards", "quotient", "layers")
WIDE = 12  # neurons of a layer that are shown one by one, unless more are asked for
USAGE = "\n  write  draw(y)   of a Value\n  or     draw(model, x, y, loss=...)"


def of_value(y: Value, view: str | None, names: Mapping[str, Any] | None, wrong: Any, sums: bool) -> Diagram:
    """The diagram of the graph that a Value was computed by. Raises ArgumentError for a view that it has not."""
    if view in ("cards", "layers"):
        raise ArgumentError(f"{view} are a view of a model, not of a Value{USAGE}")
    found = survey(y, names, wrong)
    made = ops(found, fold=sums)
    return quotient.of_graph(found, made) if view == "quotient" else made


def of_model(
    model: Module, data: tuple[Any, ...], loss: Loss | None, view: str | None, neurons: int | None, **of_graph: Any
) -> Diagram:
    """The diagram of loss(model(x), y). data: x; x and y; or x, y and loss, as `ties` takes them.

    neurons: the most neurons of a layer that are shown one by one. of_graph: what `of_value` takes.
    """
    x, y, loss = _read(model, data, loss)
    alone = isinstance(model, MLP) and type(model).__call__ is MLP.__call__  # else a neuron may be anything
    if view == "ops" or (view == "quotient" and not alone):
        _, result = evaluate(model, x, y, chosen_loss(y, loss))
        names = {"model": model} | dict(of_graph.pop("names") or {})
        return of_value(result, view, names, **of_graph)
    if view == "quotient":
        return quotient.of_network(run(model, x, y, loss))  # type: ignore[arg-type]
    if view != "layers" and alone and (neurons or max(model.sizes) <= WIDE):  # type: ignore[attr-defined]
        found = run(model, x, y, loss)  # type: ignore[arg-type]
        return cards(found, Shown(tuple(min(n, neurons or n) for n in found.model.sizes)))
    return replace(module_cards(model, x, y, loss), view=view or "cards")


def _read(model: Module, data: tuple[Any, ...], loss: Loss | None) -> tuple[Any, Any, Loss | None]:
    """x, y and loss, given by place or by name."""
    if not 1 <= len(data) <= 3 or (len(data) == 3 and loss is not None):
        raise ArgumentError(f"a model is drawn at its data, got {len(data)} arguments after it{USAGE}")
    x, y, third = (*data, None, None)[:3]
    told = third if loss is None else loss
    if told is not None and not callable(told):
        raise ArgumentError(f"a loss is a function of prediction and target, got {describe(told)}{USAGE}")
    return x, y, told
