"""Whether ties still hold on the parameters as they are now, and if not, what parted and what may have done it.

Ties are a statement on training from their start: noise, dropout or a rule for each tensor may break them later.
`SymmetryTracker` watches training and knows when and why; here only the start and the numbers now are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError
from .claims import Claims
from .slices import listed, tensor_name

EQUAL = {8: 1e-6, 4: 1e-4}  # entries count as equal up to this share of the largest, by bytes per number
LEAST = 1e-3  # of the largest number of all: groups of smaller ones are compared relative to this
NAMED = 3  # tensors and groups that a sentence names
ROUNDING_AT_KINK = "their gradients differed in floats at the start: at a kink, one rounding decides"
BY_TENSOR = (
    "within each tensor they are still equal, so the rule differed by tensor, such as weight decay on weights only"
)
BY_ENTRY = (
    "gradients differed on equal parameters (dropout, noise, masks), "
    "the update rule did not treat them alike, or the numbers were set; SymmetryTracker says which, and when"
)


@dataclass(frozen=True)
class BrokenTies:
    """Ties that no longer hold.

    tensors: the names of the parameters whose entries parted. groups: the numbers of these groups.
    difference: the largest one within a group. cause: what may have parted them, in words.
    """

    tensors: tuple[str, ...]
    groups: tuple[int, ...]
    difference: float
    cause: str

    @property
    def by_tensor(self) -> bool:
        """Whether groups parted only where they span tensors: the entries within each are still equal."""
        return self.cause == BY_TENSOR

    def __str__(self) -> str:
        """What parted, by how much, and what may have done it."""
        groups = listed([str(g) for g in self.groups[:NAMED]], len(self.groups) - NAMED)
        one = len(self.groups) == 1
        tensors = listed(list(self.tensors[:NAMED]), len(self.tensors) - NAMED)
        return (
            f"these ties no longer hold: {'group' if one else 'groups'} {groups} parted in {tensors}, "
            f"by up to {self.difference:.3g}; {self.cause}"
        )


def broken(found: Claims) -> BrokenTies | None:
    """What no longer holds on the parameters as they are now; None if all ties hold, but for rounding.

    Raises ArgumentError if the parameters have another number of entries now.
    """
    values, start = live_values(found), found.now.values
    if (values == start).all():
        return None
    numbers, p = found.numbers, found.partition
    scale = np.full(len(found.evidence), LEAST * np.abs(values).max(initial=0))
    np.fmax.at(scale, numbers, np.maximum(np.abs(values), np.abs(start)))
    with np.errstate(invalid="ignore"):
        apart = ~(
            np.abs(values - settled(found, values)) <= EQUAL.get(found.recording.width, 1e-2) * scale[numbers]
        )
    if not apart.any():
        return None
    recording, groups = found.recording, np.unique(numbers[apart])
    owner = np.repeat(np.arange(len(recording.params)), [x._array.size for x in recording.params])
    parted = np.isin(numbers, groups) & ~(p.frozen & ~apart)  # what never moved has entries that still hold
    return BrokenTies(
        tuple(tensor_name(recording.paths[k]) for k in np.unique(owner[parted])),
        tuple(groups.tolist()),
        float(_ranges(p.signed[parted], np.where(p.signs_from(start) == 0, 0, p.signs)[parted], values[parted])),
        _cause(found, values, owner, groups),
    )


def drift(found: Claims) -> float:
    """How far ties have drifted apart through rounding: the largest difference, relative to the largest number."""
    values = live_values(found)
    largest = np.abs(values).max(initial=0)
    exact = (values == found.now.values).all() or not largest
    return 0.0 if exact else float(np.abs(values - settled(found, values)).max() / largest)


def live_values(found: Claims) -> Any:
    """The parameters as they are now. Raises ArgumentError if they have another number of entries."""
    values, count = found.recording.values, len(found.now.values)
    if len(values) != count:
        raise ArgumentError(
            f"the parameters have {len(values):,} entries now, and had {count:,} when these ties were found\n"
            "  write  ties(...)   again, for the parameters as they are now"
        )
    return values


def settled(found: Claims, values: Any) -> Any:
    """The values with exact ties: each entry is the mean of its group, up to sign, and what stays 0 is 0."""
    p = found.partition
    return class_means(p.signed, values * p.signs)[p.signed] * p.signs_from(found.now.values)


def class_means(classes: Any, x: Any) -> Any:
    """The mean of x in each class, in the type of x."""
    total = np.zeros(int(classes.max(initial=-1)) + 1, dtype=x.dtype)
    np.add.at(total, classes, x)
    return total / np.maximum(np.bincount(classes, minlength=len(total)), 1)


def _ranges(classes: Any, signs: Any, values: Any) -> Any:
    """The largest range of values times signs in a class; an entry of sign 0 should be 0."""
    count = int(classes.max(initial=-1)) + 1
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    x = np.where(signs == 0, values, values * signs)
    with np.errstate(invalid="ignore"):
        np.minimum.at(low, classes, x)
        np.maximum.at(high, classes, x)
    zero = np.zeros(count, dtype=bool)
    zero[classes[signs == 0]] = True
    low, high = np.where(zero, np.minimum(low, 0), low), np.where(zero, np.maximum(high, 0), high)
    used = np.unique(classes)
    return (high[used] - low[used]).max()


def _cause(found: Claims, values: Any, owner: Any, groups: Any) -> str:
    """What may have parted some groups."""
    if np.isnan(values).any():
        return f"{tensor_name(found.recording.paths[int(owner[np.isnan(values)][0])])} is nan now"
    if set(groups.tolist()) <= set(found.parted):
        return ROUNDING_AT_KINK
    p = found.partition
    members = np.isin(found.numbers, groups) & ~p.frozen
    key = p.signed[members] * len(found.recording.params) + owner[members]
    x = (values * p.signs)[members]
    means = class_means(key, x)[key]
    alike = np.abs(x - means) <= EQUAL.get(found.recording.width, 1e-2) * np.abs(means)
    return BY_TENSOR if members.any() and alike.all() else BY_ENTRY
