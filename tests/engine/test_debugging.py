"""debug: the first thing that goes wrong, with its line; nothing at all when it is off."""

import contextlib

import numpy as np
import pytest

from minigrad import Value, debug, grad, jvp, nn, no_grad
from minigrad.errors import EveryPair, Mutated, NonFinite, StaleGradient


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


def test_a_number_and_an_index_that_were_changed_are_named():
    index, mask = np.array([0, 1]), np.array([True, False, True])
    w, s = Value(np.ones(3), name="w"), Value(2.0, name="s")
    with debug():
        losses = [(s * s, s), (np.sum(w[index]), index), (np.sum(np.where(mask, w, 0)), mask)]
        s.data += 1
        index[0], mask[1] = 2, True
        for loss, part in losses:
            named = "named 's', an operand of" if part is s else r"ndarray \(.*was changed in place"
            with pytest.raises(Mutated, match=named):
                loss.backward()


def test_a_step_of_numbers_without_zero_grad_is_named():
    with debug():
        w = Value(2.0, name="w")
        (w * w).backward()
        w.data -= 0.1 * w.grad
        with pytest.raises(StaleGradient, match=r"an earlier step left behind in Value .* named 'w'"):
            (w * w).backward()


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


# ----------------------------------------------------------------------------- gradients that add up in silence


def test_backward_twice_is_named():
    with debug():
        w = Value(2.0, name="w")
        loss = w * w
        loss.backward()
        with pytest.raises(StaleGradient, match=r"called twice(.|\n)*named 'w'\n  write  model\.zero_grad\(\)"):
            loss.backward()
        assert w.grad == 4.0
        w.grad = None
        loss.backward()  # forgotten before: nothing adds up
    assert w.grad == 4.0
    loss.backward()
    assert w.grad == 8.0  # as documented, outside of debug


def test_a_forgotten_zero_grad_is_named():
    model, x, y = nn.MLP([2, 3, 1], seed=0), np.ones((4, 2)), np.ones((4, 1))
    optimiser, steps = nn.optim.SGD(model.parameters(), lr=0.1), []
    with debug(), pytest.raises(StaleGradient, match=r"an earlier step left behind(.|\n)*zero_grad"):
        for _ in range(3):
            nn.squared_error(model(x), y).backward()
            optimiser.step()
            steps.append(1)
    assert len(steps) == 1


def test_gradients_that_are_added_on_purpose_pass():
    """Of parts of a batch, and of several losses: the parameters stay the same in between."""
    w = Value([1.0, 2.0])
    with debug():
        for _ in range(2):
            w.grad = None
            (w * w).sum().backward()
            (w * 3.0).sum().backward()
            w.data -= 0.5 * w.grad
    assert w.data.tolist() == [-1.5, -1.5]


def test_what_one_block_saw_is_no_matter_to_the_next():
    w = Value(2.0)
    loss = w * w
    for _ in range(2):
        with debug():
            loss.backward()
    assert w.grad == 8.0


# --------------------------------------------------------------------------------- a column that met a row


def predictions():
    """A column of shape (4, 1) that a model computes."""
    return nn.MLP([2, 3, 1], seed=0)(np.arange(8.0).reshape(4, 2))


@pytest.mark.parametrize(
    "meet",
    [
        lambda p, y: np.mean((p - y) ** 2),
        lambda p, y: np.mean((y - p) ** 2),
        lambda p, y: ((p > 0.5) == y).mean(),
        lambda p, y: (np.tanh(p) * 2.0 - Value(y)).sum(),
        lambda p, y: np.maximum(p, y),
    ],
)
@pytest.mark.parametrize("recorded", [True, False])
def test_a_column_that_met_a_row_is_named(meet, recorded):
    y = np.ones(4)
    with debug(), contextlib.nullcontext() if recorded else no_grad():
        with pytest.raises(EveryPair) as caught:
            meet(predictions(), y)
        text = str(caught.value)
        assert "of shapes (4, 1) and (4,) gave (4, 4): every pair" in text
        assert "test_debugging.py" in text and "  write  y[:, None]" in text
        meet(predictions(), y[:, None])
    assert np.shape(meet(predictions(), y)) in ((), (4, 4))  # as in NumPy, outside of debug


@pytest.mark.parametrize(
    "pairs",
    [
        lambda v: v[:, None] - v,
        lambda v: np.exp(v[:, None] * 2.0) - v,
        lambda v: v.reshape(-1, 1) - v,
        lambda v: np.expand_dims(v, 1) - v.data,
        lambda v: np.sum(v[:, None] * np.ones(3), axis=1, keepdims=True) + v,
        lambda v: (np.ones((4, 1)) * v[0])[:, 0] - v[None, :],
        lambda v: np.multiply.outer(v, v),
    ],
)
def test_every_pair_on_purpose_passes(pairs):
    with debug():
        pairs(Value([1.0, 2.0, 3.0, 4.0]))


def test_one_row_and_other_lengths_are_no_mistake():
    with debug():
        predictions()[:1] - np.ones(1)
        predictions() - np.ones(3)
