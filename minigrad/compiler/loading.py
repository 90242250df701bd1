"""Turns the text of a program into its function `make`.

Python takes quadratic time for a function with many variables that an inner function reads, 72 µs a line for 80,000
lines. So the body of a long `make` runs as a module, once for each set of buffers: 8 µs a line, however many.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from textwrap import dedent
from typing import Any

from .failing_step import SOURCE, TEXT

LONG = 2000  # lines; in a shorter text, variables of a function are read a little faster than those of a module
_FIRST, _LAST = "def make():\n", "    return step\n"


def make_of(source: str, names: dict[str, Any]) -> Callable[[], Callable[..., Any]]:
    """The function `make` of a source that names these objects."""
    names = {**names, TEXT: source}
    if source.count("\n") < LONG:
        found = {**names}
        exec(builtins.compile(source, SOURCE, "exec"), found)
        make: Callable[[], Callable[..., Any]] = found["make"]
        return make
    body = dedent(source.removeprefix(_FIRST).removesuffix(_LAST))
    code = builtins.compile("\n" + body, SOURCE, "exec")  # lines keep their numbers

    def make_as_module() -> Callable[..., Any]:
        found = {**names, TEXT: source}
        exec(code, found)
        step: Callable[..., Any] = found["step"]
        return step

    return make_as_module
