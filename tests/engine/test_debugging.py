"""debug: the first thing that goes wrong, with its line; nothing at all when it is off."""

import numpy as np
import pytest

from minigrad import Value, debug, grad, jvp
from minigrad.errors import Mutated, NonFinite


def test_the_first_nan_names_op_line_and_operand():
    with debug(), np.errstate(invalid="ignore"), pytest.raises(NonFinite) as caught:
        x = Value([1.0, -1.0], name="x")
        y = x * 2.0
        np.log(y).sum()  # the culprit
    text = str(caught.value)
    assert "log gave nan" in text
    assert "test_debugging.py" in text and "the culprit" in text
    assert "made by *" in text


def test_an_infinite_gradient_is_named_on_the_way_back():
    with debug(), pytest.raises(NonFinite, match=r"the derivative of sqrt is inf"):
        (np.sqrt(Value(0.0, name="x")) * 2.0).backward()


def test_nan_that_was_put_in_is_not_blamed_on_the_op_that_passes_it_on():
    with debug():
        assert np.isnan((Value(np.nan) * 2.0).item())


@pytest.mark.parametrize("kind", ["leaf", "intermediate", "constant"])
def test_an_array_changed_in_place_between_forward_and_backward_is_named(kind):
    constant = np.array([2.0, 3.0])
    with debug():
        x = Value([1.0, 2.0], name="weights")
        h = np.tanh(x)
        h.name = "hidden"
        loss = (h * constant).sum()
        {"leaf": x.data, "intermediate": h.data, "constant": constant}[kind][0] = 7.0
        with pytest.raises(Mutated) as caught:
            loss.backward()
    assert {"leaf": "weights", "intermediate": "hidden", "constant": "ndarray (2,)"}[kind] in str(caught.value)
    assert "changed in place" in str(caught.value)


def test_stepping_after_the_sweep_is_no_change():
    with debug():
        x = Value([1.0, 2.0])
        for _ in range(3):
            x.grad = None
            (x * x).sum().backward()
            x.data -= 0.1 * x.grad
    np.testing.assert_allclose(x.data, np.array([1.0, 2.0]) * 0.8**3)


def test_it_changes_no_number_and_leaves_nothing_behind():
    def f(x):
        return (np.tanh(x) ** 2).sum()

    x = np.array([0.3, -0.4])
    with debug():
        watched = grad(f)(x)
    np.testing.assert_array_equal(watched, grad(f)(x))
    with pytest.raises(AttributeError):
        _ = (Value(1.0) * 2.0).origin


def test_it_holds_for_its_own_thread_alone():
    import threading

    seen = []

    def work():
        seen.append(hasattr(Value(1.0) * 2.0, "origin"))

    with debug():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert hasattr(Value(1.0) * 2.0, "origin")
    assert seen == [False]


def test_an_infinite_tangent_is_named_on_the_way_forward():
    with debug(), pytest.raises(NonFinite, match=r"the derivative of sqrt is inf"):
        jvp(np.sqrt, (0.0,), (1.0,))
