"""Decides where every variable of a program lives: in a buffer, in its own memory, as a view, or as a number.

A buffer is free again after the last step that reads it or a view of it. An elementwise step writes in place if it
is the last to read an operand. Returned arrays have their own memory.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ..engine.op import TABLE
from ..tracing.program import Program, Ref, Step, operands, refs
from .blocking import IN_PYTHON, Blocks, Chain, chains
from .numpy_functions import BOUNDED, INTO, SECH2, UFUNCS, gives_new, is_view, reducing_ufunc

GETITEM = TABLE[operator.getitem].forward
Owners: TypeAlias = dict[Ref, frozenset[Ref]]  # for each array, the variables whose memory it may use


@dataclass
class Plan:
    """The storage of each variable.

    modes: "number", "view", "into" (a buffer or an array) or "call" for each step. place: the buffer of a variable.
    fresh: variables that get new memory at each call. sizes: bytes per buffer. hoisted: views created once, with
    the buffers. copied: outputs that must be copied. in_place: variables that overwrite a donated operand.
    chains: steps computed in blocks. block: entries per block, for variables that live only in a chain. loops: the
    chain that computes a variable.
    """

    modes: dict[Ref, str] = field(default_factory=dict)
    place: dict[Ref, int] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    fresh: set[Ref] = field(default_factory=set)
    hoisted: set[Ref] = field(default_factory=set)
    copied: set[Ref] = field(default_factory=set)
    in_place: dict[Ref, Ref] = field(default_factory=dict)
    chains: list[Chain] = field(default_factory=list)
    block: dict[Ref, int] = field(default_factory=dict)
    loops: dict[Ref, Chain] = field(default_factory=dict)


def is_dense(x: Any) -> bool:
    """Whether an array fills its memory without gaps, its axes in any order."""
    sides = sorted((stride, side) for stride, side in zip(x.strides, x.shape, strict=True) if side != 1)
    expected = x.itemsize
    for stride, side in sides:
        if stride != expected:
            return False
        expected *= side
    return True


def mode_of(program: Program, step: Step) -> str:
    """The mode of a step."""
    y = program.samples[step.out]
    if not isinstance(y, np.ndarray):
        return "call" if isinstance(y, tuple) or type(y) is np.random.Generator else "number"
    if is_view(step.function):
        x = program.sample(step.args[0])
        if isinstance(x, np.ndarray) and np.may_share_memory(x, y) and y.size:
            return "view"
        return "call"
    return "into" if y.size and is_dense(y) and _writes(program, step) else "call"


def _writes(program: Program, step: Step) -> bool:
    """Whether a step can write into a given array."""
    function, kwargs = step.function, step.kwargs
    if reducing_ufunc(function) is not None:
        x = program.sample(step.args[0])
        # NumPy 2.1 returns a wrong minimum of reversed rows where it is given out=.
        return set(kwargs) <= {"axis", "keepdims"} and isinstance(x, np.ndarray) and min(x.strides, default=0) >= 0
    if function is np.dot:
        y = program.samples[step.out]
        return bool(y.flags.c_contiguous) and all(np.ndim(program.sample(x)) for x in step.args)
    if function is np.matmul or function is operator.matmul:
        return not kwargs
    if function is operator.pow:
        return power_as(program, step) is not None
    if function in INTO:
        return not kwargs and _same_types(program, step)
    ufunc = UFUNCS.get(function, function)
    return isinstance(ufunc, np.ufunc) and ufunc.signature is None and ufunc.nout == 1 and not kwargs


def _same_types(program: Program, step: Step) -> bool:
    """Whether the twin that writes into an array gives the same result for these types."""
    y, arrays = program.samples[step.out], [program.sample(x) for x in step.args]
    if step.function is SECH2:
        x = arrays[0]
        return len(arrays) == 2 and isinstance(x, np.ndarray) and x.dtype == y.dtype and x.strides == y.strides
    if step.function is BOUNDED:
        return isinstance(arrays[0], np.ndarray) and arrays[0].dtype == y.dtype
    if step.function is np.where:  # np.copyto takes no numbers as a condition
        return bool(np.asarray(arrays[0]).dtype == bool)
    return True


def power_as(program: Program, step: Step) -> tuple[np.ufunc, int] | None:
    """The ufunc that computes ``x ** e`` of an array, and its number of operands; None if no ufunc does."""
    x, e = (program.sample(x) for x in step.args)
    y = program.samples[step.out]
    if type(step.args[1]) is Ref or not isinstance(e, (int, float)) or not isinstance(x, np.ndarray):
        both = isinstance(x, np.ndarray) and isinstance(e, np.ndarray) and e.ndim
        return (np.power, 2) if both else None
    square = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal}.get(e)
    tried = [(square, 1)] if square is not None else []
    for ufunc, n in [*tried, (np.power, 2)]:
        with np.errstate(all="ignore"):
            got = ufunc(*(x, e)[:n])
        if got.dtype == y.dtype and got.tobytes() == y.tobytes() and got.strides == y.strides:
            return ufunc, n
    return None


def plan_buffers(program: Program, donated: frozenset[Ref], reuse: bool, blocks: Blocks = IN_PYTHON) -> Plan:
    """Make the plan for a program. donated: inputs that may be overwritten. reuse: outputs may be buffers."""
    plan = Plan()
    for step in program.steps:
        plan.modes[step.out] = mode_of(program, step)
    plan.chains = chains(program, plan.modes, blocks)
    plan.block = {ref: chain.block for chain in plan.chains for ref in chain.local}
    plan.loops = {program.steps[i].out: c for c in plan.chains for i in range(c.first, c.end)}
    owners = owners_of(program, plan.modes)
    last = last_uses(program, owners)
    _place_outputs(program, plan, owners, donated, reuse)
    free = _Free(plan)
    for i, step in enumerate(program.steps):
        free.enter(plan.loops.get(step.out))
        if plan.modes[step.out] == "into":
            _assign_buffer(program, plan, step, i, owners, last, free, donated)
        if plan.modes[step.out] == "view" and all(o in plan.place for o in owners[step.out]):
            plan.hoisted.add(step.out)
        for owner in {o for x in (*operands(step), step.out) for o in owners.get(x, ())}:
            if last.get(owner) == i and owner in plan.place:
                free.release(plan.place[owner], owner in plan.block)
                last[owner] = -1
    return plan


class _Free:
    """The free buffers, in the order in which they became free.

    Inside a loop over blocks, a buffer of one block can be reused at once, but a larger one only after the loop:
    later iterations still read its other blocks.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self.loop = plan, None
        self.buffers: list[int] = []
        self.blocks: list[int] = []
        self.later: list[int] = []

    def enter(self, loop: Chain | None) -> None:
        """Note the loop of the next step; None if it is in no loop."""
        if loop is not self.loop:
            self.buffers += self.blocks + self.later
            self.blocks, self.later, self.loop = [], [], loop  # type: ignore[assignment]

    def release(self, k: int, block: bool) -> None:
        """Mark a buffer as free."""
        (self.buffers if self.loop is None else self.blocks if block else self.later).append(k)

    def take(self, size: int, block: bool) -> int:
        """Take the smallest free buffer that is large enough, or a new one."""
        sizes = self.plan.sizes
        for found in [self.blocks, self.buffers] if block else [self.buffers]:
            if fitting := [k for k in found if size <= sizes[k] <= 4 * size + 1024]:
                best = min(fitting, key=lambda k: sizes[k])
                found.remove(best)
                return best
        sizes.append(size)
        return len(sizes) - 1


