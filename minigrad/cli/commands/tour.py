"""Show why the neurons of a layer do not all learn the same thing (numbers and pictures, in seconds).

Prints the answer with its numbers, and writes the pictures. Every number is computed from the graph while the tour
runs.

    python -m minigrad tour --out pictures
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, Context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import nn
from ...drawing import draw
from ...engine.value import Value, graph, sweep
from ...errors import RenderError
from ...rules.activations import sigmoid
from ...symmetry import explain, quotient, ties
from ...symmetry.clustering import equal_groups
from ..stories import print_heading, print_linear, print_luck, print_remedies, print_starts, print_who_stays_tied

# This file follows the order of the tour: two neurons that differ, two that never will, a whole network of neurons
# that never will, then the shorter `stories`, and the pictures. Beside the computed numbers it prints those of the
# original question. The package does not need this file.

Array = npt.NDArray[np.float64]

# Two neurons: x1, x2, the target, and w1 … w6.
INPUTS, TARGET = (1.0, 2.0), 1.0
DIFFERENT = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
TIED = (0.2, 0.4, 0.2, 0.4, 0.6, 0.6)
WEIGHTS = ("w1", "w2", "w3", "w4", "w5", "w6")
TWINS = (("w1", "w3"), ("w2", "w4"), ("w5", "w6"))

# All ones: a 2-3-3-2 network and two observations.
SIZES, SIGMOID, RATE = (2, 3, 3, 2), ("sigmoid", "sigmoid"), 0.5
X, Y = np.array([[0.8, 0.4], [0.3, 0.3]]), np.array([[0.2, 0.4], [1.0, 0.0]])
ALL_ONES: dict[str, Any] = {  # numbers of the question, which its author computed in float32
    "z1, each neuron": [[2.2, 1.6]],
    "a1, each neuron": [[0.9002495, 0.8320184]],
    "a2, each neuron": [[0.9758906, 0.9705753]],
    "a3, each output": [[0.9806908, 0.9803864]],
    "∂C/∂a3": [[1.5613816, 1.1613816], [-0.0392272, 1.9607728]],
    "σ′(z3)": [[0.01893635, 0.01893635], [0.01922891, 0.01922891]],
    "∂C/∂z3": [[0.02956687, 0.02199233], [-0.0007543, 0.03770352]],
    "∂C/∂b3": [[0.0288126, 0.0596958]],
    "∂C/∂W3, each row": [[0.028122, 0.0580562]],
}
EARLY, LATE = 1_000, 10_000
OUTPUTS: dict[str, Any] = {
    "all ones, 1,000 steps": [[0.5992708, 0.1997655], [0.5993174, 0.2004307]],
    "all ones, 10,000 steps": [[0.2003056, 0.3995875], [0.9888525, 0.0147637]],
    "random, 10,000 steps": [[0.2002, 0.3998], [0.993, 0.008]],  # approximate, from another random draw
}

ANSWER = """\
Why do the neurons of a layer not all learn the same thing?

They see the same inputs and apply the same function; only their starting weights differ.
A gradient is a product with one factor for each step from the loss back to the weight.
Neurons that start differently get different factors, and grow apart. Neurons that start equal get equal
factors and equal gradients, and always stay equal: together they compute no more than one of them."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command. --out has no default here, because it may also precede the command."""
    help = "where the tour writes its pictures"
    parser.add_argument("--out", type=Path, default=argparse.SUPPRESS, metavar="DIR", help=help)


def run(arguments: argparse.Namespace) -> None:
    """Give the tour."""
    tour(arguments.out)


def tour(out: Path) -> None:
    """Print the whole tour and save its pictures in the folder `out`, which is created if missing."""
    out.mkdir(parents=True, exist_ok=True)
    print(ANSWER)
    different, tied = two_neurons(DIFFERENT), two_neurons(TIED)
    print_different(different)
    print_tied(tied)
    print_all_ones()
    for story in (print_who_stays_tied, print_remedies, print_starts, print_luck):
        story()
    print_linear(out)
    pairs = {out / "two-neurons": different, out / "two-neurons-tied": tied}
    pictures = {path: (J, finding(J, "w1", "w3")) for path, J in pairs.items()}
    print_pictures(pictures | {out / "all-ones": all_ones_picture()})


