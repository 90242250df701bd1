"""The mark of a value: its letter, and the tie it is in. Every output writes the same mark for the same value.

Values of one letter have equal gradients now. Some of them may be proved to keep equal gradients: these are in one
tie. A letter with several ties numbers them, A₁ and A₂. The mark -A is that of gradients that are minus those of A;
-A₁ and A₁ are proved to stay opposite. A mark is proved if its value is in a tie: pictures then frame it with a
solid line, texts with square brackets, [A₁]; else with a dashed line and round ones, (A).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .diagram import MINUS, ZERO, Group

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True, slots=True)
class LetterMark:
    """text: such as A, A₁, -A or 0. proved: whether what `evidence` says of its gradients is proved."""

    letter: str
    tie: str
    text: str
    evidence: str

    @property
    def proved(self) -> bool:
        """Whether the value is in a tie, so that its mark has a solid frame."""
        return bool(self.tie)

    @property
    def framed(self) -> str:
        """The mark in a text: [A₁] if it is proved, (A) if it is observed now."""
        return f"[{self.text}]" if self.proved else f"({self.text})"

    @property
    def words(self) -> str:
        """The mark and what is known of the gradients that have it."""
        return self.evidence if self.letter == ZERO else f"{self.text}, {self.evidence}"


@dataclass(frozen=True, slots=True)
class Tie:
    """The members of a group that have the same mark, with their names ("" without one)."""

    mark: LetterMark
    group: Group
    members: tuple[str, ...]
    names: tuple[str, ...]


class Marks:
    """The marks of a picture, by letter and tie."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = {group.letter: group for group in groups}
        self.numbered = numbered_letters(groups)

    def of(self, letter: str | None, tie: str = "") -> LetterMark | None:
        """The mark of a value with this letter and tie; None without a letter."""
        if not letter:
            return None
        number = tie.translate(SUBSCRIPTS) if base(letter) in self.numbered else ""
        return LetterMark(letter, tie, f"{letter}{number}", self._evidence(letter, tie, number))

    def ties(self) -> Iterator[Tie]:
        """The members of every mark: letter by letter, first its ties, then the members without a proof."""
        for group in self.groups.values():
            for tie in sorted(dict.fromkeys(group.ties), key=lambda tie: (not tie, len(tie), tie)):
                mark = self.of(group.letter, tie)
                mine = [k for k, other in enumerate(group.ties) if other == tie]
                if mark is not None:
                    members = tuple(group.members[k] for k in mine)
                    yield Tie(mark, group, members, tuple(group.names[k] for k in mine))

    def by_member(self) -> dict[str, LetterMark]:
        """The mark of every member of a group."""
        return {member: tie.mark for tie in self.ties() for member in tie.members}

    def _evidence(self, letter: str, tie: str, number: str) -> str:
        """What is known of the gradients with a mark."""
        if letter == ZERO:
            return "proved to stay 0" if tie else "0 now"
        if letter.startswith(MINUS):
            plus = self.groups.get(base(letter))
            if tie and plus is not None and tie in plus.ties:
                return f"proved to stay opposite to {plus.letter}{number}"
            return "proved to stay equal" if tie else f"opposite to {base(letter)} now"
        if tie:
            minus = self.groups.get(f"{MINUS}{letter}")
            alone = self.groups[letter].ties.count(tie) == 1 and minus is not None
            return f"proved to stay opposite to {MINUS}{letter}{number}" if alone else "proved to stay equal"
        group = self.groups.get(letter)
        if group is not None and len(group.members) == 1:
            return f"opposite to {MINUS}{letter} now"
        return "equal now" if group is None or group.apart else "one gradient, passed on"


def numbered_letters(groups: Sequence[Group]) -> set[str]:
    """The letters, without a sign, whose marks have numbers: those with several ties."""
    ties: dict[str, set[str]] = {}
    for group in groups:
        ties.setdefault(base(group.letter), set()).update(set(group.ties) - {""})
    shown = {base(group.letter) for group in groups if group.numbered}
    return ({letter for letter, known in ties.items() if len(known) > 1} | shown) - {ZERO}


def base(letter: str) -> str:
    """The letter without its sign."""
    return letter.removeprefix(MINUS)


def number_ties(claims: Iterable[Hashable | None]) -> tuple[str, ...]:
    """The tie of each member of a letter: "1", "2", ... for members with equal claims, "" for one that is alone.

    A claim says what is proved of a member; None: nothing.
    """
    every = list(claims)
    bearers = Counter(every)
    tied = [claim for claim in dict.fromkeys(every) if claim is not None and bearers[claim] > 1]
    number = {claim: str(place) for place, claim in enumerate(tied, start=1)}
    return tuple("" if claim is None else number.get(claim, "") for claim in every)
