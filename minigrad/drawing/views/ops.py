"""The view of operations: one node for each value, one edge for each use, long sums as one.

A node holds its value and gradient; an edge, the local derivative and what it hands back of the gradient.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...value import Value
from .. import findings, numbers, words
from ..badges import badges
from ..cells import with_cells
from ..clusters import clusters
from ..diagram import ZERO, Cluster, Diagram, Edge, Group, Node
from ..letters import Letters, letters
from ..sums import Sum, sums
from ..survey import Survey
from ..uses import Use, uses_of

THINNEST, THICKEST = 1.0, 4.0  # points

Term = tuple[int, int, int]  # the position of a value, that of what takes it, which of its inputs


def ops(
    found: Survey,
    *,
    fold: bool = True,
    shown: Collection[int] | None = None,
    grouped: Letters | None = None,
    boxed: tuple[Sequence[Cluster], Sequence[int | None]] | None = None,
) -> Diagram:
    """The diagram of a survey. fold: long sums as one; shown: positions of the values shown, by default all.

    grouped, boxed: what `letters` and `clusters` give, if it is known.
    """
    folded = sums(found) if fold else {}
    hidden = {part for s in folded.values() for part in s.parts}
    kept = [k for k in range(len(found.values)) if k not in hidden and (shown is None or k in shown)]
    grouped = letters(found) if grouped is None else grouped
    edges = _edges(found, kept, folded)
    nodes = _nodes(found, kept, folded, grouped)
    groups = _groups(found, grouped, set(kept))
    result = next(node for node in nodes if node.id == f"n{found.result}")
    notes = findings.notes(nodes, edges, groups, grouped.unproved) if found.sweep else ()
    made = Diagram(
        view="ops",
        nodes=nodes,
        edges=edges,
        groups=groups,
        clusters=(),
        title=findings.title(nodes, groups, result),
        notes=(*notes, found.remark) if found.remark else notes,
    )
    return with_cells(_boxed(made, *(boxed or clusters(found))), found, grouped)


def _boxed(made: Diagram, boxes: Sequence[Cluster], places: Sequence[int | None]) -> Diagram:
    """With the boxes that its nodes stand in."""
    if not boxes:
        return made
    return replace(
        made, clusters=tuple(boxes), nodes=tuple(replace(n, cluster=places[int(n.id[1:])]) for n in made.nodes)
    )


def _nodes(found: Survey, kept: Sequence[int], folded: dict[int, Sum], grouped: Letters) -> tuple[Node, ...]:
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
) -> Node:
    v, g = found.values[k], found.gradients[k]
    array = None if isinstance(v._array, tuple) else np.asarray(v._array)
    marks = badges(v, g, frozen=k in grouped.frozen, wrong=k in found.wrong)
    return Node(
        id=f"n{k}",
        kind=_kind(found, k, folded),
        name=found.names[k],
        operation=_operation(v, folded),
        formula="" if v.op is None else v.op.formula,
        shape=() if array is None else array.shape,
        dtype="" if array is None else array.dtype.name,
        value=numbers.of_value(v._array),
        gradient=None if g is None else numbers.of_gradient(g),
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
        constants = "".join(f" + {words.constant(x)}" for x in folded.constants)
        return "+" if len(folded.terms) == 2 and not constants else f"Σ{constants}"
    known = v.op.options | set(v.op.names)  # what an op hands over to its own rule is none of them
    given = {name: p for name, p in (v.params or {}).items() if name in known}
    told = {name: p for name, p in given.items() if not _goes_without_saying(p, v.op.defaults.get(name))}
    return words.operation(v.op.label, v.operands, told, lambda x: isinstance(x, Value))


def _goes_without_saying(p: Any, usual: Any) -> bool:
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
    flows = [None if use.contribution is None else words.norm(np.asarray(use.contribution)) for *_, use in edges]
    largest = max((flow for flow in flows if flow is not None and math.isfinite(flow)), default=0.0)
    return tuple(
        _edge(number, *edge, flow, largest) for number, (edge, flow) in enumerate(zip(edges, flows, strict=True))
    )


def _terms(found: Survey, head: int, folded: dict[int, Sum]) -> Sequence[Term]:
    if head in folded:
        return folded[head].terms
    return [(tail, head, place) for place, tail in enumerate(found.uses[head])]


def _gradient(found: Survey, k: int) -> Any:
    """The gradient of a value; of an op with several outputs, a list with that of each."""
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
        derivative="" if derivative is None else words.derivative(derivative),
        exact="" if derivative is None else words.exact(derivative),
        contribution="" if contribution is None else " ".join(words.gradient_lines(contribution)),
        exact_contribution="" if contribution is None else words.exact(contribution),
        flow=flow,
        width=width(flow, largest),
    )


def width(flow: float | None, largest: float) -> float:
    """Points: THICKEST for the largest gradient that flows back, one less for each factor of 10."""
    if not flow or not largest:
        return THINNEST
    if not math.isfinite(flow):
        return THICKEST
    return round(min(max(THICKEST + math.log10(flow / largest), THINNEST), THICKEST), 2)


def _groups(found: Survey, grouped: Letters, visible: set[int]) -> tuple[Group, ...]:
    groups = []
    for group in grouped.groups:
        members = [k for k in group.members if k in visible]
        if members:
            names = tuple(found.names[k] for k in members if found.names[k])
            zero = group.letter == ZERO
            gradient = "exactly 0" if zero else _short(found.gradients[members[0]])
            ids = tuple(f"n{k}" for k in members)
            groups.append(Group(group.letter, ids, names, gradient, group.apart, group.proved))
    return tuple(groups)


def _short(g: Any) -> str:
    """A gradient for the legend: the number, or the norm of an array."""
    return words.number(np.asarray(g).ravel()[0]) if np.size(g) == 1 else f"norm {words.number(words.norm(g))}"
