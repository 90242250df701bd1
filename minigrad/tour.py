"""The tour: why do the neurons of a layer not all learn the same thing?

It reads from top to bottom as it is told: two neurons that differ, two that never will, a whole network of the
second kind, and the pictures. Every number is computed while it runs, from the graph; the numbers that the threads
printed, where the question comes from, stand beside them. Nothing here is needed to use the package.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import nn
from .drawing import draw
from .errors import RenderError
from .rules.nn import sigmoid
from .value import Value, graph, sweep

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
ALL_ONES: dict[str, Any] = {  # computed in float32, by the person who asked
    "z1": [[2.2], [1.6]],
    "a1": [[0.9002495], [0.8320184]],
    "a2": [[0.9758906], [0.9705753]],
    "a3": [[0.9806908], [0.9803864]],
    "∂C/∂a3": [[1.5613816, 1.1613816], [-0.0392272, 1.9607728]],
    "σ′(z3)": [[0.01893635, 0.01893635], [0.01922891, 0.01922891]],
    "∂C/∂z3": [[0.02956687, 0.02199233], [-0.0007543, 0.03770352]],
    "∂C/∂b3": [[0.0288126, 0.0596958]],
    "∂C/∂W3": [[0.028122, 0.0580562]],
}
TRAINED: dict[str, Any] = {
    "all ones, 1,000 steps": [[0.5992708, 0.1997655], [0.5993174, 0.2004307]],
    "all ones, 10,000 steps": [[0.2003056, 0.3995875], [0.9888525, 0.0147637]],
    "random, 10,000 steps": [[0.2002, 0.3998], [0.993, 0.008]],  # about: it is another draw
}


def tour(out: Path) -> None:
    """Tell the whole story on stdout and put its pictures into the folder `out`, which is made if need be."""
    out.mkdir(parents=True, exist_ok=True)
    print("Every neuron of a layer sees the same inputs and applies the same function.")
    print("What lets them end up different, and what happens when nothing does?")
    different, tied, ones = two_neurons(DIFFERENT), two_neurons(TIED), nn.MLP(SIZES, *SIGMOID, init=1)
    tell_different(different)
    tell_tied(tied)
    tell_all_ones(ones)
    title("Pictures")
    drawn = nn.MLP(SIZES, *SIGMOID, init=1, per_neuron=True)
    loss = nn.squared_error(drawn(X), Y)
    loss.name = "C"
    for name, result in {"two-neurons": different, "two-neurons-tied": tied, "all-ones": loss}.items():
        print(f"  {picture(result, out / name)}")


# The first two stories: two neurons.


def two_neurons(weights: Sequence[float]) -> Value:
    """The loss J of two sigmoid neurons and a sigmoid output, every number a named value."""
    x1, x2 = (Value(x, name=f"x{i}") for i, x in enumerate(INPUTS, start=1))
    w1, w2, w3, w4, w5, w6 = (Value(w, name=f"w{i}") for i, w in enumerate(weights, start=1))
    y = Value(TARGET, name="y")
    z1 = named("z1", w1 * x1 + w2 * x2)
    z2 = named("z2", w3 * x1 + w4 * x2)
    a1, a2 = named("a1", sigmoid(z1)), named("a2", sigmoid(z2))
    z3 = named("z3", w5 * a1 + w6 * a2)
    a3 = named("a3", sigmoid(z3))
    return named("J", -y * np.log(a3) - (1 - y) * np.log(1 - a3))


def tell_different(J: Value) -> None:
    """Neurons that start differently: the factors in which their gradients differ."""
    title("two-neurons: different starting weights, different gradients")
    print("  z1 = w1 x1 + w2 x2     z2 = w3 x1 + w4 x2     z3 = w5 a1 + w6 a2     a = σ(z)")
    print("  J = -y ln a3 - (1 - y) ln(1 - a3)\n")
    tell_numbers(J)
    tell_chains(J, "w1", "w3")
    print(f"\n  {finding(J, 'w1', 'w2')}")
    print("  Only the output has a target; the hidden weights learn from J alone, through these chains.")


def tell_tied(J: Value) -> None:
    """Neurons that start alike: factor by factor the same, and so for ever."""
    title("two-neurons-tied: equal starting weights, and the two neurons move as one")
    tell_numbers(J)
    tell_chains(J, "w1", "w3")
    steps = 1000
    trained = trained_weights(TIED, steps)
    same = all(trained[a] == trained[b] for a, b in TWINS)
    values = ", ".join(f"{a} = {b} = {trained[a]:.7f}" for a, b in TWINS)
    print(f"\n  After {steps:,} steps at rate {RATE}: {values},")
    print(f"  {'the same bits' if same else 'NOT the same bits'}: two neurons, and the network of one.")
    apart = [f"w{i + 1}" for i in range(6) if is_untied(nudged(TIED, i))]
    print(f"  Add 0.1 to any one of {', '.join(apart)}, and after 100 steps the two neurons differ.")


def trained_weights(weights: Sequence[float], steps: int) -> dict[str, float]:
    """w1 … w6 after gradient descent, one weight at a time."""
    for _ in range(steps):
        J = two_neurons(weights)
        dJ = gradients(J)
        held = [v for v in graph(J) if v.name in WEIGHTS]
        weights = [float(w.data - RATE * dJ[w]) for w in held]
    return dict(zip(WEIGHTS, weights, strict=True))


def nudged(weights: Sequence[float], i: int) -> list[float]:
    """The same weights with 0.1 more in place i."""
    return [w + 0.1 * (k == i) for k, w in enumerate(weights)]


def is_untied(weights: Sequence[float]) -> bool:
    """Whether w1, w2 and w5 all differ from their twins after 100 steps."""
    trained = trained_weights(weights, 100)
    return all(trained[a] != trained[b] for a, b in TWINS)


def tell_numbers(J: Value) -> None:
    """The passes forwards and backwards, a row of names above a row of numbers."""
    dJ = gradients(J)
    values = {v.name: v for v in graph(J)}
    forward = {name: values[name].item() for name in ("z1", "z2", "a1", "a2", "z3", "a3", "J")}
    backward = {f"∂J/∂{name}": dJ[values[name]] for name in ("a3", *WEIGHTS)}
    for label, row in {"forwards": forward, "backwards": backward}.items():
        print(f"  {label:11}" + "".join(f"{name:>11}" for name in row))
        print(" " * 13 + "".join(f"{x:>11.7f}" for x in row.values()))


# The chain rule, factor by factor.


def tell_chains(J: Value, first: str, second: str) -> None:
    """The factors of two gradients side by side, those that differ marked."""
    print(f"\n  {finding(J, first, second)}\n")
    rows = list(zip(chain(J, first), chain(J, second), strict=True))
    width = max(len(factor.words) for row in rows for factor in row) + 2
    for a, b in rows:
        mark = "" if a.number == b.number else "≠"
        name = f"∂{common(a.upper, b.upper)}/∂{common(a.lower, b.lower)}"
        print(f"  {name:9} {a.words:{width}}{a.number:>12.7f}   {b.words:{width}}{b.number:>12.7f}   {mark}".rstrip())
    products = [np.prod([row[side].number for row in rows]) for side in (0, 1)]
    print(f"  {'product':9} {f'∂J/∂{first}':{width}}{products[0]:>12.7f}   {f'∂J/∂{second}':{width}}{products[1]:>12.7f}")


def finding(J: Value, first: str, second: str) -> str:
    """Two gradients in a sentence, with the values that tell them apart."""
    values = {v.name: v.item() for v in graph(J) if v.name}
    a, b = chain(J, first), chain(J, second)
    pairs = {
        pair: None
        for ours, theirs in zip(a, b, strict=True)
        if ours.number != theirs.number
        for pair in zip(names_in(ours.words), names_in(theirs.words), strict=True)
        if values[pair[0]] != values[pair[1]]
    }
    numbers = [np.prod([factor.number for factor in factors]) for factors in (a, b)]
    said = [f"∂J/∂{name} = {number:.7f}" for name, number in zip((first, second), numbers, strict=True)]
    if numbers[0] == numbers[1]:
        return f"{said[0]} and {said[1]} are equal: every factor has an equal twin"
    return f"{said[0]} and {said[1]} differ because " + " and ".join(f"{p} ≠ {q}" for p, q in pairs)


@dataclass(frozen=True)
class Factor:
    """One derivative of the chain rule, ∂upper/∂lower, in words and as a number."""

    upper: str
    lower: str
    words: str
    number: float


def chain(J: Value, weight: str) -> list[Factor]:
    """The factors of ∂J/∂weight, along the named values between them."""
    w = next(v for v in graph(J) if v.name == weight)
    between = [v for v in reversed(graph(J)) if v.name and any(u is w for u in graph(v))]
    return [Factor(str(u.name), str(v.name), in_words(u, v), gradients(u)[v]) for u, v in pairwise(between)]


def gradients(y: Value) -> dict[Value, Any]:
    """The gradient of y for every value it depends on, without touching any .grad."""
    return dict(sweep(y, np.float64(1)))


def in_words(upper: Value, lower: Value) -> str:
    """∂upper/∂lower as a formula: over every path between them the product of the local derivatives."""
    terms = [fraction(path) for path in paths(upper, lower)]
    return " + ".join(terms).replace("+ -", "- ")


def paths(upper: Value, lower: Value) -> Iterator[list[tuple[int, str, str]]]:
    """The local derivatives along each path that meets no other named value on its way."""
    for i, operand in enumerate(upper.operands):
        if operand is lower:
            yield [local(upper, i)]
        elif isinstance(operand, Value) and not operand.name:
            yield from ([local(upper, i), *rest] for rest in paths(operand, lower))


def local(y: Value, i: int) -> tuple[int, str, str]:
    """The derivative of one operation by operand i: its sign, and what stands above and below the line."""
    assert y.op is not None
    rules: dict[str, Callable[[], tuple[int, str, str]]] = {
        "+": lambda: (1, "", ""),
        "-": lambda: ((1, -1)[i], "", ""),
        "neg": lambda: (-1, "", ""),
        "*": lambda: (1, spelled(y.operands[1 - i]), ""),
        "log": lambda: (1, "", spelled(y.operands[i])),
        "sigmoid": lambda: (1, f"{y.name} (1 - {y.name})", ""),
    }
    return rules[y.op.label]()


def spelled(x: Any) -> str:
    """A value by its name or as the formula it came from, a constant as its number."""
    if not isinstance(x, Value):
        return f"{x:g}"
    if x.name or x.op is None:
        return x.name or f"{x.item():g}"
    operands = [spelled(operand) for operand in x.operands]
    return f"-{operands[0]}" if x.op.label == "neg" else f"({f' {x.op.label} '.join(operands)})"


def fraction(path: Sequence[tuple[int, str, str]]) -> str:
    """The product of local derivatives, written as one fraction."""
    signs, above, below = zip(*path, strict=True)
    top = " ".join(filter(None, above)) or "1"
    bottom = " ".join(filter(None, below))
    return ("-" if np.prod(signs) < 0 else "") + (f"{top} / {bottom}" if bottom else top)


def names_in(words: str) -> list[str]:
    """The names in a formula, each once, in order."""
    return list(dict.fromkeys(re.findall(r"[A-Za-z]\w*", words)))


# The third story: a whole network of ones.


def tell_all_ones(net: nn.MLP) -> None:
    """The table of the thread, then what training makes of the network, and why."""
    title("all-ones: a 2-3-3-2 network of ones stays a 2-1-1-2 network for ever, and still learns")
    print(f"  {'before training':24}{'computed':^24}{'expected':^24}{'differs by':>12}")
    worst = max(tell_row(name, row, ALL_ONES[name]) for name, row in first_pass(net).items())
    print(f"  No number is further than {worst:.0e} from the one expected, which was computed in float32.\n")

    print(f"  {'outputs after training':24}")
    early, late, random = TRAINED
    tell_row(early, train(net, 1_000), TRAINED[early])
    tell_row(late, train(net, 9_000), TRAINED[late])
    other = nn.MLP(SIZES, *SIGMOID, init="normal", seed=0)
    tell_row(random, train(other, 10_000), TRAINED[random])
    tell_row("the targets", Y, Y)
    print()
    tell_truth(net, other)


def first_pass(net: nn.MLP) -> dict[str, Array]:
    """Every quantity of the table, from one pass forwards and one backwards."""
    C = nn.squared_error(net(X), Y)
    value = {v.name: v for v in graph(C) if v.name}
    dC, da3 = gradients(C), dict(sweep(value["a3"], np.ones((2, 2))))
    forwards = {name: value[name].data for name in ("z1", "a1", "a2", "a3")}
    backwards = {f"∂C/∂{name}": dC[value[name]] for name in ("a3", "z3", "b3", "W3")}
    every = forwards | backwards | {"σ′(z3)": da3[value["z3"]]}
    return {name: every[name] for name in ALL_ONES}


def train(net: nn.MLP, steps: int) -> Array:
    """The outputs after so many steps of gradient descent on all data at once."""
    optimiser = nn.optim.SGD(net.parameters(), RATE)
    for _ in range(steps):
        net.zero_grad()
        nn.squared_error(net(X), Y).backward()
        optimiser.step()
    return np.array(net(X).data)


def tell_truth(net: nn.MLP, other: nn.MLP) -> None:
    """Both halves: the neurons never part, and one of each is enough here."""
    for label, each in {"all ones": net, "random": other}.items():
        numbers = np.concatenate([array.ravel() for array in each.state().values()])
        widths = " and ".join(str(width) for width in effective_widths(each))
        print(
            f"  {label:9} {numbers.size} parameters move as {len(distinct(numbers[:, None]))}; "
            f"hidden layers of 3 and 3 act as {widths}"
        )


def effective_widths(net: nn.MLP) -> list[int]:
    """How many distinct neurons each hidden layer has: by the weights into them, biases and weights out."""
    p = net.state()
    layers = range(1, len(net.sizes) - 1)
    return [len(distinct(np.vstack([p[f"W{k}"], p[f"b{k}"], p[f"W{k + 1}"].T]).T)) for k in layers]


def distinct(rows: Array) -> list[Array]:
    """The rows that differ from all before them by more than rounding can explain."""
    found: list[Array] = []
    for row in rows:
        if not any(np.allclose(row, other, rtol=1e-9, atol=1e-12) for other in found):
            found.append(row)
    return found


# How it is told.


def title(text: str) -> None:
    """A finding, as a heading."""
    print(f"\n\n{text}\n{'─' * len(text)}\n")


def named(name: str, value: Value) -> Value:
    """The same value, with a name for the pictures."""
    value.name = name
    return value


def common(a: str, b: str) -> str:
    """One name for both sides of a table: the name itself, or what two names begin with."""
    return a if a == b else os.path.commonprefix([a, b])


def tell_row(name: str, computed: Any, expected: Any) -> float:
    """Numbers beside those expected, two to a line; gives the largest difference.

    Where several columns or rows are expected to be the same, the expected one stands for all of them.
    """
    computed, expected = np.atleast_2d(computed), np.atleast_2d(expected)
    difference = float(np.abs(computed - expected).max())
    shown = computed[: expected.shape[0], : expected.shape[1]]
    for i, (ours, theirs) in enumerate(zip(shown, expected, strict=True)):
        label, note = (name, f"{difference:.0e}") if i == 0 else ("", "")
        cells = "".join(f"{x:>13.8f}" for x in ours) + " " * 13 * (2 - len(ours))
        print(f"  {label:24}{cells}{''.join(f'{x:>13.10g}' for x in theirs)}{note:>12}".rstrip())
    return difference


def picture(result: Value, path: Path) -> str:
    """Write the annotated graph; where nothing can render it, the text that it would be rendered from."""
    try:
        draw(result).save(path.with_suffix(".svg"))
        return str(path.with_suffix(".svg"))
    except RenderError as error:
        draw(result).save(path.with_suffix(".dot"))
        return f"{path.with_suffix('.dot')}  (not rendered: {error})"
