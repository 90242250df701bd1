"""Snapshots of one picture during training: which ties break between two of them, and the parameters as a chart.

This module compares snapshots; outputs draw them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ...errors import ArgumentError
from ..diagram import ZERO, CardRow, Diagram, DiagramNode, Group
from ..format import cut, number_text, visible
from ..theme import LIGHT
from .dot import styles
from .svg import xml

LINES = 60  # of the chart
WIDTH, HEIGHT, EDGE = 1000, 60, 4  # size of the chart, in its own units


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A diagram, and the training step it was made at ("" without training)."""

    diagram: Diagram
    step: str = ""


def with_open_cards(drawn: Sequence[Sequence[Diagram]]) -> list[tuple[Diagram, ...]]:
    """Diagrams of several steps, each in some views, the drawn one first: cards without stacks if one has a stack.

    A stack falls apart where its tie breaks. Without stacks the cards are the same at each step.
    """
    bare = [[d for d in views if not any(node.bundle for node in d.nodes)] for views in drawn]
    if not all(views and views[0].view == "cards" for views in drawn) or list(map(list, drawn)) == bare:
        return list(map(tuple, drawn))
    found = []
    for whole, views in zip(drawn, bare, strict=True):
        shown = next((d for d in views if d.view in ("neurons", "cards")), None)
        if shown is None:  # its cards cannot be opened
            return list(map(tuple, drawn))
        others = (d for d in whole if d.view not in ("neurons", "cards"))
        found.append((replace(shown, view="neurons"), *others))
    return found


def timeline(now: Diagram, earlier: Mapping[str, Sequence[Diagram]]) -> list[Snapshot]:
    """The snapshots of one view: the diagram of each step, then the present one.

    Raises ArgumentError if a step shows other values: the viewer could not follow them from step to step. Only a
    quotient may differ: it grows when a tie breaks.
    """
    found = []
    for step, diagrams in earlier.items():
        same = [diagram for diagram in diagrams if diagram.view == now.view]
        if not same:
            return [Snapshot(now)]
        if now.view != "quotient" and _ids(same[0]) != _ids(now):
            raise ArgumentError(
                f"the drawing of step {step} in history shows other values than this one\n"
                f"  expected the same structure: {len(now.nodes)} values, got {len(same[0].nodes)}\n"
                "  draw the same loss of the same model at each step; where ties break, with  view='neurons'"
            )
        found.append(Snapshot(same[0], step))
    if found and found[-1].diagram == now:
        return found
    return [*found, Snapshot(now, "now" if found else "")]


def _ids(diagram: Diagram) -> list[str]:
    """The nodes of a diagram in any order: neurons that stay equal stand together, until their tie breaks."""
    return sorted(node.id for node in diagram.nodes)


def captions(snapshots: Sequence[Snapshot]) -> list[str]:
    """For each snapshot its step and the ties that break there, or else the step where the first tie breaks."""
    broken = ["", *(broken_ties(one.diagram, other.diagram) for one, other in pairwise(snapshots))]
    first = next((place for place, text in enumerate(broken) if text), len(broken))
    when = step_in_words(snapshots[first].step) if first < len(broken) else ""
    found = []
    for place, (snapshot, text) in enumerate(zip(snapshots, broken, strict=True)):
        otherwise = f"a tie {'breaks' if place < first else 'broke'} at {when}" if when else "no tie breaks"
        found.append(f"{step_in_words(snapshot.step)} · {_loss_in_words(snapshot.diagram)}{text or otherwise}")
    return found


def _loss_in_words(diagram: Diagram) -> str:
    loss = loss_of(diagram)
    return f"loss {number_text(loss)} · " if math.isfinite(loss) else ""


def loss_of(diagram: Diagram) -> float:
    """The number that is drawn; nan if it is not one number."""
    result = next((node for node in diagram.nodes if node.kind == "result"), None)
    last = next((row.value for row in result.rows[::-1] if row.kind == "op"), result.value) if result else None
    return float(last.exact) if last and last.exact else math.nan


def breaking(snapshots: Sequence[Snapshot]) -> list[int]:
    """The places of the snapshots at which a tie has broken since the one before."""
    both = enumerate(pairwise(snapshots), start=1)
    return [place for place, (one, other) in both if broken_ties(one.diagram, other.diagram)]


def step_in_words(label: str) -> str:
    """A step in words."""
    return f"step {label}" if label.isdecimal() else label


