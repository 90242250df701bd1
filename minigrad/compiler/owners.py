"""Whose memory each variable may use, and until when that memory is needed.

A view uses the memory of its operand. A function without a record may return new memory, an operand or a view of
one: its result is an owner itself, and keeps the owners of its operands. (The set of all owners that a result may
use, through a chain of such functions, would grow with the chain.)
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..tracing.program import Program, Ref, Step, operands, refs
from .numpy_functions import gives_new

NONE: frozenset[Ref] = frozenset()


@dataclass
class Owners:
    """of: the owners of each variable's memory; none for a number.

    kept: for the result of an unknown function, the owners of its operands, whose memory it may use, too.
    """

    of: dict[Ref, frozenset[Ref]] = field(default_factory=dict)
    kept: dict[Ref, frozenset[Ref]] = field(default_factory=dict)

    def get(self, x: Ref) -> frozenset[Ref]:
        """The owners of a variable's memory."""
        return self.of.get(x, NONE)

    def may_use(self, x: Ref, owner: Ref) -> bool:
        """Whether a variable may use an owner's memory; what an unknown function kept is older than its result."""
        own = self.get(x)
        return owner in own or any(o > owner for o in own if o in self.kept)


def owners_of(program: Program, modes: dict[Ref, str]) -> Owners:
    """The owners of each variable of a program."""
    given = (*program.inputs, *(ref for ref, _ in program.leaves))
    owners = Owners({ref: frozenset([ref]) for ref in given if isinstance(program.samples[ref], np.ndarray)})
    for step in program.steps:
        mode = modes[step.out]
        if mode == "number":
            continue
        owners.of[step.out] = frozenset([step.out])
        if mode == "into":
            continue
        reads = operands(step)
        below = owners.get(reads[0]) if len(reads) == 1 else NONE.union(*map(owners.get, reads))
        if mode == "view":
            owners.of[step.out] = below
        elif below and not returns_new(step):
            owners.kept[step.out] = below
    return owners


def returns_new(step: Step) -> bool:
    """Whether a function is known to return new memory."""
    return step.draws or gives_new(step.function)


def last_uses(program: Program, owners: Owners) -> dict[Ref, int]:
    """The last step that may read the memory of each owner; after all steps if it is returned."""
    last: dict[Ref, int] = {}
    of = owners.of.get
    for i, step in enumerate(program.steps):
        for x in (*operands(step), step.out):
            for owner in of(x, NONE):
                last[owner] = i
    for x in refs(program.outputs):
        last.update(dict.fromkeys(owners.get(x), len(program.steps)))
    for keeper in reversed(owners.kept):  # later steps come first: what they keep may be a keeper, too
        for owner in owners.kept[keeper]:
            last[owner] = max(last[owner], last[keeper])
    return last
