"""Decides where every variable of a program lives: in a buffer, in its own memory, as a view, or as a number.

A buffer is free again after the last step that reads it or a view of it. An elementwise step writes in place if it
is the last to read an operand. Returned arrays have their own memory.
"""

from __future__ import annotations

import operator
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.op import TABLE
from ..tracing.program import Program, Ref, Step, operands, refs
from .blocking import IN_PYTHON, Blocks, Chain, chains
from .numpy_functions import BOUNDED, INTO, SECH2, UFUNCS, is_view, reducing_ufunc
from .owners import Owners, last_uses, owners_of, returns_new
from .powers import power_as
from .step_kinds import Kinds

LINE = 64  # bytes, of the cache
Extent = tuple[int, np.dtype[Any]]  # entries and type of an array
GETITEM = TABLE[operator.getitem].forward


@dataclass
class Plan:
    """The storage of each variable.

    modes: "number", "view", "into" (a buffer or an array) or "call" for each step. place: where the buffer of a
    variable starts, in one piece of memory. size: the bytes of that memory. fresh: variables that get new memory at
    each call. hoisted: views created once, with the buffers. copied: outputs that must be copied. in_place:
    variables that overwrite a donated operand. chains: steps computed in blocks. block: entries per block, for
    variables that live only in a chain. loops: the chain that computes a variable. kinds: of its steps.
    """

    kinds: Kinds

    modes: dict[Ref, str] = field(default_factory=dict)
    place: dict[Ref, int] = field(default_factory=dict)
    size: int = 0
    fresh: set[Ref] = field(default_factory=set)
    hoisted: set[Ref] = field(default_factory=set)
    copied: set[Ref] = field(default_factory=set)
    in_place: dict[Ref, Ref] = field(default_factory=dict)
    chains: list[Chain] = field(default_factory=list)
    block: dict[Ref, int] = field(default_factory=dict)
    loops: dict[Ref, Chain] = field(default_factory=dict)


def is_dense(x: Any) -> bool:
    """Whether an array fills its memory without gaps, its axes in any order."""
    if x.flags.c_contiguous:
        return True
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


def _modes(program: Program, kinds: Kinds) -> dict[Ref, str]:
    """The mode of each step, found once for all of a kind; but that of a view depends on memory."""
    views = {function for function in {step.function for step in program.steps} if is_view(function)}
    of_kind, samples = kinds.decided_once(mode_of), program.samples
    return {
        step.out: of_kind(step)
        if type(samples[step.out]) is np.ndarray and step.function not in views
        else mode_of(program, step)
        for step in program.steps
    }


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


def plan_buffers(program: Program, donated: frozenset[Ref], reuse: bool, blocks: Blocks = IN_PYTHON) -> Plan:
    """Make the plan for a program. donated: inputs that may be overwritten. reuse: outputs may be buffers."""
    plan = Plan(kinds=Kinds(program))
    plan.modes = _modes(program, plan.kinds)
    if not any(isinstance(x, np.ndarray) for x in program.samples.values()):
        return plan
    plan.chains = chains(program, plan.modes, blocks, plan.kinds)
    loops = [c for c in plan.chains if c.is_loop]
    plan.block = {ref: c.block for c in loops for ref in c.local}
    plan.loops = {program.steps[i].out: c for c in loops for i in range(c.first, c.end)}
    owners = owners_of(program, plan.modes)
    last = last_uses(program, owners)
    _place_outputs(program, plan, owners, donated, reuse)
    dying: dict[int, list[Ref]] = {}
    for owner, i in last.items():
        dying.setdefault(i, []).append(owner)
    free = _Free()
    for i, step in enumerate(program.steps):
        free.enter(plan.loops.get(step.out))
        mode = plan.modes[step.out]
        if mode == "into":
            _assign_buffer(program, plan, step, i, owners, last, free, donated)
        elif mode == "view" and all(o in plan.place for o in owners.get(step.out)):
            plan.hoisted.add(step.out)
        for owner in dying.get(i, ()):
            if last[owner] == i and owner in plan.place:
                free.release(plan.place[owner], program.samples[owner], plan.block.get(owner, 0))
                last[owner] = -1
    plan.size = free.memory.size
    return plan


