"""docs/kinks.md is that of this checkout, of the stored answers, and of the libraries that are installed here."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import NoReturn

import conventions.results
import numpy as np
import pytest
from conventions.files import files
from conventions.libraries import LIBRARIES, PEERS
from conventions.page import NO_ANSWER, text
from conventions.points import SECTIONS, SMOOTH, Point, points
from conventions.results import ROOT, Unavailable, ask, own_answers, stored, update

from minigrad.check.numeric.derivative import numeric_gradient

REMEDY = "python -m tests.conventions"


def test_the_page_and_what_is_made_with_it_are_up_to_date() -> None:
    for path, made in files(stored()).items():
        assert path.read_text(encoding="utf-8") == made, f"{path.name}: {REMEDY}"


def test_the_page_shows_a_changed_answer() -> None:
    """So the test above can fail: for each library, at the first point."""
    page = ROOT / "docs" / "kinks.md"
    for name in PEERS:
        changed = copy.deepcopy(stored())
        changed.answers["np.abs(x) at 0"][name] = [0.125]
        assert "**0.125**" in files(changed)[page]


@pytest.mark.parametrize("name", PEERS)
def test_every_library_was_asked_at_every_point_or_is_left_out_by_name(name: str) -> None:
    results = stored()
    assert (name in results.versions) != (name in results.left_out)
    if name in results.versions:
        missing = [point.key for point in points() if name not in results.answers.get(point.key, {})]
        assert not missing, f"{REMEDY} --install"


def test_what_is_not_there_is_left_out_by_name_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that is not installed, and one that does not run; older answers stay."""
    missing, broken = (replace(LIBRARIES["dualpy"], requirement=name) for name in ("no_such_package", "json"))
    monkeypatch.setitem(LIBRARIES, "dualpy", missing)
    monkeypatch.setitem(LIBRARIES, "advect", broken)
    monkeypatch.setattr(conventions.results, "PEERS", ["dualpy", "advect"])
    monkeypatch.setattr(conventions.results, "ask", refuse)
    results = stored()
    update(results, install=False)
    assert results == stored()
    for name in ("dualpy", "advect"):
        del results.versions[name]
    update(results, install=False)
    page = files(results)[ROOT / "docs" / "kinks.md"]
    assert "\n\nLeft out: dualpy (not installed); advect (does not run: no).\n\n" in page
    heads = [line for line in page.splitlines() if line.startswith("| function")]
    assert {*heads} == {"| function | at | minigrad | PyTorch | JAX | autograd | MyGrad | minigrad: why |"}


def refuse(name: str, python: str = "") -> NoReturn:
    raise Unavailable("does not run: no")


def test_points_are_stated_once() -> None:
    keys = [point.key for point in points()]
    assert len(keys) >= 60 and len({*keys}) == len(keys)


def test_minigrad_answers_every_point() -> None:
    assert [key for key, answer in own_answers().items() if text(answer) == NO_ANSWER] == []


@pytest.mark.parametrize("point", SECTIONS[SMOOTH], ids=lambda point: point.key)
def test_where_the_function_is_smooth_minigrad_gives_its_slope(point: Point) -> None:
    """The page calls it the derivative."""
    slopes = numeric_gradient(LIBRARIES["minigrad"].function(point), point.inputs[0])
    np.testing.assert_allclose(own_answers()[point.key][0], slopes.value, atol=1e-9)


@pytest.mark.parametrize("name", PEERS)
def test_a_library_that_is_installed_answers_as_stored(name: str) -> None:
    results = stored()
    library, recorded = LIBRARIES[name], results.versions.get(name)
    if not library.installed:
        pytest.skip(f"{name} is not installed")
    if library.version != recorded:
        pytest.skip(f"{name} {library.version} is installed, {recorded} was asked")
    _, answers = ask(name)
    different = {key: text(a) for key, a in answers.items() if text(a) != text(results.answers[key][name])}
    assert not different, REMEDY
