"""The quotient: a computation in which equal nodes are merged. A node that stands for n nodes is marked ×n.

Tied neurons of a network merge, which gives a smaller network: `symmetry/quotient` computes it. Values of a graph
merge if they are computed in the same way from equal values and get equal gradients.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...engine.tree_folds import key_by_value, tree_key
from ...engine.value import Value
from ...errors import ArgumentError
from ...symmetry.quotient import DESCENT, RELATION, quotient
from ..diagram import Diagram, DiagramNode, Edge, Group
from ..graph_data import Survey
from . import view
from .cards import cards
from .coarse import coarse_ops
from .mlp_run import Run, run_mlp
from .module_cards import WIDE, module_cards
from .operations import ops_view
from .request import ViewRequest
from .shown import all_neurons

NAMED = 3  # members that a name lists
UNORDERED = ("+", "Σ", "*")
TIMES = f"×n: one neuron stands for n that stay equal. {RELATION}"
SIGNS = "Some of the neurons that became one are equal up to sign: their activation is odd or even."


@view("quotient", "one node or card for all equal ones")
def quotient_view(request: ViewRequest) -> Diagram:
    """The quotient of a network; for any other model or Value, that of its graph."""
    if request.network:
        return of_network(request.network, request)
    made = coarse_ops(request)
    if made.hidden:
        return replace(made, view="quotient")
    ops = ops_view(request.survey, fold=request.sums, grouped=request.letters, with_data=False)
    return quotient_of_graph(request.survey, ops)


def of_network(found: Run, request: ViewRequest) -> Diagram:
    """The smaller network that acts as a network with tied neurons, at the same data. Raises ArgumentError.

    A small network that is still wide has one card for each layer.
    """
    if found.tied is None:
        raise ArgumentError(f"no quotient of {found.model!r}\n  {found.remark}")
    small = quotient(found.tied.found)
    x, y, loss = found.tied.found.recording.call
    shown = all_neurons(small.model.sizes, small.multiplicity)
    if max(small.model.sizes) <= (request.neurons or WIDE) and shown.has_room(request.seconds):
        made = cards(run_mlp(small.model, x, y, loss), shown, request.width)
    else:
        made = module_cards(small.model, x, y, loss, request.seconds)
        made = replace(made, nodes=tuple(_counted(made.nodes, found.model.sizes, small.model.sizes)))
    title, notes = small.summary(), made.notes
    if found.model.sizes != small.model.sizes:
        before, after = (sum(p.size for p in model.parameters()) for model in (found.model, small.model))
        title = f"{title[:-1]}: {after:,} parameters for {before:,}"
        notes = (TIMES, DESCENT, *([SIGNS] if small.has_signs else []), *notes)
    return replace(made, view="quotient", title=title, notes=notes)


def _counted(nodes: Sequence[DiagramNode], before: Sequence[int], after: Sequence[int]) -> Iterator[DiagramNode]:
    """The cards of whole layers, each with how many neurons stand for how many."""
    sizes = enumerate(zip(before, after, strict=True))
    names = {f"layer {k}": f"layer {k}: {m:,} for {n:,}" for k, (n, m) in sizes if m < n}
    return (replace(node, name=names.get(node.name, node.name)) for node in nodes)


def quotient_of_graph(found: Survey, made: Diagram) -> Diagram:
    """The quotient of a view of operations: equal nodes become the first of them. found: its survey."""
    classes = _classes(found, made)
    first: dict[int, str] = {}
    members: dict[str, list[DiagramNode]] = defaultdict(list)
    for node in made.nodes:
        members[first.setdefault(classes[node.id], node.id)].append(node)
    nodes = tuple(_merge(mine) for mine in members.values())
    stand = {node.id: first[classes[node.id]] for node in made.nodes}
    groups = tuple(_of_group(group, stand) for group in made.groups)
    proved = all(len({m.tie for m in mine}) == 1 and mine[0].tie for mine in members.values() if len(mine) > 1)
    evidence = "proved to stay equal" if proved else "equal now"
    note = f"×n: n values, computed in the same way from equal values, with equal gradients; {evidence}."
    return replace(
        made,
        view="quotient",
        nodes=nodes,
        edges=_edges(made.edges, stand, set(members)),
        groups=groups,
        title=_title(made, nodes),
        notes=(note, *made.notes),
    )


def _title(made: Diagram, nodes: Sequence[DiagramNode]) -> str:
    if len(nodes) == len(made.nodes):
        return f"{len(nodes)} values, no two of them equal"
    return f"{len(made.nodes)} values merge into these {len(nodes)}"


def _classes(found: Survey, made: Diagram) -> dict[str, int]:
    """A number for each node; equal nodes have equal numbers. Inputs come first, so one pass is enough."""
    tails: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for edge in made.edges:
        tails[edge.head].append((edge.place, edge.tail))
    numbers: dict[object, int] = {}
    classes: dict[str, int] = {}
    for node in made.nodes:
        if node.gradient is not None and node.group is None:
            key: object = node.id  # no other node has its gradient
        else:
            inputs = [classes[tail] for _, tail in sorted(tails[node.id])]
            ordered = tuple(sorted(inputs) if node.operation in UNORDERED else inputs)
            key = (node.group, node.operation, node.kind, ordered, *_contents(found.values[int(node.id[1:])]))
        classes[node.id] = numbers.setdefault(key, len(numbers))
    return classes


def _contents(v: Value) -> tuple[object, ...]:
    """The contents that equal values share: for a leaf its numbers; for an op its constants and parameters."""
    if v.op is None:
        return (_key(v._array),)
    constants = tuple(_key(x) for x in v.operands if not isinstance(x, Value))
    given = v.params or {}
    return (v.op.label, constants, tuple((name, _key(given[name])) for name in sorted(given) if name != "saved"))


def _key(x: Any) -> Any:
    """Compares by shape, type and bytes; a number of Python is equal to one of NumPy."""
    return tree_key(x, lambda leaf: key_by_value(np.asarray(leaf) if isinstance(leaf, (int, float)) else leaf))


def _merge(members: Sequence[DiagramNode]) -> DiagramNode:
    """The first member, with the names of all."""
    names = [node.name for node in members if node.name]
    name = " = ".join(names[:NAMED]) + (" = …" if len(names) > NAMED else "")
    tie = members[0].tie if len({node.tie for node in members}) == 1 else ""
    return replace(members[0], name=name, tie=tie, times=len(members))


def _edges(edges: Sequence[Edge], stand: dict[str, str], kept: set[str]) -> tuple[Edge, ...]:
    """The edges into the kept nodes; several inputs that became one give one edge with a count."""
    found: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge.head in kept:
            found[stand[edge.tail], edge.head].append(edge)
    merged = []
    for (tail, _), uses in found.items():
        several = len({edge.tail for edge in uses}) > 1
        chosen = [replace(uses[0], count=len(uses))] if several else uses
        merged += [replace(edge, tail=tail) for edge in chosen]
    places: Counter[str] = Counter()
    renumbered = []
    for number, edge in enumerate(merged):
        renumbered.append(replace(edge, id=f"e{number}", place=places[edge.head]))
        places[edge.head] += 1
    return tuple(renumbered)


def _of_group(group: Group, stand: dict[str, str]) -> Group:
    def place(member: str) -> str:
        node, colon, cell = member.partition(":")  # a node, or a cell of one
        return f"{stand[node]}{colon}{cell}"

    return group.onto(place)
