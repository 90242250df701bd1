"""The native executor: eager's bits, NumPy's warnings, threads; skipped where the extension is not there."""

from __future__ import annotations

import itertools
import multiprocessing
import pickle
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiler.bits import check, same
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad.compiler import native
from minigrad.compiler.native import translate, why_not
from minigrad.compiler.native.short_rows import repeat_rows

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

FLOATS = st.sampled_from([np.float64, np.float32])
SIDES = st.lists(st.sampled_from([1, 2, 3, 8, 17, 130]), min_size=1, max_size=3).filter(lambda s: np.prod(s) < 4000)


def numbers(shape: Any, dtype: Any, seed: int = 0) -> Any:
    x = np.random.default_rng(seed).normal(size=shape).astype(dtype)
    x.reshape(-1)[::11] *= 0  # zeros of both signs
    return x


def layouts(x: Any) -> dict[str, Any]:
    """The same numbers, laid out in memory in other ways."""
    wide = np.repeat(x, 2, axis=-1)
    return {
        "rows": x,
        "columns": np.asfortranarray(x),
        "strided": wide[..., ::2],
        "reversed": x[..., ::-1].copy()[..., ::-1],
        "turned": np.ascontiguousarray(x.T).T,
    }


def test_it_is_in_use() -> None:
    c = minigrad.compile(lambda x: np.tanh(x) * 2.0 + x)
    c(np.ones(5))
    assert c.native and repr(c.native) == "True (3 of 3 steps)"


def test_it_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    c = minigrad.compile(lambda x: np.tanh(x) * 2.0, native=False)
    c(np.ones(5))
    assert not c.native and "native=False" in c.native.why
    assert pickle.loads(pickle.dumps(minigrad.compile(np.tanh, native=False))).options["native"] is False
    monkeypatch.setenv("MINIGRAD_NATIVE", "0")
    d = minigrad.compile(np.tanh)
    d(np.ones(5))
    assert not d.native and "MINIGRAD_NATIVE" in d.native.why


def test_an_extension_from_other_sources_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert native._load()[0] is not None
    monkeypatch.setattr(native.extension, "sources", 1)
    assert native._load() == (None, "it was built from other sources; pip install -e . builds it anew")


@given(SIDES, FLOATS, st.sampled_from([np.sum, np.max, np.min, np.mean, np.prod]), st.data())
@settings(max_examples=20, deadline=None)
def test_reductions_give_numpys_bits(shape: Any, dtype: Any, f: Any, data: Any) -> None:
    axes = [
        None,
        *range(-len(shape), len(shape)),
        tuple(range(len(shape) - 1)) or None,
        (0, -1) if shape[1:] else 0,
    ]
    axis = data.draw(st.sampled_from(axes))
    keepdims = data.draw(st.booleans())
    x = numbers(shape, dtype)
    for name, laid in layouts(x).items():
        check(lambda a: f(a * a, axis=axis, keepdims=keepdims), [laid], what=name)
        check(lambda a: f(a, axis=axis, keepdims=keepdims), [laid], what=name)


@pytest.mark.parametrize("shape", [(1,), (2,), (1, 2), (2, 1), (2, 2), (1, 2, 2), (2, 1, 3)])
def test_sums_of_negative_zeros_have_numpys_sign(shape: Any) -> None:
    x = np.full(shape, -0.0)
    for axis in (None, *range(len(shape)), tuple(range(1, len(shape)))):
        check(lambda a, axis=axis: (np.sum(a, axis=axis), np.prod(a, axis=axis)), [x])


def test_the_minimum_of_a_reversed_row_is_not_written_by_out() -> None:
    """NumPy 2.1 answers 0 then."""
    x = np.array([[-0.13, 0.0]])[:, ::-1]
    check(lambda a: (np.min(a, axis=-1), np.max(-a, axis=-1) * 2), [x])


