"""Every op of the table as a formula: entries with equal residues have equal numbers, wherever the inputs move."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, custom, forget, layer_norm, log_softmax, nn
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.node import lift_inputs, record
from minigrad.engine.op import TABLE, Op
from minigrad.engine.tree import leaves
from minigrad.engine.value import argument
from minigrad.errors import DTypeError
from minigrad.symmetry import semantics, ties
from minigrad.symmetry.classes import number_rows
from minigrad.symmetry.fingerprints import Formulas
from minigrad.symmetry.modular import LANES, Fingerprint, symbols
from minigrad.symmetry.residues import modulo
from minigrad.tracing import trace

OPS = {f"{op.page}-{op.function.__name__}": op for op in TABLE.values()}
EXAMPLES, DRAWS = 10, 4
REFUSED = (DTypeError, ValueError, np.linalg.LinAlgError, IndexError)  # raised for numbers that an op refuses


class Call:
    """A call of an op with tied float inputs: few classes of entries, of which the first may be zero."""

    def __init__(self, op: Op, example: Any, rng: np.random.Generator, zero: bool) -> None:
        self.op, self.params, self.rng, self.zero = op, example.params, rng, zero
        self.inputs = [np.asarray(x) for x in example.inputs]
        self.kinds = [
            rng.integers(0, max(1, x.size // 2) + 1, x.shape) if x.dtype.kind == "f" and x.size else None
            for x in self.inputs
        ]

    def made(self) -> tuple[list[Any], list[Value]]:
        """The call with other numbers from the op's domain (or 0), constant on the classes."""
        xs = []
        for x, kinds in zip(self.inputs, self.kinds, strict=True):
            if kinds is None:
                xs.append(x)
                continue
            numbers = self.rng.choice(np.ravel(x), int(kinds.max()) + 1) * self.rng.uniform(0.9, 1.0)
            if self.zero:
                numbers[:1] = 0.0  # which may have been nan
            xs.append(argument(numbers[kinds]))
        with trace(), np.errstate(all="ignore"):
            result = record(Value, self.op, *lift_inputs(tuple(xs), self.params))
        return xs, [v for v in leaves(result) if isinstance(v, Value)]

    def groups(self) -> Any:
        """The group numbers of output entries; entries with equal residues form a group."""
        xs, outputs = self.made()
        given = {}
        for place, (x, kinds) in enumerate(zip(xs, self.kinds, strict=True)):
            if kinds is not None:
                residues = symbols(int(kinds.max()) + 1, "test", place)[:, np.ravel(kinds)]
                residues[:, (np.ravel(kinds) == 0) & self.zero] = 0
                given[x.serial] = Fingerprint(residues.reshape(LANES, *kinds.shape), 1.0, 1.0)
        prints = Formulas(outputs, [x for x in xs if isinstance(x, Value)]).read(given)
        assert [p.shape for p in prints] == [np.shape(v._array) for v in outputs]
        x = np.concatenate([p.x.reshape(LANES, -1) for p in prints], axis=1)
        return number_rows(x, np.zeros(x.shape[1], dtype=np.int64))[0]

    def numbers(self) -> Any:
        return np.concatenate([np.ravel(v._array).astype(float) for v in self.made()[1]])


def check(op: Op) -> int:
    """Compare numbers and formulas. Returns how many pairs were equal as formulas."""
    rng, pairs = np.random.default_rng(0), 0
    for number, example in enumerate(random_calls(op, EXAMPLES)):
        call = Call(op, example, rng, zero=bool(number % 2))
        try:
            groups = call.groups()
            drawn = [call.numbers() for _ in range(DRAWS)]
        except REFUSED:
            continue
        for numbers in drawn:
            for k in range(int(groups.max(initial=-1)) + 1):
                members = numbers[groups == k]
                members = members[np.isfinite(members)]
                pairs += max(len(members) - 1, 0)
                if len(members):
                    assert np.ptp(members) <= 1e-9 * max(1.0, np.abs(members).max()), (op.label, members)
    return pairs


@pytest.mark.parametrize("name", OPS)
def test_equal_residues_are_equal_numbers_everywhere(name: str) -> None:
    if OPS[name].function is not np.nonzero:  # the number of its outputs depends on the data
        check(OPS[name])


