"""How far from the point a function is called: near first, far only if need be, and never where it is slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.check.numeric import evaluation

FUNCTIONS = [np.sin, np.tanh, np.exp, np.square, np.log1p, np.sqrt, np.abs, lambda x: 1 / (1 + x * x)]
POINTS = [300.0, 40.0, 3.0, 1.0, 0.3, 1e-3, 1e-9, 0.0, -0.7, -25.0, 1e8]


def watched(f: Callable[[Any], Any], seen: list[Any]) -> Callable[[Any], Any]:
    def called(x: Any) -> Any:
        seen.append(np.array(x, dtype=float))
        return f(x)

    return called


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("x", POINTS)
def test_a_number_is_never_four_times_itself(f: Any, x: float) -> None:
    with np.errstate(all="ignore"):
        if not np.isfinite(f(x)):
            return
    seen: list[Any] = []
    minigrad.derivative(watched(f, seen), x)
    assert np.max(np.abs(seen)) <= max(4 * abs(x), 1.0)


@pytest.mark.parametrize("size", [5, 300])
def test_nor_is_any_of_many(size: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=size) * 10.0 ** rng.uniform(-3, 3, size)
    seen: list[Any] = []
    f = watched(lambda x: np.sum(np.sin(x)), seen)
    minigrad.directional(f, x, rng.normal(size=size))
    assert minigrad.gradient_report(f, x, grad=np.cos).ok
    assert np.all(np.max(np.abs(seen), axis=0) <= np.maximum(4 * np.abs(x), 1.0))


def test_wider_steps_come_last_and_only_where_they_help() -> None:
    """Beside noise of 1e-3 a wider step has more digits; beside a wave, none."""
    rng = np.random.default_rng(0)
    seen: list[Any] = []
    minigrad.derivative(watched(lambda x: x + 1e-2 * rng.normal(), seen), 1.0)
    far = [abs(float(x) - 1.0) > 3.0 for x in seen]
    assert any(far) and not any(far[: far.index(True)]) and all(far[far.index(True) :])
    seen.clear()
    minigrad.derivative(watched(lambda x: np.sin(20 * x) + 1e-2 * rng.normal(), seen), 1.0)
    assert np.max(np.abs(seen)) <= 16.0


class Clock:
    """Stands in for `time`: calls take as long as the function says, at work or waiting."""

    def __init__(self) -> None:
        self.now = self.worked = 0.0

    def perf_counter(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return self.worked

    def spend(self, seconds: float, work: float = 1.0) -> None:
        self.now, self.worked = self.now + seconds, self.worked + seconds * work


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(evaluation, "time", made)
    return made


@pytest.mark.parametrize(("work", "last"), [(1.0, 7.0), (0.0, 11.0)])
def test_steps_end_where_a_call_takes_much_longer(clock: Clock, work: float, last: float) -> None:
    """0.5 s instead of 2 ms: enough if it is work. If it is waiting, the next call must be as slow."""
    seen: list[Any] = []

    def simulation(k: float) -> float:
        clock.spend(2e-3 if k <= 5 else 0.5, work)
        return float(np.exp(-k))

    found = minigrad.derivative(watched(simulation, seen), 3.0)
    assert np.max(seen) == last
    assert abs(found.value + np.exp(-3)) <= found.error < 1e-9


def test_minutes_are_spent_at_most_once(clock: Clock) -> None:
    seen: list[Any] = []

    def simulation(k: float) -> float:
        clock.spend(2e-3 if k < 3.2 else 60.0, 0.0)
        return float(np.exp(-k))

    found = minigrad.derivative(watched(simulation, seen), 3.0)
    assert np.count_nonzero(np.array(seen) >= 3.2) == 1 and np.min(seen) < 2.5
    assert abs(found.value + np.exp(-3)) <= found.error < 1e-3


@pytest.mark.parametrize("work", [1.0, 0.0])
def test_a_single_delay_changes_nothing(clock: Clock, work: float) -> None:
    """As when the machine is busy, or Python collects garbage."""
    plain, calls = minigrad.derivative(np.sin, 1.3), iter(range(10**6))

    def delayed(x: float) -> Any:
        clock.spend(0.5 if next(calls) == 60 else 1e-6, work)
        return np.sin(x)

    assert minigrad.derivative(delayed, 1.3) == plain


def test_a_side_ends_where_the_function_fails() -> None:
    seen: list[Any] = []

    def f(x: float) -> float:
        seen.append(x)
        if x < 0.4:
            raise ValueError("too small")
        return float(np.exp(x))

    found = minigrad.derivative(f, 0.5)
    assert np.count_nonzero(np.array(seen) < 0.4) == 1 and found.evaluations == len(seen)
    assert abs(found.value - np.exp(0.5)) <= found.error < 1e-10
