"""Random networks with tied starts: depth 1 to 5, width to 16, every activation, shared weights, skips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.symmetry import Ties

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    **{name: f for name, f in nn.mlp.activations().items() if f is not None},
    "linear": lambda z: z,
    "elu": mg.elu,
    "gelu": mg.gelu,
    "hard_tanh": mg.hard_tanh,
    "leaky_relu": mg.leaky_relu,
    "log_sigmoid": mg.log_sigmoid,
    "relu6": mg.relu6,
    "selu": mg.selu,
    "silu": mg.silu,
    "softsign": mg.softsign,
    "erf": mg.erf,
    "sin": np.sin,
    "square": np.square,
    "layer_norm": mg.layer_norm,
}
STARTS = ("constant", "zeros", "blocks", "interleaved", "few numbers", "one layer random", "random")
LOSSES = ("squared", "cross_entropy")


@dataclass(frozen=True)
class Network:
    """A loss f(params, x, y) with its start and its data."""

    f: Callable[..., Any]
    params: list[Any]
    x: Any
    y: Any
    words: str


def network(choose: Callable[[int, int], int]) -> Network:
    """A network, from a source of whole numbers (both ends included)."""
    depth, samples = choose(1, 5), choose(1, 4)
    widths = [choose(1, 4), *(choose(1, 16) for _ in range(depth - 1)), choose(1, 3)]
    names = [sorted(ACTIVATIONS)[choose(0, len(ACTIVATIONS) - 1)] for _ in range(depth - 1)]
    skips = [bool(choose(0, 1)) for _ in range(depth - 1)]
    start, loss = STARTS[choose(0, len(STARTS) - 1)], LOSSES[choose(0, 1)]
    rng = np.random.default_rng(choose(0, 2**16))
    shapes = list(pairwise(widths))
    # A square layer may use the weights of an earlier one of its shape.
    shared = [
        shapes.index(shape) if shapes.index(shape) < k and choose(0, 1) else k for k, shape in enumerate(shapes)
    ]
    one = choose(0, depth - 1)
    params = [
        [_started(shape, start, rng, k == one), _started(shape[1:], start, rng, k == one)]
        for k, shape in enumerate(shapes)
    ]
    x = np.round(rng.normal(size=(samples, widths[0])), 2)
    if choose(0, 1):
        x[:] = x[:, :1]  # equal inputs: ties between them
    y = rng.normal(size=(samples, widths[-1])) if loss == "squared" else rng.integers(0, widths[-1], samples)

    def f(params: Any, x: Any, y: Any) -> Any:
        h = x
        for k in range(depth):
            z = h @ params[shared[k]][0] + params[k][1]
            if k < depth - 1:
                new = ACTIVATIONS[names[k]](z)
                h = new + h if skips[k] and np.shape(new) == np.shape(h) else new
            else:
                h = z
        return np.sum((h - y) ** 2) if loss == "squared" else mg.cross_entropy(h, y)

    words = f"{'-'.join(map(str, widths))} {','.join(names)} {start} {loss} shared={shared} skips={skips}"
    return Network(f, params, x, y, words)


def _started(shape: tuple[int, ...], start: str, rng: np.random.Generator, chosen: bool) -> Any:
    if start == "random" or (start == "one layer random" and chosen):
        return rng.normal(size=shape)
    if start == "zeros":
        return np.zeros(shape)
    if start == "blocks":
        return np.broadcast_to(np.where(np.arange(shape[-1]) < shape[-1] // 2, 0.3, -0.7), shape).copy()
    if start == "interleaved":
        return np.where(np.indices(shape).sum(axis=0) % 2, 0.4, -0.2)
    if start == "few numbers":
        return rng.choice([0.0, 0.5, -0.5], shape)
    return np.full(shape, 0.5)


def point(found: Ties, rng: np.random.Generator, size: float = 1.0) -> Any:
    """Random numbers that keep all ties: opposite where these are opposite, 0 where they stay 0."""
    partition = found.partition
    numbers = rng.normal(size=int(partition.signed.max(initial=-1)) + 1) * size
    return numbers[partition.signed] * partition.signs_from(found.recording.values)


def spread(x: Any, found: Ties, least: float = 1e-300) -> float:
    """The largest difference within a tie, up to sign, relative to the largest number of all (or the least)."""
    classes, x = found.partition.signed, x * found.partition.signs
    low, high = np.full(int(classes.max()) + 1, np.inf), np.full(int(classes.max()) + 1, -np.inf)
    np.minimum.at(low, classes, x)
    np.maximum.at(high, classes, x)
    return float((high - low).max() / max(np.abs(x).max(), least))
