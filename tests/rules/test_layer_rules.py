"""Layers of networks: normalising, looking up, dropping, losses from logits, windows, pooling and convolution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value, cross_entropy, errors, grad, log_softmax, sigmoid, softmax
from minigrad.rules.layers import batch_norm, dropout, embedding, layer_norm
from minigrad.rules.losses import binary_cross_entropy_with_logits
from minigrad.rules.windows import avg_pool, conv1d, conv2d, fold, max_pool, windows

RNG = np.random.default_rng(7)
X = RNG.normal(size=(4, 5))


def assert_same_gradients(f: Any, g: Any, *xs: Any) -> None:
    """To second order: the gradients, and those of their squared sizes."""

    def squared(f: Any) -> Any:
        def size(*xs: Any) -> Any:
            return sum(np.sum(c * c) for c in grad(f, numbers)(*xs))

        return size

    numbers = tuple(range(len(xs)))
    np.testing.assert_allclose(f(*xs), g(*xs), rtol=1e-12)
    for one, other in ((f, g), (squared(f), squared(g))):
        for a, b in zip(grad(one, numbers)(*xs), grad(other, numbers)(*xs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("axis", [-1, 0, (0, 1)])
def test_layer_norm_is_mean_and_deviation_put_together(axis: Any) -> None:
    w = RNG.normal(size=(4, 5))

    def by_hand(x: Any, a: Any, b: Any) -> Any:
        z = (x - np.mean(x, axis=axis, keepdims=True)) / np.sqrt(np.var(x, axis=axis, keepdims=True) + 1e-5)
        return np.sum(w * (z * a + b))

    assert_same_gradients(
        lambda x, a, b: np.sum(w * layer_norm(x, a, b, axis=axis)),
        by_hand,
        X,
        RNG.normal(size=5),
        RNG.normal(size=5),
    )


def test_layer_norm_without_scale_and_of_equal_entries() -> None:
    v = Value(np.ones((2, 3)))
    y = layer_norm(v, eps=1.0)
    np.testing.assert_array_equal(y.data, np.zeros((2, 3)))
    (y * [1.0, 2.0, 6.0]).sum().backward()
    np.testing.assert_allclose(v.grad, [[-2, -1, 3]] * 2)


def test_embedding_adds_up_what_a_row_is_used_for() -> None:
    table = Value(np.arange(6.0).reshape(3, 2))
    (embedding(table, [[2, 0], [2, 2]]) * [[[1.0], [2.0]], [[3.0], [4.0]]]).sum().backward()
    np.testing.assert_array_equal(table.grad, [[2, 2], [0, 0], [8, 8]])
    with pytest.raises(errors.IndexingError, match="expected integers from 0 to 2, got int64 from -1"):
        embedding(table, [-1])
    with pytest.raises(errors.IndexingError, match="index 3 is out of bounds"):
        embedding(table, [3])


def test_dropout_keeps_the_mean_and_passes_the_gradient_of_what_stayed() -> None:
    x = np.ones((200, 100))
    v = Value(x)
    y = dropout(v, 0.25, np.random.default_rng(3))
    assert set(np.unique(y.data)) == {0.0, 1 / 0.75}
    assert abs(y.data.mean() - 1) < 0.02
    y.sum().backward()
    np.testing.assert_array_equal(v.grad, y.data)
    np.testing.assert_array_equal(dropout(x, 0.25, np.random.default_rng(3)), y.data)
    assert dropout(Value(np.float32([1, 2])), 0.5, np.random.default_rng(0)).dtype == np.float32
    np.testing.assert_array_equal(dropout(v, 0.0, np.random.default_rng(0)).data, x)


def test_dropout_wants_a_generator_and_a_probability_below_one() -> None:
    with pytest.raises(errors.ArgumentError, match=r"needs a numpy.random.Generator, got int\n  write  np.random"):
        dropout(Value(X), 0.5, 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"the rate is a probability below 1, got 1\.0"):
        dropout(Value(X), 1.0, np.random.default_rng(0))


def test_binary_cross_entropy_from_logits() -> None:
    t = RNG.uniform(size=(4, 5))

    def by_hand(z: Any, t: Any) -> Any:
        p = sigmoid(z)
        return np.mean(-t * np.log(p) - (1 - t) * np.log(1 - p))

    assert_same_gradients(binary_cross_entropy_with_logits, by_hand, X, t)


def test_binary_cross_entropy_keeps_its_digits_when_sure() -> None:
    value, slope = binary_cross_entropy_with_logits(np.array([50.0]), np.array([1.0])), None
    np.testing.assert_allclose(value, np.exp(-50.0), rtol=1e-14)
    slope = grad(binary_cross_entropy_with_logits)(np.array([50.0]), np.array([1.0]))
    np.testing.assert_allclose(slope, -np.exp(-50.0), rtol=1e-14)
    assert np.isfinite(grad(binary_cross_entropy_with_logits)(np.array([1e5, -1e5]), np.array([0.0, 1.0]))).all()
    with pytest.raises(errors.ShapeError, match=r"expected targets of shape \(4, 5\), got \(5,\)"):
        binary_cross_entropy_with_logits(Value(X), np.ones(5))


def test_cross_entropy_with_probabilities_reaches_both() -> None:
    p = softmax(RNG.normal(size=(4, 5)))
    assert_same_gradients(cross_entropy, lambda x, p: -np.sum(p * log_softmax(x)) / 4, X, p)
    hot = np.eye(5)[[1, 0, 4, 4]]
    np.testing.assert_allclose(cross_entropy(X, hot), cross_entropy(X, np.array([1, 0, 4, 4])), rtol=1e-14)
    np.testing.assert_allclose(
        grad(cross_entropy)(X, hot), grad(cross_entropy)(X, np.array([1, 0, 4, 4])), rtol=1e-13
    )


def test_cross_entropy_of_targets_of_another_shape_is_refused() -> None:
    with pytest.raises(errors.ShapeError, match=r"expected integer targets of shape \(4,\)"):
        cross_entropy(Value(X), np.ones(5))


def test_windows_and_fold_are_transposes_of_each_other() -> None:
    x, w, s = RNG.normal(size=(2, 5, 6)), (2, 3), (2, 1)
    y = windows(x, w, s)
    assert y.shape == (2, 2, 4, 2, 3)
    g = RNG.normal(size=y.shape)
    np.testing.assert_allclose(np.sum(y * g), np.sum(x * fold(g, s, (5, 6))))


def test_windows_view_over_any_axes_and_one_axis_twice() -> None:
    view = np.lib.stride_tricks.sliding_window_view
    x = RNG.normal(size=(3, 4))
    for window, axis in ((2, 0), (3, -1), ((2, 2), None), ((2, 3), (1, 1)), ((2, 2), (1, 0))):
        w = RNG.normal(size=view(x, window, axis).shape)
        want = [np.sum(w * view(e.reshape(3, 4), window, axis)) for e in np.eye(12)]
        g = grad(lambda x, a=(window, axis), w=w: np.sum(w * view(x, *a)))(x)
        np.testing.assert_allclose(np.ravel(g), want, rtol=1e-13)
    with pytest.raises(errors.ArgumentError, match="does not take writeable="):
        view(Value(x), 2, axis=0, writeable=True)


def plain_conv(x: Any, k: Any, stride: int, padding: int) -> Any:
    """The sum of its definition, one place at a time."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    rows, columns = ((n - w) // stride + 1 for n, w in zip(x.shape[2:], k.shape[2:], strict=True))
    y = np.zeros((x.shape[0], k.shape[0], rows, columns))
    for i in range(rows):
        for j in range(columns):
            seen = x[:, :, i * stride : i * stride + k.shape[2], j * stride : j * stride + k.shape[3]]
            y[:, :, i, j] = np.einsum("ncuv,ocuv->no", seen, k)
    return y


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 0), (1, 2), (3, 1)])
def test_convolution_by_its_definition_in_every_direction(stride: int, padding: int) -> None:
    x, k = RNG.normal(size=(2, 3, 5, 6)), RNG.normal(size=(4, 3, 2, 3))
    y = plain_conv(x, k, stride, padding)
    np.testing.assert_allclose(conv2d(x, k, stride, padding), y, rtol=1e-12, atol=1e-13)
    w = RNG.normal(size=y.shape)
    gx, gk = grad(lambda x, k: np.sum(w * conv2d(x, k, stride, padding)), (0, 1))(x, k)
    u, v = RNG.normal(size=x.shape), RNG.normal(size=k.shape)
    np.testing.assert_allclose(np.sum(gx * u), np.sum(w * plain_conv(u, k, stride, padding)), rtol=1e-11)
    np.testing.assert_allclose(np.sum(gk * v), np.sum(w * plain_conv(x, v, stride, padding)), rtol=1e-11)


