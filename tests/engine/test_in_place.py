"""v += w is v = v + w; whatever it would have changed under another name is closed, or it is refused."""

from __future__ import annotations

import copy
import math
import operator
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import OPS

import minigrad
from minigrad import (
    Value,
    check_graph,
    compile,
    debug,
    draw,
    errors,
    grad,
    jvp,
    nn,
    no_grad,
    scope,
    value_and_grad,
    vjp,
)
from minigrad.check.testing.op_calls import invoke
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.value import graph
from minigrad.symmetry.ties import ties
from minigrad.transforms.checkpoint import checkpoint

# --------------------------------------------------------------------------------------------- v += w


def test_in_place_operators_compute_a_new_value() -> None:
    a, b = Value(2.0), Value(3.0)
    v = a * b
    first = v
    v += b
    assert v is not first and v.op.label == "+" and v.inputs == (first, b), "a number stays as it is, as in NumPy"
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
    with pytest.raises(errors.InPlaceError, match=r"leave this leaf unchanged") as caught:
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
    with pytest.raises(
        errors.InPlaceError, match=r"(?s)on a view \(made by .*write  y = y \+ \.\.\..*or .*minigrad\.put"
    ):
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


# --------------------------------------------------------------------------------------- the old object

X = np.array([1.0, 2.0])


def superseded() -> tuple[Any, Any]:
    """The old object of ``h += 1``, and the new one."""
    old = h = Value(X) * 2.0
    h += 1.0
    return old, h


def add_bias(h: Any, b: Any) -> None:
    h += b


def with_helper(x: Any) -> Any:
    h = x * 2.0
    add_bias(h, 1.0)
    return np.sum(h**2)


def with_list(x: Any) -> Any:
    hs = [x * 2.0]
    h = hs[0]
    h += 1.0
    return np.sum(hs[0])


def with_loop(x: Any) -> Any:
    v = total = x * 2.0
    for _ in range(3):
        total += x
    return np.sum(v * total)


def with_argument(x: Any) -> Any:
    y = x
    y -= 1.0
    return np.sum(x)


def with_view(x: Any) -> Any:
    h = x * 2.0
    part = h[:1]
    h *= 3.0
    return np.sum(part)


def with_view_of_view(x: Any) -> Any:
    h = x * 2.0
    part = np.reshape(h, (1, 2)).T[::-1]
    h *= 3.0
    return np.sum(part)


def with_closure(x: Any) -> Any:
    h = x * 2.0
    f = lambda h=h: h * 2.0  # noqa: E731
    h += 1.0
    return np.sum(f())


def with_mask(x: Any) -> Any:
    mask = every = x > 0
    mask &= x > 1.5
    return np.sum(np.where(every, x, 0.0))


def with_result(x: Any) -> Any:
    old = h = x * 2.0
    h += 1.0
    return [old, h]


ALIASES = [with_helper, with_list, with_loop, with_argument, with_view, with_view_of_view, with_closure, with_mask]


def backward(f: Any) -> Any:
    return lambda x: f(Value(x)).backward()


def plain_forward(f: Any) -> Any:
    def run(x: Any) -> Any:
        with no_grad():
            return f(Value(x))

    return run


WAYS: dict[str, Callable[[Any], Any]] = {
    "grad": grad,
    "value_and_grad": value_and_grad,
    "compile": compile,
    "compiled grad": lambda f: compile(grad(f)),
    "vmap": lambda f: lambda x: minigrad.vmap(f)(np.stack([x, x])),
    "vjp": lambda f: lambda x: vjp(f, x)[1](1.0),
    "jvp": lambda f: lambda x: jvp(f, (x,), (x,)),
    "hessian": minigrad.hessian,
    "no_grad": plain_forward,
    "checkpoint": lambda f: grad(checkpoint(f)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("f", ALIASES)
def test_another_name_for_the_old_value_is_refused(f: Any, way: str) -> None:
    if f is with_argument and way == "no_grad":
        pytest.skip("a leaf: refused for another reason")
    with pytest.raises(errors.InPlaceError, match=r"\n +write  \w+ = \w+ [-+*&] \.\.\."):
        WAYS[way](f)(X)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "no_grad"])
def test_an_old_value_that_is_returned_is_refused(way: str) -> None:
    transform = minigrad.jacobian if "hessian" in way else WAYS[way]
    with pytest.raises(errors.InPlaceError, match=r"used after \+="):
        transform(with_result)(X)


def test_the_case_of_the_helper_says_what_to_write() -> None:
    with pytest.raises(errors.InPlaceError) as caught:
        grad(with_helper)(X)
    assert str(caught.value).splitlines() == [
        "h is used after += under another name: NumPy would have changed it, and a Value never changes",
        "  value  Value (2,) float64   made by *",
        "  write  h = h + ...   in place of  h += ...",
        "  with minigrad.debug():   this error names the line",
    ]


