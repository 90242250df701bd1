"""A Series or a DataFrame is data on either side of an operator: its numbers, without its index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value, grad, nn
from minigrad.errors import GradientLost


class Table:
    """What matters here of pandas: it converts to an array, and leaves an operator to a higher priority."""

    __pandas_priority__ = 3000

    def __init__(self, numbers: Any) -> None:
        self.numbers = np.asarray(numbers)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.numbers

    def __mul__(self, other: Any) -> Any:
        if getattr(other, "__pandas_priority__", 0) > self.__pandas_priority__:
            return NotImplemented
        return self.numbers * np.asarray(other)


def check(series: Any, frame: Any) -> None:
    w = Value(2.0)
    np.sum(w * series).backward()
    np.sum(series * w).backward()
    assert w.grad == 6.0
    assert grad(lambda w, x: np.sum(x * w))(2.0, series) == 3.0
    assert type(frame * w) is Value and type(np.multiply(frame, w)) is Value
    net = nn.MLP((2, 3, 1), seed=0)
    np.testing.assert_array_equal(net(frame).data, net(np.asarray(frame)).data)


def test_what_defers_as_pandas_does() -> None:
    check(Table([1.0, 2.0]), Table([[1.0, 3.0], [2.0, 4.0]]))


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed: pip install pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    check(pandas.Series([1.0, 2.0]), frame)
    for found in (frame - Value(1.0), frame / Value(2.0), frame > Value(1.0), Value([1.0, 2.0]) + frame["a"]):
        assert type(found) is Value
    np.testing.assert_array_equal((frame["a"] - Value([3.0, 1.0])).data, [-2.0, 1.0])


def test_the_product_that_pandas_does_not_leave_to_a_value_names_one_that_keeps_the_gradient() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed: pip install pandas")
    for table in (pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}), pandas.Series([1.0, 2.0])):
        with pytest.raises(GradientLost, match=r"x\.to_numpy\(\) @ v   for x @ v"):
            table @ Value([1.0, 2.0])
        np.testing.assert_array_equal((table.to_numpy() @ Value([1.0, 2.0])).data, table @ np.array([1.0, 2.0]))
