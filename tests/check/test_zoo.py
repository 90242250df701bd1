"""The checker on the zoo: every mistake is caught and named, nothing right is called wrong, noise fools nobody."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from check import zoo
from check.proofs import close, parts
from check.zoo.case import Case
from everyday import thinned

import minigrad


def report_on(case: Case) -> Any:
    f, args, given = case.fresh()
    return minigrad.gradient_report(f, args, **given)


def named(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", thinned(cases, 6), ids=lambda case: case.name)


def kinds_found(report: Any) -> set[str]:
    return {finding.kind for finding in report.findings}


def names_the_kind(case: Case, report: Any) -> bool:
    return bool(case.kinds & kinds_found(report))


def names_the_place(case: Case, report: Any) -> bool:
    """One finding is about the argument, or a part of it, and about the entry where there is but one."""
    here = [finding for finding in report.findings if finding.path.startswith(case.path or "")]
    return any(case.index is None or finding.index == case.index for finding in here)


def wrong_entries(case: Case) -> set[tuple[int, ...]]:
    """Indices of the entries that differ from the truth, of the one argument in which there are any."""
    wrong = [(a, b) for a, b in parts(case) if not close(a, b, 1e-12)]
    assert len(wrong) == 1
    return {tuple(i) for i in np.argwhere(~np.isclose(*wrong[0], rtol=1e-8, atol=0)).tolist()}


@named(zoo.MISTAKES)
def test_a_mistake_is_caught_with_its_place_and_kind(case: Case) -> None:
    report = report_on(case)
    assert report.verdict == "disagree" and not report.ok, str(report)
    assert names_the_place(case, report), str(report)
    assert case.deep or names_the_kind(case, report), str(report)


@named([case for case in zoo.MISTAKES if case.kinds == {"entries"} and case.flavour != "jvp"])
def test_an_entry_that_is_said_to_be_wrong_is_wrong(case: Case) -> None:
    report = report_on(case)
    places = {tuple(map(int, finding.index)) for finding in report.findings if finding.index is not None}
    assert places and places <= wrong_entries(case), str(report)


@named(zoo.KINKS_WRONG)
def test_a_slope_outside_of_both_sides_of_a_kink_is_wrong(case: Case) -> None:
    report = report_on(case)
    assert report.verdict == "disagree" and report.findings, str(report)


@named(zoo.RIGHT)
def test_a_right_gradient_raises_no_alarm(case: Case) -> None:
    report = report_on(case)
    assert report.verdict in case.verdicts, str(report)


@named(zoo.NOISY)
def test_noise_makes_no_right_gradient_wrong_and_no_wrong_one_right(case: Case) -> None:
    report = report_on(case)
    assert report.verdict in case.verdicts, str(report)
    assert not case.kinds or names_the_kind(case, report), str(report)


@named(zoo.UNDECIDABLE)
def test_a_point_without_a_slope_is_unresolved_and_the_reason_is_said(case: Case) -> None:
    report = report_on(case)
    assert report.verdict in case.verdicts, str(report)
    assert not case.kinds or names_the_kind(case, report), str(report)


def test_nine_in_ten_mistakes_must_be_named() -> None:
    """All but those that no look from outside can name, and these are few: they must be caught all the same."""
    assert sum(case.deep for case in zoo.MISTAKES) <= len(zoo.MISTAKES) / 10