class Memory:
    """One piece of memory from which buffers are taken: the smallest gap that is large enough, or more memory.

    Gaps that touch become one. The time to find a gap hardly depends on how many there are.
    """

    def __init__(self) -> None:
        self.size = 0
        self.gaps: list[tuple[int, int]] = []  # (bytes, start), in order
        self.starts: dict[int, int] = {}  # the end of each gap by its start
        self.ends: dict[int, int] = {}  # and its start by its end

    def take(self, size: int) -> int:
        """The start of a new buffer."""
        i = bisect_left(self.gaps, (size, 0))
        if i < len(self.gaps):
            start, end = self._close(self.gaps[i][1])
        else:
            start = self.ends.get(self.size, self.size)
            if start in self.starts:
                self._close(start)
            end = self.size = start + size
        if start + size < end:
            self._open(start + size, end)
        return start

    def put(self, start: int, size: int) -> None:
        """Take back a buffer."""
        end = start + size
        if start in self.ends:
            start, _ = self._close(self.ends[start])
        if end in self.starts:
            _, end = self._close(end)
        self._open(start, end)

    def _open(self, start: int, end: int) -> None:
        self.starts[start], self.ends[end] = end, start
        insort(self.gaps, (end - start, start))

    def _close(self, start: int) -> tuple[int, int]:
        end = self.starts.pop(start)
        del self.ends[end]
        del self.gaps[bisect_left(self.gaps, (end - start, start))]
        return start, end


class _Free:
    """The free buffers.

    Inside a loop over blocks, a buffer of one block can be reused at once by another block, and a larger one by an
    array of the same size and type only, since later iterations still read its other blocks. All else waits for the
    end of the loop.
    """

    def __init__(self) -> None:
        self.memory = Memory()
        self.loop: Chain | None = None
        self.blocks: dict[Extent, list[int]] = {}
        self.arrays: dict[Extent, list[int]] = {}

    def enter(self, loop: Chain | None) -> None:
        """Note the loop of the next step; None if it is in no loop."""
        if loop is self.loop:
            return
        for kind in (self.blocks, self.arrays):
            for (entries, dtype), starts in kind.items():
                for start in starts:
                    self.memory.put(start, room(entries * dtype.itemsize))
            kind.clear()
        self.loop = loop

    def release(self, start: int, y: NDArray[Any], block: int) -> None:
        """Mark the buffer of a variable as free. block: entries of one; 0: the buffer holds all."""
        if self.loop is None:
            self.memory.put(start, room((block or y.size) * y.itemsize))
        else:
            (self.blocks if block else self.arrays).setdefault((block or y.size, y.dtype), []).append(start)

    def take(self, y: NDArray[Any], block: int) -> int:
        """The start of a free buffer for a variable."""
        if found := (self.blocks if block else self.arrays).get((block or y.size, y.dtype)):
            return found.pop()
        return self.memory.take(room((block or y.size) * y.itemsize))


def room(size: int) -> int:
    """The bytes of a buffer, which starts at a line of the cache and never touches the next one.

    Where operands touch, some loops of NumPy take another way, as if they overlapped.
    """
    return (size // LINE + 1) * LINE


def _place_outputs(program: Program, plan: Plan, owners: Owners, donated: frozenset[Ref], reuse: bool) -> None:
    """Give returned variables their own memory, or copy them where that is impossible."""
    into = {step.out for step in program.steps if plan.modes[step.out] == "into"}
    new = {step.out for step in program.steps if plan.modes[step.out] == "call" and returns_new(step)}
    own_memory = into | new
    taken: set[Ref] = set()
    for x in dict.fromkeys(refs(program.outputs)):
        own = owners.get(x)
        if not own:
            continue
        if len(own) == 1 and own <= own_memory and own.isdisjoint(taken):
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
        plan.place[step.out] = free.take(y, plan.block.get(step.out, 0))


def _reusable_operand(
    program: Program, plan: Plan, step: Step, i: int, owners: Owners, last: dict[Ref, int], donated: frozenset[Ref]
) -> Ref | None:
    """An operand whose memory the result can overwrite, entry by entry; None if there is none."""
    layouts, read = plan.kinds.layouts, operands(step)
    for x in dict.fromkeys(read):
        if last.get(x) != i or not (x in plan.place or x in donated) or owners.get(x) != {x}:  # nearly always
            continue
        own = (x in plan.block) == (step.out in plan.block)
        fits = own and layouts[x] == layouts[step.out] and _may_write_over(step, x)
        if fits and not any(owners.may_use(z, x) for z in read if z != x):
            return x
    return None


def _may_write_over(step: Step, x: Ref) -> bool:
    """Whether a step can write its result over an operand: all operands of a ufunc, some of other functions."""
    function = UFUNCS.get(step.function, step.function)
    if (isinstance(function, np.ufunc) and function.signature is None) or function is operator.pow:
        return True
    return any(type(step.args[k]) is Ref and step.args[k] == x for k in INTO.get(function, ("", ()))[1])
