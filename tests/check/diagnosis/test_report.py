"""The page of a report: three verdicts, errors that travel, and text that is escaped where it must be."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.check.diagnosis.kinds import KINDS, REMARKS, UNRESOLVED, WRONG
from minigrad.check.diagnosis.report import MOST_SHOWN, PAGE, Finding, GradientMismatch, GradientUnresolved, Report


def report(*kinds: str, **others: Any) -> Report:
    return Report("f", tuple(Finding(kind, "x") for kind in kinds), **others)


@pytest.mark.parametrize("kind", WRONG)
def test_anything_wrong_is_disagree_whatever_else_there_is(kind: str) -> None:
    found = report("kink", "noise", kind)
    assert found.verdict == "disagree" and not found.ok


@pytest.mark.parametrize("kind", UNRESOLVED)
def test_what_cannot_be_told_is_no_pass(kind: str) -> None:
    found = report("kink", kind)
    assert found.verdict == "unresolved" and not found.ok


def test_remarks_alone_are_a_pass() -> None:
    assert report(*REMARKS).ok and report().ok
    assert set(KINDS) == {*WRONG, *UNRESOLVED, *REMARKS}


def test_the_errors_are_what_a_user_would_catch() -> None:
    assert issubclass(GradientMismatch, AssertionError)
    assert issubclass(GradientUnresolved, ArithmeticError) and not issubclass(GradientUnresolved, AssertionError)


@pytest.mark.parametrize("error", [GradientMismatch, GradientUnresolved])
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_errors_travel_between_processes(error: Any, again: Any) -> None:
    found = Report("f", (Finding("sign", "x", (1, 2), 1.0, -1.0, 1e-12, "it is\nthe negative"),), 1e-9, 0.0, 7)
    twin = again(error(found))
    assert type(twin) is error and twin.report == found and str(twin) == str(error(found)) == f"\n{found}"


def test_html_is_escaped() -> None:
    def f(x: Any) -> Any:
        return np.sum(x**2)

    f.__name__ = "<script>alert('&')</script>"
    found = minigrad.gradient_report(f, np.array([1.0, -2.0]), grad=lambda x: -2 * x)
    html = found._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;alert(" in html and "&amp;" in html
    assert html.count("<") == 2 and 'aria-label="gradient check: disagree"' in html


def test_the_colour_tells_the_verdict_and_so_do_words() -> None:
    pages = {found.verdict: found._repr_html_() for found in (report(), report("sign"), report("noise"))}
    colours = {page.split("solid ")[1][:7] for page in pages.values()}
    assert len(colours) == 3 and all(verdict in page for verdict, page in pages.items())


def test_a_place_is_written_as_code_has_it() -> None:
    assert Finding("sign", "params['w'][0]", (2, 1)).place == "params['w'][0][2, 1]"
    assert Finding("sign", "x", ()).place == Finding("sign", "x").place == "x"


def test_as_many_digits_as_show_the_difference() -> None:
    (line, *_) = Finding("factor", "x", (), 1.0, 1.0 + 1e-9, 1e-13, "so").lines()
    given, reference = line.split("given")[1].split("reference")
    assert float(given) != float(reference.split("±")[0]) and "± 1e-13" in line


@pytest.mark.parametrize(("given", "reference"), [(np.nan, 1.0), (np.inf, 1.0), (0.0, 0.0), (1.0, np.nan)])
def test_what_is_not_finite_is_printed(given: float, reference: float) -> None:
    (line, *_) = Finding("nan", "x", (), given, reference, 1e-13, "so").lines()
    assert f"{given:.6g}" in line and f"{reference:.6g}" in line


def test_of_many_findings_the_first_are_shown_and_the_others_counted() -> None:
    found = Report("f", tuple(Finding("sign", f"x{k}") for k in range(MOST_SHOWN + 3)))
    page = str(found)
    assert "x0 and x1 and x2 and 8 more" in page and "and 3 more findings (report.findings)" in page
    assert sum(line.strip() == "sign" for line in page.splitlines()) == MOST_SHOWN


def test_nothing_compared_does_not_sound_like_a_pass() -> None:
    assert "there was nothing to compare" in str(report())
    assert "no error is ruled out, however large" in str(report("noise"))


def test_counts_are_in_words_that_fit() -> None:
    assert "1 argument, 1 entry " in str(report(arguments=1, entries=1))
    assert "2 arguments, 1,000 entries " in str(report(arguments=2, entries=1000))


def test_a_long_sentence_is_wrapped_beside_its_label_and_loses_no_word() -> None:
    sentence = "a term is missing, or one too many: given - reference is " + "0.25 × y + " * 30 + "1\nin 3 entries"
    lines = Finding("missing term", "x", sentence=sentence).lines()
    assert len(lines) > 4 and max(map(len, lines)) <= PAGE
    assert lines[0].startswith("  missing term    a term") and all(line.startswith(" " * 18) for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == "missing term " + " ".join(sentence.split())
    assert lines[-1].strip() == "in 3 entries"


def test_no_line_of_a_page_runs_over_where_a_softmax_is_wrong() -> None:
    def softmax(x: Any) -> Any:
        return np.exp(x) / np.exp(x).sum()

    found = minigrad.gradient_report(softmax, np.array([0.3, -0.2, 1.1]), vjp=lambda g, x: softmax(x) * g)
    assert max(map(len, str(found).splitlines())) <= PAGE, found