def test_debug_names_the_line_of_the_operator() -> None:
    with debug(), pytest.raises(errors.InPlaceError, match=r"line +\S*test_in_place\.py:\d+: h \+= b"):
        grad(with_helper)(X)


def test_a_view_names_the_value_behind_it() -> None:
    weights = Value(X, name="weights")
    part = weights[:1]
    weights += Value(X)
    with pytest.raises(
        errors.InPlaceError, match=r"part is used after \+= on the value behind this view"
    ) as caught:
        _ = part + 1.0
    assert "write  weights = weights + ...   in place of  weights += ..." in str(caught.value)


OPERATORS = [*("add", "sub", "mul", "truediv", "pow", "matmul", "mod", "floordiv", "and_", "eq", "ne", "lt", "ge")]


def uses_of(name: str) -> dict[str, Callable[[Any], Any]]:
    f = getattr(operator, name)
    return {
        name: lambda v: f(v, X),
        f"{name} on the right": lambda v: f(X, v),
        f"{name} a number": lambda v: f(2, v),
    }


USES: dict[str, Callable[[Any], Any]] = {
    **{key: use for name in OPERATORS for key, use in uses_of(name).items()},
    **{name: getattr(operator, name) for name in ("neg", "pos", "abs", "invert", "index")},
    **{f.__name__: f for f in (float, int, complex, bool, len, list, iter, round, math.sin, math.floor)},
    **{
        f"np.{f.__name__}": f
        for f in (np.sin, np.sum, np.shape, np.ones_like, np.asarray, np.linalg.norm, np.unique)
    },
    **{
        name: operator.attrgetter(name) for name in ("data", "grad", "shape", "dtype", "T", "sum", "item", "tolist")
    },
    **{f.__name__: f for f in (copy.copy, copy.deepcopy, pickle.dumps)},
    "divmod": lambda v: divmod(v, 2),
    "in": lambda v: 3.0 in v,
    "format": lambda v: f"{v:.2f}",
    "sum": lambda v: sum([v]),
    "entry": lambda v: v[0],
    "as an index": lambda v: X[v],
    "index of a Value": lambda v: Value(X)[v],
    "assign": lambda v: operator.setitem(v, 0, 1),
    "assigned": lambda v: operator.setitem(np.ones(2), slice(2), v),
    "in place": lambda v: operator.iadd(v, 1),
    "on an array": lambda v: operator.iadd(np.ones(2), v),
    "on a Value": lambda v: operator.iadd(Value(X) * 1, v),
    "on a leaf": lambda v: operator.iadd(Value(X), v),
    "beside a Value": lambda v: Value(X) * v,
    "stack": lambda v: np.stack([Value(X), v]),
    "out": lambda v: np.add(1, X, out=v),
    "ours": minigrad.relu,
    "put": lambda v: minigrad.put(Value(X), 0, v),
    "parameter": lambda v: np.sum(Value(X), axis=v),
    "bound": lambda v: np.clip(Value(X), v, 3.0),
    "outer": lambda v: np.add.outer(X, v),
    "new data": lambda v: setattr(v, "data", X),
    "as data": lambda v: setattr(Value(X), "data", v),
    "backward": lambda v: v.backward(),
    "cotangent": lambda v: Value(X).backward(v),
    "Value": Value,
    "argument": grad(np.sum),
    "compiled": compile(np.sum),
    "closure": lambda v: grad(lambda x: x * v)(1.0),
    "compiled closure": lambda v: compile(lambda x: x * v)(1.0),
    "tangent": lambda v: jvp(np.sin, (X,), (v,)),
    "batch": minigrad.vmap(np.sum),
    "optimiser": lambda v: nn.optim.SGD([v], 0.1),
    "graph": graph,
}


@pytest.mark.parametrize("use", USES)
def test_every_use_of_the_old_object_is_refused(use: str) -> None:
    old, _ = superseded()
    with pytest.raises(errors.InPlaceError, match=r"used after \+="):
        USES[use](old)


def test_what_debuggers_ask_of_the_old_object_is_answered() -> None:
    old, new = superseded()
    assert repr(old) == str(old) == f"{old}" == "<Value of shape (2,), superseded by +=>"
    assert weakref.ref(old)() is old and hash(old) == hash(old) and old in [old] and old is not new
    assert not hasattr(old, "__wrapped__") and not hasattr(old, "__array_interface__") and dir(old)


@pytest.mark.parametrize("f", [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv])
def test_every_operator_closes_the_old_object(f: Any) -> None:
    old = Value(X) * 2.0
    new, expected = f(old, 2.0), f(X * 2.0, 2.0)
    np.testing.assert_array_equal(new.data, expected)
    with pytest.raises(errors.InPlaceError):
        _ = old.data


