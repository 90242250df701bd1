import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from planting import BARS, SHAPES, draw, planted, said

from minigrad.check.diagnosis.diagnosis import diagnose

ONES = [(), (1,), (1, 1)]


@pytest.mark.parametrize("shape", [*SHAPES, *ONES])
@pytest.mark.parametrize("relative", BARS)
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_wrong_sign_is_named_at_any_scale(shape: tuple[int, ...], relative: float, scale: float) -> None:
    d = scale * draw(*shape)
    assert said(-d, d, relative=relative).kind == "sign"


@pytest.mark.parametrize("shape", [*SHAPES, *ONES])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_gradient_of_zeros_is_detached(shape: tuple[int, ...], scale: float) -> None:
    d = scale * draw(*shape)
    assert said(0 * d, d).kind == "zero"


@pytest.mark.parametrize("shape", [*SHAPES, *ONES])
@pytest.mark.parametrize("relative", BARS)
@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (2, "given = 2 × reference: likely 2"),
        (0.5, "given = 0.5 × reference: likely 1/2"),
        (np.pi / 180, "given = 0.01745 × reference: likely π/180"),
        (1 / np.log(2), "likely 1/ln 2"),
        (-2, "likely the wrong sign, and 2"),
        (1e3, "likely 1000"),
    ],
)
def test_a_constant_factor_is_named_with_its_number(
    shape: tuple[int, ...], relative: float, factor: float, words: str
) -> None:
    d = draw(*shape)
    found = said(factor * d, d, relative=relative)
    assert found.kind == "factor"
    assert words in found.sentence


@given(st.floats(0.01, 100), st.sampled_from(SHAPES), st.sampled_from([1e-300, 1e-12, 1.0, 1e12, 1e300]))
def test_any_constant_factor_is_named_from_two_entries_on(c: float, shape: tuple[int, ...], scale: float) -> None:
    assume(abs(c - 1) > 1e-4)
    d = scale * draw(*shape)
    found = said(c * d, d)
    assert found.kind == "factor"
    assert eval(found.sentence.removeprefix("given = ").split(" × ")[0]) == pytest.approx(c, rel=1e-3)


def test_a_factor_wrong_by_a_millionth_is_written_as_its_distance_from_one() -> None:
    d = draw(3, 4)
    assert said(d * (1 + 1e-6), d).sentence.startswith("given = (1 + 1e-06) × reference")


@pytest.mark.parametrize(
    ("factor", "words"),
    [(7, "7 (7 is the length of axis 0 of x)"), (1 / 7, "1/7 (7 is the length of axis 0 of x)")],
)
def test_a_factor_that_is_a_length_says_whose(factor: float, words: str) -> None:
    d = draw(7, 3)
    assert words in said(factor * d, d).sentence


def test_a_factor_that_is_a_length_of_another_array_says_whose() -> None:
    d = draw(3)
    assert "13 is the length of axis 0 of a constant" in said(13 * d, d, constants=[draw(13, 3)]).sentence
    other = planted(draw(11), draw(11), path="b")
    assert "11 is the length of axis 0 of b" in diagnose(planted(11 * d, d), [other]).sentence


def test_a_factor_that_is_a_constant_or_the_result_says_so() -> None:
    d = draw(5)
    assert "likely 1 over a constant" in said(d / 0.37, d, constants=["text", 0.37]).sentence
    found = said(d * 1.7321, d, y=np.array([1.7321]))
    assert (found.kind, "the result" in found.sentence) == ("missing factor", True)


def test_a_mean_in_place_of_a_sum_over_a_broadcast_axis_is_averaged() -> None:
    d = draw(3)
    assert said(d / 7, d, y=draw(21), y_shape=(7, 3)).kind == "averaged"
    assert said(d / 7, d, y=draw(21)).kind == "averaged"
    assert said(d / 3, d, y=draw(21), y_shape=(7, 3)).kind == "factor"


def test_a_factor_is_not_named_where_the_ratios_differ_by_more_than_the_bars() -> None:
    d = draw(5)
    g = 2 * d
    g[3] *= 1 + 1e-8
    assert said(g, d).kind == "wrong"
    assert said(g, d, relative=1e-6).kind == "factor"


