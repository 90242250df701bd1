"""Cards of any module, or of a network too wide for a card per neuron: one card for each part with parameters.

A card has a row for each parameter, with its shape, the range of its values and the norm of its gradient. `modules`
finds which part feeds which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ...engine.derivative_limits import all_gradients
from ...engine.tree import leaves
from ...engine.value import Value, seed
from ...nn.linear import Layer, Neurons
from ...nn.mlp import MLP
from ...nn.module import Module
from ...symmetry.loss_graph import plain_outputs
from ...symmetry.mlp_neurons import neuron_classes
from ...symmetry.ties import Ties
from .. import format
from ..array_summary import brief_gradient, brief_value
from ..captions import letters_note
from ..diagram import CardRow, Diagram, DiagramNode, Edge
from ..local_derivatives import uses_of
from . import view
from .card_columns import place_cards
from .card_edges import edge_width
from .cards import card_node, cards
from .mlp_run import SECONDS, Loss, Run, find_ties, function_name, loss_or_default, record_prediction
from .modules import INPUT, LOSS, ModulePart, PartEdge, module_parts, part_edges
from .request import PAGE, ViewRequest
from .row_groups import Lettering, RowPlace, lettering
from .shown import Shown, all_neurons, bundled, side_by_side

OUT = "out"
WIDE = 12  # cards of a layer shown one by one, by default
MANY = 1_000  # parameters of the largest network that is opened without being asked how many neurons to show


@dataclass(frozen=True, eq=False)
class ModelRun:
    """The results of a model's run: the loss, the gradient of each value by serial, the ties."""

    model: Module
    x: Any
    result: Value
    gradients: Mapping[int, Any]
    found: Ties | None
    loss_name: str
    remark: str

    def gradient(self, held: Sequence[Value]) -> Any:
        """The gradient of the values of an attribute, in one array."""
        return _join([self.of(v) for v in held])

    def of(self, v: Value) -> Any:
        """The gradient of a value: zeros if the loss does not depend on it."""
        g = self.gradients.get(v.serial)
        return np.zeros(v.shape) if g is None else np.asarray(g)


@view("cards", "a card for each neuron, or for each part with parameters", draws=("model",))
def neuron_cards(request: ViewRequest) -> Diagram:
    """A card for each neuron of a narrow network; else one for each part of the model."""
    if (request.neurons or _is_narrow(request.subject)) and request.network:
        shown = bundled(request.network, request.neurons)
        if request.neurons or max(shown.sizes) <= WIDE:
            return _cards_or_parts(request, request.network, shown)
    return part_cards(request)


@view("neurons", "a card for each neuron, even if several stay equal", draws=("model",), opens="cards")
def all_cards(request: ViewRequest) -> Diagram:
    """The cards of a network without bundles; those that stay equal stand together."""
    model = request.subject
    open_all = _is_narrow(model) and isinstance(model, MLP) and sum(p.size for p in model.parameters()) <= MANY
    if (request.neurons or open_all) and request.network:
        return _cards_or_parts(request, request.network, side_by_side(request.network, request.neurons))
    return part_cards(request)


def _cards_or_parts(request: ViewRequest, run: Run, shown: Shown) -> Diagram:
    """The cards if there is room for them, else a card for each part, and why."""
    if shown.has_room(request.seconds):
        return cards(run, shown, request.width)
    made = part_cards(request)
    return replace(made, hidden=(shown.no_room(request.seconds), *made.hidden))


def _is_narrow(model: object) -> bool:
    """Whether there may be few enough neurons per layer for cards: neurons that stay equal have equal weights."""
    if not isinstance(model, MLP) or max(model.sizes[0], model.sizes[-1]) > WIDE:
        return False
    columns = [model.state()[f"W{k}"] for k, size in enumerate(model.sizes) if k and size > WIDE]
    return all(len(np.unique(W, axis=1).T) <= WIDE for W in columns)


@view("layers", "a card for each part with parameters, even of a narrow network", draws=("model",), in_viewer=False)
def part_cards(request: ViewRequest) -> Diagram:
    """A card for each part of a model."""
    assert isinstance(request.subject, Module)
    return module_cards(request.subject, request.x, request.y, request.loss, request.seconds, request.width)


