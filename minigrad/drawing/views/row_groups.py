"""The letters of cards: rows with equal gradients share one; those that stay equal share a tie, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...symmetry.clustering import equal_groups, is_zero
from .. import format
from ..diagram import ZERO, Group
from ..equal_groups import opposites
from ..theme import letter


@dataclass(frozen=True, slots=True)
class RowPlace:
    """A row that has a gradient: "card:port", its name and the gradient.

    also: members with the same gradient by construction, with their names: the sum, if this is its bias.
    proof: places with the same proof keep equal gradients under gradient descent; "" if nothing is proved.
    frozen: whether it is proved never to move.
    """

    member: str
    name: str
    gradient: Any
    proof: str = ""
    frozen: bool = False
    is_parameter: bool = True
    also: tuple[tuple[str, str], ...] = ()

    @property
    def members(self) -> tuple[tuple[str, str], ...]:
        """All rows that have this gradient, with their names."""
        return ((self.member, self.name), *self.also)


@dataclass(frozen=True, slots=True)
class Lettering:
    """The groups in the order of their letters; for each member its letter and its tie, "" if it has none."""

    groups: tuple[Group, ...]
    letters: dict[str, str]
    ties: dict[str, str]


def lettering(places: Iterable[RowPlace]) -> Lettering:
    """Letters in the order of the rows; the group of gradients that are exactly 0 comes last, as 0."""
    every = list(places)
    found = [[every[k] for k in members] for members in equal_groups([place.gradient for place in every])]
    named = [(letter(position), members) for position, members in enumerate(found)]
    if zeros := [place for place in every if is_zero(place.gradient)]:
        named.append((ZERO, zeros))
    minus = opposites({name: members[0].gradient for name, members in named if name != ZERO and _apart(members)})
    groups = tuple(_group(name, members, minus.get(name, "")) for name, members in named)
    letters = {member: group.letter for group in groups for member in group.members}
    ties = {member: _tie(p, name, mine) for name, mine in named for p in mine for member, _ in p.members}
    return Lettering(groups, letters, ties)


def _group(name: str, members: Sequence[RowPlace], minus: str) -> Group:
    return Group(
        letter=name,
        members=tuple(member for place in members for member, _ in place.members),
        names=tuple(name for place in members for _, name in place.members),
        gradient="exactly 0" if name == ZERO else " ".join(format.gradient_lines(members[0].gradient)) + minus,
        apart=_apart(members),
        proved=len(ties := {_tie(place, name, members) for place in members}) == 1 and "" not in ties,
    )


def _apart(members: Sequence[RowPlace]) -> bool:
    """Whether gradients are equal in separate places, not just for a weight with input 1 and its sum."""
    parameters = sum(place.is_parameter for place in members)
    return parameters > 1 or len({place.member.split(":")[0] for place in members}) > 1


def _tie(place: RowPlace, name: str, members: Sequence[RowPlace]) -> str:
    """The tie of a row that stays equal to another of its letter, or stays 0; else ""."""
    if name == ZERO:
        return "frozen" if place.frozen else ""
    return place.proof if sum(other.proof == place.proof for other in members) > 1 else ""
