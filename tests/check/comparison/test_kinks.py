"""The op behind a kink: the one whose own derivative jumps. What only looks like a subgradient is wrong."""

from dataclasses import replace
from functools import partial
from unittest.mock import patch

import numpy as np
import pytest

import minigrad
from minigrad import gradient_report
from minigrad.engine.op import TABLE

KINKS = {
    "relu": (lambda x: minigrad.relu(x).sum() * 2, np.array([1.0, 0.0])),
    "relu6": (lambda x: minigrad.relu6(x).sum() * 2, np.array([6.0, 3.0])),
    "hard_tanh": (lambda x: np.sum(minigrad.hard_tanh(x * 2)), np.array([0.5, 0.1])),
    ">": (lambda x: np.sum(np.where(x > 1, 3 * x - 3, 0.0)), np.array([1.0, 2.0])),
    "clip": (lambda x: np.sum(np.clip(x, 0.0, 1.0) * 3), np.array([0.5, 1.0])),
    "branch": (lambda x: 2 * x if x > 0 else 3 * x, 0.0),
}


@pytest.mark.parametrize("name", KINKS)
def test_a_kink_is_accepted_and_its_op_named(name):
    f, x = KINKS[name]
    report = gradient_report(f, x)
    assert report.ok, report
    kinks = [finding.sentence for finding in report.findings if finding.kind == "kink"]
    assert kinks
    assert all(name in sentence for sentence in kinks), kinks


def test_a_subgradient_that_no_op_stands_for_is_wrong():
    """Between the slopes of the two sides, but the rule does not know of a kink: on one side it is wrong."""
    with patch.dict(TABLE, {minigrad.relu: replace(TABLE[minigrad.relu], vjps=(lambda g, y, x: g,))}):
        report = gradient_report(lambda x: minigrad.relu(x).sum(), np.array([1.0, 0.0]), modes="rev")
    assert report.verdict == "disagree"
    assert "relu at node 1" in report.culprit


def test_a_kink_met_along_random_directions_is_named_too():
    x = np.random.default_rng(0).normal(size=200)
    x[7] = 0.0
    report = gradient_report(lambda x: minigrad.relu(x).sum(), x)
    assert report.ok, report
    assert any("relu" in finding.sentence for finding in report.findings if finding.kind == "kink")


def test_a_gradient_that_somebody_gave_is_judged_by_slopes_alone():
    assert gradient_report(lambda x: abs(x), 0.0, grad=lambda x: 0.3).ok
    assert not gradient_report(lambda x: abs(x), 0.0, grad=lambda x: 1.3).ok


TIES = np.array([1.0, 2.0, 2.0, 2.0, 3.0])
WEIGHTS = np.array([3.0, 1.0, 4.0, 1.0, 5.0])


@pytest.mark.parametrize("modes", [("rev", "fwd"), "rev", "fwd"])
@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.sort, TIES),
        (np.median, TIES),
        (lambda x: np.sort(np.maximum(x, 0.0))[-2], np.array([3.0, 3.0, 3.0, 0.0, 0.0, -1.0])),
        (np.sort, np.round(np.random.default_rng(1).normal(size=120), 1)),
    ],
    ids=["sort", "median", "maximum, sorted", "120 entries"],
)
def test_of_three_that_are_equal_a_gradient_between_those_around_is_accepted(f, x, modes):
    """The slopes of the two sides do not bound it: the middle one goes to either end."""
    report = gradient_report(f, x, modes=modes)
    assert report.ok, report
    assert any("lies between those nearby" in finding.sentence for finding in report.findings), report


def permuted(x):
    return WEIGHTS[np.argsort(np.argsort(x, kind="stable"))]


@pytest.mark.parametrize(
    ("at_ties", "right"), [([3, 1, 4, 1, 5], True), ([3, 2, 2, 2, 5], True), ([3, 6, 4, 1, 5], False)]
)
def test_so_it_is_of_a_gradient_that_somebody_gave(at_ties, right):
    def gradient(x):
        return np.array(at_ties, dtype=float) if x[1] == x[2] else permuted(x)

    assert gradient_report(lambda x: np.sort(x) @ WEIGHTS, TIES, grad=gradient).ok is right


@pytest.mark.parametrize("factor", [2.0, -1.0, 1.001])
def test_a_rule_that_is_wrong_around_a_kink_is_wrong_at_it(factor):
    report = gradient_report(lambda x: np.sort(x) @ WEIGHTS, TIES, grad=lambda x: factor * permuted(x))
    assert report.verdict == "disagree", report


def test_a_smooth_gradient_that_goes_through_zero_has_no_kink_there():
    for given in (1e-6, -1e-9):
        report = gradient_report(lambda x: x * x, 0.0, grad=lambda x, given=given: 2 * x + given * (x == 0))
        assert report.verdict == "disagree", report


def test_where_the_modes_differ_at_a_kink_they_are_not_accepted():
    row = TABLE[np.sort]
    twice = partial(lambda rule, t, *args, **params: 2 * rule(t, *args, **params), row.jvps[0])
    with patch.dict(TABLE, {np.sort: replace(row, jvps=(twice,))}):
        assert gradient_report(np.sort, TIES).verdict == "disagree"


@pytest.mark.parametrize("spoilt", [None, ("v", 8, 1 + 1e-6), ("w", (2, 3), -1.0)])
def test_a_layer_of_relus_at_zero_is_neither_wrong_nor_a_place_to_hide(spoilt):
    """Biases of 0 and a row of zeros: along a direction, kinks of both signs need not bound the gradient."""
    rng = np.random.default_rng(5)
    data, target = rng.normal(size=(16, 5)), rng.normal(size=16)
    data[3] = 0.0
    point = {"w": rng.normal(size=(5, 30)), "b": np.zeros(30), "v": rng.normal(size=30)}

    def loss(p):
        return np.mean((np.maximum(data @ p["w"] + p["b"], 0) @ p["v"] - target) ** 2)

    def gradient(p):
        before = data @ p["w"] + p["b"]
        after = np.maximum(before, 0)
        error = 2 * (after @ p["v"] - target) / 16
        back = np.outer(error, p["v"]) * (before > 0)
        found = {"w": data.T @ back, "b": back.sum(0), "v": after.T @ error}
        if spoilt:
            name, index, factor = spoilt
            found[name][index] *= factor
        return found

    report = gradient_report(loss, point, grad=gradient)
    if spoilt is None:
        assert report.ok, report
    else:
        assert report.verdict == "disagree" and report.findings[0].path == f"p['{spoilt[0]}']", report
