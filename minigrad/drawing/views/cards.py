"""Cards: a network as one card for each neuron, with its weights, its sum and its output, and their gradients.

`mlp_run` has the numbers of a run, `row_groups` the letters, `card_columns` the places, `card_edges` the arrows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ...symmetry.loss_graph import plain_outputs
from ..array_summary import brief_gradient, brief_value
from ..captions import letters_note
from ..diagram import ArraySummary, CardRow, Diagram, DiagramNode, Group
from ..tied_paths import on_tied_paths
from .card_columns import place_cards
from .card_edges import card_edges
from .mlp_run import LayerRun, Run
from .parting import other_rows, parting_notes, partings, with_mark, with_marked_rows
from .request import PAGE
from .row_groups import Lettering, RowPlace, lettering
from .shown import Members, Shown, all_neurons, index_text, neuron_text

BUNDLE = (
    "A stack ×n is n neurons that stay equal, drawn once: each number is that of every neuron; a row such as "
    'W1[0,:] is all these weights. The view "neurons" has a card for each.'
)
MORE = "more"  # the port of the row for everything not shown one by one


def cards(run: Run, shown: Shown | None = None, width: float = PAGE) -> Diagram:
    """The diagram of a run. shown: its cards; one for each neuron by default. width: of the page, in pixels."""
    shown = shown or all_neurons(run.model.sizes)
    marks = _of_cards(lettering(_places(run, shown)), shown)
    inputs = [_input(run, i, marks) for (i,) in shown.cards[0]]
    layers = [[_neuron(run, shown, layer, m, marks) for m in shown.cards[layer.number]] for layer in run.layers]
    every = [_with_rest(run, shown, k, column) for k, column in enumerate([inputs, *layers])]
    apart = list(partings(run, shown))
    other = other_rows(apart, every)
    every = [[with_marked_rows(node, other) for node in column] for column in every]
    columns = place_cards([*every, [_loss(run, shown)]], width)
    nodes = tuple(node for column in columns for node in column)
    edges = on_tied_paths(nodes, card_edges(run, shown, columns))
    return Diagram(
        view="cards",
        nodes=nodes,
        edges=tuple(with_mark(edge, other) for edge in edges),
        groups=_with_row_names(marks.groups, nodes),
        clusters=(),
        title=cards_title(run, marks),
        notes=(*_notes(run, shown, marks), *parting_notes(apart, nodes)),
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
    """Every row with a gradient: parameters in reading order, then sums and outputs, then inputs.

    Two neurons of a bundle have rows of their own here, so that letters do not depend on what is bundled.
    """
    for layer in run.layers:
        for j in shown.two_of_each(layer.number):
            yield from _parameter_rows(run, layer, j, shown)
    for layer in run.layers:
        for j in shown.two_of_each(layer.number):
            yield from _result_rows(run, layer, j)
    if run.dx is not None:
        for i in shown.everyone(0):
            yield RowPlace(f"{card_id(0, i)}:a", f"x[{i}]", run.one(run.dx[:, i]), is_parameter=False)


def _of_cards(marks: Lettering, shown: Shown) -> Lettering:
    """The letters with the members that have cards: the rows of a bundle stand for those of all its neurons."""
    first = [{j: members[0] for members in column for j in members} for column in shown.cards]

    def card_of(member: str) -> str:
        card, port = member.split(":")
        k, j = map(int, card[1:].split("n"))
        port = f"w{first[k - 1][int(port[1:])]}" if port[0] == "w" else port
        return f"{card_id(k, first[k][j])}:{port}"

    return replace(marks, groups=tuple(group.onto(card_of) for group in marks.groups))


def _with_row_names(groups: Iterable[Group], nodes: Sequence[DiagramNode]) -> tuple[Group, ...]:
    """The groups, with the names that their members have on the cards: W1[0,:] for a row of a bundle."""
    names = {f"{node.id}:{row.port}": row.name for node in nodes for row in node.rows}
    return tuple(replace(group, names=tuple(names[member] for member in group.members)) for group in groups)


def _parameter_rows(run: Run, layer: LayerRun, j: int, shown: Shown) -> Iterator[RowPlace]:
    mine = card_id(layer.number, j)
    for port, parameter, index in _entries(layer, j, shown.two_of_each(layer.number - 1)):
        g = (layer.dW if parameter[0] == "W" else layer.db)[index]
        proof, sign = ("", 1) if run.tied is None else run.tied.proof(parameter, index)
        name, frozen = entry_name(run, parameter, map(str, index)), _is_frozen(run, parameter, index)
        place = RowPlace(f"{mine}:{port}", name, g, proof, frozen, sign=sign)
        sum_is_it = port == "b" and run.single
        yield replace(place, also=((f"{mine}:z", f"z{layer.number}[{j}]"),)) if sum_is_it else place


def _result_rows(run: Run, layer: LayerRun, j: int) -> Iterator[RowPlace]:
    hidden = layer.number < len(run.layers)
    for kind, _, g in layer.results:
        if kind == "z" and run.single and layer.b is not None:
            continue  # the bias has the same gradient
        proof, sign = _proof_of_result(run, kind, layer.number, j) if hidden else ("", 1)
        name, frozen = f"{kind}{layer.number}[{j}]", hidden and _leads_nowhere(run, layer.number, j)
        member, g = f"{card_id(layer.number, j)}:{kind}", run.one(g[:, j])
        yield RowPlace(member, name, g, proof, frozen, is_parameter=False, sign=sign)


def _proof_of_result(run: Run, kind: str, layer: int, j: int) -> tuple[str, int]:
    """What is proved of the gradient of a hidden neuron's sum (z) or output (a), and its sign."""
    if run.tied is None:
        return "", 1
    proof, sign = run.tied.output_proof(layer, j) if kind == "a" else (run.tied.sum_proof(layer, j), 1)
    return (f"{kind}{layer} {proof}", sign) if proof else ("", 1)


