"""Cards of any module, or of a network too wide for a card per neuron: one for each part that has parameters.

A row for each parameter, with its shape, the range of its values and the norm of its gradient. Which part hands on
to which, says `modules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ...nn.layers import MLP, Layer, Neurons
from ...nn.module import Module
from ...symmetry.groups import TOLERANCE
from ...symmetry.neurons import neuron_classes
from ...symmetry.ties import Ties
from ...value import Value, seed, sweep
from .. import words
from ..diagram import Diagram, Edge, Node, Row
from ..uses import uses_of
from .brief import of_gradient, of_value
from .cards import WIDTHS, node
from .columns import placed
from .flows import width
from .lettering import Lettering, Place, lettering
from .modules import INPUT, LOSS, Part, Way, parts, ways
from .network import SECONDS, Loss, chosen_loss, evaluate, find_ties, name_of, numbers

OUT = "out"


@dataclass(frozen=True, eq=False)
class Seen:
    """What a run of a model gave: the loss, the gradient of each value by serial, what is tied."""

    model: Module
    x: Any
    result: Value
    gradients: Mapping[int, Any]
    found: Ties | None
    loss_name: str
    remark: str

    def gradient(self, held: Sequence[Value]) -> Any:
        """That of the values of an attribute, in one array."""
        return stacked([self.of(v) for v in held])

    def of(self, v: Value) -> Any:
        """That of a value: zeros where the loss does not look."""
        g = self.gradients.get(v.serial)
        return np.zeros(v.shape) if g is None else np.asarray(g)


def module_cards(
    model: Module, x: Any, y: Any = None, loss: Loss | None = None, seconds: float = SECONDS
) -> Diagram:
    """The diagram of loss(model(x), y), one card for each part of the model."""
    told = chosen_loss(y, loss)
    prediction, result = evaluate(model, x, y, told)
    with np.errstate(all="ignore"):
        gradients = {v.serial: g for v, g in sweep(result, seed(result))}
    found, remark = find_ties(model, x, y, told, result, seconds)
    seen = Seen(model, x, result, gradients, found, name_of(told), remark)
    cut = max((v.serial for v in _values(prediction)), default=0)
    every = parts(model)
    passed = ways(every, result, cut)
    marks = lettering(_places(seen, every))
    nodes = [_input(x), *(_card(seen, k, part, marks) for k, part in enumerate(every)), _loss(seen, y)]
    edges = tuple(_edges(seen, every, passed))
    in_line = [(edge.tail, edge.head) for edge in edges] == [(a.id, b.id) for a, b in pairwise(nodes)]
    if in_line:
        nodes = [node for column in placed([[node] for node in nodes]) for node in column]
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


def stacked(arrays: Sequence[Any]) -> Any:
    """One array of all: the only one as it is, several of one shape along a new axis, others end to end."""
    if len(arrays) == 1:
        return np.asarray(arrays[0])
    if len({np.shape(a) for a in arrays}) == 1:
        return np.stack(arrays)
    return np.concatenate([np.ravel(a) for a in arrays])


def _values(nested: Any) -> Iterator[Value]:
    if isinstance(nested, Value):
        yield nested
    elif isinstance(nested, (list, tuple)):
        for part in nested:
            yield from _values(part)


def _places(seen: Seen, every: Sequence[Part]) -> Iterator[Place]:
    """Every parameter, an attribute of a part as one."""
    ties = _ties_of(seen)
    for k, part in enumerate(every):
        for attribute, held in part.held.items():
            known = [ties[v.serial] for v in held] if ties else []
            proof = repr([(n.shape, n.tobytes()) for n, _ in known]) if known and all(ok for _, ok in known) else ""
            g = np.reshape(seen.gradient(held), np.shape(_data(part, attribute)))
            yield Place(f"p{k}:{attribute}", _name(part, attribute), g, proof)


def _ties_of(seen: Seen) -> dict[int, tuple[Any, bool]]:
    """Of each parameter by serial, the group of each entry, and whether all of it is proved."""
    if seen.found is None:
        return {}
    recording = seen.found.recording
    labels = recording.split(seen.found.numbers)
    proved = np.array([e == "proved" for e in seen.found.evidence], dtype=bool)
    return {p.serial: (n, bool(proved[n].all())) for p, n in zip(recording.params, labels, strict=True)}


def _name(part: Part, attribute: str) -> str:
    """The parameter's own name, or where it is in the model."""
    whole = getattr(part.module, attribute, None)
    if isinstance(whole, Value) and whole.name:
        return str(whole.name)
    return f"{attribute}{part.module.number}" if isinstance(part.module, (Layer, Neurons)) else attribute


def _card(seen: Seen, k: int, part: Part, marks: Lettering) -> Node:
    rows, ties = [], _ties_of(seen)
    for attribute, held in part.held.items():
        member, data = f"p{k}:{attribute}", _data(part, attribute)
        letter, tie = marks.letters.get(member), marks.ties.get(member, "")
        g = np.reshape(seen.gradient(held), np.shape(data))
        name = _with_shape(_name(part, attribute), data) + _moves(ties, held)
        rows.append(Row(attribute, name, of_value(data), of_gradient(g), letter, tie=tie))
    if (v := part.last) is not None:
        name = _with_shape(str(v.name or (v.op.label if v.op else "")), v.data)
        rows.append(Row(OUT, name, of_value(v.data), of_gradient(seen.of(v)), None, kind="op"))
    name, operation = _heading(part)
    badges = _badges(seen, part)
    count = sum(v.size for held in part.held.values() for v in held)
    return replace(node(f"p{k}", "layer", name, tuple(rows), operation, badges), count=count)


