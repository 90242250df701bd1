"""Every operation of the table, checked from its own record. A test's id is the function's name."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from warnings import catch_warnings

import numpy as np
import pytest
from checking import (
    CONSTANT,
    DIFFERENTIABLE,
    EPS,
    OPS,
    analytic,
    assert_close,
    check_complex_step,
    check_gradient,
    check_jvp_on_values,
    check_second_order,
    each,
    flat,
    gradients,
    gradients_of,
    invoke,
    parts,
    places,
    projected,
    pulled,
    real_part,
    refuses,
    replaced,
    roundings,
    same,
    scaled_gradient,
    woven,
)
from everyday import thinned
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad import Value
from minigrad.check.testing.op_calls import OpCall
from minigrad.check.testing.op_sampling import random_calls
from minigrad.check.testing.strategies import op_calls
from minigrad.engine.op import TABLE, Op
from minigrad.engine.sampling import Domain

NAMES = {op: name for name, op in OPS.items()}
ANALYTIC = [name for name, op in DIFFERENTIABLE.items() if analytic(op)]
BROADCASTING = [name for name, op in DIFFERENTIABLE.items() if isinstance(op.calls, partial)]
SEVERAL = [name for name, op in DIFFERENTIABLE.items() if op.variadic or len(op.domain) > 1]
UNFILLED = {np.empty_like}  # its entries are whatever the memory held
PAIRWISE = 3  # second order runs every pair of inputs: a third of the examples

each_op = pytest.mark.parametrize("name", OPS)
each_differentiable = pytest.mark.parametrize("name", DIFFERENTIABLE)
a_third = pytest.mark.parametrize("name", thinned([*DIFFERENTIABLE], 3))  # each day; all in the slow run


def test_every_function_has_a_name_of_its_own() -> None:
    """Otherwise a record would hide behind another's test id."""
    assert len(OPS) == len(set(TABLE.values()))


@each_op
def test_record_is_complete(name: str) -> None:
    op = OPS[name]
    assert op.label
    assert op.label.strip() == op.label
    assert "y" in op.formula or "=" in op.formula
    assert op.domain
    for domain in op.domain:
        assert isinstance(domain, Domain)
        assert domain.name
        assert domain.low < domain.high
        assert domain.kind in "fib"
    assert len(op.vjps) == len(op.jvps)
    if op.vjps and not op.variadic:
        assert len(op.vjps) == len(op.domain)
        assert [rule is None for rule in op.vjps] == [rule is None for rule in op.jvps]
        for domain, rule in zip(op.domain, op.vjps, strict=True):
            assert domain.kind == "f" or rule is None or refuses(rule)


@pytest.mark.parametrize("missing", ["label", "formula", "domain"])
def test_an_op_without_label_formula_or_domain_is_refused(missing: str) -> None:
    stated: dict[str, Any] = {"label": "f", "formula": "y = f(x)", "domain": (Domain("real", -1, 1),)}
    stated[missing] = type(stated[missing])()

    def f(x: Any) -> Any:
        return x

    size = len(TABLE)
    with pytest.raises(ValueError, match=r"f: an op needs a label, a formula and a domain"):
        minigrad.engine.op.op(f, vjp=(lambda g, y, x: g,), jvp=(lambda t, y, x: t,), **stated)
    assert len(TABLE) == size


def test_a_function_is_stated_once() -> None:
    record = TABLE[np.exp]
    with pytest.raises(ValueError, match="exp is already in the table as exp"):
        minigrad.engine.op.op(np.exp, "again", "y = e^x", domain=record.domain, vjp=record.vjps, jvp=record.jvps)
    assert TABLE[np.exp] is record


def lifted(x: Any) -> Any:
    """A Value with these entries; truth values become one by a comparison, integers by a cast."""
    x = np.asarray(x)
    if x.dtype.kind in "iu":
        return Value(x.astype(float)).astype(x.dtype)
    return Value(x.astype(float)) > 0.5 if x.dtype == bool else Value(x[()])


