"""Numbers for classes: equal entries get one number, in order of first appearance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .residues import Residues, scramble


def number_rows(x: Residues, classes: Any, *more: Sequence[Any]) -> tuple[Any, int]:
    """Refine classes: entries stay together if they agree in all residues, (LANES, n), and in each array of `more`.

    Returns the number of each entry, and how many classes there are.
    """
    count = int(classes.max(initial=-1)) + 1
    rows = [*(row.view(np.int64) for row in x), *(np.asarray(m, dtype=np.int64) for m in more)]
    if count == len(classes) or _agree(rows, classes, count):
        return classes, count
    rows.append(classes)
    mixed = np.zeros(len(classes), dtype=np.uint64)
    for row in rows:
        mixed = scramble(mixed + row.view(np.uint64))
    numbers, count = renumber(number_values(mixed))
    while not _agree(rows, numbers, count):  # two mixtures of 64 bits coincide: sort the rows themselves
        row = next(row for row in rows if not _agree([row], numbers, count))
        numbers, count = renumber(number_values(row) * count + numbers)
    return numbers, count


def _agree(rows: Sequence[Any], numbers: Any, count: int) -> bool:
    """Whether every row is constant on every class."""
    first = first_entries(numbers, count)
    return all(bool((row == row[first][numbers]).all()) for row in rows)


def first_entries(classes: Any, count: int) -> Any:
    """The first entry of each class."""
    first = np.empty(count, dtype=np.int64)
    first[classes[::-1]] = np.arange(len(classes) - 1, -1, -1)
    return first


def number_values(values: Any) -> Any:
    """A number for each different value, in any order. Values alone are sorted much faster than positions."""
    values = np.ravel(values)
    ordered = np.sort(values)
    if (ordered[1:] != ordered[:-1]).all():
        return np.arange(len(values))
    return np.unique(values, return_inverse=True)[1]


def renumber(numbers: Any) -> tuple[Any, int]:
    """Renumber classes in order of first appearance; also returns how many there are."""
    numbers = numbers - numbers.min(initial=0)
    so_far = np.maximum.accumulate(np.append(-1, numbers))
    highest = int(so_far[-1])
    if (numbers <= so_far[:-1] + 1).all():  # nearly always: each new number is one more than the highest
        return numbers, highest + 1
    if highest > 4 * len(numbers):
        numbers = np.unique(numbers, return_inverse=True)[1]
        highest = int(numbers.max())
    first = np.full(highest + 1, len(numbers))
    first[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)
    used = np.flatnonzero(first < len(numbers))
    if (np.diff(first[used]) < 0).any():
        used = used[np.argsort(first[used])]
    rank = np.empty(highest + 1, dtype=np.int64)
    rank[used] = np.arange(len(used))
    return rank[numbers], len(used)