def _leads_nowhere(run: Run, layer: int, j: int) -> bool:
    """Whether all weights out of a neuron are 0 and never move, so that it never gets a gradient."""
    name = f"W{layer + 1}"
    return run.tied is not None and bool(run.tied.frozen[name][j].all()) and not run.layers[layer].W[j].any()


def _entries(layer: LayerRun, j: int, tails: Iterable[int]) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Port, parameter and index of each weight into a neuron, and of its bias."""
    for i in tails:
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


def _neuron(run: Run, shown: Shown, layer: LayerRun, members: Members, marks: Lettering) -> DiagramNode:
    """The card of a neuron, or of several that stay equal: then the numbers are those of the first."""
    k, j, sizes = layer.number, members[0], run.model.sizes
    mine, here = card_id(k, j), index_text(members, sizes[k])
    tails = {tail[0]: index_text(tail, sizes[k - 1]) for tail in shown.cards[k - 1]}
    rows = []
    for port, parameter, index in _entries(layer, j, tails):
        value, g = (layer.W, layer.dW) if parameter[0] == "W" else (layer.b, layer.db)
        name = entry_name(run, parameter, [*(tails[i] for i in index[:-1]), here])
        frozen = _is_frozen(run, parameter, index)
        rows.append(_row(mine, port, name, value[index], g[index], marks, "parameter", frozen))
    if rest := list(shown.rest(k - 1, sizes[k - 1])):
        place = len(rows) - (layer.b is not None)
        hidden = brief_value(layer.W[rest, j]), brief_gradient(layer.dW[rest, j])
        rows.insert(place, CardRow(MORE, f"… {len(rest):,} more", *hidden, None))
    for kind, value, g in layer.results:
        name = f"{kind}{k}[{here}]"
        rows.append(_row(mine, kind, name, run.one(value[:, j]), run.one(g[:, j]), marks, "op"))
    frozen = all("frozen" in row.badges for row in rows if row.kind == "parameter")
    badges = ["dead"] * bool(layer.dead[j]) + ["frozen"] * frozen + _not_finite(layer, j)
    name = f"layer {k} · {neuron_text(members)}"
    made = card_node(mine, "card", name, tuple(rows), layer.activation, tuple(badges))
    if len(members) == 1:
        return replace(made, times=shown.of(k, j))
    return replace(
        made,
        times=len(members),
        bundle=tuple(card_id(k, member) for member in members),
        opens="neurons" if len(members) > 1 else "",
    )


def _row(
    mine: str, port: str, name: str, value: object, g: object, marks: Lettering, kind: str, frozen: bool = False
) -> CardRow:
    member = f"{mine}:{port}"
    badges = ("frozen",) if frozen else ()
    letter = marks.letters.get(member)
    return CardRow(
        port, name, brief_value(value), brief_gradient(g), letter, badges, kind, marks.ties.get(member, "")
    )


def _with_rest(run: Run, shown: Shown, k: int, column: Sequence[DiagramNode]) -> list[DiagramNode]:
    """A column, with one more card that stands for the neurons (or inputs) that are not shown."""
    rest = list(shown.rest(k, run.model.sizes[k]))
    if not rest:
        return list(column)
    values, missing = run.x if k == 0 else run.layers[k - 1].a, len(rest)
    what = ("neuron" if k else "input") + "s" * (missing > 1)
    row = CardRow("a", "values", brief_value(values[:, rest]), None, None, kind="op")
    name = f"… {missing:,} more {what}"
    card = card_node(card_id(k, rest[0]), "layer" if k else "input", name, (row,))
    return [*column, replace(card, count=missing, hides=f"{missing:,} {what}")]


def _loss(run: Run, shown: Shown) -> DiagramNode:
    """The card on the right: the targets and the outputs."""
    samples, outputs = run.layers[-1].a.shape
    places = shown.everyone(-1)
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


def entry_name(run: Run, parameter: str, index: Iterable[str]) -> str:
    """w1[0,2] if each weight is a Value, W1[0,2] if it is an entry of one; W1[0,:] for a bundle of all neurons."""
    first = parameter[0].lower() if run.model.per_neuron else parameter[0]
    return f"{first}{parameter[1:]}[{','.join(index)}]"


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


def _notes(run: Run, shown: Shown, marks: Lettering) -> Iterator[str]:
    """How to read the picture: the meaning of numbers and letters, and which equalities are proved."""
    samples = len(run.x)
    many = f"{samples} samples: smallest .. largest value, |norm| of the gradients"
    yield f"Gradients of the {run.loss_name}; {many if samples > 1 else 'one sample'}."
    if any(len(members) > 1 for column in shown.cards for members in column):
        yield BUNDLE
    if marks.groups:
        types = {layer.dW.dtype.name for layer in run.layers}
        yield letters_note(types, f"proofs hold {run.tied.found.scope}" if run.tied else "")
    if run.remark:
        yield run.remark


def _hidden(run: Run, shown: Shown) -> Iterator[str]:
    sizes = run.model.sizes
    rest = [len(shown.rest(k, n)) for k, n in enumerate(sizes)]
    missing = [f"{m:,} of {n:,} in layer {k}" for k, (n, m) in enumerate(zip(sizes, rest, strict=True)) if m]
    if missing:
        yield f"Not shown: {', '.join(missing)} (layer 0: inputs); write neurons={max(sizes)} to show all."
