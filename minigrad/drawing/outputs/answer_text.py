"""The answer of a picture in sentences: which neurons or parameters are one, and why, or which two to compare.

A sentence says only what the picture shows; the viewer writes it beside the picture, and lights up its subject.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypedDict

from ..card_text import first_names
from ..diagram import ZERO, CardRow, Diagram, DiagramNode, Edge, Group
from ..format import cut, visible
from .viewer_text import full, item_names

LISTED = 6  # sentences; the legend has the rest
FACTORS = "every factor on their paths is equal"
NONE: Mapping[str, list[str]] = MappingProxyType({})


class AnswerLine(TypedDict):
    """A sentence, and the keys of what it is about; no words: the viewer compares two items itself.

    pair: the keys of two items to compare; those of two neurons of a stack are in the picture that it opens.
    """

    words: str
    keys: list[str]
    pair: list[str]


def answers(diagram: Diagram, names: Mapping[str, str]) -> list[AnswerLine]:
    """The sentences of the first screen. names: of `item_names`."""
    out: dict[str, list[Edge]] = {}
    for edge in diagram.edges:
        out.setdefault(edge.tail, []).append(edge)
    layers = _hidden_layers(diagram)
    stacks = {node.id: list(node.bundle) for node in diagram.nodes if node.bundle}
    found = [_said(*one, stacks) for cards in layers.values() for one in _about_a_layer(cards, out)]
    if not found:
        order = {node.id: number for number, node in enumerate(diagram.nodes)}
        told = [*_about_clusters(diagram), *sorted(_about_leaves(diagram, names), key=lambda one: order[one[1][0]])]
        found = [_said(*one) for one in told]
    return found[:LISTED] or [_said(f"{diagram.title}.", [])]


def spoken_answers(diagram: Diagram) -> str:
    """The sentences in a line, for readers who cannot see the picture; "" if the title says it all."""
    nodes = {node.id: node for node in diagram.nodes}
    told = [one for one in answers(diagram, item_names(diagram)) if one["keys"]]
    return " ".join(one["words"] or _pair(diagram, [nodes[key] for key in one["keys"]]) for one in told)


def _pair(diagram: Diagram, pair: Sequence[DiagramNode]) -> str:
    """Two items that the viewer compares: neurons with the first weight that differs, or parameters."""
    if not pair[0].rows:
        both = _and([cut(visible(node.name or node.kind)) for node in pair])
        same = pair[0].group is not None and pair[0].group == pair[1].group
        return f"{both} {_keep(pair[0].tie) if same else 'have different gradients'}."
    rows = {(node.id, row.port): row.name for node in diagram.nodes for row in node.rows}
    out = [[edge for edge in diagram.edges if edge.tail == node.id] for node in pair]
    uses = ((a, b) for a, b in zip(*out, strict=False) if a.derivative != b.derivative)
    weights = [f"{rows.get((e.head, e.head_port), '')} is {e.derivative}" for e in next(uses, ())]
    return f"{_neurons(pair, [])} not one{': ' * bool(weights)}{', '.join(weights)}."


def _keep(tie: str) -> str:
    return "keep one gradient (proved)" if tie else "have one gradient now; no proof that they keep it"


def _said(words: str, keys: Sequence[str], stacks: Mapping[str, list[str]] = NONE) -> AnswerLine:
    pair = keys if len(keys) > 1 else [neuron for key in keys for neuron in stacks.get(key, [])]
    return {"words": words, "keys": list(keys), "pair": list(pair[:2])}


def _hidden_layers(diagram: Diagram) -> dict[str, list[DiagramNode]]:
    """The cards of neurons by layer, without those of the last: what enters the loss tells outputs apart."""
    outputs = {edge.tail for edge in diagram.edges for node in diagram.nodes[-1:] if edge.head == node.id}
    found: dict[str, list[DiagramNode]] = {}
    for node in diagram.nodes:
        if node.kind == "card" and node.id not in outputs:
            found.setdefault(_layer(node), []).append(node)
    return found


def _layer(card: DiagramNode) -> str:
    return card.name.partition(" · ")[0]


def _about_a_layer(
    cards: Sequence[DiagramNode], out: Mapping[str, Sequence[Edge]]
) -> Iterator[tuple[str, list[str]]]:
    """Its neurons that are one, those without a gradient, and two that differ."""
    classes: dict[tuple[str, str], list[DiagramNode]] = {}
    for card in cards:
        group, tie = _mark(card)
        classes.setdefault((group, tie) if group else (card.id, ""), []).append(card)
    for (group, tie), members in classes.items():
        count = sum(card.times for card in members)
        if group == ZERO:
            when = ", now and after every step (proved)" if tie else " now"
            yield f"{_neurons(members, cards)} without a gradient{when}.", _ids(members)
        elif count > 1:
            yield _one(members, cards, count, tie, out), _ids(members)
    apart = [members[0].id for (group, _), members in classes.items() if group != ZERO]
    if len(apart) > 1:
        yield "", apart[:2]


def _one(
    cards: Sequence[DiagramNode],
    layer: Sequence[DiagramNode],
    count: int,
    tie: str,
    out: Mapping[str, Sequence[Edge]],
) -> str:
    if len(cards) == 1 and not cards[0].bundle:
        return f"{visible(cards[0].name)} stands for {count} neurons that are one (proved)."
    why = f": {FACTORS}" if len({_numbers(card, out) for card in cards}) == 1 else ""
    what = f"one{why} (proved)" if tie else f"equal now{why}; no proof that they stay so"
    return f"{_neurons(cards, layer)} {what}."


def _neurons(cards: Sequence[DiagramNode], layer: Sequence[DiagramNode]) -> str:
    """ "Neurons 0 and 1 of layer 1 are", "All 4 neurons of layer 2 are"."""
    where = visible(_layer(cards[0]))
    numbers = [number for card in cards for number in _of_card(card)]
    if len(numbers) == sum(len(_of_card(card)) for card in layer) > 2:
        return f"All {len(numbers)} neurons of {where} are"
    return f"Neurons {_and(numbers)} of {where} are" if len(numbers) > 1 else f"Neuron {numbers[0]} of {where} is"


def _of_card(card: DiagramNode) -> list[str]:
    """The numbers of the neurons of a card: of all in a bundle."""
    return [one.rpartition("n")[2] for one in card.bundle] or [visible(card.name.rpartition(" ")[2])]


def _and(words: Sequence[str]) -> str:
    if len(words) < 2 or len(words) > LISTED:
        return first_names(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _ids(cards: Sequence[DiagramNode]) -> list[str]:
    return [card.id for card in cards]


def _mark(card: DiagramNode) -> tuple[str, str]:
    """Letter and tie of a neuron: those of its output, or of its sum if no gradient gets there."""
    results = [row for row in card.rows if row.kind == "op"]
    row = next((row for row in results if row.group == ZERO), results[-1] if results else None)
    return (row.group or "", row.tie) if row else ("", "")


def _numbers(card: DiagramNode, out: Mapping[str, Sequence[Edge]]) -> tuple[object, ...]:
    """Every number of a neuron and of the arrows out of it, to ten digits: the factors of its paths."""
    rows = sorted((row.kind, _rounded(row)) for row in card.rows)
    return (*rows, *sorted(_digits(edge.exact or edge.derivative) for edge in out.get(card.id, ())))


def _rounded(row: CardRow) -> tuple[str, str]:
    return _digits(full(row.value)), _digits(full(row.gradient))


def _digits(text: str) -> str:
    try:
        return f"{float(text):.9e}"
    except ValueError:
        return text


def _about_clusters(diagram: Diagram) -> Iterator[tuple[str, list[str]]]:
    """Where each neuron is a box around its nodes: those of a layer whose outputs are proved to stay equal."""
    outputs = {node.cluster: node for node in diagram.nodes if node.cluster is not None}  # the last of each
    ties: dict[tuple[int, str, str], list[tuple[str, DiagramNode]]] = {}
    for number, cluster in enumerate(diagram.clusters):
        output = outputs.get(number)
        if cluster.kind == "neuron" and cluster.parent is not None and output and output.group and output.tie:
            ties.setdefault((cluster.parent, output.group, output.tie), []).append((cluster.name, output))
    for (parent, *_), members in ties.items():
        if len(members) > 1:
            numbers = [visible(name.rpartition(" ")[2]) for name, _ in members]
            layer = visible(diagram.clusters[parent].name)
            yield f"Neurons {_and(numbers)} of {layer} are one (proved).", [output.id for _, output in members]


def _about_leaves(diagram: Diagram, names: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Parameters with one gradient; if there are none, two that differ."""
    leaves = {node.id: node for node in diagram.nodes if node.kind == "parameter" and node.gradient}
    found = False
    for group in diagram.groups:
        members = [member for member in group.members if member.partition(":")[0] in leaves]
        if group.letter == ZERO or len(members) < 2:
            continue
        found = True
        for tie, tied in _by_tie(group, members).items():
            if len(tied) == 2 and not any(":" in member for member in tied):
                yield "", tied
            elif len(tied) > 1:
                members = [_leaf(member, names, leaves) for member in tied]
                yield f"{_and(members)} {_keep(tie)}.", list(dict.fromkeys(map(_id, tied)))
    if len(leaves) > 1 and not found:
        yield "", list(leaves)[:2]


def _by_tie(group: Group, members: Sequence[str]) -> dict[str, list[str]]:
    tie = dict(zip(group.members, group.ties, strict=True))
    found: dict[str, list[str]] = {}
    for member in members:
        found.setdefault(tie[member], []).append(member)
    return found


def _id(member: str) -> str:
    return member.partition(":")[0]


def _leaf(member: str, names: Mapping[str, str], leaves: Mapping[str, DiagramNode]) -> str:
    """The name of a parameter, or of an entry of one: of a row of cells the column alone."""
    id, _, place = member.partition(":")
    index = ",".join(place.split(",")[-len(leaves[id].shape) :])
    return names[id] + f"[{index}]" * bool(place)
