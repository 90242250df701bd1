"""The letters of cards: rows with equal gradients share one; those that stay equal share a tie, too."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...symmetry.clustering import is_zero
from .. import format
from ..diagram import MINUS, ZERO, Group
from ..marks import number_ties
from ..opposite_groups import equal_or_opposite
from ..theme import letter


@dataclass(frozen=True, slots=True)
class RowPlace:
    """A row that has a gradient: "card:port", its name and the gradient.

    also: members with the same gradient by construction, with their names: the sum, if this is its bias.
    proof: places with the same proof keep equal gradients times `sign`, 1 or -1, under gradient descent; "" if
    nothing is proved.
    frozen: whether it is proved never to move.
    """

    member: str
    name: str
    gradient: Any
    proof: str = ""
    frozen: bool = False
    is_parameter: bool = True
    also: tuple[tuple[str, str], ...] = ()
    sign: int = 1

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
    groups: list[Group] = []
    for position, group in enumerate(equal_or_opposite([place.gradient for place in every])):
        mine, name = [every[k] for k in group.every], letter(position)
        ties = number_ties(_claims(mine, group.signs))
        plus, apart = len(group.plus), _apart(mine)
        first = sum(len(place.members) for place in mine[:plus])  # members with a plus
        groups.append(_group(name, mine[:plus], ties[:first], apart))
        groups += [_group(f"{MINUS}{name}", mine[plus:], ties[first:], apart)] if group.minus else []
    if zeros := [place for place in every if is_zero(place.gradient)]:
        stay = ["1" * place.frozen for place in zeros for _ in place.members]
        groups.append(_group(ZERO, zeros, stay, _apart(zeros)))
    letters = {member: group.letter for group in groups for member in group.members}
    ties_of = {m: tie for group in groups for m, tie in zip(group.members, group.ties, strict=True)}
    return Lettering(tuple(groups), letters, ties_of)


def _claims(places: Sequence[RowPlace], signs: Sequence[int]) -> Iterator[Hashable]:
    """What is proved of each member: its proof and its sign in the group; else the place that it is equal to."""
    for place, sign in zip(places, signs, strict=True):
        for _ in place.members:
            yield (place.proof, place.sign * sign) if place.proof else place.member


def _group(name: str, places: Sequence[RowPlace], ties: Sequence[str], apart: bool) -> Group:
    keys, names = zip(*(member for place in places for member in place.members), strict=True)
    gradient = "exactly 0" if name == ZERO else " ".join(format.gradient_lines(places[0].gradient))
    return Group(letter=name, members=keys, names=names, gradient=gradient, apart=apart, ties=tuple(ties))


def _apart(members: Sequence[RowPlace]) -> bool:
    """Whether gradients are equal in separate places, not just for a weight with input 1 and its sum."""
    parameters = sum(place.is_parameter for place in members)
    return parameters > 1 or len({place.member.split(":")[0] for place in members}) > 1
