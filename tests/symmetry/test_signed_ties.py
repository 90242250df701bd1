"""Opposite entries stay opposite: found by proof and probe, kept by every rule, and told by every consumer."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symmetric_networks import ACTIVATIONS, point, spread

import minigrad as mg
from minigrad import Value, nn
from minigrad.cli.commands.ties import groups
from minigrad.nn.optim import SGD, Adam, Optimiser
from minigrad.symmetry import Ties, proof, ties
from minigrad.symmetry.modular import sign_of, times
from minigrad.symmetry.proof import keep_numbers
from minigrad.symmetry.residues import PRIMES

METHODS = pytest.mark.parametrize("method", ["prove", "probe"])
RNG = np.random.default_rng(11)
X, Y = RNG.normal(size=(5, 2)), RNG.normal(size=(5, 1))
W, V = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 1))


def two_layers(activation: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda p, x, y: np.mean((activation(x @ p["W"]) @ p["V"] - y) ** 2)


def pairs(found: Ties) -> set[tuple[int, int]]:
    """Entries whose groups are opposite, by number."""
    numbers, opposite = found.numbers.tolist(), found.opposite
    return {(i, j) for i, a in enumerate(numbers) for j, b in enumerate(numbers) if i < j and opposite[a] == b}


MIRRORED = {"W": np.c_[W, -W], "V": np.r_[V, -V]}
PAIRS = {(0, 3), (1, 4), (2, 5), (6, 9), (7, 10), (8, 11), (12, 15), (13, 16), (14, 17)}


@METHODS
@pytest.mark.parametrize("name", ["tanh", "sin", "erf", "softsign", "hard_tanh", "linear"])
def test_mirrored_neurons_of_an_odd_activation_stay_opposite(name: str, method: str) -> None:
    found = ties(two_layers(ACTIVATIONS[name]), MIRRORED, X, Y, method=method)
    assert pairs(found) == PAIRS
    assert (found.independent, found.independent_up_to_sign) == (18, 9)
    doubt = " (probed, not proved)" if method == "probe" else ""
    assert found.summary() == f"18 parameters move as 18, 9 up to sign{doubt}"
    assert set(found.opposite_evidence) == {"probed" if method == "probe" else "proved"}


@METHODS
@pytest.mark.parametrize("name", ["relu", "sigmoid", "softplus", "elu", "gelu", "softmax"])
def test_mirrored_neurons_of_any_other_activation_do_not(name: str, method: str) -> None:
    found = ties(two_layers(ACTIVATIONS[name]), MIRRORED, X, Y, method=method)
    assert not pairs(found) and found.independent_up_to_sign == found.independent == 18
    assert found.summary() == "18 parameters move as 18" and set(found.opposite_evidence) == {"single"}


@METHODS
@pytest.mark.parametrize("activation", [np.square, np.cos, np.abs])
def test_mirrored_neurons_of_an_even_activation_have_equal_weights_above(activation: Any, method: str) -> None:
    """Only with signs: the weights above are equal as long as the neurons are opposite."""
    start = {"W": np.array([[1.0, -1.0], [2.0, -2.0]]), "V": np.full((2, 1), 0.5)}
    found = ties(two_layers(activation), start, X, Y, method=method)
    assert found.labels["V"].ravel().tolist() == [4, 4] and pairs(found) == {(0, 1), (2, 3)}
    assert (found.independent, found.independent_up_to_sign) == (5, 3)


@METHODS
def test_zeros_take_their_sign_from_the_gradient(method: str) -> None:
    zero = {**MIRRORED, "V": np.zeros((6, 1))}
    found = ties(two_layers(np.tanh), zero, X, Y, method=method)
    assert pairs(found) == PAIRS
    both = ties(lambda p: p[0] - p[1] + p[2] * p[3] + (p[0] * p[1]) ** 2, [0.0, -0.0, 0.0, 0.0], method=method)
    still = both.zero_everywhere if method == "probe" else both.never_moves
    assert pairs(both) == {(0, 1)} and still.tolist() == [False, False, True, True]


@METHODS
def test_two_classes_of_a_softmax_from_zero_are_opposite(method: str) -> None:
    def f(w: Any, x: Any, c: Any) -> Any:
        return mg.cross_entropy(x @ w, c)

    assert pairs(ties(f, np.zeros((2, 2)), X, np.array([0, 1, 1, 0, 1]), method=method)) == {(0, 1), (2, 3)}
    assert not pairs(ties(f, np.zeros((2, 3)), X, np.array([0, 1, 2, 0, 1]), method=method))


@METHODS
def test_two_sigmoids_for_two_classes_from_zero_are_opposite(method: str) -> None:
    """σ(-z) = 1 - σ(z), and the targets of one class are 1 minus those of the other."""

    def f(w: Any, x: Any, t: Any) -> Any:
        return np.mean((mg.sigmoid(x @ w) - t) ** 2)

    t = np.eye(2)[[0, 1, 1, 0, 1]]
    assert pairs(ties(f, np.zeros((2, 2)), X, t, method=method)) == {(0, 1), (2, 3)}
    assert not pairs(ties(f, np.zeros((2, 2)), X, t * [1.0, 0.5], method=method))


@METHODS
@pytest.mark.parametrize(
    "f",
    [
        lambda w: 1 / w,
        lambda w: w / (1 + w**2),
        lambda w: w**3 - 2 * w,
        lambda w: np.exp(w) - np.exp(-w),
        lambda w: 1 / (w + 1 / w),
        lambda w: np.arctan2(w, 2.0),
        lambda w: np.linalg.norm(w) * np.sinh(w),
    ],
)
def test_odd_formulas_of_opposite_numbers(f: Any, method: str) -> None:
    found = ties(lambda w: (np.sum(f(w) * np.array([1.0, -1.0])) - 1) ** 2, np.array([0.5, -0.5]), method=method)
    assert pairs(found) == {(0, 1)}


@METHODS
def test_numbers_and_a_graph_of_numbers(method: str) -> None:
    found = ties(lambda p: (np.tanh(p[0]) - np.tanh(p[1])) ** 2 + p[2], [0.5, -0.5, 0.5], method=method)
    assert pairs(found) == {(0, 1)}
    a, b = Value(0.5), Value(-0.5)
    assert pairs(ties((np.sin(a) + np.sin(b)).exp(), method=method)) == set()
    assert pairs(ties((np.sin(a) * np.sin(b)).exp(), method=method)) == {(0, 1)}


INIT: dict[str, Any] = {"W1": np.c_[W, -W], "b1": [0.1, 0.2, 0.0, -0.1, -0.2, 0.0], "W2": np.r_[V, -V], "b2": 0.3}


@METHODS
@pytest.mark.parametrize("per_neuron", [False, True])
@pytest.mark.parametrize("for_all_data", [False, True])
def test_a_network_of_nn(method: str, per_neuron: bool, for_all_data: bool) -> None:
    net = nn.MLP((2, 6, 1), "tanh", init=INIT, per_neuron=per_neuron)
    found = ties(net, X, Y, method=method, for_all_data=for_all_data)
    assert (found.independent, found.independent_up_to_sign, found.width) == (25, 13, (6,))
    words = "25 parameters move as 25, 13 up to sign · hidden layer of 6 acts as 6"
    assert found.summary().startswith(words)


def test_signs_pass_through_several_layers_and_an_unknown_op() -> None:
    def det(v: Any, s: Any) -> Any:
        return np.linalg.det(np.stack([np.stack([v[0], s]), np.stack([2 * s, v[1]])]))

    def f(p: Any, x: Any, y: Any) -> Any:
        h = np.tanh(np.tanh(x @ p["W"]) @ p["U"])
        return np.mean((h @ p["V"] - y) ** 2) + det(p["V"][:, 0], p["s"])

    signs = np.array([1.0, -1.0])
    start = {"W": W[:, :1] * signs, "U": 0.7 * signs[:, None] * signs, "V": 0.4 * signs[:, None], "s": 3.0}
    proved, seen = (ties(f, start, X, Y, method=method) for method in ("prove", "probe"))
    assert pairs(seen) == {(0, 1), (2, 3), (4, 5), (4, 6), (5, 7), (6, 7), (8, 9)}
    joined = ties(f, start, X, Y)
    assert pairs(proved) < pairs(seen) == pairs(joined)
    assert set(joined.opposite_evidence) == {"proved", "probed", "single"} and "partly probed" in joined.summary()


# What the rules do.


@st.composite
def mirrored_networks(draw: Any) -> tuple[Callable[..., Any], list[Any]]:
    """A network whose hidden neurons come in pairs with opposite or equal weights.

    No activation has a kink: sums of opposite terms are 0 but for rounding, which would decide at a kink.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    widths = [draw(st.integers(1, 3)), *(2 * draw(st.integers(1, 3)) for _ in range(draw(st.integers(1, 2)))), 1]
    names = [draw(st.sampled_from(["tanh", "sin", "square", "cos", "sigmoid", "gelu"])) for _ in widths[2:]]
    params = []
    for k, (m, n) in enumerate(pairwise(widths)):
        rows, columns = (
            np.arange(size) // 2 if 0 < at < len(widths) - 1 else np.arange(size)
            for at, size in ((k, m), (k + 1, n))
        )
        signs = [np.where(np.arange(size) % 2, draw(st.sampled_from([1.0, -1.0])), 1.0) for size in (m, n)]
        base = rng.normal(size=(m, n)) * draw(st.sampled_from([0.0, 1.0, 1.0]))
        params.append(base[rows][:, columns] * signs[0][:, None] * signs[1])

    def f(p: Any, x: Any, y: Any) -> Any:
        for w, name in zip(p[:-1], names, strict=True):
            x = {"cos": np.cos, **ACTIVATIONS}[name](x @ w)
        return np.mean((x @ p[-1] - y) ** 2)

    return f, params


