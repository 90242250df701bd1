"""Arrays as one row, and blocks of these: what a loop over blocks reads and writes."""

from __future__ import annotations

from typing import Any

from .names import Names


class Rows:
    """The names of rows and blocks in one text, by the names of their arrays."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._flat: dict[str, str] = {}
        self._blocks: dict[str, str] = {}

    def flat(self, name: str, sample: Any, lines: list[str]) -> str:
        """The name of an array as one row. The line that makes it is added at the first use."""
        if sample.ndim == 1:
            return name
        if name not in self._flat:
            self._flat[name] = self.names.take(f"{name}_flat")
            lines.append(f"{self._flat[name]} = {name}.reshape(-1)")
        return self._flat[name]

    def block(self, name: str) -> str:
        """The name of one block of an array."""
        if name not in self._blocks:
            self._blocks[name] = self.names.take(f"{name}_")
        return self._blocks[name]
