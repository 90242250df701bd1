"""Why do the neurons of a layer end up different? One network, three starts: equal, one weight changed, random.

A 2-3-2-1 network learns XOR from each start. A table shows how many distinct neurons each layer has in training; a
picture shows the gradients at the start (equal ones share a letter); `explain` shows why they differ.

    python demos/why_neurons_differ.py
"""

from __future__ import annotations

from typing import Any

import minigrad
from minigrad import SymmetryTracker, explain, nn, quotient, ties
from minigrad.errors import RenderError

X, Y = nn.data.xor()
SIZES, REPORTED = (2, 3, 2, 1), (0, 1, 10, 100, 300, 1000)  # layers; steps


def network(start: str, per_neuron: bool = False) -> nn.MLP:
    net = nn.MLP(
        SIZES, "tanh", "sigmoid", init="xavier" if start == "random" else 0.5, seed=1, per_neuron=per_neuron
    )
    if start == "one weight changed":
        state = net.state()
        state["W1"][0, 0] += 0.1
        net.load(state)
    return net


def loss(net: nn.MLP) -> Any:
    J = nn.binary_cross_entropy(net(X), Y)
    J.name = "J"
    return J


def train(net: nn.MLP) -> list[str]:
    """Distinct neurons per hidden layer at the reported steps, and the loss at the end."""
    tracker, optimiser = (
        SymmetryTracker(ties(net, X, Y, nn.binary_cross_entropy)),
        nn.optim.Adam(net.parameters(), 0.02),
    )
    for step in range(REPORTED[-1] + 1):
        net.zero_grad()
        loss(net).backward()
        if step in REPORTED:
            tracker.observe(step, net.parameters(), [p.grad for p in net.parameters()])
        optimiser.step()
    widths = ["-".join(map(str, observation.width or ())) for observation in tracker.observations]
    return [*widths, f"{loss(net).item():.4f}"]


def draw(start: str) -> str:
    """Draw the operations on one sample, neuron by neuron; every start has the same graph, so the same layout.

    In this sample the changed weight has input 1, so the picture shows how its neuron differs.
    """
    net = network(start, per_neuron=True)
    J = nn.binary_cross_entropy(net(X[2]), Y[2])
    J.name = "J"
    found = ties(net, X, Y, nn.binary_cross_entropy)
    picture = minigrad.draw(J, title=f"{start}: {found.summary()}")
    path = f"why-neurons-differ-{start.replace(' ', '-')}"
    try:
        return str(picture.save(f"{path}.svg"))
    except RenderError:
        return str(picture.save(f"{path}.dot"))


def main() -> None:
    print("distinct neurons per hidden layer, by step" + "".join(f"{k:>8,}" for k in REPORTED) + "    loss")
    for start in ("equal", "one weight changed", "random"):
        print(f"{start:42}" + "".join(f"{cell:>8}" for cell in train(network(start))))
    for start in ("equal", "one weight changed", "random"):
        net = network(start)
        W1 = net.parameters()[0]
        print(f"\n{start}: {ties(net, X, Y, nn.binary_cross_entropy).summary()}\n  {draw(start)}\n")
        print(explain(loss(net), (W1, 0, 0), (W1, 0, 1)))
    print(f"\n{quotient(ties(network('equal'), X, Y, nn.binary_cross_entropy)).summary()}")


if __name__ == "__main__":
    main()