def test_the_comparison_is_not_empty() -> None:
    assert sum(check(OPS[name]) for name in ("arithmetic-add", "linalg-matmul", "activations-softmax")) > 100


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"moves": True, "elementwise": False}, "elementwise-exp2"),
        ({"bilinear": True, "sums": True}, "elementwise-arctan2"),
        ({"elementwise": True, "symmetric": False}, "reductions-nansum"),
    ],
)
def test_an_op_with_a_wrong_property_is_caught(properties: Any, name: str) -> None:
    with np.errstate(all="ignore"), pytest.raises((AssertionError, TypeError)):
        check(replace(OPS[name], **properties))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda a, b, c: (a + b) + c, lambda a, b, c: a + (c + b)),
        (lambda a, b, c: a * (b + c), lambda a, b, c: c * a + b * a),
        (lambda a, b, c: a * a, lambda a, b, c: a**2),
        (lambda a, b, c: -(a - b), lambda a, b, c: b - a),
        (lambda a, b, c: by_hand(np.stack([a, b, c]))[0], lambda a, b, c: softmax_of(a, b, c)),
        (lambda a, b, c: (a + b + c) / 3, lambda a, b, c: np.mean(np.stack([c, b, a]))),
    ],
)
def test_one_formula_written_in_two_ways_is_recognised(one: Any, other: Any) -> None:
    xs = [argument(np.float64(k + 1.5)) for k in range(3)]
    with trace():
        outputs = [one(*xs), other(*xs), one(*xs) + xs[0]]
    given = {x.serial: Fingerprint(symbols(1, "test", k)[:, 0], 1.0, 1.0) for k, x in enumerate(xs)}
    first, second, third = (p.x for p in Formulas(outputs, xs).read(given))
    assert (first == second).all()
    assert (first != third).any()


def by_hand(x: Value) -> Value:
    e = np.exp(x - np.max(x, keepdims=True))
    return e / np.sum(e, keepdims=True)


def softmax_of(a: Value, b: Value, c: Value) -> Value:
    return np.stack([c, a, b]).softmax()[1]


def test_a_sum_of_so_many_terms_that_its_residue_would_be_zero_is_not_taken_for_zero() -> None:
    """2^31 x and x have the same residue modulo 2^31 - 1: doubling 31 times must not tie x to itself."""

    def f(w: Any) -> Any:
        doubled = w[0]
        for _ in range(31):
            doubled = doubled + doubled
        return np.sin(doubled) + np.sin(w[1])

    assert len(ties(f, np.ones(2)).groups) == 2


def test_a_power_so_high_that_its_residue_would_be_a_low_one_is_not_taken_for_it() -> None:
    """x^(2^31) and x² have the same residue (Fermat): squaring 31 times must not tie them."""

    def f(w: Any) -> Any:
        squared = w[0]
        for _ in range(31):
            squared = squared * squared
        return np.sin(squared) + np.sin(w[1] * w[1])

    assert len(ties(f, np.ones(2)).groups) == 2


@pytest.mark.parametrize("halvings", [1, 5, 10, 11, 15, 20, 30])
def test_a_fraction_whose_residue_is_that_of_a_whole_number_is_not_taken_for_it(halvings: int) -> None:
    """x / 2^k and 2^(31 - k) x have the same residue modulo 2^31 - 1."""

    def f(w: Any) -> Any:
        halved, doubled = w[0], w[1]
        for _ in range(halvings):
            halved = halved / 2
        for _ in range(31 - halvings):
            doubled = doubled + doubled
        return np.sin(halved) + np.sin(doubled)

    assert len(ties(f, np.ones(2), method="prove").groups) == 2


N = 5


@pytest.mark.parametrize(
    "zero",
    [
        lambda x: x - np.sum(np.stack([x] * N)) / N,
        lambda x: np.mean(np.stack([x] * N)) - x,
        lambda x: np.stack([x] * N).softmax()[2] - np.stack([2 * x] * N).softmax()[0],
        lambda x: 1 - np.sum(np.stack([x, x, x]).softmax()),
        lambda x: 1 - np.sum(np.exp(log_softmax(np.stack([x] * N)))),
        lambda x: log_softmax(np.stack([x] * N))[1] - log_softmax(np.stack([x * x] * N))[0],
        lambda x: layer_norm(np.stack([x] * N))[1],
        lambda x: np.stack([x, x]) @ np.ones(2) / 4 - x / 2,
    ],
)
def test_n_times_one_nth_is_one(zero: Any) -> None:
    """n · (1/n) - 1 is 0, so a factor w of it never moves; if it is not 0, w moves."""
    found = ties(lambda p: p["w"] * zero(p["x"]) + p["x"] ** 2, {"w": 2.0, "x": 3.0}, method="prove")
    assert found.groups[found.frozen or 0] == (("['w']", ()),) and found.frozen == 0
    moving = ties(lambda p: p["w"] * (zero(p["x"]) + p["x"]) + p["x"] ** 2, {"w": 2.0, "x": 3.0}, method="prove")
    assert moving.frozen is None