def owners_of(program: Program, modes: dict[Ref, str]) -> Owners:
    """For each array, the variables whose memory it may use: itself, or those it may be a view of."""
    given = (*program.inputs, *(ref for ref, _ in program.leaves))
    owners = {ref: frozenset([ref]) for ref in given if isinstance(program.samples[ref], np.ndarray)}
    for step in program.steps:
        below = frozenset(o for x in operands(step) for o in owners.get(x, ()))
        mode = modes[step.out]
        if mode == "number":
            owners[step.out] = frozenset()
        elif mode == "view":
            owners[step.out] = below
        elif mode == "into" or _gives_new(step):
            owners[step.out] = frozenset([step.out])
        else:
            owners[step.out] = below | {step.out}
    return owners


def _gives_new(step: Step) -> bool:
    """Whether a function is known to return new memory."""
    return step.draws or gives_new(step.function)


def last_uses(program: Program, owners: dict[Ref, frozenset[Ref]]) -> dict[Ref, int]:
    """The last step that reads each variable or a view of it; after all steps if it is returned."""
    last: dict[Ref, int] = {}
    for i, step in enumerate(program.steps):
        for x in (*operands(step), step.out):
            last.update(dict.fromkeys(owners.get(x, ()), i))
    for x in refs(program.outputs):
        last.update(dict.fromkeys(owners.get(x, ()), len(program.steps)))
    return last


