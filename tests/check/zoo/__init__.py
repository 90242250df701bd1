"""A zoo of derivatives, right and wrong, for whoever checks gradients: data that knows nothing of any checker.

MISTAKES are planted ones, each with the name of its kind and its place. RIGHT are right and hard on numerics.
NOISY are of functions with noise inside. KINKS_WRONG lie outside what the two sides of a kink allow.
At the points of UNDECIDABLE there is no derivative to be had.
"""

from __future__ import annotations

from . import (
    algebra,
    arrays,
    branches,
    calculus,
    contract,
    elementwise,
    kinks,
    layers,
    lines,
    losses,
    matrices,
    noise,
    precision,
    recurrent,
    sequences,
    shaping,
    structures,
    undecidable,
)
from .case import Case, Subject

_ROOMS = (
    layers, losses, lines, recurrent, sequences, algebra, calculus, shaping, branches, structures, matrices, precision,
)  # fmt: skip

SUBJECTS: list[Subject] = [subject for room in _ROOMS for subject in room.SUBJECTS]
MISTAKES: list[Case] = [case for room in (*_ROOMS, contract, kinks) for case in room.MISTAKES]
KINKS_WRONG: list[Case] = list(kinks.WRONG)
RIGHT: list[Case] = [
    *elementwise.CASES,
    *kinks.CASES,
    *arrays.CASES,
    *(subject.right() for subject in SUBJECTS),
]
NOISY: list[Case] = list(noise.CASES)
UNDECIDABLE: list[Case] = list(undecidable.CASES)
CASES: list[Case] = [*MISTAKES, *KINKS_WRONG, *RIGHT, *NOISY, *UNDECIDABLE]
