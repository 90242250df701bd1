"""The view of operations: one node for each value, one edge for each use, one node for a long sum.

A node shows its value and gradient; an edge, the local derivative and the gradient it passes back.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...engine.value import Value
from .. import array_summary, captions, format
from ..badges import badges
from ..cells import with_cells
from ..clusters import clusters
from ..data_nodes import Data, find_data
from ..diagram import ZERO, Cluster, Diagram, DiagramNode, Edge, Group
from ..equal_groups import Letters, letters
from ..fold_sums import Sum, sums
from ..graph_data import Survey
from ..local_derivatives import Use, uses_of
from ..tied_paths import on_tied_paths
from ..value_partings import with_value_partings

THINNEST, THICKEST = 1.0, 4.0  # points

NO_DATA = Data({})  # all arrays stand in the texts of their ops

Term = tuple[int, int, int]  # the positions of a value and of its user, and which input of the user it is


def ops_view(
    found: Survey,
    *,
    fold: bool = True,
    shown: Collection[int] | None = None,
    with_data: bool = True,
    grouped: Letters | None = None,
    boxed: tuple[Sequence[Cluster], Sequence[int | None]] | None = None,
) -> Diagram:
    """The diagram of a survey. fold: one node for a long sum; shown: positions of the values shown, by default all.

    with_data: whether arrays that are no Values are nodes; only if all values are shown. grouped, boxed: the
    results of `letters` and `clusters`, if known.
    """
    folded = sums(found) if fold else {}
    hidden = {part for s in folded.values() for part in s.parts}
    kept = [k for k in range(len(found.values)) if k not in hidden and (shown is None or k in shown)]
    grouped = letters(found) if grouped is None else grouped
    data = find_data(found, kept, folded) if with_data and shown is None else NO_DATA
    edges = tuple(data.edges(found, kept, folded, term_edges(found, kept, folded)))
    nodes = (*_nodes(found, kept, folded, grouped, data), *data.nodes(found.arrays))
    groups = _groups(found, grouped, set(kept))
    result = next(node for node in nodes if node.id == f"n{found.result}")
    notes = captions.notes(nodes, edges, groups, grouped.unproved) if found.sweep else ()
    notes += captions.heat_maps(nodes)
    made = Diagram(
        view="ops",
        nodes=nodes,
        edges=on_tied_paths(nodes, edges),
        groups=groups,
        clusters=(),
        title=captions.result_title(nodes, result, "leaves" if found.parameters is None else "parameters"),
        notes=(*notes, found.remark) if found.remark else notes,
    )
    return with_cells(_with_boxes(with_value_partings(made), *(boxed or clusters(found))), found, grouped)


def _with_boxes(made: Diagram, boxes: Sequence[Cluster], places: Sequence[int | None]) -> Diagram:
    """The diagram with boxes around its nodes."""
    if not boxes:
        return made
    return replace(
        made, clusters=tuple(boxes), nodes=tuple(replace(n, cluster=_place(n, places)) for n in made.nodes)
    )


def _place(node: DiagramNode, places: Sequence[int | None]) -> int | None:
    """The box of a node; data are in none."""
    return places[int(node.id[1:])] if node.id.startswith("n") else None


def _nodes(
    found: Survey, kept: Sequence[int], folded: dict[int, Sum], grouped: Letters, data: Data
) -> tuple[DiagramNode, ...]:
    letter = {
        member: (group.letter, tie)
        for group in grouped.groups
        for member, tie in zip(group.members, group.ties, strict=True)
    }
    visible = set(kept)
    step = {k: number for number, k in enumerate(k for k in found.sweep if k in visible)}
    return tuple(
        _node(found, k, folded.get(k), letter.get(k, (None, "")), grouped, step.get(k), data) for k in kept
    )


def _node(
    found: Survey,
    k: int,
    folded: Sum | None,
    letter: tuple[str | None, str],
    grouped: Letters,
    step: int | None,
    data: Data,
) -> DiagramNode:
    v, g = found.values[k], found.gradients[k]
    array = None if isinstance(v._array, tuple) else np.asarray(v._array)
    marks = badges(v, g, frozen=k in grouped.frozen, wrong=k in found.wrong)
    return DiagramNode(
        id=f"n{k}",
        kind=_kind(found, k, folded),
        name=found.names[k],
        operation=operation_of(v, folded, data),
        formula="" if v.op is None else v.op.formula,
        shape=() if array is None else array.shape,
        dtype="" if array is None else array.dtype.name,
        value=array_summary.summarize_value(v._array),
        gradient=None if g is None else array_summary.summarize_gradient(g),
        group=letter[0],
        tie=letter[1],
        badges=marks,
        source=getattr(getattr(v, "origin", None), "line", ""),
        count=1 + (len(folded.parts) if folded else 0),
        step=step,
    )


def _kind(found: Survey, k: int, folded: Sum | None) -> str:
    v = found.values[k]
    if k == found.result:
        return "result"
    if v.op is None:
        return "parameter" if found.is_parameter(k) or not found.sweep else "input"
    return "sum" if folded else "op"


def operation_of(v: Value, folded: Sum | None, data: Data = NO_DATA) -> str:
    """The op with its constants, but for those in boxes of their own; "" for a leaf."""
    if v.op is None:
        return ""
    if folded:
        constants = "".join(f" + {format.constant_text(x)}" for x in folded.constants if not data.is_shown(x))
        return "+" if len(folded.terms) == 2 and not constants else f"Σ{constants}"
    known = v.op.options | set(v.op.names)  # parameters that an op passes to its own rule do not count
    given = {name: p for name, p in (v.params or {}).items() if name in known}
    shown = {name: p for name, p in given.items() if not _is_default(p, v.op.defaults.get(name))}
    return format.operation_text(v.op.label, v.operands, shown, lambda x: isinstance(x, Value) or data.is_shown(x))


def _is_default(p: object, usual: object) -> bool:
    return p is None or p is False or (isinstance(p, int | float | str) and p == usual)


def term_edges(found: Survey, kept: Sequence[int], folded: Mapping[int, Sum]) -> tuple[Edge, ...]:
    """The arrows between these values, in order: one for each use, and for each term of a long sum."""
    visible, edges = set(kept), []
    for head in kept:
        asked: dict[int, list[Use]] = {}
        for place, (tail, user, which) in enumerate(_terms(found, head, folded)):
            if user not in asked:
                asked[user] = uses_of(found.values[user], _gradient(found, user))
            if tail in visible:
                edges.append((tail, head, place, asked[user][which]))
    edges = _with_limits(found, edges)
    flows = [
        None if use.contribution is None else format.euclidean_norm(np.asarray(use.contribution))
        for *_, use in edges
    ]
    largest = max((flow for flow in flows if flow is not None and math.isfinite(flow)), default=0.0)
    return tuple(
        _edge(number, *edge, flow, largest) for number, (edge, flow) in enumerate(zip(edges, flows, strict=True))
    )


def _with_limits(found: Survey, edges: list[Any]) -> list[Any]:
    """The edges, with what the other uses leave of a gradient where a product is nan, as 0·inf is."""
    lost = [use.contribution is not None and bool(np.isnan(use.contribution).any()) for *_, use in edges]
    if not any(lost):
        return edges
    users: dict[int, list[Any]] = {}  # by the position of a value: what each of its uses passes back
    for user, tails in enumerate(found.uses):
        for tail, use in zip(tails, uses_of(found.values[user], _gradient(found, user)), strict=True):
            users.setdefault(tail, []).append(use)

    def mended(tail: int, use: Use) -> Use:
        if found.gradients[tail] is None:
            return use
        parts = [other.contribution for other in users[tail] if other.contribution is not None]
        nans = np.sum([np.isnan(part) for part in parts], axis=0)
        with np.errstate(invalid="ignore"):
            rest = np.asarray(found.gradients[tail]) - np.nansum(parts, axis=0)
        alone = np.isnan(use.contribution) & (nans == 1)
        return replace(use, contribution=np.where(alone, rest, use.contribution)[()])

    return [
        (tail, *places, mended(tail, use)) if nan else (tail, *places, use)
        for (tail, *places, use), nan in zip(edges, lost, strict=True)
    ]


def _terms(found: Survey, head: int, folded: Mapping[int, Sum]) -> Sequence[Term]:
    if head in folded:
        return folded[head].terms
    return [(tail, head, place) for place, tail in enumerate(found.uses[head])]


def _gradient(found: Survey, k: int) -> Any:
    """The gradient of a value; for an op with several outputs, a list of theirs."""
    v = found.values[k]
    if not isinstance(v._array, tuple):
        return found.gradients[k]
    parts: list[Any] = [None] * len(v._array)
    for item, tails in enumerate(found.uses):
        if tails == (k,) and found.gradients[item] is not None:
            parts[(found.values[item].params or {})["k"]] = found.gradients[item]
    return None if all(part is None for part in parts) else parts


def _edge(number: int, tail: int, head: int, place: int, use: Use, flow: float | None, largest: float) -> Edge:
    derivative, contribution = use.derivative, use.contribution
    return Edge(
        id=f"e{number}",
        tail=f"n{tail}",
        head=f"n{head}",
        place=place,
        derivative="" if derivative is None else format.derivative_text(derivative),
        exact="" if derivative is None else format.exact(derivative),
        contribution="" if contribution is None else " ".join(format.gradient_lines(contribution)),
        exact_contribution="" if contribution is None else format.exact(contribution),
        flow=flow,
        width=arrow_width(flow, largest),
    )


def arrow_width(flow: float | None, largest: float) -> float:
    """Points: THICKEST for the largest gradient flowing back, one less for each factor of 10."""
    if not flow or not largest:
        return THINNEST
    if not math.isfinite(flow):
        return THICKEST
    return round(min(max(THICKEST + math.log10(flow) - math.log10(largest), THINNEST), THICKEST), 2)


def _groups(found: Survey, grouped: Letters, visible: set[int]) -> tuple[Group, ...]:
    groups = []
    for group in grouped.groups:
        members = [(k, tie) for k, tie in zip(group.members, group.ties, strict=True) if k in visible]
        if members:
            places, ties = zip(*members, strict=True)
            names = tuple(found.names[k] for k in places)
            gradient = "exactly 0" if group.letter == ZERO else _short(found.gradients[places[0]])
            groups.append(Group(group.letter, tuple(f"n{k}" for k in places), names, gradient, group.apart, ties))
    return tuple(groups)


def _short(g: Any) -> str:
    """A gradient for the legend: a number, or the norm of an array."""
    return (
        format.number_text(np.asarray(g).ravel()[0])
        if np.size(g) == 1
        else f"norm {format.number_text(format.euclidean_norm(g))}"
    )
