"""The legend: a sample of each sign that occurs in a picture, with a few words, and of no other.

Signs are the frames of marks, lines of arrows, badges and heat maps. An output draws the sample or names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .diagram import MINUS, ZERO, CardRow, Diagram, DiagramNode
from .marks import LetterMark, Marks, base

BADGES = {
    "dead": "lets no gradient through, for any sample",
    "frozen": "never moves",
    "wrong rule": "made by an op with a wrong rule",
}
LINES = {
    "wide": "size of the gradient, {} pt per factor of 10",
    "path": "on the path of a tie",
    "dotted": "gradient 0",
    "dashed": "no gradient needed",
}
WIDEST = 4.0  # points: the arrow of the largest gradient
HEAT = "from negative (-) through 0 to positive"


@dataclass(frozen=True, slots=True)
class Sample:
    """kind: "mark", "badge", "line" or "heat". sign: which one, in words. words: its meaning. mark: of a mark."""

    kind: str
    sign: str
    words: str
    mark: LetterMark | None = None

    @property
    def sentence(self) -> str:
        """The sample in words, for outputs that draw none."""
        return f"{self.sign}: {self.words}"


def samples(diagram: Diagram) -> list[Sample]:
    """The samples of a picture: marks, arrows, badges, heat maps."""
    return [*_marks(diagram), *_lines(diagram), *_badges(diagram), *_heat(diagram)]


def _marks(diagram: Diagram) -> Iterator[Sample]:
    """One mark of each kind, the first that occurs."""
    kinds: dict[str, tuple[str, LetterMark]] = {}
    for tie in Marks(diagram.groups).ties():
        sign, words = _kind(tie.mark, tie.group.apart)
        kinds.setdefault(words, (sign, tie.mark))
    for words, (sign, mark) in sorted(kinds.items(), key=lambda one: ORDER.index(one[0])):
        yield Sample("mark", sign, words.format(base(mark.letter)), mark)


STAYS, NOW, OPPOSITE, PASSED, STAYS_0, ZERO_NOW = ORDER = (
    "stays equal (proved)",
    "equal now",
    "minus {}",
    "one gradient, passed on unchanged",
    "stays 0",
    "0 now",
)


def _kind(mark: LetterMark, apart: bool) -> tuple[str, str]:
    """The sign of a mark in words, and its meaning."""
    frame = "solid frame" if mark.proved else "dashed frame"
    if mark.letter == ZERO:
        return f"0 in a {frame}", STAYS_0 if mark.proved else ZERO_NOW
    if mark.letter.startswith(MINUS):
        return mark.letter, OPPOSITE
    if not apart:
        return f"letter {mark.letter}", PASSED
    return frame, STAYS if mark.proved else NOW


def _lines(diagram: Diagram) -> Iterator[Sample]:
    edges, coloured = diagram.edges, {group.letter for group in diagram.groups if group.apart}
    found = {
        "wide": len({edge.width for edge in edges if edge.flow}) > 1,
        "path": any(edge.group in coloured for edge in edges),
        "dotted": any(edge.flow == 0 for edge in edges),
        "dashed": any(edge.flow is None for edge in edges) and any(node.gradient for node in _bearers(diagram)),
    }
    names = {"wide": "wide arrow", "path": "lettered arrow", "dotted": "dotted arrow", "dashed": "dashed arrow"}
    share = max((edge.width for edge in edges), default=WIDEST) / WIDEST  # thinner where there are very many
    words = LINES | {"wide": LINES["wide"].format(f"{share:.2g}")}
    yield from (Sample("line", names[kind], words[kind]) for kind, occurs in found.items() if occurs)


def _bearers(diagram: Diagram) -> Iterator[DiagramNode | CardRow]:
    yield from diagram.nodes
    yield from (row for node in diagram.nodes for row in node.rows)


def _badges(diagram: Diagram) -> Iterator[Sample]:
    worn = {badge for one in _bearers(diagram) for badge in one.badges}
    for badge, words in BADGES.items():
        if any(one == badge or one.endswith(f" {badge}") for one in worn):  # as in "1 of 36 dead"
            yield Sample("badge", badge, words)


def _heat(diagram: Diagram) -> Iterator[Sample]:
    if any(node.value and node.value.thumbnail for node in diagram.nodes):
        yield Sample("heat", "heat map", HEAT)
