"""docs/checking.md: its code runs and prints what it says, its vocabulary is that of the code, its names exist."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from check import zoo
from test_house import blocks_of
from write_lists import kinds

import minigrad
from minigrad.check.diagnosis.kinds import KINDS
from minigrad.check.testing import strategies
from minigrad.cli.commands.check import DERIVATIVES, MISUSE, STATUS

PAGE = Path(minigrad.__file__).resolve().parents[1] / "docs" / "checking.md"
TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = TEXT.split("\n## ")
FRAMEWORKS = {
    "A function of PyTorch": "torch",
    "A function of JAX": "jax",
}  # the package that the code of a section needs


def test_the_vocabulary_on_the_page_is_that_of_the_code() -> None:
    """If this fails: python docs/write_lists.py"""
    found = re.search(r"<!-- kinds: .*? -->\n(.*?)<!-- end of kinds -->", TEXT, flags=re.S)
    assert found
    assert kinds(TEXT) == TEXT, "python docs/write_lists.py"
    assert all(f"| {kind} | {text} |" in found[1] for kind, text in KINDS.items())


def test_the_page_counts_no_more_than_the_zoo_has() -> None:
    """Nor many less: whoever adds a mistake need not count them all again."""
    found = re.search(
        r"all of its (\d+) wrong gradients are caught, and (\d+) of them are named.*Of its (\d+) right ones none",
        " ".join(TEXT.split()),
    )
    assert found
    has = (len(zoo.MISTAKES), sum(not case.deep for case in zoo.MISTAKES), len(zoo.RIGHT))
    assert all(0.9 * there <= int(said) <= there for said, there in zip(found.groups(), has, strict=True))


def rounded(text: str) -> str:
    """Without what another machine's last bits may change: error bars, powers, counts of evaluations."""
    return re.sub(r"\d+e-\d+|\d[\d,]*(?= evaluations)", "#", text.strip())


def test_the_code_of_the_page_runs_and_prints_what_it_says() -> None:
    rest = [section for section in SECTIONS if section.partition("\n")[0] not in FRAMEWORKS]
    blocks = blocks_of("\n## ".join(rest))
    assert len(blocks) >= 4 and sum(expected is not None for _, expected in blocks) >= 2
    run(blocks)


@pytest.mark.parametrize("title", FRAMEWORKS)
def test_the_code_of_a_framework_runs_where_it_is_installed(title: str) -> None:
    (section,) = [section for section in SECTIONS if section.partition("\n")[0] == title]
    blocks = blocks_of(section)
    assert any(expected is not None for _, expected in blocks)
    pytest.importorskip(FRAMEWORKS[title], reason=f"the section on {FRAMEWORKS[title]} needs it")
    run(blocks)


def run(blocks: list[tuple[str, str | None]]) -> None:
    """All blocks in one namespace; what is printed must be what stands below, up to rounding."""
    space: dict[str, Any] = {"__name__": "checking"}
    for code, expected in blocks:
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(code, PAGE.name, "exec"), space)
        assert rounded(printed.getvalue()) == rounded(expected or ""), code


def test_every_strategy_and_every_flavour_stands_on_the_page() -> None:
    for name in strategies.__all__:
        assert f"`{name}(" in TEXT, name
    for kind in DERIVATIVES:
        assert f"`{kind}=`" in TEXT and f"--{kind.replace('_', '-')}" in TEXT, kind


def test_the_exit_statuses_on_the_page_are_those_of_the_command() -> None:
    assert STATUS == {"agree": 0, "disagree": 1, "unresolved": 2} and MISUSE == 3
    assert re.search(r"0 for agree,\s+1 for\s+disagree,\s+2 for\s+unresolved,\s+and\s+3\s+if", TEXT)
