"""Runs of + - * / in registers: the bits of NumPy's loops, and its warnings, for vectors of every width."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from compiler.bits import check, same
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad.compiler.native import extension, strips, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

WIDTHS = (16, 32, 64)  # bytes; a processor that has no such vectors takes narrower ones
FLOATS = (np.float64, np.float32)
SIZES = (1, 2, 7, 63, 64, 65, 129, 1000, 2049, 5000)  # around strips and blocks
BINARY = (np.add, np.subtract, np.multiply, np.divide)
UNARY = (np.negative, np.square)
OTHERS = (np.sqrt, np.abs, np.maximum)  # they end a run


@pytest.fixture(autouse=True)
def widest_again() -> Iterator[None]:
    yield
    assert extension is not None
    extension.use_vectors(64)


def use_vectors(width: int) -> None:
    assert extension is not None
    if not extension.use_vectors(width):
        pytest.skip("the compiler has no vectors")


def hard(n: int, dtype: Any, rng: np.random.Generator) -> Any:
    """Ordinary numbers, and now and then one at the edge of the format."""
    info = np.finfo(dtype)
    edges = np.array([np.nan, np.inf, -np.inf, 0, -0.0, info.max, info.min, info.tiny, info.smallest_subnormal, 1])
    x = rng.normal(size=n)
    where = rng.random(n) < rng.choice([0.0, 0.02, 0.5])
    return np.where(where, rng.choice(edges.astype(dtype), n), x).astype(dtype)


def heard(f: Callable[..., Any], *args: Any) -> tuple[set[str], Any]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        result = f(*args)
    return {str(one.message) for one in found}, result


def a_program(rng: np.random.Generator) -> Callable[..., Any]:
    """A function of two arrays and a number that does up to thirty operations on them and on constants."""
    steps = []
    for k in range(rng.integers(2, 30)):
        function = rng.choice([*BINARY * 4, *UNARY, *OTHERS])
        recent = k + 1 if rng.random() < 0.7 else rng.integers(0, k + 2)
        other = rng.choice([-1, -2, rng.integers(0, k + 2)])  # the number, a constant, or an earlier array
        steps.append((function, [recent, other][:: rng.choice([1, -1])], float(rng.choice([0.5, -3.7, 1e30, 3.0]))))
    kept = rng.random(len(steps)) < 0.2

    def f(x: Any, y: Any, s: Any) -> Any:
        found, read = [x, y], set()
        for function, (a, b), constant in steps:
            if function.nin == 1:
                a, b = max(a, b), None
            operands = [s if k == -1 else constant if k == -2 else found[k] for k in (a, b) if k is not None]
            read |= {a, b}
            found.append(function(*operands))
        return [y for k, y in enumerate(found) if k > 1 and (k not in read or kept[k - 2])]

    return f


@pytest.mark.parametrize("width", WIDTHS)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.sampled_from(SIZES), dtype=st.sampled_from(FLOATS))
def test_random_programs(width: int, seed: int, n: int, dtype: Any) -> None:
    use_vectors(width)
    rng = np.random.default_rng(seed)
    f, s = a_program(rng), dtype(rng.choice([1.5, -0.0, np.inf, 1e-30]))
    x, y = hard(n, dtype, rng), hard(n, dtype, rng)
    c, in_python = check(f, [x, y, s]), minigrad.compile(f, native=False)  # the same steps
    assert c.native
    with np.errstate(all="ignore"):
        in_python(x, y, s)
    for one in (x, hard(n, dtype, rng)):
        with np.errstate(all="warn"):
            (theirs, want), (ours, got) = heard(in_python, one, y, s), heard(c, one, y, s)
        assert ours == theirs and all(map(same, got, want))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", SIZES)
def test_every_operation_with_both_kinds_of_operands(width: int, dtype: Any, n: int) -> None:
    use_vectors(width)
    rng = np.random.default_rng(n)
    for function in BINARY:
        pairs: list[Callable[..., Any]] = [
            lambda a, b, s, f=function: f(f(a + b, s), b),
            lambda a, b, s, f=function: f(b, f(s, a - b)),
            lambda a, b, s, f=function: f(f(a, a), f(b, b)) * s,
            lambda a, b, s, f=function: np.square(-f(a, b)) + f(0.1, a),
        ]
        for f in pairs:
            check(f, [rng.normal(size=n).astype(dtype), hard(n, dtype, rng), dtype(0.3)])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("n", SIZES)
def test_flags_are_reported_for_the_step_that_raised_them(width: int, n: int) -> None:
    """Though a donated array is overwritten by the run that raises them; wherever the entry is."""
    use_vectors(width)

    def f(w: Any, x: Any) -> Any:
        return ((w * 2 - 1) / x + 3) * 1e10

    c = minigrad.compile(f, donate="w")
    ones = np.ones(n)
    assert heard(c, ones.copy(), ones)[0] == set()
    for bad, message in ((0.0, "divide by zero"), (1e-300, "overflow"), (np.inf, "")):
        for at in {0, n // 2, n - 1}:
            x = ones.copy()
            x[at] = bad
            ours, got = heard(c, ones.copy(), x)
            theirs, want = heard(f, ones, x)
            assert ours == theirs and same(got, want) and (message in "".join(ours))


def test_a_chain_reports_though_its_first_step_has_no_flags() -> None:
    def f(m: Any, x: Any) -> Any:
        return np.where(m, x, 2.0) / (x - x)

    c = minigrad.compile(f)
    x = np.linspace(1, 2, 3000)
    with np.errstate(all="ignore"):
        c(x > 1.5, x)
    assert heard(c, x > 1.5, x)[0] == heard(f, x > 1.5, x)[0] != set()


def test_what_is_read_by_the_next_step_alone_stays_in_registers() -> None:
    """Of twenty operations one result is stored, and one that is read twice."""
    stored: list[int] = []
    original = strips._Run.store
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strips._Run, "store", lambda *a: (stored.append(1), original(*a))[1])

        def f(x: Any) -> Any:
            y = (x * 0.5 + 1.0) / 3
            return y * (y - 0.25) / 1.5 + x

        check(f, [np.linspace(0, 1, 1000)])
    assert len(stored) == 2


@pytest.mark.parametrize("n", [70, 1000])
def test_memory_that_a_run_reads_is_not_reused_a_little_further_on(n: int) -> None:
    """The buffer of w is free once a is there; the result of the run may lie in it only if u does not."""

    def f(x: Any) -> Any:
        w = np.exp(x)
        u = w[1:]
        a = u * 2.0
        b = a + 1.0
        return np.tanh(b * b - a - 3.0)

    check(f, [np.linspace(-1, 1, n + 1)])
    c = minigrad.compile(f)
    x = np.linspace(-1, 300, n + 1)
    with np.errstate(all="ignore"):
        c(x)
    ours, theirs = heard(c, x * 2), heard(f, x * 2)
    assert ours[0] == theirs[0] != set() and same(ours[1], theirs[1])


@pytest.mark.parametrize("n", [5, 5000])
def test_numbers_that_are_converted_before_a_chain_lie_apart(n: int) -> None:
    check(lambda x, s, t: (x * s + x * t) * x, [np.linspace(0, 1, n), np.float32(3), np.float32(50)])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [1, 5, 255, 256, 257, 3001])
def test_saturated_slopes_of_tanh_have_all_digits(width: int, dtype: Any, n: int) -> None:
    """The constant in loops.c is that of the rule: on both sides of it the bits are eager's."""
    use_vectors(width)
    edge = np.arctanh(np.sqrt(1 - 0.02))
    for x in (np.linspace(-25, 25, n), np.linspace(-edge, edge, n), np.linspace(-1, 1, n), np.full(n, np.nan)):
        x = np.concatenate([x, edge + np.arange(-40, 40) * 1e-16]).astype(dtype)
        for wanted in (x, np.stack([x, x[::-1]]), np.tile(x, (3, 2)).T):
            check(minigrad.value_and_grad(lambda x: np.sum(np.tanh(x) * 1.5)), [wanted])
