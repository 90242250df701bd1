"""Every kind of container, wherever a nesting is taken apart: parameters of ops, data, outputs, losses, keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest
from containers import KINDS, Frozen, Layer, Pair, data_kinds, kinds

import minigrad
from minigrad import Value, nn
from minigrad.check.comparison.answers import ArgumentNames, read
from minigrad.check.numeric.flattening import Layout
from minigrad.cli.locate import lists_to_arrays
from minigrad.engine.tree_folds import is_nested_list, replace_leaves, tree_fold, tree_key
from minigrad.errors import ArgumentError, GradientLost, ShapeError
from minigrad.symmetry.loss_graph import plain_outputs
from minigrad.tracing.tape import any_gradient, lift_values, put_back

X = np.array([1.0, 5.0, 2.0])


def same(a: Any, b: Any) -> None:
    assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


# ------------------------------------------------------------------------------------------ parameters of an op


@pytest.fixture
def scaled() -> Iterator[Callable[..., Any]]:
    """An op x (w + b) whose numbers w and b are a parameter, in any container."""

    def forward(x: Any, given: Any = None, take: Any = None) -> Any:
        w, b = take(given)
        return x * (1.0 * w + b)

    def back(g: Any, y: Any, x: Any, given: Any = None, take: Any = None) -> Any:
        w, b = take(given)
        return g * (1.0 * w + b)

    made = minigrad.custom(forward, name="scaled", vjp=back)
    yield made
    minigrad.forget(made)


def loss_by(scaled: Callable[..., Any], kind: str) -> Callable[[Any], Any]:
    make, take = KINDS[kind]
    return lambda x: scaled(x, given=make(np.argmax(x), 2), take=take).sum()


@data_kinds
def test_an_integer_value_in_a_parameter_is_an_input(scaled: Callable[..., Any], kind: str) -> None:
    f = loss_by(scaled, kind)
    y = f(Value(X))
    assert [v.op and v.op.label for v in y.inputs[0].inputs] == [None, "argmax"]
    np.testing.assert_array_equal(minigrad.grad(f)(X), [3.0, 3.0, 3.0])


@data_kinds
def test_such_a_parameter_is_compiled_and_batched(scaled: Callable[..., Any], kind: str) -> None:
    f = loss_by(scaled, kind)
    compiled = minigrad.compile(minigrad.grad(f))
    for x in (X, np.array([9.0, 1.0, 7.0]), np.array([0.0, 1.0, 7.0])):  # the trace may not keep the first argmax
        same(compiled(x), minigrad.grad(f)(x))
    assert compiled.traces == 1
    np.testing.assert_array_equal(minigrad.vmap(minigrad.grad(f))(np.stack([X, X[[0, 2, 1]]]))[:, 0], [3.0, 4.0])


@kinds
def test_a_float_value_in_a_parameter_is_refused(scaled: Callable[..., Any], kind: str) -> None:
    make, take = KINDS[kind]
    given = make(2.0, 1.0) if "module" in kind else make(Value(2.0), 1.0)  # a module makes the Values
    with pytest.raises(GradientLost, match=r"a parameter has no derivative here, and this one is Value"):
        scaled(Value(X), given=given, take=take)


def test_a_parameter_without_values_stays_the_same_object() -> None:
    met: list[Any] = []

    def forward(x: Any, given: Any = None) -> Any:
        met.append(given)
        return 2.0 * x

    kept = minigrad.custom(forward, name="kept", vjp=lambda g, y, x, given=None: 2.0 * g)
    given = Layer(1, {"a": 2})
    kept(Value(X), given=given)
    minigrad.forget(kept)
    assert met == [given] and met[0] is given


def test_compiled_code_tells_zero_from_minus_zero_in_a_dataclass(scaled: Callable[..., Any]) -> None:
    """They are equal, so a key made of the objects themselves would merge both calls."""

    def f(x: Any) -> Any:
        plus, minus = (scaled(x, given=Frozen(zero, zero), take=KINDS["dataclass"][1]) for zero in (0.0, -0.0))
        return plus, minus

    for got, expected in zip(minigrad.compile(f)(X), f(X), strict=True):
        same(got, expected)


# ----------------------------------------------------------------------------------------- arguments and statics


@dataclass(frozen=True)
class Setting:
    a: float


def test_equal_static_dataclasses_that_differ_in_sign_take_turns_without_a_new_trace() -> None:
    f = minigrad.compile(lambda x, s: x * np.copysign(1.0, s.a), static="s")
    for _ in range(3):
        same(f(X, Setting(0.0)), X)
        same(f(X, Setting(-0.0)), -X)
    assert f.traces == 2


@data_kinds
def test_values_in_the_arguments_of_a_step_are_lifted_and_put_back(kind: str) -> None:
    make, take = KINDS[kind]
    w, b = Value(X), Value(2.0)
    found: list[Any] = []
    places = lift_values(((make(w, b), 3), {"c": make(1, None)}), found)
    assert found == [w, b]
    (back, three), more = put_back(places, [10, 20])
    assert take(back) == (10, 20) and three == 3 and take(more["c"]) == (1, None)
    assert any_gradient([make(1, w)])
    assert not any_gradient([make(1, np.argmax(w))]) and not any_gradient([make(1, 2)])


# ------------------------------------------------------------------------------------------------------ checking


@data_kinds
def test_a_gradient_is_compared_item_by_item(kind: str) -> None:
    make, _ = KINDS[kind]
    layout = Layout((make(np.ones(2), np.ones(3)),))

    def answer(given: Any) -> Any:
        return read(layout, given, ArgumentNames(["p"]), False, (0,))

    good = answer(make(np.full(2, 5.0), np.full(3, 6.0)))
    assert good.row.tolist() == [5.0, 5.0, 6.0, 6.0, 6.0] and not good.findings
    assert answer((make(np.full(2, 5.0), np.full(3, 6.0)),)).row.tolist() == good.row.tolist()
    odd = answer(7.0)
    assert "not nested like the argument: a float for a" in str(odd.findings[0]) and len(odd.missing) == 2


def test_a_dataclass_in_a_list_of_its_own_is_the_gradient_of_one_argument() -> None:
    def g(p: Layer) -> Any:
        return np.sum(p.w * p.b)

    minigrad.check_grads(g, (Layer(X, X + 1),), grad=lambda p: [Layer(p.b, p.w)])


def test_what_is_missing_in_a_nested_gradient_is_named() -> None:
    layout = Layout(({"a": Layer(1.0, {"k": 2.0}), "c": [3.0]},))

    def said(given: Any) -> str:
        answer = read(layout, given, ArgumentNames(["p"]), False, (0,))
        return str([finding.sentence for finding in answer.findings])

    assert "'k' is missing" in said({"a": Layer(1.0, {}), "c": [3.0]})
    assert "'z' is too many" in said({"a": Layer(1.0, {"k": 1.0, "z": 2.0}), "c": [3.0]})
    assert "2 items for 1" in said({"a": Layer(1.0, {"k": 1.0}), "c": [3.0, 4.0]})
    assert "a Pair for a Layer" in said({"a": Pair(1.0, {"k": 1.0}), "c": [3.0]})


# ------------------------------------------------------------------------------------------------------------ ties


@data_kinds
def test_data_in_a_container_stand_for_all_data(kind: str) -> None:
    """Two inputs that are equal now, so their weights are tied for these data alone."""
    make, take = KINDS[kind]
    data = [make(np.ones((3, 2)), np.arange(3.0))]

    def loss(p: Any, data: Any) -> Any:
        x, y = take(data[0])
        return ((x @ p["w"] - y) ** 2).sum()

    params = {"w": np.ones(2)}
    assert minigrad.ties(loss, params, data).numbers.tolist() == [0, 0]
    assert minigrad.ties(loss, params, data, for_all_data=True).numbers.tolist() == [0, 1]


def test_a_named_tuple_of_arrays_keeps_its_names_for_all_data() -> None:
    data = Pair(np.ones((3, 2)), np.ones((3, 2)))
    found = minigrad.ties(lambda p, d: np.sum(p * d.w * d.b), np.ones((3, 2)), data, for_all_data=True)
    assert len(set(found.numbers.tolist())) == 6


# ------------------------------------------------------------------------------------- outputs, losses, optimisers


class TwoHeads(nn.Module):
    """A model with two results, in a container."""

    def __init__(self, make: Callable[[Any, Any], Any]) -> None:
        self.make, self.W, self.V = make, Value(np.array([[0.1, 0.4], [0.2, 0.3]])), Value(np.array([0.5, 0.7]))

    def __call__(self, x: Any) -> Any:
        h = x @ self.W
        return self.make(h, h @ self.V)


@data_kinds
def test_a_picture_without_a_target_shows_the_sum_of_all_outputs(kind: str) -> None:
    make, _ = KINDS[kind]
    drawn = minigrad.draw(TwoHeads(make), np.ones((3, 2)))
    plain = minigrad.draw(TwoHeads(lambda a, b: [a, b]), np.ones((3, 2)))
    assert drawn.dot == plain.dot


@data_kinds
def test_what_the_loss_computes_belongs_to_no_part_of_the_model(kind: str) -> None:
    """The last value of the prediction ends the model: it is looked for in every container."""
    make, take = KINDS[kind]

    def shown(make: Callable[[Any, Any], Any], take: Callable[[Any], Any]) -> Any:
        def loss(prediction: Any, y: Any) -> Any:
            h, out = take(prediction)
            return ((out - y) ** 2).sum() + h.sum()

        return minigrad.draw(TwoHeads(make), np.ones((3, 2)), np.ones(3), loss=loss).dot

    assert shown(make, take) == shown(lambda a, b: [a, b], tuple)


@data_kinds
def test_outputs_become_plain_in_their_container(kind: str) -> None:
    make, take = KINDS[kind]
    given = make(Value(X), [Value(1.0)])
    plain = plain_outputs(given)
    assert type(plain) is type(given) and type(take(plain)[0]) is np.ndarray and take(plain)[1] == [1.0]


@pytest.mark.parametrize("make", [lambda a, b: {"w": a, "b": b}, Layer, Frozen])
def test_a_loss_adds_the_losses_of_all_predictions(make: Callable[..., Any]) -> None:
    a, b = np.ones((3, 2)), np.full(3, 2.0)
    assert nn.squared_error(make(a, [b, b]), make(0 * a, [0 * b, b])) == 6.0 + 12.0
    y = nn.squared_error(make(Value(a), b), make(0 * a, b))
    y.backward()
    with pytest.raises(ShapeError, match="the containers do not match"):
        nn.squared_error(make(a, b), [a, b])
    with pytest.raises(ShapeError, match="a loss compares each prediction with its target"):
        nn.squared_error(make(a, b), make(a, b[:2]))


def test_the_shape_of_nested_lists_is_that_of_numpy() -> None:
    rows = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
    assert nn.squared_error(rows, np.zeros((2, 2))).data == 30.0
    with pytest.raises(ShapeError, match=r"prediction  \(2, 2\)"):
        nn.squared_error(rows, np.zeros((2, 3)))


@data_kinds
def test_an_optimiser_steps_the_values_of_a_container(kind: str) -> None:
    make, _ = KINDS[kind]
    w, b = Value(X), Value(2.0)
    optimiser = nn.optim.SGD(make(w, b), 0.5)
    assert optimiser.parameters == [w, b]
    (w.sum() + b).backward()
    optimiser.step()
    assert b.data == 1.5 and w.data.tolist() == [0.5, 4.5, 1.5]
    assert nn.optim.SGD([make(w, [b, w])], 0.5).parameters == [w, b]


# --------------------------------------------------------------------------------------------------------- modules


class Named(NamedTuple):
    w: Any
    b: Any


@dataclass
class Half:
    w: Any
    fixed: Any = field(default=None, metadata={"static": True})


class Holder(nn.Module):
    def __init__(self, held: Any) -> None:
        self.held = held


@data_kinds
def test_the_cards_of_a_model_find_what_a_container_holds(kind: str) -> None:
    make, take = KINDS[kind]

    class Model(Holder):
        def __call__(self, x: Any) -> Any:
            w, b = take(self.held[0])
            return x @ w + b

    made = Model([make(Value(np.ones((2, 2))), Value(np.ones(2)))])
    assert len(made.parameters()) == 2
    shown = minigrad.draw(made, np.ones((3, 2))).dot
    assert "held" in shown


def test_a_static_field_is_no_parameter_as_it_is_no_leaf() -> None:
    w, fixed = Value(X), Value(2.0)
    model = Holder(Half(w, fixed))
    assert model.parameters() == [w]
    assert minigrad.grad(lambda m: (m.held.w * m.held.fixed).sum())(model).held.w.tolist() == [2.0, 2.0, 2.0]


# ------------------------------------------------------------------------------------------------------ the helpers


@data_kinds
def test_the_key_of_a_nesting_is_that_of_its_leaves(kind: str) -> None:
    make, _ = KINDS[kind]
    long = np.zeros(2000)
    other = long.copy()
    other[1000] = 1.0  # in the middle, which no text shows
    assert tree_key(make(long, 1)) == tree_key(make(long.copy(), 1))
    different = [make(other, 1), make(long, 1.0), make(long, None), [make(long, 1)], make(long.astype("f4"), 1)]
    assert len({tree_key(x) for x in (make(long, 1), *different)}) == 6
    assert tree_key(make(0.0, 0)) != tree_key(make(-0.0, 0))


def test_classes_keys_and_static_fields_are_in_the_key() -> None:
    keys = [Pair(1, 2), Named(1, 2), (1, 2), [1, 2], {"w": 1, "b": 2}, {"b": 2, "w": 1}, Layer(1, 2), Frozen(1, 2)]
    keys += [Frozen(1, 2, "other"), (1, (2,)), ((1,), 2), (1, 2, None)]
    assert len({tree_key(x) for x in keys}) == len(keys)


def test_a_fold_ends_where_its_kinds_end_and_refuses_a_cycle() -> None:
    def depth(x: Any) -> Any:
        return tree_fold(x, lambda _: 0, lambda _, split, parts: 1 + max(parts, default=0))

    assert depth({"a": [Layer(1, (2,))], "b": None}) == 4
    inside: list[Any] = [1]
    inside.append(Layer(inside, 2))
    with pytest.raises(ArgumentError, match="contains itself"):
        depth(inside)


def test_replaced_leaves_keep_what_stays() -> None:
    layer = Layer(1, "a")
    given = (layer, Layer(1.5, None)), {"k": [2.5]}
    (kept, new), more = replace_leaves(given, lambda x: int(x * 2) if type(x) is float else x)
    assert kept is layer and new == Layer(3, None) and more == {"k": [5]}


def test_nested_lists_of_numbers() -> None:
    def number(x: Any) -> bool:
        return isinstance(x, float)

    assert is_nested_list([1.0, (2.0, [])], number) and is_nested_list(1.0, number)
    for x in ([1.0, "a"], [Pair(1.0, 2.0)], [{"a": 1.0}], Layer(1.0, 2.0), [None]):
        assert not is_nested_list(x, number)


def test_literals_of_the_command_line() -> None:
    found = lists_to_arrays({"a": ([1, 2.5], "x"), "b": [[1, 2], [3]], "c": [[1, 2], [3, 4]], "d": []})
    assert found["a"][0].tolist() == [1.0, 2.5] and found["a"][1] == "x" and type(found["a"]) is tuple
    assert type(found["b"]) is list and [x.tolist() for x in found["b"]] == [[1, 2], [3]]
    assert found["c"].shape == (2, 2) and found["d"].shape == (0,)
    assert lists_to_arrays([[1], {"k": [2]}, None, "t"])[1]["k"].tolist() == [2]


def test_what_prints_alike_is_not_taken_for_equal() -> None:
    class Price(float):
        def __repr__(self) -> str:
            return f"${float(self):.0f}"

    def local_class() -> type:
        class Local:
            pass

        return Local

    one, other = Price(1.1), Price(1.2)
    assert tree_key(one) != tree_key(other) and tree_key([one]) == tree_key([one])
    assert tree_key(local_class()) != tree_key(local_class()) and tree_key(float) == tree_key(float)
    long, changed = np.arange(2000.0), np.arange(2000.0)
    changed[1000] = -1.0  # NumPy prints neither
    assert tree_key(slice(long, None)) != tree_key(slice(changed, None))
    assert tree_key(slice(1, 2)) == tree_key(slice(1, 2)) != tree_key(slice(1, 3))
    assert tree_key(True) != tree_key(1) != tree_key(1.0)
