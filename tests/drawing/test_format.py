import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Value, draw
from minigrad.drawing import captions, format


@pytest.mark.parametrize(
    ("x", "text"),
    [
        *((1.23e-6, "1.23e-06"), (0.0374062, "0.03741"), (-0.0374062, "-0.03741"), (1234567.0, "1.235e+06")),
        *((1e-300, "1e-300"), (1.7976e308, "1.798e+308"), (5e-324, "4.941e-324"), (2.0, "2"), (-0.0, "-0.0")),
        *(
            (np.nan, "nan"),
            (np.inf, "inf"),
            (-np.inf, "-inf"),
            (np.float32(0.1), "0.1"),
            (True, "True"),
            (7, "7"),
        ),
        *((123456, "123456"), (10**30, "1e+30"), (np.int64(-(2**63)), "-9.223e+18")),
    ],
)
def test_number_keeps_its_digits_at_any_magnitude(x: float, text: str) -> None:
    assert format.number_text(x) == text


@given(st.floats(-1.79e308, 1.79e308).filter(bool))
def test_number_is_never_off_by_more_than_half_of_its_fourth_digit(x: float) -> None:
    text = format.number_text(x)
    # A subnormal number has fewer digits than four to begin with.
    assert float(text) == pytest.approx(x, rel=5.01e-4, abs=1e-323)
    assert len(text) <= len("-1.235e-300")


@pytest.mark.parametrize(
    ("array", "lines"),
    [
        (np.float64(3), ["3"]),
        (np.array([1.0, 2.0]), ["[1, 2]"]),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), ["[[1, 2],", "[3, 4]]"]),
        (np.array([[1.0], [2.0], [3.0]]), ["[[1], [2], [3]]"]),
        (np.arange(8.0), ["[0, 1, 2, 3,", "4, 5, 6, 7]"]),
        (np.arange(4.0).reshape(2, 1, 2), ["[[[0, 1]],", "[[2, 3]]]"]),
        (np.array([True, False]), ["[True, False]"]),
        (np.zeros((0, 3)), ["empty"]),
        (np.arange(9.0), ["0 .. 8"]),
        (np.arange(9) > 6, ["2 of 9 true"]),
        (np.array([np.nan, *range(8), np.inf]), ["0 .. inf, 1 nan"]),
        (np.full(9, np.nan), ["nan"]),
        ((np.zeros(2), np.zeros(3)), ["2 parts"]),
    ],
)
def test_value_is_written_out_if_small_and_summed_up_if_not(array: object, lines: list[str]) -> None:
    assert format.value_lines(array) == lines


def test_gradient_of_a_large_array_is_its_norm_without_overflow() -> None:
    assert format.gradient_lines(np.full(16, 1e300)) == ["norm 4e+300"]
    assert format.gradient_lines(np.full(16, 1e-300)) == ["norm 4e-300"]
    assert format.gradient_lines(np.zeros(16)) == ["norm 0"]
    assert format.gradient_lines(np.full(16, np.inf)) == ["norm inf"]
    assert format.gradient_lines(np.array([np.nan, *range(15)])) == ["norm nan"]


def test_a_node_names_its_shape_and_its_type() -> None:
    def kind(data: object) -> str:
        return captions.node_type(draw(Value(data) * 1).diagram.nodes[0])

    assert kind(np.float64(1)) == "" and kind(np.float32(1)) == "float32"
    assert kind(np.zeros((2, 3))) == "(2, 3) float64" and kind(np.zeros(2, dtype=np.float32)) == "(2,) float32"


INPUT = object()


@pytest.mark.parametrize(
    ("label", "operands", "params", "text"),
    [
        ("*", (INPUT, 2), {}, "* 2"),
        ("/", (1, INPUT), {}, "1 /"),
        ("@", (np.zeros((5, 3)), INPUT), {}, "array(5, 3) @"),
        ("+", (INPUT, INPUT), {}, "+"),
        ("maximum", (INPUT, 0.0), {}, "maximum(·, 0)"),
        ("sum", (INPUT,), {"axis": 0}, "sum axis=0"),
        ("sum", (INPUT,), {"axis": (0, 1), "keepdims": True}, "sum axis=(0, 1) keepdims=True"),
        ("[…]", (INPUT,), {"index": (0, slice(None))}, "[0, :]"),
        ("[…]", (INPUT,), {"index": -1}, "[-1]"),
        (
            "[…]",
            (INPUT,),
            {"index": (Ellipsis, None, slice(1, None), slice(None, None, -1))},
            "[..., None, 1:, ::-1]",
        ),
        ("[…]", (INPUT,), {"index": np.array([0, 1])}, "[array(2,)]"),
        ("[…]", (INPUT,), {"index": [0, 1]}, "[[0, 1]]"),
        ("[…]", (INPUT, INPUT), {"index": (object(), 0)}, "[·, 0]"),
        ("astype", (INPUT,), {"dtype": np.dtype("float32")}, "astype dtype=float32"),
        ("astype", (INPUT,), {"dtype": np.float32}, "astype dtype=float32"),
        ("+", (INPUT, np.array(0.5)), {}, "+ 0.5"),
    ],
)
def test_operation_shows_its_constants(label: str, operands: tuple[object, ...], params: dict, text: str) -> None:
    assert format.operation_text(label, operands, params, lambda x: x is INPUT) == text


def test_an_operation_with_a_hundred_operands_stays_short() -> None:
    text = format.operation_text("concatenate", (INPUT,) * 99 + (1.0,), {}, lambda x: x is INPUT)
    assert len(text) == format.CUT


def test_visible_escapes_what_has_no_glyph_and_nothing_else() -> None:
    assert format.visible("a\nb\tc\x00d\ud800e\u2028f\ufffe") == "a\\nb\\tc\\x00d\\ud800e\\u2028f\\ufffe"
    assert format.visible("<w₁> & 'β' \\N \\n 中文 🙂") == "<w₁> & 'β' \\N \\n 中文 🙂"


def test_minus_zero_keeps_its_sign_where_it_is_one_number() -> None:
    drawn = draw(Value(-0.0) * 1.0).diagram
    assert [node.value.lines for node in drawn.nodes if node.value] == [("-0.0",), ("-0.0",)]
    assert format.derivative_text(-0.0) == "-0.0" and format.derivative_text(np.array([-0.0, 0.0])) == "0"
