"""What one process of `tests.bench.compile` measures: some sides of a workload, in turn with the one by hand.

    python -m tests.bench.compile_side SIDES WORKLOAD DTYPE SECONDS

SIDES: "ours", "python" (compiled alone), or a peer. The last line that is printed is the answer, in JSON.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
import tracemalloc
from itertools import repeat
from typing import Any

import numpy as np

from tests.bench.measure import in_turn, quartiles, warm_allocator
from tests.bench.workloads import WORKLOADS, Workload
from tests.bench.workloads.libraries import LIBRARIES, OURS, Minigrad
from tests.bench.workloads.sides import BUFFERED, HAND, agreeing, make
from tests.bench.workloads.workload import Call

SHORTEST = 50e-6  # seconds; calls that take less are timed many at once
LONG = 0.1  # seconds of all sides; then caches matter little
ROUNDS = 5, 2000


def many(call: Call, times: int) -> Call:
    """The call so many times; a single one as it is."""
    if times == 1:
        return call

    def calls() -> None:
        for each in repeat(call, times):
            each()

    return calls


def seconds_of(call: Call) -> float:
    """The shortest of three calls; a long one is made once."""
    found: list[float] = []
    while len(found) < 3 and sum(found) < LONG:
        begun = time.perf_counter()
        call()
        found.append(time.perf_counter() - begun)
    return min(found)


def timed(calls: dict[str, Call], seconds: float) -> dict[str, dict[str, Any]]:
    """Of each side, the median microseconds and the quartiles of its ratio to the hand-written one.

    seconds: about how long each side is measured.
    """
    times = max(1, round(SHORTEST / seconds_of(calls[HAND])))
    sides = [many(call, times) for call in calls.values()]
    each = sum(map(seconds_of, sides))
    untimed = 1 if each > LONG else 3
    least, most = ROUNDS
    rounds = max(least, min(most, int(seconds * len(sides) / each / (1 + untimed))))
    found, missing = in_turn(sides, rounds, untimed)
    hand = found[0]
    return {
        name: {
            "us": statistics.median(t) / times,
            "ratio": quartiles([b / a for a, b in zip(hand, t, strict=True)]),
            "faults": faults / times,
        }
        for name, t, faults in zip(calls, found, missing, strict=True)
    }


def tracing(workload: Workload, dtype: str) -> float:
    """The seconds of tracing and compiling, the first run included."""
    return seconds_of(lambda: make(workload, "compiled", dtype, workload.start)[0]())


def memory(workload: Workload, dtype: str, name: str) -> int:
    """The most memory that one call takes, in bytes, arguments and results apart.

    That is the buffers that are kept from call to call, and what comes and goes during one. Small samples that a
    trace keeps, by which it knows shapes and dtypes, are not counted.
    """
    given = workload.start(dtype)
    _touch(name)
    tracemalloc.start()
    call, _ = make(workload, name, dtype, lambda _: given)
    call(), call()
    arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    samples = tracemalloc.Filter(False, "*/minigrad/tracing/*")
    kept = sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([arrays, samples]).traces)
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    result = call()
    passing = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    copied = size_of(given[0]) if name in OURS else 0  # a Value has an array of its own
    return kept + passing - copied - size_of(result)


def _touch(name: str) -> None:
    """Import what a side needs, so that its code is not counted as memory of the call."""
    if name in LIBRARIES:
        LIBRARIES[name]()


def size_of(result: Any) -> int:
    """The bytes of all arrays in a result."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return sum(map(size_of, result))
    return result.nbytes if isinstance(result, np.ndarray) else 0


def measured(names: str, workload: Workload, dtype: str, seconds: float) -> dict[str, Any]:
    """What is printed: sides by name, and for ours the time and memory that they take besides."""
    chosen = {"ours": ["eager", "compiled"], "python": ["compiled"]}.get(names, [names])
    if names == "ours" and workload.buffered is not None:
        chosen.insert(0, BUFFERED)
    warm_allocator()
    sides = agreeing(workload, dtype, chosen)
    found: dict[str, Any] = {"sides": timed({name: call for name, (call, _) in sides.items()}, seconds)}
    library = sides.get("compiled", (None, None))[1]
    if isinstance(library, Minigrad):
        native = library.native()
        found["native"], found["why"] = bool(native), "there is none" if native is None else str(native)
    if names == "ours":
        found["tracing"] = 1e6 * tracing(workload, dtype) / found["sides"]["eager"]["us"]
        found["memory"] = {name: memory(workload, dtype, name) for name in (HAND, "compiled")}
    return found


def main() -> None:
    names, workload, dtype, seconds = sys.argv[1:]
    if names == "torch.compile" and shutil.which("g++") is None:
        answer: dict[str, Any] = {"missing": "no C++ compiler"}
    else:
        try:
            answer = measured(names, WORKLOADS[workload], dtype, float(seconds))
        except ImportError:
            answer = {"missing": "not installed"}
        except ValueError as error:
            answer = {"missing": str(error)}
        except (AttributeError, TypeError, NotImplementedError) as error:
            if names in ("ours", "python"):
                raise
            answer = {"missing": f"cannot do it: {type(error).__name__}: {error}".splitlines()[0]}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
