"""Errors are part of the interface: each says what was tried, what came, what was expected and what to write."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, errors

EXPECTED_BASES = {
    "GradientLost": TypeError,
    "ShapeError": ValueError,
    "IndexingError": IndexError,
    "DTypeError": TypeError,
    "MissingRule": TypeError,
    "ArgumentError": TypeError,
    "NotALeaf": TypeError,
    "InPlaceError": TypeError,
    "TracingError": RuntimeError,
    "RenderError": RuntimeError,
}


def error_classes() -> list[type[Exception]]:
    return [
        c
        for _, c in inspect.getmembers(errors, inspect.isclass)
        if issubclass(c, Exception) and c.__module__ in (errors.__name__, errors.MinigradError.__module__)
    ]


def test_every_error_is_ours_and_one_that_a_numpy_user_would_catch() -> None:
    for c in error_classes():
        assert issubclass(c, errors.MinigradError) and c.__doc__
        if c is not errors.MinigradError:
            assert any(b.__module__ == "builtins" and b not in (Exception, object) for b in c.__mro__[1:])
    for name, builtin in EXPECTED_BASES.items():
        assert issubclass(getattr(errors, name), builtin)


def text_of(kind: type[Exception], call: Callable[[], Any]) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


# ------------------------------------------------------------------------------------------------- shapes


def test_matmul_names_shapes_types_names_makers_and_the_transpose() -> None:
    x, w = Value(np.ones((4, 3)), name="x"), Value(np.ones((5, 3), np.float32), name="w")
    assert text_of(errors.ShapeError, lambda: x @ w) == (
        "cannot compute a @ b\n"
        "  a  Value (4, 3) float64   named 'x'\n"
        "  b  Value (5, 3) float32   named 'w'\n"
        "  the 3 columns of a do not match the 5 rows of b\n"
        "  Did you mean a @ b.T?"
    )


def test_matmul_of_a_computed_value_names_its_maker() -> None:
    h = np.tanh(Value(np.ones((4, 3))))
    h.name = "h"
    text = text_of(errors.ShapeError, lambda: h @ np.ones((4, 2)))
    assert "a  Value (4, 3) float64   named 'h', made by tanh" in text
    assert "b  ndarray (4, 2) float64" in text
    assert "the 3 columns of a do not match the 4 rows of b" in text
    assert "Did you mean a.T @ b?" in text


def test_matmul_with_the_array_on_the_left() -> None:
    text = text_of(errors.ShapeError, lambda: np.ones((4, 2)) @ Value(np.ones((3, 2)), name="w"))
    assert text.startswith(
        "cannot compute a @ b\n  a  ndarray (4, 2) float64\n  b  Value (3, 2) float64   named 'w'"
    )
    assert "Did you mean a @ b.T?" in text


def test_matmul_of_vectors() -> None:
    text = text_of(errors.ShapeError, lambda: Value(np.ones((2, 3))) @ Value(np.ones(2)))
    assert "the 3 columns of a do not match the 2 elements of b" in text and "Did you mean a.T @ b?" in text
    text = text_of(errors.ShapeError, lambda: Value(np.ones(1)) @ np.ones(2))
    assert "the 1 element of a does not match the 2 elements of b" in text and "Did you mean" not in text


@pytest.mark.parametrize(
    "call", [lambda: Value(np.ones(3)) @ 2.0, lambda: 2.0 @ Value(np.ones(3)), lambda: Value(2.0) @ Value(3.0)]
)
def test_matmul_with_a_number_says_to_multiply(call: Callable[[], Any]) -> None:
    text = text_of(errors.MinigradError, call)  # NumPy's own is a ValueError or, for two numbers, a TypeError
    assert "expected two arrays of at least one dimension; write a * b for a product with a number" in text


def test_dot_has_the_same_hint() -> None:
    text = text_of(errors.ShapeError, lambda: np.dot(Value(np.ones((4, 3))), np.ones((5, 3))))
    assert text.startswith("cannot compute dot(a, b)") and "Did you mean a @ b.T?" in text


@pytest.mark.parametrize(
    ("call", "head"),
    [
        (lambda a, b: a + b, "cannot compute a + b"),
        (lambda a, b: a - b, "cannot compute a - b"),
        (lambda a, b: a * b, "cannot compute a * b"),
        (lambda a, b: a / b, "cannot compute a / b"),
        (lambda a, b: a**b, "cannot compute a ** b"),
        (lambda a, b: a > b, "cannot compute a > b"),
        (lambda a, b: np.maximum(a, b), "cannot compute maximum(a, b)"),
        (lambda a, b: np.logaddexp(a, b), "cannot compute logaddexp(a, b)"),
    ],
)
def test_broadcasting_names_both_operands(call: Callable[[Any, Any], Any], head: str) -> None:
    a, b = Value(np.ones((2, 3)), name="a1"), Value(np.ones(2), name="b1")
    for left, right in ((a, b), (a, b.data), (a.data, b), (a * 1.0, b * 1.0)):
        text = text_of(errors.ShapeError, lambda left=left, right=right: call(left, right))
        assert text.startswith(head)
        assert "expected shapes that broadcast together, got (2, 3) and (2,)" in text
        assert ("named 'a1'" in text) == (left is a) and ("named 'b1'" in text) == (right is b)
        assert text.count("made by *") == sum(getattr(v, "op", None) is not None for v in (left, right))


def test_where_names_three_operands() -> None:
    text = text_of(errors.ShapeError, lambda: np.where(np.ones(2, bool), Value(np.ones(3)), 0.0))
    assert text.startswith("cannot compute where(a, b, c)\n  a  ndarray (2,) bool\n  b  Value (3,) float64\n  c  ")


def test_concatenate_and_stack_name_every_piece() -> None:
    v, w = Value(np.ones((2, 3)), name="v"), Value(np.ones((2, 4)), name="w")
    text = text_of(errors.ShapeError, lambda: np.concatenate([v, w]))
    assert text.startswith("cannot compute concatenate(a, b")
    assert "named 'v'" in text and "named 'w'" in text
    assert "(2, 3)" in text and "(2, 4)" in text
    assert "alike but for the axis" in text or "must match exactly" in text
    text = text_of(errors.ShapeError, lambda: np.stack([v, w]))
    assert text.startswith("cannot compute stack(a, b") and "shape" in text
    many = [Value(np.ones(k)) for k in range(1, 12)]
    text = text_of(errors.ShapeError, lambda: np.stack(many))
    assert "x0" in text and "x10" in text


@pytest.mark.parametrize(
    ("call", "label"),
    [
        (lambda v: v.reshape(4, 5), "reshape"),
        (lambda v: np.broadcast_to(v, (5, 7)), "broadcast_to"),
        (lambda v: v.transpose(0, 0), "transpose"),
        (lambda v: np.squeeze(v, 0), "squeeze"),
    ],
)
def test_shaping_errors_name_op_and_operand(call: Callable[[Value], Any], label: str) -> None:
    text = text_of(errors.ShapeError, lambda: call(Value(np.ones((2, 3)), name="v")))
    assert text.startswith(f"cannot compute {label}(a") and "a  Value (2, 3) float64   named 'v'" in text
    assert "NumPy says: " in text


@pytest.mark.parametrize("call", [lambda v: v.sum(axis=5), lambda v: v.max(axis=-3), lambda v: v.mean((0, 2))])
def test_a_wrong_axis_is_named(call: Callable[[Value], Any]) -> None:
    with pytest.raises(errors.MinigradError, match=r"axis .* is out of bounds") as caught:
        call(Value(np.ones((2, 3)), name="v"))
    assert isinstance(caught.value, (ValueError, IndexError)) and "named 'v'" in str(caught.value)


# -------------------------------------------------------------------------------------------- index and type


def test_an_index_out_of_bounds() -> None:
    v = Value(np.ones(3), name="v")
    for index in (3, -4, [0, 7], (0, 0), np.array([True, False])):
        text = text_of(errors.IndexingError, lambda index=index: v[index])
        assert text.startswith("cannot compute a[") and "a  Value (3,) float64   named 'v'" in text
        assert "NumPy says: " in text


@pytest.mark.parametrize("index", [1.5, "a", np.array([0.5]), Value(1.0)])
def test_an_index_that_is_none(index: Any) -> None:
    with pytest.raises((errors.IndexingError, errors.GradientLost)):
        Value(np.ones(3))[index]


def test_a_float_value_is_no_index() -> None:
    text = text_of(errors.IndexingError, lambda: Value(np.ones(3))[Value([0.0, 1.0], name="i")])
    assert text == "an index is made of integers, slices or truth values, not of Value (2,) float64   named 'i'"


@pytest.mark.parametrize(
    "call",
    [
        lambda v: v * 1j,
        lambda v: 1j * v,
        lambda v: v + np.complex128(1j),
        lambda v: np.complex128(1j) - v,
        lambda v: np.exp(1j * np.ones(3)) * v,
        lambda v: v ** np.array([1j]),
        lambda v: np.where(True, v, 1j),
    ],
)
@pytest.mark.parametrize("data", [2.0, [1.0, 2.0, 3.0]])
def test_complex_results_are_refused(call: Callable[[Value], Any], data: Any) -> None:
    text = text_of(errors.DTypeError, lambda: call(Value(data, name="v")))
    assert text.startswith("cannot compute") and "complex" in text and "named 'v'" in text


@pytest.mark.parametrize(
    "call",
    [
        lambda v: v + np.array([1, 2, 3], dtype=object),
        lambda v: np.array([1.0, 2.0, 3.0], dtype=object) * v,
        lambda v: v * np.timedelta64(1, "D"),
        lambda v: np.concatenate([v, np.array([None])]),
    ],
)
def test_objects_and_dates_are_refused(call: Callable[[Value], Any]) -> None:
    with pytest.raises(errors.MinigradError) as caught:
        call(Value([1.0, 2.0, 3.0]))
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("other", ["text", None, {}, object()])
@pytest.mark.parametrize("call", [lambda v, o: v + o, lambda v, o: o - v, lambda v, o: np.multiply(v, o)])
def test_what_is_no_number_is_refused(call: Callable[[Any, Any], Any], other: Any) -> None:
    with pytest.raises(TypeError):
        call(Value([1.0, 2.0]), other)


def test_bitwise_operators_of_floats() -> None:
    text = text_of(errors.ArgumentError, lambda: Value(2.0) & Value(3.0))
    assert text.startswith("cannot compute a & b")


def test_functions_of_ours_say_what_they_expect() -> None:
    logits = Value(np.ones((2, 3)), name="logits")
    for targets, expected in (
        (np.array([0.0, 1.0]), "expected integer targets of shape (2,)"),
        (np.array([0, 1, 2]), "expected integer targets of shape (2,)"),
        (np.array([0, 3]), "expected classes from 0 to 2, got 0 to 3"),
        (np.array([-1, 0]), "expected classes from 0 to 2, got -1 to 0"),
    ):
        text = text_of(errors.ShapeError, lambda targets=targets: minigrad.cross_entropy(logits, targets))
        assert expected in text and "named 'logits'" in text
    with pytest.raises(errors.MinigradError, match="put"):
        minigrad.put(Value([1.0, 2.0]), 5, 1.0)
    with pytest.raises(errors.MinigradError, match="put"):
        minigrad.put(Value([1.0, 2.0]), slice(None), np.ones(3))
    with pytest.raises(errors.ShapeError, match="stack"):
        minigrad.stack([Value([1.0]), Value([1.0, 2.0])])


def test_functions_of_ours_work_on_plain_arrays() -> None:
    x = np.array([-1.0, 0.0, 2.0])
    for f in (minigrad.relu, minigrad.sigmoid, minigrad.softplus, minigrad.softmax, minigrad.log_softmax):
        plain, recorded = f(x), f(Value(x))
        assert type(plain) is np.ndarray and type(recorded) is Value
        np.testing.assert_array_equal(plain, recorded.data)
    assert minigrad.put(x, 0, 5.0).tolist() == [5, 0, 2] and x[0] == -1.0
    assert minigrad.stack([1.0, 2.0]).tolist() == [1, 2]


def test_the_error_of_numpy_is_the_cause() -> None:
    with pytest.raises(errors.ShapeError) as caught:
        Value(np.ones(2)) + np.ones(3)
    assert type(caught.value.__cause__) is ValueError
    with pytest.raises(ValueError, match="broadcast"):
        Value(np.ones(2)) + np.ones(3)


def test_errors_do_not_print_large_arrays() -> None:
    big = Value(np.zeros((1000, 1000)))
    for call in (lambda: big @ np.zeros((3, 1000)), lambda: big[np.zeros(10_000, int) + 5000], lambda: float(big)):
        with pytest.raises(errors.MinigradError) as caught:
            call()
        assert len(str(caught.value)) < 1500


def test_an_error_keeps_no_values_alive_in_its_text() -> None:
    text = errors.describe(Value(np.ones(3), name="v") * 2)
    assert text == "Value (3,) float64   made by *"
    assert errors.describe(3.0) == "float 3.0" and len(errors.describe("x" * 1000)) <= 60


def test_layout_aligns_its_rows() -> None:
    assert errors.layout("head", {"a": "1", "long": "2"}, "remark", "") == "head\n  a     1\n  long  2\n  remark"


def test_warnings_of_numpy_stay_what_they_are() -> None:
    """Under -W error NumPy's warning is raised by name, with our description as a note."""
    with pytest.raises(RuntimeWarning, match="invalid value encountered in log") as caught:
        np.log(Value(-1.0))
    assert any("cannot compute log(a)" in note for note in caught.value.__notes__)


