"""check_graph: the first wrong rule of a graph is named; right graphs agree, whatever stands in them."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

import minigrad
from minigrad import Value, check_graph, draw, gradient_report
from minigrad.engine.op import TABLE
from minigrad.errors import ArgumentError

RNG = np.random.default_rng(0)
W, X = RNG.normal(size=(3, 4)), RNG.normal(size=(5, 3))


def planted(function, **rules):
    return patch.dict(TABLE, {function: replace(TABLE[function], **rules)})


def twice_tanh():
    return planted(np.tanh, vjps=(lambda g, y, x: 2 * g * (1 - y * y),))


def network(w, x):
    return np.sum(np.tanh(x @ w) ** 2)


def test_the_op_its_operand_and_its_node_are_named_with_the_line_under_debug():
    with twice_tanh(), minigrad.debug():
        y = network(Value(W, "w"), X)
    report = check_graph(y)
    assert (report.ok, report.verdict, report.op.label) == (False, "disagree", "tanh")
    assert report.node.op is report.op
    assert report.wrong == (report.node.serial,)
    text = str(report)
    assert "the rule of tanh is wrong" in text
    assert "tanh at node 2: its vjp for x" in text
    assert "x               Value (5, 4) float64   made by @" in text
    assert "np.sum(np.tanh(x @ w) ** 2)" in text
    assert "disagree" in report._repr_html_()
    worst = report.findings[0]
    assert worst.given == pytest.approx(2 * worst.reference)


def test_a_wrong_jvp_is_found_although_the_gradient_is_right():
    with planted(np.tanh, jvps=(lambda t, y, x: t * y,)):
        report = check_graph(network(Value(W), X))
    assert report.op.label == "tanh"
    assert "its jvp for x" in str(report)


def test_of_several_wrong_rules_the_first_in_serial_order_is_the_culprit_and_the_others_are_listed():
    with twice_tanh(), planted(np.sum, vjps=(lambda g, y, x, axis=None, keepdims=False: g * x,)):
        report = check_graph(network(Value(W), X))
    assert report.op.label == "tanh"
    assert len(report.wrong) == 2
    assert "also wrong      sum at node" in str(report)


def test_only_the_operand_that_is_wrong_is_named():
    with planted(np.multiply, vjps=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * b)):
        report = check_graph(np.multiply(Value([1.0, 2.0]), Value([3.0, 5.0])))
    assert {f.path for f in report.findings} == {"b"}


def test_a_rule_that_is_wrong_for_one_of_its_two_uses_is_found_at_that_use():
    def rule(g, y, x):
        return g * np.where(x > 0, 1 - y * y, 0.0)

    with planted(np.tanh, vjps=(rule,)):
        a, b = Value([0.5, 1.0]), Value([0.5, -1.0])
        report = check_graph(np.tanh(a).sum() + np.tanh(b).sum())
    assert report.node.inputs == (b,)


def ties(x):
    return np.sum(np.sort(minigrad.relu(x - 1.5)) * np.arange(x.shape[-1]))


GRAPHS = {
    "several outputs": lambda: np.linalg.eigh(Value(X.T @ X))[0].sum() + np.split(Value(X), 5)[3].sum(),
    "a variadic op": lambda: np.concatenate([Value(W), W[:1], Value(W[:2])]).sum(),
    "a residual": lambda: minigrad.cross_entropy(Value(X), np.array([0, 1, 2, 0, 1])),
    "an index that is a Value": lambda: np.sum(Value(X)[np.argsort(Value(X[:, 0]))] * X),
    "put": lambda: minigrad.put(Value(X), (slice(1, 3), 0), Value([1.0, 2.0])).sum(),
    "repeated operands": lambda: (lambda a: (a * a + a / a).sum())(Value(X)),
    "three equal numbers in sort": lambda: ties(Value(X)),
    "kinks met exactly": lambda: (abs(Value([0.0, 1.0])) + minigrad.relu(Value([0.0, -1.0]))).sum(),
    "float32": lambda: np.tanh(Value(X.astype(np.float32)) @ W.astype(np.float32)).sum(),
    "numbers alone": lambda: np.exp(Value(0.3) * 2.0) + 1,
    "no entries": lambda: np.tanh(Value(np.zeros((0, 3)))).sum(),
    "many entries": lambda: np.tanh(Value(RNG.normal(size=(40, 30))) @ Value(RNG.normal(size=(30, 20)))).sum(),
    "a checkpoint": lambda: minigrad.checkpoint(lambda x: np.tanh(x @ CLOSED).sum())(Value(X)),
}
CLOSED = Value(W)


@pytest.mark.parametrize("name", GRAPHS)
def test_a_right_graph_agrees(name):
    report = check_graph(GRAPHS[name]())
    assert report.ok, report
    assert report.checked == report.entries > 0
    assert (report.node, report.op, report.wrong) == (None, None, ())


def test_a_subgradient_outside_of_all_those_around_is_wrong_at_a_tie():
    with planted(np.sort, vjps=(lambda g, y, x, axis=-1, kind=None, stable=None: 5 + 0 * g,)):
        assert check_graph(ties(Value(X))).op.label == "sort"


def test_a_wrong_rule_inside_a_checkpoint_is_one_mistake_and_that_of_the_op():
    with twice_tanh():
        y = minigrad.checkpoint(lambda x: np.tanh(x @ CLOSED).sum())(Value(X)) * 2.0
        report = check_graph(y)
    assert (report.op.label, len(report.wrong)) == ("tanh", 1)
    assert "tanh inside the checkpoint at node" in str(report)
    assert report.node.op.label == "checkpoint"


def test_a_custom_op_is_named_like_any_other():
    cube = minigrad.custom(lambda x: x**3, name="cube", vjp=lambda g, y, x: 2 * g * x * x)
    try:
        assert check_graph(np.sin(cube(Value(0.5)))).op.label == "cube"
    finally:
        minigrad.forget(cube)


def test_a_rule_that_raises_is_told_and_not_raised():
    def rule(g, y, x):
        raise RuntimeError("no such rule")

    with planted(np.tanh, vjps=(rule,)):
        report = check_graph(np.tanh(Value(X)).sum())
    assert report.verdict == "disagree"
    assert "no such rule" in str(report)


def test_the_same_op_at_the_same_operands_is_looked_at_once():
    x = Value(X)
    one, many = check_graph(np.tanh(x)), check_graph([np.tanh(x) for _ in range(20)])
    assert many.evaluations == one.evaluations
    assert many.checked == 20


def test_parameters_tell_two_uses_apart():
    x, right = Value(X), TABLE[np.sum].vjps[0]

    def rule(g, y, x, axis=None, keepdims=False):
        return (1 if axis == 0 else 3) * right(g, y, x, axis, keepdims)

    with planted(np.sum, vjps=(rule,)):
        y = np.sum(x, axis=0).sum(axis=0) + np.sum(x, axis=1).sum(axis=0)
        assert check_graph(y).node.params == {"axis": 1}


def test_when_the_time_is_over_it_says_what_was_not_reached():
    report = check_graph(network(Value(W), X), seconds=0.0)
    assert (report.checked, report.entries) == (0, 4)
    assert "before 4 of 4 nodes" in str(report)
    assert not report.ok


def test_operands_that_changed_in_place_since_are_told():
    x = Value(X.copy())
    y = np.tanh(x).sum()
    x.data[0, 0] += 1
    assert {f.kind for f in check_graph(y).findings} == {"mutated"}


def test_a_constant_in_place_of_a_value_shows_at_second_order():
    with planted(np.tanh, vjps=(lambda g, y, x: g * (1 - y * getattr(y, "data", y)),)):
        y = np.tanh(Value([0.3, 0.5])).sum()
        assert check_graph(y).ok
        assert check_graph(y, order=2).op.label == "tanh"


def test_the_page_is_the_same_each_time():
    pages = set()
    for _ in range(2):
        with twice_tanh():
            pages.add(str(check_graph(network(Value(W), X))))
    assert len(pages) == 1


def test_what_is_no_value_is_refused():
    with pytest.raises(ArgumentError, match="takes a Value"):
        check_graph(np.ones(3))
    with pytest.raises(ArgumentError, match="order"):
        check_graph(Value(1.0), order=3)


def test_a_picture_marks_the_wrong_node_in_words_and_no_other():
    with twice_tanh():
        y = network(Value(W), X)
    source = draw(y, wrong=check_graph(y)).dot
    (marked,) = [line for line in source.splitlines() if line.startswith("  n") and "wrong rule" in line]
    assert "tanh" in marked
    assert "penwidth=3" in marked
    assert "wrong rule" not in draw(y).dot


def test_a_failed_check_of_own_gradients_names_the_culprit_and_its_line():
    with twice_tanh():
        report = gradient_report(network, (W, X))
    assert "tanh at node" in report.culprit
    assert "its vjp for x" in report.culprit
    assert "test_graph.py" in report.culprit
    assert report.culprit.splitlines()[0] in str(report)


def test_a_wrong_second_derivative_has_a_culprit_too():
    with planted(np.tanh, vjps=(lambda g, y, x: g * (1 - y * getattr(y, "data", y)),)):
        report = gradient_report(lambda x: np.tanh(x).sum(), np.array([0.3, 0.5]), order=2)
    assert "tanh at node 1: the derivative of its vjp" in report.culprit


def test_a_gradient_that_somebody_gave_has_no_culprit_op():
    assert gradient_report(np.tanh, 0.3, grad=lambda x: 1.0).culprit == ""


def test_a_wrong_op_of_several_outputs_is_named():
    right = TABLE[np.linalg.eigh].vjps[0]

    def rule(g, y, x, UPLO="L"):
        return 2 * right(g, y, x, UPLO)

    with planted(np.linalg.eigh, vjps=(rule,)):
        values, vectors = np.linalg.eigh(Value(X.T @ X))
        report = check_graph(values.sum() + vectors[0, 0])
    assert report.op.label == TABLE[np.linalg.eigh].label
    assert "2 outputs" in str(report)


def test_a_rule_that_raises_beside_its_kink_is_told_and_not_raised():
    def rule(g, y, x):
        if (x < 0).any():
            raise RuntimeError("negative")
        return g * 0.7

    with planted(minigrad.relu, vjps=(rule,)):
        assert check_graph(minigrad.relu(Value([0.0, 1.0]))).op.label == "relu"
