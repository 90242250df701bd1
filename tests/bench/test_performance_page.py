"""The page of the benchmark says of each target whether it is met, and of each missing side why."""

from __future__ import annotations

from dataclasses import replace

from bench.performance_page import main_table, peer_table, reasons
from bench.rows import Row
from bench.workloads import WORKLOADS

BASE = WORKLOADS["x + 1, 3 numbers"]


def row(target: float | None, against: str = "hand", **ratios: float) -> Row:
    """A row of these ratios, the target as given."""
    workload = replace(BASE, targets={"float64": target}, against=against)
    sides = {name: {"us": 10 * x, "ratio": (x, x, x), "faults": 0.0} for name, x in {"hand": 1.0, **ratios}.items()}
    return Row(workload, "float64", sides)


def test_a_target_is_met_up_to_its_value() -> None:
    assert row(0.5, native=0.5, python=0.9).met is True
    assert row(0.5, native=0.6, python=0.4).met is False
    assert row(0.5, python=0.5).met is True  # without the extension, its ratio counts
    assert row(None, python=0.5).met is None


def test_a_target_may_be_relative_to_another_library() -> None:
    assert row(0.6, against="jax.jit", native=0.9, **{"jax.jit": 1.5}).met is True
    assert row(0.6, against="jax.jit", native=0.9, **{"jax.jit": 1.4}).met is False
    assert row(0.6, against="jax.jit", native=0.1).met is None


def test_the_tables_show_all_sides() -> None:
    rows = [row(0.6, "jax.jit", native=0.9, python=1.1, eager=12.3, **{"jax.jit": 1.2}), row(2.0, native=0.25)]
    first, second = [*main_table(rows)][2:]
    assert first.startswith(
        "| x + 1, 3 numbers | float64 | 10 | – | 12 | 0.90 | 1.10 | 0.6 of jax.jit | no (0.75) |"
    )
    assert "| – | – | 0.25 | – | 2.0 | yes |" in second
    assert [*peer_table(rows)][3:-1] == [
        "| x + 1, 3 numbers | float64 | 0.90 | 1.20 |",
        "| x + 1, 3 numbers | float64 | 0.25 | – |",
    ]
    assert [*peer_table([row(2.0, native=0.25)])] == []


def test_each_reason_stands_once_with_its_workloads() -> None:
    one, other = row(1.0, python=1.0), row(1.0, python=1.0)
    other.workload = WORKLOADS["s * 2, a number"]
    one.missing = {"native": "not built", "torch": "not installed"}
    other.missing = {"native": "not built"}
    assert [*reasons([one, other])][1:] == ["- native: not built", "- torch: not installed (x + 1, 3 numbers)"]
