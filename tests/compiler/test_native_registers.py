"""What a program computes with numbers runs on the register machine: eager's bits, warnings and errors."""

from __future__ import annotations

import itertools
import operator
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad import grad, value_and_grad
from minigrad.compiler.native import extension, why_not
from minigrad.compiler.native.registers import Form, Registers
from minigrad.engine.tree import leaves
from minigrad.tracing.program import same_bits

from .test_scalar_codegen import FUNCTIONS, SPECIAL

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "the extension is there")

OPERATIONS = [] if extension is None else [name for name, _, _ in extension.operations()]
UFUNCS = sorted(
    {f for f in vars(np).values() if isinstance(f, np.ufunc) and f.nout == 1 and f.nin < 3 and not f.signature},
    key=lambda f: f.__name__,
)
OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.floordiv,
    operator.mod,
]
OPERATORS += [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
HARD = (*SPECIAL, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, -7.0, 1e16, 1.0 + 2**-52)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that are written from now on."""
    found: list[str] = []
    write = Registers.write

    def noting(self: Registers, first: int, forms: list[Form]) -> Any:
        found.extend(operation for operation, _, _ in forms)
        return write(self, first, forms)

    monkeypatch.setattr(Registers, "write", noting)
    return found


def outcome(f: Callable[..., Any], *args: Any, **errors: Any) -> Any:
    """The result, or the error, and the different warnings in their order."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(**{"all": "warn"} | errors):
        warnings.simplefilter("always")
        try:
            result: Any = leaves(f(*args))
        except FloatingPointError as error:
            result = str(error)
    return result, [*dict.fromkeys(str(w.message) for w in caught)]  # what a program computes twice is merged


def assert_same(f: Callable[..., Any], *args: Any, compiled: Any = None, **errors: Any) -> None:
    """Compiled code gives the bits, the types and the warnings of eager code."""
    compiled = compiled or compiled_quietly(f, *args)
    (got, noted), (want, expected) = outcome(compiled, *args, **errors), outcome(f, *args, **errors)
    assert noted == expected, (args, errors)
    if isinstance(want, str):
        assert got == want
        return
    want = [x[()] if isinstance(x, np.ndarray) and not x.ndim else x for x in want]
    for a, b in zip(got, want, strict=True):
        assert type(a) is type(b) and same_bits(a, b), (args, a, b)


def compiled_quietly(f: Callable[..., Any], *args: Any) -> Any:
    """The compiled function, traced on these arguments."""
    compiled = minigrad.compile(f)
    with np.errstate(all="ignore"):
        compiled(*args)
    assert compiled.native, compiled.native
    return compiled


def points(count: int) -> Iterator[tuple[np.float64, ...]]:
    return itertools.product(map(np.float64, HARD), repeat=count)


# ------------------------------------------------------------------------------------------- each operation


def answers(f: Any, count: int) -> bool:
    """Whether a function computes numbers with numbers."""
    try:
        with np.errstate(all="ignore"):
            return isinstance(f(*[np.float64(0.5)] * count), (float, np.bool_))
    except TypeError:
        return False


CASES = [*[(f, f.nin) for f in UFUNCS], *[(f, 2) for f in OPERATORS], (np.float64, 1)]


@pytest.mark.parametrize(
    ("f", "count"), [c for c in CASES if answers(*c)], ids=lambda x: getattr(x, "__name__", "")
)
def test_each_function_has_the_bits_and_the_warnings_of_numpy(f: Any, count: int, written: list[str]) -> None:
    def called(*x: Any) -> Any:
        return f(*x)

    try:
        compiled = compiled_quietly(called, *[np.float64(0.5)] * count)
    except (minigrad.errors.TracingError, TypeError):  # NumPy has functions without a place in the table
        pytest.skip("minigrad does not record it")
    if not written:
        pytest.skip("Python runs it")
    for x in points(count):
        assert_same(called, *x, compiled=compiled)
        assert_same(called, *x, compiled=compiled, all="raise")


def test_most_operations_were_compared_with_a_function_of_numpy() -> None:
    """The others, and why, are here: a new one needs a test of its own."""
    functions = {f.__name__ for f, count in CASES if answers(f, count)}
    others = {"end", "load", "add_at", "zero", "copy_bytes", "call", "nan_or"}  # of the machine
    others |= {
        "copy",
        "bounded",
        "where",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "invert",
        "neg",
        "abs",
    }  # below
    assert {*OPERATIONS} - functions <= others


@pytest.mark.parametrize("f", [f for f in UFUNCS if answers(f, f.nin)], ids=lambda f: f.__name__)
def test_loops_called_on_one_number_give_the_last_digits_of_eager_code(f: Any) -> None:
    """NumPy's loops choose their way by steps and places: np.power squares where it has one exponent, 2."""
    rng = np.random.default_rng(0)
    try:
        compiled = compiled_quietly(lambda *x: f(*x), *[np.float64(0.5)] * f.nin)
    except (minigrad.errors.TracingError, TypeError):
        pytest.skip("minigrad does not record it")
    with np.errstate(all="ignore"):
        for x in rng.uniform(0.01, 4, (300, f.nin)):
            assert same_bits(compiled(*x), f(*x)), x


@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e-140, 1e140, 1e150])
def test_squares_have_the_bits_of_pow(scale: float) -> None:
    """They are not those of a * a: of 1,000 squares, one is off in the last place."""
    rng = np.random.default_rng(0)
    a = rng.uniform(1, 2, 40_000)
    with np.errstate(all="ignore"):
        some = minigrad.compile(lambda xs: [x**2 for x in xs])
        for xs in np.split(a * scale, 400):
            given = [*xs]
            assert some(given) == [x**2 for x in given]