# The first two stories: two neurons.


def two_neurons(weights: Sequence[float]) -> Value:
    """The loss J of two sigmoid neurons and a sigmoid output; every number is a named Value."""
    x1, x2 = (Value(x, name=f"x{i}") for i, x in enumerate(INPUTS, start=1))
    w1, w2, w3, w4, w5, w6 = (Value(w, name=f"w{i}") for i, w in enumerate(weights, start=1))
    y = Value(TARGET, name="y")
    z1 = name_value("z1", w1 * x1 + w2 * x2)
    z2 = name_value("z2", w3 * x1 + w4 * x2)
    a1, a2 = name_value("a1", sigmoid(z1)), name_value("a2", sigmoid(z2))
    z3 = name_value("z3", w5 * a1 + w6 * a2)
    a3 = name_value("a3", sigmoid(z3))
    return name_value("J", -y * np.log(a3) - (1 - y) * np.log(1 - a3))


def print_different(J: Value) -> None:
    """Print why neurons that start differently differ: the factors of their gradients."""
    print_heading("two-neurons", "different starting weights, different gradients")
    print("  z1 = w1 x1 + w2 x2     z2 = w3 x1 + w4 x2     z3 = w5 a1 + w6 a2     a = σ(z)")
    print("  J = -y ln a3 - (1 - y) ln(1 - a3)\n")
    print_numbers(J)
    print_chains(J, "w1", "w3")
    print(f"\n  {finding(J, 'w1', 'w2')}")
    print("  Only the output has a target; the hidden weights learn only from J, through these chains.")


def print_tied(J: Value) -> None:
    """Print why neurons that start equal stay equal: all factors of their gradients are equal at every step."""
    print_heading("two-neurons-tied", "equal starting weights, so the two neurons stay identical")
    print_numbers(J)
    print_chains(J, "w1", "w3")
    steps = list(training(TIED, 1000))
    same = all(weights[a] == weights[b] for weights in steps for a, b in TWINS)
    print(f"\n  After {len(steps):,} steps at rate {RATE}: ", end="")
    print(", ".join(f"{a} = {b} = {steps[-1][a]:.7f}" for a, b in TWINS), end=",\n")
    print(f"  {'equal to the last bit after every step' if same else 'but NOT equal after every step'}.")
    changed = ", ".join(name for name in WEIGHTS if unties(name))
    print(f"  With 0.1 added to any one of {changed} the two neurons grow apart.")


def training(weights: Sequence[float], steps: int) -> Iterator[dict[str, float]]:
    """w1 … w6 after each step of gradient descent, one weight at a time."""
    for _ in range(steps):
        dJ = {v.name: g for v, g in gradients(two_neurons(weights)).items()}
        weights = [float(w - RATE * dJ[name]) for w, name in zip(weights, WEIGHTS, strict=True)]
        yield dict(zip(WEIGHTS, weights, strict=True))


def unties(name: str) -> bool:
    """Whether adding 0.1 to one weight of the tied start also separates the other weights from their twins."""
    start = [w + 0.1 * (name == changed) for w, changed in zip(TIED, WEIGHTS, strict=True)]
    *_, last = training(start, 100)
    return all(abs(last[a] - last[b]) > 1e-6 for a, b in TWINS)


def print_numbers(J: Value) -> None:
    """Print the forward and the backward pass: a row of names above a row of numbers each."""
    dJ = gradients(J)
    values = {v.name: v for v in graph(J)}
    forward = {name: values[name].item() for name in ("z1", "z2", "a1", "a2", "z3", "a3", "J")}
    backward = {f"∂J/∂{name}": dJ[values[name]] for name in ("a3", *WEIGHTS)}
    for label, row in {"forwards": forward, "backwards": backward}.items():
        print(f"  {label:11}" + "".join(f"{name:>11}" for name in row))
        print(" " * 13 + "".join(f"{x:>11.7f}" for x in row.values()))


