"""At a kink, a check names the libraries whose convention the given gradient follows, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conventions.libraries import LIBRARIES, Answer
from conventions.points import Point, points
from conventions.results import own_answers, stored

from minigrad.check.comparison.convention_data import VERSIONS
from minigrad.check.diagnosis.report import Report
from minigrad.check.gradients import gradient_report

ANSWERS = {key: {"minigrad": own, **stored().answers[key]} for key, own in own_answers().items()}
LINE = re.compile(r"(.+): the slope of (\S+) counts as (.+?), as in (.+?)(?: \((.*)\))?")
NOBODY = "no library of docs/kinks.md"


def named(report: Report) -> Iterator[tuple[str, str, str, set[str]]]:
    """Places, op, slope and libraries of each line on conventions."""
    for finding in report.findings:
        for line in finding.sentence.split("\n"):
            if found := LINE.fullmatch(line):
                places, label, slope, libraries, _ = found.groups()
                names = set() if libraries == NOBODY else {name.split()[0] for name in libraries.split(", ")}
                yield places, label, slope, names


def libraries(report: Report) -> set[str]:
    """All libraries named, in a report with one line."""
    ((_, _, _, names),) = named(report)
    return names


# ----------------------------------------------------------------------------------------- each point of the page


def report_at(point: Point, answer: Answer) -> Report:
    """A check of an answer as if it were a gradient written by hand."""
    function, arrays = LIBRARIES["minigrad"].function(point), [np.asarray(g) for g in answer]
    f = (lambda x: function(x)) if point.y is None else (lambda x, y: function(x, y))
    with np.errstate(all="ignore"):
        return gradient_report(
            f, tuple(map(np.asarray, point.inputs)), grad=lambda *args: arrays[0] if len(args) == 1 else arrays
        )


def at_places(answer: Answer, places: str) -> list[float]:
    """The entries of an answer at places such as ``x[0], x[1]``."""
    found = []
    for name, index in re.findall(r"(\w+)(?:\[([\d, ]+)\])?", places):
        g = np.asarray(answer["xy".index(name)])
        found.append(float(g[tuple(map(int, index.split(", "))) if index else ()]))
    return found


def is_checked(point: Point, answer: Answer) -> bool:
    """Whether a check can say anything: numbers are given, at a finite point."""
    return isinstance(answer, list) and all(np.isfinite(x).all() for x in point.inputs)


@pytest.mark.parametrize("point", [*points()], ids=lambda point: point.key)
def test_who_is_named_at_a_point_answers_as_given_there(point: Point) -> None:
    """The answers of each library, given as a gradient."""
    answers = {name: answer for name, answer in ANSWERS[point.key].items() if is_checked(point, answer)}
    for answer in answers.values():
        for places, _, _, names in named(report_at(point, answer)):
            for other in names & answers.keys():
                np.testing.assert_equal(at_places(answers[other], places), at_places(answer, places))


@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.slow
def test_a_library_is_named_where_its_answers_are_given(name: str) -> None:
    """So that the test above has something to test."""
    given = [(point, ANSWERS[point.key][name]) for point in points()]
    known = {
        point.key
        for point, answer in given
        if is_checked(point, answer) and any(name in names for *_, names in named(report_at(point, answer)))
    }
    assert len(known) >= 10, known


# Answers that are no subgradient, though each entry lies between the slopes of its two sides.
OUTSIDE = {
    ("np.maximum(x, y) at 1, 1", "MyGrad"),
    ("np.minimum(x, y) at 1, 1", "MyGrad"),
    ("np.clip(x, y, 2.0) at 1, 1", "MyGrad"),
    ("np.linalg.norm(x, np.inf) at (1, -1)", "autograd"),
    ("np.linalg.norm(x, 2) at (1, 0; 0, 1)", "dualpy"),
}
# Wrong in a single entry.
WRONG = {
    ("leaky_relu(x, 0.01) at 0", "MyGrad"),
    ("np.minimum(x, x) at 1", "MyGrad"),
    ("np.maximum(x, x) at 1", "MyGrad"),
    ("np.linalg.det(x) at (1, 1; 1, 1)", "PyTorch"),
}


@pytest.mark.parametrize("point", [*points()], ids=lambda point: point.key)
def test_an_answer_is_accepted_or_said_to_be_no_subgradient(point: Point) -> None:
    """Of all finite answers at finite points of the page."""
    for name, answer in ANSWERS[point.key].items():
        if not is_checked(point, answer) or not all(np.isfinite(g).all() for g in map(np.asarray, answer)):
            continue
        report, outside = report_at(point, answer), (point.key, name) in OUTSIDE
        kinds = {finding.kind for finding in report.findings}
        assert (report.verdict == "disagree") is (outside or (point.key, name) in WRONG), report
        assert ("no subgradient" in kinds) is outside, report
        assert not outside or f"the same as in {name} " in str(report), report


# ------------------------------------------------------------------------------------------------- other functions

PyTorch, JAX, MyGrad = "PyTorch", "JAX", "MyGrad"


def first_wins(x: np.ndarray) -> np.ndarray:
    """The gradient of `shifted_max` as MyGrad has it."""
    return 2.0 * (np.arange(3) == np.argmax(x))


def shifted_max(x: np.ndarray) -> Any:
    """Two largest entries of three."""
    return np.max(2.0 * x - 1.0)


@pytest.mark.parametrize(
    ("f", "x", "grad", "expected"),
    [
        (lambda x: np.abs(x), 0.0, lambda x: 0.0, (PyTorch, MyGrad)),
        (lambda x: np.abs(x), 0.0, lambda x: 1.0, (JAX,)),
        (lambda x: np.exp(-np.abs(x - 2.0)), 2.0, lambda x: -1.0, (JAX,)),
        (lambda x: np.exp(-np.abs(2.0 - x)), 2.0, lambda x: 1.0, (JAX,)),  # |.| counts its argument, which falls
        (lambda x: 3.0 * np.maximum(x, 1.0), 1.0, lambda x: 1.5, (PyTorch, JAX)),
        (lambda x: 3.0 * np.maximum(x, 1.0), 1.0, lambda x: 0.0, (MyGrad,)),
        (lambda x: -np.clip(x, 0.0, 2.0), 2.0, lambda x: -1.0, (PyTorch,)),
        (lambda x: -np.clip(x, 0.0, 2.0), 2.0, lambda x: -0.5, (JAX,)),
        (lambda x: -np.clip(x, 0.0, 2.0), 2.0, lambda x: 0.0, (MyGrad,)),
        (lambda x: x * x + np.linalg.norm(np.stack([x, 1.0]), 1), 0.0, lambda x: 1.0, (JAX,)),
        (lambda x: np.sum(np.maximum(x, 0.0)), np.zeros(3), lambda x: np.full(3, 0.5), (PyTorch, JAX)),
    ],
)
def test_whose_convention_a_gradient_follows(f: Any, x: Any, grad: Any, expected: tuple[str, ...]) -> None:
    ((_, _, _, names),) = named(report := gradient_report(f, x, grad=grad))
    assert report.ok
    assert {PyTorch, JAX, MyGrad} & names == {*expected}


def test_at_a_tie_of_entries_the_place_of_each_counts() -> None:
    """MyGrad gives all to the first, so 0 to the second."""
    report = gradient_report(shifted_max, np.array([3.0, 1.0, 3.0]), grad=first_wins)
    found = {
        places: (label, slope, MyGrad in names, PyTorch in names) for places, label, slope, names in named(report)
    }
    assert found == {"x[0]": ("max", "1", True, False), "x[2]": ("max", "0", True, False)}
    last = gradient_report(shifted_max, np.array([3.0, 1.0, 3.0]), grad=lambda x: np.array([0.0, 0.0, 2.0]))
    assert [(slope, names) for _, _, slope, names in named(last)] == [("0", set()), ("1", set())]


@pytest.mark.parametrize("kind", ["vjp", "jvp", "jac"])
def test_each_kind_of_derivative(kind: str) -> None:
    x = np.array([0.0, -1.0, 0.0])
    J = np.diag([1.0, -1.0, 1.0])
    given = {"vjp": lambda g, x: J @ g, "jvp": lambda args, tangents: J @ tangents[0], "jac": lambda x: J}[kind]
    report = gradient_report(lambda x: np.abs(x), x, **{kind: given})
    assert [(places, slope) for places, _, slope, _ in named(report)] == [("x[0], x[2]", "1")]
    assert libraries(report) == {JAX}


def test_the_page_of_a_report_has_the_versions_and_what_the_others_do() -> None:
    page = " ".join(str(gradient_report(lambda x: np.abs(x), 0.0, grad=lambda x: 1.0)).split())
    assert f"x: the slope of abs counts as 1, as in JAX {VERSIONS[JAX]} (0 in minigrad, PyTorch, " in page


def test_where_nan_is_given_those_who_give_nan_are_named_too() -> None:
    """It is a mistake all the same."""
    report = gradient_report(lambda x: 3.0 * np.linalg.norm(x), np.zeros(2), grad=lambda x: np.full(2, np.nan))
    assert not report.ok
    assert [(places, label, slope) for places, label, slope, _ in named(report)] == [("x[0], x[1]", "norm", "nan")]
    assert {JAX, MyGrad} <= libraries(report) and not {"minigrad", PyTorch} & libraries(report)


@pytest.mark.parametrize(
    ("f", "x", "slope", "expected"),
    [
        (lambda x: np.arcsin(x), 1.0, 0.0, ("arcsin", "0", {MyGrad})),
        (lambda x: 2.0 - np.arccos(x * x), 1.0, 0.0, ("arccos", "0", {MyGrad})),
        (lambda x: np.sqrt(x), 0.0, 0.0, ("sqrt", "0", set())),
        (lambda x: np.sqrt(x), 0.0, np.inf, ("sqrt", "inf", {PyTorch, JAX, MyGrad})),
        (lambda x: np.arcsin(x), 1.0, np.inf, ("arcsin", "inf", {PyTorch, JAX})),
    ],
)
def test_who_gives_that_slope_where_it_is_infinite(
    f: Any, x: float, slope: float, expected: tuple[Any, ...]
) -> None:
    with np.errstate(all="ignore"):
        report = gradient_report(f, x, grad=lambda x: slope)
    text = " ".join(finding.sentence for finding in report.findings)
    ((label, found, names),) = re.findall(r"slope of (\S+) counts as (\S+), as in ([^()]*)", text)
    assert (label, found, {PyTorch, JAX, MyGrad} & {*re.findall(r"\w+", names)}) == expected


@pytest.mark.parametrize(("f", "slope"), [(np.sqrt, 1.0), (lambda x: np.sqrt(x) + np.cbrt(x), 0.0)])
def test_nobody_is_named_for_another_slope_or_for_two_ops(f: Any, slope: float) -> None:
    with np.errstate(all="ignore"):
        report = gradient_report(lambda x: f(x), 0.0, grad=lambda x: slope)
    assert "counts as" not in str(report)


def test_at_a_tie_of_a_sort_entries_keep_or_trade_their_places() -> None:
    x = np.array([2.0, 0.0, 1.0, 2.0])
    for given, first, names in (([3, 0, 0, 0], "smaller", {PyTorch, JAX}), ([0, 0, 0, 3], "larger", set())):
        report = gradient_report(lambda x: 3.0 * np.sort(x)[2], x, grad=lambda x, g=given: np.array(g, float))
        assert report.ok
        found = {places: (label, slope, {PyTorch, JAX} & who) for places, label, slope, who in named(report)}
        assert found["x[0]"] == ("sort", f"that of the {first} entry", names)
        assert found["x[3]"] == ("sort", f"that of the {'larger' if names else 'smaller'} entry", names)


LOST = re.compile(r"the slope of (\w+) counts as (\w+) where .*, as in (.*)")


def lost(f: Any, x: Any, grad: Any) -> list[tuple[str, str, str]]:
    """Op, slope and libraries of what is said of a wrong gradient."""
    report = gradient_report(f, x, grad=lambda *args: grad)
    assert not report.ok
    return LOST.findall("\n".join(finding.sentence for finding in report.findings))


SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
MYGRAD, PYTORCH, AUTOGRAD = (f"{name} {VERSIONS[name]}" for name in (MyGrad, PyTorch, "autograd"))


@pytest.mark.parametrize(
    ("f", "x", "grad", "expected"),
    [
        (lambda x: 3.0 * np.minimum(x, x), 1.0, 0.0, ("minimum", "0", MYGRAD)),
        (lambda x: np.maximum(x, (1.0 + x * x) / 2.0) + x, 1.0, 1.0, ("maximum", "0", MYGRAD)),
        (lambda x: np.exp(np.linalg.det(x)) + np.sum(x), SINGULAR, np.ones((2, 2)), ("det", "0", PYTORCH)),
        (lambda x: np.prod(x), np.array([0.0, 2.0]), np.array([np.nan, 0.0]), ("prod", "nan", AUTOGRAD)),
        (
            lambda x: np.sum(np.maximum(x, x * [1.0, 2.0])),  # one entry of two is a tie
            np.array([1.0, 1.0]),
            np.array([0.0, 2.0]),
            ("maximum", "0", MYGRAD),
        ),
    ],
)
def test_who_loses_a_slope_as_a_wrong_gradient_does(f: Any, x: Any, grad: Any, expected: tuple[str, ...]) -> None:
    assert lost(f, x, grad) == [expected]


@pytest.mark.parametrize(
    ("f", "x", "grad"),
    [
        (lambda x: 3.0 * np.minimum(x, x), 1.0, 1.0),  # wrong otherwise
        (lambda x: np.linalg.det(x), SINGULAR + np.eye(2), np.zeros((2, 2))),  # not singular
        (lambda x: np.linalg.det(x), SINGULAR, np.array([[0.0, -2.0], [-2.0, 0.0]])),  # half of it
        (lambda x: np.linalg.det(x) * 0.0 + np.sum(x), SINGULAR, np.zeros((2, 2))),  # det is not what is lost
        (lambda x: np.prod(x), np.array([1.0, 2.0]), np.array([np.nan, 1.0])),  # no zero
        (lambda x: np.prod(x), np.array([0.0, 2.0]), np.array([np.nan, 1.0])),  # the other entry is wrong, too
        (lambda x: float(x) ** 2, 1.0, 0.0),  # not recorded
    ],
)
def test_a_wrong_gradient_that_no_library_has_is_only_wrong(f: Any, x: Any, grad: Any) -> None:
    assert lost(f, x, grad) == []


def test_with_a_budget_the_function_is_not_recorded_too() -> None:
    assert [*named(gradient_report(lambda x: np.abs(x), 0.0, grad=lambda x: 1.0, evaluations=1000))] == []


def test_a_slope_that_no_library_has() -> None:
    report = gradient_report(lambda x: np.abs(x), 0.0, grad=lambda x: 0.3)
    assert report.ok and libraries(report) == set()


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: np.abs(x) + np.maximum(x, 0.0), 0.0, 0.5),  # two kinks: a share says nothing of either
        (lambda x: np.abs(x) + np.abs(-x), 0.0, 0.0),  # of one op, but one falls where the other grows
        (lambda x: np.abs(x) + np.sort(np.stack([x, 0.0]))[0], 0.0, 0.5),  # a second kink that only the slopes show
        (lambda x: np.maximum(x, -x), 0.0, 0.0),  # both operands move
        (lambda x: np.sum(np.maximum(x, np.zeros(2))), 0.0, 1.0),  # slopes 0 and 2: not that of one entry
        (lambda x: x + abs(float(x)), 0.0, 1.0),  # minigrad cannot record it
        (lambda x: x if x > 0 else 2.0 * x, 0.0, 1.0),  # a branch of the code
        (lambda x: x * x, 0.0, 0.0),  # no kink
    ],
)
def test_nothing_is_said_of_what_was_not_recorded(f: Any, x: Any, slope: float) -> None:
    report = gradient_report(f, x, grad=lambda x: slope)
    assert report.ok and [*named(report)] == []


def test_minigrads_own_derivatives_are_not_called_a_convention() -> None:
    assert [*named(gradient_report(lambda x: np.abs(x), 0.0))] == []
