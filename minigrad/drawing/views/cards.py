"""Cards: a network as one card for each neuron, with its weights, its sum and its output, and their gradients.

`mlp_run` has the numbers of a run, `row_groups` the letters, `card_columns` the places, `card_edges` the arrows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...symmetry.clustering import TOLERANCE
from ...symmetry.loss_graph import plain_outputs
from ..array_summary import brief_gradient, brief_value
from ..diagram import ArraySummary, CardRow, Diagram, DiagramNode
from .card_columns import place_cards
from .card_edges import card_edges
from .mlp_run import LayerRun, Run
from .row_groups import Lettering, RowPlace, lettering

WIDTHS = (
    "Arrow width shows the size of the gradient flowing back (1 pt per factor of 10); dashed arrows carry none."
)
MORE = "more"  # the port of the row for everything not shown one by one


@dataclass(frozen=True, slots=True)
class Shown:
    """How many neurons each layer shows, inputs first; how many neurons a hidden one stands for (by default 1)."""

    neurons: tuple[int, ...]
    times: tuple[tuple[int, ...], ...] = ()

    def of(self, layer: int, neuron: int) -> int:
        """How many neurons this one stands for."""
        return self.times[layer - 1][neuron] if 0 < layer <= len(self.times) else 1


def cards(run: Run, shown: Shown | None = None) -> Diagram:
    """The diagram of a run. shown: the neurons to show; all by default."""
    shown = shown or Shown(run.model.sizes)
    marks = lettering(_places(run, shown))
    inputs = [_input(run, i, marks) for i in range(shown.neurons[0])]
    layers = [
        [_neuron(run, shown, layer, j, marks) for j in range(shown.neurons[layer.number])] for layer in run.layers
    ]
    every = [_with_rest(run, k, column) for k, column in enumerate([inputs, *layers])]
    columns = place_cards([*every, [_loss(run, shown)]])
    return Diagram(
        view="cards",
        nodes=tuple(node for column in columns for node in column),
        edges=tuple(card_edges(run, columns)),
        groups=marks.groups,
        clusters=(),
        title=cards_title(run, marks),
        notes=tuple(_notes(run, marks)),
        hidden=tuple(_hidden(run, shown)),
        engine="neato",
    )


def cards_title(run: Run, marks: Lettering) -> str:
    """The finding: how many groups the parameters move as, or how many gradients they share now."""
    if run.tied is not None:
        return run.tied.found.summary()
    names = [member for group in marks.groups for member in group.members if member.split(":")[1] not in "za"]
    count = sum(p.size for p in run.model.parameters())
    shared = len({marks.letters[name] for name in names})
    return f"{count} parameters share {count - len(names) + shared} gradients"


def _places(run: Run, shown: Shown) -> Iterator[RowPlace]:
    """Every row with a gradient: parameters in reading order, then sums and outputs, then inputs."""
    for layer in run.layers:
        for j in range(shown.neurons[layer.number]):
            yield from _parameter_rows(run, layer, j, shown)
    for layer in run.layers:
        for j in range(shown.neurons[layer.number]):
            yield from _result_rows(run, layer, j)
    if run.dx is not None:
        for i in range(shown.neurons[0]):
            yield RowPlace(f"{card_id(0, i)}:a", f"x[{i}]", run.one(run.dx[:, i]), is_parameter=False)


def _parameter_rows(run: Run, layer: LayerRun, j: int, shown: Shown) -> Iterator[RowPlace]:
    mine = card_id(layer.number, j)
    for port, parameter, index in _entries(layer, j, shown):
        g = (layer.dW if parameter[0] == "W" else layer.db)[index]
        proof = "" if run.tied is None else run.tied.proof(parameter, index)
        place = RowPlace(
            f"{mine}:{port}", entry_name(run, parameter, index), g, proof, _is_frozen(run, parameter, index)
        )
        sum_is_it = port == "b" and run.single
        yield replace(place, also=((f"{mine}:z", f"z{layer.number}[{j}]"),)) if sum_is_it else place


def _result_rows(run: Run, layer: LayerRun, j: int) -> Iterator[RowPlace]:
    hidden = layer.number < len(run.layers)
    for kind, _, g in layer.results:
        if kind == "z" and run.single and layer.b is not None:
            continue  # the bias has the same gradient
        proof = f"{kind}{layer.number} {run.tied.twins[layer.number - 1][j]}" if run.tied and hidden else ""
        name, frozen = f"{kind}{layer.number}[{j}]", hidden and _leads_nowhere(run, layer.number, j)
        yield RowPlace(
            f"{card_id(layer.number, j)}:{kind}", name, run.one(g[:, j]), proof, frozen, is_parameter=False
        )


def _leads_nowhere(run: Run, layer: int, j: int) -> bool:
    """Whether all weights out of a neuron are 0 and never move, so that it never gets a gradient."""
    name = f"W{layer + 1}"
    return run.tied is not None and bool(run.tied.frozen[name][j].all()) and not run.layers[layer].W[j].any()


def _entries(layer: LayerRun, j: int, shown: Shown) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Port, parameter and index of each weight into a neuron, and of its bias."""
    for i in range(shown.neurons[layer.number - 1]):
        yield f"w{i}", f"W{layer.number}", (i, j)
    if layer.b is not None:
        yield "b", f"b{layer.number}", (j,)


