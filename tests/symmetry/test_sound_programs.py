"""Never a false tie in random programs of the ops that have meanings: three layers of them, tied starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from symmetric_networks import point, spread

import minigrad as mg
from minigrad.symmetry import ties

PADS = ("constant", "edge", "reflect", "symmetric", "wrap")


def by_hand(z: Any, axis: int) -> Any:
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


# (activations of 2 axes, an axis, a pad mode) -> others of the same shape
LAYERS: list[Callable[[Any, int, str], Any]] = [
    lambda z, axis, mode: np.tanh(z),
    lambda z, axis, mode: mg.relu(z),
    lambda z, axis, mode: np.sort(z, axis=axis),
    lambda z, axis, mode: np.cumsum(z, axis=axis),
    lambda z, axis, mode: np.cumprod(z / 2, axis=axis),
    lambda z, axis, mode: np.maximum.accumulate(z, axis=axis),
    lambda z, axis, mode: np.logaddexp.accumulate(z, axis=axis),
    lambda z, axis, mode: mg.softmax(z, axis=axis),
    lambda z, axis, mode: mg.log_softmax(z, axis=axis),
    lambda z, axis, mode: by_hand(z, axis),
    lambda z, axis, mode: mg.layer_norm(z, axis=axis, eps=0.1),
    lambda z, axis, mode: mg.batch_norm(z, eps=0.1),
    lambda z, axis, mode: np.exp(0.3 * z) * np.exp(0.3 * np.flip(z, axis)),
    lambda z, axis, mode: z / np.sqrt(np.sum(z * z, axis=axis, keepdims=True) + 1),
    lambda z, axis, mode: np.sqrt(z * z + 1) * z / np.sqrt(z * z + 1),
    lambda z, axis, mode: (z * z + 1) ** -0.5,
    lambda z, axis, mode: z * z / z,
    lambda z, axis, mode: np.abs(z) / np.sum(np.abs(z), axis=axis, keepdims=True),
    lambda z, axis, mode: np.pad(z, 1, mode=mode)[1:-1, 2:],  # type: ignore[call-overload]
    lambda z, axis, mode: mg.max_pool(z, (2, 2), stride=1, padding=1)[:-1, :-1],
    lambda z, axis, mode: mg.avg_pool(z, (3, 3), stride=1, padding=1),
    lambda z, axis, mode: np.take_along_axis(z, np.argsort(np.flip(z, axis), axis=axis), axis),
    lambda z, axis, mode: z - np.median(z, axis=axis, keepdims=True),
    lambda z, axis, mode: z * np.quantile(z, 0.3, axis=axis, keepdims=True),
    lambda z, axis, mode: z + np.prod(z / 2, axis=axis, keepdims=True),
    lambda z, axis, mode: np.einsum("ij,kj,kl->il", z, z, z) / 8,
    lambda z, axis, mode: np.linalg.multi_dot([z, z.T, z]) / 8,
    lambda z, axis, mode: mg.softmax(z @ z.T) @ z,
    lambda z, axis, mode: mg.logsumexp(z, axis=axis, keepdims=True) - z,
    lambda z, axis, mode: np.linalg.norm(z, axis=axis, keepdims=True) * z,
    lambda z, axis, mode: np.std(z, axis=axis, keepdims=True) + z,
    lambda z, axis, mode: (100 * z - np.mean(100 * z, axis=axis, keepdims=True)) / 100,
]


def program(rng: np.random.Generator) -> tuple[Any, Any, Any, Any]:
    """A loss with its parameters and data."""
    samples, inputs, width = rng.integers(2, 5, 3)
    plan = [
        (LAYERS[rng.integers(len(LAYERS))], int(rng.integers(-2, 2)), str(rng.choice(PADS)), bool(rng.integers(2)))
        for _ in range(rng.integers(1, 4))
    ]

    def start(*shape: int) -> Any:
        few, rows = rng.choice([0.0, 0.5, -0.5], shape), rng.normal(size=(shape[0], 1)) + np.zeros(shape)
        return [np.full(shape, 0.5), np.zeros(shape), few, rows, rng.normal(size=shape)][rng.integers(5)]

    cross, p = rng.integers(2), {"W": start(inputs, width), "b": start(width, 1)[:, 0], "V": start(width, 2)}

    def f(p: Any, x: Any, y: Any) -> Any:
        z = x @ p["W"] + p["b"]
        for layer, axis, mode, skips in plan:
            z = layer(z, axis, mode) + (z if skips else 0.0)
        out = z @ p["V"]
        return mg.cross_entropy(out, np.arange(samples) % 2) if cross else np.mean((out - y) ** 2)

    return f, p, rng.normal(size=(samples, inputs)), rng.normal(size=(samples, 2))


def is_wrong(found: Any, at: Any, rng: np.random.Generator) -> bool:
    """Whether gradients at a point contradict the ties, other than by a rounding that decides at a kink."""
    g = found.recording.gradient(at)
    largest = np.abs(g).max() if np.isfinite(g).all() else 0.0
    lost = np.abs(g[found.partition.frozen]).max(initial=0) > 1e-6 * largest
    if not 1e-9 < largest < 1e6 or not (lost or spread(g, found) > 1e-6):
        return False
    nearby = found.recording.gradient(at * (1 + 1e-12 * rng.normal(size=at.shape)))
    return bool(np.abs(nearby - g).max() < 1e-6 * largest)


def wrong_ties(seeds: range) -> tuple[list[int], int]:
    """The seeds of programs with a false tie, and the number of ties in all."""
    false, count = [], 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        with np.errstate(all="ignore"):
            found = ties(*program(rng), method="prove")
            assert found.unknown == ()
            count += found.numbers.size - len(found.groups)
            if any(is_wrong(found, point(found, rng, size), rng) for size in (1.0, 0.3, 0.1)):
                false.append(seed)
    return false, count


def test_no_random_program_has_a_false_tie() -> None:
    false, count = wrong_ties(range(150))
    assert false == [] and count > 300


@pytest.mark.slow
def test_no_random_program_of_many_has_a_false_tie() -> None:
    assert wrong_ties(range(1000, 4000))[0] == []


def test_a_false_identity_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plants shares that add up to 0."""
    from minigrad.symmetry import identities

    monkeypatch.setattr(identities, "ONE", identities.ZERO)
    assert wrong_ties(range(150))[0]
