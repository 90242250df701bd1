"""The text around a picture: its title, how to read it, a paragraph for readers who cannot see it.

It is made from finished nodes, edges and groups.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Sequence

from ..symmetry.clustering import TOLERANCE, TOLERANCE_SINGLE
from . import card_text, format
from .diagram import MINUS, ZERO, Cluster, Diagram, DiagramNode, Edge, Group
from .marks import Marks, Tie, base

TITLE = 72  # maximum characters of a title
FEW = 3  # a title lists the gradients of at most this many leaves
NAMED = 6  # a list names at most this many members of a group
BOXES = "A box has a value and, below it, its gradient (∂). Rounded: a leaf; double border: the result."
ARROWS = "Arrows enter in operand order, with their local derivative unless it is 1."
SAME_LETTER = "Same letter:"


def label(node: DiagramNode) -> str:
    """The label of a node in a list: its name, or the op that made it."""
    return node.name or node.operation or "unnamed"


def cluster_label(cluster: Cluster) -> str:
    """The label of a box around nodes: its name, and ×n if it stands for n equal parts."""
    many = f"×{cluster.times:,}" if cluster.times > 1 else ""
    return "  ".join(filter(None, (format.cut(format.visible(cluster.name)), many)))


def repetitions(diagram: Diagram) -> dict[str, int]:
    """For each node the number of equal parts that it stands for, with those of all boxes around it."""
    times: list[int] = []
    for cluster in diagram.clusters:  # outer before inner
        around = cluster.parent
        times.append(cluster.times * (times[around] if around is not None and around < len(times) else 1))
    return {node.id: 1 if node.cluster is None else times[node.cluster] for node in diagram.nodes}


def is_leaf(node: DiagramNode) -> bool:
    """Whether no op made a node."""
    return not node.operation


def result_title(nodes: Sequence[DiagramNode], result: DiagramNode, leaves_are: str = "leaves") -> str:
    """The result, and the finding about the gradients of the leaves, or of the parameters of a model."""
    name = format.cut(format.visible(result.name)) or "y"
    lines = result.value.lines if result.value else ()
    value = lines[0] if len(lines) == 1 else node_type(result)
    leaves = [node for node in nodes if is_leaf(node) and node.gradient and node.kind != "input"]
    return f"{name} = {value} · {_finding(name, leaves, leaves_are)}"


def node_type(node: DiagramNode) -> str:
    """Shape and type; "" for a float64 number."""
    if not node.shape:
        return "" if node.dtype == "float64" else node.dtype
    return f"{node.shape} {node.dtype}"


def _finding(result: str, leaves: Sequence[DiagramNode], called: str) -> str:
    if not leaves:
        return "no gradients"
    if len(leaves) == 1:
        of = _derivative(result, leaves[0]) if leaves[0].name else "the leaf's gradient"
        gradient = _lines_of(leaves[0])
        return f"{of} {'has' if gradient.startswith('norm') else '='} {gradient}"
    now, always = _chains(leaves, tied=False), _chains(leaves, tied=True)
    if not now:
        if one_by_one := _one_by_one(result, leaves):
            return one_by_one
        kind = "parameter" if called == "parameters" else "leaf"
        return f"{'both' if len(leaves) == 2 else f'all {len(leaves)}'} {kind} gradients differ"
    stay = f"gradients that stay equal: {', '.join(always)}"
    also = ", ".join(chain for chain in now if chain not in always)
    listing = (f"{stay}; now also {also}" if also else stay) if always else f"equal gradients: {also}"
    return listing if len(listing) <= TITLE else _counts(leaves, called, bool(always), bool(also))


def _chains(leaves: Sequence[DiagramNode], *, tied: bool) -> list[str]:
    """Equations such as a = b = -c of the gradients that are equal or opposite now; tied: that stay so."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for leaf in leaves:
        if leaf.group is not None and (leaf.tie or not tied):
            sign = MINUS if leaf.group.startswith(MINUS) else ""
            found[base(leaf.group), leaf.tie * tied].append((sign, format.cut(format.visible(label(leaf)))))
    chains = []
    for (letter, _), sides in found.items():
        first = sides[0][0]
        names = [name if sign == first else f"{MINUS}{name}" for sign, name in sides]
        chains += [" = ".join([*names, *(["0"] if letter == ZERO else [])])] if len(names) > 1 else []
    return chains


def _counts(leaves: Sequence[DiagramNode], called: str, stay: bool, also: bool) -> str:
    """How many different gradients the leaves have now, and how many always."""
    now = len({leaf.group or leaf.id for leaf in leaves})
    always = len({(leaf.group, leaf.tie) if leaf.tie else leaf.id for leaf in leaves})
    if stay and also:
        return f"{len(leaves)} {called} share {now} gradients now, {always} always"
    return f"{len(leaves)} {called} {'always share' if stay else 'share'} {now} gradients"


def _one_by_one(result: str, leaves: Sequence[DiagramNode]) -> str:
    """The gradients of a few named numbers, one by one; "" if there is no room or two have one name."""
    if len(leaves) > FEW or not all(leaf.name and leaf.gradient and leaf.gradient.exact for leaf in leaves):
        return ""
    parts = {_derivative(result, leaf): f"{_derivative(result, leaf)} = {_lines_of(leaf)}" for leaf in leaves}
    listing = ", ".join(parts.values())
    return listing if len(listing) <= TITLE and len(parts) == len(leaves) else ""


