"""The evidence of each claim about ties, and what the gradient at the start says about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.symmetry import ties
from minigrad.symmetry.claims import join_partitions, weakest
from minigrad.symmetry.loss_graph import with_any_data
from minigrad.symmetry.now import Now, parted
from minigrad.symmetry.probe import probe
from minigrad.symmetry.proof import Partition
from minigrad.symmetry.ties import record_loss

RNG = np.random.default_rng(3)


def swapped(w: Any) -> Any:
    """The determinant of a symmetric matrix: w0 and w1 are one, and the proof does not know it."""
    return np.linalg.det(np.stack([np.stack([w[0], 2.0 * w[2]]), np.stack([w[2], w[1]])]))


def test_what_moves_now_is_not_said_to_be_frozen_by_a_probe() -> None:
    """The relu is closed at all random points near 0, and open at the start; sort is not known to the proof."""

    def f(p: Any) -> Any:
        return np.sum(mg.relu(p["w"] - 100)) + np.sum(np.sort(p["v"]) * np.array([1.0, 2.0, 3.0]))

    p = {"w": np.array([200.0]), "v": np.array([1.0, 2.0, 3.0])}
    for method in ("auto", "probe"):
        found = ties(f, p, method=method)
        assert found.frozen is None and found.independent == 4
        assert set(found.evidence) == {"single"}
        assert not found.zero_now.any()


def test_centres_far_from_the_origin_move_though_all_random_points_are_far_from_the_data() -> None:
    x, y = 50 + RNG.normal(size=(8, 2)), RNG.normal(size=8)

    def f(p: Any, x: Any, y: Any) -> Any:
        d = x[:, None, :] - p["c"][None]
        return np.mean((np.exp(-np.sum(d * d, axis=-1)) @ p["v"] - y) ** 2)

    found = ties(f, {"c": 50 + RNG.normal(size=(3, 2)), "v": np.ones(3)}, x, y, method="probe")
    assert found.frozen is None


def test_a_group_of_one_claims_nothing() -> None:
    found = ties(lambda w: np.sum(w * np.array([1.0, 2.0])), np.ones(2))
    assert found.evidence == ("single", "single")
    assert ties(lambda w: np.sum(w), np.ones(2)).evidence == ("proved",)
    assert ties(lambda w: np.sum(w), np.ones(2), method="probe").evidence == ("probed",)


def test_what_is_0_at_all_points_is_not_said_to_stay_0_and_what_is_proved_is() -> None:
    def f(p: Any) -> Any:
        d = np.linalg.det(np.stack([p["w"], p["w"]]))  # 0 for ever, which the proof does not know
        return np.sum(p["v"] ** 2) + p["z"] * d + 0 * p["u"]

    found = ties(f, {"w": np.array([1.0, 2.0]), "v": np.ones(2), "z": 3.0, "u": 5.0})
    assert found.frozen is not None and found.groups[found.frozen] == (("['u']", ()),)
    assert found.frozen_evidence == ("proved",) and found.evidence[found.frozen] == "proved"
    w, v, z, u = found.recording.split(found.zero_everywhere)
    assert w.all() and z and not v.any() and not u
    assert found.labels["v"].tolist() == [found.labels["v"][0]] * 2
    assert found.evidence[found.labels["v"][0]] == "proved"
    assert found.summary() == (
        "6 parameters move as 4, 1 never moves, 3 others have gradient 0 now and at every point that was probed "
        "(the proof does not know cofactor and det)"
    )


def test_one_frozen_entry_is_a_claim() -> None:
    found = ties(lambda p: p["a"] ** 2, {"a": 1.0, "b": 2.0})
    assert found.evidence == ("single", "proved") and found.frozen_evidence == ("proved",)


def test_ops_that_the_proof_does_not_know_are_named() -> None:
    start = np.array([3.0, 3.0, 1.0])
    found = ties(swapped, start)
    assert found.unknown == ("cofactor",) and "the proof does not know cofactor" in found.summary()
    proved = ties(swapped, start, method="prove")
    assert proved.unknown == ("cofactor",) and proved.independent == 3
    assert proved.summary() == "3 parameters move as 3 (the proof does not know cofactor)"
    assert ties(swapped, start, method="probe").unknown == ()


def test_for_all_data_what_is_not_proved_is_probed_at_other_data() -> None:
    def f(w: Any, c: Any) -> Any:
        return swapped(w) + np.sum(w * c)

    start = np.array([3.0, 3.0, 1.0])
    assert ties(f, start, np.zeros(3)).independent == 2
    assert ties(f, start, np.zeros(3), for_all_data=True).independent == 3
    found = ties(lambda w, c: swapped(w) * c, start, 2.0, for_all_data=True)
    assert (found.independent, found.evidence) == (2, ("probed", "single"))
    assert found.scope == "for all data" and "cofactor" in found.summary()


def test_other_data_are_like_the_given_ones() -> None:
    data = np.ones(50), np.arange(300) % 3, np.ones(50, bool), np.full(50, -2.0), np.float32(3.0)
    recording = record_loss(lambda w, *data: w * w + sum(np.sum(x) for x in data), (1.0, *data), True)
    drawn = [with_any_data(recording).draw_like(p) for p in recording.symbolic_data]
    assert [(x.shape, x.dtype) for x in drawn] == [(np.shape(x), np.asarray(x).dtype) for x in data]
    assert (drawn[0] > 0).all() and drawn[0].std() > 0.1 and drawn[3].std() > 0.1
    assert set(drawn[1].tolist()) <= {0, 1, 2} and set(drawn[2].tolist()) == {False, True}


def test_gradients_part_by_more_than_a_share_of_the_tie() -> None:
    tie = partition([0, 0, 1], [1, 1, 1])

    def apart(*g: float) -> bool:
        now = Now(record_loss(lambda w: np.sum(w * g), (np.ones(3),), False), np.ones(3), np.array(g))
        return bool(parted(now, tie.frozen, tie.classes, 8))

    assert not apart(1.0, 1.0 + 1e-8, 1.0) and apart(1.0, 1.0 + 1e-4, 1.0)
    assert not apart(1e-12, 2e-12, 1.0) and apart(1e-12, 2e-12, 1e-9)


def test_equal_classes_and_masks_are_no_data_for_all_data() -> None:
    """Random data like the given ones: classes stay classes, masks stay masks, positive numbers positive."""

    def f(w: Any, x: Any, k: Any, mask: Any) -> Any:
        return swapped(w) * np.sum(np.sqrt(x)) + np.sum(w[k] * np.where(mask, 1.0, 2.0))

    found = ties(f, np.array([3.0, 3.0, 1.0]), np.ones(2), np.array([0, 1]), np.ones(2, bool), for_all_data=True)
    assert found.independent == 3
    here = ties(f, np.array([3.0, 3.0, 1.0]), np.ones(2), np.array([0, 1]), np.ones(2, bool))
    assert here.independent == 2


def test_at_a_kink_both_the_proof_and_the_floats_are_said() -> None:
    """Both sums are 0.6 in exact arithmetic; in floats one is larger by a rounding."""

    def f(p: Any) -> Any:
        return np.maximum(np.sum(p["u"]), np.sum(p["v"]))

    found = ties(f, {"u": np.array([0.1, 0.2, 0.3]), "v": np.array([0.3, 0.2, 0.1])})
    assert found.labels["u"][0] == found.labels["v"][2] and found.evidence == ("proved",) * 3
    assert found.parted == {0: (0.0, 1.0), 1: (0.0, 1.0), 2: (0.0, 1.0)}
    assert "in floats 3 groups part now: gradients 1 and 0" in found.summary()
    tied = next(x for x in found.findings() if x.kind == "tied")
    assert "(proved in exact arithmetic; in floats they part now: 1 and 0)" in tied.sentence


def test_rounding_within_a_tie_is_no_contradiction() -> None:
    x, y = RNG.normal(size=(50, 3)), RNG.normal(size=(50, 1))
    for dtype in (np.float64, np.float32):
        p = {"W": np.full((3, 7), 0.1, dtype), "v": np.full((7, 1), 0.3, dtype)}
        found = ties(lambda p, x, y: np.mean((np.tanh(x @ p["W"]) @ p["v"] - y) ** 2), p, x, y)
        assert len(found.groups) == 4 and found.parted == {}


def test_a_gradient_of_nan_is_said() -> None:
    with np.errstate(all="ignore"):
        found = ties(lambda w: w[0] * w[1] / w[2], np.zeros(3))
    assert np.isnan(found.now.gradient).all()
    assert "3 gradients are nan here" in found.summary()
    if found.frozen is not None:
        assert any("nan now" in x.sentence for x in found.findings())
    infinite = ties(lambda w: np.sum(np.sqrt(w)), np.array([0.0, 1.0]))
    assert infinite.summary() == "2 parameters move as 2 (1 gradient is infinite here)"


def test_dead_relus_do_not_move_now() -> None:
    x, y = np.abs(RNG.normal(size=(5, 2))), np.ones((5, 1))

    def f(p: Any, x: Any, y: Any) -> Any:
        return np.mean((mg.relu(x @ p["w"]) @ p["v"] + p["b"] - y) ** 2)

    p = {"w": np.array([[-0.03], [-0.01]]), "v": np.array([[0.04]]), "b": np.zeros(1)}
    found = ties(f, p, x, y)
    assert found.summary() == "4 parameters move as 4, 3 of them have gradient 0 now"
    assert found.zero_now.tolist() == [True, True, True, False]
    assert found.frozen is None


def test_zero_to_rounding_is_zero_and_a_small_gradient_is_not() -> None:
    """An equal head under softmax: the paths to the first layer cancel, but for rounding."""
    x, y = RNG.normal(size=(5, 3)), np.array([0, 1, 2, 1, 0])

    def f(p: Any, x: Any, y: Any) -> Any:
        return mg.cross_entropy(np.tanh(x @ p["W"]) @ p["V"], y)

    found = ties(f, {"W": RNG.normal(size=(3, 4)), "V": np.full((4, 3), 0.7)}, x, y)
    assert found.recording.split(found.zero_now)[0].all() and not found.recording.split(found.zero_now)[1].any()
    alone = ties(lambda p, x, y: f({"W": p, "V": np.full((4, 3), 0.7)}, x, y), RNG.normal(size=(3, 4)), x, y)
    assert alone.now.zero.all()  # and no larger gradient is there to compare with
    assert alone.frozen == 0 and alone.parted == {}
    for dtype in (np.float64, np.float32):
        single = {"W": RNG.normal(size=(3, 4)).astype(dtype), "V": np.full((4, 3), 0.7, dtype)}
        assert ties(f, single, x.astype(dtype), y).zero_now.sum() == 12


@pytest.mark.parametrize(("dtype", "least"), [(np.float64, 1e-12), (np.float32, 1e-6), (np.float16, 1e-2)])
def test_a_small_gradient_is_not_zero(dtype: Any, least: float) -> None:
    small = ties(lambda w: w[0] + least * w[1], np.array([1.0, 2.0], dtype))
    assert not small.zero_now.any()


def test_numbers_longer_than_float64_keep_their_digits() -> None:
    w = np.ones(2, dtype=np.longdouble)
    assert ties(lambda w: np.sum(w), w).independent == 1
    w[1] += np.finfo(np.longdouble).eps
    assert ties(lambda w: np.sum(w), w).independent == 2


def test_a_gradient_that_is_zero_at_these_data_alone_is_not_zero_for_all_data() -> None:
    x, y = np.zeros((2, 3)), np.ones(2)
    linear = lambda w, x, y: np.mean((x @ w - y) ** 2)  # noqa: E731
    assert ties(linear, np.ones(3), x, y).frozen is not None
    mean = lambda w, x, y: np.mean((x @ np.sin(w) - y) ** 2)  # noqa: E731
    start = np.array([0.1, 0.2, 0.3])
    fitted = np.eye(3) @ np.sin(start)
    assert ties(mean, start, np.eye(3), fitted).zero_now.all()
    assert not ties(mean, start, np.eye(3), fitted, for_all_data=True).zero_now.any()


def test_the_start_is_kept_when_the_model_is_trained_on() -> None:
    x, y = RNG.normal(size=(5, 2)), RNG.normal(size=(5, 1))
    net = nn.MLP((2, 3, 1), init=0.5)
    found = ties(net, x, y)
    before = found.now.values.copy()
    for p in net.parameters():
        p.data += RNG.normal(size=p.shape)
    assert (found.now.values == before).all()


def partition(signed: list[int], signs: list[int], frozen: list[int] | None = None) -> Partition:
    s, e = np.array(signed), np.array(signs, dtype=np.int8)
    classes = np.unique(2 * s + (e < 0), return_inverse=True)[1]
    still = np.zeros(len(s), dtype=bool) if frozen is None else np.array(frozen, dtype=bool)
    return Partition(classes, still, 1, (), s, e)


def test_a_join_keeps_signs() -> None:
    """The first knows p0 = -p1 and the second p1 = -p2, so p0 = p2; p3 stands alone."""
    both = join_partitions(
        partition([0, 0, 1, 2], [1, -1, 1, 1]), partition([0, 1, 1, 2], [1, 1, -1, 1], [0, 0, 0, 1])
    )
    assert both.classes[0] == both.classes[2] != both.classes[1]
    assert both.signed.tolist() == [0, 0, 0, 1] and (both.signs * both.signs[0]).tolist()[:3] == [1, -1, 1]
    assert both.frozen.tolist() == [False, False, False, True]


def test_a_join_of_a_chain_is_one_class() -> None:
    n = 40
    evens, odds = np.arange(n) // 2, (np.arange(n) + 1) // 2
    both = join_partitions(partition([*evens], [1] * n), partition([*odds], [1] * n))
    assert set(both.classes.tolist()) == {0}


def test_a_probe_gives_way_to_the_gradient_at_the_start() -> None:
    start = np.array([1.0, 1.0, -1.0, 1.5])
    recording = record_loss(lambda w: np.sum(np.cos(w[:3])), (start,), False)
    kept = probe(recording, np.array([0.2, 0.2, -0.2, 0.0]))
    assert kept.signed.tolist() == [0, 0, 0, 1] and kept.frozen.tolist() == [False, False, False, True]
    split = probe(recording, np.array([0.2, 0.3, -0.2, 0.1]))
    assert split.signed[0] == split.signed[2] != split.signed[1] and not split.frozen.any()
    assert split.classes[0] != split.classes[2]


@pytest.mark.parametrize(
    ("words", "least"), [(["proved", "single"], "proved"), (["proved", "probed"], "probed"), ([], "single")]
)
def test_the_weakest_evidence(words: list[str], least: str) -> None:
    assert weakest(words) == least


@pytest.mark.parametrize("size", [1e13, 1e15])
@pytest.mark.parametrize("method", ["auto", "probe"])
def test_a_gradient_that_is_small_beside_another_is_not_0(size: float, method: str) -> None:
    """Its number is 1: no rounding of the sum that it is."""
    found = ties(lambda p: size * p["a"] + p["b"], {"a": 1.0, "b": 1.0}, method=method)
    assert found.summary().startswith("2 parameters move as 2") and not found.zero_now.any()
    unused = ties(lambda p: size * p["a"] + p["b"], {"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0}, method=method)
    assert unused.independent == 2 and unused.never_moves.tolist() == [False, False, True, True]


def test_what_has_gradient_0_beside_what_never_moves_is_counted_as_others() -> None:
    found = ties(lambda p: mg.relu(p["a"]) + p["b"] ** 2, {"a": -1.0, "b": 1.0, "c": 0.0})
    assert found.summary() == "3 parameters move as 2, 1 never moves, 1 other has gradient 0 now"
