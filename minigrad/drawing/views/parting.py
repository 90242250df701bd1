"""Where two neurons part: the first factor that differs along their paths, from the loss back to their weights.

Up to the two neurons all paths are the same. There each path takes a weight out of its neuron, then the slope of
the activation, then an input, which both have. `explain` compares any two gradients in this way, factor by factor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...symmetry.clustering import TOLERANCE
from ..diagram import DiagramNode, Edge
from .mlp_run import Run
from .shown import Members, Shown, neuron_text


@dataclass(frozen=True, slots=True)
class Parting:
    """Two neurons of a layer, and the places where their paths first differ: layer, neuron and port of a card."""

    layer: int
    neurons: tuple[Members, Members]
    places: tuple[tuple[int, int, str], tuple[int, int, str]]


def partings(run: Run, shown: Shown) -> Iterator[Parting]:
    """Each hidden layer with two cards: where their neurons part, if they do. Of more, no two are compared."""
    for k, column in enumerate(shown.cards[1:-1], start=1):
        if len(column) == 2 and not shown.rest(k, run.model.sizes[k]):
            first, second = column
            if places := _first_difference(run, shown, k, first[0], second[0]):
                yield Parting(k, (first, second), places)


def _first_difference(run: Run, shown: Shown, k: int, a: int, b: int) -> Any:
    """The weights out of neurons a and b through which most parts them; else their sums; else weights into them."""
    here, above = run.layers[k - 1], run.layers[k]
    heads = [members[0] for members in shown.cards[k + 1]]
    out = [np.nan_to_num(_apart(above.W[a, m], above.W[b, m]) * _size(above.dz[:, m])) for m in heads]
    differ = [_apart(above.W[a, m], above.W[b, m]) > 0 for m in heads]
    if any(differ):
        m = max(range(len(heads)), key=lambda place: (differ[place], out[place]))
        return (k + 1, heads[m], f"w{a}"), (k + 1, heads[m], f"w{b}")
    if any(_apart(x, y) for x, y in zip(here.dz[:, a], here.dz[:, b], strict=True)):
        return (k, a, "z"), (k, b, "z")
    tails = [members[0] for members in shown.cards[k - 1]]
    into = [(f"w{i}", _apart(here.W[i, a], here.W[i, b])) for i in tails]
    into += [("b", _apart(here.b[a], here.b[b]))] if here.b is not None else []
    port, largest = max(into, key=lambda one: one[1])
    return ((k, a, port), (k, b, port)) if largest else None


def _apart(x: float, y: float) -> float:
    """How far two numbers are apart; 0 if they are equal but for rounding, or if one is not a number."""
    distance = 0.0 if x == y or np.isnan(x) or np.isnan(y) else float(abs(x - y))
    return 0.0 if np.isfinite(distance) and distance <= TOLERANCE * max(abs(x), abs(y)) else distance


def _size(samples: Any) -> float:
    return float(np.nan_to_num(np.linalg.norm(samples)))


def other_rows(found: Sequence[Parting], columns: Sequence[Sequence[DiagramNode]]) -> dict[str, str]:
    """By the key of a row ("l2n0:w0"), the name of the row of the other neuron, where two part."""
    names = {f"{node.id}:{row.port}": row.name for column in columns for node in column for row in node.rows}
    other: dict[str, str] = {}
    for parting in found:
        one, two = (f"l{k}n{j}:{port}" for k, j, port in parting.places)
        other |= {one: names[two], two: names[one]}
    return other


def with_marked_rows(node: DiagramNode, other: Mapping[str, str]) -> DiagramNode:
    """A card whose rows are marked where two neurons part."""
    rows = (replace(row, differs=other.get(f"{node.id}:{row.port}", "")) for row in node.rows)
    return replace(node, rows=tuple(rows))


def with_mark(edge: Edge, other: Mapping[str, str]) -> Edge:
    """An arrow with the mark of the row where it ends."""
    return replace(edge, differs=other.get(f"{edge.head}:{edge.head_port}", ""))


def parting_notes(found: Sequence[Parting], nodes: Sequence[DiagramNode]) -> Iterator[str]:
    """A line for each pair of neurons that part: the factors that differ, with their numbers."""
    rows = {f"{node.id}:{row.port}": row for node in nodes for row in node.rows}
    for parting in found:
        one, two = (rows[f"l{k}n{j}:{port}"] for k, j, port in parting.places)
        first, second = (neuron_text(members) for members in parting.neurons)
        numbers = (f"{row.name} = {row.value.lines[0]}" for row in (one, two))
        yield f"≠: here {first} and {second} of layer {parting.layer} part: {' ≠ '.join(numbers)}."
