"""Momentum, weight decay, Adam: each against its formula written by hand, over several steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, errors, nn

START = np.array([1.0, -2.0, 0.5])


def run(optimiser: Any, w: Value, steps: int = 5) -> Any:
    for _ in range(steps):
        optimiser.zero_grad()
        (w**4).sum().backward()
        optimiser.step()
    return w.data


def test_momentum_is_a_velocity_that_decays() -> None:
    w = Value(START)
    ours = run(nn.optim.SGD([w], 0.01, momentum=0.9), w)
    x, v = START.copy(), np.zeros(3)
    for _ in range(5):
        v = 0.9 * v + 4 * x**3
        x = x - 0.01 * v
    np.testing.assert_allclose(ours, x, rtol=1e-14)


def test_weight_decay_is_the_gradient_of_half_the_squared_norm() -> None:
    w = Value(START)
    ours = run(nn.optim.SGD([w], 0.01, weight_decay=0.3), w)
    x = START.copy()
    for _ in range(5):
        x = x - 0.01 * (4 * x**3 + 0.3 * x)
    np.testing.assert_allclose(ours, x, rtol=1e-14)


@pytest.mark.parametrize("decay", [0.0, 0.2])
def test_adam_is_the_algorithm_of_kingma_and_ba(decay: float) -> None:
    w = Value(START)
    ours = run(nn.optim.Adam([w], 0.1, betas=(0.8, 0.99), eps=1e-6, weight_decay=decay), w)
    x, m, v = START.copy(), np.zeros(3), np.zeros(3)
    for t in range(1, 6):
        g = 4 * x**3 + decay * x
        m, v = 0.8 * m + 0.2 * g, 0.99 * v + 0.01 * g**2
        x = x - 0.1 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-6)
    np.testing.assert_allclose(ours, x, rtol=1e-13)


def test_the_first_step_of_adam_is_the_rate_whatever_the_gradient() -> None:
    w = Value(START)
    before = w.data.copy()
    run(nn.optim.Adam([w], 0.01), w, steps=1)
    np.testing.assert_allclose(np.abs(w.data - before), 0.01, rtol=1e-6)


@pytest.mark.parametrize("make", [lambda p: nn.optim.SGD(p, 0.1, momentum=0.9), lambda p: nn.optim.Adam(p, 0.1)])
def test_each_parameter_has_its_own_history_and_single_precision_stays_single(make: Any) -> None:
    a, b = Value(np.ones(2, np.float32)), Value(3.0)
    optimiser = make([a, b])
    (b * b).backward()
    optimiser.step()
    assert a.data.tolist() == [1.0, 1.0], "no gradient, no step"
    alone = Value(3.0)
    (alone * alone).backward()
    make([alone]).step()
    assert alone.data == b.data
    (a.sum() + b).backward()
    optimiser.step()
    assert a.data.dtype == np.float32 and (a.data < 1).all()


def test_gradients_are_left_as_they_are() -> None:
    for make in (lambda p: nn.optim.SGD(p, 0.1, momentum=0.5, weight_decay=0.1), nn.optim.Adam):
        w = Value(START)
        (w**2).sum().backward()
        g = np.array(w.grad)
        optimiser = make([w])
        optimiser.step()
        optimiser.step()
        np.testing.assert_array_equal(w.grad, g)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda w: nn.optim.SGD(w, 0.1, momentum=1.0), "momentum must be a number, 0 or more and less than 1"),
        (lambda w: nn.optim.SGD(w, 0.1, weight_decay=-1.0), "weight_decay must be a number, 0 or more, got"),
        (lambda w: nn.optim.Adam(w, betas=(0.9, 1.0)), r"betas\[1\]"),
        (lambda w: nn.optim.Adam(w, betas=0.9), r"two numbers, like \(0.9, 0.999\), got 0.9"),
        (lambda w: nn.optim.Adam(w, eps=np.nan), "eps"),
        (lambda w: nn.optim.Adam(w, lr=0.0), "lr must be a positive finite number"),
    ],
)
def test_what_is_no_share_is_refused_by_name(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make([Value(1.0)])


def test_a_step_without_any_gradient_speaks_up() -> None:
    net = nn.MLP((2, 3, 1), seed=0)
    for make in (nn.optim.SGD, nn.optim.Adam):
        with pytest.raises(errors.GradientLost, match=r"write  loss.backward\(\)"):
            make(net.parameters(), lr=0.1).step()


def test_a_loss_that_was_not_recorded_has_no_backward() -> None:
    w = Value([1.0, 2.0])
    with minigrad.no_grad():
        loss = np.sum(w * w)
    with pytest.raises(errors.GradientLost, match="outside of no_grad"):
        loss.backward()
    w.backward(np.ones(2))  # a leaf is its own gradient
    assert w.grad.tolist() == [1, 1]