def test_a_softmax_of_entries_that_are_not_all_equal_is_no_nth() -> None:
    def f(p: Any) -> Any:
        return p["w"] * (3 * np.stack([p["x"], p["x"], p["y"]]).softmax()[0] - 1) + p["x"] ** 2 + 3 * p["y"] ** 2

    assert ties(f, {"w": 2.0, "x": 3.0, "y": 1.0}, method="prove").frozen is None


def test_an_op_of_which_nothing_is_known_ties_equal_calls_only() -> None:
    def f(w: Any) -> Any:
        a = np.linalg.det(np.reshape(w[:4], (2, 2))) * np.linalg.det(np.reshape(w[:4], (2, 2)))
        return np.sin(a * w[4]) + np.sin(a * w[5])

    found = ties(f, np.array([2.0, 1.0, 1.0, 2.0, 3.0, 3.0]), method="prove")
    assert found.labels[4] == found.labels[5]
    assert len(set(found.labels[:4])) == 4, "the proof says less than the truth"


def test_networks_are_read_without_unknown_ops() -> None:
    x, y = np.random.default_rng(0).normal(size=(3, 2)), np.zeros((3, 1))
    for activation in ("tanh", "relu", "sigmoid", "softplus", "softmax", "log_softmax", "linear"):
        for per_neuron in (False, True):
            net = nn.MLP((2, 3, 1), activation, init=0.5, per_neuron=per_neuron)
            assert ties(net, x, y).partition.unknown == ()


def test_a_sum_of_masks_is_no_sum_of_numbers() -> None:
    """True + True is True: where both masks hold, their sum as masks is 1 and their sum as numbers is 2."""

    def f(p: Any) -> Any:
        either = (p[0] > 0) + (p[1] > 0)
        both = (p[0] > 0) * 1.0 + (p[1] > 0) * 1.0
        return p[2] * either + p[3] * both + p[0] ** 2 + 3 * p[1] ** 2

    found = ties(f, [1.0, 2.0, 0.5, 0.5])
    assert found.labels[2] != found.labels[3]


def test_a_gradient_inside_the_loss_is_read_too() -> None:
    """A gradient penalty: parameters are tied only if the penalty is the same for them, too."""

    def f(p: Any, weights: Any) -> Any:
        slope = minigrad.grad(lambda x: np.sum(np.tanh(x * p)))(np.ones(3))
        return np.sum(weights * slope**2)

    w = np.full(3, 0.5)
    assert [len(group) for group in ties(f, w, np.ones(3)).groups] == [3]
    assert [len(group) for group in ties(f, w, np.array([1.0, 2.0, 1.0])).groups] == [2, 1]


@pytest.mark.parametrize("kind", [int, np.int32, bool])
def test_a_number_made_whole_is_no_longer_that_number(kind: Any) -> None:
    """Both factors are 1 at the start. If the second slips to 0.99, the first falls to 0 (or stays True)."""
    found = ties(lambda w: w[0] * w[2].astype(kind) + w[1] * w[2], np.array([3.0, 3.0, 1.0]), method="prove")
    assert found.labels[0] != found.labels[1]
    kept = ties(lambda w: w[0] * w[2].astype(np.float32) + w[1] * w[2], np.array([3.0, 3.0, 1.0]), method="prove")
    assert kept.labels[0] == kept.labels[1]


