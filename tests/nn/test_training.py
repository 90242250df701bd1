"""train_step: what gradient descent does, to the last bit, in the memory that the parameters have."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, nn
from minigrad.errors import ShapeError

RATE = 0.1


def batch(dtype: str = "float64", n: int = 12) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 2)).astype(dtype), rng.integers(0, 3, n)


def network(dtype: str = "float64", **options: Any) -> nn.MLP:
    net = nn.MLP((2, 5, 3), seed=0, **options)
    for w in net.parameters():
        w.data = w.data.astype(dtype)
    return net


def by_sgd(net: nn.Module, loss: Callable[..., Any], x: Any, y: Any, steps: int, rate: float = RATE) -> list[Any]:
    """The same steps with `backward` and the optimiser."""
    optimiser, losses = nn.optim.SGD(net.parameters(), rate), []
    for _ in range(steps):
        optimiser.zero_grad()
        value = loss(net(x), y)
        value.backward()
        optimiser.step()
        losses.append(value.data)
    return losses


def assert_same(a: nn.Module, b: nn.Module) -> None:
    for v, w in zip(a.parameters(), b.parameters(), strict=True):
        assert v.data.dtype == w.data.dtype and v.data.tobytes() == w.data.tobytes(), v.name


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "softplus"])
def test_steps_are_those_of_sgd_to_the_last_bit(dtype: str, activation: str, compile: bool) -> None:
    ours, theirs = network(dtype, activation=activation), network(dtype, activation=activation)
    x, y = batch(dtype)
    step = nn.train_step(ours, minigrad.cross_entropy, RATE, compile=compile)
    losses = [step(x, y) for _ in range(5)]
    expected = by_sgd(theirs, minigrad.cross_entropy, x, y, 5)
    assert losses == expected and all(type(a) is type(b) for a, b in zip(losses, expected, strict=True))
    assert_same(ours, theirs)
    assert step.compiled is compile and (not compile or "np.tanh" in step.source or activation != "tanh")


def test_a_network_of_single_neurons_steps_alike() -> None:
    ours, theirs = network(per_neuron=True), network(per_neuron=True)
    x, y = batch(n=3)
    targets = np.eye(3)[y]
    step = nn.train_step(ours, nn.squared_error, RATE)
    losses = [step(x, targets) for _ in range(3)]
    assert step.compiled, step.reason
    assert losses == by_sgd(theirs, nn.squared_error, x, targets, 3)
    assert_same(ours, theirs)


@pytest.mark.parametrize("compile", [True, False])
def test_parameters_keep_their_memory_and_their_gradients_are_left_alone(compile: bool) -> None:
    net = network()
    memory = [w.data for w in net.parameters()]
    net.layers[0].W.grad = np.ones((2, 5))
    step = nn.train_step(net, minigrad.cross_entropy, RATE, compile=compile)
    x, y = batch()
    before = x.copy(), y.copy()
    step(x, y), step(x, y)
    assert all(w.data is array for w, array in zip(net.parameters(), memory, strict=True))
    assert (net.layers[0].W.grad == 1).all() and net.layers[0].b.grad is None
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_batches_of_other_sizes_new_rates_and_new_parameters_are_taken_up() -> None:
    ours, theirs = network(), network()
    step = nn.train_step(ours, minigrad.cross_entropy, RATE)
    for n, rate in [(12, 0.1), (7, 0.1), (12, 0.02), (7, 0.5)]:
        x, y = batch(n=n)
        step.optimiser.lr = rate
        assert [step(x, y)] == by_sgd(theirs, minigrad.cross_entropy, x, y, 1, rate)
    for net in (ours, theirs):
        net.layers[0].W.data = np.full((2, 5), 0.25)
    assert [step(x, y)] == by_sgd(theirs, minigrad.cross_entropy, x, y, 1, 0.5)
    assert_same(ours, theirs)
    with pytest.raises(ValueError, match="lr must be a positive finite number"):
        step.optimiser.lr = -1


class Line(nn.Module):
    """w x + b, and a parameter that nobody uses."""

    def __init__(self) -> None:
        self.w, self.b, self.unused = Value(0.5, "w"), Value(0.1, "b"), Value([1.0, 2.0], "unused")

    def __call__(self, x: Any) -> Any:
        return self.w * x + self.b


def squared(a: Any, y: Any) -> Any:
    return np.mean((a - y) ** 2)


def test_single_numbers_are_stepped_and_what_is_not_used_stays() -> None:
    ours, theirs = Line(), Line()
    x, y = np.arange(4.0), np.array([1.0, 3.0, 5.0, 7.0])
    step = nn.train_step(ours, squared, RATE)
    assert [step(x, y) for _ in range(3)] == by_sgd(theirs, squared, x, y, 3)
    assert_same(ours, theirs)
    np.testing.assert_array_equal(ours.unused.data, [1.0, 2.0])


def test_lists_are_taken_as_arrays() -> None:
    step = nn.train_step(Line(), squared, RATE)
    arrays = np.arange(2.0), np.array([1.0, 3.0])
    assert step([0.0, 1.0], [1.0, 3.0]) == nn.train_step(Line(), squared, RATE)(*arrays)


class Branching(Line):
    def __call__(self, x: Any) -> Any:
        y = super().__call__(x)
        return y if y.sum() > 0 else -y


def test_what_cannot_be_traced_steps_eagerly_and_says_why_once() -> None:
    ours, theirs = Branching(), Branching()
    x, y = np.arange(4.0), np.arange(4.0)
    step = nn.train_step(ours, squared, RATE)
    with pytest.warns(RuntimeWarning, match="goes on without compiling: bool") as caught:
        losses = [step(x, y) for _ in range(3)]
    assert len(caught) == 1 and caught[0].filename == __file__
    assert not step.compiled and "where" in step.reason
    assert losses == by_sgd(theirs, squared, x, y, 3)
    assert_same(ours, theirs)


def test_a_step_that_eager_code_cannot_take_either_is_no_reason_to_stop_compiling() -> None:
    net = network()
    step = nn.train_step(net, minigrad.cross_entropy, RATE)
    before = [w.data.copy() for w in net.parameters()]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ShapeError):
            step(np.ones((3, 4)), np.zeros(3, int))
    assert step.compiled
    for w, data in zip(net.parameters(), before, strict=True):
        np.testing.assert_array_equal(w.data, data)
    step(*batch())
    assert step.compiled


def test_a_loss_that_is_no_number_is_refused() -> None:
    with pytest.raises(ShapeError):
        nn.train_step(network(), lambda a, y: a, RATE)(*batch())


def test_a_model_without_parameters_is_refused() -> None:
    with pytest.raises(ValueError, match="no parameter"):
        nn.train_step(nn.Module(), squared, RATE)


class Kernel(nn.Module):
    """The log determinant of a kernel, with jitter where it is not positive definite."""

    def __init__(self, noise: float) -> None:
        self.length, self.noise = Value(1.0), Value(np.array([noise, 0.3]))

    def __call__(self, x: Any) -> Any:
        k = np.exp(-((x[:, None] - x) ** 2) * self.length) + self.noise[0] * np.eye(len(x))
        root = k
        for jitter in (0.0, 1.0, 1e6):
            try:
                root = np.linalg.cholesky(k + jitter * np.eye(len(x)))
                break
            except np.linalg.LinAlgError:
                continue
        return np.sum(np.log(np.diagonal(root))) + np.sum(self.noise**2)


class Root(nn.Module):
    """Its gradient is nan where w x = 0, so that compiled code leaves it to eager code."""

    def __init__(self) -> None:
        self.w = Value(np.array([1.0, 1.0]))

    def __call__(self, x: Any) -> Any:
        return np.sqrt(np.sum((self.w * x) ** 2)) + np.sum(self.w)


@pytest.mark.parametrize(
    ("make", "xs"),
    [
        (lambda: Kernel(0.1), [np.linspace(0, 3, 4)] * 8),
        (Root, [np.array([1.0, 0.5]), np.zeros(2), np.array([1.0, 0.5])]),
        (lambda: Kernel(-0.1), [np.linspace(0, 3, 4)] * 8),
    ],
)
@pytest.mark.filterwarnings("ignore:the function caught LinAlgError")  # at the first step, by the third network
@pytest.mark.parametrize("optimiser", [nn.optim.SGD, nn.optim.Adam])
def test_steps_that_compiled_code_leaves_to_eager_code_are_taken_by_it(make: Any, xs: Any, optimiser: Any) -> None:
    losses, nets = [], []
    for compile in (True, False):
        net = make()
        before = [w.data for w in net.parameters()]
        step = nn.train_step(net, lambda a, y: a * y, optimiser(net.parameters(), 0.3), compile=compile)
        losses.append([step(x, 1.0) for x in xs])
        nets.append(net)
        assert step.compiled is compile
        assert all(type(w.data) is type(data) for w, data in zip(net.parameters(), before, strict=True))
        same = [w.data is x for w, x in zip(net.parameters(), before, strict=True) if isinstance(x, np.ndarray)]
        assert all(same) and same
    np.testing.assert_array_equal(losses[0], losses[1])
    assert_same(*nets)


def test_steps_under_debug_are_those_of_eager_code() -> None:
    ours, theirs = network(), network()
    step = nn.train_step(ours, minigrad.cross_entropy, RATE)
    losses = []
    for k in range(4):
        with minigrad.debug() if k % 2 else nullcontext():
            losses.append(step(*batch()))
    assert losses == by_sgd(theirs, minigrad.cross_entropy, *batch(), 4)
    assert_same(ours, theirs)
