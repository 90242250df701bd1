"""The networks of the discussions that started the project, and which of their parameters are tied.

python demos/seeds.py
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import nn, ties

FIRST, TIED = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6), (0.2, 0.4, 0.2, 0.4, 0.6, 0.6)


def two_neurons(w: Sequence[float] = FIRST, per_neuron: bool = True) -> tuple[Any, ...]:
    start = [np.array([[w[0], w[2]], [w[1], w[3]]]), np.array([[w[4]], [w[5]]])]
    net = nn.MLP((2, 2, 1), "sigmoid", "sigmoid", init=start, bias=False, per_neuron=per_neuron)
    return net, [1.0, 2.0], [1.0], nn.binary_cross_entropy


def all_ones(init: Any = 1, per_neuron: bool = False) -> tuple[Any, ...]:
    net = nn.MLP((2, 3, 3, 2), "sigmoid", "sigmoid", init=init, seed=0, per_neuron=per_neuron)
    return net, [[0.8, 0.4], [0.3, 0.3]], [[0.2, 0.4], [1.0, 0.0]]


def classic(init: Any = "xavier", per_neuron: bool = False) -> tuple[Any, ...]:
    net = nn.MLP((3, 4, 2), "relu", "softmax", init=init, seed=1, per_neuron=per_neuron)
    return net, [[0.9, 0.1, 0.4], [0.2, 0.8, 0.6], [0.5, 0.5, 0.1]], [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]


def logistic() -> tuple[Any, ...]:
    x = [[0.0, 1.0], [1.0, 0.5], [2.0, 2.0], [3.0, 1.0]]
    return nn.MLP((2, 1), output="sigmoid", init=0), x, [[0.0], [0.0], [1.0], [1.0]], nn.binary_cross_entropy


def best_draw() -> tuple[Any, ...]:
    W1 = np.array([[-0.13787113, -1.30913914, 0.64624687], [-1.76733779, 0.77449265, 1.61122177]])
    W2 = np.array([[-1.42489674], [-1.94360005], [2.56365303]])
    net = nn.MLP((2, 3, 1), "sigmoid", "sigmoid", init=[W1, W2], bias=False)
    x = np.array([[8, 5], [7, 5], [8, 4], [8, 1], [4, 3], [5, 2], [4, 2]]) / 8
    return net, x, np.array([[100], [90], [88], [60], [50], [45], [40]]) / 100


EQUAL = {"W1": 0.5, "b1": 0.1, "W2": np.tile([0.7, -0.3], (4, 1)), "b2": 0}
NETWORKS = {
    "two-neurons": (two_neurons(), "Two neurons that differ: w5 ≠ w6, so their weights get different gradients."),
    "two-neurons-tied": (
        two_neurons(TIED),
        "The same with equal starting weights: the two neurons stay identical.",
    ),
    "all-ones": (all_ones(), "All weights and biases start at 1: this 2-3-3-2 network acts as a 2-1-1-2 network."),
    "all-random": (all_ones("xavier"), "The same network from random weights: nothing is tied."),
    "classic-3-4-2": (classic(), "ReLU and softmax, random weights: the four hidden neurons all differ."),
    "classic-3-4-2-equal": (classic(EQUAL), "The same with equal hidden neurons: the four act as one."),
    "logistic-from-zero": (
        logistic(),
        "No hidden layer, all weights start at 0: they differ after one step, and learn.",
    ),
    "random-search": (best_draw(), "The best of 100,000 random draws; its gradients show how to improve it."),
}


def main() -> None:
    for name, (network, caption) in NETWORKS.items():
        print(f"{name:22}{ties(*network).summary()}\n{'':22}{caption}\n")


if __name__ == "__main__":
    main()
