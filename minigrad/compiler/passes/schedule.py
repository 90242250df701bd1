"""Schedules updates early: each parameter moves once its gradient is known, which frees the gradient's memory.

A program that moves parameters ends with the updates, w - rate g, and keeps all gradients until then. This pass
moves each update forward to where it can be computed, but never

- before a step that reads the old parameter or a view of it: the update may overwrite its memory;
- before a step that may raise: a call that raises must leave all parameters unchanged.

A check for nan is such a step.

A training step of nine layers, 256-512-...-512-10, batch 64, takes 6.6 MB with this pass and 17.1 MB without it,
and 0.9 of the time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tracing.program import Program, Ref, Step, operands, refs
from ..buffers import mode_of
from ..numpy_functions import UFUNCS, reducing_ufunc
from ..owners import Owners, last_uses, owners_of

LEAST = 1 << 18  # bytes of a parameter: a smaller one gains less than a pause of the backward sweep costs (1 µs)


@dataclass
class Piece:
    """Steps at the end of a program that stay together: an update and the steps it needs.

    replaced: inputs that no later step reads and whose memory the last step's result can use.
    """

    steps: list[int] = field(default_factory=list)
    replaced: list[Ref] = field(default_factory=list)


def schedule_updates(program: Program) -> Program:
    """Move updates as early as possible."""
    steps, given = program.steps, [*program.inputs, *(ref for ref, _ in program.leaves)]
    if not any(getattr(program.samples[x], "nbytes", 0) >= LEAST for x in given):
        return program
    modes = {step.out: mode_of(program, step) for step in steps}
    first = next((i + 1 for i in reversed(range(len(steps))) if not _may_move(steps[i], modes)), 0)
    safe = next((i + 1 for i in reversed(range(first)) if _may_raise(steps[i], modes)), 0)
    if safe == first:
        return program
    owners = owners_of(program, modes)
    readers = _readers(program, owners, first)
    made = {step.out: i for i, step in enumerate(steps)}
    places = list(range(1, first + 1)) + [first] * (len(steps) - first)
    pieces = _pieces(program, first, modes, owners)
    for piece in pieces:
        before = [made[x] for i in piece.steps for x in operands(steps[i]) if x in made]
        before += [i for x in piece.replaced for i in readers[x]]
        number = all(modes[steps[i].out] == "number" for i in piece.steps)
        if number or any(program.samples[x].nbytes >= LEAST for x in piece.replaced):
            own = {*piece.steps}
            place = max([safe, *(places[i] for i in before if i not in own)])
            for i in piece.steps:
                places[i] = place
    moved = sorted(pieces, key=lambda piece: places[piece.steps[0]])
    return program.with_steps(_put_in(program, first, places, moved))


def _put_in(program: Program, first: int, places: list[int], pieces: list[Piece]) -> list[Step]:
    """Insert the pieces at their places between the first steps."""
    steps: list[Step] = []
    done = 0
    for piece in pieces:
        place = places[piece.steps[0]]
        steps += program.steps[done:place]
        steps += [program.steps[i] for i in piece.steps]
        done = place
    return [*steps, *program.steps[done:first]]


def _readers(program: Program, owners: Owners, first: int) -> dict[Ref, list[int]]:
    """The steps that may read the memory of each owner: the latest of those before `first`, and all others."""
    latest: dict[Ref, int] = {}
    readers: dict[Ref, list[int]] = {}
    for i, step in enumerate(program.steps):
        for owner in {o for x in operands(step) for o in owners.get(x)}:
            if i < first:
                latest[owner] = i
            else:
                readers.setdefault(owner, []).append(i)
    for keeper in reversed(owners.kept):
        read = first - 1 if keeper in readers else latest.get(keeper, -1)  # after `first`: nothing moves before it
        for owner in owners.kept[keeper]:
            latest[owner] = max(latest.get(owner, -1), read)
    for owner, i in latest.items():
        if i >= 0:
            readers.setdefault(owner, []).append(i)
    return readers


def _may_move(step: Step, modes: dict[Ref, str]) -> bool:
    """Whether a step is outside of the backward sweep and calls a known function."""
    return not (step.backward or step.has_effect or _unknown(step, modes))


def _may_raise(step: Step, modes: dict[Ref, str]) -> bool:
    """Whether a step may raise or warn; the backward sweep does not warn of infinities and nan."""
    return _unknown(step, modes) or not (modes[step.out] == "view" or step.backward)


def _unknown(step: Step, modes: dict[Ref, str]) -> bool:
    """Whether a step calls an unknown function."""
    function, mode = step.function, modes[step.out]
    known = isinstance(function, np.ufunc) or function in UFUNCS or reducing_ufunc(function) or function is np.dot
    return mode == "call" or (mode == "number" and not known)


def _pieces(program: Program, first: int, modes: dict[Ref, str], owners: Owners) -> list[Piece]:
    """Split the steps from `first` on into pieces: each number alone, arrays up to an update."""
    last, given = last_uses(program, owners), {*program.inputs, *(ref for ref, _ in program.leaves)}
    returned = set(refs(program.outputs))
    pieces: list[Piece] = []
    piece = Piece()
    inside: set[Ref] = set()
    for i, step in enumerate(program.steps[first:], first):
        if modes[step.out] == "number" and inside.isdisjoint(operands(step)):
            pieces.append(Piece([i]))
            continue
        piece.steps.append(i)
        inside.add(step.out)
        if step.out in returned and modes[step.out] == "into":
            y = program.samples[step.out]
            read = dict.fromkeys(x for x in operands(step) if x in given and last.get(x) == i)
            piece.replaced = [x for x in read if _fits(program.samples[x], y)]
        if piece.replaced:
            pieces.append(piece)
            piece, inside = Piece(), set()
    return [*pieces, piece] if piece.steps else pieces


def _fits(x: NDArray[Any], y: NDArray[Any]) -> bool:
    return (x.shape, x.strides, x.dtype) == (y.shape, y.strides, y.dtype)
