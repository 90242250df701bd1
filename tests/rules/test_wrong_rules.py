"""The checks must be able to fail: wrong rules, planted into a copy of a record, and demanded to be caught.

Each is checked on the kind of calls that the suite over the table draws, with the same tolerances.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from checking import (
    analytic,
    check_complex_step,
    check_gradient,
    check_jvp_on_values,
    check_second_order,
    gradients_of,
    invoke,
)

import minigrad
from minigrad import Value
from minigrad.check.testing.op_calls import OpCall
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.op import TABLE, Rule
from minigrad.errors import MinigradError
from minigrad.rules.polynomials import moments
from minigrad.rules.recurrences import others, recurrence
from minigrad.rules.running import cummax

CALLS = 20
NEARLY = 1 + 1e-6

Check = Callable[..., None]


def plain(x: Any) -> Any:
    """The numbers of a Value, off the graph: what no rule may use."""
    return x.data if isinstance(x, Value) else x


def caught(check: Check, function: Any, **wrong: tuple[Rule | None, ...]) -> bool:
    """Whether the check fails for the function's record with these rules in place of its own."""
    record = TABLE[function]
    examples = random_calls(record, CALLS)
    for example in examples:
        check(record, example)  # right, as it stands: so what fails below is the change
    planted = replace(record, **wrong)  # type: ignore[arg-type]
    with patch.dict(TABLE, {function: planted}):
        for example in examples:
            try:
                check(planted, example)
            except (AssertionError, MinigradError, ValueError):
                return True
    return False


def over_its_size(x: Any) -> Any:
    """x/√x²: of its derivative nothing is left but rounding."""
    return x / np.sqrt(x * x)


def test_rules_of_which_rounding_alone_is_left_pass_and_small_wrong_ones_do_not() -> None:
    """The checks allow for the roundings of the terms of a sum, however small it is itself."""

    def rule(g: Any, y: Any, x: Any) -> Any:
        return g / np.sqrt(x * x) - g * x * x / np.sqrt(x * x) ** 3

    f = minigrad.custom(over_its_size, vjp=rule, jvp=rule)
    try:
        record = TABLE[f]
        calls = [OpCall(record, (np.array([x]),), {}, k) for k, x in enumerate((0.3, 1.7, -2.1, 0.9, 1.3, -0.7))]
        assert any(rule(0.7, None, call.inputs[0]) for call in calls)
        for call in calls:
            for check in (check_gradient, check_jvp_on_values, check_second_order):
                check(record, call)
        wrong = (lambda g, y, x: rule(g, y, x) + 1e-13 * g,)
        for planted in (replace(record, vjps=wrong), replace(record, jvps=wrong)):
            with patch.dict(TABLE, {f: planted}), pytest.raises(AssertionError):
                check_gradient(planted, calls[0])
    finally:
        minigrad.forget(f)


INTERP: Any = TABLE[np.interp].vjps[0]
PAD: Any = TABLE[np.pad].vjps[0]
CROSS: Any = TABLE[np.cross].vjps

