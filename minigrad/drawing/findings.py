"""What a picture says in words: its title, how to read it, the paragraph for those who cannot see it.

Everything is read off nodes, edges and groups that are already made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..symmetry.groups import TOLERANCE, TOLERANCE_SINGLE
from . import cardwords, words
from .diagram import ZERO, Diagram, Edge, Group, Node

TITLE = 72  # characters that a title may take
FEW = 3  # leaves whose gradients a title tells one by one
NAMED = 6  # members of a group that a list names
BOXES = "In a box the value, below it ∂ the gradient. Rounded: a leaf; double: the result; inputs from the top."


def label(node: Node) -> str:
    """What a node is called in a list: its name, or what made it."""
    return node.name or node.operation or "unnamed"


def is_leaf(node: Node) -> bool:
    """Whether a node was made by no op."""
    return not node.operation


def title(nodes: Sequence[Node], groups: Sequence[Group], result: Node) -> str:
    """The result and what the gradients of the leaves have to say."""
    name = words.cut(words.visible(result.name)) or "y"
    lines = result.value.lines if result.value else ()
    value = lines[0] if len(lines) == 1 else kind(result)
    leaves = [node for node in nodes if is_leaf(node) and node.gradient]
    return f"{name} = {value} · {_finding(name, leaves, groups)}"


def kind(node: Node) -> str:
    """Shape and type; nothing of a float64 number."""
    if not node.shape:
        return "" if node.dtype == "float64" else node.dtype
    return f"{node.shape} {node.dtype}"


def _finding(result: str, leaves: Sequence[Node], groups: Sequence[Group]) -> str:
    if not leaves:
        return "no gradients"
    if len(leaves) == 1:
        of, told = words.cut(words.visible(label(leaves[0]))), _lines_of(leaves[0])
        of = f"d{result}/d{of}" if leaves[0].name else "the leaf's gradient"
        return f"{of} {'has' if told.startswith('norm') else '='} {told}"
    shared: dict[str, list[str]] = defaultdict(list)
    for leaf in leaves:
        if leaf.group is not None:
            shared[leaf.group].append(words.cut(words.visible(label(leaf))))
    different = len(leaves) - sum(len(names) - 1 for names in shared.values())
    equal = [names + ["0"] * (group == ZERO) for group, names in shared.items() if len(names) > 1]
    if not equal:
        if told := _each(result, leaves):
            return told
        return f"{'both' if len(leaves) == 2 else f'all {len(leaves)}'} leaf gradients differ"
    stay = ", and stay so" if all(_stay(leaves, g) for g, names in shared.items() if len(names) > 1) else ""
    told = f"equal gradients: {', '.join(' = '.join(names) for names in equal)}{stay}"
    return told if len(told) <= TITLE else f"{len(leaves)} leaves share {different} gradients{stay}"


def _each(result: str, leaves: Sequence[Node]) -> str:
    """The gradients of a few named numbers, one by one; "" where there is no room for that."""
    if len(leaves) > FEW or not all(leaf.name and leaf.gradient and leaf.gradient.exact for leaf in leaves):
        return ""
    parts = [f"d{result}/d{words.cut(words.visible(leaf.name))} = {_lines_of(leaf)}" for leaf in leaves]
    return ", ".join(parts) if len(", ".join(parts)) <= TITLE else ""


def _lines_of(node: Node) -> str:
    return " ".join(node.gradient.lines) if node.gradient else ""


def _stay(leaves: Sequence[Node], group: str) -> bool:
    """Whether the gradients of the leaves of a group are proved to stay equal."""
    ties = {leaf.tie for leaf in leaves if leaf.group == group}
    return len(ties) == 1 and "" not in ties


def notes(nodes: Sequence[Node], edges: Sequence[Edge], groups: Sequence[Group], unproved: str) -> tuple[str, ...]:
    """How to read the picture; what counts as equal, and on what evidence."""
    found = [BOXES]
    if edges:
        found.append(_lines(edges))
    single = any(node.gradient is not None and node.dtype in ("float32", "float16") for node in nodes)
    tolerance = f"{TOLERANCE:g}" + (f", float32 {TOLERANCE_SINGLE:g}" if single else "")
    if not groups:
        return (*found, f"No two gradients are equal (relative tolerance {tolerance}).")
    evidence = []
    if any(node.tie for node in nodes):
        evidence.append("framed solid: proved to stay equal under gradient descent")
    if any(node.group and not node.tie for node in nodes):
        evidence.append("dashed: seen now" + (f", no proof ({unproved})" if unproved else ""))
    found.append(f"One letter: equal gradients (relative tolerance {tolerance}); {'; '.join(evidence)}.")
    if any(not group.apart for group in groups):
        found[-1] = found[-1][:-1] + "; without colour: one gradient, handed on as + does."
    return tuple(found)


def _lines(edges: Sequence[Edge]) -> str:
    """What arrows look like, as far as there are such."""
    flows = [edge.flow for edge in edges]
    told = ["On an arrow the local derivative, unless it is 1"]
    if any(flows):
        told.append("width: 4 pt for the largest gradient handed back, 1 pt less per factor of 10")
    if 0.0 in flows:
        told.append("dotted: exactly 0")
    if None in flows and any(flow is not None for flow in flows):
        told.append("dashed: no gradient needed")
    return f"{'; '.join(told)}."


def describe(diagram: Diagram) -> str:
    """The picture in a paragraph, for those who cannot see it."""
    if any(node.rows for node in diagram.nodes):
        groups = (f"{g.letter}, gradient {g.gradient}: {cardwords.listed(g.names)}." for g in diagram.groups)
        cards = cardwords.paragraph(diagram.nodes, diagram.edges)
        return " ".join([f"{diagram.title.rstrip('.')}.", *cards, *groups, *diagram.notes, *diagram.hidden])
    nodes = {node.id: node for node in diagram.nodes}
    sentences = [f"{diagram.title}.", f"A graph of {len(nodes)} values and {len(diagram.edges)} uses."]
    parameters = [node for node in diagram.nodes if node.kind == "parameter"]
    sentences.append(_leaves(parameters))
    largest = max(parameters, key=_size, default=None)
    if largest is not None and _size(largest):
        sentences.append(f"The largest gradient of a leaf is that of {label(largest)}: {_lines_of(largest)}.")
    for badge in ("nan", "inf", "dead", "frozen", "wrong rule"):
        if found := [label(node) for node in diagram.nodes if badge in node.badges]:
            sentences.append(f"{badge}: {', '.join(found)}.")
    for group in diagram.groups:
        names = ", ".join(label(nodes[member]) for member in group.members if member in nodes)
        sentences.append(f"{group.letter}, gradient {group.gradient}: {names}.")
    return " ".join([*sentences, *diagram.notes, *diagram.hidden])


def _leaves(leaves: Sequence[Node]) -> str:
    if len(leaves) == 1:
        return "1 leaf with a gradient."
    different = len({leaf.group or leaf.id for leaf in leaves})
    return f"{len(leaves)} leaves with a gradient, which have {different} different ones."


def _size(node: Node) -> float:
    """The size of a node's gradient; 0 where it is none, or no number."""
    g = node.gradient
    if g is None:
        return 0.0
    size = abs(float(g.exact)) if g.exact and g.norm is None else (g.norm or 0.0)
    return size if size == size else 0.0
