"""Program: a recorded graph as a list of steps, in the order in which they are computed.

The one form that all passes work on. Nothing here knows how it was recorded or how it will be written as Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class Ref(int):
    """The number of a variable: an input, or what a step computed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"v{int(self)}"


@dataclass(slots=True)
class Step:
    """One call: ``out = function(*args, **kwargs)``, in which a `Ref` stands for a variable.

    label: what the op is called. backward: whether a sweep computed it. draws: whether a random generator moves on.
    """

    out: Ref
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    label: str
    backward: bool = False
    draws: bool = False


@dataclass(slots=True)
class Program:
    """Steps, with what goes in and what comes out.

    inputs: the variables that are given at each call. leaves: those read from Values that the function closes over.
    outputs: the nesting of what is returned, with variables in it. samples: what each variable was while tracing.
    """

    inputs: list[Ref]
    leaves: list[tuple[Ref, Any]]
    steps: list[Step]
    outputs: Any
    samples: dict[Ref, Any] = field(default_factory=dict)

    def fresh(self, sample: Any) -> Ref:
        """A new variable."""
        ref = Ref(len(self.samples))
        self.samples[ref] = sample
        return ref

    def with_steps(self, steps: list[Step], names: dict[Ref, Any] | None = None) -> Program:
        """The same program with other steps; names: what variables are now called in the outputs."""
        outputs = renamed(self.outputs, names) if names else self.outputs
        return Program(self.inputs, self.leaves, steps, outputs, self.samples)

    def forget_samples(self) -> None:
        """Keep of every variable its shape and type alone: what it was while tracing takes memory."""
        for ref, x in self.samples.items():
            if isinstance(x, tuple):
                self.samples[ref] = tuple(map(_outline, x))
            else:
                self.samples[ref] = _outline(x)

    def sample(self, x: Any) -> Any:
        """What a variable was while tracing; a constant is itself."""
        return self.samples[x] if type(x) is Ref else x


def _outline(x: Any) -> Any:
    """An array of the same shape and type, of one number in memory; a few numbers are kept, for pictures."""
    if not isinstance(x, np.ndarray):
        return x
    return x.copy() if x.size <= 64 else np.ndarray(x.shape, x.dtype, bytes(x.itemsize), 0, (0,) * x.ndim)


def renamed(x: Any, names: dict[Ref, Any]) -> Any:
    """A nesting of arguments with other names for variables."""
    if type(x) is Ref:
        return names.get(x, x)
    if isinstance(x, (tuple, list)):
        items = [renamed(item, names) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if isinstance(x, dict):
        return {key: renamed(item, names) for key, item in x.items()} if type(x) is dict else _like(x, names)
    return x


def _like(x: dict[Any, Any], names: dict[Ref, Any]) -> dict[Any, Any]:
    new = x.copy()
    new.update({key: renamed(item, names) for key, item in x.items()})
    return new


def refs(x: Any) -> Iterator[Ref]:
    """The variables in a nesting of arguments, with repeats."""
    if type(x) is Ref:
        yield x
    elif isinstance(x, (tuple, list)):
        for item in x:
            yield from refs(item)
    elif isinstance(x, dict):
        for item in x.values():
            yield from refs(item)


def operands(step: Step) -> list[Ref]:
    """The variables that a step reads, with repeats."""
    found = [x for x in step.args if type(x) is Ref]
    if len(found) < len(step.args) or step.kwargs:
        return [*refs(step.args), *refs(step.kwargs)]
    return found


def step_with(step: Step, names: dict[Ref, Any]) -> Step:
    """The step with other names for the variables it reads."""
    if not names:
        return step
    args = tuple([names.get(x, x) if type(x) is Ref else renamed(x, names) for x in step.args])
    kwargs = renamed(step.kwargs, names) if step.kwargs else step.kwargs
    return Step(step.out, step.function, args, kwargs, step.label, step.backward, step.draws)


def run(program: Program, inputs: list[Any]) -> Any:
    """What a program gives, computed step by step: the reference that every pass is tested by."""
    values: dict[Ref, Any] = dict(zip(program.inputs, inputs, strict=True))
    values.update({ref: leaf._array for ref, leaf in program.leaves})
    for step in program.steps:
        values[step.out] = step.function(*renamed(step.args, values), **renamed(step.kwargs, values))
    return renamed(program.outputs, values)


def same_bits(a: Any, b: Any) -> bool:
    """Whether two results are equal to the last bit, type, shape and layout included."""
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