@pytest.mark.parametrize("f", [operator.iand, operator.ior, operator.ixor])
def test_masks_are_closed_too(f: Any) -> None:
    old = Value(X) > 1.5
    np.testing.assert_array_equal(f(old, np.array([True, True])).data, f(X > 1.5, np.array([True, True])))
    with pytest.raises(errors.InPlaceError):
        _ = np.any(old)


def test_no_operator_in_place_is_missing() -> None:
    plain = [name for name in vars(Value) if hasattr(operator, f"__i{name[2:]}")]
    assert len(plain) == 13 and all(f"__i{name[2:]}" in vars(Value) for name in plain)


@pytest.mark.parametrize("name", [name for name in OPS if not OPS[name].gives_new])
def test_what_looks_into_the_memory_of_a_value_is_closed_with_it(name: str) -> None:
    """For every op of the table whose result may be a view."""
    closed = 0
    for call in random_calls(OPS[name], 40):
        if not (isinstance(call.inputs[0], np.ndarray) and call.inputs[0].dtype.kind == "f"):
            continue
        base = Value(call.inputs[0]) * 2.0
        if not isinstance(memory := base.data, np.ndarray):
            continue
        made = invoke(OPS[name], (base, *call.inputs[1:]), call.params)
        for y in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(y, Value) and isinstance(y.data, np.ndarray) and np.shares_memory(y.data, memory):
                with pytest.raises(errors.InPlaceError, match="on a view"):
                    operator.iadd(y, 1.0)
                later = y[...]
                kept = base
                base += 1.0
                for v in (y, later, kept):
                    with pytest.raises(errors.InPlaceError, match="is used after"):
                        _ = v.data
                closed += 1
                break
    assert closed or name in ("matrix_power", "recurrence")  # a view for a power of 1, and for no step


def test_a_view_that_an_op_of_a_user_gives_is_closed() -> None:
    first = minigrad.custom(
        lambda x: x[:1], name="first entry", vjp=lambda g, y, x: np.append(g, np.zeros(x.size - 1))
    )
    try:
        h = Value(X) * 2.0
        y = first(h)
        with pytest.raises(errors.InPlaceError, match="on a view"):
            y += 1.0
        h += 1.0
        with pytest.raises(errors.InPlaceError, match="behind this view"):
            _ = y.data
    finally:
        minigrad.forget(first)


def test_many_views_cost_no_memory() -> None:
    h = Value(np.ones((2, 3))) * 2.0
    for _ in range(100):
        np.sum(h[0])
    assert weakref.getweakrefcount(h.data) == 0


# ------------------------------------------------------------------------------------- the graph goes on


def test_the_graph_keeps_the_numbers_of_the_old_object() -> None:
    """y was computed from h before h += h: in both modes, to second order, with parameters and many operands."""

    def f(x: Any) -> Any:
        h = x * 2.0
        y = (
            h * h
            + np.sum(h * x, keepdims=True)
            + np.concatenate([h, h])[:2]
            + h.max() * minigrad.stack([h, x, h])[0]
        )
        h += h
        h *= y
        h /= np.exp(x)
        return np.sum(h * y)

    def plain(x: Any) -> Any:
        h = x * 2.0
        y = (
            h * h
            + np.sum(h * x, keepdims=True)
            + np.concatenate([h, h])[:2]
            + h.max() * minigrad.stack([h, x, h])[0]
        )
        return np.sum((h + h) * y / np.exp(x) * y)

    for transform in (
        grad,
        minigrad.hessian,
        lambda f: compile(grad(f)),
        lambda f: lambda x: jvp(f, (x,), (X[::-1],)),
    ):
        for found, right in zip(transform(f)(X), transform(plain)(X), strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-12)


def test_gradients_of_inner_nodes_pictures_and_checks() -> None:
    x = Value(X, name="x")
    kept = h = x * 2.0
    y = h * h
    h += y
    loss = np.sum(h * y)
    loss.backward()
    np.testing.assert_allclose(x.grad, 8 * X * (2 * X + 4 * X**2) + 4 * X**2 * (2 + 8 * X))
    assert all(type(v) is Value and v is not kept and v.grad is not None for v in graph(loss))
    assert check_graph(loss).ok and "superseded" not in str(draw(loss))
    assert ties(loss) is not None


def test_a_scope_keeps_its_name_where_its_node_is_superseded_outside() -> None:
    with scope("layer"):
        h = Value(X) * 2.0
    h += 1.0
    h *= 2.0
    assert [v.mark.scope.name for v in graph(h) if hasattr(v, "mark")].count("layer") >= 1


