"""Writes the result of a program as Python: its containers, with variables in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.tree import kind_of
from ..tracing.placeholders import WeakFloat
from ..tracing.program import Kept, Ref


class ResultWriter:
    """Writes the result of one program. writer: a `codegen.Writer`, which names variables and constants."""

    def __init__(self, writer: Any) -> None:
        self.writer = writer
        self.constant: Callable[[Any], str] = writer.constant
        self.spell: Callable[[Any], str] = writer.spell
        self.rebuild: Callable[[Any, Any], str] = writer.rebuild
        self.returned: set[Ref] = set()

    # It walks by hand: each literal has a text of its own.
    def text(self, x: object) -> str:
        """The text of the result: containers written out, with variables in them. All of them are new."""
        if type(x) is Ref:
            return self._result(x)
        if type(x) is Kept:
            return self.constant(x.model)
        if type(x) is tuple:
            return f"({', '.join(map(self.text, x))}{',' if len(x) == 1 else ''})"
        if type(x) is list:
            return f"[{', '.join(map(self.text, x))}]"
        if type(x) is dict and all(type(key) in (str, int) for key in x):
            return f"{{{', '.join(f'{key!r}: {self.text(item)}' for key, item in x.items())}}}"
        if isinstance(x, tuple) and hasattr(x, "_fields"):
            return f"{self.constant(type(x))}({', '.join(map(self.text, x))})"
        if isinstance(x, np.ndarray):
            return f"np.array({self.constant(x)})"
        return self.spell(x) if x is None or not kind_of(x) else self.rebuild(x, self.text)

    def _result(self, ref: Ref) -> str:
        if self.writer.numbers is not None:
            return str(self.writer.numbers.result_text(ref))
        name = self.writer.variables[ref]
        again = ref in self.returned and isinstance(self.writer.program.samples[ref], np.ndarray)
        self.returned.add(ref)
        if type(self.writer.program.samples[ref]) in (float, WeakFloat):
            return f"np.float64({name})"
        return f"np.array({name})" if again or ref in self.writer.plan.copied else name