def test_convolution_in_one_dimension_is_one_of_height_one() -> None:
    x, k = RNG.normal(size=(2, 3, 7)), RNG.normal(size=(4, 3, 3))
    assert_same_gradients(
        lambda x, k: np.sum(conv1d(x, k, 2, 1) ** 2),
        lambda x, k: np.sum(conv2d(np.expand_dims(x, 2), np.expand_dims(k, 2), stride=(1, 2), padding=(0, 1)) ** 2),
        x,
        k,
    )


def test_one_sample_without_a_batch() -> None:
    x, k = RNG.normal(size=(3, 7)), RNG.normal(size=(4, 3, 3))
    np.testing.assert_array_equal(conv1d(Value(x), k).data, conv1d(x[None], k)[0])


def test_convolution_of_what_does_not_fit_says_which_shapes() -> None:
    with pytest.raises(
        errors.ShapeError, match=r"conv2d[\s\S]*a kernel \(o, c, 2 sides\)[\s\S]*got \(1, 2, 5, 5\) and"
    ):
        conv2d(Value(np.ones((1, 2, 5, 5))), np.ones((1, 3, 2, 2)))
    with pytest.raises(errors.ArgumentError, match="stride is a whole number, or one for each of 1 axes; got 0"):
        conv1d(Value(np.ones((2, 5))), np.ones((1, 2, 2)), stride=0)


