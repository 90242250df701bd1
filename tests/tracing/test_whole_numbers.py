"""Results that are numbers of Python on plain arguments: on a tape they take the type beside them, too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from compiler.bits import assert_same

from minigrad import Value, compile, errors, grad, value_and_grad

METHODS = {
    "round": round,
    "round to 2": lambda s: round(s, 2),
    "round to 0": lambda s: round(s, 0),
    "floor": math.floor,
    "ceil": math.ceil,
    "conjugate": lambda s: s.conjugate(),
    "np.floor": np.floor,
    "np.round": lambda s: np.round(s, 1),
    "np.conjugate": np.conjugate,
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("numbers", [(1.2345, -7.5), (np.float64(1.2345), np.float64(-2.5)), (np.float32(1.2345),)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("native", [True, False])
def test_a_number_takes_the_type_of_an_array_as_in_python(
    name: str, numbers: Any, dtype: Any, native: bool
) -> None:
    def f(s: Any, x: Any) -> Any:
        return METHODS[name](s) * x + s

    compiled, x = compile(f, native=native), np.linspace(1, 2, 5).astype(dtype)
    for s in (*numbers, numbers[0] * 3):
        assert_same(compiled(s, x), f(s, x), name)


@pytest.mark.parametrize("s", [1.75, np.float64(1.75)])
def test_trunc(s: Any) -> None:
    def f(s: Any, x: Any) -> Any:
        return math.trunc(s) * x

    assert_same(compile(f)(s, np.ones(2, np.float32)), f(s, np.ones(2, np.float32)), "trunc")


def test_gradients_go_by_as_before() -> None:
    def f(s: Any, x: Any) -> Any:
        return np.sum(round(s * 2, 1) * x + math.floor(s) + s * s.conjugate())

    for g in (grad(f), value_and_grad(f, (0, 1))):
        assert_same(compile(g)(1.26, np.ones(2)), g(1.26, np.ones(2)), "gradient")
    assert_same(compile(lambda x: (x > 1).sum().__round__())(np.ones(3)), np.int64(0), "an integer stays one")


@pytest.mark.parametrize(
    "f", [lambda n: [1.0, 2.0] * n, lambda n: n * (1, 2), lambda n: np.sum([3] * (n + 1)), lambda n: [[]] * n]
)
def test_a_list_times_a_whole_number_is_refused_with_what_to_write(f: Any) -> None:
    with pytest.raises(errors.TracingError, match=r"(?s)as an integer while tracing.*\n  write  f\(int\(n\)\)"):
        compile(f)(np.int64(2))
    assert_same(compile(lambda n: np.asarray(f(n)) * 2.0, static="n")(2), np.asarray(f(2)) * 2.0, "static")


def test_a_list_times_an_array_or_a_float_is_a_product() -> None:
    for x in (np.arange(2), np.ones(2)):
        assert_same(compile(lambda x: [3, 4] * x)(x), [3, 4] * x, "array")
    assert_same(([3, 4] * Value(2.0)).data, np.array([6.0, 8.0]), "a Value")
    assert [3, 4] * (Value([1.0, 2.0]) > 0).sum() == [3, 4] * 2, "a count"
