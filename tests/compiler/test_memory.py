"""The memory of compiled programs, in bytes of their plans: no clock and no allocator is asked."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiler.bits import check

import minigrad
from minigrad.compiler.blocking import IN_PYTHON, Blocks
from minigrad.compiler.buffers import LINE, Plan, plan_buffers
from minigrad.compiler.native import why_not
from minigrad.compiler.native.run import NATIVE, NativeStep
from minigrad.compiler.passes import early_tests, optimise
from minigrad.tracing.arguments import Describer
from minigrad.tracing.program import Program
from minigrad.tracing.tracer import trace_function

RNG = np.random.default_rng(0)
SMALL = 20_000  # bytes: all that is not as long as the data

native = pytest.mark.skipif(bool(why_not()), reason=why_not())


def improved(f: Callable[..., Any], *args: Any) -> Program:
    return optimise(trace_function(f, Describer(f, ()).describe(args, {})))


def planned(f: Callable[..., Any], *args: Any, blocks: Blocks = IN_PYTHON) -> Plan:
    return plan_buffers(improved(f, *args), frozenset(), False, blocks)


def arena(f: Callable[..., Any], *args: Any) -> int:
    """The bytes that the executor keeps for a function: numbers, buffers and scratch."""
    program = improved(f, *args)
    return NativeStep(program, plan_buffers(program, frozenset(), False, NATIVE)).size


# ------------------------------------------------------------------------------------- logistic regression

ROWS = 40_000
X, TARGET, W = RNG.normal(size=(ROWS, 3)), (RNG.random(ROWS) > 0.5) * 1.0, RNG.normal(size=3)


def logistic(x: Any, y: Any, w: Any) -> Any:
    z = x @ w
    return np.mean(minigrad.softplus(z) - y * z)


REGRESSION = minigrad.value_and_grad(logistic, 2)


@native
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logistic_regression_keeps_two_arrays_and_the_signs(dtype: Any) -> None:
    """Written by hand, it takes three."""
    data = [x.astype(dtype) for x in (X, TARGET, W)]
    check(REGRESSION, data, what="logistic regression")
    assert arena(REGRESSION, *data) <= 2 * data[1].nbytes + ROWS + 4 * NATIVE.size + SMALL


def test_a_comparison_of_the_sweep_runs_where_its_operand_is_made() -> None:
    program = improved(REGRESSION, X, TARGET, W)
    (test,) = [i for i, s in enumerate(program.steps) if program.samples[s.out].dtype == bool]
    assert program.steps[test - 1].out in program.steps[test].args and not program.steps[test].backward


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(minigrad.softplus(x * 2.0) * (x * 2.0)),  # the sweep reads x * 2 for the product, too
        lambda x: np.sum(minigrad.softplus(x)),  # an argument, which is there anyway
    ],
)
def test_a_comparison_that_frees_nothing_stays_in_the_sweep(f: Any) -> None:
    program = improved(minigrad.grad(f), TARGET)
    tests = [s for s in program.steps if np.asarray(program.samples[s.out]).dtype == bool]
    assert tests and all(step.backward for step in tests)


def test_small_comparisons_stay_in_the_sweep() -> None:
    x = TARGET[: early_tests.LEAST // 8 - 1]
    program = improved(minigrad.grad(lambda x: np.sum(minigrad.softplus(x * 2.0))), x)
    tests = [s for s in program.steps if np.asarray(program.samples[s.out]).dtype == bool]
    assert tests and all(step.backward for step in tests)


def test_an_early_comparison_of_nan_warns_as_eager_code() -> None:
    z = np.where(TARGET == 0, np.nan, X[:, 0])
    f = minigrad.value_and_grad(lambda z: np.sum(minigrad.softplus(z * 2.0)))
    c = minigrad.compile(f)
    found = []
    for g in (f, c, c):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            g(z)
        found.append([str(w.message) for w in caught])
    assert found[0] == found[1] == found[2]


# ------------------------------------------------------------------------------------------------- blocks

LONG, MIXED = RNG.normal(size=(2, 100_000)), RNG.normal(size=(2, 2))


def test_a_loop_over_blocks_overwrites_an_array_of_the_same_size_that_it_has_read() -> None:
    """The product dies in the loop, whose result takes its place block by block."""

    def f(x: Any) -> Any:
        z = MIXED @ x
        return np.sum(np.sqrt(np.exp(z) * 0.5))

    check(f, [LONG], what="in place, in blocks")
    assert planned(f, LONG).size <= LONG.nbytes + 2 * IN_PYTHON.size


@native
def test_a_block_is_converted_in_place_of_the_whole_array() -> None:
    def f(x: Any, flags: Any) -> Any:
        return np.sum(np.sqrt(np.abs(x) + 1.0) * flags + x)

    flags = TARGET > 0
    for dtype in (np.float64, np.float32):
        x = X[:, 0].astype(dtype)
        check(f, [x, flags], what=f"{dtype} times bool")
        assert arena(f, x, flags) <= x.nbytes + 6 * NATIVE.size + SMALL


@native
def test_scratch_of_one_step_is_that_of_the_next() -> None:
    flags = np.array([[True, False]] * 30)

    def f(x: Any, flags: Any) -> Any:
        for _ in range(20):
            x = x * flags
        return x

    x = RNG.normal(size=flags.shape)
    check(f, [x, flags], what="scratch")
    assert arena(f, x, flags) < 5 * x.nbytes


@native
def test_warnings_of_a_loop_over_blocks_that_starts_with_a_selection() -> None:
    """Selections report nothing, but the steps after them do."""
    f = lambda x, positive: np.log(np.where(positive, x, -1.0)) + x  # noqa: E731
    c, x = minigrad.compile(f), np.abs(X[:, 0])
    c(x, x >= 0)
    with pytest.warns(RuntimeWarning, match="invalid value encountered in log"):
        c(x, x > 1)
    assert c.traces == 1


# ------------------------------------------------------------------------------------------------ reshaping

X3 = RNG.normal(size=(20, 8, 30))
TURNED = {
    "rows": lambda x: np.reshape(np.transpose(x * 2.0, (1, 0, 2)), (8, 600)),
    "short rows": lambda x: np.reshape(np.transpose(x * 2.0, (0, 2, 1)), (20, 240)),
    "an argument": lambda x: np.reshape(x.T, -1),
    "returned, and read": lambda x: (y := np.reshape(x.T, (30, 160)), y * 2.0),
    "no axis": lambda x: np.reshape(x[:1, :1, :1] * 2.0, ()),
}


@pytest.mark.parametrize("name", TURNED)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_reshape_that_copies_gives_numpys_bits_and_new_memory(name: str, dtype: Any) -> None:
    x = X3.astype(dtype)
    check(TURNED[name], [x], [np.asfortranarray(x)], what=name)
    if name != "returned, and read":
        check(minigrad.grad(lambda x: np.sum(np.sin(TURNED[name](x)))), [x], what=name)


@pytest.mark.parametrize("name", ["rows", "short rows"])
def test_a_reshape_that_copies_writes_into_a_buffer(name: str) -> None:
    """Two buffers: of what is read, and of its copy."""

    def f(x: Any) -> Any:
        return np.sum(TURNED[name](x) @ np.ones((TURNED[name](X3).shape[1], 1)))

    assert 2 * X3.nbytes <= planned(f, X3).size < 2.2 * X3.nbytes


# ------------------------------------------------------------------------------------------------- packing


def test_a_large_array_lies_where_two_small_ones_were() -> None:
    def f(a: Any, b: Any) -> Any:
        x, y = np.exp(a), np.exp(b)
        both = np.concatenate([x @ x, y @ y]) * 2.0
        z = np.sin(np.sin(both) @ both.T)
        return np.sum(z)

    a = RNG.normal(size=(16, 16))
    check(f, [a, a * 2.0], what="packed")
    whole = 4 * a.nbytes  # of z
    assert planned(f, a, a * 2.0).size <= 4 * a.nbytes + whole + 10 * LINE


@pytest.mark.parametrize("n", [1, 7, 8, 9, 16])
def test_buffers_do_not_touch(n: int) -> None:
    """Where operands touch, some loops of NumPy take another way than in eager code."""
    x = RNG.normal(size=n)
    program = improved(lambda x: np.sum((y := np.sin(x)) * np.tanh(y)), x)
    plan = plan_buffers(program, frozenset(), False)
    first, second, *_ = sorted({*plan.place.values()})
    assert second - first > x.nbytes and second % LINE == 0
