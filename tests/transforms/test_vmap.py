"""vmap: whatever f is, a batch at once is a loop over its samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from checking import DIFFERENTIABLE, OPS, parts, projected
from everyday import thinned

import minigrad
from minigrad import Value, grad, value_and_grad, vmap
from minigrad.check.testing.op_calls import OpCall
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.node import Node
from minigrad.engine.op import TABLE
from minigrad.errors import ArgumentError, ShapeError, TracingError
from minigrad.rules import vmap_rules
from minigrad.transforms import vmap as vmap_module

SAMPLES = 3
CALLS = 4
UNFILLED = {np.empty_like}
# The shape of what they give depends on the data.
DEPENDING = {np.nonzero}


def samples_of(x: Any) -> Any:
    """A few arrays like x, still in the domain."""
    x = np.asarray(x)
    if x.dtype.kind == "f":
        return np.stack([x * (1 - 0.003 * k) for k in range(SAMPLES)])
    return np.stack([x] * SAMPLES)


def unlike_samples(x: Any) -> Any:
    """A few arrays with the entries of x in another order each: positions, comparisons and signs differ too."""
    x = np.asarray(x)
    return np.stack([np.roll(x.ravel(), k).reshape(x.shape) for k in range(SAMPLES)])


def zero_samples(x: Any) -> Any:
    """The same, but one is zero or false, and floats are nan in another: for a function of any numbers."""
    samples = unlike_samples(x)
    samples[1] = 0
    if samples.dtype.kind == "f":
        samples[2] = np.nan
    return samples


def choices(call: OpCall) -> list[tuple[int | None, ...]]:
    """Which inputs have samples: all of them, then each alone."""
    n = len(call.inputs)
    each = [tuple(0 if i == k else None for i in range(n)) for k in range(n)] if n > 1 else []
    return [(0,) * n, *each[:3]]


def looped(f: Callable[..., Any], args: Any, axes: Any) -> list[Any]:
    return [
        f(*(x if axis is None else np.take(x, k, axis) for x, axis in zip(args, axes, strict=True)))
        for k in range(SAMPLES)
    ]


def assert_alike(got: Any, each: list[Any]) -> None:
    """Whether the parts of a batch are the samples, to 1e-12."""
    if isinstance(got, (tuple, list)):
        assert len(got) == len(each[0])
        for k, part in enumerate(got):
            assert_alike(part, [sample[k] for sample in each])
        return
    want = np.stack([np.asarray(sample) for sample in each])
    assert type(got) is np.ndarray and got.shape == want.shape and got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13 * (1 + np.abs(np.nan_to_num(want)).max(initial=0)))


@pytest.mark.parametrize("name", thinned([*OPS], 3))
def test_every_op_of_the_table_over_a_batch_is_a_loop(name: str) -> None:
    op = OPS[name]
    if op.function in UNFILLED | DEPENDING or op.shape_depends_on_data:
        pytest.skip("no two calls are alike")
    for call in random_calls(op, CALLS):
        for axes in choices(call):
            args = [samples_of(x) if axis == 0 else x for x, axis in zip(call.inputs, axes, strict=True)]
            expected = looped(call, args, axes)
            if name == "linalg.eigvals":
                expected = [y.real for y in expected]  # complex in NumPy 2.5 itself
            assert_alike(vmap(call, axes)(*args), expected)


@pytest.mark.parametrize(
    "name", thinned([name for name, op in DIFFERENTIABLE.items() if not op.shape_depends_on_data], 6)
)
def test_every_gradient_over_a_batch_is_a_loop(name: str) -> None:
    op = DIFFERENTIABLE[name]
    for call in random_calls(op, 2):
        which = [k for k, x in enumerate(call.inputs) if np.asarray(x).dtype.kind == "f"]
        v = call.directions()
        weights = tuple(map(v, parts(call(*call.inputs))))

        def total(*xs: Any, call: OpCall = call, weights: Any = weights) -> Any:
            return projected(call(*xs), weights)

        axes = (0,) * len(call.inputs)
        args = [samples_of(x) for x in call.inputs]
        gradients = grad(total, tuple(which))
        assert_alike(vmap(gradients, axes)(*args), looped(gradients, args, axes))


USUAL: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "scalars": (lambda x: x * x / (1 + np.exp(-x)) - np.tanh(x) ** 3, ()),
    "products": (lambda x: np.tanh(x @ np.ones((3, 4))) @ np.ones(4), (3,)),
    "matrices": (lambda x: np.sum((x @ x.T) * np.eye(2)), (2, 3)),
    "softmax": (lambda x: np.sum(minigrad.softmax(x) * minigrad.log_softmax(x, axis=0)), (2, 3)),
    "shapes": (lambda x: np.sum(np.concatenate([x.reshape(-1), x.T[0], x[1]]) ** 2), (2, 3)),
    "rows": (lambda x: sum(x[i] @ x[0] for i in range(2)), (2, 3)),
    "where": (lambda x: np.sum(np.where(x > 0, np.log(np.abs(x)), x * 0.1)), (3,)),
    "means": (lambda x: np.sum((x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=0) + 1)), (2, 3)),
}


@pytest.mark.parametrize("name", USUAL)
def test_usual_functions_and_their_gradients_are_computed_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    f, shape = USUAL[name]
    x = np.random.default_rng(0).normal(size=(SAMPLES, *shape)) + 0.1
    both = value_and_grad(f)
    expected = [both(row) for row in x]
    monkeypatch.setattr(vmap_module, "_apply_to_sample", None)  # one sample at a time would call it
    assert_alike(vmap(both)(x), expected)


def test_the_function_is_called_once_for_all_samples() -> None:
    called = []

    def f(x: Any) -> Any:
        called.append(1)
        return x * x

    np.testing.assert_array_equal(vmap(f)(np.arange(5.0)), np.arange(5.0) ** 2)
    assert len(called) == 1


def test_gradients_flow_through_a_batch_to_what_is_shared_and_to_what_is_closed_over() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(SAMPLES, 3)), rng.normal(size=3)
    b = Value(0.5)

    def by_batch(w: Any) -> Any:
        return vmap(lambda x: np.tanh(x @ w + b))(x).sum()

    def by_hand(w: Any) -> Any:
        return np.tanh(x @ w + b).sum()

    np.testing.assert_allclose(grad(by_batch)(w), grad(by_hand)(w), rtol=1e-12)
    by_batch(w).backward()
    got, b.grad = b.grad, None
    by_hand(w).backward()
    np.testing.assert_allclose(got, b.grad, rtol=1e-12)
    hessian = minigrad.hessian(by_batch)(w)
    np.testing.assert_allclose(hessian.data, minigrad.hessian(by_hand)(w).data, rtol=1e-10)


def test_batches_nest_and_sit_inside_and_outside_of_derivatives() -> None:
    x, y = np.arange(1.0, 4.0), np.arange(1.0, 3.0)
    table = vmap(lambda a: vmap(lambda b: a**b)(y))(x)
    np.testing.assert_allclose(table, x[:, None] ** y, rtol=1e-12)
    twice = vmap(grad(grad(lambda a: a**4)))(x)
    np.testing.assert_allclose(twice, 12 * x**2, rtol=1e-12)
    pushed = minigrad.jvp(vmap(lambda a: np.sin(a) * a), (x,), (np.ones(3),))[1]
    np.testing.assert_allclose(pushed, np.cos(x) * x + np.sin(x), rtol=1e-12)


def test_samples_lie_along_any_axis_and_in_any_nesting() -> None:
    rng = np.random.default_rng(0)
    tree = {"a": rng.normal(size=(2, SAMPLES)), "b": [rng.normal(size=SAMPLES), 2.0]}

    def f(tree: Any, scale: Any) -> Any:
        return {"sum": tree["a"].sum() * scale, "rest": (tree["b"][0] * tree["b"][1], scale)}

    got = vmap(f, ({"a": -1, "b": [0, None]}, None))(tree, 3.0)
    np.testing.assert_allclose(got["sum"], 3 * tree["a"].sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(got["rest"][0], 2 * tree["b"][0], rtol=1e-12)
    np.testing.assert_array_equal(got["rest"][1], [3.0] * SAMPLES)  # the same for all samples: one each


def test_whole_numbers_stay_whole_and_may_index() -> None:
    rng = np.random.default_rng(0)
    z, classes = rng.normal(size=(SAMPLES, 4)), np.array([2, 0, 3])
    np.testing.assert_array_equal(vmap(lambda z, k: z[k])(z, classes), z[np.arange(SAMPLES), classes])
    losses = vmap(lambda z, k: minigrad.cross_entropy(z[None], k[None]))(z, classes)
    np.testing.assert_allclose(losses, [minigrad.cross_entropy(z[i : i + 1], classes[i : i + 1]) for i in range(3)])


def test_results_are_arrays_of_their_own_and_nothing_is_kept_or_changed() -> None:
    x = np.arange(3.0)
    before = x.copy()
    same, double = vmap(lambda a: (a, a * 2))(x)
    assert not np.shares_memory(same, x)
    same += 1
    double += 1
    np.testing.assert_array_equal(x, before)


def test_a_batch_of_nothing_has_shapes() -> None:
    y, g = vmap(value_and_grad(lambda x: np.sum(np.exp(x))))(np.zeros((0, 3)))
    assert y.shape == (0,) and g.shape == (0, 3)


def test_a_branch_on_a_sample_is_refused() -> None:
    with pytest.raises(TracingError, match="where"):
        vmap(lambda x: x if x > 0 else -x)(np.arange(3.0))


@pytest.mark.parametrize(
    ("args", "axes", "error", "said"),
    [
        ((np.ones(2), np.ones(3)), 0, ShapeError, "different numbers of samples"),
        ((np.ones(2), 1.0), 0, ShapeError, "no axis 0 of samples"),
        ((1.0, 2.0), None, ArgumentError, "no argument has an axis of samples"),
        ((np.ones(2), 1.0), (0,), ArgumentError, "1 entries for 2 arguments"),
        (([np.ones(2)], 1.0), ([0, 0], None), ArgumentError, "not nested like its argument"),
    ],
)
def test_what_is_no_batch_is_refused(args: Any, axes: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        vmap(lambda x, y: x, axes)(*args)


def test_a_rule_that_gives_a_wrong_axis_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(TABLE[np.sum], vmap=lambda step, operands: np.sum(operands[0], axis=0))
    monkeypatch.setitem(TABLE, np.sum, wrong)
    with pytest.raises(ShapeError, match="the batch rule of sum gave shape"):
        vmap(lambda x: np.sum(x, axis=0))(np.ones((SAMPLES, 2, 4)))


class Counted:
    """A batch rule that counts the calls it covers."""

    def __init__(self, rule: Any) -> None:
        self.rule, self.covered = rule, 0

    def __call__(self, call: Any, operands: Any) -> Any:
        y = self.rule(call, operands)
        self.covered += y is not None
        return y


RULED = [name for name, op in OPS.items() if op.vmap or op.elementwise]


def apply_rule(name: str, rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the rule makes of the calls that it covers, against the loop over samples."""
    op, counted = OPS[name], Counted(rule)
    anything = not op.vjps and (op.elementwise or op.symmetric)  # a position needs a number that is not nan
    samples = zero_samples if anything else unlike_samples
    stated = [key for key, record in TABLE.items() if record is op]
    for call in random_calls(op, 12):
        for axes in choices(call):
            before, pairs = counted.covered, zip(call.inputs, axes, strict=True)
            args = [samples(x) if axis == 0 else x for x, axis in pairs]
            with monkeypatch.context() as patch, np.errstate(all="ignore"):
                for key in stated:
                    patch.setitem(TABLE, key, replace(op, vmap=counted))
                got, each = vmap(call, axes)(*args), looped(call, args, axes)
            if counted.covered > before:
                assert_alike(got, each)
    assert counted.covered, "the loop over samples would give the same numbers"


