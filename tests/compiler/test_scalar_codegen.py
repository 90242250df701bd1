"""Numbers alone become Python's floats: to the same bits as eager, whatever the numbers, and nothing raises."""

from __future__ import annotations

import functools
import itertools
import operator
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from checking import OPS
from hypothesis import given
from hypothesis import strategies as st

import minigrad
from minigrad import grad, value_and_grad
from minigrad.check.testing.op_sampling import random_calls
from minigrad.compiler import scalar_codegen, scalar_runtime
from minigrad.engine.op import TABLE
from minigrad.tracing.program import same_bits

SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e-320, 1e308, -1e308, 710.0, -750.0, np.inf, -np.inf, np.nan)
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": lambda a, b: a + b - 2.0 * a,
    "quotient": lambda a, b: a / b,
    "powers": lambda a, b: a**b + a**2 + b**-1,
    "exp": lambda a, b: np.exp(a) * np.expm1(b),
    "log": lambda a, b: np.log(a) + np.log1p(b),
    "tanh": lambda a, b: np.tanh(a * b),
    "sigmoid": lambda a, b: minigrad.sigmoid(a) * minigrad.softplus(b),
    "relu": lambda a, b: minigrad.relu(a) + minigrad.leaky_relu(b),
    "where": lambda a, b: np.where(a > b, a * 2, b),
    "extremes": lambda a, b: np.maximum(a, b) - np.minimum(a, b),
    "roots": lambda a, b: np.sqrt(a) + np.cbrt(b) + abs(a),
    "steps": lambda a, b: np.sign(a) * np.floor(b) + a // b + a % b,
    "tests": lambda a, b: np.where(np.isnan(a) | ~np.isfinite(b), 0.0, a),
    "squares": lambda a, b: np.square(a) - np.reciprocal(b),
    "hypot": lambda a, b: np.hypot(a, b) + np.arctan2(a, b),
    "negations": lambda a, b: -a * b + -(a - b) - -a - (-a - -b) + (-b) / (-a),
}


