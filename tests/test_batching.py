"""vmap: whatever f is, a batch at once is a loop over its samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import DIFFERENTIABLE, OPS, parts, projected
from everyday import thinned

import minigrad
from minigrad import Value, batching, grad, value_and_grad, vmap
from minigrad.check.calls import OpCall
from minigrad.check.draws import random_calls
from minigrad.errors import ArgumentError, ShapeError, TracingError
from minigrad.node import Node

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
    if op.function in UNFILLED | DEPENDING:
        pytest.skip("no two calls are alike")
    for call in random_calls(op, CALLS):
        for axes in choices(call):
            args = [samples_of(x) if axis == 0 else x for x, axis in zip(call.inputs, axes, strict=True)]
            assert_alike(vmap(call, axes)(*args), looped(call, args, axes))


@pytest.mark.parametrize("name", thinned([*DIFFERENTIABLE], 6))
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
    monkeypatch.setattr(batching, "_applied", None)  # one sample at a time would call it
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
        (([np.ones(2)], 1.0), ([0, 0], None), ArgumentError, "nested unlike"),
    ],
)
def test_what_is_no_batch_is_refused(args: Any, axes: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        vmap(lambda x, y: x, axes)(*args)


def test_a_rule_that_gives_a_wrong_axis_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from minigrad import batched

    monkeypatch.setitem(batched.RULES, np.sum, lambda step, operands: np.sum(operands[0], axis=0))
    with pytest.raises(ShapeError, match="the batch of sum has shape"):
        vmap(lambda x: np.sum(x, axis=0))(np.ones((SAMPLES, 2, 4)))


def test_no_graph_is_left_behind() -> None:
    x = np.arange(3.0)
    y = vmap(lambda a: a * a)(x)
    assert not isinstance(y, Node)
