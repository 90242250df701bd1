"""The models whose pictures are compared, as users of minigrad write them, each with the views to draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad
from minigrad import Drawing, Value, draw, nn, scope

from .picture_sizes import BATCH, HEADS, STEPS, TOKENS, WIDTH

Maker = Callable[[str | None], Drawing]  # from the name of a view (None: the default) to a drawing


def weights(name: str, *shape: int) -> Value:
    """Random weights under a name."""
    rng = np.random.default_rng(sum(map(ord, name)))
    return Value(rng.normal(size=shape) / np.sqrt(shape[0]), name=name)


class Norm(nn.Module):
    def __init__(self) -> None:
        self.scale, self.shift = Value(np.ones(WIDTH), name="scale"), Value(np.zeros(WIDTH), name="shift")

    def __call__(self, x: Any) -> Any:
        return minigrad.layer_norm(x, self.scale, self.shift)


class Attention(nn.Module):
    def __init__(self) -> None:
        self.Wq, self.Wk, self.Wv, self.Wo = (weights(name, WIDTH, WIDTH) for name in ("Wq", "Wk", "Wv", "Wo"))

    def __call__(self, x: Any) -> Any:
        heads = BATCH, TOKENS, HEADS, WIDTH // HEADS
        q, k, v = ((x @ W).reshape(heads).swapaxes(1, 2) for W in (self.Wq, self.Wk, self.Wv))
        p = minigrad.softmax(q @ k.swapaxes(2, 3) * heads[3] ** -0.5)
        return (p @ v).swapaxes(1, 2).reshape((BATCH, TOKENS, WIDTH)) @ self.Wo


class Layers(nn.Module):
    def __init__(self) -> None:
        self.W1, self.b1 = weights("W1", WIDTH, 4 * WIDTH), Value(np.zeros(4 * WIDTH), name="b1")
        self.W2, self.b2 = weights("W2", 4 * WIDTH, WIDTH), Value(np.zeros(WIDTH), name="b2")

    def __call__(self, x: Any) -> Any:
        return minigrad.relu(x @ self.W1 + self.b1) @ self.W2 + self.b2


class Block(nn.Module):
    def __init__(self) -> None:
        self.norm1, self.attention, self.norm2, self.layers = Norm(), Attention(), Norm(), Layers()

    def __call__(self, x: Any) -> Any:
        with scope("attention"):
            x = x + self.attention(self.norm1(x))
        with scope("layers"):
            return x + self.layers(self.norm2(x))


def transformer() -> Maker:
    block, x = Block(), weights("x", BATCH, TOKENS, WIDTH).data
    return lambda view: draw(block, x, view=view)


def recurrent(steps: int) -> Maker:
    W, U, inputs = weights("W", 3, 3), weights("U", 2, 3), weights("x", steps, 2).data

    def drawing(view: str | None) -> Drawing:
        h: Any = np.zeros(3)
        for x in inputs:
            h = np.tanh(h @ W + x @ U)
        return draw(np.sum(h * h), view=view)

    return drawing


def convolution() -> Maker:
    kernels, bias = weights("kernels", 8, 3, 3, 3), Value(np.zeros((8, 1, 1)), name="bias")
    images = weights("images", BATCH, 3, 18, 18).data

    def drawing(view: str | None) -> Drawing:
        y = minigrad.relu(minigrad.conv2d(images, kernels) + bias)
        return draw(np.sum(y * y), view=view, names={"images": images})

    return drawing


def digits() -> Maker:
    model, rng = nn.MLP([784, 128, 10], activation="relu", seed=0), np.random.default_rng(0)
    x, y = rng.normal(size=(32, 784)), rng.integers(0, 10, 32)
    return lambda view: draw(model, x, y, loss=minigrad.cross_entropy, view=view)


def all_ones() -> Maker:
    model = nn.MLP([2, 3, 3, 2], "sigmoid", "sigmoid", init=1)
    return lambda view: draw(model, [[0.8, 0.4], [0.3, 0.3]], [[0.2, 0.4], [1.0, 0.0]], view=view)


def neurons() -> Maker:
    model, rng = nn.MLP([2, 16, 16, 1], "relu", per_neuron=True, seed=1), np.random.default_rng(0)
    x, y = rng.normal(size=(1, 2)), rng.normal(size=(1, 1))
    return lambda view: draw(model, x, y, view=view)


MODELS: dict[str, Callable[[], Maker]] = {
    "transformer": transformer,
    **{f"recurrent-{steps}": lambda steps=steps: recurrent(steps) for steps in STEPS},
    "convolution": convolution,
    "784-128-10": digits,
    "2-3-3-2": all_ones,
    "337-parameters": neurons,
}
