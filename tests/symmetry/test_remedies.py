"""Which remedies split ties: one test per remedy and kind of tie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value, grad, nn, relu, softmax, ties
from minigrad.errors import ArgumentError
from minigrad.symmetry import trial_start
from minigrad.symmetry.nudges import _tied_entries
from minigrad.symmetry.proof import Proof, proof_of
from minigrad.symmetry.trial_start import TrialStart

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(5, 2)), RNG.normal(size=(5, 1))
SPLIT = ("random start", "noise", "masks", "dropout")
DO_NOT = (
    "more steps",
    "another rate",
    "momentum",
    "Adam",
    "weight decay",
    "decay on weights only",
    "a rate for each tensor",
    "another activation",
)


@pytest.fixture(scope="module")
def tied() -> Any:
    found = ties(nn.MLP((2, 4, 4, 1), init=0.5), X, Y)
    return found, found.remedies()


@pytest.fixture(scope="module")
def frozen() -> Any:
    return ties(nn.MLP((2, 4, 4, 1), init=0.0), X, Y).remedies()


@pytest.mark.parametrize("name", SPLIT)
def test_splits_tied_neurons(tied: Any, name: str) -> None:
    assert tied[1][name].splits and tied[1][name].works


@pytest.mark.parametrize("name", DO_NOT)
def test_does_not_split_tied_neurons(tied: Any, name: str) -> None:
    assert not tied[1][name].works


@pytest.mark.parametrize(
    ("name", "frees"),
    [
        *((name, True) for name in ("random start", "noise", "another activation")),
        *((name, False) for name in ("masks", "dropout", "more steps", "another rate", "momentum", "Adam")),
        ("weight decay", False),
    ],
)
def test_a_layer_frozen_at_zero(frozen: Any, name: str, frees: bool) -> None:
    assert frozen[name].frees == frees and not frozen[name].splits


def test_another_activation_frees_a_relu_layer_frozen_at_zero_and_leaves_its_neurons_tied() -> None:
    found = ties(nn.MLP((2, 4, 1), "relu", init=0.0), X, Y)
    assert found.frozen is not None
    remedy = found.remedies()["another activation"]
    assert remedy.frees and not remedy.splits
    fresh = ties(nn.MLP((2, 4, 1), "sigmoid", init=0.0), X, Y)
    assert fresh.frozen is None and fresh.width == (1,)


def test_the_nudge_is_one_entry_and_does_what_it_says(tied: Any) -> None:
    found, tried = tied
    path, index = tried.nudge
    net = nn.MLP((2, 4, 4, 1), init=0.5)
    dict(net.named_parameters())[path].data[index] += 0.05
    after = ties(net, X, Y)
    assert len(after.groups) == tried.groups_after_nudge > len(found.groups) + 1
    assert after.width is not None and max(after.width) > 1


def test_no_ties_no_nudge_and_nothing_works() -> None:
    tried = ties(nn.MLP((2, 3, 1), init="normal", seed=0), X, Y).remedies()
    assert tried.nudge is None and not any(remedy.works for remedy in tried)


def test_a_function_has_remedies_too_but_no_activation_to_change() -> None:
    def f(p: Any, x: Any, y: Any) -> Any:
        return np.sum((np.tanh(x @ p[0]) @ p[1] - y) ** 2)

    tried = ties(f, [np.full((2, 3), 0.5), np.ones((3, 1))], X, Y).remedies()
    assert [remedy.name for remedy in tried if remedy.works] == list(SPLIT)
    assert "another activation" not in [remedy.name for remedy in tried]


def test_a_table_for_a_reader(tied: Any) -> None:
    text = repr(tied[1])
    assert text.count("\n") == len(SPLIT) + len(DO_NOT)
    assert "smallest nudge: " in text and "groups" in text


def test_a_graph_with_masks_that_cannot_be_computed_anew_is_refused() -> None:
    a = Value(1.0)
    with pytest.raises(ArgumentError, match="so that it can be computed at other numbers"):
        ties(a * (a > 0)).remedies()


def test_float32_has_more_rounding_within_a_tie_and_the_same_remedies() -> None:
    """33 neurons, 64 samples: the order of sums makes gradients of equal neurons differ by 1e-7 of the largest."""
    rng = np.random.default_rng(0)
    net = nn.MLP((2, 33, 1), init=lambda shape, rng: np.full(shape, 0.3, np.float32))
    data = (rng.normal(size=(64, n)).astype(np.float32) for n in (2, 1))
    tried = ties(net, *data).remedies()
    assert [remedy.name for remedy in tried if remedy.works] == list(SPLIT)


def test_a_remedy_by_another_name_is_refused_with_the_names_there_are(tied: Any) -> None:
    with pytest.raises(KeyError, match="no remedy is called 'drop out'; expected one of random start"):
        tied[1]["drop out"]


# What has no gradient now.

DEAD_X, DEAD_Y = np.abs(np.random.default_rng(0).normal(size=(5, 2))), np.ones((5, 1))


def one_relu(p: Any, x: Any, y: Any) -> Any:
    return np.mean((relu(x @ p["w"]) @ p["v"] + p["b"] - y) ** 2)


@pytest.fixture(scope="module")
def dead() -> Any:
    """A neuron that is closed for all samples: no step of any rule moves w and v, so no remedy that trains does."""
    start = {"w": np.array([[-0.03], [-0.01]]), "v": np.array([[0.04]]), "b": np.zeros(1)}
    return start, ties(one_relu, start, DEAD_X, DEAD_Y).remedies()


def test_a_dead_neuron_is_freed_by_random_starts_and_by_no_training(dead: Any) -> None:
    start, tried = dead
    assert tried["random start"].frees and not tried["random start"].splits
    assert 8 <= tried["random start"].starts <= 18
    assert f"of 20 random starts, {tried['random start'].starts} give w and v a gradient" in repr(tried)
    for name in ("noise", "masks", "dropout", "more steps", "another rate", "momentum", "Adam", "weight decay"):
        assert not tried[name].works and tried[name].why == "w and v keep gradient 0", name
    assert "nothing here" not in repr(tried)
    rng = np.random.default_rng(5)
    drawn = [{k: p + rng.normal(size=p.shape) for k, p in start.items()} for _ in range(300)]
    alive = np.mean([bool(grad(one_relu)(p, DEAD_X, DEAD_Y)["w"].any()) for p in drawn])
    assert alive * 20 == pytest.approx(tried["random start"].starts, abs=5)


def test_the_smallest_nudge_that_frees_frees_and_a_smaller_one_does_not(dead: Any) -> None:
    start, tried = dead
    nudge = tried.waking_nudge
    assert (nudge.count, nudge.of, nudge.any_size) == (3, 3, False)
    for share, moves in ((1.0, True), (0.9, False)):
        p = {k: x.copy() for k, x in start.items()}
        p[nudge.path.strip("[]'")][nudge.index] += share * nudge.change
        assert bool(grad(one_relu)(p, DEAD_X, DEAD_Y)["w"].any()) is moves
    # The neuron opens for the sample with the largest x1 / x0 first, where x0 w0 + x1 w1 = 0.
    x0, x1 = DEAD_X.T
    least = min(np.min(0.03 + 0.01 * x1 / x0), np.min(0.01 + 0.03 * x0 / x1))
    assert least < abs(nudge.change) < 1.1 * least
    assert f"smallest nudge that frees: w[{nudge.index[0]},0], by {nudge.change:+.2g}: 3 of 3" in repr(tried)


def low_rank(p: Any, w: Any, x: Any, y: Any) -> Any:
    return np.mean((x @ (w + p["lora_A"] @ p["lora_B"]) - y) ** 2)


LORA = (RNG.normal(size=(2, 4)), X, RNG.normal(size=(5, 4)))


def test_blocks_that_are_both_0_are_freed_by_a_nudge_of_one() -> None:
    tried = ties(low_rank, {"lora_A": np.zeros((2, 2)), "lora_B": np.zeros((2, 4))}, *LORA).remedies()
    assert tried["nudge of one tensor"].frees
    assert tried["nudge of one tensor"].why == "noise on lora_A alone gives lora_B a gradient"
    assert tried["random start"].starts == 20 and not tried["more steps"].frees and not tried["Adam"].frees
    assert tried.waking_nudge is not None and tried.waking_nudge.any_size and "however little" in repr(tried)


def test_in_float32_a_nudge_of_zeros_may_be_of_any_size_too() -> None:
    net = nn.MLP((2, 4, 1), "relu", init=lambda shape, rng: np.zeros(shape, np.float32))
    tried = ties(net, X.astype(np.float32), Y.astype(np.float32)).remedies()
    assert tried.waking_nudge is not None and tried.waking_nudge.any_size


def test_a_block_that_is_0_and_moves_frees_the_other_by_a_step() -> None:
    tried = ties(low_rank, {"lora_A": RNG.normal(size=(2, 2)), "lora_B": np.zeros((2, 4))}, *LORA).remedies()
    for name in ("more steps", "momentum", "Adam", "random start"):
        assert tried[name].frees and "lora_A a gradient" in tried[name].why, name
    assert tried.waking_nudge is not None and tried.waking_nudge.path == "['lora_B']"


def test_saturated_neurons_are_freed_by_a_smaller_start_and_a_large_nudge() -> None:
    net = nn.MLP((2, 3, 1), "tanh", init="normal", seed=0)
    dict(net.named_parameters())["b1"].data[0] = 40.0
    tried = ties(net, X, Y).remedies()
    assert tried["random start"].starts == 0 and not tried["random start"].frees
    assert tried["small random start"].frees and not tried["more steps"].frees
    assert tried.waking_nudge is not None and (tried.waking_nudge.path, tried.waking_nudge.index) == ("b1", (0,))
    assert -40 < tried.waking_nudge.change < -10
    assert "of 20 random starts, none give W1 and b1 a gradient" in repr(tried)


def test_a_tensor_of_which_some_is_dead_is_counted_in_part() -> None:
    net = nn.MLP((2, 40, 1), "relu", init=lambda shape, rng: -np.abs(rng.normal(size=shape)), seed=1)
    tried = ties(net, DEAD_X, DEAD_Y).remedies()
    assert tried["random start"].starts == 20
    assert "none give all of W1, b1 and W2 a gradient (20 part of it)" in tried["random start"].why


def test_what_never_moves_at_any_start_is_no_reason_to_say_that_none_helps() -> None:
    def f(p: Any) -> Any:
        return np.sum(p["a"] ** 2) + np.sum(softmax(p["s"]))

    tried = ties(f, {"a": np.ones(2), "s": np.ones(3)}).remedies()
    assert tried["random start"].splits and not tried["random start"].frees
    assert "none give s a gradient" in tried["random start"].why


# Signs, and rules by tensor.

OPPOSITE = {"W1": [[1.0, -1.0]] * 2, "b1": 0.0, "W2": [[0.5], [-0.5]], "b2": 0.0}


def test_opposite_entries_are_split_by_what_splits_equal_ones() -> None:
    """No two entries are equal, so only the signs can say that a remedy splits."""
    start = {"w": np.array([0.5, -0.5]), "v": np.array([0.25, -0.25])}

    def f(p: Any) -> Any:
        return (np.sum(np.tanh(3.0 * p["w"]) * p["v"]) - 1.0) ** 2

    found = ties(f, start)
    assert (found.independent, found.independent_up_to_sign) == (4, 2)
    tried = found.remedies()
    assert [remedy.name for remedy in tried if remedy.works] == list(SPLIT)
    assert tried["random start"].why == "ties come from equal starts"
    assert (tried.groups_after_nudge, tried.signed_groups_after_nudge) == (4, 4)
    net = ties(nn.MLP((2, 2, 1), "tanh", init=OPPOSITE), X, Y)
    assert net.independent_up_to_sign < net.independent
    assert not any(net.remedies()[name].splits for name in ("more steps", "momentum", "Adam", "weight decay"))


@pytest.mark.parametrize(("name", "splits"), [("decay on weights only", True), ("a rate for each tensor", True)])
def test_a_rule_by_tensor_splits_what_spans_tensors(name: str, splits: bool) -> None:
    """With a constant feature, W1[0] and b1 are one."""
    tried = ties(nn.MLP((2, 3, 1), init=0.4), np.c_[np.ones(5), X[:, 0]], Y).remedies()
    assert tried[name].splits is splits and "span" in tried[name].why
    assert not tried["weight decay"].splits
    tried = ties(nn.MLP((2, 3, 1), init=0.4), X, Y).remedies()
    assert not tried[name].works and tried[name].why.startswith("no group spans")


def test_decay_on_weights_only_keeps_two_matrices_together_and_a_rate_for_each_does_not() -> None:
    tried = ties(lambda p: np.sum((p["u"] + p["v"]) ** 3), {"u": np.ones((2, 2)), "v": np.ones((2, 2))}).remedies()
    assert not tried["decay on weights only"].works and tried["a rate for each tensor"].splits


# What keeps a remedy from being tried plainly.


def test_gradients_that_differ_in_a_tie_are_noted_and_stop_nothing() -> None:
    start = {"u": np.array([0.1, 0.2, 0.3]), "v": np.array([0.3, 0.2, 0.1])}
    tried = ties(lambda p: np.maximum(np.sum(p["u"]), np.sum(p["v"])), start).remedies()
    assert "at a kink" in tried.notes[0] and repr(tried).startswith("  gradients in a tie differ in floats")
    assert tried["random start"].splits and not tried["more steps"].splits


def test_gradients_that_are_nan_are_noted() -> None:
    with np.errstate(all="ignore"):
        tried = ties(lambda w: w[0] * w[1] / w[2], np.zeros(3)).remedies()
    assert "nan or infinite" in tried.notes[0]


def test_probed_ties_are_tried_by_probing() -> None:
    """A proof at the new numbers would part what only the probe joins, and every remedy would seem to split."""

    def swapped(w: Any) -> Any:
        return np.linalg.det(np.stack([np.stack([w[0], 2.0 * w[2]]), np.stack([w[2], w[1]])]))

    for method in ("auto", "probe"):
        found = ties(swapped, np.array([3.0, 3.0, 1.0]), method=method)
        assert found.evidence == ("probed", "single")
        # With dropout each entry moves by the other one times both masks.
        assert [remedy.name for remedy in found.remedies() if remedy.works] == ["random start", "noise", "masks"]


# The nudge.


@pytest.mark.parametrize(
    ("sizes", "activation", "init"),
    [
        ((2, 4, 1), "tanh", 0.5),
        ((2, 3, 3, 1), "relu", 0.5),
        ((2, 2, 3, 2, 1), "sigmoid", 0.0),
        ((2, 4, 4, 1), "tanh", lambda shape, rng: np.where(np.arange(shape[-1]) < 2, 0.3, -0.4) * np.ones(shape)),
    ],
)
def test_the_nudge_is_the_best_of_all_entries_each_proved_by_itself(sizes: Any, activation: str, init: Any) -> None:
    net = nn.MLP(sizes, activation, init=init)
    found = ties(net, X, Y)
    tried = found.remedies()
    counts = {}
    for path, p in net.named_parameters():
        for index in np.ndindex(p.shape):
            before = p.data[index]
            p.data[index] += 0.0873
            counts[path, index] = len(ties(net, X, Y).groups)
            p.data[index] = before
    assert tried.nudge is not None and tried.groups_after_nudge is not None
    assert tried.groups_after_nudge == max(counts.values()) == counts[tried.nudge]


def test_with_many_entries_fewer_nudges_are_tried_and_each_tensor_has_one() -> None:
    start = TrialStart.of(ties(nn.MLP((300, 200, 200, 1), init=0.1), RNG.normal(size=(3, 300)), np.ones((3, 1))))
    owners = start.owner[_tied_entries(start)]
    assert owners[:4].tolist() == [0, 1, 2, 3]


def test_the_gradient_is_recorded_once_and_many_entries_have_few_proofs(monkeypatch: pytest.MonkeyPatch) -> None:
    """For 100,000 entries a proof takes long, so the number of them decides the time."""
    found = ties(nn.MLP((300, 200, 195, 1), init=0.02), RNG.normal(size=(3, 300)), np.ones((3, 1)))
    recorded: list[Any] = []
    proofs: list[Any] = []
    refine = Proof.refine
    monkeypatch.setattr(trial_start, "proof_of", lambda *args: recorded.append(args) or proof_of(*args))
    monkeypatch.setattr(Proof, "refine", lambda self, *args: proofs.append(args) or refine(self, *args))
    assert len(found.numbers) > 99_000 and found.remedies().nudge is not None
    assert len(recorded) == 1 and len(proofs) <= 30


def test_ties_under_a_rule_by_tensor_are_refined_until_they_hold() -> None:
    """a[0] and a[1] are one only as long as b and c are, and these are two tensors."""
    found = ties(lambda p: (p["a"][0] * p["b"] + p["a"][1] * p["c"]) ** 2, {"a": np.ones(2), "b": 2.0, "c": 2.0})
    assert found.numbers.tolist() == [0, 0, 1, 1]
    assert TrialStart.of(found).by_tensor.classes.tolist() == [0, 1, 2, 3]
    tried = found.remedies()
    assert tried["a rate for each tensor"].splits and not tried["decay on weights only"].splits
    assert tried.notes == ()


def test_what_a_proof_does_not_know_to_be_0_is_not_freed() -> None:
    """At s = 0 the formulas say that the gradient of s is 0; elsewhere they do not know that sin² + cos² = 1."""

    def f(p: Any) -> Any:
        return np.sum(p["a"] ** 2) + np.sum(np.tan(p["s"]) - np.sin(p["s"]) / np.cos(p["s"]))

    tried = ties(f, {"a": np.ones(2), "s": np.zeros(2)}, method="prove").remedies()
    assert tried["random start"].splits and not any(remedy.frees for remedy in tried)


@pytest.mark.parametrize("shift", range(4))
def test_of_several_nudges_that_free_the_smallest_is_found(shift: int) -> None:
    x = np.roll(np.abs(np.random.default_rng(7).normal(size=(6, 4))) + 0.2, shift, axis=1)
    w = np.roll(-np.array([[0.011], [0.013], [0.010], [0.012]]), shift, axis=0)
    start = {"w": w, "v": np.array([[0.04]]), "b": np.zeros(1)}
    nudge = ties(one_relu, start, x, np.ones((6, 1))).remedies().waking_nudge
    sizes = np.min(-(x @ w) / x, axis=0)  # by which each entry opens the neuron for the first sample
    assert nudge is not None and sorted(sizes)[1] < 1.5 * min(sizes)
    assert nudge.index == (int(np.argmin(sizes)), 0) and min(sizes) < nudge.change < 1.1 * min(sizes)


def test_a_random_start_frees_if_any_of_the_twenty_does() -> None:
    start = {"w": np.full((2, 1), -1.0), "v": np.array([[0.04]]), "b": np.zeros(1)}
    tried = ties(one_relu, start, DEAD_X, DEAD_Y).remedies()["random start"]
    assert tried.frees and tried.starts is not None and 0 < tried.starts < 12
