"""The arrows between cards: from an output to each weight that multiplies it, and to the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from .. import format
from ..array_summary import brief_gradient
from ..diagram import DiagramNode, Edge
from .mlp_run import LayerRun, Run
from .shown import Members, Shown

WIDEST, NARROWEST = 4.0, 1.0  # points
FEW, THINNEST = 12, 0.3  # arrows between two columns that are as wide as usual; the least share of that width


def card_edges(run: Run, shown: Shown, columns: Sequence[Sequence[DiagramNode]]) -> Iterator[Edge]:
    """All edges, layer by layer, sorted by head and place. columns: inputs, layers, loss."""
    sizes = run.model.sizes
    ends = []
    for k, cards in enumerate(shown.cards):
        rest = shown.rest(k, sizes[k])
        every = zip(columns[k], [*cards, *([rest] if rest else [])], strict=True)
        ends.append([_End(node, members, members == rest) for node, members in every])
    found = [edge for layer in run.layers for edge in _into(run, layer, *ends[layer.number - 1 : layer.number + 1])]
    found += _to_loss(run, ends[-1], columns[-1][0])
    largest = max((e.flow for e in found if e.flow and np.isfinite(e.flow)), default=0.0)
    share = thinness(shown)
    for number, edge in enumerate(found):
        yield replace(edge, id=f"e{number}", width=round(edge_width(edge.flow, largest) * share, 2))


def thinness(shown: Shown) -> float:
    """The share of their usual width that arrows have: less than 1 where many join two columns."""
    most = max(len(tails) * len(heads) for tails, heads in pairwise(shown.cards))
    return round(max(min(math.sqrt(FEW / most), 1.0), THINNEST), 2)


@dataclass(frozen=True, slots=True)
class _End:
    """A card and the neurons it stands for, which are equal unless they are the rest of a layer."""

    node: DiagramNode
    members: Members
    is_rest: bool

    @property
    def out(self) -> str:
        """The row where an arrow leaves: the last one."""
        return self.node.rows[-1].port


def edge_width(flow: float | None, largest: float) -> float:
    """Width: 4 points for the largest gradient, one less for each factor of 10, at least 1."""
    if not flow or not largest or not np.isfinite(flow):
        return NARROWEST
    return round(float(max(WIDEST + np.log10(flow / largest), NARROWEST)), 2)


def _into(run: Run, layer: LayerRun, tails: Sequence[_End], heads: Sequence[_End]) -> Iterator[Edge]:
    """An edge from each output of the previous column to the weight that multiplies it."""
    needed = layer.number > 1 or run.dx is not None
    for head in heads:
        for place, tail in enumerate(tails):
            if tail.is_rest or head.is_rest:
                yield _rest(layer, place, tail, head, needed)
                continue
            i, j = tail.members[0], head.members[0]
            back = layer.dz[:, j] * layer.W[i, j] if needed else None
            edge = _edge(run, place, tail, head.node, back)
            edge = replace(edge, head_port=f"w{i}", count=len(tail.members) * len(head.members))
            slope = layer.W[i, j]
            yield replace(edge, derivative=format.number_text(slope), exact=format.exact(slope))


def _rest(layer: LayerRun, place: int, tail: _End, head: _End, needed: bool) -> Edge:
    """An edge to or from the card that stands for the rest of a layer."""
    rows, into = list(tail.members), list(head.members)
    weights = layer.W[np.ix_(rows, into)]
    port = "" if head.is_rest else "more" if tail.is_rest else f"w{rows[0]}"
    edge = Edge("", tail.node.id, head.node.id, place, tail.out, port, count=weights.size)
    if not needed:
        return edge
    back = np.einsum("sj,ij->sij", layer.dz[:, into], weights)
    return replace(edge, flow=float(format.euclidean_norm(back)))


def _to_loss(run: Run, tails: Sequence[_End], loss: DiagramNode) -> Iterator[Edge]:
    last, targets = run.layers[-1], [row.port for row in loss.rows if row.kind == "input"]
    for place, tail in enumerate(tails):
        back = last.da[:, list(tail.members)].ravel()
        edge = _edge(run, place, tail, loss, back)
        port, slope = targets[min(place, len(targets) - 1)], edge.contribution if run.single else ""
        yield replace(edge, head_port=port, derivative=slope, exact=edge.exact_contribution)


def _edge(run: Run, place: int, tail: _End, head: DiagramNode, back: object) -> Edge:
    """An edge along which `back` flows: (samples,), or None if no gradient is needed."""
    edge = Edge("", tail.node.id, head.id, place, tail.out)
    if back is None:
        return edge
    shown = brief_gradient(run.one(back))
    return replace(
        edge,
        contribution=shown.lines[0],
        exact_contribution=shown.exact,
        flow=float(format.euclidean_norm(np.asarray(back))),
    )
