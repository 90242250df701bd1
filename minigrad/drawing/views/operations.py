"""The view of operations: one node for each value, one edge for each use, one node for a long sum.

A node shows its value and gradient; an edge, the local derivative and the gradient it passes back.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...engine.value import Value
from .. import array_summary, captions, format
from ..badges import badges
from ..cells import with_cells
from ..clusters import clusters
from ..diagram import ZERO, Cluster, Diagram, DiagramNode, Edge, Group
from ..equal_groups import Letters, letters, opposites
from ..fold_sums import Sum, sums
from ..graph_data import Survey
from ..local_derivatives import Use, uses_of

THINNEST, THICKEST = 1.0, 4.0  # points

Term = tuple[int, int, int]  # the positions of a value and of its user, and which input of the user it is


def ops_view(
    found: Survey,
    *,
    fold: bool = True,
    shown: Collection[int] | None = None,
    grouped: Letters | None = None,
    boxed: tuple[Sequence[Cluster], Sequence[int | None]] | None = None,
) -> Diagram:
    """The diagram of a survey. fold: one node for a long sum; shown: positions of the values shown, by default all.

    grouped, boxed: the results of `letters` and `clusters`, if known.
    """
    folded = sums(found) if fold else {}
    hidden = {part for s in folded.values() for part in s.parts}
    kept = [k for k in range(len(found.values)) if k not in hidden and (shown is None or k in shown)]
    grouped = letters(found) if grouped is None else grouped
    edges = _edges(found, kept, folded)
    nodes = _nodes(found, kept, folded, grouped)
    groups = _groups(found, grouped, set(kept))
    result = next(node for node in nodes if node.id == f"n{found.result}")
    notes = captions.notes(nodes, edges, groups, grouped.unproved) if found.sweep else ()
    made = Diagram(
        view="ops",
        nodes=nodes,
        edges=edges,
        groups=groups,
        clusters=(),
        title=captions.result_title(nodes, groups, result),
        notes=(*notes, found.remark) if found.remark else notes,
    )
    return with_cells(_with_boxes(made, *(boxed or clusters(found))), found, grouped)


def _with_boxes(made: Diagram, boxes: Sequence[Cluster], places: Sequence[int | None]) -> Diagram:
    """The diagram with boxes around its nodes."""
    if not boxes:
        return made
    return replace(
        made, clusters=tuple(boxes), nodes=tuple(replace(n, cluster=places[int(n.id[1:])]) for n in made.nodes)
    )


def _nodes(found: Survey, kept: Sequence[int], folded: dict[int, Sum], grouped: Letters) -> tuple[DiagramNode, ...]:
    letter = {
        member: (group.letter, tie)
        for group in grouped.groups
        for member, tie in zip(group.members, group.ties, strict=True)
    }
    visible = set(kept)
    step = {k: number for number, k in enumerate(k for k in found.sweep if k in visible)}
    return tuple(_node(found, k, folded.get(k), letter.get(k, (None, "")), grouped, step.get(k)) for k in kept)


def _node(
    found: Survey, k: int, folded: Sum | None, letter: tuple[str | None, str], grouped: Letters, step: int | None
) -> DiagramNode:
    v, g = found.values[k], found.gradients[k]
    array = None if isinstance(v._array, tuple) else np.asarray(v._array)
    marks = badges(v, g, frozen=k in grouped.frozen, wrong=k in found.wrong)
    return DiagramNode(
        id=f"n{k}",
        kind=_kind(found, k, folded),
        name=found.names[k],
        operation=_operation(v, folded),
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
        return "parameter" if found.gradients[k] is not None else "input" if found.sweep else "parameter"
    return "sum" if folded else "op"


def _operation(v: Value, folded: Sum | None) -> str:
    if v.op is None:
        return ""
    if folded:
        constants = "".join(f" + {format.constant_text(x)}" for x in folded.constants)
        return "+" if len(folded.terms) == 2 and not constants else f"Σ{constants}"
    known = v.op.options | set(v.op.names)  # parameters that an op passes to its own rule do not count
    given = {name: p for name, p in (v.params or {}).items() if name in known}
    shown = {name: p for name, p in given.items() if not _is_default(p, v.op.defaults.get(name))}
    return format.operation_text(v.op.label, v.operands, shown, lambda x: isinstance(x, Value))


def _is_default(p: object, usual: object) -> bool:
    return p is None or p is False or (isinstance(p, int | float | str) and p == usual)


def _edges(found: Survey, kept: Sequence[int], folded: dict[int, Sum]) -> tuple[Edge, ...]:
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


def _terms(found: Survey, head: int, folded: dict[int, Sum]) -> Sequence[Term]:
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
    return round(min(max(THICKEST + math.log10(flow / largest), THINNEST), THICKEST), 2)


def _groups(found: Survey, grouped: Letters, visible: set[int]) -> tuple[Group, ...]:
    groups = []
    apart = [group for group in grouped.groups if group.apart and group.letter != ZERO]
    minus = opposites({group.letter: found.gradients[group.members[0]] for group in apart})
    for group in grouped.groups:
        members = [k for k in group.members if k in visible]
        if members:
            names = tuple(found.names[k] for k in members if found.names[k])
            zero = group.letter == ZERO
            gradient = "exactly 0" if zero else _short(found.gradients[members[0]]) + minus.get(group.letter, "")
            ids = tuple(f"n{k}" for k in members)
            groups.append(Group(group.letter, ids, names, gradient, group.apart, group.proved))
    return tuple(groups)


def _short(g: Any) -> str:
    """A gradient for the legend: a number, or the norm of an array."""
    return (
        format.number_text(np.asarray(g).ravel()[0])
        if np.size(g) == 1
        else f"norm {format.number_text(format.euclidean_norm(g))}"
    )