def test_truth_values_combine() -> None:
    def f(a: Any, b: Any, c: Any) -> Any:
        p, q = a > b, b >= c
        return (
            p & q, p | q, p ^ q, ~p, np.logical_and(a, q), np.logical_or(p, c), np.logical_xor(a, b),
            np.where(p, a, b), np.where(p & q, q, p), np.where(a, 1, b), p / b,
            a * p, a + q, p / q, np.isnan(c) | p,
        )  # fmt: skip

    compiled = compiled_quietly(f, *map(np.float64, (1, 2, 3)))
    for x in itertools.product(map(np.float64, (0.0, -0.0, 1.5, -2.0, np.inf, np.nan)), repeat=3):
        assert_same(f, *x, compiled=compiled)
    truths = compiled_quietly(lambda p, q: (p & q, ~p, np.where(p, 2.0, 3.0)), np.True_, np.False_)
    for p, q in itertools.product((np.True_, np.False_), repeat=2):
        assert leaves(truths(p, q)) == [p & q, ~p, 2.0 if p else 3.0]


def test_integers_and_floats_of_python_beside_numbers() -> None:
    def f(a: Any) -> Any:
        return (
            a * 2,
            3 - a,
            a**2,
            2**a,
            a / 3,
            7 // a,
            a > 1,
            a == 1,
            np.maximum(a, 0),
            a * True,
            a + 2.5,
            np.hypot(a, 1),
        )

    for x in (-1.5, 0.0, 1.0, 3.25):
        assert_same(f, np.float64(x))
    g = minigrad.compile(lambda a, b: a * b + a / b)
    assert same_bits(g(0.1, 0.7), np.float64(0.1) * 0.7 + 0.1 / 0.7)
    with np.errstate(divide="ignore"):
        assert same_bits(g(1.0, 0.0), np.float64(np.inf))


@pytest.mark.parametrize("n", [2**53 + 1, 10**20])
def test_integers_that_are_no_floats_are_left_to_numpy(n: int, written: list[str]) -> None:
    f = minigrad.compile(lambda a: a < n)
    for x in (1.0, 2.0**53, 1e20, np.inf):
        assert f(np.float64(x)) == (np.float64(x) < n)
    assert not written


def test_arithmetic_calls_no_loop(written: list[str]) -> None:
    compiled_quietly(lambda a, b: ((a + b) * a - b) / a ** np.sqrt(b), np.float64(1.0), np.float64(2.0))
    assert {*written} == {"add", "multiply", "subtract", "divide", "pow", "sqrt"}


def test_sums_of_truth_values_are_truth_values() -> None:
    def f(a: Any, b: Any) -> Any:
        p, q = a > 0, b > 0
        return p + q, p * q, np.maximum(p, q), np.minimum(p, q), (p + q) * 2.5

    compiled = compiled_quietly(f, np.float64(1.0), np.float64(1.0))
    for x in itertools.product(map(np.float64, (-1, 1)), repeat=2):
        assert_same(f, *x, compiled=compiled)


