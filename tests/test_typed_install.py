"""A user's file is checked against the types of the package, as installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def test_mypy_finds_the_package_from_the_file_of_a_user(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    file = tmp_path / "user.py"
    file.write_text("import minigrad\n\nv: minigrad.Value = minigrad.Value(1.0)\nw: int = minigrad.Value(1.0)\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "import-not-found" not in done.stdout and "import-untyped" not in done.stdout, done.stdout
    assert "user.py:4: error: Incompatible types in assignment" in done.stdout, done.stdout
    assert "Found 1 error in 1 file" in done.stdout, done.stdout
