"""An optional C extension that runs the plans of compiled programs. Without it, Python runs their source.

`translate` turns a program and its plan into instructions, `executor.c` runs them. `entry.c` checks the arguments
of a call and nests its results.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from types import ModuleType

extension: ModuleType | None
try:
    extension = importlib.import_module("._native", __name__)
except ImportError as error:
    extension, _missing = None, str(error)


def why_not() -> str:
    """Why no program runs natively; "" if programs may."""
    if extension is None:
        return f"the extension is not there ({_missing}): it is built at installation if there is a C compiler"
    if os.environ.get("MINIGRAD_NATIVE", "1") == "0":
        return "MINIGRAD_NATIVE=0 turns it off"
    return ""


@dataclass(frozen=True)
class Native:
    """Whether a program runs natively: true or false. why: the reason, or how many of its steps do."""

    runs: bool
    why: str

    def __bool__(self) -> bool:
        return self.runs

    def __repr__(self) -> str:
        return f"{self.runs} ({self.why})"
