"""The findings on parts of tensors that never move, and on those that do not move now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..engine.value import graph
from .claims import OBSERVED, PROBED, PROVED
from .slices import Index, listed, parts_of, parts_text
from .tie_finding import DEAD, FROZEN, VANISHING, ZERO, Tensors, TieFinding
from .trials import RANDOM_START, SOON
from .why_zero import ZeroNow, nearly_flat

NAMED = 4  # tensors that a sentence names
DECAY = "weight decay would only shrink it"


def frozen_parts(tensors: Tensors) -> Iterator[TieFinding]:
    """The findings on what never moves; tensors that keep each other at 0 are together."""
    reached = {v.serial for v in graph(tensors.found.recording.y)}
    zeros = []
    for k, (t, p) in enumerate(zip(tensors, tensors.found.recording.params, strict=True)):
        if not t.never.any():
            continue
        remedy = tensors.trials.wakes(t.entries(t.never)) if p.serial in reached else None
        if remedy and t.never.all() and not t.values.any():
            zeros.append(k)
            continue
        more = [f"a {remedy} gives it a gradient"] if remedy else []
        more += [DECAY] if (t.never & (t.values != 0)).any() else []
        indices = parts_of(t.never)
        why = "" if p.serial in reached else ", because the loss does not depend on it"
        text = f"{parts_text(t.name, indices)} never move{'s' if _is_one(indices) else ''}{why}"
        yield _frozen(tensors, [k], [indices], text, more, remedy)
    for owners in _kept_zero(tensors, zeros) if zeros else ():
        yield _zeros(tensors, owners)


def _kept_zero(tensors: Tensors, zeros: Sequence[int]) -> list[list[int]]:
    """Tensors of zeros, with those together of which one wakes the other."""
    sets = [{k} for k in zeros]
    for k in zeros:
        woken = tensors.trials.woken_by(tensors[k].entries(tensors[k].never))
        own = {k} | {n for n in zeros if woken[tensors[n].entries(tensors[n].never)].all()}
        own = own.union(*(s for s in sets if s & own))
        sets = [own, *(s for s in sets if not s & own)]
    if any(len(s) == 1 for s in sets):  # such a tensor waits for several others
        sets = [{*zeros}]
    return sorted(sorted(s) for s in sets)


def _zeros(tensors: Tensors, owners: Sequence[int]) -> TieFinding:
    members = [tensors[k] for k in owners]
    entries = [t.entries(t.never) for t in members]
    nudged = tensors.trials.nudge(entries) if len(owners) > 1 else None
    remedy = RANDOM_START if nudged is None else f"nudge {members[nudged].name}"
    more = ["a random start gives them gradients" if nudged is None else "nudge one"]
    if len(members) == 1:
        alone = tensors.trials.woken_by(entries[0])[entries[0]].all()
        text = f"{members[0].name} never moves{', because it is 0' if alone else ''}"
        more = ["a random start gives it a gradient"]
    else:
        both = "both" if len(members) == 2 else "all of them"
        count = sum(t.size for t in members)
        text = f"{listed([t.name for t in members])}: all {count:,} never move, because {both} are 0"
    return _frozen(tensors, owners, [((),)] * len(owners), text, more, remedy)


def _frozen(
    tensors: Tensors,
    owners: Sequence[int],
    indices: Sequence[tuple[Index, ...]],
    text: str,
    more: Sequence[str],
    remedy: str | None,
) -> TieFinding:
    found = tensors.found
    entries = np.concatenate([tensors[k].entries(tensors[k].never) for k in owners])
    gradients, doubt = found.now.gradient[entries], ""
    if np.isnan(gradients).any():
        doubt = f" ({PROVED} in exact arithmetic; in floats the gradient is nan now)"
    elif found.frozen in found.parted and gradients.any():
        doubt = f" ({PROVED} in exact arithmetic; in floats the gradient is {gradients[gradients != 0][0]:.4g} now)"
    return tensors.named(FROZEN, owners, indices, PROVED, "; ".join([text + doubt, *more]), remedy)


def zero_parts(tensors: Tensors) -> Iterator[TieFinding]:
    """The findings on what does not move now, and is not proved to stay where it is."""
    found = tensors.found
    for part in found.zero_reasons:
        still = found.recording.split(found.zero_everywhere)[part.number]
        for mask, where in ((part.mask & ~still, ""), (part.mask & still, found.everywhere_words)):
            if np.any(mask):
                yield _zero_part(tensors, part, np.asarray(mask), where)


def _zero_part(tensors: Tensors, part: ZeroNow, mask: Any, where: str) -> TieFinding:
    """A finding on entries with gradient 0. where: where else it is 0, in words; "" if it is not."""
    found, indices = tensors.found, parts_of(mask)
    entries = tensors[part.number].entries(mask)
    text = (
        f"{parts_text(part.tensor, indices)} {'has' if _is_one(indices) else 'have'} gradient 0 {found.now_words}"
    )
    evidence = OBSERVED
    if where:
        evidence = OBSERVED if found.recording.is_sampled else PROBED
        text += f" and {where} ({evidence}, not proved)"
    text += f", because {part.reason}"
    remedy = tensors.trials.moves_soon(entries) or tensors.trials.wakes(entries)
    text += f"; {'it' if _is_one(indices) else 'they'} will move after a step" if remedy == SOON else ""
    return tensors.named(DEAD if part.is_dead else ZERO, [part.number], [indices], evidence, text, remedy)


def vanishing_parts(tensors: Tensors) -> Iterator[TieFinding]:
    """The findings on gradients that are not 0, but too small to change a digit: one for each reason."""
    found = tensors.found
    if not found.vanishing.any():
        return
    masks = [np.asarray(mask) for mask in found.recording.split(found.vanishing)]
    by_reason: dict[tuple[str, ...], list[int]] = {}
    for k, flat in enumerate(nearly_flat(found.recording, found.now, masks)):
        if masks[k].any():
            by_reason.setdefault(flat, []).append(k)
    for flat, owners in by_reason.items():
        yield _vanishing(tensors, owners, masks, flat)


def _vanishing(tensors: Tensors, owners: Sequence[int], masks: Sequence[Any], flat: Sequence[str]) -> TieFinding:
    """The finding on vanishing gradients of some tensors. flat: the functions that are the reason, if any."""
    found, gradient = tensors.found, np.abs(tensors.found.now.gradient)
    indices = [parts_of(masks[k]) for k in owners]
    some = [parts_text(tensors[k].name, index) for k, index in zip(owners, indices, strict=True)][:NAMED]
    entries = np.concatenate([tensors[k].entries(masks[k]) for k in owners])
    largest = gradient.max(where=np.isfinite(gradient), initial=0)
    text = (
        f"{listed(some, len(owners) - NAMED)}: gradients vanish {found.now_words}, at most "
        f"{gradient[entries].max():.1g} where the largest is {largest:.2g}"
    )
    text += f", because {listed(flat)} {'is' if len(flat) == 1 else 'are'} nearly flat there" if flat else ""
    return tensors.named(VANISHING, owners, indices, OBSERVED, text, tensors.trials.wakes(entries))


def _is_one(indices: Sequence[Any]) -> bool:
    return len(indices) == 1
