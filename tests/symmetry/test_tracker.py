"""SymmetryTracker: the three causes of a broken tie; widths, parameters and distances along the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import SymmetryTracker, nn, ties, value_and_grad
from minigrad.errors import ArgumentError

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(8, 2)), RNG.normal(size=(8, 1))


def train(
    steps: int, change: Callable[[int, Any, Any], Any] = lambda k, g, rng: g, loss: Any = None, dtype: Any = float
) -> SymmetryTracker:
    """Train a tied network. `loss` may spoil the gradient, `change` the step made with it."""
    net = nn.MLP((2, 5, 1), init=lambda shape, rng: np.full(shape, 0.3, dtype))
    rng = np.random.default_rng(0)
    x, y = X.astype(dtype), Y.astype(dtype)
    tracker = SymmetryTracker(ties(net, x, y))
    for k in range(steps):
        net.zero_grad()
        (loss or (lambda net, k: nn.squared_error(net(x), y)))(net, k).backward()
        tracker.observe(k, net.parameters(), [p.grad for p in net.parameters()])
        for p in net.parameters():
            p.data -= (0.01 * change(k, p.grad, rng)).astype(p.data.dtype)
    return tracker


def causes(tracker: SymmetryTracker) -> set[str]:
    return {b.cause for b in tracker.breaks}


def test_what_stays_tied_breaks_nothing() -> None:
    tracker = train(100)
    assert causes(tracker) <= {"rounding"}
    last = tracker.observations[-1]
    assert (last.step, last.width, last.independent) == (99, (1,), 5)
    assert last.distances is not None and last.distances[0].shape == (5, 5) and last.distances[0].max() < 1e-9


def test_dropout_is_gradients_that_differ_on_equal_parameters() -> None:
    rng = np.random.default_rng(1)

    def dropped(net: Any, k: int) -> Any:
        mask = rng.random(5) < (0.5 if k >= 10 else 2.0)
        first, last = net.layers
        return nn.squared_error(last(first(X) * mask), Y)

    tracker = train(20, loss=dropped)
    assert {b.cause for b in tracker.breaks if b.cause != "rounding"} == {"gradients"}
    assert min(b.step for b in tracker.breaks if b.cause == "gradients") == 10
    assert tracker.observations[-1].width == (5,) and tracker.observations[9].width == (1,)
    assert "loss or data are not symmetric" in tracker.summary()


def test_noise_in_the_gradient_is_seen_in_the_gradient() -> None:
    net = nn.MLP((2, 5, 1), init=0.3)
    found = ties(net, X, Y)
    tracker = SymmetryTracker(found)
    g = found.recording.split(found.recording.gradient(found.recording.values))
    tracker.observe(0, net.parameters(), g)
    g[0][0, 1] += 1e-6
    tracker.observe(1, net.parameters(), g)
    assert [(b.step, b.cause) for b in tracker.breaks if b.cause != "rounding"] == [(1, "gradients")]


def test_an_update_that_treats_twins_unlike_is_the_update() -> None:
    tracker = train(20, lambda k, g, rng: g * (np.arange(g.shape[-1]) + 1 if k == 7 and g.shape[-1] == 5 else 1))
    first = min((b for b in tracker.breaks if b.cause != "rounding"), key=lambda b: b.step)
    assert (first.step, first.cause) == (8, "update")
    assert "the update rule does not treat them alike" in tracker.summary()


def test_momentum_adam_and_decay_are_not_blamed() -> None:
    for make in (
        lambda p: nn.optim.SGD(p, 0.01, momentum=0.9),
        lambda p: nn.optim.Adam(p, 0.01),
        lambda p: nn.optim.SGD(p, 0.01, weight_decay=0.1),
    ):
        net = nn.MLP((2, 5, 1), init=0.3)
        tracker, optimiser = SymmetryTracker(ties(net, X, Y)), make(net.parameters())
        for k in range(100):
            net.zero_grad()
            nn.squared_error(net(X), Y).backward()
            tracker.observe(k, net.parameters(), [p.grad for p in net.parameters()])
            optimiser.step()
        assert causes(tracker) <= {"rounding"}


@pytest.mark.parametrize(("dtype", "bit"), [(float, 1e-15), (np.float32, 1e-7)])
def test_rounding_that_grows_is_told_apart_from_the_rest(dtype: Any, bit: float) -> None:
    """Plants a change in a last bit; an unstable descent then makes it a thousand times as large."""
    net = nn.MLP((2, 5, 1), init=lambda shape, rng: np.full(shape, 0.3, dtype))
    x, y = X.astype(dtype), Y.astype(dtype)
    tracker = SymmetryTracker(ties(net, x, y))
    W = net.parameters()[0]
    for k in range(60):
        net.zero_grad()
        nn.squared_error(net(x), y).backward()
        if k == 1:
            W.data[0, 0] *= dtype(1 + 4 * bit)
        tracker.observe(k, net.parameters(), [p.grad for p in net.parameters()])
        for p in net.parameters():
            p.data -= dtype(0.005) * p.grad
        middle = W.data.mean(axis=1, keepdims=True)
        W.data[...] = middle + (W.data - middle) * dtype(1.2)  # twins drift apart, slowly
    assert causes(tracker) == {"rounding"}
    drift = max(b.spread for b in tracker.breaks)
    assert drift > 100 * bit
    assert f"tied in theory; drifted by {drift:.1e} through rounding" in tracker.summary()


def test_any_loop_and_any_nesting() -> None:
    def f(p: Any, x: Any, y: Any) -> Any:
        return np.sum((np.tanh(x @ p["W"]) @ p["v"] - y) ** 2)

    p = {"W": np.full((2, 3), 0.2), "v": np.ones((3, 1))}
    tracker = SymmetryTracker(ties(f, p, X, Y))
    for k in range(5):
        _, g = value_and_grad(f)(p, X, Y)
        seen = tracker.observe(k, p, g)
        p = {name: p[name] - 0.01 * g[name] for name in p}
    assert (seen.width, seen.distances, seen.independent) == (None, None, 3)


def test_random_neurons_are_all_distinct_and_their_distances_are_euclidean() -> None:
    net = nn.MLP((2, 3, 1), init="normal", seed=0)
    found = ties(net, X, Y)
    g = found.recording.split(found.recording.gradient(found.recording.values))
    seen = SymmetryTracker(found).observe(0, net.parameters(), g)
    assert (seen.width, seen.independent, seen.spread) == ((3,), 13, 0.0)
    p = net.state()
    rows = np.vstack([p["W1"], p["b1"], p["W2"].T]).T
    assert seen.distances is not None
    assert seen.distances[0][0, 2] == pytest.approx(np.linalg.norm(rows[0] - rows[2]), rel=1e-15)


def test_another_number_of_entries_is_refused() -> None:
    net = nn.MLP((2, 3, 1), init=0.5)
    tracker = SymmetryTracker(ties(net, X, Y))
    with pytest.raises(ValueError, match="grads has 1 entries, the ties 13"):
        tracker.observe(0, net.parameters(), [np.ones(1)])
    with pytest.raises(ValueError, match=r"grads has 0 entries[\s\S]*after backward\(\)"):
        tracker.observe(0, net.parameters(), [p.grad for p in net.parameters()])
    with pytest.raises(ValueError, match=r"write  observe\(step, net.parameters\(\)"):
        tracker.observe(0, net, net)
    with pytest.raises(ArgumentError, match=r"takes ties, got MLP[\s\S]*write  SymmetryTracker\(ties"):
        SymmetryTracker(net)  # type: ignore[arg-type]
    assert tracker.summary() == "nothing observed yet"


@pytest.mark.parametrize(("neurons", "samples", "rate"), [(5, 64, 0.3), (33, 64, 0.3)])
def test_rounding_near_a_minimum_is_not_taken_for_a_loss_that_is_not_symmetric(
    neurons: int, samples: int, rate: float
) -> None:
    """Near a minimum, gradients are sums that cancel: small numbers with the rounding errors of large terms."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(samples, 2)).astype(np.float32), rng.normal(size=(samples, 1)).astype(np.float32)
    net = nn.MLP((2, neurons, 1), init=lambda shape, rng: np.full(shape, 0.3, np.float32))
    tracker, optimiser = SymmetryTracker(ties(net, x, y)), nn.optim.SGD(net.parameters(), rate / samples / neurons)
    for k in range(400):
        net.zero_grad()
        nn.squared_error(net(x), y).backward()
        tracker.observe(k, net.parameters(), [p.grad for p in net.parameters()])
        optimiser.step()
    assert causes(tracker) == {"rounding"}
    assert tracker.observations[-1].independent == 5 and tracker.observations[-1].width == (1,)


