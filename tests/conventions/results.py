"""The answers of the other libraries, kept in results.json so that the page can be made without them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass, field
from pathlib import Path

from .libraries import LIBRARIES, PEERS, Answer
from .points import points

ROOT = Path(__file__).resolve().parents[2]
STORED = Path(__file__).with_name("results.json")


class Unavailable(Exception):
    """A library is not there, or does not run; the message says why."""


@dataclass
class Results:
    """What the other libraries answered: versions by name, why some are left out, and answers by point and name."""

    versions: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    answers: dict[str, dict[str, Answer]] = field(default_factory=dict)

    def add(self, name: str, version: str, answers: dict[str, Answer]) -> None:
        """Take the answers of one library in place of the older ones."""
        self.versions[name] = version
        self.left_out.pop(name, None)
        for key, answer in answers.items():
            self.answers.setdefault(key, {})[name] = answer

    def to_text(self) -> str:
        """JSON with a line per point, in the order of the page and its columns."""
        keys = dict.fromkeys(point.key for point in points())
        rows = {key: _in_order(self.answers.get(key, {})) for key in keys}
        lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
        heads = [f' "{name}": {json.dumps(_in_order(getattr(self, name)))},' for name in ("versions", "left_out")]
        return "\n".join(["{", *heads, ' "answers": {', lines, " }", "}"]) + "\n"


def _in_order(found: dict[str, Answer]) -> dict[str, Answer]:
    return {name: found[name] for name in PEERS if name in found}


def stored() -> Results:
    """Those of the last run."""
    return Results(**json.loads(STORED.read_text(encoding="utf-8"))) if STORED.exists() else Results()


def own_answers() -> dict[str, Answer]:
    """minigrad's, never stored: they are those of this checkout."""
    return LIBRARIES["minigrad"].answers([*points()])


def ask(name: str, python: str = sys.executable) -> tuple[str, dict[str, Answer]]:
    """The version and the answers of a library, in a process of its own: some start threads, or change NumPy.

    Raises Unavailable if it does not run.
    """
    command = [python, "-m", "tests.conventions", "--ask", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"does not run: {(done.stderr.splitlines() or ['no message'])[-1]}")
    version, answers = json.loads(done.stdout)
    return version, answers


def install_and_ask(name: str) -> tuple[str, dict[str, Answer]]:
    """The same for a library that this Python lacks, in a temporary environment.

    Raises Unavailable if there is no wheel of it for this Python.
    """
    requirement = LIBRARIES[name].requirement
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        command = [python, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "numpy", "scipy", requirement]
        if subprocess.run(command, capture_output=True).returncode:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise Unavailable(f"pip finds no wheel of {requirement} for Python {version}")
        return ask(name, python)


def update(results: Results, install: bool) -> None:
    """Ask each library that this Python has; install: the others too. What does not run keeps its older answers."""
    for name in PEERS:
        try:
            if LIBRARIES[name].installed:
                results.add(name, *ask(name))
            elif install:
                results.add(name, *install_and_ask(name))
            else:
                raise Unavailable("not installed")
        except Unavailable as reason:
            if name not in results.versions:
                results.left_out[name] = str(reason)
