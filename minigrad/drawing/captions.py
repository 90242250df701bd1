"""The text around a picture: its title, how to read it, a paragraph for readers who cannot see it.

It is made from finished nodes, edges and groups.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..symmetry.clustering import TOLERANCE, TOLERANCE_SINGLE
from . import card_text, format
from .diagram import ZERO, Diagram, DiagramNode, Edge, Group

TITLE = 72  # maximum characters of a title
FEW = 3  # a title lists the gradients of at most this many leaves
NAMED = 6  # a list names at most this many members of a group
BOXES = (
    "A box shows the value and, below it, its gradient (∂). Rounded: a leaf; double border: the result. "
    "Arrows enter from the top in operand order."
)


def label(node: DiagramNode) -> str:
    """The label of a node in a list: its name, or the op that made it."""
    return node.name or node.operation or "unnamed"


def is_leaf(node: DiagramNode) -> bool:
    """Whether no op made a node."""
    return not node.operation


def result_title(nodes: Sequence[DiagramNode], groups: Sequence[Group], result: DiagramNode) -> str:
    """The result, and the finding about the gradients of the leaves."""
    name = format.cut(format.visible(result.name)) or "y"
    lines = result.value.lines if result.value else ()
    value = lines[0] if len(lines) == 1 else node_type(result)
    leaves = [node for node in nodes if is_leaf(node) and node.gradient]
    return f"{name} = {value} · {_finding(name, leaves, groups)}"


def node_type(node: DiagramNode) -> str:
    """Shape and type; "" for a float64 number."""
    if not node.shape:
        return "" if node.dtype == "float64" else node.dtype
    return f"{node.shape} {node.dtype}"


def _finding(result: str, leaves: Sequence[DiagramNode], groups: Sequence[Group]) -> str:
    if not leaves:
        return "no gradients"
    if len(leaves) == 1:
        of, gradient = format.cut(format.visible(label(leaves[0]))), _lines_of(leaves[0])
        of = f"d{result}/d{of}" if leaves[0].name else "the leaf's gradient"
        return f"{of} {'has' if gradient.startswith('norm') else '='} {gradient}"
    shared: dict[str, list[str]] = defaultdict(list)
    for leaf in leaves:
        if leaf.group is not None:
            shared[leaf.group].append(format.cut(format.visible(label(leaf))))
    different = len(leaves) - sum(len(names) - 1 for names in shared.values())
    equal = [names + ["0"] * (group == ZERO) for group, names in shared.items() if len(names) > 1]
    if not equal:
        if one_by_one := _one_by_one(result, leaves):
            return one_by_one
        return f"{'both' if len(leaves) == 2 else f'all {len(leaves)}'} leaf gradients differ"
    stay = all(_stay_equal(leaves, group) for group, names in shared.items() if len(names) > 1)
    listing = ", ".join(" = ".join(names) for names in equal)
    listing = f"gradients that stay equal: {listing}" if stay else f"equal gradients: {listing}"
    if len(listing) <= TITLE:
        return listing
    return f"{len(leaves)} leaves {'always share' if stay else 'share'} {different} gradients"


def _one_by_one(result: str, leaves: Sequence[DiagramNode]) -> str:
    """The gradients of a few named numbers, one by one; "" if there is no room."""
    if len(leaves) > FEW or not all(leaf.name and leaf.gradient and leaf.gradient.exact for leaf in leaves):
        return ""
    parts = [f"d{result}/d{format.cut(format.visible(leaf.name))} = {_lines_of(leaf)}" for leaf in leaves]
    return ", ".join(parts) if len(", ".join(parts)) <= TITLE else ""


def _lines_of(node: DiagramNode) -> str:
    return " ".join(node.gradient.lines) if node.gradient else ""


def _stay_equal(leaves: Sequence[DiagramNode], group: str) -> bool:
    """Whether the gradients of the leaves of a group are proved to stay equal."""
    ties = {leaf.tie for leaf in leaves if leaf.group == group}
    return len(ties) == 1 and "" not in ties


def notes(
    nodes: Sequence[DiagramNode], edges: Sequence[Edge], groups: Sequence[Group], unproved: str
) -> tuple[str, ...]:
    """How to read the picture: when gradients count as equal, and which equalities are proved."""
    found = [BOXES]
    if edges:
        found.append(_lines(edges))
    single = any(node.gradient is not None and node.dtype in ("float32", "float16") for node in nodes)
    tolerance = f"{TOLERANCE:g}" + (f", float32 {TOLERANCE_SINGLE:g}" if single else "")
    if not groups:
        return (*found, f"No two gradients are equal (relative tolerance {tolerance}).")
    evidence = []
    if any(node.tie for node in nodes):
        evidence.append("solid frame: proved to stay equal under gradient descent")
    if any(node.group and not node.tie for node in nodes):
        evidence.append("dashed: equal now" + (f", no proof ({unproved})" if unproved else ""))
    found.append(f"Same letter: equal gradients (relative tolerance {tolerance}); {'; '.join(evidence)}.")
    if any(not group.apart for group in groups):
        found[-1] = found[-1][:-1] + "; no colour: one gradient that ops such as + pass on unchanged."
    return tuple(found)


def _lines(edges: Sequence[Edge]) -> str:
    """The legend of arrows, for the kinds that occur."""
    flows = [edge.flow for edge in edges]
    legend = ["An arrow shows the local derivative, unless it is 1"]
    if any(flows):
        legend.append("width: 4 pt for the largest gradient flowing back, 1 pt less per factor of 10")
    if 0.0 in flows:
        legend.append("dotted: exactly 0")
    if None in flows and any(flow is not None for flow in flows):
        legend.append("dashed: no gradient needed")
    return f"{'; '.join(legend)}."


def alt_text(diagram: Diagram) -> str:
    """The picture in a paragraph, for readers who cannot see it."""
    if any(node.rows for node in diagram.nodes):
        groups = (f"{g.letter}, gradient {g.gradient}: {card_text.first_names(g.names)}." for g in diagram.groups)
        cards = card_text.paragraph(diagram.nodes, diagram.edges)
        return " ".join([f"{diagram.title.rstrip('.')}.", *cards, *groups, *diagram.notes, *diagram.hidden])
    nodes = {node.id: node for node in diagram.nodes}
    sentences = [f"{diagram.title}.", f"A graph of {len(nodes)} values and {len(diagram.edges)} uses."]
    parameters = [node for node in diagram.nodes if node.kind == "parameter"]
    sentences.append(_leaves(parameters))
    largest = card_text.largest_of(parameters, _size)
    if largest is not None and _size(largest):
        sentences.append(f"The largest gradient of a leaf is that of {label(largest)}: {_lines_of(largest)}.")
    for badge in ("nan", "inf", "dead", "frozen", "wrong rule"):
        if found := [label(node) for node in diagram.nodes if badge in node.badges]:
            sentences.append(f"{badge}: {', '.join(found)}.")
    for group in diagram.groups:
        names = ", ".join(label(nodes[member]) for member in group.members if member in nodes)
        sentences.append(f"{group.letter}, gradient {group.gradient}: {names}.")
    return " ".join([*sentences, *diagram.notes, *diagram.hidden])


def _leaves(leaves: Sequence[DiagramNode]) -> str:
    if len(leaves) == 1:
        return "1 leaf with a gradient."
    different = len({leaf.group or leaf.id for leaf in leaves})
    return f"{len(leaves)} leaves have {different} different gradients."


def _size(node: DiagramNode) -> float:
    """The size of a node's gradient; 0 if it has none, or none that is a number."""
    g = node.gradient
    if g is None:
        return 0.0
    size = abs(float(g.exact)) if g.exact and g.norm is None else (g.norm or 0.0)
    return size if size == size else 0.0
