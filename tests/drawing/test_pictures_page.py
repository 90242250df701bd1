"""docs/pictures.md: its code runs and prints what the page says."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

import minigrad

PAGE = Path(minigrad.__file__).resolve().parents[1] / "docs" / "pictures.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="there is no docs/pictures.md")


def test_the_code_of_the_page_runs_and_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {"__name__": "pictures_page"}
    pairs = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert len(pairs) == 2
    for code, expected in pairs:
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(code, PAGE.name, "exec"), space)
        assert printed.getvalue() == expected, code
