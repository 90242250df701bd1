"""The arrows between cards: from an output to each weight that multiplies it, and to the loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from .. import format
from ..array_summary import brief_gradient
from ..diagram import DiagramNode, Edge
from .mlp_run import LayerRun, Run

WIDEST, NARROWEST = 4.0, 1.0  # points


def card_edges(run: Run, columns: Sequence[Sequence[DiagramNode]]) -> Iterator[Edge]:
    """All edges, layer by layer, sorted by head and place. columns: inputs, layers, loss."""
    found = [
        edge for layer in run.layers for edge in _into(run, layer, *columns[layer.number - 1 : layer.number + 1])
    ]
    found += _to_loss(run, columns[-2], columns[-1][0])
    largest = max((e.flow for e in found if e.flow and np.isfinite(e.flow)), default=0.0)
    for number, edge in enumerate(found):
        yield replace(edge, id=f"e{number}", width=edge_width(edge.flow, largest))


def edge_width(flow: float | None, largest: float) -> float:
    """Width: 4 points for the largest gradient, one less for each factor of 10, at least 1."""
    if not flow or not largest or not np.isfinite(flow):
        return NARROWEST
    return round(float(max(WIDEST + np.log10(flow / largest), NARROWEST)), 2)


def _into(run: Run, layer: LayerRun, tails: Sequence[DiagramNode], heads: Sequence[DiagramNode]) -> Iterator[Edge]:
    """An edge from each output of the previous column to the weight that multiplies it."""
    needed = layer.number > 1 or run.dx is not None
    for j, head in enumerate(heads):
        for i, tail in enumerate(tails):
            if tail.count > 1 or head.count > 1:
                yield _rest(layer, i, j, tail, head, needed)
                continue
            back = layer.dz[:, j] * layer.W[i, j] if needed else None
            edge = _edge(run, i, tail, head, back)
            slope = layer.W[i, j]
            yield replace(edge, head_port=f"w{i}", derivative=format.number_text(slope), exact=format.exact(slope))


def _rest(layer: LayerRun, i: int, j: int, tail: DiagramNode, head: DiagramNode, needed: bool) -> Edge:
    """An edge to or from the card that stands for the rest of a layer."""
    rows = slice(i, i + 1 if tail.count == 1 else None)
    into = slice(j, j + 1 if head.count == 1 else None)
    back = np.einsum("sj,ij->sij", layer.dz[:, into], layer.W[rows, into]) if needed else None
    port = "" if head.count > 1 else "more" if tail.count > 1 else f"w{i}"
    count = layer.W[rows, into].size
    edge = Edge("", tail.id, head.id, i, _out(tail), port, count=count)
    return edge if back is None else replace(edge, flow=float(format.euclidean_norm(back)))


def _to_loss(run: Run, tails: Sequence[DiagramNode], loss: DiagramNode) -> Iterator[Edge]:
    last, targets = run.layers[-1], [row.port for row in loss.rows if row.kind == "input"]
    for j, tail in enumerate(tails):
        back = last.da[:, j] if tail.count == 1 else last.da[:, j:].ravel()
        edge = _edge(run, j, tail, loss, back)
        port, slope = targets[min(j, len(targets) - 1)], edge.contribution if run.single else ""
        yield replace(edge, head_port=port, derivative=slope, exact=edge.exact_contribution)


def _edge(run: Run, place: int, tail: DiagramNode, head: DiagramNode, back: object) -> Edge:
    """An edge along which `back` flows: (samples,), or None if no gradient is needed."""
    edge = Edge("", tail.id, head.id, place, _out(tail))
    if back is None:
        return edge
    shown = brief_gradient(run.one(back))
    return replace(
        edge,
        contribution=shown.lines[0],
        exact_contribution=shown.exact,
        flow=float(format.euclidean_norm(np.asarray(back))),
    )


def _out(tail: DiagramNode) -> str:
    """The row where an arrow leaves: the last one."""
    return tail.rows[-1].port
