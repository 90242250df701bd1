"""Many entries: one that is wrong is named in a few ladders, and errors that cancel are seen all the same."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.check.comparison import directions as directions_module
from minigrad.check.comparison.directions import Outcome, bisect_entry, directions, sample
from minigrad.check.numeric.finite_differences import Slopes


@pytest.fixture
def ladders(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lines are measured, call by call."""
    counts: list[int] = []
    along = Slopes.along

    def counting(self: Slopes, lines: Sequence[Any]) -> Any:
        counts.append(len(lines))
        return along(self, lines)

    monkeypatch.setattr(Slopes, "along", counting)
    return counts


def spoiled(g: Any, changes: dict[int, float]) -> Any:
    g = np.array(g)
    for i, change in changes.items():
        g[i] += change
    return g


LARGE = np.linspace(0.1, 2.5, 100_000)


def test_a_right_gradient_of_many_entries_takes_three_ladders(ladders: list[int]) -> None:
    report = minigrad.gradient_report(lambda x: np.sum(np.sin(x)), LARGE, grad=np.cos)
    assert report.ok and sum(ladders) <= 3, report


@pytest.mark.parametrize("i", [61_803, 99_999])
def test_one_wrong_entry_of_many_is_named_within_25_ladders(i: int, ladders: list[int]) -> None:
    wrong = minigrad.gradient_report(
        lambda x: np.sum(np.sin(x)), LARGE, grad=lambda x: spoiled(np.cos(x), {i: 1e-3})
    )
    assert wrong.verdict == "disagree" and wrong.findings[0].index == (i,), wrong
    assert sum(ladders) <= 25


@pytest.mark.parametrize("given", ["vjp", "jvp", "jac"])
def test_one_wrong_entry_of_3000_is_named_in_every_kind_of_derivative(given: str, ladders: list[int]) -> None:
    x = np.linspace(0.1, 2.5, 3000)
    mix = np.stack([np.ones(3000), np.linspace(1.0, 2.0, 3000)])

    def f(x: Any) -> Any:
        return mix @ np.sin(x)

    def jacobian(x: Any) -> Any:
        j = mix * np.cos(x)
        j[1, 1234] += 0.01
        return j

    call = {
        "vjp": lambda g, x: g @ jacobian(x),
        "jvp": lambda args, t: jacobian(args[0]) @ t[0],
        "jac": jacobian,
    }[given]
    report = minigrad.gradient_report(f, x, **{given: call})  # type: ignore[arg-type]
    assert report.verdict == "disagree" and sum(ladders) <= 25, report
    assert report.findings[0].index is not None and report.findings[0].index[-1] == 1234, report


@pytest.mark.parametrize("seed", range(6))
def test_two_errors_of_one_size_that_cancel_are_seen(seed: int) -> None:
    x = np.linspace(0.1, 2.5, 400)
    report = minigrad.gradient_report(
        lambda x: np.sum(np.sin(x)),
        x,
        grad=lambda x: spoiled(np.cos(x), {10: 1e-4, 300: -1e-4}),
        seed=seed,
    )
    assert report.verdict == "disagree" and report.findings[0].index in ((10,), (300,)), report


def test_directions_move_every_entry_and_by_no_two_sizes_alike() -> None:
    x = np.concatenate([np.zeros(3), np.geomspace(1e-6, 1e6, 200), [-5.0]])
    found = list(directions(x, np.zeros(len(x)), np.random.default_rng(0)))
    assert len(found) == directions_module.DIRECTIONS
    for u in found:
        assert np.all(u != 0) and np.isfinite(u).all() and (u > 0).any() and (u < 0).any()
    ratio = np.abs(found[0]) / np.maximum(1.0, np.abs(x))
    assert ratio.min() > 0.3 and ratio.max() < 2.2 and len(np.unique(np.abs(found[0]))) > 100