FUNCTIONS = {
    "x": lambda x: x,
    "1/x": lambda x: 1 / x,
    "2·x": lambda x: 2 * x,
    "x²": lambda x: x * x,
    "cos x": np.cos,
    "sin x": np.sin,
    "exp x": np.exp,
    "(1 + x²)": lambda x: 1 + x * x,
}


@pytest.mark.parametrize("shape", [*SHAPES, *ONES])
@pytest.mark.parametrize("relative", [1e-12, 1e-9])
@pytest.mark.parametrize("words", FUNCTIONS)
def test_a_factor_of_x_that_is_missing_is_named(shape: tuple[int, ...], relative: float, words: str) -> None:
    x, d = 0.3 + draw(*shape, seed=1), draw(*shape)
    found = said(d / FUNCTIONS[words](x), d, x, relative=relative)
    assert (found.kind, f"the factor {words} is missing" in found.sentence) == ("missing factor", True)


@pytest.mark.parametrize(
    ("y", "slope", "words"),
    [
        (np.tanh, lambda y: 1 - y * y, "(1 - y²)"),
        (lambda x: 1 / (1 + np.exp(-x)), lambda y: y * (1 - y), "y(1 - y)"),
        (lambda x: x**0.2, lambda y: 1 / y, "1/y"),
    ],
)
def test_a_factor_of_y_that_is_missing_is_named(y, slope, words) -> None:
    x, d = np.abs(draw(3, 4, seed=1)), draw(3, 4)
    found = said(d / slope(y(x)), d, x, y=np.ravel(y(x)))
    assert found.kind == "missing factor"
    assert f"the factor {words} is missing" in found.sentence


def test_a_factor_too_many_is_named() -> None:
    x, d = draw(5, seed=1), draw(5)
    found = said(d * np.cos(x), d, x)
    assert found.sentence == "given = cos x × reference: the factor 1/cos x is missing, or cos x is one too many"


def test_a_factor_that_is_another_argument_or_a_constant_is_named() -> None:
    b, d = draw(3, 4, seed=3), draw(3, 4)
    other = planted(draw(3, 4, seed=2), draw(3, 4, seed=2), b, path="args[1]")
    assert "the factor args[1] is missing" in diagnose(planted(d / b, d), [other]).sentence
    row = draw(4, seed=5)
    assert "the factor a constant of shape (4,) is missing" in said(d / row, d, constants=[row]).sentence


def test_a_cotangent_that_is_not_multiplied_in_is_ignored() -> None:
    d, cotangent = draw(3, 4), draw(12, seed=4)
    assert said(d / cotangent.reshape(3, 4), d, cotangent=cotangent).kind == "cotangent ignored"
    assert said(draw(5) / 0.37, draw(5), cotangent=np.array([0.37])).kind == "cotangent ignored"


def test_a_factor_for_each_row_is_no_constant_and_yet_seen() -> None:
    d, rows = draw(4, 5), draw(4, 1, seed=7)
    found = said(d * rows, d)
    assert (found.kind, "constant along axis 1" in found.sentence) == ("missing factor", True)


def test_a_factor_of_x_that_holds_in_all_entries_but_one_is_not_named() -> None:
    x, d = draw(6, seed=1), draw(6)
    g = d * np.cos(x)
    g[2] *= 1.001
    assert said(g, d, x).kind == "wrong"


def test_the_square_root_of_negative_numbers_explains_nothing() -> None:
    x, d = np.array([-1.3, -0.7, 0.4, 1.7, -2.3]), draw(5)
    g = np.where(x > 0, d * np.sqrt(np.abs(x)), d * draw(5, seed=9))
    assert said(g, d, x).kind == "wrong"


def test_one_entry_tells_a_factor_only_as_a_guess() -> None:
    found = said(np.array(1.2345), np.array(1.0), np.array(0.777))
    assert found.kind == "factor"
    assert "from one entry a factor and a term look alike" in found.sentence


def test_zeros_of_the_derivative_do_not_hide_a_factor() -> None:
    d = np.array([0.0, 1.3, 0.0, -0.7])
    assert said(1.7 * d, d).kind == "factor"
    assert said(1.7 * d + np.array([1e-6, 0, 0, 0]), d).kind != "factor"
