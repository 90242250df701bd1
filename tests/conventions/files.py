"""The files that are made from the answers, so that the script writes and a test compares the same."""

from __future__ import annotations

from pathlib import Path

from .page import page
from .results import ROOT, STORED, Results, own_answers
from .shares import convention_data


def files(results: Results) -> dict[Path, str]:
    """The path and the text of each."""
    own = own_answers()
    return {
        STORED: results.to_text(),
        ROOT / "docs" / "kinks.md": page(results, own),
        ROOT / "minigrad" / "check" / "comparison" / "convention_data.py": convention_data(results, own),
    }
