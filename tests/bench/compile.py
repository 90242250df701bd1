"""Compiled code against the same in hand-written NumPy, eager, and in other libraries.

    python -m tests.bench.compile [workload ...] [--only PEER ...] [--dtype float64] [--seconds 0.2] [--threads 2]
    python -m tests.bench.compile --markdown > docs/performance.md

Sides of ours take turns with the hand-written one in a process; compiled code without the native executor and each
peer do so in processes of their own.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.bench.measure import environment, in_own_process
from tests.bench.performance_page import page
from tests.bench.rows import Row, as_text
from tests.bench.scalars import BATCHED, COMPILED, REQUIRED
from tests.bench.scalars import measured as moons_of
from tests.bench.workloads import WORKLOADS, Workload
from tests.bench.workloads.libraries import PEERS

DTYPES = ("float64", "float32")
MOONS = "two moons"


@dataclass(frozen=True)
class Settings:
    """How to measure. python: the interpreter that has the peers. limit: seconds that a peer may take in all."""

    seconds: float = 1.0
    threads: int = 1
    peers: Sequence[str] = PEERS
    python: str = sys.executable
    limit: float = 300.0


LEAST_MEMORY = 50_000  # bytes; below, Python's own objects are most of it


def measure(workload: Workload, dtype: str, settings: Settings) -> Row:
    """One workload in one dtype, on all sides."""
    ours = _process("ours", workload, dtype, settings)
    if "sides" not in ours:
        raise SystemExit(f"{workload.name}, {dtype}: {ours['missing']}")
    row = Row(workload, dtype, ours["sides"], tracing=ours["tracing"])
    row.sides["native" if ours["native"] else "python"] = row.sides.pop("compiled")
    if ours["native"]:
        row.native = ours["why"]
        row.sides["python"] = _process("python", workload, dtype, settings)["sides"]["compiled"]
    else:
        row.missing["native"] = ours["why"]
    hand, compiled = ours["memory"]["hand"], ours["memory"]["compiled"]
    row.memory = compiled / hand if hand >= LEAST_MEMORY else None
    for name in settings.peers:
        found = _process(name, workload, dtype, settings)
        if "sides" in found:
            row.sides[name] = found["sides"][name]
        else:
            row.missing[name] = found["missing"]
    return row


def _process(side: str, workload: Workload, dtype: str, settings: Settings) -> dict[str, Any]:
    """What a process of its own measures of a side; why it is missing, if it is."""
    ours = side in ("ours", "python")
    found: dict[str, Any]
    try:
        found = in_own_process(
            "tests.bench.compile_side",
            *(side, workload.name, dtype, str(settings.seconds)),
            python=sys.executable if ours else settings.python,
            env=environment(settings.threads, **({"MINIGRAD_NATIVE": "0"} if side == "python" else {})),
            seconds=3600 if ours else settings.limit,
        )
    except subprocess.TimeoutExpired:
        found = {"missing": f"takes more than {settings.limit:.0f} s, compiling included"}
    except subprocess.CalledProcessError as error:
        if ours:
            raise
        found = {"missing": f"ends with {error.returncode}"}
    return found


def rows(names: Sequence[str], dtypes: Sequence[str], settings: Settings, out: Any) -> Iterator[Row]:
    """All rows, each shown as soon as it is measured."""
    for name in names:
        for dtype in dtypes:
            if dtype in WORKLOADS[name].targets:
                row = measure(WORKLOADS[name], dtype, settings)
                print(*as_text(row), sep="\n", file=out, flush=True)
                yield row


def moons(out: Any) -> list[dict[str, Any]]:
    """A step of two moons on all sides; none where micrograd is not installed."""
    if importlib.util.find_spec("micrograd") is None:
        return []
    found = [{"name": name, "target": 0, **moons_of(name)} for name in ("micrograd", "minigrad")]
    names = {BATCHED: "one neuron's code for all samples, compiled", COMPILED: "the whole step, compiled"}
    for side, name in names.items():
        first = moons_of(side)
        kinds = (
            {"native": first, "Python": moons_of(side, MINIGRAD_NATIVE="0")}
            if first["native"]
            else {"Python": first}
        )
        for kind, answer in kinds.items():
            np.testing.assert_allclose(answer["losses"], found[0]["losses"], rtol=1e-9)
            found.append({"name": f"{name}, {kind}", "target": REQUIRED[side] * (side == COMPILED), **answer})
    for answer in found:
        print(f"\ntwo moons, {answer['name']}: {1e3 * answer['step']:.3f} ms a step", file=out, flush=True)
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = [*WORKLOADS, MOONS]
    parser.add_argument("workloads", nargs="*", default=known, help=", ".join(known))
    parser.add_argument("--only", nargs="*", default=PEERS, choices=PEERS, help="peers to run beside ours")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the peers")
    parser.add_argument("--dtype", nargs="*", default=DTYPES, choices=DTYPES)
    parser.add_argument("--seconds", type=float, default=1.0, help="to measure one side of one workload")
    parser.add_argument("--threads", type=int, nargs="*", help="of BLAS and of the peers: a table each")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds that a peer may take for a workload")
    parser.add_argument("--markdown", action="store_true", help="write the page docs/performance.md")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    out = sys.stderr if given.markdown else sys.stdout
    tables = {}
    names = [name for name in given.workloads if name != MOONS]
    for threads in given.threads or ([1, 2] if given.markdown else [1]):
        settings = Settings(given.seconds, threads, given.only, given.python, given.limit)
        tables[threads] = [*rows(names, given.dtype, settings, out)]
    steps = moons(out) if MOONS in given.workloads else []
    if given.markdown:
        print(page(tables, steps, given.python))


if __name__ == "__main__":
    main()
