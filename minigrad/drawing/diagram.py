"""What a picture shows: nodes, edges, groups of equal gradients, a title and a legend.

A diagram is a snapshot in plain text: it holds no Value and no array, so it keeps no graph alive and does not
change when a parameter steps. No colours, no DOT and no SVG here: every kind of output reads this one form.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..symmetry.groups import TOLERANCE, TOLERANCE_SINGLE, equal_groups, is_zero
from ..value import Value, graph, sweep
from . import words
from .theme import letter

ZERO = "0"
TITLE = 72  # characters that a title may take


@dataclass(frozen=True, slots=True)
class Node:
    """One value. `rank` is its place in the order of creation; `group` the letter it shares, if any.

    is_wrong: whether it was computed by an op whose rule is wrong.
    """

    rank: int
    inputs: int
    name: str
    operation: str
    kind: str
    value: tuple[str, ...]
    gradient: tuple[str, ...]
    group: str | None
    is_leaf: bool
    is_result: bool
    is_wrong: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """One use: node `tail` is input number `place` of node `head`; constants are not counted."""

    tail: int
    head: int
    place: int


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes whose gradients are equal.

    apart: whether they are equal in separate places; if not, one gradient is handed on along the edges,
    as + does.
    """

    letter: str
    members: tuple[int, ...]
    gradient: str
    apart: bool