RULES: list[Callable[[Any], Optimiser]] = [
    lambda w: SGD([w], lr=0.02),
    lambda w: SGD([w], lr=0.01, momentum=0.9),
    lambda w: Adam([w], lr=0.01),
    lambda w: SGD([w], lr=0.02, weight_decay=0.1),
]


@METHODS
@given(case=mirrored_networks(), seed=st.integers(0, 2**16))
@settings(max_examples=40, deadline=None)
def test_real_steps_of_every_rule_keep_every_signed_tie(method: str, case: Any, seed: int) -> None:
    """Gradients that are only rounding count as 0: Adam would make steps out of them."""
    f, params = case
    x, y = np.random.default_rng(seed).normal(size=(2, 4, len(params[0])))
    found = ties(f, params, x, y[:, :1], method=method)
    for size in (1.0, 0.1):
        g = found.recording.gradient(point(found, np.random.default_rng(seed), size))
        assert spread(g, found) < 1e-8 or np.abs(g).max() < 1e-9
    for rule in RULES:
        w = Value(found.recording.values.copy())
        optimiser = rule(w)
        for _ in range(8):
            g = found.recording.gradient(w.data)
            g /= max(1.0, np.abs(g).max())
            w.grad = np.where(np.abs(g) < 1e-11, 0.0, g)
            optimiser.step()
        assert spread(w.data, found, least=1.0) < 1e-9