def test_no_operation_adds_truth_values() -> None:
    """Not in a sweep either, where the names of errors do not matter."""
    registers = Registers.__new__(Registers)
    registers.find_loop = extension.find_loop  # type: ignore[union-attr]
    for f in (operator.add, operator.mul, np.add, np.maximum):
        assert registers._choose(f, True, True, (np.bool_, np.bool_)) is None
        assert registers._choose(f, True, False, (np.float64, np.bool_))[0] != "call"  # type: ignore[index]


@pytest.mark.parametrize("number", [float(n) for n in range(14)])
def test_a_number_is_not_taken_for_the_variable_of_that_number(number: float) -> None:
    def f(a: Any) -> Any:
        y = a
        for _ in range(12):
            y = number - (y - a * number)
        return y

    assert_same(value_and_grad(f), np.float64(-1.7))


# ----------------------------------------------------------------------------------------------- whole programs


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_and_gradients_have_the_bits_of_eager_at_every_special_number(name: str) -> None:
    f = FUNCTIONS[name]
    both = value_and_grad(f, (0, 1))
    compiled = compiled_quietly(both, np.float64(0.5), np.float64(2.0))
    for x in itertools.product(map(np.float64, SPECIAL), repeat=2):
        with np.errstate(all="ignore"):
            got, want = leaves(compiled(*x)), leaves(both(*x))
        assert all(map(same_bits, got, want)), (x, got, want)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_floats_of_python_need_no_python(name: str) -> None:
    """Not even as arguments without a gradient, for which a rule gets a float of Python."""
    f = value_and_grad(FUNCTIONS[name])
    compiled = compiled_quietly(f, 0.5, 2.0)
    native, steps = str(compiled.native.why).split()[0::2][:2]
    assert native == steps
    for x in itertools.product((0.5, 1.0, 2.0, 3.5), repeat=2):
        assert all(map(same_bits, leaves(compiled(*x)), leaves(f(*x)))), x


def test_signs_of_floats_of_python() -> None:
    f = compiled_quietly(lambda a: (-a, abs(a), -abs(-a) * 2), 1.5)
    for x in (2.5, -0.0, -3.0, np.inf):
        assert leaves(f(x)) == [-x, abs(x), -abs(x) * 2] and np.signbit(f(x)[0]) != np.signbit(x)


UNARY = [operator.neg, np.tanh, np.exp, minigrad.relu, abs, np.sqrt, np.square, np.sign]
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, np.maximum, operator.pow, np.minimum]


def graph(plan: list[tuple[int, int, int]]) -> Callable[..., Any]:
    """A program with shared parts: operations on anything that was computed before."""

    def f(a: Any, b: Any) -> Any:
        made = [a, b, 1.5]
        for which, i, j in plan:
            x, y = made[i % len(made)], made[j % len(made)]
            if type(x) is not float:
                made.append(UNARY[which](x) if which < len(UNARY) else BINARY[which - len(UNARY)](x, y))
        return sum(made[3:], start=a * b), made[-1]

    return f


PLANS = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 99), st.integers(0, 99)), max_size=25)


@settings(deadline=None)
@given(PLANS, st.tuples(*[st.sampled_from(HARD) | st.floats(-4, 4)] * 2))
def test_random_graphs_of_numbers(plan: Any, at: Any) -> None:
    f, x = graph(plan), tuple(map(np.float64, at))
    compiled = compiled_quietly(f, *x)
    assert_same(f, *x, compiled=compiled)
    first = value_and_grad(lambda a, b: f(a, b)[0], (0, 1))
    gradients = compiled_quietly(first, *x)
    with np.errstate(all="ignore"):
        assert all(map(same_bits, leaves(gradients(*x)), leaves(first(*x))))


def test_cells_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Registers] = []
    start = Registers.__init__
    monkeypatch.setattr(Registers, "__init__", lambda self, *a: (seen.append(self), start(self, *a))[1])

    def f(a: Any, b: Any) -> Any:
        for k in range(500):
            a, b = b * 0.5 + k, a - b
        return a

    compiled = minigrad.compile(f)
    assert same_bits(compiled(np.float64(0.3), np.float64(1.7)), f(np.float64(0.3), np.float64(1.7)))
    cells = len(seen[0].storage.cells) // 8
    assert cells < 500 + 20, "constants, and a few cells for 1,500 numbers"


