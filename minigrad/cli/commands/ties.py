"""Find which parameters of a network stay equal, whatever the data.

Prints a summary, the groups of parameters that stay equal, and how many distinct neurons each hidden layer has.
In Python: `minigrad.ties`.

    python -m minigrad ties 2-3-3-2 --init ones --activation sigmoid
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...nn.losses import binary_cross_entropy, squared_error
from ...nn.mlp import MLP, activations
from ...rules.losses import cross_entropy
from ...symmetry.ties import Ties, ties

LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "squared": squared_error,
    "cross-entropy": cross_entropy,
    "binary": binary_cross_entropy,
}
SAMPLES = 2  # these stand for any data; more samples would add nothing new
MOST_ENTRIES, MOST_GROUPS = 6, 60  # how many entries of a group, and how many groups, are printed


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("sizes", type=_sizes, help="numbers of inputs, hidden neurons and outputs: 2-3-3-2")
    parser.add_argument(
        "--init", default="ones", help="the start: a number, or an initialiser by name (default: ones)"
    )
    help = f"activation of the hidden layers (default: tanh): {', '.join(activations())}"
    parser.add_argument("--activation", default="tanh", help=help)
    parser.add_argument("--output", default=None, help="activation of the last layer (default: none)")
    parser.add_argument("--loss", default="squared", choices=[*LOSSES], help="loss function (default: squared)")
    parser.add_argument("--seed", type=int, default=0, help="seed of a random initialiser (default: 0)")


def run(arguments: argparse.Namespace) -> None:
    """Print the ties."""
    print_ties(
        arguments.sizes, arguments.init, arguments.activation, arguments.output, arguments.loss, arguments.seed
    )


def _sizes(text: str) -> tuple[int, ...]:
    """Read sizes such as 2-3-3-2."""
    sizes = tuple(int(n) if n.isdecimal() else 0 for n in text.split("-"))
    if len(sizes) < 2 or not all(sizes):
        raise argparse.ArgumentTypeError(f"{text!r} is not a network: write its sizes like 2-3-3-2")
    return sizes


def print_ties(
    sizes: Sequence[int], init: str, activation: str, output: str | None, loss: str, seed: int = 0
) -> None:
    """Print the summary, the groups and the widths. Raises ValueError for an unknown name."""
    model = MLP(sizes, activation, output, init=_number(init), seed=seed)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=(SAMPLES, sizes[0])), rng.uniform(size=(SAMPLES, sizes[-1]))
    with np.errstate(all="ignore"):  # these numbers stand for any data: a nan does not matter
        found = ties(model, x, y, LOSSES[loss], for_all_data=True)
    print(found.summary())
    print(f"{', '.join([found.scope, *sorted({*found.evidence} - {'single'})])}\n")
    for line in groups(found):
        print(line)
    if found.width:
        print(f"\ndistinct neurons per hidden layer: {', '.join(map(str, found.width))}")


def groups(found: Ties) -> list[str]:
    """One line per group: its number, its size, its entries; if there are very many groups, only the first."""
    lines = []
    for number, members in enumerate(found.groups[:MOST_GROUPS]):
        names = [
            f"{path}[{','.join(map(str, index))}]" if index else path for path, index in members[:MOST_ENTRIES]
        ]
        more = f", … {len(members) - MOST_ENTRIES:,} more" if len(members) > MOST_ENTRIES else ""
        kind = "never move  " if number == found.frozen else ""
        other = found.opposite[number]
        minus = "" if other is None else f"  (always minus group {other + 1})"
        lines.append(f"  {number + 1:>3}  {len(members):>4} ×  {kind}{', '.join(names)}{more}{minus}")
    if len(found.groups) > MOST_GROUPS:
        alone = sum(len(members) == 1 for members in found.groups[MOST_GROUPS:])
        lines.append(f"       … {len(found.groups) - MOST_GROUPS:,} more groups, {alone:,} of them of one entry")
    return lines


def _number(init: str) -> str | float:
    try:
        return float(init)
    except ValueError:
        return init