def _derivative(result: str, leaf: DiagramNode) -> str:
    """The gradient of a leaf as a symbol: dy/dw; names of several words are in brackets."""
    name = format.cut(format.visible(leaf.name))
    return "/".join(f"d({x})" if " " in x and x[0] != "(" else f"d{x}" for x in (result, name))


def _lines_of(node: DiagramNode) -> str:
    return " ".join(node.gradient.lines) if node.gradient else ""


def notes(
    nodes: Sequence[DiagramNode], edges: Sequence[Edge], groups: Sequence[Group], unproved: str
) -> tuple[str, ...]:
    """How to read the picture, and when gradients count as equal. The legend has the marks and the arrows."""
    boxes = f"{BOXES} {ARROWS}" if edges else BOXES
    types = {node.dtype for node in nodes if node.gradient is not None}
    if not groups:
        return boxes, f"No two gradients are equal ({tolerances(types)})."
    tied = any(tie for group in groups for tie in group.ties)
    proof = f"no proof ({unproved})" if unproved else "proofs hold under gradient descent" if tied else ""
    return boxes, letters_note(types, proof)


def letters_note(types: Collection[str], proof: str) -> str:
    """What a letter means. types: of the gradients. proof: where a proof holds, or why there is none."""
    return f"{SAME_LETTER} equal gradients ({tolerances(types)}){f'; {proof}' if proof else ''}."


def heat_maps(nodes: Sequence[DiagramNode]) -> tuple[str, ...]:
    """How to read the heat maps; () if there are none."""
    shown = [node for node in nodes if node.value and node.value.thumbnail]
    if not shown:
        return ()
    text = "Below a heat map, its scale with the numbers of both ends; left the value, right the gradient"
    text += "; a square is the mean of a block" if any(_is_averaged(node) for node in shown) else ""
    text += "; the last axis runs across" if any(len(node.shape) > 2 for node in shown) else ""
    return (f"{text}.",)


def _is_averaged(node: DiagramNode) -> bool:
    """Whether the heat map of a node has fewer squares than the array has numbers."""
    thumbnail = node.value.thumbnail if node.value else ()
    return sum(map(len, thumbnail)) < math.prod(node.shape)


def tolerances(types: Collection[str]) -> str:
    """How far apart equal gradients of these types may be."""
    single = [name for name in ("float32", "float16") if name in types]
    if single and set(types) <= {"float32", "float16"}:
        return f"relative tolerance {TOLERANCE_SINGLE:g}, as they are {' and '.join(single)}"
    more = f", {' and '.join(single)} {TOLERANCE_SINGLE:g}" if single else ""
    return f"relative tolerance {TOLERANCE:g}{more}"


def alt_text(diagram: Diagram, answer: str = "") -> str:
    """The picture in a paragraph, for readers who cannot see it: no word about colours, frames and widths.

    answer: sentences that follow the title.
    """
    if any(node.rows for node in diagram.nodes):
        groups = (_sentence(tie, card_text.first_names(tie.names)) for tie in Marks(diagram.groups).ties())
        cards = card_text.paragraph(diagram.nodes, diagram.edges)
        return " ".join(
            [f"{diagram.title.rstrip('.')}.", *filter(None, [answer]), *cards, *groups, *diagram.hidden]
        )
    nodes = {node.id: node for node in diagram.nodes}
    size = f"A graph of {len(nodes)} values and {len(diagram.edges)} uses."
    if any(cluster.times > 1 for cluster in diagram.clusters):
        values = sum(node.count for node in diagram.nodes)
        size = f"A graph of {values} values in {len(nodes)} boxes with {len(diagram.edges)} arrows."
    sentences = [f"{diagram.title}.", *filter(None, [answer]), size]
    parameters = [node for node in diagram.nodes if node.kind == "parameter"]
    sentences.append(_leaves(parameters))
    largest = card_text.largest_of(parameters, _size)
    if largest is not None and _size(largest):
        sentences.append(f"The largest gradient of a leaf is that of {label(largest)}: {_lines_of(largest)}.")
    for badge in ("nan", "inf", "dead", "frozen", "wrong rule"):
        if found := [label(node) for node in diagram.nodes if badge in node.badges]:
            sentences.append(f"{badge}: {', '.join(found)}.")
    for tie in Marks(diagram.groups).ties():
        names = [label(nodes[m]) if m in nodes else name for m, name in zip(tie.members, tie.names, strict=True)]
        sentences.append(_sentence(tie, card_text.first_names([name for name in names if name])))
    return " ".join([*sentences, *diagram.hidden])


def _sentence(tie: Tie, names: str) -> str:
    return f"{tie.mark.words}, gradient {tie.group.gradient}: {names}."


def _leaves(leaves: Sequence[DiagramNode]) -> str:
    if any(leaf.count > 1 for leaf in leaves):
        boxes = f"{len(leaves)} box{'es' * (len(leaves) > 1)}"
        return f"{sum(leaf.count for leaf in leaves)} leaves in {boxes}."
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
