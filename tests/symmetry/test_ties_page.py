"""docs/ties.md: its code runs and prints what the page says."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

import minigrad
from minigrad.symmetry.claims import OBSERVED, PROBED, PROVED, SINGLE
from minigrad.symmetry.tie_finding import KINDS

PAGE = Path(minigrad.__file__).resolve().parents[1] / "docs" / "ties.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="there is no docs/ties.md")


def test_the_code_of_the_page_runs_and_prints_what_it_says() -> None:
    space: dict[str, Any] = {"__name__": "ties_page"}
    pairs = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert len(pairs) == 11
    for code, expected in pairs:
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(code, PAGE.name, "exec"), space)
        assert printed.getvalue() == expected, code


def test_the_page_explains_each_word_of_evidence_and_names_each_kind() -> None:
    text = PAGE.read_text("utf-8")
    assert re.findall(r"^\| (\w+) \| [A-Z]", text, re.M) == [PROVED, PROBED, OBSERVED, SINGLE]
    assert f"({', '.join(KINDS)})" in text.replace("\n", " ")
