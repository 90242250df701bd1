"""Error bars of `derivative` beside the truth by mpmath, at points of all magnitudes, on all cores.

    python -m tests.bench.bars [points of each function, 2,300 by default] [name ...]

The points are the same in every run. For each function: how many bars contain the truth, of those that claim
anything; how many do; and the median width relative to the truth, at points of size 1e-3 to 1e3 and at all.
"""

from __future__ import annotations

import functools
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import minigrad

sys.path.insert(0, str(Path(__file__).parent.parent))
from check.scalars.truths import FUNCTIONS, Bar

SHOWN = 3


@dataclass(frozen=True)
class Row:
    """What is counted of one point, and what is said of a bar that misses."""

    usual: bool
    known: bool
    holds: bool
    width: float
    calls: int
    said: str


def rows(name: str, count: int) -> list[Row]:
    """What `derivative` says at the points of a function."""
    function = next(f for f in FUNCTIONS if f.name == name)
    found = []
    for x in function.points(count):
        bar = Bar(function, x, minigrad.derivative(function.f, x), function.truth(x))
        missed = "" if bar.holds or not bar.known else str(bar)
        usual = 1e-3 <= abs(x) <= 1e3
        found.append(Row(usual, bar.known, bar.holds, bar.width, bar.found.evaluations, missed))
    return found


def summary(seen: list[Row]) -> str:
    """One line of the table."""
    known = [row for row in seen if row.known]
    share = 100 * sum(row.holds for row in known) / max(1, len(known))
    return (
        f"{share:9.3f} %{100 * len(known) / len(seen):9.1f} %"
        f"{statistics.median(row.width for row in seen if row.usual):11.1e}"
        f"{statistics.median(row.width for row in seen):11.1e}"
        f"{statistics.mean(row.calls for row in seen):8.0f}"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2300
    names = [f.name for f in FUNCTIONS if f.name in sys.argv[2:] or len(sys.argv) < 3]
    print(f"{'':26}{'hold':>11}{'known':>11}{'usual':>11}{'all':>11}{'calls':>8}")
    every = list[Row]()
    with ProcessPoolExecutor() as pool:
        for name, seen in zip(names, pool.map(functools.partial(rows, count=count), names), strict=True):
            print(f"{name:26}{summary(seen)}", flush=True)
            for row in [row for row in seen if row.said][:SHOWN]:
                print(f"    {row.said}")
            every += seen
    print(f"{f'{len(every):,} points':26}{summary(every)}")


if __name__ == "__main__":
    main()
