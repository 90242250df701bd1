"""Compiled steps against the same in hand-written NumPy, eager, and in other libraries.

    python -m tests.bench.compile [workload ...] [--only SIDE ...] [--dtype float64] [--rounds 0.2]

Sides of ours take turns with the hand-written one in a process; each peer does so in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.bench.measure import clean_environment, in_own_process, in_turn, quartiles, warm_allocator
from tests.bench.workloads import WORKLOADS, Workload
from tests.bench.workloads.libraries import LIBRARIES, OURS

TOLERANCE = {"float64": 1e-9, "float32": 2e-4}
FIRST = 3  # calls of each side that are compared before anything is timed


def sides(workload: Workload, dtype: str, names: Sequence[str]) -> dict[str, Callable[[], Any]]:
    """The hand-written call and those that are asked for, each with numbers of its own; first, they must agree."""
    calls: dict[str, Callable[[], Any]] = {"hand": workload.hand(*_given(workload, dtype))}
    for name in names:
        parameters, data = workload.start(dtype)
        if name != "out=":
            calls[name] = LIBRARIES[name]().call(workload, parameters, data)
        elif workload.buffered is not None:
            calls[name] = workload.buffered(parameters, *data)
    for _ in range(FIRST):
        expected = _flat(calls["hand"]())
        for name, call in calls.items():
            if name != "hand":
                scale = np.abs(expected).max()
                np.testing.assert_allclose(
                    _flat(call()), expected, rtol=0, atol=TOLERANCE[dtype] * scale, err_msg=name
                )
    return calls


def _given(workload: Workload, dtype: str) -> tuple[Any, ...]:
    parameters, data = workload.start(dtype)
    return (parameters, *data)


def _flat(x: Any) -> Any:
    """All numbers of a result, as one array."""
    if isinstance(x, (list, tuple)):
        return np.concatenate([_flat(part) for part in x])
    return np.ravel(np.asarray(getattr(x, "_array", x), dtype=np.float64))


def timed(workload: Workload, dtype: str, names: Sequence[str], share: float) -> dict[str, Any]:
    """Of each side, the median microseconds and the quartiles of its ratio to the hand-written one."""
    warm_allocator()
    calls = sides(workload, dtype, names)
    times, missing = in_turn([*calls.values()], max(5, int(workload.rounds * share)))
    return {
        name: {
            "us": statistics.median(t),
            "ratio": quartiles([b / a for a, b in zip(times[0], t, strict=True)]),
            "faults": faults,
        }
        for name, t, faults in zip(calls, times, missing, strict=True)
    }


def tracing(workload: Workload, dtype: str) -> float:
    """How many eager calls it takes to trace and compile, the first run included."""
    parameters, data = workload.start(dtype)
    eager = LIBRARIES["eager"]().call(workload, parameters, data)
    LIBRARIES["compiled"]().call(workload, *workload.start(dtype))()
    (eager_times,), _ = in_turn([eager], 20)
    seconds = []
    for _ in range(3):
        parameters, data = workload.start(dtype)
        start = time.perf_counter()
        LIBRARIES["compiled"]().call(workload, parameters, data)()
        seconds.append(time.perf_counter() - start)
    return 1e6 * min(seconds) / statistics.median(eager_times)


def memory(workload: Workload, dtype: str, name: str) -> int:
    """The most memory that arrays take in a call, in bytes: buffers that are kept, and what comes and goes."""
    parameters, data = workload.start(dtype)
    _touch(name)
    tracemalloc.start()
    if name == "hand":
        call = workload.hand(parameters, *data)
    else:
        call = LIBRARIES[name]().call(workload, parameters, data)
    call(), call()
    arrays = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    kept = sum(trace.size for trace in arrays.traces)
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    call()
    passing = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    copied = sum(p.nbytes for p in parameters) if name in OURS else 0  # a Value has an array of its own
    return kept + passing - copied


def _touch(name: str) -> None:
    """Import what a side needs, so that its code is not counted as memory of the step."""
    if name in LIBRARIES:
        LIBRARIES[name]()


def peer(name: str, workload: str, dtype: str, share: float) -> Any:
    """What a process of the peer's own measures; None where it is absent or cannot do it."""
    try:
        found: dict[str, Any] | None = in_own_process(
            "tests.bench.compile", "--side", name, workload, dtype, str(share)
        )
    except subprocess.CalledProcessError:
        return None
    return found


def in_process(name: str, workload: str, dtype: str, share: str) -> Any:
    """The other end of `peer`."""
    if name == "torch.compile" and shutil.which("g++") is None:
        return None
    try:
        return timed(WORKLOADS[workload], dtype, [name] if name != "ours" else ["out=", *OURS], float(share))
    except (ImportError, AttributeError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return None


def report(workload: Workload, dtype: str, names: Sequence[str], share: float) -> None:
    """One workload in one type: a line for each side."""
    found = in_process("ours", workload.name, dtype, str(share)) or {}
    print(f"\n{workload.name}, {dtype}   hand-written {found['hand']['us']:.1f} µs; aim {workload.aim}")
    for name in [side for side in ("out=", *OURS) if side in found]:
        _line(name, found[name])
    for name in names:
        there = peer(name, workload.name, dtype, share)
        if there is None:
            print(f"  {name:14} absent, or has no such thing")
        else:
            _line(name, there[name])
    print(f"  tracing and compiling: {tracing(workload, dtype):.0f} eager calls", end="")
    hand, compiled = memory(workload, dtype, "hand"), memory(workload, dtype, "compiled")
    print(f"; peak memory, compiled / hand: {compiled / hand:.2f} ({hand / 1e6:.2f} MB)", flush=True)


def _line(name: str, side: dict[str, Any]) -> None:
    low, ratio, high = side["ratio"]
    print(
        f"  {name:14} {side['us']:10.1f} µs {ratio:7.2f}  ({low:.2f}-{high:.2f})  faults {side['faults']:.1f}",
        flush=True,
    )


def main() -> None:
    clean_environment()
    if "--side" in sys.argv:
        print(json.dumps(in_process(*sys.argv[2:6])))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    peers = [name for name in LIBRARIES if name not in OURS]
    parser.add_argument("workloads", nargs="*", default=[*WORKLOADS], help=", ".join(WORKLOADS))
    parser.add_argument("--only", nargs="*", default=peers, choices=peers, help="peers to run beside ours")
    parser.add_argument("--dtype", nargs="*", default=["float64", "float32"])
    parser.add_argument("--rounds", type=float, default=1.0, help="share of the rounds to run")
    given = parser.parse_args()
    for name in given.workloads:
        workload = WORKLOADS[name]
        for dtype in workload.dtypes:
            if dtype in given.dtype:
                report(workload, dtype, given.only, given.rounds)


if __name__ == "__main__":
    main()
