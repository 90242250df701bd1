"""docs/performance.md, made from the rows that `tests.bench.compile` measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .rows import MEMORY, Row

HEAD = """# How fast compiled code is

This page is written by

    python -m tests.bench.compile --markdown > docs/performance.md

Each number is a ratio to the same computation in ordinary NumPy, written by hand: clear, not tuned, every
derivative worked out on paper. Less than 1 is faster than that. "With `out=`" is the same by hand with a buffer for
each array. These take turns with minigrad in one process; each other library takes turns with the hand-written code
in a process of its own. All sides must compute the same numbers before anything is timed. A ratio is the median of
all rounds. The allocator keeps freed memory; the largest number of page faults of a compiled call was {faults:.1f}.
The workloads are in `tests/bench/workloads/`.

"Native" is compiled code as the C extension runs it; "Python" is the same plan without the extension
(`MINIGRAD_NATIVE=0`). The target is the most that compiled code should take. Training steps include the update of
the parameters. "Memory" is the peak of a compiled call, arguments and results apart, relative to the hand-written
one (target: {memory}). "Tracing" is the time of the first call, in eager calls.

{versions}
"""
VERSIONS = """
import importlib.metadata as m, json, sys
found = {"Python": sys.version.split()[0]}
for name in sys.argv[1:]:
    try:
        found[name] = m.version(name)
    except m.PackageNotFoundError:
        pass
print(json.dumps(found))
"""
PACKAGES = ("numpy", "jax", "torch", "autograd", "mygrad")
COLUMNS = ("out=", "eager", "native", "python")


def page(tables: Mapping[int, Sequence[Row]], moons: Sequence[Mapping[str, Any]], python: str) -> str:
    """The page. tables: rows for each number of threads. python: the interpreter that has the other libraries."""
    every = [row for rows in tables.values() for row in rows]
    faults = max((row.sides[row.best]["faults"] for row in every), default=0.0)
    parts = [HEAD.format(faults=faults, memory=MEMORY, versions=versions(python))]
    for threads, rows in tables.items() if every else ():
        parts += [
            f"## {'One thread' if threads == 1 else f'{threads} threads'} on every side\n",
            *main_table(rows),
            "",
        ]
        parts += peer_table(rows)
    parts += moons_table(moons)
    return "\n".join([*parts, *reasons(every)]).rstrip()


def versions(python: str) -> str:
    """Versions of what was measured, and the processor."""
    ours, theirs = packages(sys.executable), packages(python)
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[call-overload]
    names = {"Python": ours["Python"], "NumPy": ours["numpy"], blas["name"]: blas["version"]}
    text = f"{_listed(names)}; {processor()}, {os.cpu_count()} cores."
    if ours != theirs:
        text += f" The other libraries: {_listed(theirs)}."
    return text


def packages(python: str) -> dict[str, str]:
    """The versions of Python and of packages, where they are installed."""
    done = subprocess.run([python, "-c", VERSIONS, *PACKAGES], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in names.items())


def processor() -> str:
    """The model of the processor, as it names itself."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        models = []
    return models[0] if models else platform.processor() or platform.machine()


def main_table(rows: Sequence[Row]) -> Iterator[str]:
    """Ours against the hand-written, with the targets."""
    names = "workload, dtype, by hand µs, with `out=`, eager, native, Python, target, met, memory, tracing"
    heads = names.split(", ")
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        cells = [row.workload.name, row.dtype, short(row.sides["hand"]["us"])]
        cells += [ratio(row.ratio(name)) for name in COLUMNS]
        cells += [*target(row), ratio(row.memory), f"{row.tracing:.0f}"]
        yield f"| {' | '.join(cells)} |"


def target(row: Row) -> tuple[str, str]:
    """The target, and whether it is met; the ratio too, where it is not one to the hand-written code."""
    limit, against = row.workload.targets[row.dtype], row.workload.against
    if limit is None:
        return "", ""
    verdict = {None: "", True: "yes", False: "no"}[row.met]
    if against == "hand":
        return f"{limit}", verdict
    return f"{limit} of {against}", "" if row.met is None else f"{verdict} ({ratio(row.found)})"


def peer_table(rows: Sequence[Row]) -> Iterator[str]:
    """Ours beside other libraries, all relative to the hand-written; nothing where none was asked for."""
    peers = [*dict.fromkeys(name for row in rows for name in (*row.sides, *row.missing) if name not in _OURS)]
    if not peers:
        return
    yield "Other libraries:\n"
    yield f"| workload | dtype | minigrad compiled | {' | '.join(peers)} |"
    yield "|---|---|---|" + "---|" * len(peers)
    for row in rows:
        cells = [row.workload.name, row.dtype, *(ratio(row.ratio(name)) for name in (row.best, *peers))]
        yield f"| {' | '.join(cells)} |"
    yield ""


_OURS = ("hand", *COLUMNS)


def moons_table(moons: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A step of micrograd's demo; nothing where micrograd is not installed."""
    if not moons:
        return
    yield "## Two moons, one neuron at a time\n"
    yield "The training step of micrograd's demo (`python -m tests.bench.scalars`): 337 parameters, 100 samples.\n"
    yield "| side | a step, ms | times faster than micrograd | target |"
    yield "|---|---|---|---|"
    slowest = next(side["step"] for side in moons if side["name"] == "micrograd")
    for side in moons:
        limit = f"{side['target']:,}" if side["target"] else ""
        yield f"| {side['name']} | {short(1e3 * side['step'])} | {slowest / side['step']:,.0f} | {limit} |"
    yield ""


def reasons(rows: Sequence[Row]) -> Iterator[str]:
    """Why sides are missing: each reason once, with the workloads."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, reason in row.missing.items():
            found.setdefault(f"{name}: {reason}", {})[row.workload.name] = None
    if found:
        yield "## What is missing\n"
    for reason, names in found.items():
        everywhere = len(names) == len({row.workload.name for row in rows})
        yield f"- {reason}" + ("" if everywhere else f" ({'; '.join(names)})")


def short(x: float) -> str:
    """Three digits, or all of those before the point."""
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def ratio(x: float | None) -> str:
    if x is None:
        return "–"
    return f"{x:.2f}" if x < 10 else f"{x:,.0f}"