@dataclass(frozen=True, slots=True)
class Diagram:
    """All that a picture shows."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...]
    title: str
    notes: tuple[str, ...]


def diagram(y: Value, wrong: Collection[int] = ()) -> Diagram:
    """A snapshot of the graph of y, with the gradients of y; linear in its size. Writes no `.grad`.

    The gradients are those of y itself if it has one element, else those of the cotangent in `y.grad`; if
    there is none, the diagram shows no gradients, and says so. wrong: serials of nodes to be marked.
    """
    values = graph(y)
    rank = {v.serial: place for place, v in enumerate(values)}
    edges = tuple(
        Edge(rank[x.serial], head, place) for head, v in enumerate(values) for place, x in enumerate(v.inputs)
    )
    by_serial, remark = _gradients(y)
    found = (by_serial.get(v.serial) for v in values)
    gradients = [None if isinstance(g, tuple) else g for g in found]  # of several outputs, each tells its own
    groups = _groups(values, gradients, edges)
    letters = {member: group.letter for group in groups for member in group.members}
    nodes = tuple(
        _node(place, v, g, letters.get(place), is_result=v is y, is_wrong=v.serial in wrong)
        for place, (v, g) in enumerate(zip(values, gradients, strict=True))
    )
    notes = _notes(groups, gradients) if by_serial else ()
    notes = (*notes, remark) if remark else notes
    return Diagram(nodes, edges, groups, _title(nodes, groups), notes)


def label(node: Node) -> str:
    """What a node is called in a list: its name, or what made it."""
    return node.name or node.operation or "unnamed"


def _gradients(y: Value) -> tuple[dict[int, Any], str]:
    """The gradient of every node by serial, and a remark if there is something to explain."""
    data = np.asarray(y.data)
    if data.dtype.kind != "f":
        return {}, f"No gradients: the result is {data.dtype.name}."
    if data.size == 1:
        seed, remark = np.ones_like(y.data), ""
    elif y.grad is not None:
        seed, remark = y.grad, "Gradients of sum(y * g), with g from y.grad."
    else:
        return {}, f"No gradients: the result has shape {data.shape}. Draw its sum, or set its .grad first."
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a picture shows inf and nan as such
        return {v.serial: g for v, g in sweep(y, seed)}, remark


def _node(rank: int, v: Value, gradient: Any, group: str | None, *, is_result: bool, is_wrong: bool) -> Node:
    return Node(
        rank=rank,
        inputs=len(v.inputs),
        name="" if v.name is None else str(v.name),  # v.name = 5 is not refused
        operation=_operation(v),
        kind=words.kind(v.data),
        value=tuple(words.value_lines(v.data)),
        gradient=() if gradient is None else tuple(words.gradient_lines(gradient)),
        group=group,
        is_leaf=v.op is None,
        is_result=is_result,
        is_wrong=is_wrong,
    )


def _operation(v: Value) -> str:
    if v.op is None:
        return ""
    known = v.op.options | set(v.op.names)  # what an op hands over to its own rule is none of them
    given = {name: p for name, p in (v.params or {}).items() if name in known}
    told = {name: p for name, p in given.items() if not _goes_without_saying(p, v.op.defaults.get(name))}
    return words.operation(v.op.label, v.operands, told, lambda x: isinstance(x, Value))


def _goes_without_saying(p: Any, usual: Any) -> bool:
    return p is None or p is False or (isinstance(p, int | float | str) and p == usual)


def _groups(values: Sequence[Value], gradients: Sequence[Any], edges: Sequence[Edge]) -> tuple[Group, ...]:
    """Groups in the order of their letters: first those equal in separate places, leaves before ops."""
    found = equal_groups(gradients)
    place = {member: number for number, members in enumerate(found) for member in members}
    handed_on = {e.tail for e in edges if e.tail in place and place[e.tail] == place.get(e.head)}

    def order(members: list[int]) -> tuple[bool, bool, int]:
        leaves = sum(values[member].op is None for member in members)
        return not _apart(members, handed_on), leaves < 2, members[0]

    groups = [
        Group(
            letter(position),
            tuple(members),
            " ".join(words.gradient_lines(gradients[members[0]])),
            _apart(members, handed_on),
        )
        for position, members in enumerate(sorted(found, key=order))
    ]
    zeros = tuple(member for member, g in enumerate(gradients) if g is not None and is_zero(g))
    return (*groups, Group(ZERO, zeros, "exactly 0", apart=True)) if zeros else tuple(groups)


def _apart(members: Sequence[int], handed_on: set[int]) -> bool:
    """Whether at least two members did not get their gradient from another member."""
    return sum(member not in handed_on for member in members) > 1


def _notes(groups: Sequence[Group], gradients: Sequence[Any]) -> tuple[str, ...]:
    """How to read the picture; what counts as equal."""
    single = any(g is not None and np.asarray(g).dtype.itemsize < 8 for g in gradients)
    tolerance = f"{TOLERANCE:g}" + (f", float32 {TOLERANCE_SINGLE:g}" if single else "")
    boxes = "In a box: the value, below it the gradient. Rounded: a leaf; double: the result; inputs from the top."
    if not groups:
        return (boxes, f"No two gradients are equal (relative tolerance {tolerance}).")
    handed_on = any(not group.apart for group in groups)
    letters = f"One letter and colour: equal gradients (relative tolerance {tolerance})"
    return boxes, f"{letters}; on white: one gradient, handed on as + does." if handed_on else f"{letters}."


def _title(nodes: Sequence[Node], groups: Sequence[Group]) -> str:
    """The result and what the gradients of the leaves have to say."""
    result = next(node for node in nodes if node.is_result)
    name = words.cut(words.visible(result.name)) or "y"
    value = result.value[0] if len(result.value) == 1 else result.kind
    leaves = [node for node in nodes if node.is_leaf and node.gradient]
    return f"{name} = {value} · {_finding(name, leaves, groups)}"


def _finding(result: str, leaves: Sequence[Node], groups: Sequence[Group]) -> str:
    if not leaves:
        return "no gradients"
    if len(leaves) == 1:
        of, gradient = words.cut(words.visible(label(leaves[0]))), " ".join(leaves[0].gradient)
        of = f"d{result}/d{of}" if leaves[0].name or leaves[0].operation else "the leaf's gradient"
        return f"{of} {'has' if gradient.startswith('norm') else '='} {gradient}"
    shared: dict[str, list[str]] = defaultdict(list)
    for leaf in leaves:
        if leaf.group is not None:
            shared[leaf.group].append(words.cut(words.visible(label(leaf))))
    different = len(leaves) - sum(len(names) - 1 for names in shared.values())
    equal = [names + ["0"] * (group == ZERO) for group, names in shared.items() if len(names) > 1]
    if not equal:
        return f"{'both' if len(leaves) == 2 else f'all {len(leaves)}'} leaf gradients differ"
    told = "equal gradients: " + ", ".join(" = ".join(names) for names in equal)
    return told if len(told) <= TITLE else f"{len(leaves)} leaves share {different} gradients"
