"""The networks of the threads that the project grew out of, at their data: what `draw` takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import nn

FIRST, TIED = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6), (0.2, 0.4, 0.2, 0.4, 0.6, 0.6)


def two_neurons(w: Any = FIRST, per_neuron: bool = True) -> tuple[Any, ...]:
    """2-2-1, sigmoid, no biases, one sample."""
    start = [np.array([[w[0], w[2]], [w[1], w[3]]]), np.array([[w[4]], [w[5]]])]
    net = nn.MLP((2, 2, 1), "sigmoid", "sigmoid", init=start, bias=False, per_neuron=per_neuron)
    return net, [1.0, 2.0], [1.0], nn.binary_cross_entropy


def all_ones(init: Any = 1, per_neuron: bool = False) -> tuple[Any, ...]:
    """2-3-3-2, sigmoid, two samples."""
    net = nn.MLP((2, 3, 3, 2), "sigmoid", "sigmoid", init=init, seed=0, per_neuron=per_neuron)
    return net, [[0.8, 0.4], [0.3, 0.3]], [[0.2, 0.4], [1.0, 0.0]]


def classic(init: Any = "xavier", per_neuron: bool = False) -> tuple[Any, ...]:
    """3-4-2, ReLU and softmax, three samples."""
    net = nn.MLP((3, 4, 2), "relu", "softmax", init=init, seed=1, per_neuron=per_neuron)
    return net, np.eye(3), [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]


def searched() -> tuple[Any, ...]:
    """2-3-1, sigmoid, no biases, seven samples: the best of a random search."""
    W1 = np.array([[-0.13787113, -1.30913914, 0.64624687], [-1.76733779, 0.77449265, 1.61122177]])
    W2 = np.array([[-1.42489674], [-1.94360005], [2.56365303]])
    net = nn.MLP((2, 3, 1), "sigmoid", "sigmoid", init=[W1, W2], bias=False)
    x = np.array([[8, 5], [7, 5], [8, 4], [8, 1], [4, 3], [5, 2], [4, 2]]) / 8
    return net, x, np.array([[100], [90], [88], [60], [50], [45], [40]]) / 100


SEEDS = {
    "two-neurons": two_neurons(),
    "two-neurons-tied": two_neurons(TIED),
    "all-ones": all_ones(),
    "classic-3-4-2": classic(),
    "classic-3-4-2-equal": classic(0.5),
    "random-search": searched(),
}
