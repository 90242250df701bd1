import numpy as np
import pytest
from planting import BARS, draw, said


def loss(
    shape: tuple[int, ...], which: str, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A broadcast result, its cotangent, an array of its shape among the arguments, and what each entry adds."""
    array, cotangent = draw(*shape, seed=1), draw(*shape, seed=2)
    y, slope = {
        "x + a": (x + array, np.ones(shape)),
        "x * a": (x * array, array),
        "tanh(x + a)": (np.tanh(x + array), 1 - np.tanh(x + array) ** 2),
    }[which]
    return y, cotangent, array, cotangent * slope


@pytest.mark.parametrize("which", ["x + a", "x * a", "tanh(x + a)"])
@pytest.mark.parametrize("shape", [(3,), (1,), (2, 3)])
@pytest.mark.parametrize("relative", [1e-12, 1e-9])
@pytest.mark.parametrize("told", [True, False])
def test_one_slice_of_a_broadcast_axis_is_named(
    which: str, shape: tuple[int, ...], relative: float, told: bool
) -> None:
    y, cotangent, array, parts = loss((5, *shape), which, draw(*shape))
    known = {"y": y.ravel(), "cotangent": cotangent.ravel(), "constants": [array]}
    for index, words in ((0, "first"), (-1, "last")):
        found = said(
            parts[index],
            parts.sum(axis=0),
            draw(*shape),
            relative=relative,
            y_shape=y.shape if told else None,
            **known,
        )
        assert (found.kind, f"only the {words} slice of axis 0" in found.sentence) == ("not summed", True)


@pytest.mark.parametrize("relative", BARS)
def test_an_axis_of_length_one_that_is_broadcast_is_an_axis_to_sum_over(relative: float) -> None:
    y, cotangent, _, parts = loss((3, 5), "x + a", draw(3, 1))
    found = said(
        parts[:, :1], parts.sum(axis=1, keepdims=True), y=y.ravel(), cotangent=cotangent.ravel(), relative=relative
    )
    assert (found.kind, "axis 1" in found.sentence) == ("not summed", True)


def test_one_of_two_broadcast_axes_is_named() -> None:
    y, cotangent, array, parts = loss((4, 5, 3), "x * a", draw(3))
    known = {"y": y.ravel(), "cotangent": cotangent.ravel(), "constants": [array], "y_shape": y.shape}
    d = parts.sum(axis=(0, 1))
    assert "slice of axis 1 of" in said(parts[:, 0].sum(axis=0), d, **known).sentence
    assert "only the first slice of the result is counted" in said(parts[0, 0], d, **known).sentence


def test_a_sum_of_products_with_one_slice_counted_is_named_without_a_cotangent() -> None:
    array = draw(5, 3, seed=1)
    assert said(array[0], array.sum(axis=0), draw(3), constants=[array]).kind == "not summed"


def test_a_slice_in_the_middle_or_almost_the_first_is_not_named_so() -> None:
    y, cotangent, _, parts = loss((5, 3), "x + a", draw(3))
    known = {"y": y.ravel(), "cotangent": cotangent.ravel(), "y_shape": y.shape}
    assert said(parts[2], parts.sum(axis=0), **known).kind == "wrong"
    assert said(parts[0] * (1 + 1e-7 * np.arange(1, 4)), parts.sum(axis=0), **known).kind == "wrong"
