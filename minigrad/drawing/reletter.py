"""Other letters for the groups of a diagram: those that another view gave to the same values, or a better order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .diagram import MINUS, ZERO, CardRow, Diagram, DiagramNode, Edge, Group
from .marks import base, numbered_letters
from .theme import letter


@dataclass(frozen=True, slots=True)
class NewLetter:
    """The new letter of a group and its opposite; whether the two exchange their signs; new ties by the old."""

    letter: str
    flipped: bool
    ties: Mapping[str, str]

    def of(self, old: str) -> str:
        """The new letter, with its sign."""
        return f"{MINUS}{self.letter}" if old.startswith(MINUS) != self.flipped else self.letter


def with_marks_of(made: Diagram, other: Sequence[Group]) -> Diagram:
    """The diagram with the marks that another view gave to values of the same names; others get later letters."""
    known = {
        name: (group.letter, tie)
        for group in other
        for name, tie in zip(group.names, group.ties, strict=True)
        if name and group.letter != ZERO
    }
    taken = {base(mark) for mark, _ in known.values()}
    free = (name for name in map(letter, range(len(taken) + len(made.groups))) if name not in taken)
    found: dict[str, NewLetter] = {}
    for old, members in _members(made.groups).items():
        marks = [(mine, tie, *known[name]) for mine, tie, name in members if name in known]
        if marks and not any(new.letter == base(marks[0][2]) for new in found.values()):
            mine, _, theirs, _ = marks[0]
            flipped = mine.startswith(MINUS) != theirs.startswith(MINUS)
            pairs = {tie: new for _, tie, _, new in marks if tie and new}
            found[old] = NewLetter(base(theirs), flipped, _complete(pairs, [tie for _, tie, _ in members]))
        else:
            found[old] = NewLetter(next(free), False, _complete({}, [tie for _, tie, _ in members]))
    made, numbered = _relettered(made, found), numbered_letters(other)
    return replace(made, groups=tuple(replace(g, numbered=base(g.letter) in numbered) for g in made.groups))


def with_separate_groups_first(made: Diagram) -> Diagram:
    """The diagram with letters in the order of its groups, but those of gradients that are passed on come last."""
    apart = {base(group.letter): group.apart for group in made.groups if group.letter != ZERO}
    order = sorted(apart, key=lambda name: not apart[name])
    members = _members(made.groups)
    ties = {name: {tie: tie for _, tie, _ in members[name]} for name in order}
    return _relettered(made, {old: NewLetter(letter(k), False, ties[old]) for k, old in enumerate(order)})


def _members(groups: Sequence[Group]) -> dict[str, list[tuple[str, str, str]]]:
    """For each letter but 0 without its sign: the letter, the tie and the name of each member."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for group in groups:
        if group.letter != ZERO:
            mine = found.setdefault(base(group.letter), [])
            mine += [(group.letter, tie, name) for tie, name in zip(group.ties, group.names, strict=True)]
    return found


def _complete(pairs: Mapping[str, str], ties: Sequence[str]) -> dict[str, str]:
    """The new tie of every old one: the given ones, then numbers that are free. Two ties never become one."""
    found: dict[str, str] = {}
    for tie in dict.fromkeys(ties):
        if tie and pairs.get(tie, "") not in ("", *found.values()):
            found[tie] = pairs[tie]
    free = (str(k) for k in range(1, 2 * len(ties) + 2) if str(k) not in {*found.values(), *pairs.values()})
    return {"": ""} | {tie: found[tie] if tie in found else next(free) for tie in dict.fromkeys(ties) if tie}


def _relettered(made: Diagram, new: Mapping[str, NewLetter]) -> Diagram:
    def mark(old: str | None, tie: str = "") -> tuple[str | None, str]:
        found = new.get(base(old or ""))
        return (old, tie) if found is None or old is None else (found.of(old), found.ties.get(tie, tie))

    def row(one: CardRow) -> CardRow:
        group, tie = mark(one.group, one.tie)
        return replace(one, group=group, tie=tie)

    def node(one: DiagramNode) -> DiagramNode:
        group, tie = mark(one.group, one.tie)
        cells = tuple(tuple(mark(x)[0] or "" for x in line) for line in one.cell_groups)
        return replace(one, group=group, tie=tie, cell_groups=cells, rows=tuple(map(row, one.rows)))

    def edge(one: Edge) -> Edge:
        group, tie = mark(one.group, one.tie)
        return replace(one, group=group, tie=tie)

    def group(one: Group) -> Group:
        ties = tuple(mark(one.letter, tie)[1] for tie in one.ties)
        return replace(one, letter=mark(one.letter)[0] or one.letter, ties=ties)

    return replace(
        made,
        nodes=tuple(map(node, made.nodes)),
        edges=tuple(map(edge, made.edges)),
        groups=tuple(_in_order(map(group, made.groups))),
    )


def _in_order(groups: Iterator[Group]) -> list[Group]:
    """The groups in the order of their letters, A before -A, 0 last."""

    def key(group: Group) -> tuple[bool, int, str, bool]:
        name = base(group.letter)
        return group.letter == ZERO, len(name), name, group.letter.startswith(MINUS)

    return sorted(groups, key=key)
