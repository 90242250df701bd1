"""By hand, eager and compiled, each workload of the benchmark computes the same."""

from __future__ import annotations

import pytest
from bench.workloads import WORKLOADS
from bench.workloads.sides import FIRST, TOLERANCE, disagreement, make
from compiler.bits import assert_same

LARGE = ("784-512-256-10", "layer norm, softmax", "logistic, 10^5 rows")  # they take a second each
CASES = [
    pytest.param(name, dtype, marks=[pytest.mark.slow] * (name in LARGE))
    for name, w in WORKLOADS.items()
    for dtype in w.targets
]


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_all_sides_compute_the_same(name: str, dtype: str) -> None:
    workload = WORKLOADS[name]
    start = workload.small or workload.start
    names = ["hand", "eager", "compiled"] + ["out="] * (workload.buffered is not None)
    calls = [make(workload, side, dtype, start)[0] for side in names]
    assert disagreement(workload, dtype, calls) <= TOLERANCE[dtype]


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_compiled_has_the_bits_of_eager(name: str, dtype: str) -> None:
    workload = WORKLOADS[name]
    start = workload.small or workload.start
    eager, compiled = (make(workload, side, dtype, start)[0] for side in ("eager", "compiled"))
    for _ in range(FIRST):
        assert_same(compiled(), eager(), name)