# The chain rule, factor by factor.


def print_chains(J: Value, first: str, second: str) -> None:
    """Print the factors of two gradients side by side, and mark those that differ."""
    print(f"\n  {finding(J, first, second)}\n")
    _, table = str(explain(J, leaf(J, first), leaf(J, second))).split("\n\n", maxsplit=1)
    print("\n".join(f"{line}".rstrip() for line in table.splitlines()))


def finding(J: Value, first: str, second: str) -> str:
    """Two gradients in a sentence, with the values that make them differ."""
    reason = explain(J, leaf(J, first), leaf(J, second))
    one, two = (f"∂J/∂{name} = {g:.7f}" for name, g in zip((first, second), reason.gradients, strict=True))
    if reason.equal:
        return f"{one} and {two} {reason.sentence[reason.sentence.index('are equal') :]}"
    return f"{one} and {two} differ{reason.sentence[reason.sentence.index(' because') :]}"


def leaf(y: Value, name: str) -> Value:
    """The value with this name in the graph of y."""
    return next(v for v in graph(y) if v.name == name)


def gradients(y: Value) -> dict[Value, Any]:
    """The gradient of y with respect to every value in its graph, without a change to any .grad."""
    return dict(sweep(y, np.float64(1)))


# The third story: a whole network of ones.


def print_all_ones() -> None:
    """Print the table of the first pass, the results of training, and both halves of the reason."""
    print_heading("all-ones", "a 2-3-3-2 network that always acts as a 2-1-1-2 network, and still learns")
    print("  All weights and biases start at 1. There are two observations; C is the sum of squared errors.\n")
    print(f"  {'':30}{'computed':>23}{'expected':>26}{'differ by':>12}")
    ones = nn.MLP(SIZES, *SIGMOID, init=1)
    worst = max(print_row(name, row, ALL_ONES[name]) for name, row in first_pass(ones).items())
    print(f"\n  Every number is within {at_most(worst)} of the expected one, which was computed in float32.")
    print(f"  Outputs after training at rate {RATE} on all data at once; the random start is another one:\n")
    random = nn.MLP(SIZES, *SIGMOID, init="normal", seed=0)
    outputs = [train(net, steps) for net in (ones, random) for steps in (EARLY, LATE - EARLY)]
    for (name, expected), computed in zip(OUTPUTS.items(), (outputs[0], outputs[1], outputs[3]), strict=True):
        print_row(name, computed, expected)
    print_row("the targets", Y, Y)
    print_truth(ones, random, [float(np.square(a - Y).sum()) for a in outputs], train_quotient(LATE))


def first_pass(net: nn.MLP) -> dict[str, Array]:
    """Every quantity of the table, from one forward and one backward pass."""
    C = nn.squared_error(net(X), Y)
    value = {v.name: v for v in graph(C) if v.name}
    dC, da3 = gradients(C), dict(sweep(value["a3"], np.ones((2, 2))))
    forwards = [value[name].data.T for name in ("z1", "a1", "a2", "a3")]  # a row for each neuron
    backwards = [dC[value["a3"]], da3[value["z3"]], *(dC[value[name]] for name in ("z3", "b3", "W3"))]
    return dict(zip(ALL_ONES, [*forwards, *backwards], strict=True))


def train(net: nn.MLP, steps: int) -> Array:
    """Train by gradient descent on all data at once, and return the outputs."""
    optimiser = nn.optim.SGD(net.parameters(), RATE)
    for _ in range(steps):
        net.zero_grad()
        nn.squared_error(net(X), Y).backward()
        optimiser.step()
    return np.array(net(X).data)


