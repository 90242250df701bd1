"""Value: one class for numbers and arrays; what it holds, what it remembers, what backward() leaves behind."""

from __future__ import annotations

import copy
import gc
import itertools
import pickle
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, errors
from minigrad.context import trace
from minigrad.value import graph, sweep

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


# ------------------------------------------------------------------------------------------ data and copies


def test_data_setter_converts_and_refuses() -> None:
    v = Value([1.0, 2.0])
    v.data = [3, 4]
    assert v.data.dtype == np.float64 and v.data.tolist() == [3, 4]
    given = np.zeros(2)
    v.data = given
    v.data += 1
    assert given.tolist() == [0, 0]
    for bad in (1j, "a", None, [object()]):
        with pytest.raises(errors.DTypeError):
            v.data = bad
    assert v.data.tolist() == [1, 1], "a refused assignment changes nothing"


def test_a_step_in_place_works_for_numbers_and_arrays() -> None:
    for start in (3.0, np.array([3.0, 4.0]), np.float32(3.0), np.array([3.0], np.float32)):
        w = Value(start)
        dtype = w.dtype
        (w * w).sum().backward()
        before = w.data
        w.data -= 0.1 * w.grad
        np.testing.assert_allclose(w.data, np.asarray(start) * 0.8, rtol=1e-6)
        assert w.dtype == dtype
        assert before is w.data or not isinstance(before, np.ndarray)


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
@pytest.mark.parametrize("data", [2.5, [1.0, 2.0], np.array([1.5], np.float32)])
def test_a_copied_leaf_is_a_leaf_of_its_own(clone: Any, data: Any) -> None:
    v = Value(data, name="v")
    (v * 3).sum().backward()
    twin = clone(v)
    assert type(twin) is Value and twin.op is None and twin.name == "v"
    assert twin.serial > v.serial
    np.testing.assert_array_equal(twin.data, v.data)
    np.testing.assert_array_equal(twin.grad, v.grad)
    assert twin.dtype == v.dtype
    if v.ndim:
        assert not np.shares_memory(twin.data, v.data) and not np.shares_memory(twin.grad, v.grad)
    (twin * 5).sum().backward()
    np.testing.assert_array_equal(v.grad, np.full(v.shape, 3.0))


def test_deepcopy_keeps_shared_leaves_shared() -> None:
    v = Value(2.0)
    first, second = copy.deepcopy([v, v])
    assert first is second and first is not v


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, pickle.dumps])
def test_copying_an_inner_node_is_refused(clone: Any) -> None:
    for node in (Value(2.0) * 3, np.tanh(Value([1.0]))):
        with pytest.raises(errors.NotALeaf, match=r"made by (\*|tanh)\n  write  Value\(v\.data\)"):
            clone(node)


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy])
def test_copying_an_argument_does_not_cut_the_gradient(clone: Any) -> None:
    try:
        gradient = minigrad.grad(lambda x: clone(x) * 2.0)(3.0)
    except errors.NotALeaf:
        return
    assert gradient == 2.0


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copying_a_result_without_gradient_keeps_its_type(clone: Any) -> None:
    v = Value([1.0, 2.0])
    for result in (v > 1, v.argsort()):
        try:
            twin = clone(result)
        except errors.NotALeaf:
            continue
        assert twin.dtype == result.dtype


# --------------------------------------------------------------------------------------------- v += w


def test_in_place_operators_compute_a_new_value() -> None:
    a, b = Value(2.0), Value(3.0)
    v = a * b
    first = v
    v += b
    assert v is not first and v.op.label == "+" and v.inputs == (first, b)
    v -= 1.0
    v *= 2.0
    v /= 4.0
    v **= 2
    v.backward()
    assert a.data == 2.0 and first.data == 6.0, "nothing is changed in place"
    assert v.data == 16.0
    assert a.grad == 2 * 4.0 * 0.5 * 3.0


def test_in_place_matmul() -> None:
    m = Value(np.eye(2)) * 2.0
    m @= np.ones((2, 2))
    assert m.op.label == "@" and m.data.tolist() == [[2, 2], [2, 2]]


def test_a_leaf_accumulates_values() -> None:
    x, total = Value(3.0), Value(0.0)
    leaf = total
    for _ in range(3):
        total += x * x
    total.backward()
    assert total.data == 27 and x.grad == 18 and leaf.data == 0 and leaf.grad == 1


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**", "@", "//", "%"])
@pytest.mark.parametrize("other", [3.0, np.ones(3)])
def test_a_leaf_with_a_plain_number_is_refused(symbol: str, other: Any) -> None:
    space = {"w": Value([1.0, 2.0, 3.0], name="w"), "other": other}
    leaf = space["w"]
    with pytest.raises(errors.InPlaceError, match=r"leave this leaf as it was") as caught:
        exec(f"w {symbol}= other", space)
    assert f"write  w.data {symbol}= ..." in str(caught.value)
    assert leaf.data.tolist() == [1, 2, 3]


