"""Compare random search with gradient descent, on the same small network.

A 2-3-1 sigmoid network without biases learns to predict seven exam marks from hours of study and sleep. Random
search draws all nine weights 100,000 times and keeps the best; gradient descent takes 999 steps. Each row shows
the number of evaluations on the data, the error and the predictions.

    python demos/random_search.py
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minigrad import nn

Array = npt.NDArray[np.float64]

X = np.array([[8, 5], [7, 5], [8, 4], [8, 1], [4, 3], [5, 2], [4, 2]]) / 8
Y = np.array([[100], [90], [88], [60], [50], [45], [40]]) / 100
NEW = np.array([[8, 4], [7, 1], [3, 3]]) / 8
LUCKY = [  # the best of 100,000 draws, as the discussion reported it
    np.array([[-0.13787113, -1.30913914, 0.64624687], [-1.76733779, 0.77449265, 1.61122177]]),
    np.array([[-1.42489674], [-1.94360005], [2.56365303]]),
]


def network(init: str | list[Array], seed: int | None = None) -> nn.MLP:
    return nn.MLP((2, 3, 1), "sigmoid", "sigmoid", init=init, seed=seed, bias=False)


def error(net: nn.MLP) -> float:
    return float(nn.squared_error(net(X), Y).item())


def search(draws: int, seed: int) -> nn.MLP:
    """The best of many draws from N(0, 1), all evaluated at once in plain NumPy."""
    rng = np.random.default_rng(seed)
    W1, W2 = rng.normal(size=(draws, 2, 3)), rng.normal(size=(draws, 3, 1))
    outputs = sigmoid(sigmoid(X @ W1) @ W2)
    best = np.square(outputs - Y).sum(axis=(1, 2)).argmin()
    return network([W1[best], W2[best]])


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def descend(steps: int, lr: float, seed: int) -> nn.MLP:
    """Plain gradient descent from one draw from N(0, 1)."""
    net = network("normal", seed)
    optimiser = nn.optim.SGD(net.parameters(), lr)
    for _ in range(steps):
        net.zero_grad()
        nn.squared_error(net(X), Y).backward()
        optimiser.step()
    return net


def main(draws: int = 100_000, steps: int = 999) -> None:
    rows = [("the best draw reported", 100_000, network(LUCKY))]
    rows += [(f"best draw, seed {seed}", draws, search(draws, seed)) for seed in range(3)]
    rows += [
        (f"gradient, rate {lr}, seed {seed}", steps, descend(steps, lr, seed))
        for lr in (0.3, 0.5, 1.0)
        for seed in range(5)
    ]
    print(f"{'':27}{'evaluations':>12}{'error':>12}   predictions for {(8 * NEW).astype(int).tolist()} / 8")
    for label, evaluations, net in rows:
        predictions = "  ".join(f"{a:.7f}" for a in net(NEW).data[:, 0])
        print(f"{label:27}{evaluations:>12,}{error(net):>12.7f}   {predictions}")


if __name__ == "__main__":
    main()