def _is_frozen(run: Run, parameter: str, index: tuple[int, ...]) -> bool:
    """Whether an entry is proved never to move."""
    return run.tied is not None and bool(run.tied.frozen[parameter][index])


def _input(run: Run, i: int, marks: Lettering) -> DiagramNode:
    g = None if run.dx is None else brief_gradient(run.one(run.dx[:, i]))
    value = brief_value(run.one(run.x[:, i]))
    row = CardRow("a", f"x[{i}]", value, g, marks.letters.get(f"{card_id(0, i)}:a"), kind="input")
    return card_node(card_id(0, i), "input", "", (row,))


def _neuron(run: Run, shown: Shown, layer: LayerRun, j: int, marks: Lettering) -> DiagramNode:
    mine = card_id(layer.number, j)
    rows = []
    for port, parameter, index in _entries(layer, j, shown):
        value, g = (layer.W, layer.dW) if parameter[0] == "W" else (layer.b, layer.db)
        name, frozen = entry_name(run, parameter, index), _is_frozen(run, parameter, index)
        rows.append(_row(mine, port, name, value[index], g[index], marks, "parameter", frozen))
    if missing := len(layer.W) - shown.neurons[layer.number - 1]:
        rest = slice(-missing, None)
        place = len(rows) - (layer.b is not None)
        hidden = brief_value(layer.W[rest, j]), brief_gradient(layer.dW[rest, j])
        rows.insert(place, CardRow(MORE, f"… {missing:,} more", *hidden, None))
    for kind, value, g in layer.results:
        name = f"{kind}{layer.number}[{j}]"
        rows.append(_row(mine, kind, name, run.one(value[:, j]), run.one(g[:, j]), marks, "op"))
    frozen = all("frozen" in row.badges for row in rows if row.kind == "parameter")
    badges = ["dead"] * bool(layer.dead[j]) + ["frozen"] * frozen + _not_finite(layer, j)
    made = card_node(
        mine, "card", f"layer {layer.number} · neuron {j}", tuple(rows), layer.activation, tuple(badges)
    )
    return replace(made, times=shown.of(layer.number, j))


def _row(
    mine: str, port: str, name: str, value: object, g: object, marks: Lettering, kind: str, frozen: bool = False
) -> CardRow:
    member = f"{mine}:{port}"
    badges = ("frozen",) if frozen else ()
    letter = marks.letters.get(member)
    return CardRow(
        port, name, brief_value(value), brief_gradient(g), letter, badges, kind, marks.ties.get(member, "")
    )