WRONG_GRADIENTS: dict[str, tuple[Any, tuple[Rule | None, ...]]] = {
    "sign flipped": (np.tanh, (lambda g, y, x: -g * (1 - y * y),)),
    "a factor of 1 + 1e-6": (np.tanh, (lambda g, y, x: g * (1 - y * y) * NEARLY,)),
    "a factor of 1 + 1e-6 in one of two": (
        np.divide,
        (TABLE[np.divide].vjps[0], lambda g, y, a, b: -g * y / b * NEARLY),
    ),
    "one entry off": (np.exp, (lambda g, y, x: g * y * (1 + 1e-6 * (np.arange(y.size).reshape(y.shape) == 0)),)),
    "operands swapped": (np.multiply, (lambda g, y, a, b: g * a, lambda g, y, a, b: g * b)),
    "rules swapped": (np.arctan2, TABLE[np.arctan2].vjps[::-1]),
    "sign of the second operand": (np.subtract, (lambda g, y, a, b: g, lambda g, y, a, b: g)),
    "cotangent ignored": (np.sin, (lambda g, y, x: np.cos(x),)),
    "a branch forgotten": (minigrad.relu, (lambda g, y, x: g,)),
    "no gradient at all": (np.multiply, (lambda g, y, a, b: g * b, None)),
    "a sum's rule for a mean": (np.mean, TABLE[np.sum].vjps),
    "not spread over the reduced axes": (np.sum, (lambda g, y, x, axis=None, keepdims=False: g,)),
    "the mean left out of var": (
        np.var,
        (lambda g, y, x, axis=None, keepdims=False, ddof=0: 2 * np.sum(g) * x / (x.size - ddof),),
    ),
    "a transpose forgotten": (np.matmul, (lambda g, y, a, b: g @ b, TABLE[np.matmul].vjps[1])),
    "axes not put back": (np.transpose, (lambda g, y, x, axes=None: np.transpose(g, axes),)),
    "an index read once": (
        TABLE[np.sort].function,
        (lambda g, y, x, axis=-1, kind=None, stable=None: g,),
    ),
    "a recurrence from the wrong end": (
        recurrence,
        (TABLE[recurrence].vjps[0], lambda g, y, f, t: recurrence(f, g)),
    ),
    "a product of all instead of all others": (others, (lambda g, y, x, axis=None: np.sum(g * y) / x - g * y / x,)),
    "powers one too high": (moments, (TABLE[moments].vjps[0], lambda h, y, g, x, shape=(): g * np.polyval(h, x))),
    "left and right sample swapped": (
        np.interp,
        (lambda *args, **ends: [lambda c=c: np.flip(c()) if c().ndim else c() for c in INTERP(*args, **ends)],),
    ),
    "an odd reflection taken for an even one": (
        np.pad,
        (lambda *args, reflect_type="", **params: PAD(*args, **params),),
    ),
    "the sign of the plane's normal": (np.cross, (lambda *args, **params: -CROSS[0](*args, **params), CROSS[1])),
    "the exponent left in": (np.frexp, (lambda g, y, x: g[0] * 2.0,)),
    "the last of equal ones alone": (cummax, (lambda g, y, x, axis=0: g * np.equal(x, y),)),
    "residual dropped to uniform": (
        minigrad.softmax,
        (lambda g, y, x, axis=-1: y * (g - np.mean(g, axis=axis, keepdims=True)),),
    ),
}


@pytest.mark.parametrize("mistake", WRONG_GRADIENTS)
def test_a_wrong_gradient_is_caught(mistake: str) -> None:
    function, rules = WRONG_GRADIENTS[mistake]
    assert caught(check_gradient, function, vjps=rules)


@pytest.mark.parametrize(
    "mistake", [m for m, (f, rules) in WRONG_GRADIENTS.items() if analytic(TABLE[f]) and all(rules)]
)
def test_a_wrong_gradient_is_caught_by_the_complex_step(mistake: str) -> None:
    function, rules = WRONG_GRADIENTS[mistake]
    assert caught(check_complex_step, function, vjps=rules)


def test_the_complex_step_sees_what_differences_cannot() -> None:
    """A part in 10¹¹ is lost in finite differences, and not here."""
    rules = (lambda g, y, x: g * y * (1 + 1e-11),)
    assert caught(check_complex_step, np.exp, vjps=rules)


@pytest.mark.parametrize(
    ("function", "rules"),
    [
        (np.tanh, (lambda t, y, x: -t * (1 - y * y),)),
        (np.tanh, (lambda t, y, x: t * (1 - y * y) * NEARLY,)),
        (np.multiply, (lambda t, y, a, b: t * a, lambda t, y, a, b: t * b)),
        (np.matmul, (lambda t, y, a, b: a @ t, lambda t, y, a, b: a @ t)),
        (np.stack, (lambda ts, y, *xs, axis=0: np.stack(ts[::-1], axis=axis),)),
        (np.cumsum, (lambda t, y, x, axis=None: np.flip(np.cumsum(np.flip(t, axis), axis or 0), axis),)),
    ],
    ids=["sign", "factor", "swapped", "left for right", "order", "transposed"],
)
def test_a_wrong_jvp_is_caught(function: Any, rules: tuple[Rule, ...]) -> None:
    assert caught(check_gradient, function, jvps=rules)


def test_a_jvp_that_only_nearly_fits_the_vjp_is_caught() -> None:
    """Both within the tolerance of finite differences; <v, Jt> = <Jᵀv, t> is a few roundings wide."""
    assert caught(check_gradient, np.exp, jvps=(lambda t, y, x: t * y * (1 + 1e-12),))


def test_a_jvp_that_goes_wrong_on_values_is_caught() -> None:
    def rule(t: Any, y: Any, x: Any) -> Any:
        return t * y if isinstance(y, Value) else t * y * NEARLY

    assert caught(check_jvp_on_values, np.exp, jvps=(rule,))


