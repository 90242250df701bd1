"""The findings on parts of tensors that never move, and on those that do not move now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..engine.value import graph
from .claims import OBSERVED
from .slices import Index, listed, parts_of, parts_text
from .tie_finding import DEAD, FROZEN, ZERO, Tensors, TieFinding
from .tied_parts import DOUBT
from .trials import RANDOM_START, SOON

DECAY = "weight decay would only shrink it"


def frozen_parts(tensors: Tensors) -> Iterator[TieFinding]:
    """The findings on what never moves; tensors that keep each other at 0 are together."""
    reached = {v.serial for v in graph(tensors.found.recording.y)}
    zeros = []
    for k, (t, p) in enumerate(zip(tensors, tensors.found.recording.params, strict=True)):
        if not t.frozen.any():
            continue
        remedy = tensors.trials.wakes(t.entries(t.frozen)) if p.serial in reached else None
        if remedy and t.frozen.all() and not t.values.any():
            zeros.append(k)
            continue
        more = [f"a {remedy} gives it a gradient"] if remedy else []
        more += [DECAY] if (t.frozen & (t.values != 0)).any() else []
        indices = parts_of(t.frozen)
        why = "" if p.serial in reached else ", because the loss does not depend on it"
        text = f"{parts_text(t.name, indices)} never move{'s' if _is_one(indices) else ''}{why}"
        yield _frozen(tensors, [k], [indices], text, more, remedy)
    for owners in _kept_zero(tensors, zeros) if zeros else ():
        yield _zeros(tensors, owners)


def _kept_zero(tensors: Tensors, zeros: Sequence[int]) -> list[list[int]]:
    """Tensors of zeros, with those together of which one wakes the other."""
    sets = [{k} for k in zeros]
    for k in zeros:
        woken = tensors.trials.woken_by(tensors[k].entries(tensors[k].frozen))
        own = {k} | {n for n in zeros if woken[tensors[n].entries(tensors[n].frozen)].all()}
        own = own.union(*(s for s in sets if s & own))
        sets = [own, *(s for s in sets if not s & own)]
    if any(len(s) == 1 for s in sets):  # such a tensor waits for several others
        sets = [{*zeros}]
    return sorted(sorted(s) for s in sets)


def _zeros(tensors: Tensors, owners: Sequence[int]) -> TieFinding:
    members = [tensors[k] for k in owners]
    entries = [t.entries(t.frozen) for t in members]
    nudged = tensors.trials.nudge(entries) if len(owners) > 1 else None
    remedy = RANDOM_START if nudged is None else f"nudge {members[nudged].name}"
    more = ["a random start gives them gradients" if nudged is None else "nudge one"]
    if len(members) == 1:
        text = f"{members[0].name} never moves, because it is 0"
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
    entries = np.concatenate([tensors[k].entries(tensors[k].frozen) for k in owners])
    evidence = tensors.evidence(found.proved_frozen[entries].all())
    doubt = DOUBT[evidence]
    gradients = found.now.gradient[entries]
    if np.isnan(gradients).any():
        doubt = f" ({evidence} in exact arithmetic; in floats the gradient is nan now)"
    elif found.frozen in found.parted and gradients.any():
        doubt = (
            f" ({evidence} in exact arithmetic; in floats the gradient is {gradients[gradients != 0][0]:.4g} now)"
        )
    return tensors.named(FROZEN, owners, indices, evidence, "; ".join([text + doubt, *more]), remedy)


def zero_parts(tensors: Tensors) -> Iterator[TieFinding]:
    """The findings on what does not move now, though nothing keeps it from moving."""
    for part in tensors.found.zero_reasons:
        indices = parts_of(part.mask)
        entries = tensors[part.number].entries(part.mask)
        text = (
            f"{parts_text(part.tensor, indices)} {'has' if _is_one(indices) else 'have'} gradient 0 now, "
            f"because {part.reason}"
        )
        remedy = tensors.trials.moves_soon(entries) or tensors.trials.wakes(entries)
        text += f"; {'it' if _is_one(indices) else 'they'} will move after a step" if remedy == SOON else ""
        kind = DEAD if part.is_dead else ZERO
        yield tensors.named(kind, [part.number], [indices], OBSERVED, text, remedy)


def _is_one(indices: Sequence[Any]) -> bool:
    return len(indices) == 1
