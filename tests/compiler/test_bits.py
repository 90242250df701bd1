"""Bits that depend on more than numbers: on memory, layout, counts, and the order in which shares are added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiler.bits import assert_same, check
from compiler.test_passes import recorded

import minigrad
from minigrad.compiler import passes
from minigrad.compiler.passes.separate_memory import SeparateMemory
from minigrad.tracing.program import Program, substitute

RNG = np.random.default_rng(0)
A = RNG.normal(size=(37, 50))

# Products of a matrix and its transpose in memory of its own: BLAS takes another routine if both are one.
PRODUCTS: dict[str, Callable[..., Any]] = {
    "a copy": lambda x: x @ x.copy().T,
    "a copy on the left": lambda x: x.T @ x.copy(),
    "times 1": lambda x: x @ (x * 1.0).T,
    "minus minus": lambda x: np.dot(x, np.negative(-x).T),
    "one function twice": lambda x: np.tanh(x) @ np.tanh(x).T,
    "of functions": lambda x: np.dot(np.sin(x) * x, (np.sin(x) * x).T),
    "in a stack": lambda x: np.stack([x, x]) @ np.swapaxes(np.stack([x, x]), 1, 2),
    "the same": lambda x: x @ x.T,
    "the same and a copy": lambda x: x @ x.T + x @ x.copy().T,
}


def shared_memory(program: Program, x: Any) -> list[bool]:
    """For each product of a program, whether its operands share memory."""
    values: dict[Any, Any] = {program.inputs[0]: x}
    found = []
    for step in program.steps:
        args = substitute(step.args, values)
        values[step.out] = step.function(*args, **substitute(step.kwargs, values))
        if step.label in ("@", "dot"):
            found.append(np.may_share_memory(*args))
    return found


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_reads_one_memory_only_where_eager_code_does(name: str) -> None:
    f = PRODUCTS[name]
    program = recorded(f, A)
    assert shared_memory(passes.optimise(program), A) == shared_memory(program, A)
    check(f, [A], what=name)
    check(minigrad.grad(lambda x: np.sum(np.sin(f(x)))), [A], what=name)


def test_an_argument_given_twice_may_be_one_memory() -> None:
    check(lambda x, y: x @ (y * 1.0).T, [A, A])
    check(lambda x, y: x @ y.T, [A, A])
    check(lambda x, g: minigrad.vjp(lambda z: z @ x.T, x)[1](g), [A[:, :37].copy(), A[:, :37].copy()])


def test_arrays_that_no_product_reads_together_are_merged() -> None:
    ones = np.ones((50, 2))
    program = recorded(lambda x: np.exp(x) @ ones - np.exp(x.copy()) @ ones, A)
    assert [step.label for step in passes.optimise(program).steps] == ["exp", "@", "-"]
    assert not SeparateMemory(recorded(lambda x: np.exp(x) * np.exp(x), A)).roots


@pytest.mark.parametrize("exponent", [2.0, 0.5, -1.0, 0.0, 3.0])
def test_an_array_of_equal_exponents_stays_an_array(exponent: float) -> None:
    """For one number np.power squares, takes roots or inverts."""
    x, all_alike = RNG.uniform(0.1, 3, (50, 37)), np.full((50, 37), exponent)
    for f in (np.power, np.float_power, np.arctan2, np.hypot, np.remainder, np.copysign):
        check(lambda x, f=f: f(x, all_alike), [x], what=f.__name__)
    check(minigrad.grad(lambda x: np.sum(np.power(x, all_alike))), [x])


CHECKPOINTED: dict[str, Callable[..., Any]] = {
    "read outside too": lambda x: np.sin(minigrad.checkpoint(lambda z: np.tanh(z) * z)(x)),
    "given twice": lambda x: minigrad.checkpoint(lambda a, b: np.tanh(a) * b * a + b)(x, x),
    "closed over": lambda x: minigrad.checkpoint(lambda a: np.tanh(a) * x * a + x * x)(np.cos(x)),
    "given and closed over": lambda x: minigrad.checkpoint(lambda a: a * x + np.sin(a) * a * x)(x),
    "added in place": lambda x: minigrad.checkpoint(lambda a: a[1:] * a[:-1] + np.sin(a[1:]) * x[1:])(x),
    "two results": lambda x: np.multiply(*minigrad.checkpoint(lambda a: (a * x, np.sin(a) * a * x))(x * x)),
    "nested": lambda x: minigrad.checkpoint(
        lambda a: minigrad.checkpoint(lambda b: np.tanh(a) * x * b + x * x)(a * x) + x * a
    )(np.cos(x)),
}


@pytest.mark.parametrize("name", CHECKPOINTED)
def test_shares_of_a_checkpoint_are_added_in_the_order_of_eager_code(name: str) -> None:
    """In each of twelve draws some entries were another float while shares went straight to the input."""
    f = CHECKPOINTED[name]
    loss = minigrad.grad(lambda x: np.sum(np.sin(f(x))) + np.sum(np.sin(x) * x))
    check(loss, *([np.random.default_rng(seed).normal(size=7)] for seed in range(12)), what=name)


def test_a_count_that_float32_does_not_hold_divides_as_in_numpy() -> None:
    """2²⁴ + 1 entries: NumPy divides by the integer."""
    x = np.broadcast_to(np.float32(0.1), 2**24 + 1)
    assert minigrad.compile(np.mean)(x) == np.mean(x)


def test_a_copy_is_laid_out_as_numpys() -> None:
    """Sums of another layout are other floats: in 73 of 100 draws of 5 x 7."""
    for seed in range(10):
        x = np.asfortranarray(np.random.default_rng(seed).normal(size=(5, 7)))
        for f in (
            lambda x: x.copy(), lambda x: x.copy("F"), lambda x: x.copy("K"), lambda x: np.copy(x),
            lambda x: np.copy(x, "C"), lambda x: x.flatten(), lambda x: x.flatten("F"), lambda x: x.T.copy("A"),
        ):  # fmt: skip
            check(lambda x, f=f: np.sum(f(x)), [x], [np.ascontiguousarray(x)])
            y, value = f(x), f(minigrad.Value(x)).data
            assert y.strides == value.strides or f(minigrad.Value(np.ascontiguousarray(x))).ndim == 1


def test_a_number_that_is_put_takes_the_type_of_the_array() -> None:
    x = np.ones(3, np.float32)
    for number in (1.0, 2, np.float32(3)):
        check(lambda x, n=number: minigrad.put(x, 0, n), [x], [x.astype(float)])
        assert minigrad.put(minigrad.Value(x), 0, number).dtype == minigrad.put(x, 0, number).dtype == np.float32
    assert minigrad.put(minigrad.Value(x), 0, np.float64(2)).dtype == minigrad.put(x, 0, np.float64(2)).dtype


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(np.repeat(x, 2, 0), 3, 1)[::2, ::3],
    "reversed": lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
    "rows alike": lambda x: np.broadcast_to(x[0], x.shape),
    "columns alike": lambda x: np.broadcast_to(x[:, :1], x.shape),
}
# Functions that add up, whose rounding depends on the order of entries in memory.
SUMS: dict[str, Callable[..., Any]] = {
    "sums": lambda x: np.sum(np.sum(x, axis=0) * np.sum(x, axis=1)[:50].mean() + np.sum(x * x)),
    "of copies": lambda x: np.sum(x.copy()) + np.sum(np.copy(x)) + np.sum(x.T.copy() * 3.0) + np.sum(x.flatten()),
    "of transposes": lambda x: np.sum((x.T * 2.0 + 1.0) * np.tanh(x.T)) + np.sum(np.exp(x).reshape(50, 37)),
    "statistics": lambda x: np.var(x) + np.sum(np.std(x, axis=0)) + np.mean(x) + np.linalg.norm(x),
    "softmax": lambda x: np.sum(minigrad.softmax(x) * x) + np.sum(minigrad.logsumexp(x, axis=0)),
    "products": lambda x: np.sum(np.tanh(x @ x.T)) + np.sum(np.dot(x.T, np.ones(37)) * x[0]),
    "einsum": lambda x: np.sum(np.sin(np.einsum("ij,kj->ki", minigrad.stop_gradient(x) * 0.1, x))),
    "indices": lambda x: (
        np.sum(x[::2] * x[1::2][:18].mean()) + np.sum(x[[0, 0, 3]] ** 2) + np.sum(np.flip(x, 1)[2])
    ),
    "running": lambda x: np.sum(np.cumsum(x, axis=0) * x) + np.sum(np.diff(x) ** 2),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_are_those_of_eager_code_in_every_layout(name: str) -> None:
    f = SUMS[name]
    both = minigrad.value_and_grad(f)
    given = [(change(A),) for change in LAYOUTS.values()]
    check(both, *given, what=name)
    if name != "einsum":  # which rounds as @ does, for Values and compiled
        check(f, *given, what=name)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("base", [-2, -2.0, -1.5, -0.0])
def test_negative_numbers_are_raised_to_powers_with_their_sign(base: float, native: bool) -> None:
    """In Python -2.0 ** 2 is -4.0."""
    for x in (np.array([2.0, 3.0]), np.array([2.0, 3.0], np.float32), np.float64(2), np.float32(2), np.int64(2)):
        check(lambda x: base**x, [x], native=native)
    check(minigrad.grad(lambda x: np.sum(base**x)), [np.array([2.0, 3.0])], native=native)
    check(lambda x: (base % x, base // x, base * x, base - x), [np.array([2.0, 3.0])], native=native)


@pytest.mark.parametrize("dtype", ["?", "u1", "i4", "i8", "u8", "f2", "f4", "f8"])
def test_a_missing_bound_keeps_the_type(dtype: str) -> None:
    x = np.arange(4).astype(dtype)
    check(lambda x: (np.clip(x, None, 2), np.clip(x, 1, None), np.clip(x, None, 1.5)), [x])
    check(lambda x: (x.clip(max=2), x.clip(min=1), x.clip(1, 2)), [x])


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) >= "2.5.0", reason="NumPy takes three entries only")
@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
def test_cross_products_with_vectors_of_two_entries_are_numpys_at_infinity() -> None:
    """A third entry of 0 would give nan beside an infinity, and another sign to a zero."""
    space, plane = np.array([1.0, np.inf, -2.0]), np.array([0.0, 1.0])
    for x, y in ((space, plane), (plane, space), (plane, plane[::-1].copy())):
        with np.errstate(invalid="ignore"):
            check(np.cross, [x, y])
            value, want = np.cross(minigrad.Value(x), minigrad.Value(y)).data, np.cross(x, y)
        assert_same(value, want, "eager")


@pytest.mark.slow
def test_more_entries_than_float32_can_count() -> None:
    """2²⁴ + 3 entries."""
    x = np.random.default_rng(0).random(2**24 + 3, dtype=np.float32)
    rows = (np.sum, np.mean, np.var, np.average, np.linalg.norm, minigrad.logsumexp)
    for f in (*rows, lambda x: np.mean(x[None], axis=0)):
        for g in (f, minigrad.grad(lambda x, f=f: np.sum(f(x)))):
            want, got = g(x), minigrad.compile(g)(x)
            assert np.array_equal(got, want), f