def test_missing_broadcasting_is_caught() -> None:
    """An engine that takes the first of the broadcast entries in place of their sum."""

    def first(c: Any, shape: tuple[int, ...], label: str) -> Any:
        c = c[(0,) * (c.ndim - len(shape))]
        return c[tuple(slice(0, n) for n in shape)] if shape else c

    record = TABLE[np.add]
    with (
        patch("minigrad.engine.broadcasting.unbroadcast", first),
        pytest.raises(AssertionError, match="gradient of input"),
    ):
        for example in random_calls(record, CALLS):
            check_gradient(record, example)


def second_order_of(slope: Callable[[Any, Any], Any]) -> tuple[Rule, ...]:
    return (lambda g, y, x: g * slope(y, x),)


@pytest.mark.parametrize(
    ("function", "rules"),
    [
        (np.tanh, second_order_of(lambda y, x: 1 - plain(y) ** 2)),
        (np.tanh, second_order_of(lambda y, x: 1 - y * plain(y))),
        (np.exp, second_order_of(lambda y, x: np.exp(plain(x)))),
        (np.square, (lambda g, y, x: 2 * plain(g) * x,)),
        (np.multiply, (lambda g, y, a, b: g * plain(b), lambda g, y, a, b: g * a)),
        (np.divide, (lambda g, y, a, b: g / b, lambda g, y, a, b: -g * plain(y) / b)),
        (minigrad.softplus, second_order_of(lambda y, x: minigrad.sigmoid(x) + 1e-6 * (x - plain(x)))),
        (np.power, (lambda g, y, a, b: g * plain(b) * a ** (b - 1), TABLE[np.power].vjps[1])),
    ],
    ids=["tanh", "half of tanh", "exp", "cotangent", "other operand", "y of /", "a part in 10⁶", "exponent"],
)
def test_a_constant_in_place_of_a_value_is_caught_at_second_order(function: Any, rules: tuple[Rule, ...]) -> None:
    """First order is right: only the derivative of the rule itself is wrong."""
    record = TABLE[function]
    with patch.dict(TABLE, {function: replace(record, vjps=rules)}):
        for example in random_calls(record, CALLS):
            check_gradient(TABLE[function], example)
    assert caught(check_second_order, function, vjps=rules)


def test_a_residual_kept_at_second_order_is_caught() -> None:
    """What the engine would do if it did not drop what the forward pass saved."""
    record = TABLE[minigrad.cross_entropy]

    def rule(g: Any, y: Any, logits: Any, targets: Any, saved: Any = None) -> Any:
        return record.vjps[0](g, y, plain(logits), targets, saved)  # type: ignore[misc]

    assert caught(check_second_order, minigrad.cross_entropy, vjps=(rule, None))


def mutate_cotangent(g: Any, y: Any, x: Any) -> Any:
    g *= y
    return g


def mutate_input(g: Any, y: Any, x: Any) -> Any:
    x *= 2
    return g * y


def mutate_output(g: Any, y: Any, x: Any) -> Any:
    y *= g
    return y * 1


@pytest.mark.parametrize("rule", [mutate_cotangent, mutate_input, mutate_output], ids=lambda rule: rule.__name__)
def test_a_rule_that_mutates_is_caught(rule: Rule) -> None:
    record = TABLE[np.exp]
    planted = replace(record, vjps=(rule,))
    x, v = np.array([0.5, -1.0]), np.array([2.0, 3.0])
    with patch.dict(TABLE, {np.exp: planted}), pytest.raises(AssertionError, match="mutated"):
        gradients_of(planted, (x,), {}, v)


def test_gradients_that_share_memory_are_caught() -> None:
    """A rule for both operands that hands out one array, against an engine that keeps what it is given."""
    record = TABLE[np.add]
    assert record.vjps[0](v := np.ones(2), None, v, v) is v  # type: ignore[misc]
    for example in random_calls(record, CALLS):
        y = invoke(record, example.inputs, example.params)
        gradients_of(record, example.inputs, example.params, example.directions()(y))
    with (
        patch("minigrad.engine.value.unaliased", lambda g, taken: g),
        pytest.raises(AssertionError, match="shares memory"),
    ):
        gradients_of(record, (np.ones(2), np.zeros(2)), {}, np.array([2.0, 3.0]))