def liftable(op: Op, inputs: Any) -> list[int]:
    """Places where a Value may stand; integers beside other inputs are targets and indices, and stay plain."""
    return [k for k, x in enumerate(inputs) if np.asarray(x).dtype.kind in "fb"] or [*range(len(inputs))]


@pytest.mark.parametrize("name", thinned([*OPS], 3))  # `check/test_ops` looks at every op each day, too
@given(data=st.data())
def test_forward_is_the_function(name: str, data: Any) -> None:
    """On Values the function gives what it gives on arrays, to the last bit; also if only some are Values."""
    op = OPS[name]
    example = data.draw(op_calls(op))
    inputs, params = example.inputs, example.params
    expected = parts(each(real_part, invoke(op, inputs, params)))
    which = data.draw(st.lists(st.sampled_from(liftable(op, inputs)), min_size=1, unique=True))
    mixed = woven(inputs, which, [lifted(inputs[k]) for k in which])
    for key in [key for key, record in TABLE.items() if record is op]:
        outputs = parts(invoke(op, mixed, params, key))
        assert len(outputs) == len(expected)
        for got, want in zip(outputs, expected, strict=True):
            assert isinstance(got, Value)
            if op.function in UNFILLED:
                assert got.shape == want.shape
            else:
                assert same(got.data, want)


@each_differentiable
@given(data=st.data())
def test_gradient_and_jvp_against_finite_differences(name: str, data: Any) -> None:
    op = DIFFERENTIABLE[name]
    check_gradient(op, data.draw(op_calls(op)))


@pytest.mark.parametrize("name", thinned([n for n in DIFFERENTIABLE if n not in BROADCASTING], 3))
def test_gradient_for_many_ways_of_calling(name: str) -> None:
    """Axes, indices, subscripts: a search that begins with simple calls does not meet them all."""
    op = DIFFERENTIABLE[name]
    for example in random_calls(op, 2 * settings().max_examples):
        check_gradient(op, example)


def test_most_ops_are_checked_by_the_complex_step() -> None:
    """None is lost unseen, and none is taken for right that is not."""
    assert len(ANALYTIC) >= 150
    assert {"exp", "matmul", "sum", "linalg.inv", "concatenate", "einsum", "relu", "softmax"} <= {*ANALYTIC}
    assert not {"abs", "hypot", "cbrt", "arctan2", "linalg.norm", "real", "conjugate", "vdot"} & {*ANALYTIC}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: np.abs(x),
        lambda x: np.conj(np.sin(x)),
        lambda x: np.sin(np.real(x)),
        lambda x: np.sin(x).astype(float),
        lambda x: np.sin(x) + (1e-6 * x if np.iscomplexobj(x) else 0.0),
        lambda x: np.sin(x) + (1e-6j * np.imag(x) if np.iscomplexobj(x) else 0.0),
        lambda x: np.arctan2(x, 1.0),
    ],
    ids=["absolute", "conjugate", "real part", "cast", "another value", "another slope", "refused"],
)
def test_a_function_that_is_wrong_on_complex_numbers_is_not_taken_for_analytic(wrong: Any) -> None:
    assert analytic(TABLE[np.sin])
    assert not analytic(replace(TABLE[np.sin], function=wrong))


@pytest.mark.parametrize("name", thinned([*ANALYTIC], 3))
@given(data=st.data())
def test_gradient_against_the_complex_step(name: str, data: Any) -> None:
    op = DIFFERENTIABLE[name]
    check_complex_step(op, data.draw(op_calls(op)))


