"""The checker on the zoo: every mistake is caught and named, nothing right is called wrong, noise fools nobody."""

from __future__ import annotations

from typing import Any

import pytest
from check import zoo
from check.zoo.case import Case

import minigrad


def report_on(case: Case) -> Any:
    f, args, given = case.fresh()
    return minigrad.gradient_report(f, args, **given)


def named(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def kinds_found(report: Any) -> set[str]:
    return {finding.kind for finding in report.findings}


def names_the_kind(case: Case, report: Any) -> bool:
    return bool(case.kinds & kinds_found(report))


def names_the_place(case: Case, report: Any) -> bool:
    """One finding is about the argument, and about the entry where the case states one."""
    here = [finding for finding in report.findings if case.path in (None, finding.path)]
    return any(case.index is None or finding.index == case.index for finding in here)


@named(zoo.MISTAKES)
def test_a_mistake_is_caught_with_its_place_and_kind(case: Case) -> None:
    report = report_on(case)
    assert report.verdict == "disagree" and not report.ok, str(report)
    assert names_the_place(case, report), str(report)
    assert case.deep or names_the_kind(case, report), str(report)


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
    assert report.verdict in case.verdicts and names_the_kind(case, report), str(report)


def test_nine_in_ten_mistakes_get_their_name() -> None:
    """Those included that no look from outside can name."""
    missed = [case.name for case in zoo.MISTAKES if not names_the_kind(case, report_on(case))]
    assert len(missed) <= len(zoo.MISTAKES) / 10, missed
