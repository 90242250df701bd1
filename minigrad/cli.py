"""The command line: which words there are and what each needs. What they do stands elsewhere."""

from __future__ import annotations

import argparse
import codecs
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# What is printed where a terminal or a file cannot take the letters of mathematics.
PLAIN = str.maketrans(
    {"∂": "d", "σ": "s", "Σ": "sum ", "≠": "!=", "·": "*", "−": "-", "×": "x", "±": "+-", "′": "'", "─": "-"}
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (default: that of the process) and give its exit status.

    0 done, 1 it could not be done; for 2 (a command or option that does not exist) and for --help argparse
    leaves by SystemExit.
    """
    arguments = _parser().parse_args(argv)
    _print_anywhere()
    try:
        arguments.run(arguments)
        if sys.stdout is not None:  # as under pythonw
            sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone, as in  python -m minigrad | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, ValueError) as error:
        print(f"minigrad: {error}", file=sys.stderr)
        return 1
    return 0


def _tour(arguments: argparse.Namespace) -> None:
    from .tour import tour

    tour(arguments.out)


def _ops(arguments: argparse.Namespace) -> None:
    from .catalogue import markdown, text

    print(markdown() if arguments.markdown else text())


def _ties(arguments: argparse.Namespace) -> None:
    from .symmetry.command import tell

    tell(arguments.sizes, arguments.init, arguments.activation, arguments.output, arguments.loss, arguments.seed)


def _sizes(text: str) -> tuple[int, ...]:
    """2-3-3-2."""
    sizes = tuple(int(n) if n.isdecimal() else 0 for n in text.split("-"))
    if len(sizes) < 2 or not all(sizes):
        raise argparse.ArgumentTypeError(f"{text!r} is no network: write its sizes like 2-3-3-2")
    return sizes


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minigrad",
        description="Automatic differentiation to read and extend, to look at, and to trust.",
        epilog="Without a command, the tour.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    tour = commands.add_parser(
        "tour",
        help="why do the neurons of a layer not all learn the same thing? (numbers and pictures, in seconds)",
        description="Why do the neurons of a layer not all learn the same thing?"
        " Prints the answer with its numbers, and writes the pictures.",
    )
    folder = Path("minigrad-tour")
    out: dict[str, Any] = {
        "metavar": "DIR",
        "help": f"where the tour writes its pictures (default: {folder}{os.sep})",
    }
    parser.add_argument("--out", type=Path, default=folder, **out)
    # SUPPRESS: without it the default of the command would take the place of an --out before the command.
    tour.add_argument("--out", type=Path, default=argparse.SUPPRESS, **out)
    parser.set_defaults(run=_tour)
    ops = commands.add_parser("ops", help="the table of operations: rules, domains, kinks")
    ops.add_argument("--markdown", action="store_true", help="as Markdown, as in minigrad/rules/README.md")
    ops.set_defaults(run=_ops)
    ties = commands.add_parser(
        "ties",
        help="which parameters of a network move as one, for all data",
        description="Which parameters of a network move as one, whatever the data: the summary, the groups, the"
        " widths.",
    )
    ties.add_argument("sizes", type=_sizes, help="inputs, hidden layers, outputs: 2-3-3-2")
    ties.add_argument("--init", default="ones", help="a number, or an initialiser by name (default: ones)")
    ties.add_argument("--activation", default="tanh", help="of the hidden layers (default: tanh)")
    ties.add_argument("--output", default=None, help="activation of the last layer (default: none)")
    ties.add_argument("--loss", default="squared", choices=["squared", "cross-entropy", "binary"], help="the loss")
    ties.add_argument("--seed", type=int, default=0, help="of an initialiser that draws (default: 0)")
    ties.set_defaults(run=_ties)
    return parser


def _print_anywhere() -> None:
    """Let stdout take any character, whatever its encoding: in plain letters where it has no better."""
    codecs.register_error("minigrad", _spell_plainly)
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="minigrad")


def _spell_plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    plain = error.object[error.start : error.end].translate(PLAIN)
    return plain.encode("ascii", "replace").decode(), error.end
