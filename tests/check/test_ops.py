"""Every op of the table, checked by what a user checks his own with: `minigrad.check_op`."""

import inspect
import operator

import numpy as np
import pytest
from everyday import thinned

import minigrad
from minigrad import check_op
from minigrad.check.testing.op_calls import user_name
from minigrad.engine.op import TABLE
from minigrad.errors import ArgumentError

OPS = {user_name(op): op for op in TABLE.values()}
ODD = {"stop_gradient", "empty_like"}


@pytest.mark.parametrize("name", thinned([name for name in OPS if name not in ODD], 4))
def test_every_op_of_the_table_agrees_with_its_own_forward_function(name):
    report = check_op(OPS[name], examples=1)
    assert report.ok, report
    assert report.examples >= 1


def test_an_op_that_stops_gradients_is_told_from_one_whose_derivative_is_zero():
    report = check_op(minigrad.stop_gradient, examples=1)
    assert report.verdict == "disagree"
    assert {f.given for f in report.findings} == {0.0}


def test_an_op_that_gives_what_was_in_memory_is_unresolved_and_no_pass():
    assert check_op(np.empty_like, examples=3).verdict == "unresolved"


def test_calls_can_be_given_with_named_parameters_last_and_integers_count_as_floats():
    report = check_op(np.sum, examples=[([[1, 2, 3], [4, 5, 6]], {"axis": 0})])
    assert report.ok
    assert (report.examples, report.entries) == (1, 6)
    assert check_op(operator.getitem, examples=[(np.arange(4.0), {"index": slice(1, 3)})]).ok
    assert check_op(np.concatenate, examples=[([np.ones(2), np.ones(3)], {"axis": 0})]).entries == 5


def test_the_same_seed_gives_the_same_page():
    assert str(check_op(np.arctan2, examples=1)) == str(check_op(np.arctan2, examples=1))


def test_what_stands_not_in_the_table_is_refused_with_the_remedy():
    with pytest.raises(ArgumentError, match=r"dumps has no row[\s\S]*minigrad.custom"):
        import json

        check_op(json.dumps)
    with pytest.raises(ArgumentError, match="no row"):
        check_op(3.0)


def test_a_custom_op_is_checked_by_the_same_machinery():
    rule = {"right": lambda g, y, x: 3 * g * x * x, "wrong": lambda g, y, x: 2 * g * x * x}
    for word, verdict in (("right", "agree"), ("wrong", "disagree")):
        cube = minigrad.custom(lambda x: x**3, name="cube", vjp=rule[word])
        try:
            report = check_op(cube, examples=2)
            assert report.verdict == verdict
            assert "the op has no jvp" in str(report)
            assert (report.call is None) == (verdict == "agree")
        finally:
            minigrad.forget(cube)


def test_a_rule_that_changes_its_cotangent_in_place_is_caught():
    def rule(g, y, x):
        if isinstance(g, np.ndarray):
            g *= y
            return g
        return g * y

    grow = minigrad.custom(lambda x: np.exp(x), name="grow", vjp=rule, jvp=lambda t, y, x: t * y)
    try:
        report = check_op(grow, examples=[(np.array([0.5, -1.0]),)], order=1)
    finally:
        minigrad.forget(grow)
    assert [f.sentence for f in report.findings if f.kind == "mutated"] == ["a rule changed the cotangent in place"]


def test_a_rule_that_treats_its_cotangent_or_output_as_a_constant_is_caught_at_second_order():
    def plain(x):
        return x.data if isinstance(x, minigrad.Value) else x

    for rule in (lambda g, y, x: 2 * plain(g) * x, lambda g, y, x: 2 * g * plain(x)):
        square = minigrad.custom(lambda x: x * x, name="mine", vjp=rule, jvp=lambda t, y, x: 2 * t * x)
        try:
            assert check_op(square, examples=2, order=1).ok
            assert check_op(square, examples=2).verdict == "disagree"
        finally:
            minigrad.forget(square)


def test_a_jvp_that_goes_wrong_on_values_is_caught_at_second_order():
    def push(t, y, x):
        return t * y if isinstance(y, minigrad.Value) else t * y * 1

    def wrong(t, y, x):
        return t * y * (1 + 1e-6 * x) if isinstance(y, minigrad.Value) else t * y

    for jvp, ok in ((push, True), (wrong, False)):
        grow = minigrad.custom(lambda x: np.exp(x), name="grow", vjp=lambda g, y, x: g * y, jvp=jvp)
        try:
            assert check_op(grow, examples=2).ok is ok
        finally:
            minigrad.forget(grow)


def with_eps(x, w, *, eps):
    return x * w + eps


CUSTOM = {
    "broadcasts": (lambda x, w: x * w, (lambda g, y, x, w: g * w, lambda g, y, x, w: g * x)),
    "multiplies matrices": (
        lambda x, w: x @ w,
        (lambda g, y, x, w: g @ np.swapaxes(w, -1, -2), lambda g, y, x, w: np.swapaxes(x, -1, -2) @ g),
    ),
    "multiplies a vector": (
        lambda x, w: np.einsum("ij,j->i", x, w),
        (lambda g, y, x, w: np.einsum("i,j->ij", g, w), lambda g, y, x, w: np.einsum("ij,i->j", x, g)),
    ),
    "has a setting without a default": (
        with_eps,
        (lambda g, y, x, w, *, eps: g * w, lambda g, y, x, w, *, eps: g * x),
    ),
    "takes vectors": (
        lambda x, w: np.einsum("i,i->", x, w),
        (lambda g, y, x, w: g * w, lambda g, y, x, w: g * x),
    ),
}


@pytest.mark.parametrize("kind", CUSTOM)
def test_inputs_of_a_custom_op_are_drawn_in_shapes_that_fit_together(kind):
    forward, rules = CUSTOM[kind]
    for factor, verdict in ((1, "agree"), (2, "disagree")):

        def second(*args, factor=factor, **settings):
            return factor * rules[1](*args, **settings)

        second.__signature__ = inspect.signature(rules[1])
        found = minigrad.custom(forward, name="mine", vjp=(rules[0], second))
        try:
            report = check_op(found, examples=2)
        finally:
            minigrad.forget(found)
        assert report.verdict == verdict and (factor == 2 or report.examples >= 2), report


def test_an_op_that_takes_no_call_that_can_be_drawn_is_unresolved_and_says_how_to_give_one():
    table = minigrad.custom(lambda x, w: {}[x], name="mine", vjp=(lambda g, y, x, w: g, None))
    try:
        report = check_op(table)
    finally:
        minigrad.forget(table)
    assert report.verdict == "unresolved" and "examples=[(x, w, {...})]" in str(report), report