def test_the_loop_over_parameters_is_told_to_write_data() -> None:
    parameters = [Value([1.0, 2.0]), Value(3.0)]
    sum((p * p).sum() for p in parameters).backward()
    for p in parameters:
        with pytest.raises(errors.InPlaceError, match=r"w\.data -= \.\.\."):
            p -= 0.1 * p.grad
        p.data -= 0.1 * p.grad
    assert parameters[1].data == pytest.approx(2.4)


@pytest.mark.parametrize(
    "view",
    [
        lambda y: y[0],
        lambda y: y[:, 1:],
        lambda y: y.T,
        lambda y: y.reshape(-1),
        lambda y: y.ravel(),
        lambda y: np.swapaxes(y, 0, 1),
        lambda y: np.expand_dims(y, 0),
        lambda y: np.squeeze(y[:, :1]),
    ],
)
def test_in_place_on_a_view_is_refused(view: Any) -> None:
    r = view(Value(np.ones((2, 3))))
    with pytest.raises(errors.InPlaceError, match=r"(?s)on a view \(made by .*minigrad\.put"):
        r += 10.0


@pytest.mark.parametrize(
    "fresh",
    [
        lambda y: y[[0, 1]],
        lambda y: y[y > 0],
        lambda y: y[0, 0],
        lambda y: y.flatten(),
        lambda y: y.copy(),
        lambda y: y.sum(axis=0),
        lambda y: y.T @ y,
    ],
)
def test_in_place_on_a_result_that_is_no_view_is_allowed(fresh: Any) -> None:
    y = Value(np.ones((2, 3)))
    r = fresh(y)
    before = r.data.copy()
    r += 10.0
    np.testing.assert_array_equal(r.data, before + 10)
    assert y.data.tolist() == np.ones((2, 3)).tolist()


# ----------------------------------------------------------------------------------------------- gradients


def test_grad_is_none_then_an_array_and_may_be_reset() -> None:
    v = Value([1.0, 2.0])
    assert v.grad is None
    (v * v).sum().backward()
    assert type(v.grad) is np.ndarray and v.grad.tolist() == [2, 4]
    v.grad = None
    assert v.grad is None
    v.grad = [5, 6]
    assert v.grad.tolist() == [5.0, 6.0] and v.grad.dtype == np.float64
    (v * v).sum().backward()
    assert v.grad.tolist() == [7, 10]


def test_assigned_gradients_are_copied_and_fitted() -> None:
    v, given = Value(np.zeros(2, np.float32)), np.ones(2)
    v.grad = given
    given += 1
    assert v.grad.tolist() == [1, 1] and v.grad.dtype == np.float32
    v.grad = 0.0
    assert v.grad.tolist() == [0, 0], "a number serves for every entry"


def test_a_gradient_that_does_not_fit_is_refused() -> None:
    v = Value([1.0, 2.0])
    with pytest.raises(errors.ShapeError, match=r"the gradient has shape \(3,\), the value \(2,\)"):
        v.grad = np.ones(3)
    with pytest.raises(errors.GradientLost, match=r"v\.grad = g\.data"):
        v.grad = Value([1.0, 1.0])
    with pytest.raises(errors.DTypeError):
        v.grad = np.ones(2) * 1j
    with pytest.raises(errors.DTypeError):
        v.grad = "text"
    assert v.grad is None


def test_gradient_of_a_number_is_a_number() -> None:
    v = Value(3.0)
    (v * v).backward()
    assert type(v.grad) is np.float64 and v.grad == 6