@pytest.mark.parametrize("name", RULED)
def test_a_batch_rule_that_is_stated_is_used_and_right(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_rule(name, OPS[name].vmap or vmap_rules.elementwise_batch, monkeypatch)


def first_for_all(call: Any, operands: Any) -> Any:
    """The first sample of every operand, for all."""
    y = call.op.function(*(x[0] if b else x for x, b in zip(operands, call.batched, strict=True)), **call.params)
    return np.broadcast_to(y, (call.size, *call.shape))


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        *((name, vmap_rules.elementwise_batch) for name in ("ranks", "ascending", "argsort", "cumsum", "sort")),
        *((name, first_for_all) for name in ("ranks", "argmax", "any", "isnan", "greater", "where", "sum")),
        ("transpose", vmap_rules.stacks),
        ("flip", vmap_rules.along_axis_or_flat),
    ],
)
def test_a_wrong_batch_rule_is_found(name: str, rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((AssertionError, ValueError)):
        apply_rule(name, rule, monkeypatch)


@pytest.mark.parametrize(
    ("function", "rule"),
    [
        (np.cumsum, lambda call, operands: np.cumsum(operands[0], axis=0)),
        (np.multiply, lambda call, operands: operands[0] * np.flip(operands[1], 0)),
        (np.sort, vmap_rules.along_axis_or_flat),
        (minigrad.softmax, vmap_rules.elementwise_batch),
    ],
)
def test_a_wrong_batch_rule_gives_other_numbers_than_the_loop(
    function: Any, rule: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last two: one that is right, as a control, and one that takes softmax for elementwise."""
    x = np.random.default_rng(0).normal(size=(SAMPLES, 2, 2))
    args = (x, x)[: len(TABLE[function].domain)]
    given = {} if len(args) == 2 else {"axis": 0}
    expected = np.stack([function(*(a[k] for a in args), **given) for k in range(SAMPLES)])
    monkeypatch.setitem(TABLE, function, replace(TABLE[function], vmap=rule))
    got = vmap(lambda *xs: function(*xs, **given))(*args)
    assert np.allclose(got, expected) == (function is np.sort)


def symmetric_jacobian(g: Any, y: Any, x: Any) -> Any:
    return y * (g - np.sum(g * y))


def test_one_rule_for_both_modes_does_not_make_an_op_elementwise() -> None:
    def whole_softmax(x: Any) -> Any:
        return np.exp(x) / np.sum(np.exp(x))

    rules = (symmetric_jacobian,)
    function = minigrad.custom(whole_softmax, vjp=rules, jvp=rules)
    try:
        x = np.random.default_rng(0).normal(size=(SAMPLES, 4))
        np.testing.assert_allclose(vmap(function)(x), [whole_softmax(row) for row in x], rtol=1e-12)
        gradients = grad(lambda x: np.sum(function(x) ** 2))
        np.testing.assert_allclose(vmap(gradients)(x), [gradients(row) for row in x], rtol=1e-12)
    finally:
        minigrad.forget(function)


def test_an_op_of_a_users_own_is_batched_by_the_rule_it_states() -> None:
    calls = []

    def rows(call: Any, operands: Any) -> Any:
        calls.append(call.size)
        return np.sum(operands[0] ** 2, axis=1)

    def energy(x: Any) -> Any:
        return np.sum(x**2)

    function = minigrad.custom(
        energy, vjp=(lambda g, y, x: 2 * g * x,), jvp=(lambda t, y, x: np.sum(2 * x * t),), vmap=rows
    )
    try:
        x = np.random.default_rng(0).normal(size=(SAMPLES, 4))
        np.testing.assert_allclose(vmap(function)(x), np.sum(x**2, axis=1), rtol=1e-12)
        np.testing.assert_allclose(vmap(grad(function))(x), 2 * x, rtol=1e-12)
        assert calls[0] == SAMPLES
    finally:
        minigrad.forget(function)


def test_no_graph_is_left_behind() -> None:
    x = np.arange(3.0)
    y = vmap(lambda a: a * a)(x)
    assert not isinstance(y, Node)


def test_a_branch_inside_vmap_is_refused_in_the_words_of_vmap() -> None:
    with pytest.raises(TracingError) as caught:
        vmap(lambda a: a if a > 0 else -a)(np.array([1.0, -1.0]))
    text = str(caught.value)
    assert text.startswith("bool() inside vmap: an array stands for each of the samples")
    assert "np.where(condition, a, b)" in text and "compile" not in text
