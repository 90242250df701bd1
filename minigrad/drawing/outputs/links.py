"""Links from a node to the line of code that made it. `debug` keeps that line: "file:line: text"."""

from __future__ import annotations

import os
import re
from pathlib import Path

SOURCE = re.compile(r"(?P<file>.+?):(?P<line>\d+): ", re.DOTALL)


def link(source: str) -> str:
    """A reference to the file and the line: relative if the file lies below the current folder, else ""."""
    from urllib.parse import quote  # from Python 3.13 on, nothing else that is imported needs it

    found = SOURCE.match(f"{source} ")
    if found is None or not os.path.isfile(found["file"]):  # a notebook's cell, a line typed at a prompt
        return ""
    path = Path(found["file"]).resolve()
    here = Path.cwd()
    href = quote(path.relative_to(here).as_posix()) if path.is_relative_to(here) else path.as_uri()
    return f"{href}#L{found['line']}"
