"""Find which parameters of a network stay equal, or never move.

For sizes such as 2-3-3-2: prints a summary, the groups of parameters that stay equal whatever the data, and how
many distinct neurons each hidden layer has. For FILE.py::NAME, a model or a function that builds one, and data:
prints a summary and what it means for each tensor. A model is a torch.nn.Module, a minigrad.nn.Module, or a pair
(f, params), with f(params, *data) the loss, of NumPy, JAX or PyTorch.
In Python: `minigrad.ties`.

    python -m minigrad ties 2-3-3-2 --init ones --activation sigmoid
    python -m minigrad ties model.py::build --data data.npz --check
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...nn.mlp import MLP, activations
from ...symmetry.claims import SINGLE
from ...symmetry.slices import tensor_name
from ...symmetry.tie_finding import FROZEN, TIED, TieFinding
from ...symmetry.ties import Ties, ties
from ..built_model import LOSSES, built_call, run_users_code
from ..locate import Misuse

SAMPLES = 2  # these stand for any data; more samples would add nothing new
MOST_ENTRIES, MOST_GROUPS = 6, 60  # how many entries of a group, and how many groups, are printed
CONSTANT = 0.1
FOUND, FAILURE = 1, 3
EPILOG = f"""exit status:
  0  printed; with --check, nothing is tied and everything can move
  {FOUND}  with --check: parameters stay equal, never move, or have a gradient that is no finite number
  2  an option or a size that makes no sense
  {FAILURE}  no ties: a wrong file, name, model or data, or a model that ties refuses"""


def add_options(parser: Any) -> None:
    """Add the options of the command."""
    parser.epilog = EPILOG
    parser.set_defaults(failure=FAILURE)
    parser.add_argument(
        "network",
        type=_network,
        metavar="SIZES or FILE.py::NAME",
        help="numbers of inputs, hidden neurons and outputs: 2-3-3-2; or a model, or a function without arguments"
        " that returns one",
    )
    parser.add_argument("--loss", help=f"{', '.join(LOSSES)} (default: squared); for a file, also a function in it")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the random generators before the start (default: 0)"
    )
    parser.add_argument("--json", action="store_true", help="print the findings alone, as JSON")
    parser.add_argument("--check", action="store_true", help=f"exit with {FOUND} if something is tied or frozen")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="NAME",
        help="leave tensors of that name out of --check; * stands for any letters; repeat it for more",
    )
    _add_options_for_sizes(parser)
    _add_options_for_files(parser)


def _add_options_for_sizes(parser: Any) -> None:
    sizes = parser.add_argument_group("for sizes")
    sizes.add_argument(
        "--init",
        help="the start: a number, an initialiser by name, or constant"
        f" ({CONSTANT} everywhere; constant=0.5 for another number) (default: ones)",
    )
    help = f"activation of the hidden layers (default: tanh): {', '.join(activations())}"
    sizes.add_argument("--activation", help=help)
    sizes.add_argument("--output", help="activation of the last layer (default: none)")


def _add_options_for_files(parser: Any) -> None:
    file = parser.add_argument_group("for FILE.py::NAME")
    file.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="FILE",
        help="an .npz or .npy file: its arrays in order are the inputs, and the last one is the target, as"
        ' np.savez("data.npz", x, y) writes them; for (f, params), arrays with the names of the parameters of f go'
        " there; repeat it for more files",
    )
    file.add_argument("--for-all-data", action="store_true", help="find what holds for any data of these shapes")


def run(arguments: argparse.Namespace) -> int:
    """Print the ties, and return the exit status."""
    is_file = isinstance(arguments.network, str)
    try:
        found = _of_file(arguments) if is_file else _of_sizes(arguments)
        needed = is_file or arguments.json or arguments.check
        findings = run_users_code(found.findings, arguments.network) if needed else []
    except Misuse as error:
        print(f"minigrad ties: {error}", file=sys.stderr)
        return FAILURE
    if arguments.json:
        print(json.dumps([finding.as_dict() for finding in findings], indent=2, ensure_ascii=False))
    else:
        _print(found, findings, is_file)
    for pattern in arguments.allow:
        if not any(fnmatch.fnmatchcase(name, pattern) for name in map(tensor_name, found.recording.paths)):
            print(f"minigrad ties: --allow {pattern}: no tensor has that name", file=sys.stderr)
    matters = _not_finite(found) or any(_matters(f, arguments.allow) for f in findings)
    return FOUND if arguments.check and matters else 0


def _network(text: str) -> str | tuple[int, ...]:
    """Read sizes such as 2-3-3-2, or the name of a model in a file."""
    if "::" in text:
        return text
    sizes = tuple(int(n) if n.isdecimal() else 0 for n in text.split("-"))
    if len(sizes) < 2 or not all(sizes):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a network: write its sizes like 2-3-3-2 or FILE.py::NAME"
        )
    return sizes


def _of_sizes(arguments: argparse.Namespace) -> Ties:
    """The ties of a network of these sizes, whatever the data. Raises ValueError for an unknown name."""
    sizes, name = arguments.network, arguments.loss or "squared"
    if name not in LOSSES:
        arguments.parser.error(f"argument --loss: invalid choice: {name!r} (choose from {', '.join(LOSSES)})")
    if arguments.data:
        arguments.parser.error("argument --data: ties of sizes hold for all data; write FILE.py::NAME for a model")
    start = _start(arguments.init or "ones")
    model = MLP(sizes, arguments.activation or "tanh", arguments.output, init=start, seed=arguments.seed)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=(SAMPLES, sizes[0])), rng.uniform(size=(SAMPLES, sizes[-1]))
    with np.errstate(all="ignore"):  # these numbers stand for any data: a nan does not matter
        return ties(model, x, y, LOSSES[name], for_all_data=True)


def _start(init: str) -> str | float:
    """The start of all parameters: a number, or the name of an initialiser."""
    word, equals, number = init.partition("=")
    if word == "constant":
        init = number if equals else str(CONSTANT)
    try:
        return float(init)
    except ValueError:
        return init


def _of_file(arguments: argparse.Namespace) -> Ties:
    where = arguments.network
    for option in ("init", "activation", "output"):
        if getattr(arguments, option) is not None:
            arguments.parser.error(f"argument --{option}: it is for sizes such as 2-3-3-2; {where} has its own")
    f, args, loss = built_call(where, arguments.data, arguments.loss, arguments.seed)
    found: Ties = run_users_code(ties, where, f, *args, loss=loss, for_all_data=arguments.for_all_data)
    return found


def _matters(finding: TieFinding, allowed: Sequence[str]) -> bool:
    """Whether a finding speaks of ties or of what never moves, and not only of tensors that are allowed."""
    return finding.kind in (TIED, FROZEN) and not all(
        any(fnmatch.fnmatchcase(tensor, pattern) for pattern in allowed) for tensor in finding.tensors
    )


def _not_finite(found: Ties) -> int:
    """How many entries have a gradient now that is nan or infinite."""
    return int((~np.isfinite(found.now.gradient)).sum())


def _print(found: Ties, findings: Sequence[TieFinding], is_file: bool) -> None:
    """Print the summary and the evidence; then the findings, or the groups and the widths of a network of sizes."""
    print(found.summary())
    evidence = sorted({*found.evidence, *found.frozen_evidence} - {SINGLE})
    print(f"{found.scope}; groups of several: {', '.join(evidence)}\n" if evidence else f"{found.scope}\n")
    if is_file:
        for finding in findings[:MOST_GROUPS]:
            remedy = f"; {finding.remedy} was tried and helps" if finding.remedy else ""
            print(f"  {finding.kind}: {finding} ({finding.evidence}{remedy})")
        if len(findings) > MOST_GROUPS:
            print(f"  … {len(findings) - MOST_GROUPS:,} more findings")
        if count := _not_finite(found):
            print(f"  {count:,} entries have a gradient that is no finite number: they do not train")
        elif not findings:
            print("  nothing is tied, and everything moves")
        return
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
        other = found.opposite[number]
        minus = "" if other is None else f"  (always minus group {other + 1})"
        is_alone = len(members) == 1 and other is None
        kind = "never move  " if number == found.frozen else "alone  " if is_alone else ""
        lines.append(f"  {number + 1:>3}  {len(members):>4} ×  {kind}{', '.join(names)}{more}{minus}")
    if len(found.groups) > MOST_GROUPS:
        alone = sum(len(members) == 1 for members in found.groups[MOST_GROUPS:])
        lines.append(f"       … {len(found.groups) - MOST_GROUPS:,} more groups, {alone:,} of them of one entry")
    return lines