@each_differentiable
@given(data=st.data())
@settings(max_examples=settings().max_examples // PAIRWISE)
def test_second_order_in_every_pair_of_inputs(name: str, data: Any) -> None:
    op = DIFFERENTIABLE[name]
    check_second_order(op, data.draw(op_calls(op, size=6)))


@each_differentiable
@given(data=st.data())
def test_jvp_on_values(name: str, data: Any) -> None:
    op = DIFFERENTIABLE[name]
    check_jvp_on_values(op, data.draw(op_calls(op)))


def middling(domain: Domain, rng: Any, shape: Any) -> Any:
    """Numbers that are in the domain of most ops, and of size 1."""
    if domain.kind == "b":
        return rng.uniform(size=shape) > 0.5
    if domain.kind == "i":
        return rng.integers(domain.low, domain.high, shape)
    return rng.uniform(max(domain.low, 0.5), min(domain.high, 2.5), shape)


@pytest.mark.parametrize("name", [n for n in SEVERAL if n in BROADCASTING])
def test_every_argument_is_broadcast(name: str) -> None:
    """Each input in turn is the small one, in both ways of being small; all others have the full shape."""
    op = DIFFERENTIABLE[name]
    for small in ((), (3,), (1, 3), (2, 1), (1, 1, 1)):
        for k in range(len(op.domain)):
            (example,) = random_calls(op, 1, start=k)
            whole = (1, 2, 3) if len(small) == 3 else (2, 3)
            rng = np.random.default_rng(k)
            inputs = [middling(d, rng, small if i == k else whole) for i, d in enumerate(op.domain)]
            if name == "clip":
                x = 0.6 + 0.9 * np.arange(inputs[0].size).reshape(inputs[0].shape)  # below, between, above
                inputs = [x, 1.0 + inputs[1] / 10, 2.0 + inputs[2] / 10]
            check_gradient(op, OpCall(op, tuple(inputs), example.params, seed=k))


@a_third
@given(data=st.data())
def test_float32_inputs_have_float32_gradients(name: str, data: Any) -> None:
    """... that are those of float64, to a hundred roundings of float32 in their largest terms."""
    op = DIFFERENTIABLE[name]
    example = data.draw(op_calls(op))
    which = places(op, example.inputs)
    narrow = woven(example.inputs, which, [np.float32(example.inputs[k]) for k in which])
    wide = woven(example.inputs, which, [np.float64(narrow[k]) for k in which])
    y = each(real_part, invoke(op, narrow, example.params))
    mixed = [lifted(x) if k in liftable(op, narrow) else x for k, x in enumerate(narrow)]
    for want, got in zip(parts(y), parts(invoke(op, mixed, example.params)), strict=True):
        assert same(got.data, want)
    v = each(example.directions(), y)
    rounded = each(lambda part: part.astype(parts(y)[0].dtype), v)
    found = gradients_of(op, narrow, example.params, rounded)  # asserts dtype and shape
    for got, want in zip(found, gradients_of(op, wide, example.params, v), strict=True):
        scale = np.max(np.abs(want), initial=0.0) + np.max(np.abs(flat(v)), initial=0.0)
        assert_close(got, want, 1e-5 * scale, f"{op.label} in float32")


@a_third
@settings(max_examples=settings().max_examples // 2)  # each asks for three gradients
@given(data=st.data())
def test_layout_in_memory_does_not_matter(name: str, data: Any) -> None:
    """Negative strides, gaps and column order in leaves, operands and cotangents give the same gradients."""
    op = DIFFERENTIABLE[name]
    example = data.draw(op_calls(op))
    which = places(op, example.inputs)
    v = each(example.directions(), invoke(op, example.inputs, example.params))
    want = gradients_of(op, example.inputs, example.params, v)
    constants = [strided(x) for x in example.inputs]

    def turned(*leaves: Any) -> Any:
        inputs = woven(constants, which, [np.flip(np.transpose(x)) for x in leaves])
        return each(np.flip, invoke(op, inputs, example.params))

    leaves = [Value(np.flip(np.transpose(example.inputs[k]))) for k in which]
    allowed = [few_roundings(terms) for terms in sizes_of_terms(op, example, v, want)]
    seen = [partial(roundings, partial(scaled_gradient, op, example, k=k)) for k in which]
    for got, expected, few, more in zip(
        gradients(leaves, turned, each(np.flip, v)), want, allowed, seen, strict=True
    ):
        assert_close(got, np.flip(np.transpose(expected)), few, op.label, more)

    def pure(*xs: Any) -> Any:
        return invoke(op, woven(constants, which, xs), example.params)

    views = [strided(example.inputs[k]) for k in which]
    for got, expected, few, more in zip(pulled(pure, views, each(strided, v)), want, allowed, seen, strict=True):
        assert_close(got, expected, few, f"{op.label} by grad", more)


SUMS_OF_PRODUCTS = {np.linalg.multi_dot, np.matmul, np.dot, np.einsum, np.tensordot, np.inner, np.kron}


def sizes_of_terms(op: Op, example: OpCall, v: Any, gradients: list[Any]) -> list[Any]:
    """What the gradients sum up: for products, the sums of absolute values, which cannot cancel."""
    if op.function not in SUMS_OF_PRODUCTS:
        return gradients
    return gradients_of(op, [*map(np.abs, example.inputs)], example.params, each(np.abs, v))


def few_roundings(x: Any) -> Any:
    """What another order of the same sums may change: NumPy adds up rows and columns differently."""
    return 64 * EPS * np.max(np.abs(x), initial=0.0)


def strided(x: Any) -> Any:
    """The same numbers with gaps between them, in column order, from the last to the first, writable by nobody."""
    x = np.asarray(x)
    if not x.ndim:
        return x[()]
    wide = np.zeros([2 * side for side in x.shape], x.dtype, order="F")
    view = np.flip(wide[(slice(None, None, 2),) * x.ndim])
    view[...] = x
    view.flags.writeable = False
    return view


@pytest.mark.parametrize("name", SEVERAL)
def test_an_operand_given_twice_gets_both_shares(name: str) -> None:
    """f(a, a): the gradient of a is the sum of what f(a, b) gives to a and to b, where b equals a."""
    op, tried = DIFFERENTIABLE[name], 0
    for example in random_calls(op, 60):
        inputs, params, direction = example.inputs, example.params, example.directions()
        which = places(op, inputs)
        for a in (inputs[k] for k in which if len(which) > 1):
            repeated = woven(inputs, which, [a] * len(which))
            try:
                with np.errstate(all="ignore"):
                    y = invoke(op, repeated, params)
            except (ValueError, IndexError, TypeError, ZeroDivisionError):
                continue  # these shapes do not fit
            if not np.isfinite(flat(y)).all():
                continue
            v, tried = each(direction, y), tried + 1
            separate = gradients_of(op, repeated, params, v)
            leaf = Value(a)
            (got,) = gradients(
                [leaf], lambda x, p=params, i=inputs, w=which: invoke(op, woven(i, w, [x] * len(w)), p), v
            )
            size = sum(np.abs(g) for g in separate)
            assert_close(got, sum(separate), 8 * EPS * size, f"{op.label} of the same operand twice")
    assert tried or sum(rule is not None for rule, d in zip(op.vjps, op.domain, strict=False) if d.kind == "f") == 1


@each_differentiable
def test_arrays_of_one_entry(name: str) -> None:
    op = DIFFERENTIABLE[name]
    for example in random_calls(op, 6, sides=(1, 1)):
        check_gradient(op, example)


@each_differentiable
def test_numbers_without_dimensions(name: str) -> None:
    """Gradients of scalars are NumPy's scalars, as their data are."""
    op = DIFFERENTIABLE[name]
    for example in random_calls(op, 6, max_dims=0):
        check_gradient(op, example)
        y = invoke(op, example.inputs, example.params)
        for k, g in zip(
            places(op, example.inputs),
            gradients_of(op, example.inputs, example.params, each(example.directions(), y)),
            strict=True,
        ):
            if np.ndim(example.inputs[k]) == 0:
                assert type(g) is np.float64


NEVER_EMPTY = {"convolve", "correlate"}  # NumPy refuses


@each_differentiable
def test_arrays_of_no_entries(name: str) -> None:
    """What NumPy computes of empty arrays has gradients: of the right shape, without nan."""
    op, tried = DIFFERENTIABLE[name], 0
    empty = [x for x in random_calls(op, 80, sides=(0, 2)) if not all(map(np.size, x.inputs))]
    with catch_warnings(action="ignore"):  # NumPy's own, of the mean of nothing
        for inputs, params, direction in ((x.inputs, x.params, x.directions()) for x in empty):
            try:
                y = invoke(op, inputs, params)
            except (ValueError, IndexError, ZeroDivisionError):
                continue  # NumPy does not define it: the largest of nothing
            if np.isfinite(flat(y)).all():
                tried += 1
                for g in gradients_of(op, inputs, params, each(direction, y)):
                    assert np.isfinite(g).all()
    assert tried or name in NEVER_EMPTY


@each_differentiable
@given(data=st.data())
@settings(max_examples=settings().max_examples // PAIRWISE)
def test_grad_and_backward_agree_to_the_last_bit(name: str, data: Any) -> None:
    op = DIFFERENTIABLE[name]
    example = data.draw(op_calls(op))
    inputs, which = example.inputs, places(op, example.inputs)
    v = each(example.directions(), invoke(op, inputs, example.params))

    def pure(*xs: Any) -> Any:
        return invoke(op, woven(inputs, which, xs), example.params)

    found = pulled(pure, [inputs[k] for k in which], v)
    for got, want in zip(found, gradients_of(op, inputs, example.params, v), strict=True):
        assert same(got, want)


@pytest.mark.parametrize("name", CONSTANT)
@given(data=st.data())
def test_no_gradient_flows_through_a_constant_op(name: str, data: Any) -> None:
    """Its result is a Value without a graph; what stands beside it in a product gets its gradient."""
    op = CONSTANT[name]
    example = data.draw(op_calls(op))
    values = [lifted(x) if k in liftable(op, example.inputs) else x for k, x in enumerate(example.inputs)]
    for y in parts(invoke(op, values, example.params)):
        assert isinstance(y, Value)
        assert y.inputs == ()
        assert not y.has_gradient
        w = Value(2.0)
        (y * w).sum().backward()
        if op.function not in UNFILLED:
            assert_close(w.grad, np.sum(y.data), 8 * EPS * np.sum(np.abs(y.data)), op.label)
    assert all(x.grad is None for x in values if isinstance(x, Value))
    reals = [k for k, x in enumerate(example.inputs) if np.asarray(x).dtype.kind == "f"]

    def loss(x: Any) -> Any:
        y = invoke(op, replaced(example.inputs, reals[0], x), example.params)
        return projected(y, each(lambda part: 1.0, y))

    if reals:
        g = minigrad.grad(loss)(example.inputs[reals[0]])
        assert same(g, np.zeros(np.shape(example.inputs[reals[0]]))[()])


def test_second_derivative_of_cross_entropy_is_not_lost_in_its_residual() -> None:
    """The probabilities that the forward pass hands to the rule are constants: kept, the Hessian would be 0."""
    logits, targets, u = np.array([[0.2, -1.0, 0.7], [1.5, 0.1, -0.3]]), np.array([2, 0]), np.arange(6.0)
    u = u.reshape(2, 3)

    def slope(x: Any) -> Any:
        return np.sum(u * minigrad.grad(minigrad.cross_entropy)(x, targets))

    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    hessian_times_u = (p * u - p * np.sum(p * u, axis=1, keepdims=True)) / 2
    np.testing.assert_allclose(minigrad.grad(slope)(logits), hessian_times_u, rtol=1e-13)
    assert np.abs(hessian_times_u).min() > 0.01