@pytest.mark.parametrize(
    "relu", [lambda z: np.maximum(z, 0), lambda z: np.maximum(0.1 * z, z), lambda z: -np.minimum(0, z)]
)
def test_a_relu_written_with_maximum_is_proved_and_not_probed(relu: Any) -> None:
    def f(p: Any, x: Any, y: Any) -> Any:
        z = x @ p["W"] + p["b"]
        return np.sum((relu(z) @ p["v"] - y) ** 2)

    rng = np.random.default_rng(0)
    start = {"W": np.full((2, 4), 0.5), "b": np.zeros(4), "v": np.ones((4, 1))}
    found = ties(f, start, rng.normal(size=(5, 2)), rng.normal(size=(5, 1)))
    assert [len(group) for group in found.groups] == [4] * 4 and set(found.evidence) == {"proved"}


def test_two_ops_of_one_name_are_two_functions() -> None:
    """A notebook may replace an op while a function still calls the first one."""

    def scaled_sinh(k: float) -> Any:
        return custom(
            lambda x: np.sinh(k * x),
            name="scaled_sinh",
            vjp=lambda g, y, x: k * g * np.cosh(k * x),
            jvp=lambda t, y, x: k * t * np.cosh(k * x),
            elementwise=True,
        )

    first, second = scaled_sinh(2.0), scaled_sinh(3.0)
    try:

        def loss(p: Any) -> Any:
            return p[0] * np.sum(first(p[2])) + p[1] * np.sum(second(p[2]))

        assert len(ties(loss, np.array([1.0, 1.0, 0.0])).groups) == 3
    finally:
        forget(first)
        forget(second)


def test_an_op_whose_two_rules_are_one_object_is_not_taken_for_elementwise() -> None:
    """softmax of a vector: its Jacobian is symmetric, so one rule serves both modes."""
    rules = (lambda g, y, x: y * (g - np.sum(g * y)),)

    def mine(x: Any) -> Any:
        e = np.exp(x - np.max(x))
        return e / np.sum(e)

    function = minigrad.custom(mine, vjp=rules, jvp=rules)
    try:
        start = np.array([0.5, 0.5, 2.0, 1.0, 1.0])
        found = ties(lambda w: function(w[:2])[0] * w[3] + function(w[1:3])[0] * w[4], start, method="prove")
        assert found.labels[3] != found.labels[4], "the first entries are equal, the softmaxes are not"
    finally:
        minigrad.forget(function)


@pytest.mark.parametrize("activation", ["tanh", np.sin, minigrad.softsign, np.arctan])
def test_biases_of_an_odd_network_on_odd_data_never_move(activation: Any) -> None:
    """Each sample has a mirror image with the opposite target, so the gradients of all biases cancel."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    net = nn.MLP((2, 3, 3, 1), activation, init="normal", seed=0)
    net.load({name: array * (name[0] == "W") for name, array in net.state().items()})
    found = ties(net, np.vstack([x, -x]), np.vstack([y, -y]))
    frozen = [path for path, _ in found.groups[found.frozen or 0]]
    assert found.frozen is not None and frozen == ["b1"] * 3 + ["b2"] * 3 + ["b3"]
    assert found.independent == 18 and set(found.evidence) == {"proved", "single"}
    assert ties(net, np.vstack([x, -x]), np.vstack([y, y])).frozen is None


def test_what_an_op_gives_at_zero_keeps_its_bounds() -> None:
    """sigmoid(0) is 1/2, whose denominator is 2."""
    zero = Fingerprint(np.zeros((LANES, 3), np.int64), 1.0, 1.0)
    half = semantics.meaning(TABLE[minigrad.sigmoid], [zero], {})
    assert half.below == 2 and (modulo(half.x * 2) == 1).all()


PRODUCTS = sorted(name for name, op in OPS.items() if op.bilinear and op.sums)


@pytest.mark.parametrize("name", PRODUCTS)
def test_no_product_has_more_terms_than_are_counted(name: str) -> None:
    """Every pair of an entry of a and one of b is tried alone; signs cannot hide a term."""
    op = OPS[name]
    for example in random_calls(op, EXAMPLES):
        if len(example.inputs) != 2:
            continue
        a, b = (Fingerprint(symbols(np.size(x), "x").reshape(LANES, *np.shape(x)), 1, 1) for x in example.inputs)
        forward = functools.partial(op.forward, **example.params)
        units = [np.eye(math.prod(p.shape)).reshape(-1, *p.shape) for p in (a, b)]
        terms = sum(np.abs(forward(x, y)) for x in units[0] for y in units[1])
        assert np.max(terms, initial=0) <= semantics._most_terms(forward, a, b)
