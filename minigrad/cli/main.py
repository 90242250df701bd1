"""The command line: find the commands, read their help, and run one of them.

A command is a module in the folder of commands: its docstring is its help, `add_options` adds its options and `run`
runs it. Nothing lists the modules: a new file is enough. `register` adds a command of another package.
"""

from __future__ import annotations

import argparse
import ast
import codecs
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ..errors import ArgumentError, MinigradError

COMMANDS = "minigrad.cli.commands"  # the folder whose modules are commands
DEFAULT = "tour"
FOLDER = Path("minigrad-tour")
_REGISTERED: dict[str, str] = {}

# Replacements for mathematical letters that a terminal or a file cannot show.
PLAIN = str.maketrans(
    {"∂": "d", "σ": "s", "Σ": "sum ", "≠": "!=", "·": "*", "−": "-", "×": "x", "±": "+-", "′": "'", "─": "-"}
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (default: the process's arguments) and return its exit status.

    0 on success, 1 on failure; `check` has other statuses. argparse raises SystemExit for --help, and with status 2
    for a command or option that does not exist.
    """
    arguments, unknown = _parser().parse_known_args(argv)
    if unknown:
        arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    _print_anywhere()
    try:
        status: int = arguments.run(arguments) or 0
        if sys.stdout is not None:  # it is None under pythonw
            sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone, as in  python -m minigrad | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(arguments.failure)
    except (OSError, ValueError, MinigradError) as error:
        print(f"minigrad: {error}", file=sys.stderr)
        return int(arguments.failure)
    return status


class Parser(argparse.ArgumentParser):
    """A parser in which each command can set the exit status for misuse."""

    misuse = 2
    words = ""  # the argument that collects words at any position, also after an option

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The arguments, and unknown words. For argparse alone, words after an option are unknown."""
        arguments, unknown = super().parse_known_args(args, namespace)
        if self.words:
            late = [word for word in unknown if not word.startswith("-")]
            setattr(arguments, self.words, [*getattr(arguments, self.words), *late])
            unknown = [word for word in unknown if word.startswith("-")]
        return arguments, unknown

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and exit."""
        self.print_usage(sys.stderr)
        self.exit(self.misuse, f"{self.prog}: error: {message}\n")


class CommandParser(Parser):
    """The parser of a command, which imports the command's module when it is used."""

    def __init__(self, *, module: str, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self.module = module

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the options of the command, then parse like any parser."""
        if self.module:
            module, self.module = importlib.import_module(self.module), ""
            self.set_defaults(run=module.run, parser=self)
            module.add_options(self)
        return super().parse_known_args(args, namespace)


@dataclass(frozen=True)
class Command:
    """A command: the name of its module, and the module's docstring, whose first line is the help."""

    module: str
    doc: str

    @property
    def help(self) -> str:
        """One line."""
        return self.doc.partition("\n")[0].rstrip(".")


def commands() -> dict[str, Command]:
    """Every command by name: the modules of the folder that define `add_options`, and those of `register`.

    This reads the modules without an import.
    """
    package = importlib.util.find_spec(COMMANDS)
    folders = [] if package is None else package.submodule_search_locations or []
    modules = {found.name: f"{COMMANDS}.{found.name}" for found in pkgutil.iter_modules(folders)}
    found = {name: _read(module) for name, module in {**modules, **_REGISTERED}.items()}
    return {name: command for name, command in sorted(found.items()) if command is not None}


def register(name: str, module: str) -> None:
    """Add a command of your own to `main`: ``register("hello", "my_package.hello"); main()``.

    module: the full name of a module with a docstring, ``add_options(parser)`` and ``run(arguments)``. It is
    imported when the command runs. `unregister` removes the command. Raises ArgumentError for any other module, and
    for the name of a command of minigrad.
    """
    if name in commands().keys() - _REGISTERED:
        raise ArgumentError(
            f"there is a command called {name!r} already\n  write  another name than {', '.join(commands())}"
        )
    if _read(module) is None:
        parts = "a docstring, add_options(parser) and run(arguments)"
        raise ArgumentError(f"{module} is not a command\n  write  {parts}   in it")
    _REGISTERED[name] = module


def unregister(name: str) -> None:
    """Remove a command that `register` added. Raises ArgumentError for any other name."""
    if name in _REGISTERED:
        del _REGISTERED[name]
        return
    what = f"the command {name!r} belongs to minigrad" if name in commands() else f"no command is called {name!r}"
    own = ", ".join(sorted(_REGISTERED)) or "none now"
    raise ArgumentError(f"{what}\n  unregister removes what register added: {own}")


def _read(module: str) -> Command | None:
    """The command in a module, by its source; None if the module is not a command."""
    spec = importlib.util.find_spec(module)
    file = spec.origin if spec is not None else None
    # From the file, if there is one: not every loader returns the source (pytest's does not).
    source = (
        Path(file).read_text(encoding="utf-8") if file and file.endswith(".py") and Path(file).is_file() else None
    )
    source = source or getattr(spec and spec.loader, "get_source", lambda name: None)(module)
    if not source or "def add_options(" not in source:
        return None
    tree = ast.parse(source)
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    doc = ast.get_docstring(tree) or ""
    return Command(module, doc) if doc and {"add_options", "run"} <= defined else None


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="minigrad",
        description="Automatic differentiation that you can read, extend, draw with and trust.",
        epilog=f"Without a command: the {DEFAULT}.",
    )
    subparsers = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", parser_class=CommandParser
    )
    for name, command in commands().items():
        subparsers.add_parser(name, help=command.help, description=command.doc, module=command.module)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the versions, and whether C code runs")
    help = f"where the {DEFAULT} writes its pictures (default: {FOLDER}{os.sep})"
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help=help)
    parser.set_defaults(run=_default, parser=parser, failure=1)
    return parser


class _Version(argparse.Action):
    """Prints the versions of minigrad, Python and NumPy, and whether compiled programs run natively."""

    def __call__(self, parser: Any, *args: Any) -> None:
        import numpy as np

        from .. import __version__
        from ..compiler.native import why_not

        python = ".".join(map(str, sys.version_info[:3]))
        print(f"minigrad {__version__}, Python {python}, NumPy {np.__version__}")
        print(f"native executor: {why_not() or 'in use'}")
        parser.exit()


def _default(arguments: argparse.Namespace) -> Any:
    return importlib.import_module(commands()[DEFAULT].module).run(arguments)


def _print_anywhere() -> None:
    """Let stdout take any character: plain letters replace those that its encoding lacks."""
    codecs.register_error("minigrad", _spell_plainly)
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="minigrad")


def _spell_plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    plain = error.object[error.start : error.end].translate(PLAIN)
    return plain.encode("ascii", "replace").decode(), error.end
