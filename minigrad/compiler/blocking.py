"""Finds chains of elementwise steps to compute block by block, so that intermediate results stay in the cache.

A chain is a run of consecutive steps whose arrays all have one shape and are C-contiguous. Variables used only
within the chain need a buffer of one block.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tracing.program import Program, Ref, Step, operands, refs
from .numpy_functions import is_elementwise
from .step_kinds import Kinds


@dataclass(frozen=True)
class Blocks:
    """The size of blocks, from how many bytes of an array on it is cut, and which elementwise steps it allows."""

    size: int  # bytes
    least: int  # bytes
    allows: Callable[[Program, Step], bool] = lambda program, step: True


# Measured on a chain of 20: half the size takes 1.3 times as long, four times the size 1.4 times.
IN_PYTHON = Blocks(size=1 << 17, least=1 << 19)  # smaller arrays stay in the cache anyway


@dataclass
class Chain:
    """Steps from `first` up to, not including, `end`, on `size` entries. local: variables used only here.

    most: entries per block, at most.
    """

    first: int
    end: int
    size: int
    most: int
    local: set[Ref] = field(default_factory=set)

    @property
    def block(self) -> int:
        """Entries per block; blocks are as equal as possible."""
        return -(-self.size // -(-self.size // self.most))

    @property
    def is_loop(self) -> bool:
        """Whether it has several blocks. With one, the steps run on whole arrays, as others do."""
        return self.block < self.size


def chains(program: Program, modes: dict[Ref, str], blocks: Blocks, kinds: Kinds) -> list[Chain]:
    """The chains of a program that are long and large enough."""
    found: list[Chain] = []
    first, shape = 0, None
    shape_of = kinds.decided_once(functools.partial(_shape, blocks))
    for i, step in enumerate([*program.steps, None]):
        mine = shape_of(step) if step is not None and modes[step.out] == "into" else None
        if i and mine == shape and (not i or _same_part(program, i)):
            continue
        if shape is not None and i - first > 1:
            made = [program.samples[step.out] for step in program.steps[first:i]]
            found.append(Chain(first, i, made[0].size, blocks.size // max(y.itemsize for y in made)))
        first, shape = i, mine
    _find_locals(program, found)
    return found


def _same_part(program: Program, i: int) -> bool:
    """Whether a step and the one before it are both forward or both backward."""
    return i < len(program.steps) and program.steps[i].backward is program.steps[i - 1].backward


def _shape(blocks: Blocks, program: Program, step: Step) -> tuple[int, ...] | None:
    """The shape of an elementwise step if all its arrays have it and are C-contiguous; else None."""
    y: NDArray[Any] = program.samples[step.out]
    if y.nbytes < blocks.least:
        return None
    if not is_elementwise(step.function) or not blocks.allows(program, step):
        return None
    arrays = [x for x in (program.sample(x) for x in step.args) if isinstance(x, np.ndarray)]
    alike = all(x.shape == y.shape and x.flags.c_contiguous for x in (y, *arrays))
    return y.shape if alike else None


def _find_locals(program: Program, found: list[Chain]) -> None:
    """Fill in the variables that are read only in the chain that computes them."""
    homes = {i: chain for chain in found for i in range(chain.first, chain.end)}
    made_in = {program.steps[i].out: chain for i, chain in homes.items()}
    for chain in found:
        chain.local = {step.out for step in program.steps[chain.first : chain.end]}
    outside = [
        x for i, step in enumerate(program.steps) for x in operands(step) if made_in.get(x) is not homes.get(i)
    ]
    for x in (*outside, *refs(program.outputs)):
        if x in made_in:
            made_in[x].local.discard(x)
