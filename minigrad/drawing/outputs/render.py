"""The only module that calls Graphviz: DOT text in, a picture's bytes out.

An engine is a separate program: it may be missing, fail, or take too long. Each of these raises an error that says
what to do.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...errors import ArgumentError, RenderError

ENGINES = ("dot", "neato", "fdp", "sfdp", "circo", "twopi", "osage", "patchwork")
SECONDS = 60.0  # time limit of an engine
INSTALL = (
    "no layout engine was found\n"
    "  write  pip install graphviz graphviz-pure   if no system package is wanted\n"
    "  or     install Graphviz (graphviz.org), so that  dot  is on the PATH"
)
INSTALL_PDF = (
    "no layout engine that writes PDF was found (graphviz-pure writes SVG and PNG)\n"
    "  write  pip install pygraphviz       if no system package is wanted\n"
    "  or     apt-get install graphviz     (on a Mac, brew install graphviz)\n"
    "  or     save .svg, and print it to PDF from a browser"
)
# pygraphviz uses Graphviz as a library. It runs in a separate process, so that it can be stopped.
PYGRAPHVIZ = """\
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
layout, kind, *more = (argument[2:] for argument in sys.argv[1:])
sys.stdout.buffer.write(graph.draw(format=kind, prog=layout, args="-n2" if more else ""))
"""


def render(
    source: str, file_format: str, engine: str = "dot", *, placed: bool = False, seconds: float = SECONDS
) -> bytes:
    """The picture of a DOT text, as "svg", "png" or "pdf".

    engine: a layout engine, by its name in Graphviz. placed: whether the nodes already have their places.
    Raises RenderError, which says what to install, and ArgumentError for an unknown engine.
    """
    import subprocess  # slow to import, and only drawing needs it

    if engine not in ENGINES:
        raise ArgumentError(f"no engine is called {engine!r}\n  expected one of {', '.join(ENGINES)}")
    program = _program(file_format)
    if not program:
        raise RenderError(INSTALL_PDF if file_format == "pdf" and find_engine() else INSTALL)
    command = [*program, f"-K{engine}", f"-T{file_format}", *(["-n2"] if placed and engine == "neato" else [])]
    name = "pygraphviz" if program[0] == sys.executable else program[0]
    try:
        done = subprocess.run(command, input=source.encode(), capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise RenderError(
            f"{engine} took longer than {seconds:g} s to lay out this graph\n"
            "  write  draw(..., seconds=...)   to let it take longer, or to show less"
        ) from error
    except OSError as error:
        raise RenderError(f"{name} did not start: {error}") from error
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else f"exit status {done.returncode}"
        raise RenderError(f"{name} could not lay out this graph: {reason}")
    return done.stdout


def find_engine() -> str | None:
    """The path of graphviz-pure beside the interpreter, else of a `dot` on the PATH."""
    beside = os.pathsep.join([sysconfig.get_path("scripts"), str(Path(sys.executable).parent)])
    return shutil.which("graphviz-pure", path=beside) or shutil.which("graphviz-pure") or shutil.which("dot")


def _program(file_format: str) -> list[str]:
    """The command that writes a format, without its arguments; [] if there is none."""
    if file_format != "pdf":
        found = find_engine()
        return [found] if found else []
    if dot := shutil.which("dot"):
        return [dot]
    return [sys.executable, "-c", PYGRAPHVIZ] if find_spec("pygraphviz") else []


def graphviz_source(text: str, engine: str) -> Any:
    """DOT text as a `graphviz.Source` that uses the same engine as `render`."""
    try:
        import graphviz  # type: ignore[import-untyped]
    except ImportError as error:
        raise RenderError("the graphviz package is not installed\n  write  pip install graphviz") from error

    class Source(graphviz.Source):  # type: ignore[misc, unused-ignore]
        """DOT text, rendered by the engine minigrad found."""

        def pipe(self, format: str | None = None, *args: Any, **options: Any) -> Any:
            with _engine_of_graphviz():
                return super().pipe(format or "svg", *args, **options)

        def render(self, *args: Any, **options: Any) -> Any:
            with _engine_of_graphviz():
                return super().render(*args, **{"format": "svg"} | options)

        def _repr_mimebundle_(self, *args: Any, **options: Any) -> Any:
            with _engine_of_graphviz():
                return super()._repr_mimebundle_(*args, **options)

    return Source(text, engine=engine, format="svg")


@contextmanager
def _engine_of_graphviz() -> Iterator[None]:
    """Make the graphviz package use our engine, then restore it for its other users."""
    from graphviz.backend import dot_command  # type: ignore[import-untyped]

    before, found = dot_command.DOT_BINARY, find_engine()
    dot_command.DOT_BINARY = Path(found) if found else before
    try:
        yield
    finally:
        dot_command.DOT_BINARY = before
