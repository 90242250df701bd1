"""The command line: which words there are and what each needs. What they do stands elsewhere."""

from __future__ import annotations

import argparse
import codecs
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from .commands import check, compile, draw, ties
from .errors import MinigradError

# What is printed where a terminal or a file cannot take the letters of mathematics.
PLAIN = str.maketrans(
    {"∂": "d", "σ": "s", "Σ": "sum ", "≠": "!=", "·": "*", "−": "-", "×": "x", "±": "+-", "′": "'", "─": "-"}
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (default: that of the process) and give its exit status.

    0 done, 1 it could not be done, except where a command says otherwise (`check`); for 2 (a command or option that
    does not exist) and for --help argparse leaves by SystemExit.
    """
    arguments, unknown = _parser().parse_known_args(argv)
    if unknown:
        arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    _print_anywhere()
    try:
        status: int = arguments.run(arguments) or 0
        if sys.stdout is not None:  # as under pythonw
            sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone, as in  python -m minigrad | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(arguments.failure)
    except (OSError, ValueError, MinigradError) as error:
        print(f"minigrad: {error}", file=sys.stderr)
        return int(arguments.failure)
    return status


class Parser(argparse.ArgumentParser):
    """A parser that leaves with a status of the command's own when it is misused."""

    misuse = 2
    words = ""  # the argument that takes words wherever they stand, also after an option

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What was given, and what is unknown; to argparse itself, words that follow an option are."""
        arguments, unknown = super().parse_known_args(args, namespace)
        if self.words:
            late = [word for word in unknown if not word.startswith("-")]
            setattr(arguments, self.words, [*getattr(arguments, self.words), *late])
            unknown = [word for word in unknown if word.startswith("-")]
        return arguments, unknown

    def error(self, message: str) -> NoReturn:
        """Say how it is used, and leave."""
        self.print_usage(sys.stderr)
        self.exit(self.misuse, f"{self.prog}: error: {message}\n")


def _tour(arguments: argparse.Namespace) -> None:
    from .tour import tour

    tour(arguments.out)


def _ops(arguments: argparse.Namespace) -> None:
    from .catalogue import markdown, text

    print(markdown() if arguments.markdown else text())


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
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
    parser.set_defaults(run=_tour, parser=parser, failure=1)
    ops = commands.add_parser("ops", help="the table of operations: rules, domains, kinks")
    ops.add_argument("--markdown", action="store_true", help="as Markdown, as in minigrad/rules/README.md")
    ops.set_defaults(run=_ops)
    draw.add_to(commands)
    compile.add_to(commands)
    check.add_to(commands)
    ties.add_to(commands)
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
