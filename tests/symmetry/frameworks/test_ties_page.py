"""docs/ties-of-models.md: its code runs and prints what it says."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from test_house import blocks_of

import minigrad

PAGE = Path(minigrad.__file__).resolve().parents[1] / "docs" / "ties-of-models.md"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_code_of_the_page_runs_and_prints_what_it_says() -> None:
    for framework in ("torch", "jax"):
        pytest.importorskip(framework, reason=f"the page on the ties of models needs {framework}")
    blocks = blocks_of(PAGE.read_text(encoding="utf-8"))
    assert sum(expected is not None for _, expected in blocks) >= 2
    names: dict[str, Any] = {}
    for code, expected in blocks:
        with redirect_stdout(io.StringIO()) as printed:
            exec(code, names)
        if expected is not None:
            assert printed.getvalue().strip() == expected.strip()
