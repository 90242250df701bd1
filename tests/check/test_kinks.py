"""The witness of a kink: the op whose own derivative jumps. What only looks like a subgradient is wrong."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

import minigrad
from minigrad import gradient_report
from minigrad.op import TABLE

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
