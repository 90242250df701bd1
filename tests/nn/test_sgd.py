"""A step of gradient descent: what moves, where, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value, errors, nn


def test_a_step_is_minus_lr_times_the_gradient_in_the_memory_the_parameter_has() -> None:
    w = Value(np.array([1.0, -2.0]))
    memory = w.data
    (w * w).sum().backward()
    nn.optim.SGD([w], lr=0.25).step()
    assert w.data.tolist() == [0.5, -1.0]
    assert np.shares_memory(w.data, memory) and memory.tolist() == [0.5, -1.0]


def test_a_scalar_steps_and_stays_a_scalar() -> None:
    w = Value(3.0)
    (w * w).backward()
    nn.optim.SGD([w], lr=0.5).step()
    assert w.data == 0.0 and isinstance(w.data, np.float64)


def test_a_step_leaves_the_gradient_as_it_is() -> None:
    w = Value(np.ones(2))
    (3 * w).sum().backward()
    nn.optim.SGD([w], lr=0.1).step()
    assert w.grad is not None and w.grad.tolist() == [3.0, 3.0]
    assert not np.shares_memory(w.grad, w.data)


def test_a_parameter_without_a_gradient_is_left_alone() -> None:
    w, idle = Value(np.ones(2)), Value(np.ones(2))
    w.sum().backward()
    nn.optim.SGD([idle, w], lr=1.0).step()
    assert idle.data.tolist() == [1.0, 1.0] and idle.grad is None
    assert w.data.tolist() == [0.0, 0.0]


def test_a_parameter_listed_twice_steps_once() -> None:
    w = Value(1.0)
    w.backward()
    nn.optim.SGD([w, w], lr=0.25).step()
    assert w.item() == 0.75


def test_all_parameters_step_from_the_same_point() -> None:
    a, b = Value(2.0), Value(3.0)
    (a * b).backward()
    nn.optim.SGD([a, b], lr=0.1).step()
    assert (a.item(), b.item()) == (pytest.approx(2 - 0.3), pytest.approx(3 - 0.2))


def test_single_precision_stays_single() -> None:
    w = Value(np.ones(2, dtype=np.float32))
    (w * np.float64(2)).sum().backward()
    nn.optim.SGD([w], lr=0.1).step()
    assert w.data.dtype == np.float32 and np.allclose(w.data, 0.8)


def test_zero_grad_and_a_rate_changed_on_the_way() -> None:
    w = Value(1.0)
    optimiser = nn.optim.SGD([w], lr=1.0)
    w.backward()
    optimiser.zero_grad()
    assert w.grad is None
    optimiser.lr = 0.5
    w.backward()
    optimiser.step()
    assert w.item() == 0.5


@pytest.mark.parametrize("lr", [0, -0.1, float("nan"), float("inf"), True])
def test_a_rate_that_is_no_positive_number_is_refused(lr: Any) -> None:
    with pytest.raises(ValueError, match="lr must be a positive finite number, got "):
        nn.optim.SGD([Value(1.0)], lr)


@pytest.mark.parametrize("lr", ["0.1", None, [0.1]])
def test_a_rate_that_is_no_number_is_a_type_error(lr: Any) -> None:
    with pytest.raises(TypeError, match="lr must be a number, got "):
        nn.optim.SGD([Value(1.0)], lr)


def test_a_network_or_a_single_value_in_place_of_a_list_is_told_what_to_write() -> None:
    given: list[Any] = [nn.MLP((2, 1)), Value(1.0), Value(np.ones(3))]
    for parameters in given:
        with pytest.raises(TypeError, match=r"write  SGD\(net.parameters\(\), lr\)  or  SGD\(\[w\], lr\)"):
            nn.optim.SGD(parameters, 0.1)


def test_nothing_to_step_is_an_error() -> None:
    with pytest.raises(ValueError, match="there is no parameter to step"):
        nn.optim.SGD(iter([]), 0.1)


def test_arrays_and_computed_values_cannot_be_stepped() -> None:
    with pytest.raises(TypeError, match=r"expected Values, got ndarray \(2,\) float64"):
        nn.optim.SGD([np.ones(2)], 0.1)  # type: ignore[list-item]
    with pytest.raises(errors.NotALeaf, match=r"only a leaf can be stepped, got Value .*made by \*"):
        nn.optim.SGD([2 * Value(1.0)], 0.1)