def _place_outputs(
    program: Program, plan: Plan, owners: dict[Ref, frozenset[Ref]], donated: frozenset[Ref], reuse: bool
) -> None:
    """Give returned variables their own memory, or copy them where that is impossible."""
    into = {step.out for step in program.steps if plan.modes[step.out] == "into"}
    new = {step.out for step in program.steps if plan.modes[step.out] == "call" and _gives_new(step)}
    taken: set[Ref] = set()
    for x in dict.fromkeys(refs(program.outputs)):
        own = owners.get(x, frozenset())
        if not own:
            continue
        if len(own) == 1 and own <= (into | new) and own.isdisjoint(taken):
            taken |= own
            if not reuse:
                plan.fresh |= own & into
        else:
            plan.copied.add(x)


def _assign_buffer(
    program: Program, plan: Plan, step: Step, i: int, owners: Owners, last: dict[Ref, int], free: _Free,
    donated: frozenset[Ref],
) -> None:  # fmt: skip
    """Give a variable a buffer: that of an operand read for the last time, a free one, or a new one."""
    y = program.samples[step.out]
    dying = _reusable_operand(program, plan, step, i, owners, last, donated)
    taken = dying is not None and dying not in plan.place  # an argument that may be overwritten
    if step.out in plan.fresh:
        if dying is not None and taken:
            plan.in_place[step.out] = dying
            plan.fresh.discard(step.out)
    elif dying is not None and dying in plan.place:
        plan.place[step.out] = plan.place[dying]
        last[dying] = -1
    else:
        block = step.out in plan.block
        entries = plan.block[step.out] if block else y.size
        plan.place[step.out] = free.take(entries * y.itemsize, block)


def _reusable_operand(
    program: Program, plan: Plan, step: Step, i: int, owners: Owners, last: dict[Ref, int], donated: frozenset[Ref]
) -> Ref | None:
    """An operand whose memory the result can overwrite, entry by entry; None if there is none."""
    function = UFUNCS.get(step.function, step.function)
    elementwise = isinstance(function, np.ufunc) and function.signature is None
    y, read = program.samples[step.out], operands(step)
    able = read
    if not elementwise and step.function is not operator.pow:
        inputs = (step.args[k] for k in INTO.get(step.function, ("", ()))[1])
        able = tuple([x for x in inputs if type(x) is Ref])
    for x in dict.fromkeys(able):
        sample = program.samples[x]
        fits = isinstance(sample, np.ndarray) and (sample.shape, sample.strides, sample.dtype) == (
            y.shape, y.strides, y.dtype,
        )  # fmt: skip
        own = owners.get(x, frozenset()) == {x} and last.get(x) == i and (x in plan.place or x in donated)
        own = own and (x in plan.block) == (step.out in plan.block)
        if fits and own and not any(x in owners.get(z, ()) for z in read if z != x):
            return x
    return None