def planted(values: list[float], grads: list[float], last: float, apart: float) -> SymmetryTracker:
    """Two tied entries that had these values and gradients, and a last observation with these differences."""
    found = ties(lambda w: np.sum(w**2), np.ones(2))
    tracker = SymmetryTracker(found)
    for k, (value, grad) in enumerate(zip(values, grads, strict=True)):
        tracker.observe(k, np.full(2, value), np.full(2, grad))
    tracker.observe(len(values), last + np.array([0, apart]), last + np.array([0, apart]))
    return tracker


def test_a_last_bit_of_what_has_been_large_is_rounding_where_it_has_become_small() -> None:
    """On the way through 0, or at a minimum, a difference of 1e-16 is more than a millionth of the value."""
    assert causes(planted([1.0], [1.0], 1e-10, 1e-16)) == {"rounding"}
    assert causes(planted([1e-10], [1e-10], 1e-10, 1e-16)) == {"update"}


def test_rounding_is_that_of_what_is_observed_not_of_what_the_ties_were_found_in() -> None:
    """As for a module of PyTorch in float32, whose ties are found in float64."""

    def observed(dtype: Any) -> SymmetryTracker:
        tracker = SymmetryTracker(ties(lambda w: np.sum(w**2), np.ones(2)))
        for k, apart in enumerate((0.0, 1e-6)):
            tracker.observe(k, np.ones(2, dtype), np.array([1, 1 + apart], dtype))
            tracker.observe(k, np.array([1, 1 + 1e-5 * (k > 0)], dtype), np.ones(2, dtype))
        return tracker

    assert causes(observed(float)) == {"gradients"}
    assert causes(observed(np.float32)) == {"rounding"}
    assert observed(float).observations[-1].independent == 2
    assert observed(np.float32).observations[-1].independent == 1


