"""What is said of entries that do not move: "never" where it is proved, "now" and "at every point probed" else.

"0" where a gradient is as small as its own rounding, "vanishes" where it is not.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.optim import SGD
from minigrad.symmetry import ties
from minigrad.symmetry.loss_graph import with_any_data
from minigrad.symmetry.probe import probe
from minigrad.symmetry.ties import record_loss
from minigrad.symmetry.zero_gradients import zero_to_rounding

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(5, 2)), RNG.normal(size=(5, 1))


def told(found: Any) -> list[tuple[str, str, str]]:
    """Kind, evidence and sentence of each finding on what does not move."""
    return [(x.kind, x.evidence, x.sentence) for x in found.findings() if x.kind not in ("tied", "opposite")]


def test_dead_numbers_have_findings() -> None:
    found = ties(lambda p: mg.relu(p["q"]) * p["s"] + p["s"] ** 2, {"q": -1.0, "s": 0.5})
    assert told(found) == [("dead now", "observed", "q has gradient 0 now, because relu has slope 0 there")]
    q, s = mg.Value(-1.0, name="q"), mg.Value(0.5, name="s")
    assert told(ties(mg.relu(q) * s + s**2)) == told(found)


# What descent moves by whole units, beyond all points that a probe sees.


def furthest(p: Any) -> Any:
    return np.max(np.abs(p["w"] - np.array([10.0, 5.0, 1.0])))


def clipped(p: Any) -> Any:
    return np.sum((p["s"] - 6) ** 2) + np.sum(np.clip(p["s"] - 4, 0, 1) * (p["a"] - 2) ** 2)


def opens_late(p: Any) -> Any:
    return mg.relu(p["b"][0] - 5) * p["a"][0] + (p["b"][0] - 10) ** 2


def opens_far(p: Any) -> Any:
    return mg.relu(p["b"][0] - 500) * p["a"][0] + (p["b"][0] - 900) ** 2


@pytest.mark.parametrize("method", ["auto", "probe"])
@pytest.mark.parametrize(
    ("f", "start", "still"),
    [
        (furthest, {"w": np.zeros(3)}, 2),
        (clipped, {"a": np.zeros(1), "s": np.zeros(1)}, 1),
        (opens_late, {"a": np.zeros(1), "b": np.zeros(1)}, 1),
        (opens_far, {"a": np.zeros(1), "b": np.zeros(1)}, 1),
    ],
)
def test_what_descent_moves_is_never_said_to_never_move(f: Any, start: Any, still: int, method: str) -> None:
    found = ties(f, start, method=method)
    assert found.frozen is None and not found.never_moves.any() and found.zero_now.sum() == still
    assert "never" not in found.summary() and f"{still} of them ha" in found.summary()
    assert all("never" not in text and "gradient 0 now" in text for _, _, text in told(found))
    optimiser = SGD([w := mg.Value(found.now.values.copy())], lr=0.05)
    for _ in range(400):
        w.grad = found.recording.gradient(w.data)
        optimiser.step()
    assert (np.abs(w.data - found.now.values)[found.zero_now] > 0.5).all()


def test_zero_at_every_point_that_was_probed_is_said_as_that() -> None:
    found = ties(opens_far, {"a": np.zeros(1), "b": np.zeros(1)})
    assert found.zero_everywhere.tolist() == [True, False]
    where = "gradient 0 now and at every point that was probed"
    assert found.summary() == f"2 parameters move as 2, 1 of them has {where}"
    because = "because relu gives 0 there"
    assert told(found) == [("dead now", "probed", f"a has {where} (probed, not proved), {because}")]
    near = ties(opens_late, {"a": np.zeros(1), "b": np.zeros(1)})  # some point that is probed is above 5
    assert not near.zero_everywhere.any() and told(near) == [
        ("dead now", "observed", f"a has gradient 0 now, {because}")
    ]


def test_a_dead_layer_is_dead_now_however_large_its_numbers_are() -> None:
    def f(p: Any, x: Any) -> Any:
        return np.mean((mg.relu(x @ p["W"] - 100) @ p["V"] + p["b"] - 1) ** 2)

    start = {"W": RNG.normal(size=(2, 3)), "V": RNG.normal(size=(3, 1)), "b": np.zeros(1)}
    found = ties(f, start, X)
    assert found.frozen is None and found.zero_now.sum() == 9
    assert {kind for kind, _, _ in told(found)} == {"dead now"} and all("never" not in x[2] for x in told(found))


def test_a_probe_proves_only_that_what_the_loss_does_not_use_never_moves() -> None:
    found = ties(lambda p: p["a"] * p["b"] + p["c"] ** 2, {"a": 0.0, "b": 0.0, "c": 1.0, "d": 2.0}, method="probe")
    assert found.never_moves.tolist() == [False, False, False, True]
    assert found.zero_everywhere.tolist() == [True, True, False, False]
    assert found.summary() == (
        "4 parameters move as 2, 1 never moves, 2 others have gradient 0 now and at every point that was probed "
        "(partly probed, not proved)"
    )
    assert found.evidence == ("probed", "single", "proved") and found.frozen_evidence == ("proved",)


# For all data.

ROWS = {"E": np.zeros((4, 2))}


@pytest.mark.parametrize(
    "rows",
    [
        lambda E, i: E[i],
        lambda E, i: np.take(E, i, axis=0),
        lambda E, i: mg.embedding(E, i),
        lambda E, i: E[3 - (i + 1) % 4],
    ],
)
def test_rows_that_other_indices_take_move(rows: Any) -> None:
    def f(p: Any, i: Any) -> Any:
        return np.sum((rows(p["E"], i) - 1) ** 2)

    found = ties(f, ROWS, np.array([0, 1]), for_all_data=True)
    assert found.frozen is None and not found.zero_now.any() and not found.vanishing.any()
    assert told(found) == [] and found.summary() == "8 parameters move as 4"
    here = ties(f, ROWS, np.array([0, 1]))
    assert here.never_moves.sum() == 4 and told(here)[0][1] == "proved"


def test_each_row_of_a_large_table_is_taken_by_some_data() -> None:
    found = ties(lambda p, i: np.sum((p[i] - 1) ** 2), np.zeros((60, 1)), np.array([3, 3]), for_all_data=True)
    assert not found.zero_now.any()


def test_other_data_hold_every_valid_index_and_no_other() -> None:
    def f(p: Any, i: Any, k: Any) -> Any:
        return np.sum(p["E"][i]) + mg.cross_entropy(p["V"], k) + np.sum(p["E"][0] * k[0])

    start = {"E": np.zeros((9, 4)), "V": np.zeros((2, 3))}
    data = np.array([1, 0]), np.array([0, 0])
    others = with_any_data(record_loss(f, (start, *data), True))
    i, k = (np.array([others.draw_like(p) for _ in range(40)]) for p in others.symbolic_data)
    assert {*i.ravel().tolist()} == {*range(9)} and {*k.ravel().tolist()} == {0, 1, 2}
    assert {*i[:5].ravel().tolist()} == {*range(9)}, "each in turn"
    counts = with_any_data(record_loss(lambda w, n: np.sum(w * n), (np.ones(3), np.array([2, 1, 2])), True))
    assert np.max([counts.draw_like(counts.symbolic_data[0]) for _ in range(20)]) == 2, "no index"


def test_what_is_zero_for_the_data_given_is_said_of_these() -> None:
    def f(p: Any, x: Any) -> Any:
        return np.sum(mg.relu(np.sum(x) * 0 - 100 + p["w"]) * p["v"]) + np.sum(x) * p["c"]

    found = ties(f, {"w": 1.0, "v": 1.0, "c": 1.0}, X, for_all_data=True)
    assert "2 of them have gradient 0 now for the data given" in found.summary()
    assert all("gradient 0 now for the data given" in text for _, _, text in told(found))
    assert len(told(found)) == 2
    start = {"w": np.ones((2, 3)), "v": np.ones(3)}
    large = ties(lambda p, x: np.sum(mg.relu(x @ p["w"] - 100) * p["v"]), start, X, for_all_data=True)
    assert not large.zero_now.any(), "larger data open the relu"


# Small gradients, and gradients that are 0 but for rounding.


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layers", [14, 20, 24, 32])
def test_gradients_that_vanish_are_not_0(layers: int, dtype: Any) -> None:
    net = nn.MLP(
        [2] + [4] * layers + [1], "sigmoid", init=lambda shape, rng: rng.normal(size=shape).astype(dtype), seed=1
    )
    found = ties(net, X.astype(dtype), Y.astype(dtype))
    nonzero = found.now.gradient != 0
    assert nonzero.all() and not found.zero_now.any() and found.frozen is None
    if layers == 32:
        assert found.recording.split(found.vanishing)[0].all()
        (finding,) = found.findings()
        assert finding.kind == "vanishing now" and finding.evidence == "observed"
        assert (
            finding.sentence.startswith("W1, b1, W2, b2 and ")
            and "gradients vanish now, at most" in finding.sentence
        )
        assert "cancel" not in finding.sentence and "vanish: at most" in found.summary()


@pytest.mark.parametrize("method", ["auto", "probe"])
def test_a_gradient_that_is_exact_is_not_0_beside_a_large_one(method: str) -> None:
    found = ties(
        lambda p: 1e-15 * (p["b"][0] - 3) ** 2 + (p["a"][0] - 2) ** 2,
        {"a": np.ones(1), "b": np.ones(1)},
        method=method,
    )
    assert not found.zero_now.any() and found.vanishing.tolist() == [False, True]
    assert told(found) == [
        ("vanishing now", "observed", "b: gradients vanish now, at most 4e-15 where the largest is 2")
    ]
    assert (
        found.summary().endswith("(probed, not proved)") or "1 gradient vanishes: at most 4e-15" in found.summary()
    )
    assert not probe(found.recording).frozen.any()


def test_a_small_gradient_is_not_0_either_where_points_far_away_have_none() -> None:
    found = ties(lambda p: 1e-15 * p["b"] ** 2 + np.sum(np.arccos(p["a"])), {"a": np.full(9, 0.5), "b": 1.0})
    assert probe(found.recording).frozen.tolist() == [False] * 10


@pytest.mark.parametrize(
    ("f", "start"),
    [
        (lambda w: np.sum(mg.softmax(w)), [0.3, -1.2, 0.7]),
        (lambda w: w / w, 0.7),
        (lambda w: np.sum((X[:, :1] - np.mean(X[:, :1])) * w), [0.3]),
        (lambda w: np.mean((np.sin(3 * w) - np.sin(3 * 0.7)) ** 2), 0.7),
        (lambda w: np.linalg.det(np.stack([w, w])), [0.3, 0.7]),
        (lambda w: np.log(np.sum(np.exp(w + 5))) - np.log(np.sum(np.exp(w))), [0.1, 0.2, 0.4]),
        (lambda w: np.sum((w * 0.1 - 0.07) * 3) ** 2, [0.7, 0.7]),
    ],
)
def test_what_is_rounding_is_0_though_nothing_larger_is_beside_it(f: Any, start: Any) -> None:
    start = np.array(start)
    recording = record_loss(f, (start,), False)
    for values in (recording.values, recording.values * (1 + 1e-16)):
        gradient = recording.gradient(values)
        assert np.abs(gradient).max() < 1e-14 and zero_to_rounding(recording, values, gradient).all()
    moved = record_loss(lambda w: f(w) + 1e-9 * np.sum(w), (start,), False)
    assert not zero_to_rounding(moved, moved.values, moved.gradient_now()).any()


def test_terms_that_cancel_do_not_hide_small_gradients_of_other_entries() -> None:
    found = ties(lambda p: np.sum(mg.softmax(p["w"])) + 1e-18 * p["s"] ** 2 + p["t"] ** 2,
                 {"w": np.array([0.3, -1.2, 0.7]), "s": 2.0, "t": 1.0})  # fmt: skip
    assert found.now.zero.tolist() == [True, True, True, False, False]


# Reasons.


def attention(p: Any, x: Any) -> Any:
    keys = np.transpose(np.reshape(x @ p["K"], (5, 2)))
    return np.mean((mg.softmax((x @ p["Q"]) @ keys) @ np.reshape(x @ p["V"], (5, 2)) - 1) ** 2)


@pytest.mark.parametrize(("zero", "still"), [("K", ["Q"]), ("V", ["Q", "K"])])
def test_the_reason_is_the_tensor_that_is_0_and_not_an_op_that_moves_it(zero: str, still: list[str]) -> None:
    p = {name: RNG.normal(size=(2, 2)) for name in "QKV"} | {zero: np.zeros((2, 2))}
    assert told(ties(attention, p, X)) == [
        (
            "zero gradient now",
            "observed",
            f"{name} has gradient 0 now, because {zero} is 0; it will move after a step",
        )
        for name in still
    ]


def test_the_reason_is_the_slope_and_not_the_index() -> None:
    found = ties(lambda p: (p[0] - 1) ** 2 + (p[1] - 5) ** 2, np.ones(2))
    assert told(found) == [
        ("zero gradient now", "observed", "params[0] has gradient 0 now, because ** has slope 0 there")
    ]


def test_the_reason_is_the_flat_side_and_not_a_number_that_is_0() -> None:
    (finding,) = told(ties(lambda p: np.sum(np.maximum(p["a"], 1.0) * p["s"]), {"a": 0.0, "s": 0.0}))
    assert finding[2].endswith(", because maximum has slope 0 there") and "never" not in finding[2]


def test_a_tensor_of_zeros_that_others_keep_still_is_not_its_own_reason() -> None:
    kept = ties(lambda p: (p["u"] - p["v"]) * p["a"] + p["u"] ** 2 + p["v"] ** 2, {"u": 1.0, "v": 1.0, "a": 0.0})
    assert [text for _, _, text in told(kept)] == ["a never moves; a random start gives it a gradient"]
    own = ties(lambda a: a**2, 0.0)
    assert [text for _, _, text in told(own)] == [
        "params never moves, because it is 0; a random start gives it a gradient"
    ]


@pytest.mark.parametrize(
    ("f", "start"),
    [
        (lambda w: np.linalg.det(np.stack([w, w])) * 2, [0.3, 0.7]),
        (lambda w: np.cos(w) - (1 - w**2 / 2) + 1e3 * mg.relu(-w), 1e-9),
        (lambda w: np.linalg.det(np.outer(w, w)), [0.3, 0.7, 0.1]),
    ],
)
def test_no_or_one_path_does_not_cancel(f: Any, start: Any) -> None:
    sentences = [text for _, _, text in told(ties(f, np.array(start)))]
    assert sentences
    for text in sentences:
        assert "the 0 paths" not in text and "the 1 paths" not in text


def test_no_reason_is_invented_for_a_product_that_floats_cannot_hold() -> None:
    found = ties(lambda p: 1e-200 * (1e-200 * p["a"]) + p["b"] ** 2, {"a": 1.0, "b": 1.0})
    assert told(found)[0][2].endswith("because numbers on the way are too small for floats")


def test_terms_that_cancel_inside_an_op_are_the_reason_and_not_a_0() -> None:
    found = ties(lambda p: np.tanh(np.einsum("ij,jk->", p["A"], p["B"])) ** 2,
                 {"A": RNG.normal(size=(2, 2)), "B": np.array([[1.0, -1.0], [1.0, 0.5]])})  # fmt: skip
    assert told(found)[0][2].startswith("A: column 0 has gradient 0 now, because terms of einsum cancel")


def test_what_is_nan_beside_it_does_not_hide_the_reason() -> None:
    """0 ** v has no slope by its base; the median takes nothing of column 0."""
    p = {"w": np.array([[0.1, 0.5], [0.2, 0.6], [0.9, 0.0]]), "v": np.array([[1.0, 1.0], [1.0, 1.0], [1.0, -1.0]])}
    with np.errstate(all="ignore"):
        sentences = [text for _, _, text in told(ties(lambda p: np.median(p["w"] ** p["v"]), p))]
    assert any(text.startswith("w: column 0") for text in sentences)
    assert all(text.endswith("median has slope 0 there") for text in sentences if "column 0" in text)


def test_in_floats_what_never_moves_is_counted_apart_from_groups() -> None:
    """Both sums are 0.6 in exact arithmetic, at a kink; in floats they differ."""

    def f(p: Any) -> Any:
        return np.abs(np.sum(p["u"]) - np.sum(p["v"])) + np.sum(p["w"] ** 2)

    found = ties(f, {"u": np.array([0.1, 0.2, 0.3]), "v": np.array([0.3, 0.2, 0.1]), "w": np.ones(2)})
    assert [*found.parted] == [found.frozen] and "group" not in found.summary()
    assert "6 never move (in floats 6 that never move have gradients now: 1)" in found.summary()
    assert told(found)[0][2].startswith(
        "u never moves (proved in exact arithmetic; in floats the gradient is 1 now"
    )


def test_some_draws_do_not_prove_that_anything_never_moves() -> None:
    pick = random.Random(0)
    found = ties(lambda p, x: np.sum((x @ p["W"])[:, pick.randrange(60)] ** 2), {"W": np.ones((2, 60))}, X)
    assert found.frozen is None and "never" not in found.summary()
    assert found.summary().endswith("and in all 16 draws (observed in 16 draws of its random numbers)")
    ((kind, evidence, text),) = told(found)
    assert (kind, evidence) == ("zero gradient now", "observed")
    assert text.endswith(
        "gradient 0 now and in all 16 draws (observed, not proved), because the loss takes other entries"
    )