def _with_rest(run: Run, k: int, column: Sequence[DiagramNode]) -> list[DiagramNode]:
    """A column, with one more card that stands for the neurons (or inputs) that are not shown."""
    missing = run.model.sizes[k] - len(column)
    if not missing:
        return list(column)
    values = run.x if k == 0 else run.layers[k - 1].a
    what = ("neuron" if k else "input") + "s" * (missing > 1)
    row = CardRow("a", "values", brief_value(values[:, -missing:]), None, None, kind="op")
    rest = card_node(card_id(k, len(column)), "layer" if k else "input", f"… {missing:,} more {what}", (row,))
    return [*column, replace(rest, count=missing, hides=f"{missing:,} {what}")]


def _loss(run: Run, shown: Shown) -> DiagramNode:
    """The card on the right: the targets and the outputs."""
    samples, outputs = run.layers[-1].a.shape
    places = range(shown.neurons[-1])
    y = None if run.y is None else np.asarray(plain_outputs(run.y))
    if y is None:
        rows = [CardRow(f"y{j}", f"output {j}", ArraySummary(("",)), None, None, kind="input") for j in places]
    elif y.size == samples * outputs and y.dtype.kind in "fiub":
        targets = y.reshape(samples, outputs)
        rows = [
            CardRow(f"y{j}", f"y[{j}]", brief_value(run.one(targets[:, j])), None, None, kind="input")
            for j in places
        ]
    else:
        rows = [CardRow("y", "y", brief_value(y.ravel()), None, None, kind="input")]
    result = CardRow("loss", "loss" if y is not None else "sum", brief_value(run.loss), None, None, kind="op")
    return card_node("loss", "result", run.loss_name, (*rows, result))


def card_id(layer: int, neuron: int) -> str:
    """The id of a neuron's card; layer 0 is the inputs."""
    return f"l{layer}n{neuron}"


def entry_name(run: Run, parameter: str, index: tuple[int, ...]) -> str:
    """w1[0,2] if each weight is a Value, W1[0,2] if it is an entry of one."""
    first = parameter[0].lower() if run.model.per_neuron else parameter[0]
    return f"{first}{parameter[1:]}[{','.join(map(str, index))}]"


def card_node(
    mine: str, kind: str, name: str, rows: tuple[CardRow, ...], operation: str = "", badges: tuple[str, ...] = ()
) -> DiagramNode:
    """A card."""
    empty = {"formula": "", "shape": (), "dtype": "float64", "value": None, "gradient": None}
    return DiagramNode(id=mine, kind=kind, name=name, operation=operation, rows=rows, badges=badges, **empty)  # type: ignore[arg-type]


def _not_finite(layer: LayerRun, j: int) -> list[str]:
    """The badges nan and inf, if some number of the neuron is one."""
    every = np.concatenate([part[:, j] for part in (layer.W, layer.dW, layer.z, layer.dz, layer.a)])
    return ["nan"] * bool(np.isnan(every).any()) + ["inf"] * bool(np.isinf(every).any())


def _notes(run: Run, marks: Lettering) -> Iterator[str]:
    """How to read the picture: the meaning of numbers and letters, and which equalities are proved."""
    samples = len(run.x)
    many = f"{samples} samples: smallest .. largest value, |norm| of the gradients"
    yield f"Gradients of the {run.loss_name}; {many if samples > 1 else 'one sample'}."
    if marks.groups:
        proof = (
            f" Solid border: tied, proved to stay equal {run.tied.found.scope}; dashed: equal now."
            if run.tied
            else ""
        )
        yield f"Same letter and colour: equal gradients (relative tolerance {TOLERANCE:g}).{proof}"
    yield WIDTHS
    if run.remark:
        yield run.remark


def _hidden(run: Run, shown: Shown) -> Iterator[str]:
    sizes = run.model.sizes
    missing = [
        f"{n - m:,} of {n:,} in layer {k}"
        for k, (n, m) in enumerate(zip(sizes, shown.neurons, strict=True))
        if n > m
    ]
    if missing:
        yield f"Not shown: {', '.join(missing)} (layer 0: inputs); write neurons={max(sizes)} to show all."