def test_numbers_that_are_none_have_no_spread_and_blame_nobody() -> None:
    tracker = planted([1.0], [1.0], np.nan, 0.0)
    assert tracker.breaks == [] and np.isnan(tracker.observations[-1].spread)
    assert "spread in a tie nan" in tracker.summary()


def test_a_tracker_prints_its_summary_not_its_arrays() -> None:
    net = nn.MLP([2, 3, 1], seed=0)
    tracker = SymmetryTracker(ties(net, X, Y))
    assert repr(tracker) == "<SymmetryTracker, 0 observations> nothing observed yet"
    tracker.observe(0, net.parameters(), [np.ones_like(p.data) for p in net.parameters()])
    assert repr(tracker) == f"<SymmetryTracker, 1 observations> {tracker.summary()}"


@pytest.mark.parametrize(("push", "cause"), [(0.0, set()), (0.1, {"update"})])
def test_opposite_groups_are_followed_up_to_sign(push: float, cause: set[str]) -> None:
    """Two neurons, w and -w under tanh: each group is alone, so only the signs can break."""
    start = {"W1": [[1.0, -1.0]] * 2, "b1": 0.0, "W2": [[0.5], [-0.5]], "b2": 0.0}
    net = nn.MLP((2, 2, 1), "tanh", init=start)
    tracker = SymmetryTracker(ties(net, X, Y))
    for k in range(6):
        net.zero_grad()
        nn.squared_error(net(X), Y).backward()
        tracker.observe(k, net.parameters(), [p.grad for p in net.parameters()])
        for p in net.parameters():
            p.data -= 0.01 * p.grad
        net.parameters()[0].data[0, 0] += push if k == 3 else 0.0
    assert {b.cause for b in tracker.breaks if b.cause != "rounding"} == cause
    assert [b.step for b in tracker.breaks if b.cause == "update"][:1] == [4] * len(cause)
    assert tracker.observations[-1].independent == 9
