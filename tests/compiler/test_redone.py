"""What compiled code cannot see: errors that f catches itself, and attributes of models that change later."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from compiler.bits import assert_same

from minigrad import Value, compile, errors, grad, nn, value_and_grad

X = np.array([1.0, 2.0, 3.0])
BAD = np.diag([1.0, -1.0])


def jittered(a: Any) -> Any:
    jitter = 0.0
    for jitter in (0.0, 10.0, 100.0):
        try:
            return np.linalg.cholesky(a + jitter * np.eye(len(a)))
        except np.linalg.LinAlgError:
            continue
    return a * np.nan


# ---------------------------------------------------------------------------------------------------- errors


def test_an_error_of_compiled_code_reaches_the_except_of_the_function() -> None:
    f = compile(jittered)
    assert_same(f(np.eye(2)), np.eye(2), "traced on good data")
    with pytest.warns(RuntimeWarning, match=r"(?s)^compiled code raised LinAlgError: .*it may catch") as told:
        assert_same(f(BAD), jittered(BAD), "by the except")
    assert told[0].filename == __file__
    assert_same(f(BAD), jittered(BAD), "told once")
    assert_same(f(np.eye(2) * 4), np.eye(2) * 2, "compiled again")
    assert f.traces == 1


def test_the_except_is_reached_from_a_trace_that_is_not_the_latest() -> None:
    f = compile(jittered)
    f(np.eye(2))
    f(np.eye(3))
    with pytest.warns(RuntimeWarning, match="LinAlgError") as told:
        assert_same(f(BAD), jittered(BAD), "looked up")
    assert told[0].filename == __file__


def test_errors_that_nobody_catches_are_those_of_the_function() -> None:
    f = compile(np.linalg.cholesky)
    f(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError) as caught:
        f(BAD)
    assert caught.value.__context__ is None


def test_an_except_for_floating_point_errors_acts_under_errstate_of_the_caller() -> None:
    def inverse(x: Any) -> Any:
        try:
            return 1 / x
        except FloatingPointError:
            return x

    f = compile(inverse)
    assert_same(f(X), 1 / X, "good")
    with np.errstate(all="raise"), pytest.warns(RuntimeWarning, match="FloatingPointError"):
        assert_same(f(np.zeros(3)), np.zeros(3), "bad")


def test_random_numbers_are_drawn_once_when_a_call_is_redone() -> None:
    def noisy(a: Any, rng: Any) -> Any:
        return jittered(a + rng.random() * 1e-3 * np.eye(len(a))) + rng.random()

    f = compile(noisy)
    its, mine = np.random.default_rng(0), np.random.default_rng(0)
    assert_same(f(np.eye(2), its), noisy(np.eye(2), mine), "good")
    with pytest.warns(RuntimeWarning, match="LinAlgError"):
        assert_same(f(BAD, its), noisy(BAD, mine), "bad")
    assert_same(f(np.eye(2), its), noisy(np.eye(2), mine), "good again")


def test_a_call_with_donated_arrays_is_not_redone() -> None:
    """The step overwrites x before it fails: the function would read new numbers."""

    def f(x: Any, a: Any) -> Any:
        y = x * 2.0
        return y, jittered(a) + np.sum(y)

    g = compile(f, donate="x")
    g(np.ones(3), np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        g(np.ones(3), BAD)


# ------------------------------------------------------------------------------------------------ attributes


class Net(nn.Module):
    kind = 2.0

    def __init__(self) -> None:
        self.w = Value(np.eye(3))
        self.training, self.p, self.mode, self.epoch = True, 0.5, "a", 0
        self.shift, self.act = np.ones(3), np.tanh

    def __call__(self, x: Any) -> Any:
        h = self.act(x @ self.w + self.shift) * self.kind
        h = h * self.p if self.training else h
        return h if self.mode == "a" else -h


def result(net: Any, x: Any) -> Any:
    y = net(x)
    return y.data if isinstance(y, Value) else y


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("training", [False]), ("p", [0.25, np.float32(0.25), 1]), ("mode", ["b"]), ("act", [np.sin]),
        ("shift", [np.zeros(3)]), ("w", [Value(np.ones((3, 3))), np.ones((3, 3))]), ("kind", [3.0]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("given", [False, True])
def test_attributes_that_the_function_read_are_guarded(name: str, values: Any, given: bool) -> None:
    net = Net()
    f = compile(lambda m, x: m(x)) if given else compile(lambda _, x: net(x), static=0)
    assert_same(f(net, X), result(net, X), "first")
    for n, value in enumerate(values, 2):
        setattr(net, name, value)
        for _ in range(2):
            assert_same(f(net, X), result(net, X), f"{name} = {value}")
        assert f.traces == n


def test_attributes_that_were_not_read_or_are_assigned_again_trace_nothing() -> None:
    net = Net()
    f = compile(lambda x: net(x))
    for _ in range(3):
        net.epoch += 1
        net.p, net.mode = float("0.5"), "".join(["a"])
        assert_same(f(X), result(net, X), "again")
    assert f.traces == 1


def test_a_switch_that_is_turned_back_and_forth_is_traced_once_for_each_side() -> None:
    net = Net()
    f, g = compile(lambda x: net(x)), compile(lambda m, x: value_and_grad(lambda m: m(x).sum())(m))
    for k in range(6):
        net.training = k % 2 == 0
        net.epoch = k
        assert_same(f(X), result(net, X), "value")
        value, gradient = g(net, X)
        want = value_and_grad(lambda m: m(X).sum())(net)
        assert value == want[0]
        assert_same(gradient.w, want[1].w, "gradient of a copy")
    assert f.traces == 2 and g.traces == 2


def test_an_attribute_that_is_gone_is_missed_as_by_the_function() -> None:
    net = Net()
    f = compile(lambda x: net(x))
    f(X)
    del net.p
    with pytest.raises(AttributeError, match="has no attribute 'p'"):
        f(X)
    net.p = 0.5
    assert_same(f(X), result(net, X), "as before")


def test_models_of_traces_that_are_forgotten_are_freed() -> None:
    f = compile(lambda m, x: m(x), cache=2)
    nets = [Net() for _ in range(4)]
    freed = [weakref.ref(net) for net in nets]
    with pytest.warns(RuntimeWarning, match="traced again for each of 3 values as argument m"):
        for net in nets:
            f(net, X)
    nets.clear()
    del net
    gc.collect()
    assert [x() is None for x in freed] == [True, True, False, False]


def test_the_class_of_models_is_as_before_after_a_trace() -> None:
    net = Net()
    before = nn.Module.__dict__.keys()
    compile(lambda x: net(x))(X)
    with pytest.raises(errors.TracingError, match="bool"):
        compile(lambda x: net(x) if x.sum() > 0 else x)(X)
    assert nn.Module.__dict__.keys() == before and nn.Module.__getattribute__ is object.__getattribute__
    grad(lambda m: m(X).sum())(net)