def _data(part: Part, attribute: str) -> Any:
    """The numbers of an attribute, in the shape of its nesting."""
    held = part.held[attribute]
    whole = numbers(getattr(part.module, attribute, None))
    try:
        array = np.asarray(whole, dtype=np.float64)
    except (TypeError, ValueError):  # a dict, or lists of several lengths
        array = np.zeros(0)
    return array if array.size == sum(v.size for v in held) else stacked([v.data for v in held])


def _moves(ties: Mapping[int, tuple[Any, bool]], held: Sequence[Value]) -> str:
    """As how many the entries of an attribute move, if that is fewer than they are."""
    groups = np.concatenate([np.ravel(ties[v.serial][0]) for v in held]) if ties else np.zeros(0)
    distinct = len(np.unique(groups))
    return f" as {distinct:,}" if distinct < len(groups) else ""


def _with_shape(name: str, data: Any) -> str:
    shape = np.shape(data)
    return f"{name} {shape}" if shape else name


def _heading(part: Part) -> tuple[str, str]:
    """What a part is called, and what it is or applies."""
    module = part.module
    if isinstance(module, (Layer, Neurons)):
        return f"layer {module.number}", "" if module.activation is None else name_of(module.activation)
    kind = type(module).__name__
    return (part.path, kind) if part.path else (kind, "")


def _badges(seen: Seen, part: Part) -> tuple[str, ...]:
    """How many neurons a hidden layer of a network acts as; nan and inf among its numbers."""
    told, module, model = [], part.module, seen.model
    if seen.found is not None and isinstance(model, MLP) and isinstance(module, (Layer, Neurons)):
        hidden = neuron_classes(model, seen.found.classes)
        if module.number <= len(hidden):
            size, distinct = len(hidden[module.number - 1]), len(set(hidden[module.number - 1].tolist()))
            told += [f"{size} act as {distinct}"] if distinct < size else []
    arrays = [a for held in part.held.values() for v in held for a in (v.data, seen.of(v))]
    told += ["nan"] * any(bool(np.isnan(a).any()) for a in arrays)
    told += ["inf"] * any(bool(np.isinf(a).any()) for a in arrays)
    return tuple(told)


def _input(x: Any) -> Node:
    data = np.asarray(numbers(x))
    return node("x", "input", "", (Row(OUT, _with_shape("x", data), of_value(data), None, None, kind="input"),))


def _loss(seen: Seen, y: Any) -> Node:
    rows = []
    if y is not None:
        data = np.asarray(numbers(y))
        rows.append(Row("y", _with_shape("y", data), of_value(data), None, None, kind="input"))
    value = of_value(np.ravel(seen.result.data)[0])
    rows.append(Row("loss", "loss" if y is not None else "sum", value, None, None, kind="op"))
    return node("loss", "result", seen.loss_name, tuple(rows))


def _edges(seen: Seen, every: Sequence[Part], passed: Sequence[Way]) -> Iterator[Edge]:
    """One edge for each two parts that hand on; the gradient that flows back is that of all its uses together."""
    flow: dict[tuple[int, int], list[float]] = {}
    needed: dict[tuple[int, int], bool] = {}
    for way in passed:
        ends = way.tail, way.head
        back = _back(seen, way)
        flow.setdefault(ends, []).append(0.0 if back is None else float(words.norm(np.asarray(back))))
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
            width=width(size, largest),
            count=len(flow[tail, head]),
        )


def _back(seen: Seen, way: Way) -> Any:
    """What comes back along a way; None where no gradient is needed."""
    if way.through.serial not in seen.gradients:
        return None
    return uses_of(way.user, seen.gradients.get(way.user.serial))[way.place].contribution


def _id(k: int) -> str:
    return {INPUT: "x", LOSS: "loss"}.get(k, f"p{k}")


def _title(seen: Seen) -> str:
    if seen.found is not None:
        return seen.found.summary()
    return f"{sum(p.size for p in seen.model.parameters()):,} parameters"


def _notes(seen: Seen, marks: Lettering) -> Iterator[str]:
    """How to read the picture."""
    yield (
        f"Gradients of the {seen.loss_name}. In a row: name and shape (as how many its entries move), "
        "least .. largest value, |norm| of the gradient."
    )
    if marks.groups:
        proof = (
            f" Solid border: tied, proved to stay equal {seen.found.scope}; dashed: equal now."
            if seen.found
            else ""
        )
        yield f"One letter and colour: equal gradients (relative tolerance {TOLERANCE:g}).{proof}"
    yield WIDTHS
    if seen.remark:
        yield seen.remark


def _hidden(model: Module) -> tuple[str, ...]:
    """That the neurons of a network are not shown one by one."""
    if not isinstance(model, MLP):
        return ()
    return (f"Neurons are not shown one by one: draw(..., neurons={max(model.sizes)}) does.",)
