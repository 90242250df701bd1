"""docs/compiling.md: its code runs and prints what it says."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import minigrad

PAGE = Path(minigrad.__file__).resolve().parents[1] / "docs" / "compiling.md"


def test_the_code_of_the_page_prints_what_it_says() -> None:
    code, printed = re.findall(r"^```\w*\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(code, PAGE.name, "exec"), {"__name__": "page"})
    assert out.getvalue() == printed