def broken_ties(before: Diagram, now: Diagram) -> str:
    """A line about the parameters that are no longer tied; "" if there are none."""
    parameters, ties, later = _parameters(before), _ties(before), _ties(now)
    if not ties:  # without a proof: gradients that are equal now
        ties, later = _letters(before), _letters(now)
    sets: dict[str, list[str]] = {}
    for key in parameters:
        if key in ties:
            sets.setdefault(ties[key], []).append(key)
    found = []
    for tie, members in sets.items():
        parts: dict[str, list[str]] = {}
        for key in members:
            parts.setdefault(later.get(key, key), []).append(cut(visible(parameters[key].name)) or key)
        if len(parts) > 1:
            found.append(f"{tie.split()[0]} breaks: {' | '.join(', '.join(names) for names in parts.values())}")
    return "; ".join(found)


def _ties(diagram: Diagram) -> dict[str, str]:
    """The proved ties of the parameters. Gradients that are equal by chance have none."""
    letters = _letters(diagram)
    ties = {key: getattr(one, "tie", "") for key, one in _parameters(diagram).items() if key in letters}
    return {key: f"{letters[key]} {tie}" for key, tie in ties.items() if tie}


def _letters(diagram: Diagram) -> dict[str, str]:
    return {key: group.letter for group in diagram.groups if group.letter != ZERO for key in group.members}


def chart(snapshots: Sequence[Snapshot]) -> str:
    """A chart of the parameters over the snapshots as SVG, in light colours; the lines of tied ones coincide.

    The loss is a thicker line on a scale of its own. A dashed line stands where a tie breaks.
    """
    first = snapshots[0].diagram
    tracks = dict(list(_tracks(snapshots).items())[:LINES])
    numbers = [y for track in tracks.values() for y in track if math.isfinite(y)]
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">']
    for place in breaking(snapshots):
        x = _across(place, len(snapshots))
        parts.append(
            f'<line x1="{x}" x2="{x}" y1="0" y2="{HEIGHT}" stroke="{LIGHT.warning}" stroke-dasharray="3 3"/>'
        )
    colours = _lines(first.groups)
    names = {key: one.name or key for key, one in _parameters(first).items()}
    for key, track in tracks.items():
        points = " ".join(_points(track, low, high))
        colour = colours.get(key, LIGHT.muted)
        parts.append(f'<polyline points="{points}" stroke="{colour}"><title>{xml(names[key])}</title></polyline>')
    losses = [loss_of(snapshot.diagram) for snapshot in snapshots]
    if finite := [loss for loss in losses if math.isfinite(loss)]:
        points = " ".join(_points(losses, min(finite), max(finite)))
        words = f"loss: {number_text(finite[0])} .. {number_text(finite[-1])}, on a scale of its own"
        parts.append(
            f'<polyline class="loss" points="{points}" stroke="{LIGHT.ink}"><title>{words}</title></polyline>'
        )
    return "".join([*parts, "</svg>"])


def _lines(groups: Sequence[Group]) -> dict[str, str]:
    looks = styles(groups, LIGHT)
    return {member: looks[group.letter].chip_line for group in groups for member in group.members}


def _tracks(snapshots: Sequence[Snapshot]) -> dict[str, list[float]]:
    """The value of each parameter that is one number, by snapshot."""
    each = [_parameters(snapshot.diagram) for snapshot in snapshots]
    single = [key for key, one in each[0].items() if one.value and one.value.exact]
    return {key: [_number(found.get(key)) for found in each] for key in single}


def _number(one: DiagramNode | CardRow | None) -> float:
    return float(one.value.exact) if one and one.value and one.value.exact else math.nan


def _points(track: Sequence[float], low: float, high: float) -> Iterator[str]:
    scale = (HEIGHT - 2 * EDGE) / (high - low or 1.0)
    for place, y in enumerate(track):
        if math.isfinite(y):
            yield f"{_across(place, len(track))},{HEIGHT - EDGE - (y - low) * scale:.2f}"


def _across(place: int, count: int) -> str:
    return f"{place * WIDTH / max(count - 1, 1):.2f}"


def _parameters(diagram: Diagram) -> Mapping[str, DiagramNode | CardRow]:
    """The parameters of a diagram, nodes and rows of cards, by the keys that groups use."""
    found: dict[str, DiagramNode | CardRow] = {node.id: node for node in diagram.nodes if node.kind == "parameter"}
    found |= {
        f"{node.id}:{row.port}": row for node in diagram.nodes for row in node.rows if row.kind == "parameter"
    }
    return found
