"""An optional C extension that runs the plans of compiled programs. Without it, Python runs their source.

`translate` turns a program and its plan into instructions, `executor.c` runs them. `entry.c` checks the arguments
of a call and nests its results.
"""

from __future__ import annotations

import importlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


def _load() -> tuple[ModuleType | None, str]:
    """The extension, or why it cannot be used."""
    try:
        found = importlib.import_module("._native", __name__)
    except ImportError as error:
        return None, f"it is not there ({error}); pip builds it where there is a C compiler"
    # In a checkout, an extension that stayed from other sources would fail in odd ways.
    files = sorted(path for path in Path(__file__).parent.iterdir() if path.suffix in (".c", ".h"))
    built_from = zlib.crc32(b"".join(path.read_bytes() for path in files))
    if files and getattr(found, "sources", None) != built_from:
        return None, "it was built from other sources; pip install -e . builds it anew"
    return found, ""


extension, _missing = _load()


def why_not() -> str:
    """Why no program runs natively; "" if programs may."""
    if extension is None:
        return f"the extension cannot be used: {_missing}"
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
