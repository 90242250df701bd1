import numpy as np
import pytest
from planting import BARS, SHAPES, draw, said


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("relative", BARS)
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_constant_that_is_too_much_is_named(shape: tuple[int, ...], relative: float, scale: float) -> None:
    d = scale * draw(*shape)
    found = said(d + 0.37 * scale, d, relative=relative)
    assert found.kind == "missing term"
    assert f"given - reference is {0.37 * scale:.4g} everywhere" in found.sentence


@pytest.mark.parametrize("shape", [s for s in SHAPES if s != (2,)])
@pytest.mark.parametrize("relative", BARS)
@pytest.mark.parametrize("term", ["x", "the cotangent", "y", "sign(x)"])
def test_a_term_proportional_to_something_at_hand_is_named(
    shape: tuple[int, ...], relative: float, term: str
) -> None:
    x, d, cotangent, y = (draw(*shape, seed=seed) for seed in (1, 0, 2, 3))
    extra = {"x": x, "the cotangent": cotangent, "y": y, "sign(x)": np.sign(x)}[term]
    found = said(d + 0.25 * extra, d, x, relative=relative, y=y.ravel(), cotangent=cotangent.ravel())
    assert found.kind == "missing term"
    assert f"given - reference is 0.25 × {term}" in found.sentence


def layer_norm(x: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """y, the three terms of its gradient."""
    sigma = x.std(axis=1, keepdims=True)
    y = (x - x.mean(axis=1, keepdims=True)) / sigma
    return y, g / sigma, -(g / sigma).mean(axis=1, keepdims=True), -y * (g * y).mean(axis=1, keepdims=True) / sigma


def test_the_mean_that_layer_norm_forgets_is_named_as_the_mean_of_its_rows() -> None:
    x, g = draw(3, 4, seed=1), draw(3, 4, seed=2)
    y, scaled, mean, slope = layer_norm(x, g)
    given = scaled + slope
    found = said(given, scaled + mean + slope, x, y=y.ravel(), cotangent=g.ravel())
    assert found.kind == "missing term"
    assert found.sentence == (
        "a term is missing, or one too many: given - reference is constant along axis 1, and it equals the row "
        "mean of the given gradient (the derivative of a mean that is subtracted from x)"
    )


def test_the_projection_that_layer_norm_forgets_is_y_times_a_mean() -> None:
    x, g = draw(3, 4, seed=1), draw(3, 4, seed=2)
    y, scaled, mean, slope = layer_norm(x, g)
    found = said(scaled + mean, scaled + mean + slope, x, y=y.ravel(), cotangent=g.ravel())
    assert found.kind == "missing term"
    assert found.sentence.endswith(
        "given - reference is y times a number constant along axis 1, and the number equals the row mean of the "
        "given gradient times y"
    )


def test_the_sum_that_softmax_forgets_is_y_times_a_sum() -> None:
    y, g = np.abs(draw(3, 4, seed=1)), draw(3, 4, seed=2)
    y /= y.sum(axis=1, keepdims=True)
    found = said(y * g, y * (g - (g * y).sum(axis=1, keepdims=True)), y=y.ravel(), cotangent=g.ravel())
    assert found.kind == "missing term"
    assert (
        "y times a number constant along axis 1, and the number equals the row sum of the given" in found.sentence
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_term_constant_along_any_axis_is_named(axis: int) -> None:
    shape = [2, 3, 4]
    shape[axis] = 1
    d = draw(2, 3, 4)
    found = said(d + draw(*shape, seed=3), d)
    assert (found.kind, f"constant along axis {axis}" in found.sentence) == ("missing term", True)


def test_a_term_constant_along_two_axes_is_named_by_both() -> None:
    d = draw(2, 3, 4)
    found = said(d + draw(1, 3, 1, seed=3), d)
    assert (found.kind, "constant along axes 0 and 2" in found.sentence) == ("missing term", True)


def test_a_term_that_is_not_quite_constant_is_none() -> None:
    d = draw(3, 4)
    off = np.full((3, 4), 0.37)
    off[1, 2] += 1e-6
    assert said(d + off, d).kind == "wrong"


def test_one_row_off_by_a_constant_is_a_row_and_no_term() -> None:
    d = draw(4, 4)
    g = d.copy()
    g[2] += 0.37
    found = said(g, d)
    assert (found.kind, "row 2" in found.sentence) == ("entries", True)


def test_weight_decay_of_a_plain_square_is_a_factor_which_is_simpler() -> None:
    x = draw(5)
    assert said(2 * x + 0.02 * x, 2 * x, x).kind == "factor"


def test_where_the_derivative_is_zero_everywhere_no_factor_of_zero_is_missing() -> None:
    found = said(np.full(6, 1e-6), np.zeros(6), np.zeros(6))
    assert (found.kind, "1e-06 everywhere" in found.sentence) == ("missing term", True)
