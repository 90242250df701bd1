"""Which cards a picture of a network has: one for each neuron, or one for all neurons that stay equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .mlp_run import Run

Members = tuple[int, ...]  # the neurons of a layer that a card stands for
PER_ITEM = 1.5e-4  # seconds to draw a row or an arrow between cards
ITEMS = 5_000  # rows and arrows of a picture: 3 MB of SVG
LISTED = 3  # of neurons without a pattern, how many a text lists


@dataclass(frozen=True, slots=True)
class Shown:
    """The cards of each column, inputs first, each by its members; how many neurons of a larger network it is.

    times: for each hidden layer, of each neuron; () if the network is not a quotient.
    """

    cards: tuple[tuple[Members, ...], ...]
    times: tuple[tuple[int, ...], ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many cards each column has."""
        return tuple(map(len, self.cards))

    @property
    def rows_and_arrows(self) -> int:
        """About how many rows and arrows the picture has."""
        return 2 * sum(a * b for a, b in pairwise(self.sizes)) + 4 * sum(self.sizes)

    def has_room(self, seconds: float) -> bool:
        """Whether the cards fit the time and the size of a picture."""
        return self.rows_and_arrows <= min(seconds / PER_ITEM, ITEMS)

    def no_room(self, seconds: float) -> str:
        """Why they do not."""
        most = min(round(seconds / PER_ITEM), ITEMS)
        return f"A card per neuron would have {self.rows_and_arrows:,} rows and arrows; there is room for {most:,}."

    def of(self, layer: int, neuron: int) -> int:
        """How many neurons of a larger network this one stands for."""
        return self.times[layer - 1][neuron] if 0 < layer <= len(self.times) else 1

    def rest(self, layer: int, size: int) -> Members:
        """The neurons of a layer that have no card."""
        there = {j for members in self.cards[layer] for j in members}
        return tuple(j for j in range(size) if j not in there)

    def two_of_each(self, layer: int) -> Members:
        """At most two neurons of each card of a layer: enough to see that its rows stand for several."""
        return tuple(j for members in self.cards[layer] for j in members[:2])

    def everyone(self, layer: int) -> Members:
        """The neurons of a layer that have a card or share one."""
        return tuple(j for members in self.cards[layer] for j in members)


def all_neurons(sizes: Sequence[int], times: tuple[tuple[int, ...], ...] = ()) -> Shown:
    """A card for each neuron, in order."""
    return Shown(tuple(tuple((j,) for j in range(size)) for size in sizes), times)


def side_by_side(run: Run, most: int | None = None) -> Shown:
    """A card for each neuron; neurons that stay equal stand together. most: cards in a column; by default all."""
    columns = [[(j,) for members in column for j in members] for column in _twins(run)]
    return Shown(tuple(tuple(column[:most]) for column in columns))


def bundled(run: Run, most: int | None = None) -> Shown:
    """One card for all neurons that are proved to stay equal. most: cards in a column; by default all."""
    return Shown(tuple(column[:most] for column in _twins(run)))


def _twins(run: Run) -> list[tuple[Members, ...]]:
    """Each column, inputs first: the neurons in classes of those that stay equal."""
    sizes = run.model.sizes
    inner = [_proved(run, k) for k in range(1, len(sizes) - 1)]
    return [tuple((j,) for j in range(sizes[0])), *inner, tuple((j,) for j in range(sizes[-1]))]


def _proved(run: Run, k: int) -> tuple[Members, ...]:
    if run.tied is None:
        return tuple((j,) for j in range(run.model.sizes[k]))
    classes: dict[tuple[int, int], list[int]] = {}
    for j, number in enumerate(run.tied.twins[k - 1].tolist()):
        alone = 0 if run.tied.is_proved(k, j) else 1 + j
        classes.setdefault((number, alone), []).append(j)
    return tuple(map(tuple, classes.values()))


def index_text(members: Members, size: int) -> str:
    """The members as NumPy takes them in an index: 2, ``:`` for all, 0:3, 0:7:2; {0,3,4} without a pattern."""
    if len(members) == 1:
        return str(members[0])
    if len(members) == size:
        return ":"
    steps = set(np.diff(members).tolist())
    if len(steps) == 1:
        (step,) = steps
        return f"{members[0]}:{members[-1] + 1}" + (f":{step}" if step > 1 else "")
    return f"{{{_some(members, ',')}}}"


def neuron_text(members: Members) -> str:
    """``neuron 2``, ``neurons 0–2``, ``neurons 0, 2``."""
    if len(members) == 1:
        return f"neuron {members[0]}"
    if len(members) > 2 and members[-1] - members[0] == len(members) - 1:
        return f"neurons {members[0]}–{members[-1]}"
    return f"neurons {_some(members, ', ')}"


def _some(members: Members, between: str) -> str:
    more = ["…"] if len(members) > LISTED + 1 else []
    return between.join([*map(str, members[: LISTED if more else None]), *more])