def test_directions_are_the_same_for_the_same_seed_alone() -> None:
    x = np.ones(50)
    first, again, other = (list(directions(x, x, np.random.default_rng(seed))) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_halving_finds_each_entry(size: int) -> None:
    u = np.ones(size)
    for i in {0, size // 2, size - 1}:
        asked = 0

        def share(u: Any, error: float, i: int = i) -> float:
            nonlocal asked
            asked += 1
            return float(u[i])

        assert bisect_entry(outcome(u, claimed=1.0), share) == i
        assert asked <= int(np.ceil(np.log2(size)))


def outcome(u: Any, claimed: float, measured: float = 0.0, **others: Any) -> Outcome:
    return Outcome(u, claimed, measured, 1e-12, 3e-12, 0, 1.0, **{"kinked": False, **others})


def test_what_is_nan_is_wrong_and_what_is_kinked_is_not() -> None:
    u = np.ones(1)
    assert outcome(u, float("nan")).wrong and outcome(u, 1.0).wrong
    assert not outcome(u, 1.0, kinked=True).wrong and not outcome(u, 1e-12).wrong


def test_a_sample_holds_the_culprit_and_its_neighbours_within_the_row() -> None:
    rng = np.random.default_rng(0)
    assert set(range(5)) <= set(sample(1000, 0, rng).tolist())
    found = sample(1000, 999, rng)
    assert {995, 999} <= set(found.tolist()) and found.max() == 999 and len(set(found)) == len(found)
    assert sample(3, 1, rng).tolist() == [0, 1, 2]


def test_a_check_of_many_entries_holds_few_copies_of_them() -> None:
    x = np.linspace(0.1, 1.0, 300_000)
    tracemalloc.start()
    try:
        minigrad.check_grads(lambda x: float(x @ x), x, grad=lambda x: 2 * x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * x.nbytes


def signed(x: Any, change: dict[int, float]) -> Any:
    g = np.sign(x - 1.0)
    for i, factor in change.items():
        g[i] *= factor
    return g


@pytest.mark.parametrize("factor", [-1.0, 1 + 1e-7, 0.0])
def test_a_kink_of_many_entries_hides_no_wrong_one(factor: float) -> None:
    """Along a direction the kinks are so wide that the mistake lies between the slopes of the two sides."""
    x = np.concatenate([np.ones(60), np.linspace(-2.0, 0.5, 60)])
    report = minigrad.gradient_report(
        lambda x: np.sum(np.abs(x - 1)), x, grad=lambda x: signed(x, {100: factor}) + (x == 1) * 0.3
    )
    assert report.verdict == "disagree" and report.findings[0].index == (100,), report


def test_a_kink_in_every_entry_is_looked_at_entry_by_entry() -> None:
    def check(slope: float) -> minigrad.check.Report:
        return minigrad.gradient_report(
            lambda x: np.sum(np.maximum(x, 0)), np.zeros(120), grad=lambda x: slope + 0 * x
        )

    assert check(-0.5).verdict == "disagree" and check(1.5).verdict == "disagree"
    right = check(0.3)
    assert right.ok and right.resolving_power > 0.1, right
    assert "checked only along these" in str(right)


@pytest.mark.parametrize("given", ["grad", "vjp"])
@pytest.mark.parametrize("factor", [0.0, -1.0, 1 + 1e-5])
def test_one_wrong_entry_of_many_is_no_mistake_of_them_all(factor: float, given: str) -> None:
    x = np.linspace(0.1, 2.5, 1000).reshape(20, 50)

    def gradient(*args: Any) -> Any:
        g = np.cos(args[-1])
        g[3, 4] *= factor
        return g * (1 if given == "grad" else args[0])

    report = minigrad.gradient_report(lambda x: np.sum(np.sin(x)), x, **{given: gradient})  # type: ignore[arg-type]
    (finding,) = report.findings
    assert (finding.kind, finding.index) == ("entries", (3, 4)), report
    assert "1 of 1,000" in finding.sentence and "[3, 4]" in finding.sentence


def test_what_is_nan_among_many_entries_is_found_without_a_search(ladders: list[int]) -> None:
    report = minigrad.gradient_report(
        lambda x: np.sum(np.sin(x)), LARGE, grad=lambda x: spoiled(np.cos(x), {5: np.nan, 77: np.inf})
    )
    assert report.findings[0].kind == "nan" and sum(ladders) <= 2, report
    assert "2 of 100,000" in str(report)


def test_many_entries_at_a_minimum_are_no_noise() -> None:
    """All slopes are 0, and so is what the function's arithmetic leaves of them, beside its chords."""

    def check(change: float) -> minigrad.check.Report:
        return minigrad.gradient_report(
            lambda x: np.sum(np.square(x)), np.zeros(120), grad=lambda x: spoiled(2 * x, {7: change})
        )

    assert check(0.0).ok, check(0.0)
    assert check(1e-7).findings[0].index == (7,)
    assert minigrad.check_graph(minigrad.Value(np.zeros(120)) ** 2).ok
