"""One line of the table: a workload in a dtype, on all sides, and whether its target is met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .workloads import Workload

MEMORY = 0.9  # the most memory that compiled code may take, relative to the hand


@dataclass
class Row:
    """One workload in one dtype.

    sides: "hand", "out=", "eager", "native" and "python" (compiled, with and without the executor) and peers, each
    with its microseconds, its ratio to the hand of the same process (quartiles) and its page faults. missing: why a
    side is not there. native: what compiled code says of the executor. tracing: in eager calls. memory: the peak,
    compiled relative to hand; None of a few kB.
    """

    workload: Workload
    dtype: str
    sides: dict[str, dict[str, Any]]
    missing: dict[str, str] = field(default_factory=dict)
    native: str = ""
    tracing: float = 0.0
    memory: float | None = None

    def ratio(self, side: str) -> float | None:
        """The median ratio of a side to the hand-written one; None where the side is missing."""
        return self.sides[side]["ratio"][1] if side in self.sides else None

    @property
    def best(self) -> str:
        """The name of compiled code as it runs by default here."""
        return "native" if "native" in self.sides else "python"

    @property
    def found(self) -> float | None:
        """The ratio that the target limits: of compiled code to the hand, or to a peer."""
        ours, other = self.ratio(self.best), self.ratio(self.workload.against)
        return None if ours is None or other is None else ours / other

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none, or nothing to compare with."""
        target = self.workload.targets[self.dtype]
        return None if target is None or self.found is None else self.found <= target


def as_text(row: Row) -> Iterator[str]:
    """The lines of a row, for a terminal."""
    target, against = row.workload.targets[row.dtype], row.workload.against
    limit = "none" if target is None else f"{target}" + (f" of {against}" if against != "hand" else "")
    verdict = {None: "", True: ", met", False: ", not met"}[row.met]
    yield f"\n{row.workload.name}, {row.dtype}: by hand {row.sides['hand']['us']:.1f} µs; target {limit}{verdict}"
    for name, side in row.sides.items():
        low, ratio, high = side["ratio"]
        if name != "hand":
            spread = f"({low:.2f}-{high:.2f})"
            yield f"  {name:14} {side['us']:11.1f} µs {ratio:7.2f}  {spread:14} faults {side['faults']:.1f}"
    if row.native:
        yield f"  native: {row.native}"
    for name, reason in row.missing.items():
        yield f"  {name:14} {reason}"
    memory = "" if row.memory is None else f"; peak memory {row.memory:.2f} of the hand's, target {MEMORY}"
    yield f"  tracing and compiling: {row.tracing:.0f} eager calls{memory}"
