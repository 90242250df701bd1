"""A long refinement says what the plain loop says, bit for bit, and a round costs as much as it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle_networks import random_case
from symmetric_networks import network

import minigrad as mg
from minigrad.symmetry import proof, ties
from minigrad.symmetry.changes import EVERY, Changes
from minigrad.symmetry.fingerprints import Formulas
from minigrad.symmetry.proof import Partition, Proof, points, start
from minigrad.symmetry.ties import record_loss


def prove(f: Callable[..., Any], *args: Any) -> Partition:
    return ties(f, *args, method="prove").partition


def both_ways(monkeypatch: pytest.MonkeyPatch, f: Callable[..., Any], *args: Any) -> Partition:
    """The partition of the plain loop, after all others were found to be the same."""
    monkeypatch.setattr(proof, "PATIENCE", 10**9)
    plain = prove(f, *args)
    for patience in (0, 1, 3):
        monkeypatch.setattr(proof, "PATIENCE", patience)
        found = prove(f, *args)
        for name in ("classes", "signed", "signs", "frozen"):
            np.testing.assert_array_equal(getattr(found, name), getattr(plain, name), err_msg=f"{name}, {patience}")
        assert (found.rounds, found.unknown) == (plain.rounds, plain.unknown)
    return plain


@pytest.mark.parametrize("chunk", range(4))
@pytest.mark.slow
def test_random_networks(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    for seed in range(chunk * 50, chunk * 50 + 50):
        case = random_case(np.random.default_rng(seed), exact=bool(seed % 2))
        both_ways(monkeypatch, case.floats, case.params, case.x, case.y)


def test_wide_and_deep_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        case = network(lambda low, high, rng=rng: int(rng.integers(low, high, endpoint=True)))
        both_ways(monkeypatch, case.f, case.params, case.x, case.y)


def chain(w: Any) -> Any:
    return np.sum(w[1:] * w[:-1])


def squares(w: Any) -> Any:
    return np.sum((w[1:] - 2 * w[:-1]) ** 2) + w[0]


def numbers(w: Any) -> Any:
    total = 0.0
    for a, b in zip(w[1:], w[:-1], strict=True):
        total = total + (a - b) ** 2 * a
    return total


ELEMENTWISE: dict[str, Callable[[Any, Any], Any]] = {
    "tanh": lambda a, b: np.tanh(a - 2 * b),
    "exp": lambda a, b: np.exp(a * b),
    "divide": lambda a, b: a / (2 + b * b),
    "maximum": lambda a, b: np.maximum(a, 3 * b),
    "log": lambda a, b: np.log(2 + a * a) * b,
    "relu": lambda a, b: mg.relu(a * b - b),
    "power": lambda a, b: (a + b) ** 3 - a**0.5,
    "gelu": lambda a, b: mg.gelu(a) * b,
}


@pytest.mark.parametrize("f", [chain, squares])
def test_paths(monkeypatch: pytest.MonkeyPatch, f: Callable[[Any], Any]) -> None:
    for n in (3, 24, 61):
        assert both_ways(monkeypatch, f, np.ones(n)).rounds >= n // 2
        both_ways(monkeypatch, f, np.where(np.arange(n) % 2, 1.0, -1.0))
        both_ways(monkeypatch, f, np.zeros(n))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_paths_of_other_functions(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def f(w: Any) -> Any:
        return np.sum(ELEMENTWISE[name](w[1:], w[:-1]))

    assert both_ways(monkeypatch, f, np.full(50, 0.5)).rounds > 8


def test_a_path_of_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert both_ways(monkeypatch, numbers, [1.0] * 70).rounds > 30


def test_moves_sums_and_products_beside_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).integers(-1, 2, (40, 40)) * 1.0

    def f(p: Any) -> Any:
        w, v = p["w"], p["v"]
        table = np.concatenate([w, np.flip(w)]).reshape(8, 10)
        grid = np.sum(table * v, axis=0) * table[:, :1].T.sum() + np.sum(table, axis=1, keepdims=True)
        picked = w[np.array([3, 3, 5, 7] * 5)] * np.repeat(v, 2)
        return chain(w) + np.sum(grid) + np.sum(picked**3) + np.sum((x @ w) ** 2) * p["unused"][0] + chain(v)

    both_ways(monkeypatch, f, {"w": np.ones(40), "v": np.ones(10), "unused": np.zeros(2), "none": np.zeros((0, 3))})


def test_a_large_part_that_did_not_change_keeps_its_number_and_a_small_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A star in a path: the entries that change at once are many, and the rest is one."""

    def f(w: Any) -> Any:
        return chain(w) + w[0] * np.sum(w[1:30]) + np.sum(w[5:25] ** 2 * w[4])

    for n in (40, 33):
        both_ways(monkeypatch, f, np.ones(n))


@pytest.mark.parametrize("f", [chain, squares, lambda w: np.sum(np.tanh(w.reshape(10, 10) @ w.reshape(10, 10)))])
def test_what_is_read_again_is_what_a_new_reading_says(f: Callable[[Any], Any]) -> None:
    recording = record_loss(f, (np.ones(100),), False, None)
    of, rng = Proof(recording.y, recording.params), np.random.default_rng(0)
    (p,) = of.params
    reader = Changes(of.formulas, points([p], [], *start(np.ones(100))))
    for count in (1, 3, 30, 100):
        at = rng.permutation(100)[:count]
        x = rng.integers(0, 1000, (4, count))
        reader.update({p.serial: (at, x)})
        fresh = Formulas(of.formulas.outputs, [p]).read({p.serial: reader.env[p.serial]})
        np.testing.assert_array_equal(reader.env[of.formulas.outputs[0].serial].x, fresh[0].x)


def test_a_round_reads_what_changed_and_no_more() -> None:
    """Else 4,000 entries and 2,000 rounds would take a minute."""
    recording = record_loss(chain, (np.ones(4000),), False, None)
    of = Proof(recording.y, recording.params)
    (p,) = of.params
    reader = Changes(of.formulas, points([p], [], *start(np.ones(4000))))
    changed = reader.update({p.serial: (np.array([2000]), np.array([[1], [2], [3], [4]]))})
    assert all(c is not EVERY and len(c[0]) <= 2 for c in changed.values()) and len(changed) > 5
    assert all(way is not None for way in reader.ways.values())


@pytest.mark.slow
@pytest.mark.parametrize("f", [chain, squares])
def test_a_path_of_thirty_thousand(f: Callable[[Any], Any]) -> None:
    assert prove(f, np.ones(30_000)).rounds == 15_000


def test_a_reader_that_forgets_a_change_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Changes._write
    monkeypatch.setattr(Changes, "_write", lambda self, serial, at, x, c: write(self, serial, at[:1], x[:, :1], c))
    with pytest.raises(AssertionError):
        both_ways(monkeypatch, chain, np.ones(61))