def test_numbers_that_a_step_in_python_reads_are_kept() -> None:
    """Python computes in between: by a function without a loop."""

    def f(a: Any, b: Any) -> Any:
        y = [a]
        for _ in range(20):
            y.append(y[-1] * 0.9 + b)
        z = np.polyval(np.stack([y[3], y[7]]), b) + minigrad.stop_gradient(y[5])
        for x in y:
            z = z * 0.5 + x
        return z

    assert_same(value_and_grad(f, (0, 1)), np.float64(0.3), np.float64(1.7))


# ------------------------------------------------------------------------------------------ warnings and errors


def test_warnings_come_in_the_order_of_the_operations_and_keep_their_names() -> None:
    def f(a: Any, b: Any) -> Any:
        large = b * 1e308
        return (
            np.log(a),
            b / a,
            np.exp(b * 800),
            large * 10,
            np.sqrt(-b),
            a**-1,
            np.multiply(large, large),
            large + large * 1.5,
        )

    compiled = compiled_quietly(f, np.float64(1.0), np.float64(0.5))
    assert_same(f, np.float64(0.0), np.float64(1.0), compiled=compiled)
    _, noted = outcome(compiled, np.float64(0.0), np.float64(1.0))
    assert [text.rpartition(" in ")[2] for text in noted] == [
        "log", "scalar divide", "exp", "scalar multiply", "sqrt", "scalar power", "multiply", "scalar add",
    ]  # fmt: skip
    for kind in ("divide", "over", "invalid"):
        assert_same(f, np.float64(0.0), np.float64(1.0), compiled=compiled, **{kind: "raise"})
        assert_same(f, np.float64(0.0), np.float64(1.0), compiled=compiled, **{kind: "ignore"})


def test_a_loop_that_clears_the_flags_does_not_hide_an_earlier_error() -> None:
    assert_same(lambda a: np.sign(np.floor(np.exp(a))) + np.isnan(np.maximum(a, a)), np.float64(1000.0))


def test_underflow_is_reported_where_it_is_asked_for() -> None:
    f = minigrad.compile(lambda a: np.exp(a) * 1.0)
    assert f(np.float64(-1000.0)) == 0.0
    with np.errstate(under="raise"), pytest.raises(FloatingPointError, match="underflow encountered in exp"):
        f(np.float64(-1000.0))


@pytest.mark.parametrize("kind", ["divide", "over", "under", "invalid"])
def test_each_kind_of_error_may_be_all_that_is_not_ignored(kind: str) -> None:
    texts = {"divide": "divide by zero", "over": "overflow", "under": "underflow", "invalid": "invalid value"}
    values = dict(zip(texts, (0.0, 1e200, 1e-200, np.nan), strict=True))
    f = minigrad.compile(lambda a: 1 / a if kind == "divide" else (a - np.inf) * 0 if kind == "invalid" else a * a)
    with np.errstate(all="ignore"):
        f(np.float64(1.0))
        at = np.float64(1.0 if kind == "invalid" else values[kind])
        f(at)
        np.seterr(**{kind: "raise"})  # type: ignore[call-overload]
        with pytest.raises(FloatingPointError, match=texts[kind]):
            f(at)


def test_a_function_for_errors_is_called_for_each() -> None:
    noted: list[tuple[str, int]] = []
    f = minigrad.compile(lambda a: np.log(a) - 1 / a)
    f(np.float64(1.0))
    with np.errstate(all="call", call=lambda kind, flag: noted.append((kind, flag))):
        f(np.float64(0.0))
    assert noted == [("divide by zero", 1)] * 2