def test_grad_of_reused_node() -> None:
    a = Value(1.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad == 4 and b.grad == 2 and c.grad == 1


def test_grad_of_a_leaf_of_itself() -> None:
    v = Value(3.0)
    v.backward()
    assert v.grad == 1


def test_backward_wants_one_number_and_names_the_shape() -> None:
    y = Value(np.ones((2, 3))) * 2
    with pytest.raises(errors.ShapeError) as caught:
        y.backward()
    text = str(caught.value)
    assert "this value has shape (2, 3)" in text
    assert "y.sum().backward()" in text and "y.backward(g)" in text
    assert issubclass(errors.ShapeError, ValueError)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_backward_takes_any_value_of_one_element(shape: tuple[int, ...]) -> None:
    x = Value(np.full(shape, 3.0))
    (x * x).backward()
    assert np.shape(x.grad) == shape and np.all(x.grad == 6)


def test_backward_of_nothing_at_all() -> None:
    with pytest.raises(errors.ShapeError, match=r"\(0,\)"):
        (Value(np.zeros(0)) * 2).backward()


def test_backward_with_a_cotangent() -> None:
    x, g = Value([1.0, 2.0]), np.array([10.0, 1.0])
    (x * x).backward(g)
    assert x.grad.tolist() == [20, 4] and g.tolist() == [10, 1]
    x.grad = None
    (x * x).backward([1, 1])
    assert x.grad.tolist() == [2, 4]
    with pytest.raises(errors.ShapeError, match=r"the cotangent has shape \(3,\), the value \(2,\)"):
        (x * x).backward(np.ones(3))
    with pytest.raises(errors.DTypeError, match="the cotangent"):
        (x * x).backward(np.ones(2) * 1j)


def test_a_value_as_cotangent_never_ends_up_as_a_gradient() -> None:
    x = Value([1.0, 2.0])
    try:
        (x * x).backward(Value([1.0, 1.0]))
    except errors.MinigradError:
        assert x.grad is None
    else:
        assert type(x.grad) is np.ndarray and x.grad.tolist() == [2, 4]


def test_backward_of_what_is_not_real() -> None:
    with pytest.raises(errors.DTypeError, match="nothing to differentiate"):
        (Value(2.0) > 1).backward()


def test_backward_twice_adds_exactly() -> None:
    rng = np.random.default_rng(1)
    x, w = Value(rng.normal(size=(4, 3))), Value(rng.normal(size=(3, 2)))
    loss = np.tanh(x @ w).sum()
    loss.backward()
    once = {v: v.grad.copy() for v in (x, w)}
    loss.backward()
    for v, g in once.items():
        assert (v.grad == 2 * g).all()
    loss.backward()
    for v, g in once.items():
        np.testing.assert_array_equal(v.grad, g + g + g)


def test_gradients_of_two_losses_add_up() -> None:
    x = Value(3.0)
    (x * x).backward()
    (x * 5).backward()
    assert x.grad == 11


def test_an_inner_gradient_is_that_of_the_latest_sweep() -> None:
    x = Value([1.0, 2.0])
    h = x * 2
    first, second = (h * h).sum(), (h * 10).sum()
    first.backward()
    assert h.grad.tolist() == [4, 8]
    second.backward()
    assert h.grad.tolist() == [10, 10], "not added up, and not stale"
    first.backward()
    first.backward()
    assert h.grad.tolist() == [4, 8] and first.grad == 1
    assert x.grad.tolist() == [8 * 3 + 20, 16 * 3 + 20]


def everything(loss: Value) -> dict[Value, Any]:
    return {node: node.grad for node in graph(loss) if isinstance(node.grad, np.ndarray)}


def test_no_two_gradients_share_memory() -> None:
    a, b = Value(np.ones(3)), Value(np.ones(3))
    c = a + b  # the rule hands the same cotangent to both
    d = c.reshape(3, 1)
    e = d.T
    f = np.broadcast_to(e, (2, 3)) + 0.0
    seed = np.ones((2, 3))
    f.backward(seed)
    arrays = [*everything(f).values(), seed, *(node.data for node in graph(f) if node.op is None)]
    assert len(arrays) > 8
    for one, other in itertools.combinations(arrays, 2):
        assert not np.shares_memory(one, other)
    for gradient in arrays:
        gradient += 1.0  # each of them can be written to


def test_an_assignment_into_one_gradient_reaches_no_other() -> None:
    a, b = Value(np.ones(2)), Value(np.ones(2))
    c = a + b
    c.sum().backward()
    a.grad[0] = 100
    assert b.grad.tolist() == [1, 1] and c.grad.tolist() == [1, 1]
    c.sum().backward()
    assert b.grad.tolist() == [2, 2] and a.grad.tolist() == [101, 2]


def test_reading_an_inner_gradient_twice_gives_the_same_array() -> None:
    h = Value([1.0, 2.0]) * 2
    h.sum().backward()
    h.grad[0] = 7
    assert h.grad.tolist() == [7, 1]


def test_leaf_gradient_that_was_read_is_not_overwritten_by_the_next_sweep() -> None:
    x = Value([1.0, 2.0])
    (x * x).sum().backward()
    kept = x.grad
    (x * x).sum().backward()
    assert x.grad.tolist() == [4, 8]
    assert kept.tolist() in ([2, 4], [4, 8])
    x.grad = None
    (x * x).sum().backward()
    assert x.grad.tolist() == [2, 4] and kept is not x.grad


def test_float32_leaves_get_float32_gradients() -> None:
    a, s, b = Value(np.ones(3, np.float32)), Value(0.5), Value(np.ones(3))
    y = a * s * b
    assert y.dtype == np.float64
    y.sum().backward()
    assert a.grad.dtype == np.float32 and b.grad.dtype == np.float64
    assert a.grad.tolist() == [0.5] * 3 and s.grad == 3
    c = Value(np.float32(2.0))
    (c * 3.0).backward()
    assert type(c.grad) is np.float32


def test_broadcasting_is_summed_out() -> None:
    row, column, number = Value(np.ones(3)), Value(np.ones((2, 1))), Value(2.0)
    (row * column * number).sum().backward()
    assert row.grad.tolist() == [4, 4, 4] and column.grad.tolist() == [[6], [6]] and number.grad == 6


def test_numbers_on_either_side() -> None:
    for left, right, slope in (
        (lambda x: 3 + x, lambda x: x + 3, 1),
        (lambda x: 3 * x, lambda x: x * 3, 3),
        (lambda x: 3 - x, lambda x: -(x - 3), -1),
    ):
        for f in (left, right):
            x = Value(2.0)
            f(x).backward()
            assert x.grad == slope
    x = Value(2.0)
    (1 / x).backward()
    assert x.grad == -0.25
    y = Value(2.0)
    (2**y).backward()
    assert y.grad == pytest.approx(4 * np.log(2), rel=1e-15)


@pytest.mark.parametrize(
    "number", [3, 3.0, True, np.float64(3), np.float32(3), np.int64(3), np.array(3.0), np.array([3.0]), [3.0]]
)
@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**", "%", "//", "<", "=="])
def test_every_kind_of_number_on_either_side(number: Any, symbol: str) -> None:
    space = {"v": Value([2.0, 5.0]), "n": number, "d": np.array([2.0, 5.0]), "p": np.asarray(number)}
    for typed, plain in ((f"v {symbol} n", f"d {symbol} p"), (f"n {symbol} v", f"p {symbol} d")):
        result, expected = eval(typed, space), eval(plain, space)
        assert type(result) is Value
        np.testing.assert_array_equal(result.data, expected)


# ------------------------------------------------------------------------------------------- non-mutation


@contextmanager
def frozen(*arrays: np.ndarray) -> Iterator[None]:
    """Whoever writes into one of the arrays fails, and so does whoever changes it by another way."""
    before = [a.copy() for a in arrays]
    for a in arrays:
        a.flags.writeable = False
    yield
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_is_mutated_by_a_sweep() -> None:
    rng = np.random.default_rng(0)
    x, w = Value(rng.normal(size=(5, 3))), Value(rng.normal(size=(3, 4)))
    target, g = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    h = np.tanh(x @ w)
    y = (h - target) ** 2 + h[:, ::-1] * np.sort(h, axis=0) + np.where(h > 0, h, 0)
    with frozen(target, g, *(node.data for node in graph(y) if isinstance(node.data, np.ndarray))):
        y.backward(g)
        list(sweep(y, g))
    assert w.grad.shape == (3, 4)


def test_a_cotangent_is_not_mutated_by_buffers() -> None:
    x, g = Value(np.ones((4, 2))), np.ones(2)
    y = x[0] + x[1] + x[0] + x.sum(axis=0)
    with frozen(g):
        y.backward(g)
    assert x.grad.tolist() == [[3, 3], [2, 2], [1, 1], [1, 1]]


def test_sweep_writes_no_grad() -> None:
    x = Value(3.0)
    y = x * x
    pairs = dict(sweep(y, 1.0))
    assert pairs[x] == 6 and pairs[y] == 1
    assert x.grad is None and y.grad is None


def test_a_failed_backward_writes_nothing() -> None:
    x = Value([1.0, 2.0])
    y = x * x
    with pytest.raises(errors.ShapeError):
        y.backward(np.ones(5))
    assert x.grad is None and y.grad is None


# ----------------------------------------------------------------------------------------------- memory


@contextmanager
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "make",
    [
        lambda x: np.tanh(x * 2).sum(),
        lambda x: minigrad.cross_entropy(x.reshape(1, 3), np.array([1])),
        lambda x: sum(np.split(x, 3)).sum(),
        lambda x: (x[x.argsort()] ** 2).sum(),
    ],
)
def test_a_graph_goes_with_its_last_name(make: Any) -> None:
    with no_collector():
        x = Value([1.0, 2.0, 3.0])
        h = x * 3
        watch = weakref.ref(h)
        loss = make(h)
        loss.backward()
        del h
        assert watch() is not None
        del loss
        assert watch() is None, "a cycle keeps the graph alive until the collector comes"


def test_an_error_keeps_the_values_usable() -> None:
    x = Value(np.ones((2, 3)))
    with pytest.raises(errors.ShapeError):
        x @ x
    (x * x).sum().backward()
    assert x.grad.tolist() == [[2] * 3] * 2
