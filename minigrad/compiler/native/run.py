"""Makes the native step of a program: its plan translated, and the Python for steps that have no loop."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...tracing.arguments import Described
from ...tracing.program import Program, Ref, Step, refs
from ..blocking import Blocks
from ..buffers import Plan
from ..codegen import Writer, names_for_step
from ..failing_step import SOURCE, TEXT
from . import Native, extension, why_not
from .entry import why_not_read
from .loop_choice import in_blocks
from .translate import Translator

# A call costs nothing here, and a few blocks stay in the processor's first cache. Empty arrays have none.
NATIVE = Blocks(size=1 << 13, least=1, allows=in_blocks)

HAS_VECTORS = extension is not None and extension.use_vectors(64) > 0  # the widest of this processor


def usable(given: Described, wanted: bool) -> Native:
    """Whether the executor may run programs on arguments such as those given."""
    why = (why_not() or why_not_read(given)) if wanted else "native=False"
    return Native(not why, why)


class NativeStep:
    """A program that an executor runs. native: how many of its steps need no Python. size: bytes of an arena."""

    def __init__(self, program: Program, plan: Plan) -> None:
        assert extension is not None
        self.names = names_for_step()
        inputs = [*program.inputs, *(ref for ref, _ in program.leaves)]
        self.writer = Writer(program, plan, {ref: self.names.take("x") for ref in inputs}, self.names, [])
        self.lines: list[str] = []
        translator = Translator(program, plan, self._write, extension.find_loop, HAS_VECTORS)
        code = translator.translate()
        storage = translator.storage
        outputs = [(storage.slot(ref), copied) for ref, copied in _results(program, plan)]
        self.size, slots = storage.layout()
        names: dict[str, Any] = {**self.names.objects}
        if self.lines:
            names[TEXT] = text = "\n".join(self.lines)
            exec(builtins.compile(text, SOURCE, "exec"), names)
        ready = [x._replace(function=names[x.function]) if type(x.function) is str else x for x in code]
        n_inputs = len(program.inputs) + len(program.leaves)
        self.executor = extension.Executor(
            n_inputs, self.size, bytes(storage.cells), [*map(tuple, slots)], storage.loads, ready, outputs
        )
        self.native = Native(True, f"{translator.native} of {len(program.steps)} steps")
        self.code = code

    def _write(self, step: Step, variables: list[Ref]) -> str:
        """Write a step as a function of variables; its name."""
        if not self.lines:
            self.writer.name_variables()
        name, given = self.names.take(f"step_{int(step.out)}"), [self.writer.variables[ref] for ref in variables]
        body = self.writer.as_function(step)
        self.lines += [f"def {name}({', '.join(dict.fromkeys(given))}):", *(f"    {line}" for line in body), ""]
        return name


def _results(program: Program, plan: Plan) -> Iterator[tuple[Ref, bool]]:
    """The variables in the result, in turn, and whether each is copied: no two results are the same array."""
    earlier = set(plan.copied)
    for ref in refs(program.outputs):
        yield ref, ref in earlier and isinstance(program.samples[ref], np.ndarray)
        earlier.add(ref)
