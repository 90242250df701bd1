"""The Python of one program and of its guard, written when someone asks for it or when Python must run it."""

from __future__ import annotations

import builtins
import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ..tracing.program import Program, Ref
from .buffers import Plan
from .codegen import Writer
from .guards import Guard
from .loading import make_of
from .names import Names


class Texts:
    """The two texts. guard: makes the guard; both work on outlines, so they may be written long after the trace."""

    def __init__(
        self, program: Program, plan: Plan, inputs: dict[Ref, str], names: Names,
        guard: Callable[[], Guard], miss: object,
    ) -> None:  # fmt: skip
        notes = [f"{inputs[ref]}: {_leaf_text(leaf)}, read at each call" for ref, leaf in program.leaves]
        self._parts = program, plan, inputs, names, notes
        self._make_guard, self._miss = guard, miss
        self._lock = threading.Lock()  # a second writer would take other names
        self._source: str | None = None
        self._guard: tuple[str, dict[str, object]] | None = None

    @property
    def source(self) -> str:
        """The Python of the program."""
        with self._lock:
            if self._source is None:
                self._source = Writer(*self._parts).text()
            return self._source

    @property
    def guard(self) -> str:
        """The Python of the guard."""
        return self._written_guard()[0]

    def _written_guard(self) -> tuple[str, dict[str, object]]:
        with self._lock:
            if self._guard is None:
                guard = self._make_guard()
                self._guard = guard.text(), guard.names.objects
            return self._guard

    @functools.cached_property
    def enter(self) -> Callable[..., Any]:
        """What both make: ``enter(args, kwargs)`` gives the result, or MISS if something does not fit."""
        source, (guard, objects) = self.source, self._written_guard()
        words: dict[str, Any] = {
            **objects, "make": make_of(source, self._parts[3].objects), "free": [], "MISS": self._miss,
        }  # fmt: skip
        exec(builtins.compile(guard, "<guard by minigrad>", "exec"), words)
        enter: Callable[..., Any] = words["enter"]
        return enter


def _leaf_text(leaf: Any) -> str:
    name = f"{leaf.name if leaf.name.isprintable() else repr(leaf.name)} " if leaf.name else ""
    return f"a Value {name}{np.shape(leaf._array)} that the function closes over"