@pytest.fixture(autouse=True)
def _written_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may be compiled in another way, or run otherwise: `test_native_registers` runs these in C."""
    monkeypatch.setenv("MINIGRAD_NATIVE", "0")
    monkeypatch.setattr("minigrad.compiler.codegen.is_scalar", _must_be)


def _must_be(program: Any) -> bool:
    assert not program.steps or scalar_codegen.is_scalar(program)
    return True


def assert_same(f: Callable[..., Any], points: Any, kind: Any) -> None:
    compiled = minigrad.compile(f)
    for point in points:
        args = [kind(x) for x in point]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = compiled(*args)
            want = f(*args)
        assert _alike(got, want), (point, got, want, compiled.source)
    assert compiled.traces == 1


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(_alike, a, b))
    b = b[()] if isinstance(b, np.ndarray) else b  # as np.where gives it of numbers
    return type(a) is type(b) and same_bits(a, b)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_and_gradients_have_the_bits_of_eager_at_every_special_number(name: str) -> None:
    f = FUNCTIONS[name]
    points = [*itertools.product(SPECIAL, SPECIAL)]
    assert_same(f, points, np.float64)
    assert_same(value_and_grad(f, (0, 1)), points, np.float64)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_floats_of_python_are_taken_as_eager_takes_them(name: str) -> None:
    points = [*itertools.product((0.5, 1.0, 2.0, 3.5), repeat=2)]
    assert_same(value_and_grad(FUNCTIONS[name], (0, 1)), points, float)


@pytest.mark.parametrize("name", ["quotient", "powers", "exp", "tanh", "roots", "squares", "negations"])
def test_second_derivatives_have_the_bits_of_eager(name: str) -> None:
    f = FUNCTIONS[name]
    points = [*itertools.product((0.0, 0.7, -1.3, 40.0, np.inf), repeat=2)]
    assert_same(grad(lambda a, b: grad(f)(a, b) * 1.5, (0, 1)), points, np.float64)


@pytest.mark.parametrize("f", [np.power, np.float_power], ids=lambda f: f.__name__)
@pytest.mark.parametrize("kind", [float, np.float64])
def test_a_ufunc_of_powers_rounds_in_its_own_way(f: Any, kind: Any) -> None:
    """NumPy's loop and C's pow, which a ** b calls, may differ in the last bit."""
    points = np.random.default_rng(0).uniform(0.1, 20, (200, 2))
    assert_same(lambda a, b: f(a, b), points.tolist(), kind)
    assert_same(value_and_grad(lambda a, b: a**b, (0, 1)), points[:20].tolist(), kind)
    assert_same(value_and_grad(lambda a, b: f(a, b), (0, 1)), points[:20].tolist(), kind)


def test_every_elementwise_op_of_the_table_on_numbers() -> None:
    tried = 0
    for op in OPS.values():
        if not isinstance(op.function, np.ufunc) and (not op.vjps or op.vjps is not op.jvps):
            continue
        call = next(c for c in random_calls(op, 1))
        numbers = [np.float64(np.ravel(x)[0]) for x in call.inputs if np.asarray(x).dtype.kind == "f"]
        wants_arrays = getattr(op.function, "signature", None) or op.function is np.nonzero
        if wants_arrays or len(numbers) < len(call.inputs) or isinstance(call(*numbers), tuple):
            continue
        if isinstance(call(*numbers), (float, np.bool_)):
            f = functools.partial(call)
            assert_same(f, [numbers], np.float64)
            if op.vjps:
                assert_same(value_and_grad(f, tuple(range(len(numbers)))), [numbers], np.float64)
            tried += 1
    assert tried > 80


@given(st.data())
def test_random_graphs_of_numbers(data: Any) -> None:
    """Graphs with shared parts: operations on anything that was computed before."""
    unary = [operator.neg, np.tanh, np.exp, minigrad.relu, abs, np.sqrt, np.square]
    binary = [operator.add, operator.sub, operator.mul, operator.truediv, np.maximum, operator.pow]
    plan = data.draw(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 99), st.integers(0, 99)), max_size=12))

    def f(a: Any, b: Any) -> Any:
        made = [a, b, 1.5]
        for which, i, j in plan:
            x, y = made[i % len(made)], made[j % len(made)]
            if not isinstance(x, float) or type(x) is not float:
                made.append(unary[which](x) if which < len(unary) else binary[which - len(unary)](x, y))
        return sum(made[3:], start=a * b)

    point = data.draw(st.tuples(*[st.floats(-4, 4)] * 2))
    assert_same(value_and_grad(f, (0, 1)), [point], np.float64)


def test_warnings_are_those_of_eager_code_where_numpy_itself_answers() -> None:
    f = minigrad.compile(lambda a: np.exp(a) / (a - a))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        f(np.float64(1.0))


@pytest.mark.parametrize("larger", [np.maximum, np.minimum])
def test_truth_values_become_numbers_where_a_number_may_be_chosen(larger: Any) -> None:
    def f(x: Any, y: Any) -> Any:
        return np.sin(larger(x, y > 0)) + np.sin(larger(np.isfinite(y), x))

    for x, y in itertools.product((-2.0, 0.5, 1.0, 3.0, np.nan), (-1.0, 1.0)):
        at = np.float64(x), np.float64(y)
        assert same_bits(minigrad.compile(f)(*at), f(*at)), "the sine of a truth value has four digits"


def test_arithmetic_that_is_read_once_is_written_where_it_is_read() -> None:
    f = minigrad.compile(lambda a, b: a * b + a * 2.0 - (b - a) * b)
    f(np.float64(1.0), np.float64(2.0))
    assert "a * b + a * 2.0 - b * (b - a)" in f.source
    assert "# * * + - * -" in f.source


@pytest.mark.parametrize("number", [float(n) for n in range(14)])
def test_a_number_is_not_taken_for_the_variable_of_that_number(number: float) -> None:
    def f(a: Any) -> Any:
        y = a
        for _ in range(12):
            y = number - (y - a * number)
        return y

    assert_same(f, [(0.3,), (-1.7,)], np.float64)


def test_names_of_arguments_do_not_hide_the_functions_that_are_called() -> None:
    f = minigrad.compile(lambda exp, sqrt, float64: np.exp(exp) + np.sqrt(sqrt) * float64)
    args = np.float64(0.5), np.float64(2.0), np.float64(3.0)
    assert f(*args) == np.exp(0.5) + np.sqrt(2.0) * 3.0


def test_an_expression_does_not_grow_without_end() -> None:
    f = minigrad.compile(lambda a: functools.reduce(lambda s, _: (s + a) * 0.5, range(500), a))
    f(np.float64(1.0))
    assert max(map(len, f.source.splitlines())) < 250


def test_thousands_of_steps_are_one_function() -> None:
    def f(a: Any) -> Any:
        for _ in range(600):
            a = a * 0.999 + 0.001
        return a

    compiled = minigrad.compile(value_and_grad(f))
    got, want = compiled(np.float64(0.3)), value_and_grad(f)(np.float64(0.3))
    assert _alike(got, want)


def test_other_types_are_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minigrad.compiler.codegen.is_scalar", scalar_codegen.is_scalar)
    f = minigrad.compile(lambda a, b: a * b)
    got = f(np.float32(1.1), np.float32(2.3))
    assert type(got) is np.float32 and got == np.float32(1.1) * np.float32(2.3)
    assert minigrad.compile(lambda a: a * 2)(np.int64(3)) == 6


def test_a_wrong_spelling_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison with eager code notices: maximum without its question about nan."""
    wrong = replace(TABLE[np.maximum], on_floats="{0} if {0} > {1} else {1}")
    monkeypatch.setitem(TABLE, np.maximum, wrong)
    with pytest.raises(AssertionError):
        assert_same(lambda a, b: np.maximum(a, b), itertools.product(SPECIAL, SPECIAL), np.float64)


@pytest.mark.parametrize("b", SPECIAL)
def test_helpers_answer_as_numpy_does(b: float) -> None:
    with np.errstate(all="ignore"):
        for a in SPECIAL:
            x, y = np.float64(a), np.float64(b)
            assert same_bits(scalar_runtime.power(a, b), x**y)
            assert same_bits(scalar_runtime.divide(a, b), x / y)
            assert same_bits(scalar_runtime.larger(a, b), np.maximum(x, y))
            assert same_bits(scalar_runtime.root(a), np.sqrt(x))


def test_a_rule_without_a_name_of_its_own_has_that_of_its_op() -> None:
    f = minigrad.compile(grad(lambda x: np.sum(x)))
    assert f(2.0) == 1.0 and "d_sum(" in f.source and "lambda" not in f.source