def test_a_proof_that_forgets_signs_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plants a proof that compares gradients up to a sign of their own, whatever the sign of the value."""
    assert not pairs(ties(two_layers(np.square), MIRRORED, X, Y))
    compare = proof.number_rows
    monkeypatch.setattr(proof, "number_rows", lambda x, *more: compare(times(x, sign_of(x)), *more))
    wrong = ties(two_layers(np.square), MIRRORED, X, Y)
    assert pairs(wrong) == PAIRS
    assert spread(wrong.recording.gradient(point(wrong, np.random.default_rng(0))), wrong) > 0.01


# The parts of the refinement.


def test_the_sign_of_residues_is_that_of_the_first_that_is_not_zero() -> None:
    p = PRIMES
    x = np.array(
        [[0, 0, 5, p[0] - 5, 0], [0, 7, p[1] - 1, 1, 0], [0, p[2] - 1, 1, p[2] - 1, 0], [0, 2, 2, 2, p[3] - 1]]
    )
    assert sign_of(x).tolist() == [0, 1, 1, -1, -1]
    assert sign_of(times(x, -1)).tolist() == [0, -1, -1, 1, 1]


def test_the_largest_part_of_a_class_keeps_its_number() -> None:
    classes = np.array([0, 0, 0, 1, 1, 2, 0, 0])
    parts = np.array([0, 1, 1, 2, 3, 4, 5, 1])
    assert keep_numbers(classes, parts).tolist() == [3, 0, 0, 1, 5, 2, 4, 0]
    assert keep_numbers(classes[:0], parts[:0]).tolist() == []


def test_classes_are_never_finer_than_without_signs() -> None:
    """Equal numbers that stay equal are found as before, and their opposites too."""
    x, y = np.ones((3, 2)), np.ones((3, 1))
    for sign in (1.0, -1.0):
        found = ties(nn.MLP((2, 4, 1), "tanh", init={"W1": 0.5 * sign, "b1": 0.0, "W2": 0.5, "b2": 0.0}), x, y)
        assert found.width == (1,)


# Consumers.


def test_no_remedy_that_keeps_ties_breaks_what_hangs_on_signs() -> None:
    """Without signs in its means, training would part W and -W by a rounding, and with them V[0] and V[1]."""
    start = {"W": np.array([[0.1, -0.1], [0.3, -0.3]]), "V": np.full((2, 1), 0.7)}
    tried = ties(two_layers(np.square), start, X, Y).remedies()
    for name in ("more steps", "another rate", "momentum", "Adam", "weight decay"):
        assert not tried[name].works, name
    assert tried["random start"].splits and tried["noise"].splits


def test_the_command_says_which_groups_are_opposite() -> None:
    net = nn.MLP((1, 2, 1), "tanh", init={"W1": [[1.0, -1.0]], "b1": 0.0, "W2": [[2.0], [-2.0]], "b2": 0.5})
    lines = groups(ties(net, np.ones((2, 1)), np.ones((2, 1))))
    assert lines[0] == "    1     1 ×  W1[0,0]  (always minus group 2)"
    assert [re.sub(r".*minus group (\d).*|.*", r"\1", line) for line in lines] == ["2", "1", "4", "3", "6", "5", ""]
