"""Value: one class for numbers and arrays; what it holds and what it remembers."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np
import pytest

from minigrad import Value, errors
from minigrad.engine.value import graph
from minigrad.tracing import trace

# ------------------------------------------------------------------------------------------- what it holds


@pytest.mark.parametrize("number", [2, 2.0, True, np.int8(2), np.float64(2.0), np.bool_(True), np.array(2)])
def test_a_number_becomes_a_numpy_float64(number: Any) -> None:
    v = Value(number)
    assert type(v.data) is np.float64
    assert v.data == float(number)
    assert v.shape == () and v.ndim == 0 and v.size == 1


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint16, bool])
def test_integers_and_booleans_become_float64(dtype: Any) -> None:
    assert Value(np.ones((2, 3), dtype)).data.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_other_floats_keep_their_type(dtype: Any) -> None:
    assert Value(np.ones(3, dtype)).dtype == dtype
    assert type(Value(dtype(1.5)).data) is dtype
    assert (Value(np.ones(3, dtype)) * 2.0).dtype == dtype


def test_lists_become_arrays() -> None:
    v = Value([[1, 2], [3, 4]])
    assert v.shape == (2, 2)
    assert v.tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    "data",
    [1j, [1.0, 2j], "text", ["a"], b"bytes", None, object(), [None], np.datetime64("2020-01-01"), {1: 2}],
)
def test_what_is_not_real_is_refused(data: Any) -> None:
    with pytest.raises(errors.DTypeError, match=r"a Value holds real numbers, got .* from"):
        Value(data)


def test_a_value_inside_a_value_is_refused() -> None:
    v = Value(2.0)
    with pytest.raises(errors.DTypeError, match=r"(?s)cannot hold a Value.*write  Value\(v\.data\)"):
        Value(v)
    with pytest.raises(errors.GradientLost, match=r"minigrad\.stack"):
        Value([v, v])
    with pytest.raises(errors.DTypeError):
        v.data = Value(3.0)


def test_a_ragged_list_is_refused() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        Value([[1, 2], [3]])


def test_the_array_that_was_given_is_not_shared() -> None:
    array = np.ones(3)
    v = Value(array)
    v.data -= 1.0
    assert array.tolist() == [1, 1, 1]
    array += 5.0
    assert v.data.tolist() == [0, 0, 0]


def test_one_class_for_numbers_arrays_and_results() -> None:
    v = Value(2.0)
    results = [v + v, np.sin(v), v > 1, Value([1.0])[0], Value([3.0, 1.0]).argsort(), v.relu()]
    assert {type(x) for x in (v, *results)} == {Value}


def test_there_is_nowhere_to_misspell_an_attribute() -> None:
    v = Value(2.0)
    with pytest.raises(AttributeError):
        v.gard = 1.0  # type: ignore[attr-defined]
    assert not hasattr(v, "requires_grad")


def test_shape_questions_are_plain() -> None:
    v = Value(np.ones((2, 3)))
    assert (v.shape, v.ndim, v.size, len(v)) == ((2, 3), 2, 6, 2)
    assert (np.shape(v), np.ndim(v), np.size(v)) == ((2, 3), 2, 6)
    assert v.dtype == np.float64 and np.result_type(v, np.float32) == np.float64
    with pytest.raises(TypeError):
        len(Value(2.0))


def test_repr_shows_numbers_name_and_maker() -> None:
    w = Value(2.0, name="w")
    assert repr(w) == "Value(2., name='w')"
    assert repr(w * 3) == "Value(6., op='*')"
    assert repr(Value(np.float32([1, 2]))) == "Value([1., 2.], dtype=float32)"
    assert len(repr(Value(np.zeros(10_000)))) < 200


def test_format_gives_plain_text() -> None:
    assert f"{Value(2.0) / 3:.3f}" == "0.667"
    assert f"{Value(2.0)}" == "Value(2.)"
    assert f"{Value(1234.5):>8.2e}" == "1.23e+03"


# ------------------------------------------------------------------------------------- what it remembers


def test_a_leaf_has_no_op_and_no_inputs() -> None:
    v = Value(2.0, name="v")
    assert v.op is None and v.inputs == () and v.operands == () and v.params is None
    assert v.grad is None and v.name == "v"
    assert Value(2.0).name is None


def test_inputs_are_in_operand_order_with_repeats() -> None:
    a, b = Value(2.0), Value(3.0)
    assert [x is a for x in (a * a).inputs] == [True, True]
    assert (a - b).inputs == (a, b) and (b - a).inputs == (b, a)
    joined = np.concatenate([Value([1.0]), Value([2.0])] * 2)
    assert len(joined.inputs) == 4 and joined.inputs[0] is joined.inputs[2]


def test_inputs_leave_constants_out_and_operands_keep_them() -> None:
    a = Value(2.0)
    left, right = 3.0 - a, a - 3.0
    assert left.inputs == (a,) and right.inputs == (a,)
    assert left.operands[0] == 3.0 and left.operands[1] is a
    assert right.operands[0] is a and right.operands[1] == 3.0
    array = np.ones(3)
    product = array * Value([1.0, 2.0, 3.0])
    assert product.operands[0] is array and len(product.inputs) == 1
    chosen = np.where(np.array([True, False]), Value([1.0, 2.0]), 0.0)
    assert len(chosen.operands) == 3 and len(chosen.inputs) == 1


def test_a_unary_op_has_one_input() -> None:
    v = Value(2.0)
    assert v.tanh().inputs == (v,) and (-v).inputs == (v,) and v.tanh().operands == (v,)


@pytest.mark.parametrize(
    ("make", "label"),
    [
        (lambda v: v + 1, "+"),
        (lambda v: 1 - v, "-"),
        (lambda v: v * v, "*"),
        (lambda v: v / 2, "/"),
        (lambda v: v**2, "**"),
        (lambda v: 2**v, "**"),
        (lambda v: v @ v, "@"),
        (lambda v: -v, "neg"),
        (lambda v: abs(v), "abs"),
        (lambda v: np.tanh(v), "tanh"),
        (lambda v: v.sum(), "sum"),
        (lambda v: v.max(), "max"),
        (lambda v: v.min(), "min"),
        (lambda v: v[0], "[…]"),
        (lambda v: np.sqrt(v), "sqrt"),
        (lambda v: v > 1, ">"),
        (lambda v: np.concatenate([v, v]), "concatenate"),
    ],
)
def test_the_label_is_what_was_typed(make: Any, label: str) -> None:
    assert make(Value([1.0, 2.0])).op.label == label


def test_params_are_kept() -> None:
    v = Value(np.ones((2, 3)))
    assert v.sum(axis=1).params["axis"] == 1
    assert v[0].params["index"] == 0


def test_a_value_inside_an_index_is_an_input() -> None:
    v, i = Value([1.0, 2.0, 3.0]), Value([3.0, 1.0]).argmax()
    assert [x is y for x, y in zip(v[i].inputs, (v, i), strict=True)] == [True, True]
    assert v[i].item() == 1.0
    assert len(v[i, None].inputs) == 2


def test_serials_grow_and_are_a_topological_order() -> None:
    a = Value(1.0)
    b = a + a
    c = b * a
    assert a.serial < b.serial < c.serial
    rng = np.random.default_rng(0)
    nodes = [Value(1.0) for _ in range(5)]
    for _ in range(100):
        i, j = rng.integers(len(nodes), size=2)
        nodes.append(nodes[i] + nodes[j])
    for node in graph(nodes[-1]):
        assert all(x.serial < node.serial for x in node.inputs)


def test_graph_lists_every_node_once_in_serial_order() -> None:
    a = Value(1.0)
    b = a + a
    c = b + b
    unrelated = a * 3
    assert graph(c) == [a, b, c]
    assert unrelated not in graph(c)


def test_serials_are_distinct_across_threads() -> None:
    made: list[list[Value]] = []

    def work() -> None:
        x = Value(1.0)
        made.append([x := x + 1.0 for _ in range(2000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    serials = [v.serial for values in made for v in values]
    assert len(serials) == 8000 == len(set(serials))
    assert all([v.serial for v in values] == sorted(v.serial for v in values) for values in made)


# ------------------------------------------------------------------------------ hash, equality, truth values


def test_hash_is_by_identity() -> None:
    a, b = Value(2.0), Value(2.0)
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[a] == "a"
    a.data = 5.0
    assert a in {a}


def test_comparisons_are_values_and_equality_is_of_numbers() -> None:
    v = Value([1.0, 2.0, 3.0])
    for result in (v > 2, v >= 2, v < 2, v <= 2, v == 2, v != 2, np.float64(2) == v, v == np.float64(2)):
        assert type(result) is Value and result.dtype == bool
    assert (v == 2).tolist() == [False, True, False]
    assert (v != [1.0, 0.0, 3.0]).tolist() == [False, True, False]


@pytest.mark.parametrize("other", ["text", None, object(), {}, {1}, Value])
def test_equality_with_what_is_no_number_is_not_implemented(other: Any) -> None:
    v = Value(2.0)
    assert v.__eq__(other) is NotImplemented
    assert (v == other) is False and (v != other) is True
    with pytest.raises(TypeError):
        assert v < other


def test_a_value_is_found_in_a_list_and_a_dict() -> None:
    a, b = Value(1.0), Value(2.0)
    assert b in [a, b] and [a, b].index(b) == 1 and b in (None, "x", b)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda v: v > 2, "b"),
        (lambda v: np.isnan(v), "b"),
        (lambda v: np.sign(v), "f"),
        (lambda v: np.floor(v), "f"),
        (lambda v: v // 2, "f"),
        (lambda v: v.argmax(), "i"),
        (lambda v: v.argsort(), "i"),
        (lambda v: np.logical_and(v > 1, v < 3), "b"),
        (lambda v: (v > 1) & ~(v > 2), "b"),
        (lambda v: np.any(v > 1), "b"),
        (lambda v: round(v), "f"),
        (lambda v: np.round(v, 1), "f"),
        (lambda v: np.zeros_like(v), "f"),
        (lambda v: np.count_nonzero(v), "i"),
    ],
)
def test_what_is_computed_from_a_value_is_a_value(make: Any, kind: str) -> None:
    v = Value([1.2, 2.5, 3.1])
    result = make(v)
    assert type(result) is Value and result.dtype.kind == kind
    assert result.inputs == (), "in eager code a result without a gradient keeps no graph"
    (v.sum() + (result * 1.0).sum()).backward()
    assert v.grad.tolist() == [1, 1, 1], "no gradient flows through it, and none is lost beside it"


def test_stored_accuracies_keep_no_graph_alive() -> None:
    x = Value(np.arange(6.0).reshape(3, 2))
    hidden = np.tanh(x)
    watch = weakref.ref(hidden)
    accuracy = (hidden.argmax(axis=1) == np.array([1, 1, 0])).mean()
    correct = hidden > 0.5
    del hidden
    assert watch() is None
    assert accuracy.item() == pytest.approx(2 / 3) and correct.shape == (3, 2)


def test_while_tracing_results_without_gradient_keep_their_inputs() -> None:
    with trace():
        v = Value([1.0, 2.0])
        assert (v > 1).inputs == (v,) and np.sign(v).inputs == (v,) and v.argmax().inputs == (v,)


def test_truth_in_eager_code() -> None:
    assert bool(Value(2.0)) and not Value(0.0) and bool(Value(2.0) > 1)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Value([1.0, 2.0]))
    x = Value(3.0)
    y = x * x if x > 0 else -x
    y.backward()
    assert x.grad == 6.0


def test_integer_values_index_arrays() -> None:
    array, v = np.array([10.0, 20.0, 30.0]), Value([0.5, 2.0, 1.0])
    assert array[v.argmax()] == 20
    assert array[v.argsort()].tolist() == [10, 30, 20]
    assert array[v > 0.7].tolist() == [20, 30]
    assert [1, 2, 3][v.argmax()] == 2 and list(range(v.argmax())) == [0]
    assert np.take(array, v.argsort()).tolist() == [10, 30, 20]
    assert int(v.argmax()) == 1 and float(v.argmax()) == 1.0
    assert np.asarray(v > 1).dtype == bool
