"""The one door to Graphviz: DOT text in, a picture's bytes out.

Nothing else in the package knows how a picture is rendered or imports graphviz, which costs more than NumPy's
own start and is not needed to compute.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import RenderError

INSTALL = (
    "no layout engine was found\n"
    "  write  pip install graphviz graphviz-pure   for one that needs no system package\n"
    "  or     install Graphviz (graphviz.org), so that  dot  is on the PATH"
)


def render(source: str, file_format: str) -> bytes:
    """The picture of a DOT text, as "svg" or "png". Raises RenderError, which says what to install."""
    engine = find_engine()
    try:
        import graphviz  # type: ignore[import-untyped]
    except ImportError as error:
        raise RenderError(INSTALL) from error
    if engine is None:
        raise RenderError(INSTALL)
    try:
        with _engine_of_graphviz(engine):
            return bytes(graphviz.Source(source).pipe(format=file_format, quiet=True))
    except (graphviz.ExecutableNotFound, OSError) as error:
        raise RenderError(f"{engine} did not start: {error}") from error
    except graphviz.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else f"exit status {error.returncode}"
        raise RenderError(f"{engine} could not lay out this graph: {reason}") from error


def find_engine() -> str | None:
    """Where graphviz-pure stands beside the interpreter, or else a `dot` on the PATH."""
    beside = os.pathsep.join([sysconfig.get_path("scripts"), str(Path(sys.executable).parent)])
    return shutil.which("graphviz-pure", path=beside) or shutil.which("graphviz-pure") or shutil.which("dot")


@contextmanager
def _engine_of_graphviz(engine: str) -> Iterator[None]:
    """Point the graphviz package at an engine, and back again: its other users shall not notice."""
    from graphviz.backend import dot_command  # type: ignore[import-untyped]

    before = dot_command.DOT_BINARY
    dot_command.DOT_BINARY = Path(engine)
    try:
        yield
    finally:
        dot_command.DOT_BINARY = before
