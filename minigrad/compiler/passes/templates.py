"""The steps that replaced one step, used again for all steps of its kind: tracing a rule takes ten times as long.

Steps are of one kind if they call the same function, backward or forward, with the same constants, and with
variables of the same types, shapes and layouts. A rule sees nothing else, as it runs on Values.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from ...engine.tree_folds import tree_key
from ...tracing.program import Program, Ref, Step, operands, same_bits, substitute
from ...tracing.tape import as_data
from .cse import constant_key

Body = tuple[list[Step], Any]  # steps, and the result: a variable, a constant or a tuple of them


class Templates:
    """The bodies found so far. find: the body of a step, None if it cannot be inlined."""

    def __init__(self, program: Program, find: Callable[[Program, Step], Body | None]) -> None:
        self.program, self.find = program, find
        # With the step that each was found for: its constants must live, as keys hold their ids.
        self.known: dict[Hashable, tuple[Step, Body | None, bool]] = {}

    def body_of(self, step: Step) -> Body | None:
        """New steps that replace a step, and their result; None if the step stays."""
        key = self._kind_of(step)
        found = self.known.get(key)
        if found is None:
            body = self.find(self.program, step)
            self.known[key] = (step, body, body is not None and self._can_repeat(step, body))
            return body
        before, body, again = found
        if body is None:
            return None
        return self._repeat(before, body, step) if again else self.find(self.program, step)

    def _kind_of(self, step: Step) -> Hashable:
        places: dict[Ref, int] = {}
        samples = self.program.samples

        def key(x: Any) -> Hashable:
            if type(x) is not Ref:
                return constant_key(x)
            sample = samples[x]
            layout = (sample.dtype, sample.shape, sample.strides) if type(sample) is np.ndarray else type(sample)
            return (places.setdefault(x, len(places)), layout)

        if step.reads is step.args:  # mostly
            return (step.function, step.backward, *map(key, step.args))
        named = tree_key(step.kwargs, key) if step.kwargs else ()
        return (step.function, step.backward, tree_key(step.args, key), named)

    def _can_repeat(self, step: Step, body: Body) -> bool:
        """Whether all that the body computes are arrays and NumPy's numbers: for others `find` has rules."""
        variables = (*operands(step), *(inner.out for inner in body[0]))
        return all(isinstance(self.program.samples[x], (np.ndarray, np.generic)) for x in variables)

    def _repeat(self, before: Step, body: Body, step: Step) -> Body | None:
        """The body with the operands of another step of the kind; None if it gives other bits on their samples."""
        samples, steps = self.program.samples, []
        names: dict[Ref, Any] = dict(zip(operands(before), operands(step), strict=True))
        for inner in body[0]:
            if inner.reads is inner.args:  # mostly
                args, kwargs = tuple([names[x] for x in inner.args]), inner.kwargs
                data = inner.function(*[samples[x] for x in args])
            else:
                args, kwargs = substitute(inner.args, names), substitute(inner.kwargs, names)
                data = inner.function(*substitute(args, samples), **substitute(kwargs, samples))
            names[inner.out] = out = self.program.fresh(as_data(data))
            steps.append(Step(out, inner.function, args, kwargs, inner.label, inner.backward))
        result = substitute(body[1], names)
        return (steps, result) if same_bits(substitute(result, samples), samples[step.out]) else None
