"""Program: a recorded graph as a list of steps in order of computation.

All passes work on this form. It depends neither on how a graph is recorded nor on how it is written as Python.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.dataclass_trees import leaf_class
from ..engine.tree import kind_of, leaves
from ..engine.tree_folds import replace_leaves
from .outlines import SMALL, outline


class Ref(int):
    """The number of a variable: an input or the result of a step."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"v{int(self)}"


@leaf_class
@dataclass(frozen=True, slots=True)
class Kept:
    """A model in the result that the function did not make: the caller gets that very object."""

    model: Any


@dataclass(slots=True)
class Step:
    """One call: ``out = function(*args, **kwargs)``, where a `Ref` stands for a variable.

    label: the op's label. backward: whether it runs without warnings, because a sweep computed it, or the function
    where it ignores them. draws: whether it advances a random generator. checks: whether it looks for nan, and may
    raise.
    No pass changes a step: it makes another, so what is found here stays true. reads: see `operands`; `args` itself
    if that holds variables alone, and nothing is named. has_effect: whether it does more than compute its result.
    """

    out: Ref
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    label: str
    backward: bool = False
    draws: bool = False
    checks: bool = False
    reads: tuple[Ref, ...] = field(init=False, repr=False, compare=False)
    has_effect: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.has_effect, args = self.draws or self.checks, self.args
        found = [x for x in args if type(x) is Ref]
        alone = len(found) == len(args)
        if self.kwargs or (not alone and any(map(kind_of, args))):
            self.reads = (*refs(args), *refs(self.kwargs))
        else:
            self.reads = args if alone else tuple(found)


@dataclass(slots=True)
class Program:
    """Steps with their inputs and outputs.

    inputs: the variables passed at each call. leaves: those read from Values that the function closes over.
    outputs: the nested result, with variables in it. samples: the data of each variable while tracing. settings:
    (model, attribute, value) for all that the function read from models; it is right only while they stay the same.
    powers: how NumPy computes the variables that are powers, which was found by their data.
    catches: whether the function may catch an error.
    """

    inputs: list[Ref]
    leaves: list[tuple[Ref, Any]]
    steps: list[Step]
    outputs: Any
    samples: dict[Ref, Any] = field(default_factory=dict)
    powers: dict[Ref, Any] = field(default_factory=dict)
    settings: list[tuple[Any, str, Any]] = field(default_factory=list)
    catches: bool = False

    def fresh(self, sample: Any) -> Ref:
        """A new variable."""
        ref = Ref(len(self.samples))
        self.samples[ref] = sample
        return ref

    def with_steps(self, steps: list[Step], names: dict[Ref, Any] | None = None) -> Program:
        """The same program with other steps. names: replacements for variables in the outputs."""
        outputs = substitute(self.outputs, names) if names else self.outputs
        return Program(self.inputs, self.leaves, steps, outputs, self.samples, self.powers)

    def forget_samples(self) -> None:
        """Keep only the shape, type and strides of every variable, to free the memory of the trace."""
        samples, given = self.samples, {*self.inputs, *(ref for ref, _ in self.leaves)}
        for ref, x in samples.items():
            # A small array that a step made owns its memory already; the user may change those that are given.
            if type(x) is np.ndarray and x.size <= SMALL and x.base is None and ref not in given:
                continue
            if isinstance(x, (np.ndarray, tuple)):
                samples[ref] = replace_leaves(x, outline)

    def sample(self, x: Any) -> Any:
        """The data of a variable while tracing; a constant is returned as it is."""
        return self.samples[x] if type(x) is Ref else x


def substitute(x: Any, names: dict[Ref, Any]) -> Any:
    """Replace variables in nested arguments."""
    if type(x) is Ref:
        return names.get(x, x)
    return replace_leaves(x, lambda leaf: names.get(leaf, leaf) if type(leaf) is Ref else leaf)


def refs(x: Any) -> list[Ref]:
    """The variables in nested arguments, with repeats."""
    return [leaf for leaf in leaves(x) if type(leaf) is Ref]


# The variables that a step reads, with repeats. Each pass asks for them: a call in C, as they are known.
operands: Callable[[Step], tuple[Ref, ...]] = operator.attrgetter("reads")


def step_with(step: Step, names: dict[Ref, Any]) -> Step:
    """The step with other variables as operands; the step itself if it reads none of them."""
    if not names or names.keys().isdisjoint(operands(step)):
        return step
    args = tuple([names.get(x, x) if type(x) is Ref else substitute(x, names) for x in step.args])
    kwargs = substitute(step.kwargs, names) if step.kwargs else step.kwargs
    return Step(step.out, step.function, args, kwargs, step.label, step.backward, step.draws, step.checks)


def run_program(program: Program, inputs: list[Any]) -> Any:
    """Run a program step by step: the reference for tests of all passes."""
    values: dict[Ref, Any] = dict(zip(program.inputs, inputs, strict=True))
    values.update({ref: leaf._array for ref, leaf in program.leaves})
    for step in program.steps:
        values[step.out] = step.function(*substitute(step.args, values), **substitute(step.kwargs, values))
    return replace_leaves(substitute(program.outputs, values), lambda x: x.model if type(x) is Kept else x)


def same_bits(a: Any, b: Any) -> bool:
    """Whether two results are equal to the last bit, type, shape and layout included."""
    if type(a) is type(b) is np.float64 and a == b and a:  # the usual number, in a tenth of the time
        return True
    alike = type(a) is type(b) is np.ndarray and (a.dtype, a.shape, a.strides) == (b.dtype, b.shape, b.strides)
    if alike and a.dtype.kind == "f" and a.tobytes() == b.tobytes():  # the usual array
        return True
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(same_bits, a, b))
    x, y = np.asarray(a), np.asarray(b)
    if x.dtype != y.dtype or x.shape != y.shape or isinstance(a, np.ndarray) != isinstance(b, np.ndarray):
        return False
    if x.size > 1 and _strides(x) != _strides(y):
        return False
    if x.dtype == object:
        return bool(a is b)
    return x.tobytes() == y.tobytes() or (x.dtype.kind == "f" and _equal_but_nan(x, y))


def _equal_but_nan(x: Any, y: Any) -> bool:
    return np.array_equal(x, y, equal_nan=True) and np.array_equal(np.signbit(x)[x == x], np.signbit(y)[y == y])


def _strides(x: Any) -> list[int]:
    """The strides of the axes along which there is more than one entry."""
    return [stride for stride, side in zip(x.strides, x.shape, strict=True) if side > 1]
