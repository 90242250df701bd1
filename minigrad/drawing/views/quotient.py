"""The quotient: what a computation comes down to once equal things are one. Each stands for ×n.

Of a network, the smaller network that its tied neurons make it. Of a graph, one value for all that are computed
alike out of equal values and get equal gradients.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...symmetry.quotient import quotient
from ...value import Value
from ..diagram import Diagram, Edge, Group, Node
from ..survey import Survey
from .cards import Shown, cards
from .network import Run, run

NAMED = 3  # members that a name lists
UNORDERED = ("+", "Σ", "*")
TIMES = "×n: one neuron for n that stay equal; weights out of it are n times those of one."


def of_network(found: Run) -> Diagram:
    """The smaller network that a network with tied neurons is, at the same data. Raises ArgumentError."""
    if found.tied is None:
        raise ArgumentError(f"no quotient of {found.model!r}\n  {found.remark}")
    small = quotient(found.tied.found)
    x, y, loss = found.tied.found.recording.call
    made = cards(run(small.model, x, y, loss), Shown(small.model.sizes, small.multiplicity))
    title, notes = small.summary(), made.notes
    if found.model.sizes != small.model.sizes:
        before, after = (sum(p.size for p in model.parameters()) for model in (found.model, small.model))
        title, notes = f"{title[:-1]}: {after:,} parameters for {before:,}", (TIMES, *notes)
    return replace(made, view="quotient", title=title, notes=notes)


def of_graph(found: Survey, made: Diagram) -> Diagram:
    """The quotient of a view of operations: nodes that are alike become the first of them. found: its survey."""
    classes = _classes(found, made)
    first: dict[int, str] = {}
    members: dict[str, list[Node]] = defaultdict(list)
    for node in made.nodes:
        members[first.setdefault(classes[node.id], node.id)].append(node)
    nodes = tuple(_one(mine) for mine in members.values())
    stand = {node.id: first[classes[node.id]] for node in made.nodes}
    groups = tuple(_of_group(group, stand) for group in made.groups)
    proved = all(len({m.tie for m in mine}) == 1 and mine[0].tie for mine in members.values() if len(mine) > 1)
    evidence = "proved to stay equal" if proved else "equal now"
    note = f"×n: n values, made alike out of equal values, with equal gradients; {evidence}."
    return replace(
        made,
        view="quotient",
        nodes=nodes,
        edges=_edges(made.edges, stand, set(members)),
        groups=groups,
        title=_title(made, nodes),
        notes=(note, *made.notes),
    )


def _title(made: Diagram, nodes: Sequence[Node]) -> str:
    if len(nodes) == len(made.nodes):
        return f"{len(nodes)} values, no two of them alike"
    return f"{len(made.nodes)} values come down to these {len(nodes)}"


def _classes(found: Survey, made: Diagram) -> dict[str, int]:
    """A number for each node, equal where nodes are alike: inputs first, so that one pass is enough."""
    tails: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for edge in made.edges:
        tails[edge.head].append((edge.place, edge.tail))
    numbers: dict[Any, int] = {}
    classes: dict[str, int] = {}
    for node in made.nodes:
        if node.gradient is not None and node.group is None:
            key: Any = node.id  # no other has its gradient
        else:
            inputs = [classes[tail] for _, tail in sorted(tails[node.id])]
            ordered = tuple(sorted(inputs) if node.operation in UNORDERED else inputs)
            key = (node.group, node.operation, node.kind, ordered, *_told(found.values[int(node.id[1:])]))
        classes[node.id] = numbers.setdefault(key, len(numbers))
    return classes


def _told(v: Value) -> tuple[Any, ...]:
    """What tells values with equal gradients apart: their numbers; of an op, its constants and parameters."""
    if v.op is None:
        return (_bytes(v._array),)
    constants = tuple(_bytes(x) for x in v.operands if not isinstance(x, Value))
    given = v.params or {}
    return (v.op.label, constants, tuple((name, _bytes(given[name])) for name in sorted(given) if name != "saved"))


def _bytes(x: Any) -> Any:
    """Numbers as something to compare: shape, type and bytes; of anything else, its text."""
    if isinstance(x, (tuple, list)):
        return tuple(_bytes(part) for part in x)
    array = np.asarray(x)
    return repr(x) if array.dtype == object else (array.shape, array.dtype.str, array.tobytes())


def _one(members: Sequence[Node]) -> Node:
    """The first of them, under the names of all."""
    names = [node.name for node in members if node.name]
    told = " = ".join(names[:NAMED]) + (" = …" if len(names) > NAMED else "")
    return replace(members[0], name=told, times=len(members))


def _edges(edges: Sequence[Edge], stand: dict[str, str], kept: set[str]) -> tuple[Edge, ...]:
    """The edges into the nodes that are kept; from several inputs that became one, one edge with a count."""
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
    parts = [member.partition(":") for member in group.members]  # a node, or a cell of one
    members = dict.fromkeys(f"{stand[node]}{colon}{place}" for node, colon, place in parts)
    return replace(group, members=tuple(members))
