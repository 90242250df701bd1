"""Makes the native step of a program: its plan translated, and the Python for steps that have no loop."""

from __future__ import annotations

import builtins
from typing import Any

from ...tracing.program import Program, Ref, Step, refs
from ..blocking import Blocks
from ..codegen import Writer
from ..scalar_codegen import is_scalar
from . import Native, extension, why_not
from .loop_choice import in_blocks
from .translate import Translator

# A call costs nothing here, and a few blocks stay in the processor's first cache.
NATIVE = Blocks(size=1 << 13, least=1 << 14, allows=in_blocks)


def usable(program: Program, wanted: bool) -> Native:
    """Whether the executor may run a program."""
    if not wanted:
        return Native(False, "native=False")
    why = why_not() or ("it computes only with numbers" if is_scalar(program) else "")
    return Native(not why, why)


class NativeStep:
    """A program that the executor runs: call it with flat inputs. native: how many of its steps need no Python."""

    def __init__(self, writer: Writer) -> None:
        assert extension is not None
        self.writer, self.lines = writer, list[str]()
        program = writer.program
        translator = Translator(program, writer.plan, self._write, extension.find_loop)
        code = translator.translate()
        storage = translator.storage
        flat = [*dict.fromkeys(refs(program.outputs))]
        outputs = [(storage.slot(ref), False) for ref in flat]
        size, slots = storage.layout()
        self.lines += self._build(flat)
        names: dict[str, Any] = dict(writer.names)
        exec(builtins.compile("\n".join(self.lines), "<compiled by minigrad>", "exec"), names)
        ready = [tuple(x._replace(function=names[x.function]) if type(x.function) is str else x) for x in code]
        n_inputs = len(program.inputs) + len(program.leaves)
        self.executor = extension.Executor(
            n_inputs, size, bytes(storage.cells), [*map(tuple, slots)], storage.loads, ready, outputs
        )
        self.build = names["build"]
        self.native = Native(True, f"{translator.native} of {len(program.steps)} steps")
        self.code = code

    def __call__(self, *inputs: Any) -> Any:
        """The result for these inputs."""
        return self.build(*self.executor(*inputs))

    def _write(self, steps: list[Step], variables: list[Ref]) -> str:
        """Write steps as a function of variables; its name."""
        writer, name = self.writer, f"step_{int(steps[0].out)}"
        given = ", ".join(dict.fromkeys(writer.variables[ref] for ref in variables))
        self.lines += [f"def {name}({given}):", *(f"    {line}" for line in writer.as_function(steps)), ""]
        return name

    def _build(self, flat: list[Ref]) -> list[str]:
        """The function that nests flat results as f returns them."""
        result = self.writer._outputs(self.writer.program.outputs)
        return [f"def build({', '.join(self.writer.variables[ref] for ref in flat)}):", f"    return {result}"]