def test_pooling_of_overlapping_windows_and_borders() -> None:
    x = np.array([[1.0, 5.0, 2.0, 3.0]])
    np.testing.assert_array_equal(max_pool(x, 2, 1), [[5, 5, 3]])
    np.testing.assert_array_equal(grad(lambda x: np.sum(max_pool(x, 2, 1) * [1.0, 2.0, 4.0]))(x), [[0, 3, 0, 4]])
    np.testing.assert_array_equal(max_pool(-x, 2, padding=1), [[-1, -2, -3]])
    np.testing.assert_array_equal(avg_pool(x, 2, padding=1), [[0.5, 3.5, 1.5]])
    np.testing.assert_array_equal(grad(lambda x: np.sum(avg_pool(x, 3)))(x), [[1 / 3, 1 / 3, 1 / 3, 0]])


def test_a_tie_in_a_window_is_shared_evenly() -> None:
    np.testing.assert_array_equal(
        grad(lambda x: np.sum(max_pool(x, (2, 2))))(np.ones((2, 2))), np.full((2, 2), 0.25)
    )


def test_pooling_in_two_dimensions_is_a_reduction_of_blocks() -> None:
    x = RNG.normal(size=(2, 4, 6))

    def blocks(x: Any) -> Any:
        return np.transpose(np.reshape(x, (2, 2, 2, 2, 3)), (0, 1, 3, 2, 4))

    for pool, reduce in ((max_pool, np.max), (avg_pool, np.mean)):
        assert_same_gradients(
            lambda x, f=pool: np.sum(f(x, (2, 3)) ** 3),
            lambda x, f=reduce: np.sum(f(blocks(x), axis=(3, 4)) ** 3),
            x,
        )


@pytest.mark.parametrize("f", [lambda v: max_pool(v, 2), lambda v: avg_pool(v, 2), layer_norm])
def test_float32_stays(f: Any) -> None:
    v = Value(X.astype(np.float32))
    y = f(v)
    assert y.dtype == np.float32
    y.sum().backward()
    assert v.grad.dtype == np.float32


@pytest.mark.parametrize("wrong", [{"stride": 1.5}, {"padding": "same"}, {"stride": 0}, {"padding": -1}], ids=str)
def test_strides_and_paddings_that_are_no_whole_numbers_are_refused_by_name(wrong):
    x, kernel = np.ones((1, 1, 5)), np.ones((1, 1, 2))
    with pytest.raises(TypeError, match=f"{next(iter(wrong))} is a whole number"):
        conv1d(Value(x), kernel, **wrong)


def test_dot_over_an_axis_of_length_zero_has_gradients():
    a, b = Value(np.zeros((3, 0))), Value(np.zeros((0, 4)))
    np.dot(a, b).sum().backward()
    assert (a.grad.shape, b.grad.shape) == ((3, 0), (0, 4))


def test_batch_norm_keeps_channels_apart() -> None:
    x = np.random.default_rng(0).normal(size=(4, 2, 3, 3)) * np.array([1.0, 9.0])[:, None, None]
    y = batch_norm(x, np.array([2.0, 3.0]), np.array([5.0, 7.0]), eps=0.0)
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), [5, 7])
    np.testing.assert_allclose(y.std(axis=(0, 2, 3)), [2, 3])


def test_batch_norm_refuses_a_vector() -> None:
    with pytest.raises(ValueError, match=r"batch_norm: expected shape \(n, channels, …\), got \(3,\)"):
        batch_norm(np.ones(3))
