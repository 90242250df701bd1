"""A gradient that is nothing but rounding is told from a small one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, ties
from minigrad.symmetry.zero_gradients import gradient_without_rounding

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 2))


def constant(w: Any, x: Any) -> Any:
    return np.sum(mg.softmax(x @ w))


def constant_times(p: Any, x: Any) -> Any:
    return np.sum(mg.softmax(x @ p["w"])) * p["s"][0] - 4 * p["s"][0]


def centred(p: Any, x: Any) -> Any:
    return np.sum((x - np.mean(x, axis=0)) @ p["w"]) * p["s"][0]


def test_what_cancels_is_zero_and_what_is_small_stays() -> None:
    w = RNG.normal(size=(2, 3))
    found = ties(constant, w, X)
    assert not gradient_without_rounding(found.recording, found.recording.values).any()
    small = ties(lambda w, x: 1e-20 * np.sum(np.tanh(x @ w) ** 2), w, X)
    g = gradient_without_rounding(small.recording, small.recording.values)
    assert g.all() and np.array_equal(g, small.recording.gradient_now())


@pytest.mark.parametrize(
    ("f", "params"),
    [
        (constant, RNG.normal(size=(2, 3))),
        (constant_times, {"w": RNG.normal(size=(2, 3)), "s": np.array([1.3])}),
        (centred, {"w": RNG.normal(size=(2, 1)), "s": np.array([1.3])}),
    ],
)
def test_no_remedy_gives_a_gradient_of_rounding(f: Any, params: Any) -> None:
    found = ties(f, params, X)
    assert not any(remedy.frees for remedy in found.remedies()), str(found.remedies())
    assert all(finding.remedy is None for finding in found.findings())
    assert found.remedies().waking_nudge is None and "differ in floats" not in str(found.remedies())
    assert not any("will move" in str(finding) for finding in found.findings())


def test_another_activation_parts_opposite_neurons_and_says_why() -> None:
    start = [np.array([[1.0, -1, 2, -2], [0.5, -0.5, 1, -1]]), np.array([[1.0], [-1], [0.5], [-0.5]])]
    net = nn.MLP([2, 4, 1], "tanh", init=start, bias=False)
    remedy = ties(net, X, RNG.normal(size=(4, 1))).remedies()["another activation"]
    assert remedy.splits and remedy.why == "sigmoid is not odd: opposite neurons part"


def test_ties_that_no_longer_hold_are_told_first() -> None:
    net = nn.MLP([2, 4, 1], init="ones")
    found = ties(net, X, RNG.normal(size=(4, 1)))
    before = found.summary()
    net.parameters()[0].data += RNG.normal(size=(2, 4))
    assert found.summary().startswith("these ties no longer hold: ") and found.summary().endswith(before)
    first, *others = found.findings()
    assert first.kind == "no longer tied" and first.tensors == ("W1",) and "no longer hold" in str(first)
    assert others and all(str(other).startswith("at the start: ") for other in others)