@given(st.tuples(*[st.integers(1, 7)] * 4), FLOATS, st.sampled_from([np.matmul, np.dot, np.add.outer]))
@settings(max_examples=6, deadline=None)
def test_products_give_numpys_bits(sides: Any, dtype: Any, f: Any) -> None:
    count, m, n, p = sides
    a, b = numbers((m, n), dtype), numbers((n, p), dtype, 1)
    for left in layouts(a).values():
        for right in layouts(b).values():
            check(lambda x, y: f(x, y) + 1, [left, right])
            check(lambda x, y: f(x, y) + 1, [left[0], right[:, 0]])
    check(lambda x, y: f(x, y) * 2, [a[0], b])
    check(lambda x, y: f(x, y) * 2, [a, b[:, 0].copy()])
    check(lambda x, y: f(x, y) * 2, [a[0], b[:, 0].copy()])
    if f is np.matmul:
        many = numbers((count, m, n), dtype)
        check(lambda x, y: f(x, y) * 2, [many, b])
        check(
            lambda x, y: f(x, y) * 2, [np.swapaxes(many, 1, 2).copy().swapaxes(1, 2), numbers((count, n, p), dtype)]
        )
    check(lambda x: f(x, x.T) * 2, [a])


STACKS = [
    ((4, 1), (1, 3)),
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 3, 2), (2, 1, 2)),
    ((1, 1), (2, 2)),
    ((9, 9), (9, 9)),
]


@pytest.mark.parametrize(("one", "other"), STACKS)
def test_products_of_stacks_of_stacks_give_numpys_bits(one: Any, other: Any) -> None:
    """One call of the loop where the matrices lie evenly, else a few; Python's where they would be many."""
    for m, n, p in ((3, 4, 5), (1, 4, 5), (3, 4, 1), (3, 1, 5)):
        a, b = numbers((*one, m, n), np.float64), numbers((*other, n, p), np.float64, 1)
        turned = np.swapaxes(np.swapaxes(b, -2, -3).copy(), -2, -3)
        for left in (a, np.asfortranarray(a), a[::-1]):
            for right in (b, np.asfortranarray(b), turned):
                check(lambda x, y: x @ y * 2, [left, right])


def test_several_products_in_one_step_warn_once() -> None:
    def f(x: Any, y: Any) -> Any:
        return x @ y + 1.0

    x = np.full((3, 4, 2, 2), 1e200)
    compiled = minigrad.compile(f)
    found = []
    for call in (f, compiled, compiled):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call(x[:, ::-1], x)
        found.append([str(w.message) for w in caught])
    assert found[0] == found[1] == found[2] == ["overflow encountered in matmul"]
    assert str(compiled.native) == "True (2 of 2 steps)"