def module_cards(
    model: Module,
    x: object,
    y: object = None,
    loss: Loss | None = None,
    seconds: float = SECONDS,
    width: float = PAGE,
) -> Diagram:
    """The diagram of loss(model(x), y), one card for each part of the model. width: of the page, in pixels."""
    chosen = loss_or_default(y, loss)
    prediction, result = record_prediction(model, x, y, chosen)
    with np.errstate(all="ignore"):
        gradients = {v.serial: g for v, g in all_gradients(result, seed(result))}
    found, remark = find_ties(model, x, y, chosen, result, seconds)
    seen = ModelRun(model, x, result, gradients, found, function_name(chosen), remark)
    cut = max((v.serial for v in leaves(prediction) if isinstance(v, Value)), default=0)
    every = module_parts(model)
    uses = part_edges(every, result, cut)
    marks = lettering(_places(seen, every))
    nodes = [_input(x), *(_card(seen, k, part, marks) for k, part in enumerate(every)), _loss(seen, y)]
    edges = tuple(_edges(seen, every, uses))
    in_line = [(edge.tail, edge.head) for edge in edges] == [(a.id, b.id) for a, b in pairwise(nodes)]
    if in_line:
        nodes = [node for column in place_cards([[node] for node in nodes], width) for node in column]
    return Diagram(
        view="cards",
        nodes=tuple(nodes),
        edges=edges,
        groups=marks.groups,
        clusters=(),
        title=_title(seen),
        notes=tuple(_notes(seen, marks)),
        hidden=_hidden(model),
        attributes=() if in_line else (("nodesep", "0.3"), ("ranksep", "0.8")),
        engine="neato" if in_line else "dot",
    )


def _join(arrays: Sequence[Any]) -> Any:
    """Joins arrays into one: a single one stays; those of one shape get a new axis; others are laid end to end."""
    if len(arrays) == 1:
        return np.asarray(arrays[0])
    if len({np.shape(a) for a in arrays}) == 1:
        return np.stack(arrays)
    return np.concatenate([np.ravel(a) for a in arrays])


def _places(seen: ModelRun, every: Sequence[ModulePart]) -> Iterator[RowPlace]:
    """A place for each attribute of a part that holds parameters."""
    ties = _ties_of(seen)
    for k, part in enumerate(every):
        for attribute, held in part.held.items():
            known = [ties[v.serial] for v in held] if ties else []
            proof = (
                repr([(n.shape, n.tobytes()) for n, *_ in known]) if known and all(ok for _, ok, _ in known) else ""
            )
            g = np.reshape(seen.gradient(held), np.shape(_data(part, attribute)))
            frozen = bool(known) and all(still for *_, still in known)
            yield RowPlace(f"p{k}:{attribute}", _name(part, attribute), g, proof, frozen)


def _ties_of(seen: ModelRun) -> dict[int, tuple[Any, bool, bool]]:
    """For each parameter by serial: the groups of its entries, whether all are proved, whether it never moves."""
    if seen.found is None:
        return {}
    recording = seen.found.recording
    labels = recording.split(seen.found.numbers)
    proved = np.array([e in ("proved", "single") for e in seen.found.evidence], dtype=bool)
    still = recording.split(seen.found.never_moves)
    every = zip(recording.params, labels, still, strict=True)
    return {p.serial: (n, bool(proved[n].all()), bool(f.all())) for p, n, f in every}


def _name(part: ModulePart, attribute: str) -> str:
    """The parameter's own name, or its path in the model."""
    whole = getattr(part.module, attribute, None)
    if isinstance(whole, Value) and whole.name:
        return str(whole.name)
    return f"{attribute}{part.module.number}" if isinstance(part.module, (Layer, Neurons)) else attribute


def _card(seen: ModelRun, k: int, part: ModulePart, marks: Lettering) -> DiagramNode:
    rows, ties = [], _ties_of(seen)
    for attribute, held in part.held.items():
        member, data = f"p{k}:{attribute}", _data(part, attribute)
        letter, tie = marks.letters.get(member), marks.ties.get(member, "")
        g = np.reshape(seen.gradient(held), np.shape(data))
        name = _with_shape(_name(part, attribute), data) + _moves(ties, held)
        rows.append(CardRow(attribute, name, brief_value(data), brief_gradient(g), letter, tie=tie))
    if (v := part.last) is not None:
        name = _with_shape(str(v.name or (v.op.label if v.op else "")), v.data)
        rows.append(CardRow(OUT, name, brief_value(v.data), brief_gradient(seen.of(v)), None, kind="op"))
    name, operation = _heading(part)
    count = sum(v.size for held in part.held.values() for v in held)
    words = f"{operation} · {count:,} parameters" if operation else f"{count:,} parameters"
    return replace(card_node(f"p{k}", "layer", name, tuple(rows), words, _badges(seen, part)), count=count)


def _data(part: ModulePart, attribute: str) -> Any:
    """The numbers of an attribute, in the shape of its nesting."""
    held = part.held[attribute]
    whole = plain_outputs(getattr(part.module, attribute, None))
    try:
        array = np.asarray(whole, dtype=np.float64)
    except (TypeError, ValueError):  # a dict, or lists of several lengths
        array = np.zeros(0)
    return array if array.size == sum(v.size for v in held) else _join([v.data for v in held])


def _moves(ties: Mapping[int, tuple[Any, bool, bool]], held: Sequence[Value]) -> str:
    """How many groups the entries of an attribute move as, if there are fewer groups than entries."""
    groups = np.concatenate([np.ravel(ties[v.serial][0]) for v in held]) if ties else np.zeros(0)
    distinct = len(np.unique(groups))
    return f" as {distinct:,}" if distinct < len(groups) else ""


def _with_shape(name: str, data: Any) -> str:
    shape = np.shape(data)
    return f"{name} {shape}" if shape else name