def print_truth(ones: nn.MLP, random: nn.MLP, errors: Sequence[float], small: nn.MLP) -> None:
    """Print both halves of the reason: neurons of a layer stay equal, and one neuron per layer is enough here."""
    print(f"\n  {'start':10}{'parameters':>12}{'groups':>10}{'layers of':>12}{'act as':>10}", end="")
    print(f"{f'C at {EARLY:,}':>13}{f'C at {LATE:,}':>13}")
    starts = {"all ones": nn.MLP(SIZES, *SIGMOID, init=1), "random": random}
    for (start, net), (early, late) in zip(starts.items(), (errors[:2], errors[2:]), strict=True):
        found = ties(net, X, Y)
        widths, sizes = (" and ".join(map(str, n)) for n in (found.width or (), net.sizes[1:-1]))
        print(f"  {start:10}{found.numbers.size:>12}{found.independent:>10}{sizes:>12}{widths:>10}", end="")
        print(f"{early:>13.6f}{late:>13.6f}")
    size, apart = sum(p.size for p in small.parameters()), np.abs(small(X).data - ones(X).data).max()
    means = " and ".join(f"{mean:g}" for mean in Y.mean(axis=0))
    print(f"""
  Half of the truth: equal weights get equal gradients, so the neurons of a layer always stay equal. The
  proof uses the formulas, not rounded numbers. {quotient(ties(starts["all ones"], X, Y)).summary()}
  It has {size} parameters; trained the same way, it gives the same outputs (off by {at_most(apart)}).
  After {EARLY:,} steps both sit on a plateau: near {means}, the means of the targets, whatever the input.

  The other half: one effective neuron per layer is enough for two observations. After {LATE:,} steps the
  network has learned them, with its neurons still equal. The random start has more distinct neurons to learn
  with, and gets there sooner.""")


def train_quotient(steps: int) -> nn.MLP:
    """Train the quotient of the network of ones, which has one neuron per layer, at matching rates."""
    small = quotient(ties(nn.MLP(SIZES, *SIGMOID, init=1), X, Y))
    for _ in range(steps):
        small.model.zero_grad()
        nn.squared_error(small.model(X), Y).backward()
        small.descend(RATE)
    return small.model


# Printing.


def name_value(name: str, value: Value) -> Value:
    """Name a value for the pictures, and return it."""
    value.name = name
    return value


def print_row(name: str, computed: Any, expected: Any) -> float:
    """Print numbers beside the expected ones; return the largest difference.

    A single expected row applies to every computed row; of two rows, each is an observation.
    """
    computed, expected = np.atleast_2d(computed), np.atleast_2d(expected)
    difference = float(np.abs(computed - expected).max())
    for i, (ours, theirs) in enumerate(zip(computed, expected, strict=False), start=1):
        label = f"{name if i == 1 else '':23}" + (f"obs. {i}" if len(expected) > 1 else "")
        note = at_most(difference) if i == 1 and difference else ""
        cells = "".join(f"{x:>13.8f}" for x in ours) + "".join(f"{x:>13.10g}" for x in theirs)
        print(f"  {label:30}{cells}{note:>12}".rstrip())
    return difference


def at_most(x: float) -> str:
    """A non-negative number, rounded up to one digit, so that it is a bound."""
    return f"{float(Context(prec=1, rounding=ROUND_CEILING).create_decimal(x)):.0e}" if x else "0"


def all_ones_picture() -> tuple[Value, str]:
    """The loss of the network of ones, one neuron at a time, and the title of its picture."""
    net = nn.MLP(SIZES, *SIGMOID, init=1, per_neuron=True)
    C = name_value("C", nn.squared_error(net(X), Y))
    dC = gradients(C)
    groups = equal_groups([dC[p] for p in net.parameters()])
    count = len(net.parameters())
    shared = count - sum(len(group) - 1 for group in groups)
    return C, f"all ones: {count} parameters share {shared} gradients"


def print_pictures(pictures: dict[Path, tuple[Value, str]]) -> None:
    """Save the annotated graphs as pictures, or as DOT text if nothing can render them."""
    print_heading("Pictures", "every value with its gradient; equal gradients share a letter")
    advice = ""
    for path, (result, found) in pictures.items():
        drawing = draw(result, title=found, sums=False)
        try:
            written = drawing.save(path.with_suffix(".svg"))
        except RenderError as error:
            written, advice = drawing.save(path.with_suffix(".dot")), str(error.__cause__ or error)
        print(f"  {written}")
    if advice:
        print(f"\n  Written as DOT text only: {advice}")