def test_a_float_error_state_is_respected() -> None:
    with np.errstate(divide="ignore"):
        assert np.log(Value(0.0)).item() == -np.inf
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        Value(1.0) / Value(0.0)


# --------------------------------------------------------------------------------------- types without derivatives


def test_text_and_objects_are_named_not_the_shapes() -> None:
    text = text_of(errors.ArgumentError, lambda: Value(np.ones(3)) @ np.array(["a", "b"]))
    assert text.endswith("expected real numbers, got <U1")
    text = text_of(errors.ArgumentError, lambda: Value(np.ones(2)) + np.array([None, 1.0]))
    assert text.endswith("expected real numbers, got object")


@pytest.mark.parametrize("call", [lambda v: v * 1j, lambda v: np.exp(1j * v), lambda v: np.array([1j, 2.0]) @ v])
def test_complex_numbers_are_out_of_scope_and_their_real_form_is_named(call: Callable[[Value], Any]) -> None:
    text = text_of(errors.DTypeError, lambda: call(Value([1.0, 2.0])))
    assert "expected real numbers, got complex128, out of scope: np.cos(v), np.sin(v)" in text


def test_fourier_transforms_name_their_real_form_which_is_right() -> None:
    x = np.array([0.5, -1.0, 2.0, 0.25, 1.0])
    n = len(x)
    t = 2 * np.pi * np.outer(np.arange(n), np.arange(n)) / n
    np.testing.assert_allclose(np.cos(t) @ x - 1j * (np.sin(t) @ x), np.fft.fft(x), atol=1e-14)
    half = t[: n // 2 + 1]
    np.testing.assert_allclose(np.cos(half) @ x - 1j * (np.sin(half) @ x), np.fft.rfft(x), atol=1e-14)
    power = minigrad.grad(lambda x: np.sum((np.cos(t) @ x) ** 2 + (np.sin(t) @ x) ** 2))(x)
    np.testing.assert_allclose(power, 2 * n * x)
    assert "np.cos(t) @ x  and  -np.sin(t) @ x" in text_of(errors.MissingRule, lambda: np.fft.fft(Value(x)))
    for name in ("ifft", "irfft", "fft2", "fftn"):
        text = text_of(errors.MissingRule, lambda name=name: getattr(np.fft, name)(Value(np.ones((2, 2)))))
        assert "complex numbers are out of scope" in text


# ------------------------------------------------------------------------------------------- nothing to do


@pytest.mark.parametrize("x", [{}, [], None, {"a": []}, minigrad.nn.Module()])
def test_a_container_without_numbers_is_not_differentiated_in_silence(x: Any) -> None:
    for call in (minigrad.grad, minigrad.value_and_grad):
        text = text_of(errors.ArgumentError, lambda call=call: call(lambda p: 1.0)(x))
        assert (
            text.startswith("grad has nothing to differentiate: argument 0 is ")
            and "write  grad(f, argnums=1)" in text
        )
    assert minigrad.grad(lambda a, b: a * 2.0, (0, 1))(1.0, x)[0] == 2.0  # one of several may be empty
