"""explain: the right factors, aligned; the right reasons; every path is shown or counted as left out."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad
from minigrad import Value, explain, nn, ties
from minigrad.cli.commands import tour
from minigrad.errors import ArgumentError, IndexingError
from minigrad.symmetry.explanation_report import SHOWN
from minigrad.tracing import trace

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(4, 2)), RNG.normal(size=(4, 2))


def network(init: Any = "normal", sizes: tuple[int, ...] = (2, 3, 3, 2), activation: str = "tanh") -> Any:
    net = nn.MLP(sizes, activation, init=init, seed=1)
    J = nn.squared_error(net(X), Y)
    J.name = "J"
    return J, dict(net.named_parameters())


def paths_of(explanation: Any) -> list[Any]:
    return [pair for group in explanation.groups for pair in group.pairs]


def test_the_paths_add_up_to_the_gradient_and_so_do_both_sides_of_a_comparison() -> None:
    J, p = network()
    J.backward()
    for name, index in (("W1", (1, 2)), ("b1", (0,)), ("W2", (2, 1)), ("W3", (0, 1)), ("b3", (1,))):
        told = explain(J, (p[name], *index))
        assert told.total == (len(paths_of(told)),)
        total = sum(pair.first.product for pair in paths_of(told))
        assert total == pytest.approx(p[name].grad[index], rel=1e-12)
        assert told.gradients == (p[name].grad[index],)
        for pair in paths_of(told):
            assert np.prod([f.number for f in pair.first.factors]) == pytest.approx(pair.first.product, rel=1e-12)
    both = explain(J, (p["W1"], 0, 0), (p["W1"], 0, 1))
    sides = [sum(getattr(pair, side).product for pair in paths_of(both)) for side in ("first", "second")]
    assert sides == pytest.approx([p["W1"].grad[0, 0], p["W1"].grad[0, 1]], rel=1e-12)


def test_the_number_of_paths_is_counted() -> None:
    J, p = network()
    assert explain(J, (p["W1"], 0, 0)).total == (4 * 3 * 2,), "samples, second hidden layer, outputs"
    assert explain(J, (p["W3"], 0, 0)).total == (4,)


def test_twins_share_sample_and_everything_above() -> None:
    J, p = network()
    for pair in paths_of(explain(J, (p["W1"], 0, 0), (p["W1"], 0, 1))):
        uppers = [[(f.upper, f.lower) for f in side.factors[:3]] for side in (pair.first, pair.second)]
        assert uppers[0] == uppers[1]
        assert pair.differ == (3, 4)
        stops = [side.factors[3].lower for side in (pair.first, pair.second)]
        assert re.fullmatch(r"a1\[(\d),0\]", stops[0])[1] == re.fullmatch(r"a1\[(\d),1\]", stops[1])[1]  # type: ignore


def test_the_sentence_names_what_differs_in_an_array() -> None:
    J, p = network()
    told = explain(J, (p["W3"], 0, 0), (p["W3"], 1, 0))
    assert told.sentence == "dJ/dW3[0,0] ≠ dJ/dW3[1,0] because a2[:,0] ≠ a2[:,1]"
    between = explain(J, (p["W1"], 0, 0), (p["W1"], 0, 1)).sentence
    assert between == "dJ/dW1[0,0] ≠ dJ/dW1[0,1] because W2[0,:] ≠ W2[1,:] and a1[:,0] ≠ a1[:,1]"
    assert not told.equal and not told.proved


def test_tied_entries_are_proved_and_rows_of_different_inputs_are_not() -> None:
    J, p = network(0.5)
    same = explain(J, (p["W1"], 0, 2), (p["W1"], 0, 0))
    assert same.sentence == "dJ/dW1[0,2] and dJ/dW1[0,0] are equal and stay equal: all their factors match (proved)"
    assert same.equal and same.proved and "≠" not in str(same)
    other = explain(J, (p["W1"], 0, 2), (p["W1"], 1, 2))
    assert not other.equal and "because" in other.sentence


def test_equal_now_but_not_for_ever_is_said_to_be_so() -> None:
    a, b = Value(1.0, name="a"), Value(1.0, name="b")
    told = explain(a**2 + 2 * b, a, b)
    assert told.equal and not told.proved
    assert told.sentence == "dy/da and dy/db are equal now, but nothing keeps them equal"


def test_inner_values_are_compared_too() -> None:
    J, _ = network(0.5)
    inner = {v.name: v for v in context_graph(J) if v.name}
    told = explain(J, (inner["a1"], 0, 0), (inner["a1"], 0, 1))
    assert told.proved
    assert not explain(J, (inner["a1"], 0, 0), (inner["a1"], 1, 0)).equal


def context_graph(y: Value) -> Any:
    from minigrad.engine.value import graph

    return graph(y)


def test_a_gradient_of_zero_names_the_factors_that_are_zero() -> None:
    x, w, v = Value(2.0, name="x"), Value(0.0, name="w"), Value(3.0, name="v")
    h = (x * w).relu()
    h.name = "h"
    told = explain(h * v, w)
    assert told.sentence == "dy/dw = 0 because every path has a factor 0: [v3 > 0] x = 0"
    J, p = network(0.0)
    assert "W3[" in explain(J, (p["W1"], 0, 0)).sentence and "= 0" in explain(J, (p["W1"], 0, 0)).sentence
    assert "rounding" not in explain(J, (p["W1"], 0, 0), (p["W1"], 0, 1)).sentence


def test_a_value_used_twice_in_one_op_counts_for_both_places() -> None:
    a, b = Value(3.0, name="a"), Value(2.0, name="b")
    told = explain(a * a + a * b, a)
    assert sum(pair.first.product for pair in paths_of(told)) == 2 * 3 + 2
    squared = a * a
    squared.name = "s"
    (pair,) = paths_of(explain(squared, a))
    assert [(f.words, f.number) for f in pair.first.factors] == [("a + a", 6.0)]


def test_without_names_every_value_is_a_step() -> None:
    a = Value(0.5)
    (pair,) = paths_of(explain((a * 2.0).tanh().exp(), a))
    assert [f.lower for f in pair.first.factors] == ["v2", "v1", "v0"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda a, b: a / b, ["1 / b", "-a / b b"]),
        (lambda a, b: a**2 - b, ["2 a", "-1"]),
        (lambda a, b: a**3 * b, ["b 3 a^(3 - 1)", "v4"]),
        (lambda a, b: np.log(a) + np.sqrt(b), ["1 / a", "1 / 2 √(b)"]),
        (lambda a, b: a.tanh() * b.sigmoid(), ["σ(b) (1 - tanh(a)²)", "tanh(a) σ(b) (1 - σ(b))"]),
        (lambda a, b: np.sin(a) + b.softplus() + np.square(a), ["2 a + sin′(a)", "σ(b)"]),
        (lambda a, b: np.diagflat(a)[0, 0] - np.tril(b.reshape(1, 1)).sum(), ["1", "-1"]),
    ],
)
def test_factors_read_as_one_would_write_them(make: Any, words: list[str]) -> None:
    a, b = Value(2.0, name="a"), Value(3.0, name="b")
    y = make(a, b)
    y.name = "y"
    between = Value(1.0, name="c") * y  # with a named value above, the unnamed ones below are summed up
    told = [explain(between, x).groups[0].pairs[0].first.factors[-1].words for x in (a, b)]
    assert [re.sub(r"v\d+", "v4", text) for text in told] == words


def test_many_paths_are_grouped_and_the_rest_is_told() -> None:
    J, p = network(sizes=(2, 16, 16, 2))
    told = explain(J, (p["W1"], 0, 0), (p["W1"], 0, 1))
    assert told.total == (128, 128) and told.seen == 128
    text = str(told)
    assert "more paths like it, together" in text
    big, q = network(sizes=(2, 40, 40, 2))
    X_many = np.repeat(X, 4, axis=0)
    net = nn.MLP((2, 40, 40, 2), init="normal", seed=1)
    J = nn.squared_error(net(X_many), np.repeat(Y, 4, axis=0))
    told = explain(J, (dict(net.named_parameters())["W1"], 0, 0))
    assert told.total == (16 * 40 * 2,) and told.seen == 1000
    assert "left out: 280 smaller paths, together" in str(told)
    sizes = [abs(pair.first.product) for group in told.groups for pair in group.pairs]
    assert len(told.groups) > 1 or sizes == sorted(sizes, reverse=True)
    assert big is not J and q


def test_no_more_tables_than_can_be_read_and_html_says_the_same() -> None:
    J, p = network()
    told = explain(J, (p["W1"], 0, 0), (p["W1"], 1, 1))
    html = told._repr_html_()
    root = ElementTree.fromstring(f"<div>{html}</div>")
    assert root.findtext(".//strong") == told.sentence
    assert 1 <= len(root.findall("table")) <= SHOWN
    marked = [row for row in root.iter("tr") if row[-1].text == "≠"]
    assert marked and all(cell.tag == "th" for row in marked for cell in row)
    assert repr(told) == str(told)


def test_names_cannot_break_html() -> None:
    a = Value(1.0, name="<b>&")
    assert "<b>&" not in explain(a * a, a)._repr_html_()


def test_nothing_is_written_to_grad() -> None:
    J, p = network()
    explain(J, (p["W1"], 0, 0), (p["W1"], 0, 1))
    assert all(v.grad is None for v in context_graph(J))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda J, p: explain(3.0, p["W1"]), ArgumentError, "takes a Value or ties"),
        (lambda J, p: explain(J, p["W1"]), IndexingError, r"write  \(W1, 0, 0\)"),
        (lambda J, p: explain(J, (p["W1"], 0, 9)), IndexingError, "no entry"),
        (lambda J, p: explain(J, Value(1.0)), ArgumentError, "was not computed from"),
        (lambda J, p: explain(J, "W1"), ArgumentError, "entries of Values"),
    ],
)
def test_what_cannot_be_explained_is_refused(call: Any, error: type[Exception], words: str) -> None:
    J, p = network()
    with pytest.raises(error, match=words):
        call(J, p)


def test_a_graph_recorded_in_a_trace_is_explained_too() -> None:
    with trace():
        a, b = Value(2.0, name="a"), Value(2.0, name="b")
        y = (a.relu() + b.relu()).exp()
    assert explain(y, a, b).proved


@pytest.mark.parametrize("weights", [tour.DIFFERENT, tour.TIED, (0.7, -0.3, 0.2, 1.4, -0.6, 0.9)])
@pytest.mark.parametrize("weight", tour.WEIGHTS)
def test_every_factor_in_words_has_the_value_of_its_number(weights: Any, weight: str) -> None:
    J = tour.two_neurons(weights)
    values = {v.name: v.item() for v in context_graph(J) if v.name}
    (pair,) = paths_of(explain(J, tour.leaf(J, weight)))
    for factor in pair.first.factors:
        formula = re.sub(r"(\w) \(", r"\1 * (", factor.words)  # a1 (1 - a1)
        assert eval(formula, {}, values) == pytest.approx(factor.number, rel=1e-12), factor
    assert pair.first.product == pytest.approx(dict(tour.gradients(J))[tour.leaf(J, weight)], rel=1e-12)


def test_the_gradient_of_a_value_for_itself_is_a_path_without_factors() -> None:
    J, p = network()
    assert str(explain(J, J)).startswith("dJ/dJ = 1, 1 path\n")
    assert "paths lead to" in explain(J, J, (p["b1"], 0)).sentence and str(explain(J, (p["b1"], 0), J))


def test_what_no_proof_was_found_for_is_tried_before_it_is_said_that_nothing_keeps_it() -> None:
    """The determinant of a symmetric matrix: dy/dw0 = w1 and dy/dw1 = w0 stay equal, but the proof misses it."""
    w = Value(np.array([3.0, 3.0, 1.0]), name="w")
    y = np.linalg.det(np.stack([np.stack([w[0], 2 * w[2]]), np.stack([w[2], w[1]])]))
    told = explain(y, (w, 0), (w, 1))
    assert told.sentence.endswith("are equal now and at every point tried; no proof was found")
    assert told.equal and not told.proved


def test_masks_that_forgot_their_inputs_leave_it_open() -> None:
    u = Value(np.array([1.0, 1.0]), name="u")
    told = explain(u[0] * (u[1] > 0) + u[1] * (u[0] > 0), (u, 0), (u, 1))
    assert told.sentence.endswith("may not stay equal: the masks of this graph do not record their inputs")
    assert not told.proved


def test_opposite_gradients_are_said_to_be_so_with_what_is_known() -> None:
    a, b = Value(0.7, name="a"), Value(-0.7, name="b")
    told = explain((np.tanh(a) - np.tanh(b)) ** 2, a, b)
    assert told.sentence == "dy/da and dy/db are opposite now and stay so (proved)"
    assert (told.equal, told.opposite, told.proved) == (False, True, True)
    c, d = Value(1.0, name="c"), Value(1.0, name="d")
    told = explain(c**2 - 2 * d, c, d)
    assert told.sentence == "dy/dc and dy/dd are opposite now, but nothing keeps them opposite"
    assert (told.equal, told.opposite, told.proved) == (False, True, False)
    assert not explain(c**2 - 3 * d, c, d).opposite


def test_opposite_gradients_without_a_proof_are_tried() -> None:
    w = Value(np.array([3.0, -3.0, 1.0]), name="w")
    y = np.linalg.det(np.stack([np.stack([w[0], 2 * w[2]]), np.stack([w[2], w[1]])]))
    told = explain(y, (w, 0), (w, 1))
    assert told.sentence.endswith("are opposite now and at every point tried; no proof was found")
    u = Value(np.array([1.0, 1.0]), name="u")
    told = explain(u[0] * (u[1] > 0) - u[1] * (u[0] > 0), (u, 0), (u, 1))
    assert "are opposite now and may or may not stay opposite" in told.sentence


def test_equal_gradients_that_hang_on_signs_are_proved_without_a_word_on_factors() -> None:
    """The weights above two opposite neurons are equal under an even function; those below, by (-1) (-1) = 1."""
    p, q = Value(0.3, name="p"), Value(-0.3, name="q")
    v, w = Value(2.0, name="v"), Value(2.0, name="w")
    y = (v * p**2 + w * q**2 - 1) ** 2
    assert explain(y, v, w).sentence.startswith("dy/dv and dy/dw are equal and stay equal")
    assert explain(y, p, q).sentence == "dy/dp and dy/dq are opposite now and stay so (proved)"
    r, s = Value(-2.0, name="r"), Value(2.0, name="s")
    y = (np.sin(p) * r + np.sin(q) * s - 1) ** 2
    r.name = "r"
    assert explain(y, p, q).sentence == "dy/dp and dy/dq are opposite now and stay so (proved)"
    same = Value(0.3, name="t")
    told = explain((r * np.sin(p) - s * np.sin(same) - 1) ** 2, p, same)
    assert told.equal and told.proved and "all their factors match" not in told.sentence, "r is -s"


def test_a_gradient_that_is_only_rounding_is_said_to_be_0_because_its_paths_cancel() -> None:
    """A head of equal weights under softmax: the shares of the classes add up to 1, so nothing comes through."""
    net = nn.MLP((2, 3, 3), init=0.3)
    J = minigrad.cross_entropy(net(X), np.array([0, 1, 2, 0]))
    J.name = "J"
    p = dict(net.named_parameters())
    gradient, told = 0.0, explain(J, (p["W1"], 0, 0))
    if told.gradients != (gradient,):  # depends on the order in which a processor adds
        assert re.fullmatch(
            r"dJ/dW1\[0,0\] is 0 to rounding because the 12 paths cancel \(-?\d\S*e-\d+\)", told.sentence
        )
    both = explain(J, (p["W1"], 0, 0), (p["W1"], 0, 1))
    assert both.equal and both.proved


def test_what_counts_as_rounding() -> None:
    a = Value(1.0, name="a")
    for size, cancels in ((1e-15, True), (1e-13, False), (1e-3, False)):
        parts = [a * 0.25, a * (size - 0.25)]
        for name, part in zip("bc", parts, strict=True):
            part.name = name
        words = explain(parts[0] + parts[1], a).sentence
        assert ("is 0 to rounding because the 2 paths cancel" in words) == cancels, words
    assert explain(a * 0.25 - a * 0.25, a).sentence == "dy/da = 0: the 2 paths cancel"
    assert explain(a * 0.25 - a * 0.25 + 1.0, a).sentence == "dy/da = 0, here and at every point tried"
    assert explain(a * 1e-30, a).sentence == "dy/da = 1e-30, 1 path"


def test_one_path_whose_terms_cancel_and_two_gradients_of_rounding() -> None:
    a, b = Value(1.0, name="a"), Value(1.0, name="b")
    inner = a * 0.1 + a * 0.2 - a * 0.3
    inner.name = "c"
    assert explain(inner * 2.0, a).sentence.startswith("dy/da is 0 to rounding because its terms cancel (")
    for c in (0.3, 0.8):
        y = a * 0.1 + a * 0.2 - a * 0.3 + (b * c - b * 0.1 - b * (c - 0.1))
        told = explain(y, a, b)
        assert told.gradients[0] != told.gradients[1] and told.equal
        assert told.sentence.endswith("; both are 0 to rounding, because their paths cancel")


# By names of parameters.


def two_layers(p: Any, x: Any, y: Any) -> Any:
    return np.sum((np.tanh(x @ p["W"] + p["b"]) @ p["V"] - y) ** 2)


def start(last: float = 0.5) -> Any:
    return {"W": np.full((2, 3), 0.3), "b": np.zeros(3), "V": np.array([[0.5], [0.5], [last]])}


@pytest.mark.parametrize("for_all_data", [False, True])
def test_ties_are_explained_by_names_of_parameters(for_all_data: bool) -> None:
    found = ties(two_layers, start(), X, Y[:, :1], for_all_data=for_all_data)
    told = explain(found, ("W", 0, 0), ("W", 0, 2))
    scope = "for all data" if for_all_data else "for this data"
    words = f"dy/dW[0,0] and dy/dW[0,2] are equal and stay equal: all their factors match (proved {scope})"
    assert told.sentence == words and told.proved
    assert any("W[0,0]" in factor.lower for pair in paths_of(told) for factor in pair.first.factors)
    assert sum(pair.first.product for pair in paths_of(told)) == pytest.approx(told.gradients[0], rel=1e-12)
    assert explain(found, *found.groups[0][:2]).proved
    assert explain(found, (found.recording.params[1], 0), ("['b']", 1)).proved
    assert not explain(found, ("W", 0, 0), ("W", 1, 0)).proved


def test_what_is_equal_now_but_not_for_ever_is_not_proved_by_the_ties_of_its_loss() -> None:
    """Parameters that were taken for constants would make every gradient that is equal now stay so."""
    f = lambda p: p["u"] ** 2 + 2 * p["v"]  # noqa: E731
    found = ties(f, {"u": 1.0, "v": 5.0})
    told = explain(found, "u", "v")
    assert told.sentence == "dy/du and dy/dv are equal now, but nothing keeps them equal" and not told.proved
    leaves = {p.serial for p in found.recording.params}
    u, v = (node for node in context_graph(found.recording.y) if node.serial in leaves)
    with pytest.raises(ArgumentError, match=r"only ties knows whether[^\n]*\n  write  explain\(ties\("):
        explain(found.recording.y, u, v)
    assert explain(found.recording.y, u).gradients == (2.0,)


def test_any_data_are_drawn_anew_before_it_is_said_that_gradients_agree_at_every_point() -> None:
    """dy/dw0 = w1 + x0 and dy/dw1 = w0 + x1, through a determinant, which the proof does not know."""

    def f(w: Any, x: Any) -> Any:
        return np.linalg.det(np.stack([np.stack([w[0], 2 * w[2]]), np.stack([w[2], w[1]])])) + np.sum(w[:2] * x)

    w, x = np.array([3.0, 3.0, 1.0]), np.ones(2)
    for for_all_data, words in ((False, "and at every point tried"), (True, "nothing keeps them equal")):
        found = ties(f, w, x, for_all_data=for_all_data)
        told = explain(found, ("params", 0), ("params", 1))
        assert words in told.sentence and not told.proved


def test_random_numbers_stay_symbols_and_a_branch_on_them_is_refused() -> None:
    rng = np.random.default_rng(0)
    told = explain(ties(lambda p: np.sum(p) ** 2 * rng.random(), np.ones(2)), ("params", 0), ("params", 1))
    assert told.proved and told.sentence.endswith("(proved for this data, whatever is drawn)")
    found = ties(lambda p: np.sum(p) if rng.random() < 0.5 else np.sum(np.sin(p)), np.ones(2))
    with pytest.raises(ArgumentError, match="another program at each draw"):
        explain(found, ("params", 0))


def test_names_that_are_none_and_parameters_that_have_changed_are_refused() -> None:
    found = ties(two_layers, start(), X, Y[:, :1])
    with pytest.raises(ArgumentError, match=r"no parameter is called 'U'\n  the parameters: W, b, V"):
        explain(found, "U")
    with pytest.raises(IndexingError, match=r"write  \('W', 0, 0\)"):
        explain(found, "W")
    net = nn.MLP((2, 3, 1), init=0.3)
    found = ties(net, X, Y[:, :1])
    assert explain(found, ("W1", 0, 0), ("W1", 0, 1)).proved
    net.parameters()[0].data[0, 0] = 0.4
    with pytest.raises(ArgumentError, match=r"have changed since[^\n]*\n  write  explain\(ties"):
        explain(found, ("W1", 0, 0))
