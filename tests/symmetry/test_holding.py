"""Ties that no longer hold: quotient and remedies say so: which tensors parted, by how much, and why."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from minigrad import Value, nn, quotient, ties
from minigrad.errors import ArgumentError
from minigrad.symmetry.holding import BY_ENTRY, BY_TENSOR, ROUNDING_AT_KINK, broken
from minigrad.symmetry.trial_start import TrialStart

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 1))
WITH_ONES = np.c_[np.ones(5), X[:, 0]]


def train(net: Any, x: Any, steps: int, noise: float = 0.0, decay: float = 0.0) -> None:
    """Descent, with noise on the gradients or with weight decay on weights only."""
    for _ in range(steps):
        net.zero_grad()
        nn.squared_error(net(x), Y).backward()
        for p in net.parameters():
            p.data -= 0.01 * (p.grad + noise * RNG.normal(size=p.shape) + decay * p.data * (p.ndim > 1))


def changed() -> Any:
    """Ties of ones, and then other numbers."""
    net = nn.MLP([3, 4, 1], init="ones")
    found = ties(net, X, Y)
    for p in net.parameters():
        p.data += RNG.normal(size=p.shape)
    return found


def test_a_quotient_of_ties_that_no_longer_hold_is_refused_and_says_what_parted() -> None:
    found = changed()
    with pytest.raises(ArgumentError) as refused:
        quotient(found)
    text = str(refused.value)
    assert text.startswith("this network has no quotient now: these ties no longer hold: groups 0, 1, 2 and ")
    assert "W1, b1 and W2" in text and "write  quotient(ties(model, x, y, loss))" in text and BY_ENTRY in text
    state = found.recording.model.state()  # type: ignore[union-attr]
    largest = max(np.ptp(state["W1"], axis=1).max(), np.ptp(state["b1"]), np.ptp(state["W2"]))
    parted = broken(found)
    assert parted is not None and parted.difference == pytest.approx(largest)
    assert parted.tensors == ("W1", "b1", "W2")


def test_remedies_of_ties_that_no_longer_hold_say_so_first_and_are_tried_where_the_ties_were_found() -> None:
    found = changed()
    assert (TrialStart.of(found).values == found.now.values).all()
    tried = found.remedies()
    assert repr(tried).startswith("  these ties no longer hold: ")
    assert "tried from where the ties were found" in tried.notes[0]
    fresh = ties(nn.MLP([3, 4, 1], init="ones"), X, Y).remedies()
    assert fresh.notes == () and tried.tried == fresh.tried and tried.nudge == fresh.nudge


def test_noise_in_training_breaks_a_quotient_and_training_alone_does_not() -> None:
    for noise, holds in ((1e-3, False), (0.0, True)):
        net = nn.MLP([3, 6, 6, 1], init=0.4)
        found = ties(net, X, Y)
        train(net, X, 300, noise)
        if holds:
            small = quotient(found)
            assert small.summary() == "Your 3-6-6-1 network is this 3-1-1-1 network."
            np.testing.assert_allclose(small.model(X).data, net(X).data, rtol=1e-12)
        else:
            with pytest.raises(ArgumentError, match=r"no longer hold: [\s\S]*noise"):
                quotient(found)


def test_a_drift_through_rounding_is_said_and_its_size() -> None:
    net = nn.MLP([3, 4, 1], init=0.4)
    found = ties(net, X, Y)
    net.parameters()[0].data[1, 2] += 2e-9
    assert broken(found) is None
    summary = quotient(found).summary()
    assert re.fullmatch(r"Your 3-4-1 .* 3-1-1 network, but for a drift of [3-6]\.\de-09 through .*", summary)
    assert found.remedies().notes == ()


def test_decay_on_weights_only_parts_tensors_and_the_quotient_stands() -> None:
    """With a constant feature, W1[0] and b1 are one: the decay parts the two, and leaves the neurons equal."""
    net = nn.MLP([2, 3, 1], init=0.4)
    found = ties(net, WITH_ONES, Y)
    train(net, WITH_ONES, 3, decay=0.1)
    parted = broken(found)
    assert parted is not None and parted.cause == BY_TENSOR and parted.by_tensor
    assert parted.tensors == ("W1", "b1")
    np.testing.assert_allclose(quotient(found).model(WITH_ONES).data, net(WITH_ONES).data, rtol=1e-12)
    assert "weight decay on weights only" in found.remedies().notes[0]


def test_what_never_moved_and_did_is_named() -> None:
    net = nn.MLP([3, 4, 1], init=0.0)
    found = ties(net, X, Y)
    net.parameters()[0].data[1, 2] = 0.5
    parted = broken(found)
    assert parted is not None and parted.tensors == ("W1",) and parted.difference == 0.5


def test_opposite_entries_that_are_no_longer_opposite_are_broken() -> None:
    start = {"W1": [[1.0, -1.0]] * 3, "b1": 0.0, "W2": [[0.5], [-0.5]], "b2": 0.0}
    net = nn.MLP([3, 2, 1], "tanh", init=start)
    found = ties(net, X, Y)
    assert found.independent_up_to_sign < found.independent
    train(net, X, 5)
    assert broken(found) is None
    net.parameters()[0].data[2, 1] -= 0.25
    parted = broken(found)
    assert parted is not None and parted.tensors == ("W1",) and parted.difference == pytest.approx(0.25)


def test_a_rounding_at_a_kink_is_the_cause_where_gradients_differed_from_the_start() -> None:
    u, v = Value([0.1, 0.2, 0.3], name="u"), Value([0.3, 0.2, 0.1], name="v")
    found = ties(np.maximum(np.sum(u), np.sum(v)))
    u.data -= 0.01
    parted = broken(found)
    assert parted is not None and parted.cause == ROUNDING_AT_KINK


def test_nan_and_other_shapes_are_named() -> None:
    net = nn.MLP([3, 4, 1], init=0.4)
    found = ties(net, X, Y)
    net.parameters()[1].data[0] = np.nan
    assert "b1 is nan now" in str(broken(found))
    v = Value([1.0, 1.0])
    found = ties(np.sum(v * v))
    v.data = np.ones(3)
    with pytest.raises(ArgumentError, match="have 3 entries now, and had 2"):
        found.remedies()


def test_remedies_start_from_the_numbers_of_now_where_ties_still_hold() -> None:
    """After training, the neuron is dead: what has no gradient now counts, not what had none at the start."""
    net = nn.MLP([3, 2, 1], "relu", init="normal", seed=0)
    found = ties(net, np.abs(X), Y)
    before = found.remedies()
    net.parameters()[0].data[:] = -1.0 - np.arange(6).reshape(3, 2)
    tried = found.remedies()
    assert before.waking_nudge is None and tried.notes == ()
    assert tried.waking_nudge is not None and tried["random start"].starts
