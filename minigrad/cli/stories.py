"""The shorter stories of the tour: lasting ties, remedies, starts that do no harm, luck, straight lines.

Each prints one section, and computes its numbers while it runs. The package does not need this file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .. import nn
from ..drawing import decision_boundary
from ..symmetry import ties

RNG = np.random.default_rng(5)
SAMPLES = RNG.normal(size=(5, 2)), RNG.normal(size=(5, 1))


def print_heading(name: str, found: str) -> None:
    """Print the name of a story and its finding as a heading."""
    print(f"\n\n{name}: {found}\n{'─' * (len(name) + len(found) + 2)}\n")


def _normal(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    return rng.normal(size=shape)


def _interleaved(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    return np.where(np.indices(shape).sum(axis=0) % 2, 0.7, 0.3)


def _only(layer: int) -> dict[str, Any]:
    return {f"{kind}{k}": _normal if k == layer else 0.5 for k in (1, 2, 3) for kind in "Wb"}


STARTS: dict[str, Any] = {
    "all random": _normal,
    "constant 0.5": 0.5,
    "all zero": 0.0,
    "two interleaved values": _interleaved,
    "only the output layer random": _only(3),
    "only the first layer random": _only(1),
    "only the middle layer random": _only(2),
    "random weights, zero biases": {"W1": _normal, "b1": 0, "W2": _normal, "b2": 0, "W3": _normal, "b3": 0},
}


def print_who_stays_tied() -> None:
    """Print, for a 2-4-4-1 network from nine starts, how many groups of parameters and distinct neurons it has."""
    print_heading("who stays tied", "one random layer is enough, if it touches both hidden layers")
    print("  A 2-4-4-1 network, tanh, 37 parameters, squared error, 5 random samples. The parameters of a group")
    print("  always stay equal; this is proved for each row.\n")
    print(f"  {'start':32}{'groups':>8}{'never move':>12}{'layers of 4 and 4 act as':>27}")
    for name, init in STARTS.items():
        _row(name, ties(nn.MLP((2, 4, 4, 1), init=init, seed=2), *SAMPLES))
    _row("constant 0.5, the XOR data", ties(nn.MLP((2, 4, 4, 1), init=0.5), *nn.data.xor()))
    print("\n  The XOR data give one group fewer: swapping the two inputs maps these data to themselves.")


def _row(name: str, found: Any) -> None:
    widths = " and ".join(map(str, found.width))
    still = int(found.partition.frozen.sum())
    print(f"  {name:32}{len(found.groups):>8}{still or '':>12}{widths:>27}")


def print_remedies() -> None:
    """Try which changes split the ties of a network of ones, and print the results."""
    print_heading("what splits ties", "randomness does; more of the same does not")
    print(f"{ties(nn.MLP((2, 4, 4, 1), init=1.0), *SAMPLES).remedies()!r}")
    print(
        "\n  So training itself needs no randomness, and all weights may step at once: the starting numbers decide"
    )
    print("  which neuron becomes what. The same seed gives the same numbers, and so the same network.")


def print_starts() -> None:
    """Print why a constant start does no harm without a hidden layer."""
    print_heading("logistic-from-zero", "without a hidden layer a constant start ties nothing")
    x, y = (
        np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, -1.0]]),
        np.array([[0], [0], [1], [1], [1]]),
    )
    for start in (0.0, 1.0):
        net = nn.MLP((2, 1), output="sigmoid", init=start)
        found, before = ties(net, x, y, nn.binary_cross_entropy), nn.binary_cross_entropy(net(x), y).item()
        _train(net, x, y, nn.optim.SGD(net.parameters(), 0.5), 500)
        after = nn.binary_cross_entropy(net(x), y).item()
        print(f"  from {start:g}: {found.summary()}; the loss falls from {before:.4f} to {after:.4f} in 500 steps")
    print("\n  A single neuron has no twin. Its weights become different because its inputs differ.")


def _train(net: nn.MLP, x: Any, y: Any, optimiser: Any, steps: int) -> None:
    for _ in range(steps):
        net.zero_grad()
        nn.binary_cross_entropy(net(x), y).backward()
        optimiser.step()


def print_luck() -> None:
    """Compare 100,000 random draws of all weights with 999 steps along the gradient."""
    print_heading("random-search", "a gradient achieves in 1,000 evaluations more than luck in 100,000")
    x = np.array([[8, 5], [7, 5], [8, 4], [8, 1], [4, 3], [5, 2], [4, 2]]) / 8
    y = np.array([[100], [90], [88], [60], [50], [45], [40]]) / 100
    lucky: list[Any] = [
        [[-0.13787113, -1.30913914, 0.64624687], [-1.76733779, 0.77449265, 1.61122177]],
        [[-1.42489674], [-1.94360005], [2.56365303]],
    ]
    best = nn.MLP((2, 3, 1), "sigmoid", "sigmoid", init=lucky, bias=False)
    net = nn.MLP((2, 3, 1), "sigmoid", "sigmoid", init="normal", seed=0, bias=False)
    optimiser = nn.optim.SGD(net.parameters(), 0.5)
    for _ in range(999):
        net.zero_grad()
        nn.squared_error(net(x), y).backward()
        optimiser.step()
    print(f"  {'the best of 100,000 draws':32}error {nn.squared_error(best(x), y).item():.7f}")
    print(f"  {'999 steps of gradient descent':32}error {nn.squared_error(net(x), y).item():.7f}")
    print("\n  demos/random_search.py repeats the draws.")


def print_linear(out: Path) -> None:
    """Compare one neuron with networks on data that no line separates, and draw the boundaries."""
    print_heading("one-neuron-is-linear", "one neuron draws a line, neurons that differ bend it")
    x, y = nn.data.two_moons(100, seed=0)
    starts: dict[str, tuple[tuple[int, ...], Any]] = {
        "one neuron": ((2, 1), "xavier"),
        "2-8-1, from ones": ((2, 8, 1), 1.0),
        "2-8-1, from random": ((2, 8, 1), "xavier"),
    }
    nets = {}
    for name, (sizes, init) in starts.items():
        nets[name] = nn.MLP(sizes, "tanh", "sigmoid", init=init, seed=3)
        _train(nets[name], x, y, nn.optim.Adam(nets[name].parameters(), 0.05), 500)
    picture = decision_boundary(nets, x, y)
    for name, share in picture.accuracy.items():
        print(f"  {name:24}{share:>6.0%} of the two moons right")
    print(f"\n  {picture.save(out / 'one-neuron-is-linear.svg')}")