def _heading(part: ModulePart) -> tuple[str, str]:
    """The name of a part, and its kind or activation."""
    module = part.module
    if isinstance(module, (Layer, Neurons)):
        return f"layer {module.number}", "" if module.activation is None else function_name(module.activation)
    kind = type(module).__name__
    return (part.path, kind) if part.path else (kind, "")


def _badges(seen: ModelRun, part: ModulePart) -> tuple[str, ...]:
    """The badges of a part: how many neurons a hidden layer acts as; nan and inf, if there are any."""
    badges, module, model = [], part.module, seen.model
    if seen.found is not None and isinstance(model, MLP) and isinstance(module, (Layer, Neurons)):
        hidden = neuron_classes(model, seen.found.classes)
        if module.number <= len(hidden):
            size, distinct = len(hidden[module.number - 1]), len(set(hidden[module.number - 1].tolist()))
            badges += [f"{size} act as {distinct}"] if distinct < size else []
    arrays = [a for held in part.held.values() for v in held for a in (v.data, seen.of(v))]
    badges += ["nan"] * any(bool(np.isnan(a).any()) for a in arrays)
    badges += ["inf"] * any(bool(np.isinf(a).any()) for a in arrays)
    return tuple(badges)


def _input(x: object) -> DiagramNode:
    data = np.asarray(plain_outputs(x))
    return card_node(
        "x", "input", "", (CardRow(OUT, _with_shape("x", data), brief_value(data), None, None, kind="input"),)
    )


def _loss(seen: ModelRun, y: object) -> DiagramNode:
    rows = []
    if y is not None:
        data = np.asarray(plain_outputs(y))
        rows.append(CardRow("y", _with_shape("y", data), brief_value(data), None, None, kind="input"))
    value = brief_value(np.ravel(seen.result.data)[0])
    rows.append(CardRow("loss", "loss" if y is not None else "sum", value, None, None, kind="op"))
    return card_node("loss", "result", seen.loss_name, tuple(rows))


def _edges(seen: ModelRun, every: Sequence[ModulePart], uses: Sequence[PartEdge]) -> Iterator[Edge]:
    """One edge from each part to each part it feeds; its gradient is that of all the uses together."""
    flow: dict[tuple[int, int], list[float]] = {}
    needed: dict[tuple[int, int], bool] = {}
    for use in uses:
        ends = use.tail, use.head
        back = _back(seen, use)
        flow.setdefault(ends, []).append(0.0 if back is None else float(format.euclidean_norm(np.asarray(back))))
        needed[ends] = needed.get(ends, False) or back is not None
    fed = {head for _, head in flow}
    for k, part in enumerate(every):
        if k not in fed and part.last is not None:
            flow[INPUT, k], needed[INPUT, k] = [0.0], False
    sizes = {ends: float(np.linalg.norm(parts)) if needed[ends] else None for ends, parts in flow.items()}
    largest = max((size for size in sizes.values() if size and np.isfinite(size)), default=0.0)
    ordered = sorted(sizes, key=lambda ends: (ends[1] == LOSS, ends[1], ends[0]))
    for number, (tail, head) in enumerate(ordered):
        size = sizes[tail, head]
        yield Edge(
            id=f"e{number}",
            tail=_id(tail),
            head=_id(head),
            place=0,
            tail_port=OUT if tail == INPUT or every[tail].last is not None else "",
            contribution="" if size is None else f"|{size:.3g}|",
            flow=size,
            width=edge_width(size, largest),
            count=len(flow[tail, head]),
        )


def _back(seen: ModelRun, use: PartEdge) -> Any:
    """The gradient that comes back along an edge; None if none is needed."""
    if use.through.serial not in seen.gradients:
        return None
    return uses_of(use.user, seen.gradients.get(use.user.serial))[use.place].contribution


def _id(k: int) -> str:
    return {INPUT: "x", LOSS: "loss"}.get(k, f"p{k}")


def _title(seen: ModelRun) -> str:
    if seen.found is not None:
        return seen.found.summary()
    return f"{sum(p.size for p in seen.model.parameters()):,} parameters"


def _notes(seen: ModelRun, marks: Lettering) -> Iterator[str]:
    """How to read the picture."""
    yield (
        f"Gradients of the {seen.loss_name}. A row shows the name, the shape (as n: the entries move as n groups), "
        "smallest .. largest value, |norm| of the gradient."
    )
    if marks.groups:
        types = {p._array.dtype.name for p in seen.model.parameters()}
        yield letters_note(types, f"proofs hold {seen.found.scope}" if seen.found else "")
    if seen.remark:
        yield seen.remark


def _hidden(model: Module) -> tuple[str, ...]:
    """How to show the neurons of a network one by one."""
    if not isinstance(model, MLP):
        return ()
    if all_neurons(model.sizes).has_room(SECONDS):
        return (f"To show the neurons one by one, write neurons={max(model.sizes)}.",)
    return (f"To show the first neurons of each layer, write neurons={WIDE}.",)
