"""``python -m minigrad ties 2-3-3-2``: which parameters of a network move as one, for all data."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..nn.layers import MLP
from ..nn.losses import binary_cross_entropy, squared_error
from ..rules.nn import cross_entropy
from ..symmetry.ties import Ties, ties

LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "squared": squared_error,
    "cross-entropy": cross_entropy,
    "binary": binary_cross_entropy,
}
SAMPLES = 2  # they stand for any data; one more is one more of the same kind
SHOWN, LINES = 6, 60  # entries of a group, and groups, that are written out


def add_to(commands: Any) -> None:
    """Tell the command line about it."""
    parser = commands.add_parser(
        "ties",
        help="which parameters of a network move as one, for all data",
        description="Which parameters of a network move as one, whatever the data: the summary, the groups, the"
        " widths.",
    )
    parser.add_argument("sizes", type=_sizes, help="inputs, hidden layers, outputs: 2-3-3-2")
    parser.add_argument("--init", default="ones", help="a number, or an initialiser by name (default: ones)")
    parser.add_argument("--activation", default="tanh", help="of the hidden layers (default: tanh)")
    parser.add_argument("--output", default=None, help="activation of the last layer (default: none)")
    parser.add_argument("--loss", default="squared", choices=[*LOSSES], help="the loss")
    parser.add_argument("--seed", type=int, default=0, help="of an initialiser that draws (default: 0)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    tell(arguments.sizes, arguments.init, arguments.activation, arguments.output, arguments.loss, arguments.seed)


def _sizes(text: str) -> tuple[int, ...]:
    """2-3-3-2."""
    sizes = tuple(int(n) if n.isdecimal() else 0 for n in text.split("-"))
    if len(sizes) < 2 or not all(sizes):
        raise argparse.ArgumentTypeError(f"{text!r} is no network: write its sizes like 2-3-3-2")
    return sizes


def tell(sizes: Sequence[int], init: str, activation: str, output: str | None, loss: str, seed: int = 0) -> None:
    """Print the summary, the groups and the widths. ValueError for a name that does not exist."""
    model = MLP(sizes, activation, output, init=_number(init), seed=seed)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=(SAMPLES, sizes[0])), rng.uniform(size=(SAMPLES, sizes[-1]))
    with np.errstate(all="ignore"):  # the data are symbols: what these numbers make of a logarithm is of no concern
        found = ties(model, x, y, LOSSES[loss], for_all_data=True)
    print(found.summary())
    print(f"{found.scope}, {' and '.join(sorted(set(found.evidence)))}\n")
    for line in groups(found):
        print(line)
    if found.width:
        print(f"\ndistinct neurons per hidden layer: {', '.join(map(str, found.width))}")


def groups(found: Ties) -> list[str]:
    """One line for each group: its number, how many entries, which; of very many groups, the first."""
    lines = []
    for number, members in enumerate(found.groups[:LINES]):
        names = [f"{path}[{','.join(map(str, index))}]" if index else path for path, index in members[:SHOWN]]
        more = f", … {len(members) - SHOWN:,} more" if len(members) > SHOWN else ""
        kind = "never move  " if number == found.frozen else ""
        lines.append(f"  {number + 1:>3}  {len(members):>4} ×  {kind}{', '.join(names)}{more}")
    if len(found.groups) > LINES:
        alone = sum(len(members) == 1 for members in found.groups[LINES:])
        lines.append(f"       … {len(found.groups) - LINES:,} more groups, {alone:,} of them of one entry")
    return lines


def _number(init: str) -> str | float:
    try:
        return float(init)
    except ValueError:
        return init
