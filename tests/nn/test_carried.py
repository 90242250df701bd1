"""Models that change themselves in each step of training: the same bits, compiled or not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, nn

RNG = np.random.default_rng(0)
XS, YS = RNG.normal(size=(6, 4, 2)), RNG.integers(0, 2, (6, 4))


class Part(nn.Module):
    def __init__(self, act: Callable[[Any, Any], Any], rng: np.random.Generator) -> None:
        self.w = Value(np.array([[0.6, 0.1], [0.1, 0.6]]))
        self.mean, self.scale, self.temperature, self.n = np.zeros(2), np.float64(0.5), 1.0, 0
        self.first, self.seen = None, []
        self.rng, self.act, self.training = rng, act, True

    def __call__(self, x: Any) -> Any:
        h = x @ self.w
        return self.act(self, h) if self.training else h - self.mean


class Net(nn.Module):
    def __init__(self, act: Callable[[Any, Any], Any], dtype: Any = np.float64) -> None:
        rng = np.random.default_rng(7)
        self.parts = [Part(act, rng), Part(act, rng)]
        for part in self.parts:
            part.w.data, part.mean = part.w.data.astype(dtype), part.mean.astype(dtype)
            part.scale = dtype(part.scale)

    def __call__(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x


def running(m: Any, h: Any) -> Any:
    mu = np.mean(h, axis=0)
    m.mean = 0.9 * m.mean + 0.1 * mu
    m.scale = m.scale * 0.5 + np.mean(mu * mu)
    return h - mu


def used(m: Any, h: Any) -> Any:
    m.mean = 0.9 * m.mean + 0.1 * minigrad.stop_gradient(np.mean(h, axis=0))
    return h - m.mean


def cooled(m: Any, h: Any) -> Any:
    m.temperature *= 0.99
    return h * m.temperature


def dropout(m: Any, h: Any) -> Any:
    return h * (m.rng.random(h.shape) < 0.5)


def all_of_it(m: Any, h: Any) -> Any:
    return dropout(m, cooled(m, used(m, h)))


def lazily(m: Any, h: Any) -> Any:
    mu = np.mean(h, axis=0)
    m.first = mu if m.first is None else 0.5 * m.first + mu
    return h - mu


def masked(m: Any, h: Any) -> Any:
    if m.first is None:
        m.first = np.ones(2)
    return h * m.first


def through_time(m: Any, h: Any) -> Any:
    m.mean = 0.9 * m.mean + 0.1 * np.mean(h, axis=0)
    return h - m.mean


def counting(m: Any, h: Any) -> Any:
    m.n += 1
    return h / m.n


def recording(m: Any, h: Any) -> Any:
    m.seen.append(float(np.sum(m.w.data)))
    return h


def remembering(m: Any, h: Any) -> Any:
    m.seen.append(h)
    return h


def resizing(m: Any, h: Any) -> Any:
    m.mean = np.append(m.mean, 0.0)
    return h + m.mean[0]


def replacing(m: Any, h: Any) -> Any:
    m.w = Value(np.eye(2))
    return h


def replacing_by_another(m: Any, h: Any) -> Any:
    m.w = m.w * 0.99
    return h


def averaging(m: Any, h: Any) -> Any:
    m.temperature = 0.9 * m.temperature + 0.1 * np.mean(h * h)
    return h


def from_a_number(m: Any, h: Any) -> Any:
    m.n = 0.9 * m.n + np.mean(h, axis=0)
    return h


def numbers_of(net: Any) -> list[Any]:
    found: list[Any] = []
    for part in net.parts:
        for x in (part.w, part.mean, part.scale, part.first, part.temperature, part.n):
            array = np.asarray(x._array if isinstance(x, Value) else x)
            found.append((array.dtype, array.shape, array.tobytes() if x is not None else None))
        kinds = [type(x._array if isinstance(x, Value) else x) for x in (part.temperature, part.n)]
        found.append((kinds, len(part.seen)))
        found.append(part.rng.bit_generator.state)
    return found


def trained(act: Any, dtype: Any, compile: bool) -> tuple[Any, Any, Any]:
    net = Net(act, dtype)
    step = nn.train_step(net, minigrad.cross_entropy, nn.optim.Adam(net.parameters(), 0.1), compile=compile)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        losses = [step(x.astype(dtype), y) for x, y in zip(XS, YS, strict=True)]
    return [np.asarray(loss).tobytes() for loss in losses], net, step


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("act", "compiled"),
    [
        (running, True), (used, True), (cooled, True), (dropout, True), (all_of_it, True), (lazily, True),
        (masked, True), (through_time, False), (counting, False), (recording, False), (remembering, False),
        (resizing, False), (replacing, False), (replacing_by_another, False), (averaging, True),
        (from_a_number, True),
    ],
)  # fmt: skip
def test_a_model_that_changes_itself_trains_to_the_same_bits(act: Any, compiled: bool, dtype: Any) -> None:
    ours, net, step = trained(act, dtype, True)
    theirs, twin, _ = trained(act, dtype, False)
    assert step.compiled is compiled, step.reason
    assert ours == theirs
    assert numbers_of(net) == numbers_of(twin)
    if compiled:
        assert step._update.traces == 1
        assert all(type(part.mean) is np.ndarray and isinstance(part.w, Value) for part in net.parts)


def test_a_step_that_cannot_carry_a_change_names_it() -> None:
    for act, reason in ((counting, "parts[0].n, and"), (through_time, "the loss depends on Part.mean")):
        net = Net(act)
        step = nn.train_step(net, minigrad.cross_entropy, 0.1)
        with pytest.warns(RuntimeWarning, match="goes on without compiling") as caught:
            step(XS[0], YS[0])
            step(XS[1], YS[1])
        assert len(caught) == 1 and reason in step.reason


def test_a_switch_of_the_model_is_obeyed_between_steps() -> None:
    net, twin = Net(running), Net(running)
    steps = [nn.train_step(m, minigrad.cross_entropy, 0.1, compile=c) for m, c in ((net, True), (twin, False))]
    for k in range(6):
        for m in (net, twin):
            for part in m.parts:
                part.training = k % 3 != 2
        assert steps[0](XS[k], YS[k]) == steps[1](XS[k], YS[k])
    assert steps[0].compiled and steps[0]._update.traces == 2
    assert numbers_of(net) == numbers_of(twin)
