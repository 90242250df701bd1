"""Boxes around repeated parts, between the boxes of scopes, layers and neurons.

A repeated part that is a scope or a neuron gets that box, with ×n; any other gets a box of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from ..diagram import Cluster
from ..graph_data import Survey
from ..repeat_text import common_name
from ..repeats import Repeat

UNROLLED = "unrolled"  # the view that shows every repetition


@dataclass(frozen=True, slots=True)
class NestedBoxes:
    """Boxes that are not empty, outer before inner.

    number: for each drawn value the number of its box, if it is in one. same: pairs of repeats in the same boxes.
    """

    clusters: tuple[Cluster, ...]
    number: dict[int, int]
    same: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Box:
    """A box that is being arranged."""

    cluster: Cluster
    parent: int | None


def nest_repeats(
    repeats: Sequence[Repeat],
    found: Survey,
    boxes: Sequence[Cluster],
    places: Sequence[int | None],
    drawn: Sequence[int],
) -> NestedBoxes:
    """The boxes around the drawn values. boxes, places: the results of `clusters`."""
    made, place = [_Box(box, box.parent) for box in boxes], list(places)
    same: list[tuple[int, int]] = []
    known: dict[tuple[int, ...], int] = {}  # the repeat of the boxes of several repetitions
    for number, repeat in enumerate(repeats):
        columns = [c for c in repeat.members if found.values[c[-1]].op is not None]
        around = _shared_path(made, [place[k] for column in columns for k in column])
        inside = _shared_path(made, [place[column[-1]] for column in columns])
        depth = len(around)
        if len(inside) > depth:  # the box of a scope or of a part of the model
            box = inside[depth]
            each = tuple(_path(made, place[k])[depth] for k in columns[0])
            if known.setdefault(each, number) != number:
                same.append((known[each], number))
            names = [boxes[one].name for one in each]
            own = replace(made[box].cluster, name=common_name(names), times=repeat.times, opens=UNROLLED)
            made[box].cluster = own
        else:
            box = len(made)
            made.append(_Box(Cluster("", "repeat", None, repeat.times, UNROLLED), around[-1] if around else None))
        for k in (column[-1] for column in repeat.members):
            path = _path(made, place[k])
            if path[:depth] != around or len(path) == depth:
                place[k] = box
            elif box not in path:
                made[path[depth]].parent = box
    return NestedBoxes(*_kept(made, {k: place[k] for k in drawn}), tuple(same))


def _path(made: Sequence[_Box], number: int | None) -> list[int]:
    path: list[int] = []
    while number is not None:
        path.append(number)
        number = made[number].parent
    return path[::-1]


def _shared_path(made: Sequence[_Box], numbers: Sequence[int | None]) -> list[int]:
    """The boxes around all."""
    paths = [_path(made, number) for number in set(numbers)]
    shared = []
    for column in zip(*paths, strict=False):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    return shared


def _kept(made: Sequence[_Box], place: Mapping[int, int | None]) -> tuple[tuple[Cluster, ...], dict[int, int]]:
    """The boxes that are not empty, outer before inner, and the number of the box of each value."""
    wanted = {number for at in set(place.values()) for number in _path(made, at)}
    order = sorted(wanted, key=lambda number: (len(_path(made, number)), number))
    new = dict(zip(order, accumulate([1] * len(order), initial=0), strict=False))
    kept = tuple(
        replace(made[old].cluster, parent=None if (up := made[old].parent) is None else new[up]) for old in order
    )
    return kept, {k: new[at] for k, at in place.items() if at is not None}
