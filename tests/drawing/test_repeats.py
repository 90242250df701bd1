"""Repeated parts are found by structure: what is computed alike and connected alike, and nothing else."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import Value, draw
from minigrad.drawing.fold_sums import sums
from minigrad.drawing.graph_data import survey
from minigrad.drawing.repeat_text import common_name, strip
from minigrad.drawing.repeats import Repeat, find_repeats


def repeats(y: Value) -> tuple[Repeat, ...]:
    found = survey(y)
    return find_repeats(found, sums(found))


def told(y: Value) -> list[tuple[int, int, bool, int | None]]:
    return [(r.times, len(r.members), r.carried, r.outer) for r in repeats(y)]


def recurrent(steps: int) -> Value:
    rng = np.random.default_rng(0)
    w, u = Value(rng.normal(size=(3, 3)) / 2, "W"), Value(rng.normal(size=(2, 3)), "U")
    h: Any = np.zeros(3)
    for x in rng.normal(size=(steps, 2)):
        h = np.tanh(h @ w + x @ u)
    return np.sum(h**2)


def blocks(count: int, first: int = 4) -> Value:
    rng = np.random.default_rng(0)
    x: Any = rng.normal(size=(5, first))
    for k in range(count):
        w = Value(rng.normal(size=(x.shape[1], 4)), f"blocks.{k}.W")
        x = np.tanh(x @ w + Value(np.zeros(4), f"blocks.{k}.b"))
    return np.mean(x**2)


def windows(size: int) -> Value:
    rng = np.random.default_rng(0)
    k, x = Value(rng.normal(size=(3, 3)), "K"), Value(rng.normal(size=(size + 2, size + 2)), "X")
    return sum(np.tanh(np.sum(x[i : i + 3, j : j + 3] * k)) for i in range(size) for j in range(size))


def nested(outer: int, inner: int) -> Value:
    w, v, h = Value(np.eye(3), "W"), Value(np.eye(3), "V"), Value(np.ones(3), "h0")
    for _ in range(outer):
        for _ in range(inner):
            h = np.tanh(h @ w + 1)
        h = np.sin(h @ v)
    return np.sum(h)


@pytest.mark.parametrize("steps", [5, 30, 200])
def test_the_steps_of_a_loop_are_one_part(steps: int) -> None:
    assert told(recurrent(steps)) == [(steps, 4, True, None)]


def test_equal_blocks_are_one_part_with_their_own_weights() -> None:
    y = blocks(12)
    (part,) = repeats(y)
    assert (part.times, part.carried) == (12, True)
    names = [[survey(y).names[k] for k in column] for column in part.members]
    assert [f"blocks.{k}.W" for k in range(12)] in names and [f"blocks.{k}.b" for k in range(12)] in names


def test_a_block_with_another_shape_is_not_one_of_them() -> None:
    assert [r.times for r in repeats(blocks(12, first=7))] == [11]


def test_windows_stand_side_by_side() -> None:
    assert told(windows(8)) == [(64, 4, False, None)]


def test_few_parts_side_by_side_stay() -> None:
    assert told(windows(3)) == [] and told(recurrent(3)) == []


def test_the_result_has_a_box_of_its_own() -> None:
    x = Value(0.5, "x")
    for _ in range(100):
        x = np.sin(x)
    assert told(x) == [(99, 1, True, None)]


def test_a_loop_in_a_loop() -> None:
    assert told(nested(6, 7)) == [(6, 23, True, None), (7, 3, True, 0)]


def test_a_running_sum_is_one_sum_of_all_steps() -> None:
    w, h, loss = Value(np.eye(2), "W"), Value(np.ones(2), "h"), Value(0.0)
    for _ in range(20):
        h = np.tanh(h @ w)
        loss = loss + np.sum(h**2)
    assert [(times, carried) for times, _, carried, _ in told(loss)] == [(20, True)]


def test_weights_in_turn_are_used_by_half_of_the_steps_each() -> None:
    a, b, h = Value(0.9, "a"), Value(0.8, "b"), Value(0.5, "h")
    for k in range(40):
        h = np.sin(h * (a, b)[k % 2])
    y = h * 2.0
    assert told(y) == [(40, 2, True, None)]
    diagram = draw(y).diagram
    names = {node.id: node.name for node in diagram.nodes}
    assert {names[edge.tail]: edge.count for edge in diagram.edges if names[edge.tail] in ("a", "b")} == {
        "a": 20,
        "b": 20,
    }


def test_what_is_connected_otherwise_ends_a_part() -> None:
    a, h = Value(0.9, "a"), Value(0.5, "h")
    start = h
    for k in range(40):
        h = np.sin((start if k == 19 else h) * a)
    assert max(r.times for r in repeats(h * 2.0)) <= 21


def test_a_part_begins_where_the_loop_begins() -> None:
    """An op before the loop that looks like the end of a step is none of it."""
    v, w, u = Value(np.eye(3), "V"), Value(np.eye(3), "W"), Value(np.eye(3), "U")
    x = np.ones(3)
    h = np.tanh(x @ v + x)
    for _ in range(20):
        h = np.tanh(h @ w + x @ u)
    y = np.sum(h)
    (part,) = repeats(y)
    assert part.times == 20
    last = part.members[-1]
    assert survey(y).values[last[0]].op is not None and len(part.members) == 4


@pytest.mark.parametrize("y", [recurrent(2_500), windows(45)], ids=["a loop", "windows"])
def test_ten_thousand_values_take_a_part_of_a_second(y: Value) -> None:
    found = survey(y)
    folded = sums(found)
    spent = []
    for _ in range(3):
        start = time.process_time()
        find_repeats(found, folded)
        spent.append(time.process_time() - start)
    assert len(found.values) >= 10_000 and min(spent) < 1.0


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from("smaw"), min_size=1, max_size=6), st.integers(3, 30), st.integers(0, 5))
def test_every_repetition_is_the_same_and_connected_the_same(ops: list[str], times: int, before: int) -> None:
    """Checked by brute force: op by op, input by input."""
    w, h = Value(0.9, "w"), Value(0.4, "h")
    for _ in range(before):
        h = np.sin(h)
    for k in range(times):
        for op in ops:
            own = Value(0.1 * k + 1, f"own {k}")
            h = {"s": np.sin, "m": lambda x: x * w, "a": lambda x, own=own: x + own, "w": np.cos}[op](h)
    y = np.tanh(h * w)
    found = survey(y)
    for part in find_repeats(found, sums(found)):
        columns = [c for c in part.members if found.values[c[0]].op is not None]
        assert all(len(column) == part.times == len(set(column)) for column in part.members)
        turn = {k: (place, n) for place, column in enumerate(part.members) for n, k in enumerate(column)}
        for column in columns:
            assert len({found.values[k].op for k in column}) == 1
            for tails in zip(*(found.uses[k] for k in column[1:]), strict=True):
                seen = {(turn[t][0], n - turn[t][1]) if t in turn else t for n, t in enumerate(tails, start=1)}
                assert len(seen) == 1 or all(found.values[t].op is None for t in tails)


def test_names_of_a_part_are_one_name() -> None:
    assert common_name([f"blocks.{k}.W" for k in range(12)]) == "blocks.0..11.W"
    assert common_name(["w[0,1]", "w[1,1]"]) == "w[0..1,1]"
    assert common_name(["a", "a"]) == "a" and common_name(["a", ""]) == "" and common_name(["a", "b"]) == "a .. b"


def test_a_strip_has_the_largest_of_each_stretch() -> None:
    assert strip([0.0, 1.0, 2.0]) == (0.0, 0.5, 1.0) and strip([0.0, 0.0]) == (0.0, 0.0)
    long = strip([0.0] * 199 + [4.0])
    assert len(long) == 24 and long[-1] == 1.0 and not any(long[:-1])
    assert strip([1.0, float("nan")]) == (1.0, 2.0)


def test_parts_cut_elsewhere_are_no_loop() -> None:
    """Cut between sine and cosine, each part would use the one before; so few parts side by side stay."""
    first = np.cos(Value(0.1, "a"))
    parts = [np.cos(np.sin(Value(0.1 * k, f"a{k}"))) for k in range(25)]
    assert told(sum(parts, start=first) * 2.0) == []