def test_a_sweep_reports_nothing() -> None:
    compiled = compiled_quietly(grad(lambda a: (a * 1e300) * a), np.float64(1.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compiled(np.float64(1e7)) == 1e300 * 1e7 + 1e300 * 1e7


def test_nan_in_a_gradient_of_numbers_sends_the_caller_to_the_limit() -> None:
    f = value_and_grad(lambda a, b: np.sqrt(a * a) * b + np.sqrt(b))
    compiled = compiled_quietly(f, np.float64(1.0), np.float64(2.0))
    for at in (0.0, -1.0, 2.0):
        with np.errstate(all="ignore"):
            got, want = compiled(np.float64(at), np.float64(4.0)), f(np.float64(at), np.float64(4.0))
        assert all(map(same_bits, leaves(got), leaves(want))), at


# -------------------------------------------------------------------------------------------- entries of arrays

LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "rows": lambda x: x,
    "columns": np.asfortranarray,
    "reversed": lambda x: x[::-1, ::-1],
    "every other": lambda x: np.repeat(np.repeat(x, 2, 0), 2, 1)[::2, ::2],
    "unaligned": lambda x: np.frombuffer(b"1" + x.tobytes(), np.uint8)[1:].view(np.float64).reshape(x.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_entries_of_an_array_and_their_gradient(layout: str, written: list[str]) -> None:
    x = LAYOUTS[layout](np.random.default_rng(0).normal(size=(4, 3)))

    def f(x: Any) -> Any:
        y = x[0, 0] * x[-1, 2] + x[1, np.int64(1)] ** 2 + x[0, 0] * 3.0
        return y + sum(x[i, j] * x[j, 0] for i in range(4) for j in range(3))

    for g in (f, grad(f), value_and_grad(f)):
        assert_same(g, x)
    assert {"load", "add_at"} <= {*written}


def test_a_gradient_that_is_read_before_it_is_complete_is_copied() -> None:
    """The sum over x[0] alone is returned beside the sum over all reads."""

    def f(x: Any) -> Any:
        y = x * 2.0
        inner = grad(lambda z: z[0] * z[1] + z[0] ** 3)(y)
        return inner[0] * y[2] + np.sum(inner * y) + y[0]

    assert_same(value_and_grad(f), np.arange(1.0, 4.0))


def test_a_gradient_whose_first_share_is_a_constant() -> None:
    for f in (
        lambda x: x[1] * x[2] + x[0],
        lambda x: x[0] + x[1] * x[2],
        lambda x: x[2] + x[0],
        lambda x: x[2] * 1.0,
    ):
        assert_same(value_and_grad(f), np.arange(1.0, 4.0))


@pytest.mark.parametrize("b", [2.0, 0.0, -0.0, 1.0, -1.0, 0.5, 3.0, -2.5, np.inf, -np.inf, np.nan])
def test_the_slope_of_a_power_whose_exponent_varies(b: float) -> None:
    f = value_and_grad(lambda a, b: a**b * 1.5, (0, 1))
    compiled = compiled_quietly(f, np.float64(0.5), np.float64(0.7))
    for a in HARD:
        with np.errstate(all="ignore"):
            got, want = leaves(compiled(np.float64(a), np.float64(b))), leaves(f(np.float64(a), np.float64(b)))
        assert all(map(same_bits, got, want)), (a, got, want)


def test_bounds_of_numbers(written: list[str]) -> None:
    f = value_and_grad(lambda a, b: np.clip(a, -1.0, b) * 2.5 + np.clip(a, 0.0, 6.0), (0, 1))
    compiled = compiled_quietly(f, np.float64(0.5), np.float64(2.0))
    assert "call" in written and compiled.native.why.split()[0] == compiled.native.why.split()[2]
    for x in points(2):
        with np.errstate(all="ignore"):
            assert all(map(same_bits, leaves(compiled(*x)), leaves(f(*x)))), x


def test_rows_of_a_matrix_taken_apart() -> None:
    def f(x: Any) -> Any:
        return sum(a * b for row in x for a, b in itertools.pairwise(row))

    assert_same(value_and_grad(f), np.random.default_rng(1).normal(size=(3, 4)))


def test_entries_of_float32_stay_float32() -> None:
    f = value_and_grad(lambda x: x[0] * x[1] + x[2])
    assert_same(f, np.arange(1, 4, dtype=np.float32))


def test_an_array_taken_apart_is_added_up_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Python, too: eager code adds all shares to one array."""
    monkeypatch.setenv("MINIGRAD_NATIVE", "0")
    f = minigrad.compile(grad(lambda x: sum(x[i] * x[i - 1] for i in range(20))))
    f(np.arange(20.0))
    assert f.source.count("plus_at_into(") >= 38 and not f.native


def test_hundreds_of_numbers_come_and_go() -> None:
    def f(xs: Any) -> Any:
        return {"total": sum(xs, start=np.float64(0.0)), "parts": [x * 2 for x in xs]}

    xs = [np.float64(k) / 7 for k in range(300)]
    assert_same(f, xs)