@pytest.mark.parametrize("shape", [(1,), (3,), (9,), (200,), (3, 4), (1, 5), (5, 1), (2, 3, 4)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sums_of_negative_zeros_start_where_numpys_do(shape: Any, dtype: Any) -> None:
    for f in (np.sum, np.mean, np.prod, np.max):
        for axis in (None, 0, -1):
            check(lambda x, f=f, axis=axis: f(x, axis=axis), [np.full(shape, -0.0, dtype)])


@pytest.mark.parametrize(
    "f", [np.cbrt, np.cosh, np.log1p, np.arccos, np.arcsinh, np.tanh], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_array_of_one_entry_has_a_step_that_counts(f: Any, dtype: Any) -> None:
    """NumPy's loops may round in another way where the step is negative."""
    for x in np.random.default_rng(0).uniform(0.01, 1, (100, 1)).astype(dtype):
        check(f, [x[::-1]])
        check(f, [np.repeat(x, 2)[::2]])


BROADCAST = [(3, 4), (4,), (3, 1), (1, 1), (), (2, 3, 4)]
BINARY = [np.add, np.divide, np.maximum, np.arctan2, np.power, np.greater, np.copysign, np.logaddexp, np.hypot]


def broadcast(f: Any, dtype: Any, every: int) -> None:
    """Check f for shapes that broadcast, on each so many-th pair of layouts."""
    count = 0
    for s, t in itertools.product(BROADCAST, BROADCAST):
        a, b = np.abs(numbers(s or (1,), dtype)), numbers(t or (1,), dtype, 1)
        for x, y in itertools.product(layouts(a).values(), layouts(b).values()):
            count += 1
            if count % every == 0:
                check(lambda x, y: f(x, y), [x if s else x[0], y if t else y[0]], what=f"{s} {t}")


@pytest.mark.parametrize("f", BINARY[::3], ids=lambda f: f.__name__)
def test_broadcasting_gives_numpys_bits(f: Any) -> None:
    broadcast(f, np.float64, 17)


@pytest.mark.slow
@pytest.mark.parametrize("f", BINARY, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_broadcasting_in_all_layouts_gives_numpys_bits(f: Any, dtype: Any) -> None:
    broadcast(f, dtype, 1)


@pytest.mark.parametrize("n", [1, 7, 2047, 2048, 2049, 5000, 70_001])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_blocks_give_the_bits_of_whole_arrays(n: int, dtype: Any) -> None:
    def f(x: Any, y: Any) -> Any:
        a = np.tanh(x) * y + 0.5
        return np.where(a > 0, np.sqrt(np.abs(a)), a / 3), np.sum(a * a), np.maximum(a, y) - x

    x, y = numbers(n, dtype), numbers(n, dtype, 1)
    x[: min(n, 4)] = [np.nan, np.inf, -np.inf, -0.0][: min(n, 4)]
    check(f, [x, y])
    check(minigrad.value_and_grad(lambda x, y: np.sum(f(x, y)[2] ** 2), (0, 1)), [x, y])


def heard(f: Callable[..., Any], *args: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        f(*args)
    return [str(one.message) for one in found]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 1 / x + np.log(x),
        lambda x: np.exp(x * 1000) * 0,
        lambda x: np.sqrt(x - 2) + np.power(x, -1.0),
        lambda x: np.sum(np.exp(x * 709.5)),
        lambda x: np.multiply.reduce((x + 1) * 1e200),
    ],
)
@pytest.mark.parametrize("n", [5, 40_000])
def test_warnings_are_numpys(f: Any, n: int) -> None:
    """The same ones in the same order; with errstate, none or an error."""
    x = np.linspace(0, 3, n)
    c = minigrad.compile(f)
    with np.errstate(all="ignore"):
        c(x)
    assert heard(c, x) == heard(f, x) != []
    with np.errstate(all="ignore"):
        assert heard(c, x) == []
    with np.errstate(all="raise"):
        with pytest.raises(FloatingPointError) as ours:
            c(x)
        with pytest.raises(FloatingPointError) as theirs:
            f(x)
    assert str(ours.value) == str(theirs.value)
    with np.errstate(all="ignore"):
        assert same(c(x), f(x))  # an error leaves nothing behind


def test_a_number_is_converted_at_each_call_though_a_constant_was_for_good() -> None:
    """Steps of one kind are translated once; a constant number and one that is an argument are of two kinds."""
    x = np.linspace(0.1, 1.0, 24).reshape(4, 6)

    def f(x: Any, s: Any) -> Any:
        return x * np.float32(3.3), x * s, x[:, ::2] * np.float32(3.3), x[:, ::2] * s

    for one in (x, x.T):
        check(f, [one, np.float32(1.7)])


@pytest.mark.parametrize("e", [2, 0.5, -1, 3])
def test_powers_of_one_kind_give_numpys_bits_each(e: float) -> None:
    """Later steps of a kind repeat the first one's translation: a square reads one operand, a power two."""

    def f(x: Any, y: Any) -> Any:
        return x**e, (y + 1) ** e, (x * y) ** e, x[:, ::2] ** e, y[:, ::2] ** e, (x + y)[:, ::2] ** e

    x, y = np.linspace(0.1, 1.0, 48).reshape(2, 4, 6)
    check(f, [x, y], [y, x])
    check(minigrad.value_and_grad(lambda x, y: sum(np.sum(z) for z in f(x, y)), (0, 1)), [x, y])


def test_flags_that_others_raised_are_not_reported() -> None:
    c = minigrad.compile(lambda x: x + 1.0)
    c(np.ones(3))
    with np.errstate(all="ignore"):
        np.exp(np.array([1e9]))
        np.divide(1.0, np.zeros(3))
    assert heard(c, np.ones(3)) == []


def test_a_class_that_does_not_exist_raises_as_in_eager_code() -> None:
    c = minigrad.compile(lambda x, y: minigrad.cross_entropy(x * 1.0, y))
    x = numbers((6, 3), np.float64)
    c(x, np.zeros(6, int))
    with pytest.raises(ValueError, match="classes from 0 to 2"):
        c(x, np.array([0, 1, 2, 3, 0, 0]))
    with pytest.raises(ValueError, match="classes from 0 to 2"):
        c(x, np.array([0, 1, 2, -1, 0, 0]))
    assert same(c(x, np.ones(6, int)), minigrad.cross_entropy(x, np.ones(6, int)))


ROWS: dict[str, Any] = {
    "+": lambda x, b: x * 1.0 + b,
    "-": lambda x, b: b - x,
    "* twice": lambda x, b: x * b * b[::-1],
    "/": lambda x, b: x / b,
    "both rows": lambda x, b: np.where(x > 0, b, b[::-1]),
    "compared": lambda x, b: (x < b) * x,
    "maximum": lambda x, b: np.maximum(b, x) - np.minimum(x[0], x),
    "integers": lambda x, b: x * 1.0 + np.arange(x.shape[-1]),
    "columns": lambda x, b: x.T * x[:, -1:].T + x.T,
    "arctan2": lambda x, b: np.arctan2(x, b),
    "slopes": lambda x, b: minigrad.grad(lambda b: np.sum(np.square(x + b) * b))(b),
    "three axes": lambda x, b: np.stack([x, -x]) + b,
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("form", ROWS)
def test_short_rows_that_meet_each_row_of_a_matrix(form: str, dtype: Any) -> None:
    """The row is repeated, where the number of rows is no prime: see `short_rows`."""
    for shape in ((100, 16), (4, 3), (9, 2), (7, 5), (9, 1), (1, 4), (256, 128), (12, 129), (1000, 7), (9, 0)):
        x, b = numbers(shape, dtype), numbers(shape[1:], dtype, 1)
        for y, c in ((x, b), (np.asfortranarray(x), b), (x[::-1], b[::-1]), (x, x[0])):
            check(ROWS[form], [y, c])


def test_one_call_computes_many_short_rows() -> None:
    """Besides those that repeat the row: of 100 rows of 16, ten."""
    found: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translate, "repeat_rows", lambda *a: (found.append(repeat_rows(*a)), found[-1])[1])
        minigrad.compile(lambda x, b: x + b)(np.ones((100, 16)), np.ones(16))
    ((copy, add),) = found
    assert (copy.shape, add.shape) == ((10, 16), (10, 160))


@pytest.mark.parametrize("n", [100, 101])
def test_short_rows_report_their_warning_once(n: int) -> None:
    c = minigrad.compile(lambda x, b: x * b)
    x, b = np.full((n, 3), 2.0), np.array([1.0, 1e308, -1e308])
    c(x, np.ones(3))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        c(x, b)
    assert [str(one.message) for one in heard] == ["overflow encountered in multiply"]


def test_threads_share_a_compiled_function() -> None:
    def f(x: Any) -> Any:
        return np.tanh(x @ x.T) * 2, np.sum(np.exp(-x))

    c = minigrad.compile(f)
    xs = [numbers((130, 140), np.float64, k) for k in range(4)]
    want = [f(x) for x in xs]
    c(xs[0])
    wrong: list[int] = []

    def run(k: int) -> None:
        for _ in range(25):
            got = c(xs[k])
            if not all(map(same, got, want[k])):
                wrong.append(k)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []


def _in_child(connection: Any, c: Any, x: Any) -> None:
    connection.send(c(x))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_goes_on() -> None:
    c = minigrad.compile(lambda x: np.tanh(x) * 2.0 + np.sum(x))
    x = numbers(500, np.float64)
    want = c(x)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=_in_child, args=(theirs, c, x))
    child.start()
    got = ours.recv()
    child.join()
    assert same(got, want)


def test_results_outlive_the_function() -> None:
    """No result is memory of the executor."""
    c = minigrad.compile(lambda x: (x * 2, np.linalg.inv(x + np.eye(3)), (x + 1)[::-1], x.T))
    x = numbers((3, 3), np.float64)
    got = c(x)
    kept = [np.array(y) for y in got]
    c(x * 5), c(x * 7)
    del c
    assert all(map(same, got, kept))
    assert not any(np.may_share_memory(y, x) for y in got)


def test_nothing_is_kept_of_a_call() -> None:
    c = minigrad.compile(lambda x, s: (np.tanh(x) * s, np.linalg.norm(x), s + 1))
    x, s = numbers((40, 40), np.float64), np.float64(3.5)
    c(x, s)
    before = sys.getrefcount(x), sys.getrefcount(s)
    for _ in range(100):
        c(x, s)
    with pytest.raises(FloatingPointError), np.errstate(all="raise"):
        c(x * 1e308, s)
    assert (sys.getrefcount(x), sys.getrefcount(s)) == before


def test_an_error_that_a_loop_of_numpy_raises_is_raised_by_the_call() -> None:
    f = minigrad.compile(lambda x: np.sin(x ** (x - 5) * 1.0))
    f(np.arange(5, 8))
    with pytest.raises(minigrad.errors.ShapeError, match="negative integer powers"):
        f(np.arange(3))
