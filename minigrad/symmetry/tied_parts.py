"""The findings on parts of tensors that are one, or opposite, for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .claims import OBSERVED, PROBED, PROVED, SINGLE, weakest
from .slices import Index, first_like, like_slices, listed, rows_of, slice_indices, slices_text
from .tie_finding import OPPOSITE, TIED, Tensors, TieFinding

MANY = 4  # classes of like slices of one tensor that have a finding each; more have one together
EXAMPLES = 4  # entries that a sentence names
DOUBT = {PROVED: "", PROBED: " (probed, not proved)", OBSERVED: " (observed, not proved)", SINGLE: ""}
SPAN = "; a rule for one of these tensors alone, such as weight decay on weights only, parts them"


def tied_parts(tensors: Tensors) -> Iterator[TieFinding]:
    """The findings: of whole tensors, of slices, then of entries that no tie of slices explains."""
    linked = np.arange(tensors.firsts[-1])
    for k, t in enumerate(tensors):
        if t.size:
            yield from _like_slices(tensors, k, linked[t.first : t.first + t.size])
    yield from _other_ties(tensors, linked)
    explained: set[int] = set()
    for k, t in enumerate(tensors):
        for axis in range(t.signed.ndim if t.signed.any() and (t.signed < 0).any() else 0):
            yield from _opposite_slices(tensors, k, axis, explained)
    yield from _other_opposites(tensors, explained)


def _like_slices(tensors: Tensors, k: int, linked: Any) -> Iterator[TieFinding]:
    """Ties of whole slices of a tensor. It notes in `linked` the first entry that each entry is one with."""
    t = tensors[k]
    if t.is_one:
        linked[:] = t.first
        if not t.frozen.all():
            count = "both" if t.size == 2 else f"all {t.size:,}"
            text = f"{t.name}: {count} entries are one for ever"
            yield _tied(tensors, [k], [((),)], t.entries(~t.frozen), text)
        return
    places = []
    for axis in range(t.classes.ndim):
        like = like_slices(t.classes, axis)
        places.append(like)
        moving = rows_of(~t.frozen, axis).any(axis=1)
        tied = np.flatnonzero((np.bincount(like, minlength=len(like)) > 1) & moving)
        yield from _tied_slices(tensors, k, axis, like, tied)
    if places:
        linked[:] = np.ravel_multi_index(np.ix_(*places), t.classes.shape).ravel() + t.first


def _tied_slices(tensors: Tensors, k: int, axis: int, like: Any, tied: Any) -> Iterator[TieFinding]:
    """Findings on like slices along an axis. like: the first slice that each is like; tied: such firsts."""
    t = tensors[k]
    ndim = t.classes.ndim
    firsts = tied[:1] if len(tied) > MANY else tied
    for first in firsts.tolist():
        members = np.flatnonzero(like == first).tolist()
        text = f"{t.name}: {slices_text(ndim, axis, members)} are one for ever"
        if len(tied) > MANY:
            such = slices_text(ndim, axis, members)
            members = np.flatnonzero(np.isin(like, tied)).tolist()
            text = f"{t.name}: {slices_text(ndim, axis, members)} are {len(tied):,} for ever, such as {such}"
        inside = np.zeros(t.classes.shape, dtype=bool)
        np.moveaxis(inside, axis, 0)[members] = True
        yield _tied(tensors, [k], [slice_indices(ndim, axis, members)], t.entries(inside & ~t.frozen), text)


def _other_ties(tensors: Tensors, linked: Any) -> Iterator[TieFinding]:
    numbers, frozen = tensors.found.numbers, tensors.found.partition.frozen
    alone = np.flatnonzero((linked == np.arange(len(linked))) & ~frozen)
    left = alone[np.bincount(numbers[alone])[numbers[alone]] > 1] if len(alone) else alone
    by_group: dict[int, list[int]] = {}
    for entry in left.tolist():
        by_group.setdefault(int(numbers[entry]), []).append(entry)
    for owners, groups in tensors.by_owners([*by_group.values()]):
        text = listed([tensors.entry(e) for e in groups[0][:EXAMPLES]], len(groups[0]) - EXAMPLES)
        if len(groups) > 1:
            names = listed([tensors[k].name for k in owners])
            text = f"{names}: {len(groups):,} groups of entries are one each for ever, such as {text}"
        else:
            text = f"{text} are one for ever"
        entries = [e for members in groups for e in members]
        span = SPAN if len(owners) > 1 else ""
        yield _tied(tensors, owners, tensors.indices(owners, entries), np.array(entries), text, span)


def _tied(
    tensors: Tensors,
    owners: Sequence[int],
    indices: Sequence[tuple[Index, ...]],
    entries: Any,
    text: str,
    more: str = "",
) -> TieFinding:
    """A finding on tied entries. more: the end of the sentence, after the doubts."""
    found = tensors.found
    groups = np.unique(found.numbers[entries]).tolist()
    evidence = weakest([found.evidence[k] for k in groups])
    doubt = DOUBT[evidence]
    apart = [found.parted[k] for k in groups if k in found.parted]
    if apart:
        doubt = (
            f" ({evidence} in exact arithmetic; in floats they part now: {apart[0][1]:.4g} and {apart[0][0]:.4g})"
        )
    remedy = tensors.trials.parts(entries, found.firsts[found.numbers[entries]])
    return tensors.named(TIED, owners, indices, evidence, f"{text}{doubt}{more}", remedy)


def _opposite_slices(tensors: Tensors, k: int, axis: int, explained: set[int]) -> Iterator[TieFinding]:
    """Slices of a tensor that are minus another one. It adds their groups to `explained`."""
    t = tensors[k]
    rows = rows_of(t.signed, axis)
    numbers = np.arange(len(rows))
    minus, is_first = first_like(rows, -rows), first_like(rows, rows) == numbers
    pairs = np.flatnonzero(is_first & (minus > numbers))
    pairs = np.stack([pairs, minus[pairs]], axis=1)
    explained |= {*np.unique(np.take(t.groups, pairs.ravel(), axis)).tolist()}
    for some in [pairs] if len(pairs) > MANY else pairs[:, None]:
        ours, theirs = (slices_text(t.signed.ndim, axis, [int(n)]) for n in some[0])
        text = f"{t.name}: {ours} is minus {theirs} for ever"
        if len(some) > 1:
            slices = slices_text(t.signed.ndim, axis, sorted(some.ravel().tolist()))
            text = f"{t.name}: {slices} are {len(some):,} opposite pairs for ever, such as {ours} and {theirs}"
        places = np.moveaxis(np.arange(t.size).reshape(t.signed.shape), axis, 0) + t.first
        moving = rows_of(~t.frozen, axis)[some[:, 0]].astype(bool)
        sides = [places[some[:, side]].reshape(len(some), -1)[moving] for side in (0, 1)]
        indices = slice_indices(t.signed.ndim, axis, sorted(some.ravel().tolist()))
        yield _opposite(tensors, [k], [indices], sides, text)


def _other_opposites(tensors: Tensors, explained: set[int]) -> Iterator[TieFinding]:
    found = tensors.found
    pairs = [
        [int(found.firsts[g]), int(found.firsts[other])]
        for g, other in enumerate(found.opposite)
        if other is not None and g < other and not {g, other} <= explained
    ]
    for owners, members in tensors.by_owners(pairs):
        first, second = (tensors.entry(e) for e in members[0])
        text = f"{first} is minus {second} for ever"
        if len(members) > 1:
            names = listed([tensors[k].name for k in owners])
            text = f"{names}: {len(members):,} pairs of entries are opposite for ever, such as {first} = -{second}"
        indices = tensors.indices(owners, [e for pair in members for e in pair])
        yield _opposite(tensors, owners, indices, np.array(members).T, text)


def _opposite(
    tensors: Tensors, owners: Sequence[int], indices: Sequence[tuple[Index, ...]], pair: Any, text: str
) -> TieFinding:
    """A finding on opposite entries. pair: the entries of both sides."""
    ours, theirs = pair
    evidence = tensors.evidence(tensors.found.proves_opposite(ours, theirs).all())
    remedy = tensors.trials.parts(ours, theirs, -1)
    return tensors.named(OPPOSITE, owners, indices, evidence, f"{text}{DOUBT[evidence]}", remedy)
