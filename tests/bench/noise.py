"""Error bars of `derivative` under noise, beside the true error.

    python -m tests.bench.noise [draws of each kind, 300 by default]

Noise of 1e-10 to 1e-2 is added to smooth functions: uniform, normal, and rounding to a grid of that width. For
each: the share of bars that contain the truth, the medians of errors and bars, and the median ratio of the two. The
draws are the same in every run.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
from check.scalars.draws import KINDS, LEVELS, Draw, draws


def row(seen: list[Draw]) -> str:
    """One line of the table."""
    known = [draw for draw in seen if np.isfinite(draw.bar)]
    held = sum(draw.error <= draw.bar for draw in known)
    if not known:
        return f"{'-':>10}"
    error, bar = (statistics.median(numbers) for numbers in zip(*((d.error, d.bar) for d in known), strict=True))
    ratios = statistics.median(d.bar / d.error for d in known if d.error)
    return (
        f"{100 * held / len(known):8.2f} %{100 * len(known) / len(seen):8.1f} %"
        f"{error:10.1e}{bar:10.1e}{ratios:8.2f}{statistics.mean(d.evaluations for d in seen):8.0f}"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print(f"{'':18}{'hold':>10}{'known':>10}{'error':>10}{'bar':>10}{'ratio':>8}{'calls':>8}")
    every = list[Draw]()
    for kind in KINDS:
        for level in LEVELS[:3] if kind == "rounded" else LEVELS:  # wider steps are told, and have no bar
            seen = draws(kind, level, count)
            print(f"{f'{kind} {level:g}':18}{row(seen)}", flush=True)
            every += seen
    print(f"{f'{len(every):,} draws':18}{row(every)}")


if __name__ == "__main__":
    main()