def test_random_numbers_of_compiled_code_may_be_scaled_in_place() -> None:
    def f(x: Any, rng: Any) -> Any:
        noise = rng.normal(size=2)
        noise *= 3.0
        noise += x
        return noise * x

    np.testing.assert_allclose(compile(f)(X, np.random.default_rng(0)), f(X, np.random.default_rng(0)))


def test_a_checkpoint_and_a_pull_keep_what_they_were_given() -> None:
    def f(x: Any) -> Any:
        h = x * 2.0
        y, pull = vjp(lambda a: a * a * h, h)
        z = checkpoint(lambda a: np.sin(a) * a)(h)
        slope = pull(np.ones(2))[0]
        h += 1.0
        y += 1.0
        z *= y
        return np.sum(z * slope * h) + np.sum(pull(np.ones(2))[0])

    def plain(x: Any) -> Any:
        h = x * 2.0
        return np.sum(np.sin(h) * h * (h**3 + 1.0) * (2 * h * h) * (h + 1.0)) + np.sum(2 * h * h)

    np.testing.assert_allclose(grad(f)(X), grad(plain)(X), rtol=1e-12)
    np.testing.assert_allclose(compile(grad(f))(X), grad(plain)(X), rtol=1e-12)


def test_attributes_and_list_elements_take_the_new_value() -> None:
    class Layer(nn.Module):
        def __init__(self) -> None:
            self.w = Value(X)

        def __call__(self, x: Any) -> Any:
            self.h = self.w * x
            self.h += 1.0
            hs = [self.h, self.h * 2.0]
            hs[1] += x
            return np.sum(self.h * hs[1])

    layer = Layer()
    layer(X).backward()
    np.testing.assert_allclose(layer.w.grad, X * (2 * (X * X + 1) + X) + (X * X + 1) * 2 * X)


def test_a_parameter_that_was_superseded_is_not_left_out_of_its_model() -> None:
    model = nn.MLP((2, 3, 1))
    w = model.parameters()[0]
    w += Value(np.ones(w.shape))
    with pytest.raises(errors.InPlaceError):
        nn.optim.SGD(model.parameters(), 0.1)
    with pytest.raises(errors.InPlaceError):
        model(X)


def test_a_compiled_function_hears_that_a_value_from_outside_was_superseded() -> None:
    w = kept = Value(X, name="w")
    f = compile(lambda x: x * kept)
    f(X)
    w += Value(X)
    with pytest.raises(errors.InPlaceError, match=r"used after \+="):
        f(X)


def test_values_from_outside_are_refused_under_compile_before_they_are_closed() -> None:
    w = Value(X)
    with pytest.raises(errors.InPlaceError, match=r"x = x \+ \.\.\."):
        compile(lambda x: operator.iadd(w, x))(X)
    assert w.data.tolist() == [1, 2]


# ------------------------------------------------------------------------------------------ numbers


@pytest.mark.parametrize("way", ["grad", "compile", "compiled grad", "hessian", "no_grad", "vmap"])
def test_running_totals_leave_other_names_alone(way: str) -> None:
    def f(x: Any) -> Any:
        before = total = np.sum(x)
        for i in range(2):
            before = total
            total += x[i] * x[i]
        return total * before

    def plain(x: Any) -> Any:
        return (np.sum(x) + np.sum(x * x)) * (np.sum(x) + x[0] * x[0])

    found, right = WAYS[way](f)(X), WAYS[way](plain)(X)
    np.testing.assert_allclose(getattr(found, "data", found), getattr(right, "data", right))


def test_an_argument_that_is_a_number_may_be_counted_up() -> None:
    def f(x: float) -> float:
        y = x
        y += 1.0
        return y * x

    assert grad(f)(3.0) == 7.0 and compile(f)(3.0) == 12.0 and compile(grad(f))(3.0) == 7.0


# ------------------------------------------------------------------------------------- shapes and types


def test_the_result_keeps_shape_and_type() -> None:
    single = np.ones(2, np.float32)
    v = Value(single) * 1
    v += X / 3
    single += X / 3
    assert v.dtype == np.float32 and v.data.tobytes() == single.tobytes()
    places = np.argsort(Value(X))
    with pytest.raises(errors.DTypeError, match=r"(?s)keeps the type int64.*write  y = y \+ \.\.\."):
        places += 0.5
    with pytest.raises(errors.ShapeError, match=r"(?s)keeps the shape \(2,\).*write  y = y \+ \.\.\."):
        v += np.ones((3, 2))
    with pytest.raises(errors.ShapeError):
        v += np.ones(3)
    assert v.data is not None and places.data is not None, "an operator that failed has closed nothing"


def test_astype_without_a_copy_is_the_value_itself() -> None:
    v = Value(X) * 1.0
    assert v.astype(float, copy=False) is v and v.astype(np.float32, copy=False).dtype == np.float32
    assert v.astype(float) is not v
