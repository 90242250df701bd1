"""The calls of a workload: by hand and by libraries, once they agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .libraries import LIBRARIES
from .library import Library
from .workload import Call, Start, Workload

TOLERANCE = {"float64": 1e-9, "float32": 2e-4}
FIRST = 3  # calls of each side that are compared before anything is timed
HAND, BUFFERED = "hand", "out="


def flat(x: Any) -> Any:
    """All numbers of a result, as one array."""
    if isinstance(x, dict):
        x = [x[key] for key in sorted(x)]  # as jax sorts them
    if isinstance(x, (list, tuple)):
        return np.concatenate([flat(part) for part in x])
    return np.ravel(np.asarray(getattr(x, "_array", x), dtype=np.float64))


def make(workload: Workload, name: str, dtype: str, start: Start) -> tuple[Call, Library | None]:
    """The call of one side, on numbers of its own, and the library that runs it."""
    parameters, data = start(dtype)
    if name == HAND:
        return workload.hand(parameters, *data), None
    if name == BUFFERED:
        assert workload.buffered is not None
        return workload.buffered(parameters, *data), None
    library = LIBRARIES[name]()
    return library.call(workload, parameters, data), library


def disagreement(workload: Workload, dtype: str, calls: Sequence[Call]) -> float:
    """How far the results of the calls are from those of the first, relative to its largest; over three rounds."""
    worst = 0.0
    for _ in range(FIRST):
        expected, *others = [flat(call()) for call in calls]
        for found in others:
            assert found.shape == expected.shape, f"{workload.name}: {found.shape}, by hand {expected.shape}"
            worst = max(worst, float(np.abs(found - expected).max() / np.abs(expected).max()))
    return worst


def agreeing(workload: Workload, dtype: str, names: Sequence[str]) -> dict[str, tuple[Call, Library | None]]:
    """The sides of these names, after the one by hand; ValueError if one computes something else."""
    sides = {name: make(workload, name, dtype, workload.start) for name in (HAND, *names)}
    for name in names:
        hand = make(workload, HAND, dtype, workload.start)[0]
        if not (apart := disagreement(workload, dtype, [hand, sides[name][0]])) <= TOLERANCE[dtype]:
            raise ValueError(f"{name} of {workload.name} in {dtype} is {apart:.1e} from what is computed by hand")
    return sides
