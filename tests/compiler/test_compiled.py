"""What a compiled function promises its caller: guards, caches, memory, threads, errors that say what to write."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import operator
import pickle
import threading
import types
from collections import OrderedDict, deque, namedtuple
from typing import Any

import numpy as np
import pytest
from compiler.bits import assert_same, check

import minigrad
from minigrad import Value, compile, errors, grad, nn, value_and_grad

X = np.array([1.0, 2.0, 3.0])
Pair = namedtuple("Pair", "a b")


def loss(p: Any, x: Any) -> Any:
    return np.sum(np.tanh(x @ p["w"] + p["b"][0]) ** 2)


P = {"w": np.arange(6.0).reshape(3, 2) / 7, "b": [np.array([0.5, -0.5])]}
BATCH = np.linspace(-1, 1, 12).reshape(4, 3)


# ------------------------------------------------------------------------------------------------- guards


def test_other_shapes_types_and_layouts_trace_anew_and_stay() -> None:
    f = compile(lambda x: np.exp(x) * 2)
    kinds = [np.ones(3), np.ones(4), np.ones(3, np.float32), np.ones((2, 3)), np.ones((3, 2)).T, np.ones(6)[::2]]
    for x in [*kinds, *kinds]:
        assert_same(f(x), np.exp(x) * 2, str(x.strides))
    assert f.traces == len(kinds)


def test_the_cache_is_bounded() -> None:
    f = compile(lambda x: x + 1, cache=2)
    f(np.ones(1)), f(np.ones(2))
    with pytest.warns(RuntimeWarning, match="traced again for each of 3 shapes as argument x"):
        f(np.ones(3))
    f(np.ones(1))
    assert f.traces == 4
    f(np.ones(3))
    assert f.traces == 4


def test_numbers_of_other_types_trace_anew() -> None:
    f = compile(lambda x: x * 2)
    for x, kind in ((1.5, np.float64), (np.float64(1.5), np.float64), (np.float32(1.5), np.float32)):
        assert type(f(x)) is kind


def test_a_float_of_python_takes_on_the_type_of_arrays() -> None:
    x = X.astype(np.float32)
    check(lambda x, rate: x - (rate * 2 + 1) * x, [x, 0.1], [x, 0.2])
    check(lambda x, rate: (x * -rate, x / abs(rate), x * (1 / rate), x**rate), [x, 0.1], [x, -2.0])


NUMBERS = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e308, -1e308, 1e-320, 0.5, 3.0, -8.0)
OPERATORS: tuple[Any, ...] = (
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.floordiv, operator.mod),
)
UNARY: tuple[Any, ...] = (
    *(operator.neg, operator.pos, abs, np.exp, np.log, np.sqrt, np.tanh, np.arcsin, np.cbrt),
    *(lambda x: x**3, lambda x: x**-1, lambda x: 1 / x, lambda x: 2**x, lambda x: x // 2, lambda x: x**0.5),
)


@pytest.mark.parametrize("beside", [None, np.ones(2, np.float32)])
def test_floats_of_python_mean_what_numpys_numbers_mean_and_raise_nothing(beside: Any) -> None:
    """As on Values: 1 / 0 is inf, and a root of -1 nan. Beside an array they still take on its type."""
    for f, count in (*((f, 2) for f in OPERATORS), *((f, 1) for f in UNARY)):

        def both(*xs: Any, f: Any = f) -> Any:
            return f(*xs[:-1]), (None if xs[-1] is None else xs[-1] * f(*xs[:-1]))

        compiled = compile(both)
        for xs in itertools.product(NUMBERS, repeat=count):
            with np.errstate(all="ignore"):
                got, array = compiled(*xs, beside)
                want = f(*map(Value, xs)).data
            assert type(got) is np.float64
            assert got.tobytes() == want.tobytes() or (got != got and want != want), (f, xs, got, want)
            assert beside is None or array.dtype == (np.float32 if f in OPERATORS else array.dtype)


@pytest.mark.parametrize(
    "wrong", [{"w": X}, {"b": 1, "w": 2, "c": 3}, [X], {**P, "b": (P["b"][0],)}, OrderedDict(P)]
)
def test_other_containers_trace_anew(wrong: Any) -> None:
    f = compile(lambda p: [type(p).__name__, len(p)])
    assert f(P) == ["dict", 2]
    assert f(wrong) == [type(wrong).__name__, len(wrong)]


def test_integers_texts_and_none_are_static_by_value() -> None:
    f = compile(lambda x, n, mode, z=None: x**n if mode == "power" and z is None else x)
    assert_same(f(X, 2, "power"), X**2, "2")
    assert_same(f(X, 3, "power"), X**3, "3")
    assert_same(f(X, 3, "off"), X, "off")
    assert_same(f(X, True, "power"), X**True, "True is not 1")
    assert f.traces == 4


@pytest.mark.parametrize("by_name", [False, True])
def test_a_counter_that_is_traced_at_each_call_is_told_once(by_name: bool) -> None:
    f = compile(lambda x, k: x * k, cache=3)

    def call(k: int) -> Any:
        return f(X, k=k) if by_name else f(X, k)

    for k in range(3):
        call(k)  # a warning would be an error
    with pytest.warns(RuntimeWarning, match=r"(?s)each of 4 integers as argument k: .*write  float\(k\)") as told:
        assert_same(call(3), X * 3, "with a warning")
    assert told[0].filename == __file__
    for k in range(4, 9):
        call(k)


def test_traces_that_are_asked_for_are_told_of_by_nobody() -> None:
    static, placed = (compile(lambda x, k=0: x * k, cache=2, static=s) for s in ("k", 1))
    for k in range(1, 6):
        static(X, k)
        placed(X, k=k)


def test_static_arguments_are_named_or_counted() -> None:
    def f(x: Any, k: float) -> Any:
        return x if k > 0 else -x

    for static in ("k", 1, ("k",)):
        g = compile(f, static=static)
        assert_same(g(X, 1.0), X, "x")
        assert_same(g(X, k=-1.0), -X, "-x")
    with pytest.raises(errors.ArgumentError, match="static='q': the function has no such argument, only x, k"):
        compile(f, static="q")


@pytest.mark.parametrize("option", ["static", "donate"])
@pytest.mark.parametrize("which", ["q", 2, -1])
def test_options_that_name_no_argument_are_refused(option: str, which: Any) -> None:
    given: dict[str, Any] = {option: (0, which)}
    with pytest.raises(errors.ArgumentError, match=f"{option}={which!r}: the function has no such argument"):
        compile(lambda x, k: x * k, **given)
    if which == 2:
        assert compile(lambda *xs: xs[0] * 2, **given)(1.0, X, 2.0) == 2.0


def test_static_values_that_are_equal_but_not_the_same_trace_anew() -> None:
    f = compile(lambda x, k: (x / k[0], x * k[1]), static="k")
    steps = np.arange(1, 4)
    for k in ((0.0, 1), (-0.0, 1), (0.0, 1.0), (0.0, True), (np.nan, 1), (float("nan"), 1), (0.0, 1)):
        with np.errstate(all="ignore"):
            assert_same(f(steps, k), f.f(steps, k), str(k))
    assert f.traces == 5, "nan is nan"


class Loose:
    """Compares less than a function may read."""

    def __init__(self, a: Any, b: Any) -> None:
        self.a, self.b = a, b

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loose) and self.a == other.a

    def __hash__(self) -> int:
        return hash(self.a)


@dataclasses.dataclass(frozen=True)
class Setting:
    a: Any
    b: Any = dataclasses.field(default=2, compare=False)


@pytest.mark.parametrize("static", ["k", ()])
@pytest.mark.parametrize(
    ("ks", "read"),
    [
        ([frozenset({1}), frozenset({1.0}), frozenset({True}), frozenset({(1,)}), frozenset({(1.0,)})], list),
        ([Loose(1, 2), Loose(1, 3), Loose(1.0, 2)], lambda k: [k.a, k.b]),
        ([Setting(1), Setting(1.0), Setting(1, 3), Setting(frozenset({1})), Setting(frozenset({1.0}))],
         lambda k: [*(k.a if type(k.a) is frozenset else [k.a]), k.b]),
        ([range(0, 3, 5), range(1)], lambda k: [k.stop]),
        ([{1: 2}, {1.0: 2}, {True: 2}], list),
    ],
)  # fmt: skip
def test_static_objects_that_are_equal_but_not_the_same_trace_anew(ks: Any, read: Any, static: Any) -> None:
    if static and type(ks[0]) is dict:
        return  # not hashable
    steps = np.arange(1, 4)
    f = compile(lambda x, k: [x * part for part in read(k)], static=static)
    for _ in range(2):
        for k in ks:
            assert_same(f(steps, k), f.f(steps, k), str(k))
            assert_same(f(steps, k), f.f(steps, k), "by the guard")
    assert f.traces == len(ks)


def test_static_objects_that_a_function_cannot_tell_apart_are_traced_once() -> None:
    class Scale:
        def times(self, x: Any) -> Any:
            return x * 3.0

    scale = Scale()
    for same in (lambda: scale.times, lambda: frozenset({1, (2.0,)}), lambda: Setting((1, "a")), lambda: range(3)):
        f = compile(lambda x, k: x * 2)
        f(X, same())
        f(X, same())
        assert f.traces == 1


def test_keywords_that_are_run_through_keep_the_order_of_the_call() -> None:
    f = compile(lambda **parts: np.concatenate([*parts.values()]))
    assert_same(f(a=X, b=-X), np.concatenate([X, -X]), "a, b")
    assert_same(f(b=-X, a=X), np.concatenate([-X, X]), "b, a")


def test_keywords_defaults_and_positions_are_told_apart() -> None:
    f = compile(lambda x, y=3.0, *, z=1.0: x * y + z)
    for args, kwargs in (((X,), {}), ((X, 2.0), {}), ((X,), {"y": 2.0}), ((X,), {"z": 2.0, "y": 1.0})):
        assert_same(f(*args, **kwargs), f.f(*args, **kwargs), str(kwargs))


def test_nested_containers_in_and_out() -> None:
    def f(p: Any) -> Any:
        return {"sum": p["t"].a + p["t"].b, "all": [p["t"], (None, 3, "x")], 5: OrderedDict(z=p["o"]["k"] * 2)}

    args = {"t": Pair(X, 2.0), "o": OrderedDict(k=X)}
    got, want = compile(f)(args), f(args)
    assert_same(got, want, "nested")
    assert type(got["all"][0]) is Pair and type(got[5]) is OrderedDict and got["all"][1] == (None, 3, "x")


class Table(dict):  # type: ignore[type-arg]
    pass


@pytest.mark.parametrize("native", [True, False])
def test_containers_in_a_result_keep_their_kind_and_are_new_at_each_call(native: bool) -> None:
    f = compile(lambda x: [Table(a=x), Pair(1, [2]), Table(b=[3]), (4, {5: [6]})], native=native)
    want = [Table(a=X), Pair(1, [2]), Table(b=[3]), (4, {5: [6]})]
    for _ in range(3):
        got = f(X)
        assert repr(got) == repr(want) and [*map(type, got)] == [*map(type, want)]
        for inside in (got[1].b, got[2]["b"], got[3][1][5]):
            inside.append(0)


@pytest.mark.parametrize(
    "made",
    [
        lambda y: types.SimpleNamespace(y=y), lambda y: deque([y]), lambda y: (1, {"get": lambda: y}),
        lambda y: {y}, lambda y: (z for z in [y]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("x", [X, 2.0])
def test_objects_that_hide_what_was_computed_are_refused_as_results(made: Any, x: Any) -> None:
    with pytest.raises(errors.TracingError, match=r"numbers .*, not a new |a number as a key of a dict or a set"):
        compile(lambda x: made(x * 2))(x)


def test_objects_that_were_given_are_handed_through() -> None:
    mark = types.SimpleNamespace()
    assert compile(lambda x: (x * 2, np.tanh, mark, ..., range(2)))(X)[1:] == (np.tanh, mark, ..., range(2))


@minigrad.compile
def decorated(x: Any) -> Any:
    return np.sin(x)


def test_copies_and_pickles_are_compiled_functions_of_their_own() -> None:
    model = {"f": compile(lambda x, k: x * k, static="k", donate=[0]), "g": decorated}
    model["f"](np.ones(3), 2.0)
    twin = copy.deepcopy(model)
    assert twin["g"] is decorated and twin["f"] is not model["f"]
    x = np.ones(3)
    assert_same(twin["f"](x, 3.0), np.full(3, 3.0), "options are kept: x is donated, k static")
    assert twin["f"].traces == 1 and model["f"].traces == 1 and x[0] == 3.0
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    again = pickle.loads(pickle.dumps(compile(np.tanh, reuse=True)))
    assert again.reuse
    assert_same(again(X), np.tanh(X), "tanh")
    assert copy.copy(again).f is np.tanh


def test_as_a_decorator_and_with_options() -> None:
    @compile
    def f(x: Any) -> Any:
        """Twice."""
        return x * 2

    @compile(static="n")
    def g(x: Any, n: Any) -> Any:
        return x * n

    assert f.__doc__ == "Twice." and f.__name__ == "f"
    assert_same(f(X), X * 2, "f")
    assert_same(g(X, 2.0), X * 2, "g")


def test_methods_can_be_compiled() -> None:
    class Scale:
        k = 3.0

        @compile
        def times(self, x: Any) -> Any:
            return x * self.k

    assert_same(Scale().times(X), X * 3.0, "method")


# ------------------------------------------------------------------------------------------------- memory


def test_results_are_new_each_time_unless_they_may_be_reused() -> None:
    f, g = compile(lambda x: np.exp(x)), compile(lambda x: np.exp(x), reuse=True)
    assert f(X) is not f(X)
    assert np.may_share_memory(g(X), g(X))


def test_constant_results_are_not_shared() -> None:
    f = compile(grad(lambda x, y: np.sum(x), argnums=1))
    first = f(X, X)
    first[:] = 7.0
    assert_same(f(X, X), np.zeros(3), "zeros")


def test_donated_arrays_are_overwritten_and_no_others() -> None:
    f = compile(lambda w, g, k: (w - k * g, g * 2), donate="w")
    w, g = np.ones(3), np.ones(3)
    new, twice = f(w, g, 0.5)
    assert new is w
    assert_same(w, np.full(3, 0.5), "w")
    assert_same(g, np.ones(3), "g")
    assert_same(twice, np.full(3, 2.0), "2g")


def test_a_donated_array_that_is_read_later_is_not_overwritten() -> None:
    f = compile(lambda w: (w * 2, np.sum(w)), donate=0)
    doubled, total = f(np.ones(3))
    assert total == 3.0
    assert_same(doubled, np.full(3, 2.0), "2w")


@pytest.mark.parametrize("donate", ["w", "g", ("w", "g")])
def test_a_donated_array_that_is_given_twice_is_refused_and_not_written(donate: Any) -> None:
    f = compile(lambda w, g, other: (w * 2, np.sqrt(g), other + 1), donate=donate)
    for call in ("the first", "a later one"):
        x = np.ones(3)
        with pytest.raises(errors.ArgumentError, match=r"a donated array \(donate=\) shares memory"):
            f(x, x, np.ones(3))
        assert_same(x, np.ones(3), call)
        f(np.ones(3), np.ones(3), np.ones(3))
    same = np.ones(3)
    compile(lambda w, g, h: (w * 2, g * h), donate="w")(np.ones(3), same, same)


def _overlapping() -> dict[str, tuple[Any, Any]]:
    """Pairs of an array (4,) and one of shape (2, 4) that share memory, by how they came to."""
    x, wide, raw = np.ones(8), np.ones((2, 4)), bytearray(64)
    return {
        "views of one array": (x[2:6], x.reshape(2, 4)),
        "a row, and the owner": (wide[1], wide),
        "an owner, and its view": ((w := np.ones(4)), np.broadcast_to(w, (2, 4))),
        "strides by hand": (x[:4], np.lib.stride_tricks.as_strided(x, (2, 4), (32, 8))),
        "strides by hand, given": (np.lib.stride_tricks.as_strided(x, (4,), (8,)), x.reshape(2, 4)),
        "a view of such a view": ((v := np.ones(4)), np.lib.stride_tricks.as_strided(v, (3, 4), (0, 8))[1:]),
        "one buffer": (np.frombuffer(raw, count=4), np.frombuffer(raw).reshape(2, 4)),
    }


@pytest.mark.parametrize("name", _overlapping())
def test_a_donated_array_that_overlaps_another_is_refused_at_any_call_and_not_written(name: str) -> None:
    w, g = _overlapping()[name]
    apart = np.empty((2, *(side * step // 8 + 1 for side, step in zip(g.shape, g.strides, strict=True))))
    f = compile(lambda w, g: (w * 2, g * 2), donate="w")
    for _ in ("the first", "a later one"):
        before = np.array(w), np.array(g)
        with pytest.raises(
            errors.ArgumentError, match=r"shares memory with another argument.*\n  write  x.copy\(\)"
        ):
            f(w, g)
        assert_same([w, g], list(before), name)
        other = np.lib.stride_tricks.as_strided(apart, g.shape, g.strides)
        other[...] = 3.0
        assert_same(f(np.ones(4), other), [np.full(4, 2.0), other * 2], name)  # a guard for these strides
    assert f.traces == 1


def test_donated_views_that_share_no_entry_are_taken() -> None:
    x = np.ones(6)
    f = compile(lambda w, g: (w * 2, g * 3), donate=("w", "g"))
    for _ in range(2):
        x[...] = 1.0
        f(x[:3], x[3:])
        assert_same(x, np.repeat([2.0, 3.0], 3), "both halves")


@pytest.mark.parametrize("made", [lambda: np.arange(4.0), lambda: np.arange(8.0)[2:6], lambda: np.arange(4.0)[:]])
def test_an_array_that_is_closed_over_must_not_be_donated(made: Any) -> None:
    c = made()
    f = compile(lambda w: (c * w, w * 2), donate="w")
    for given in (c, c[:], c, *([c.base] if np.shape(c.base) == c.shape else [])):
        before = c.copy()
        with pytest.raises(errors.ArgumentError, match="that the function closes over"):
            f(given)
        assert_same(c, before, "closed over")
        assert_same(f(np.ones(4)), [c, np.full(4, 2.0)], "another")


def test_a_donated_array_that_is_read_only_is_refused_before_anything_is_written() -> None:
    f = compile(lambda w, v: (w * 2, v * 3), donate=("w", "v"))
    for _ in range(2):
        w, v = np.ones(3), np.ones(3)
        v.flags.writeable = False
        with pytest.raises(errors.ArgumentError, match=r"donated array .* is read-only.*\n  write  x.copy\(\)"):
            f(w, v)
        assert_same([w, v], [np.ones(3), np.ones(3)], "unchanged")
        f(np.ones(3), np.ones(3))
    compile(lambda w, v: (w * 2, v * 3), donate="w")(w, v)  # only what is overwritten must be writable


def test_calls_from_threads_do_not_meet_in_a_buffer() -> None:
    f = compile(value_and_grad(loss))
    batches = [np.random.default_rng(k).normal(size=(200, 3)) for k in range(4)]
    want = [value_and_grad(loss)(P, x) for x in batches]
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(150):
            value, g = f(P, batches[k])
            if value != want[k][0] or not np.array_equal(g["w"], want[k][1]["w"]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ----------------------------------------------------------------------------------------------- closures


def test_values_that_f_closes_over_are_read_at_each_call() -> None:
    w = Value(np.ones(3), name="w")
    f = compile(lambda x: np.sum(x * w))
    assert f(X) == 6.0
    w.data[0] = 5.0
    assert f(X) == 10.0
    w.data = np.zeros(3)
    assert (f(X), f.traces) == (0.0, 1)
    w.data = np.ones((2, 3))
    assert (f(X), f.traces) == (12.0, 2)
    assert "a Value w (2, 3) that the function closes over, read at each call" in f.source


def test_arrays_that_f_closes_over_are_frozen_and_watched_by_debug() -> None:
    k = np.array([2.0, 3.0, 4.0])
    f = compile(lambda x: x * k)
    f(X)
    assert "that does not depend on the arguments, frozen" in f.source
    with minigrad.debug():
        assert_same(f(X), X * k, "debug")
    k[0] = 5.0
    with (
        minigrad.debug(),
        pytest.raises(errors.Mutated, match=r"shape \(3,\) that a compiled function closes over"),
    ):
        f(X)


def test_a_model_that_the_function_returns_is_the_very_model() -> None:
    net, x = nn.MLP((2, 3, 1), seed=0), np.ones((1, 2))
    assert compile(lambda m: m)(net) is net
    assert compile(lambda x: (net, x))(x)[0] is net

    f = compile(lambda m, x: {"model": [m], "gradient": grad(lambda m: m(x).sum())(m)})
    first, second = f(net, x), f(net, x)
    assert first["model"][0] is net and isinstance(net.layers[0].W, Value)
    assert first["gradient"] is not second["gradient"]  # f makes one in each call
    expected = grad(lambda m: m(x).sum())(net)
    np.testing.assert_array_equal(first["gradient"].layers[0].W, expected.layers[0].W)


def test_gradients_of_a_model_through_its_parameters_as_arguments() -> None:
    check(value_and_grad(loss), [P, BATCH], [P, BATCH * 2])


def test_a_gradient_penalty_through_a_closed_over_parameter() -> None:
    w = Value(np.array([0.5, 1.5, -1.0]))

    def penalty(x: Any) -> Any:
        return np.sum(grad(lambda z: np.sum(np.sin(z * w)))(x) ** 2)

    assert_same(compile(penalty)(X), penalty(X).data, "penalty")


# -------------------------------------------------------------------------------------------------- levels


def test_a_value_as_argument_is_differentiated_through() -> None:
    f = compile(lambda x: np.sum(x * x))
    f(X)
    assert_same(grad(f)(X), 2 * X, "grad of compiled")
    assert_same(compile(grad(f))(X), 2 * X, "compiled grad of compiled")
    leaf = Value(X)
    f(leaf).backward()
    assert_same(leaf.grad, 2 * X, "backward")


def test_a_compiled_function_that_closes_over_a_value_of_a_level_is_differentiated_through() -> None:
    with pytest.warns(RuntimeWarning, match="closes over a Value with a gradient runs as it is"):
        assert grad(lambda w: compile(lambda x: x * w)(3.0) * w)(2.0) == 12.0


@pytest.mark.parametrize(
    "f",
    [
        minigrad.hessian(lambda x: np.sum(x**3) * np.prod(x)),
        minigrad.jacobian(lambda x: np.tanh(x) * x[0]),
        minigrad.jacobian(lambda x: [np.outer(x, x), x[0]]),
        grad(lambda x: np.sum(grad(lambda z: np.sum(np.exp(z) * x))(x) ** 2)),
        lambda x: minigrad.hvp(lambda z: np.sum(np.sin(z) * z), x, np.cos(x)),
        lambda x: minigrad.jvp(lambda z: {"a": np.exp(z), "b": z[0]}, (x,), (x * 2,)),
        lambda x: minigrad.vjp(lambda z: (z * z, np.sin(z)), x)[1]((x, x)),
        minigrad.checkpoint(lambda x: np.tanh(x) * x),
        grad(lambda x: np.sum(minigrad.checkpoint(lambda z: np.tanh(z) * z)(x))),
    ],
)
def test_derivatives_of_every_kind(f: Any) -> None:
    check(f, [X], [X / 3])


def test_no_grad_inside_is_a_constant() -> None:
    def f(x: Any) -> Any:
        with minigrad.no_grad():
            scale = np.sum(x * x)
        return np.sum(x * scale)

    check(grad(f), [X])


@pytest.mark.parametrize("kind", [float, np.float32, int, np.uint8])
def test_numbers_as_a_condition_are_true_where_they_are_not_0(kind: Any) -> None:
    c = np.array([0, 1, 2, 0]).astype(kind)
    check(lambda c, a, b: np.where(c, a, b) * 2, [c, np.ones(4), np.zeros(4)])
    large = np.tile(c, 1 << 15)
    check(lambda c, a: np.tanh(np.where(c, a * 2, 0.5)) + 1, [large, np.linspace(-1, 1, large.size)])


def test_integers_are_data() -> None:
    classes = np.array([0, 1])
    check(
        value_and_grad(lambda w, x, y: minigrad.cross_entropy(x @ w, y)),
        [P["w"], BATCH[:2], classes],
        [P["w"], BATCH[2:], classes[::-1].copy()],
    )
    check(lambda x, i: x[i] * 2, [X, np.array([2, 0])], [X, np.array([1, 1])])


@pytest.mark.parametrize("loss", [minigrad.multiclass_hinge, minigrad.negative_log_likelihood])
def test_losses_that_are_made_of_others_take_classes_as_an_argument(loss: Any) -> None:
    """The classes are checked at each call."""
    f, classes = value_and_grad(loss), np.array([0, 2, 1, 0])
    compiled = check(f, [BATCH, classes], [BATCH * 2, classes[::-1].copy()])
    for g in (f, compiled):
        with pytest.raises(ValueError, match="expected classes from 0 to 2, got 0 to 3"):
            g(BATCH, np.array([0, 1, 2, 3]))


# ------------------------------------------------------------------------------------------------ refusals


def refused(f: Any, *args: Any) -> str:
    with pytest.raises(errors.TracingError) as caught:
        compile(f)(*args)
    return str(caught.value)


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (lambda x: x if x.sum() > 0 else -x, "bool() while tracing"),
        (lambda x: x * x.sum().item(), "item() while tracing"),
        (lambda x: x * x.data, "data while tracing"),
        (lambda x: x * float(x.sum()), "float() of an array while tracing"),
        (lambda x: x[x > 1], "x[mask], whose shape depends on the data, while tracing"),
        (lambda x: np.nonzero(x), "np.nonzero, whose result has a shape that depends on the data,"),
        (lambda x: np.unique(x), "np.unique, whose result has a shape that depends on the data,"),
        (lambda x: X[x.astype(int)], "a[v] with an array v"),
        (lambda x: (np.testing.assert_array_less(0, x), x)[1], "an assertion while tracing"),
        (lambda x: (np.testing.assert_allclose(x, X), x)[1], "an assertion while tracing"),
    ],
)
def test_what_depends_on_data_is_refused_with_what_to_write(f: Any, what: str) -> None:
    text = refused(f, X)
    assert what in text
    assert "\n  write  " in text
    assert "minigrad.compile(f, static=...)" in text


def test_random_numbers_and_counters_inside_are_found_by_the_second_trace() -> None:
    count = [0]

    def counting(x: Any) -> Any:
        count[0] += 1
        return x * count[0]

    def alternating(x: Any) -> Any:
        count[0] += 1
        return x * 2 if count[0] % 2 else x + x

    assert "in step 0, * (3,), a constant is" in refused(lambda x: x * np.random.default_rng().random(3), X)
    assert "there is 1 in one and 2 in the other" in refused(counting, X)
    assert "step 0 is " in refused(alternating, X)


def test_a_generator_as_argument_is_drawn_from_at_each_call() -> None:
    def f(x: Any, rng: Any) -> Any:
        rng.normal(size=2)  # nobody uses it, and the generator moves on
        noise = x * (rng.random(x.shape) < 0.5) + rng.normal() * rng.integers(0, 5, 3)
        return noise, rng.permutation(x)

    g = compile(f)
    mine, its = np.random.default_rng(1), np.random.default_rng(1)
    for _ in range(3):
        assert_same(g(X, its), f(X, mine), "draws")
    assert g.traces == 1
    assert "rng.permutation(x)   for rng.shuffle(x)" in refused(lambda x, rng: rng.shuffle(x), X, mine)


def test_backward_inside_is_refused() -> None:
    w = Value(X)
    assert "minigrad.value_and_grad(f)" in refused(lambda x: (w * x).sum().backward(), X)


def test_writing_into_an_argument_is_refused() -> None:
    def f(x: Any) -> Any:
        x += 1
        return x

    with pytest.raises(errors.InPlaceError, match=r"x = x \+ \.\.\."):
        compile(f)(X)


@pytest.mark.parametrize("x", [np.array([1j]), np.array(["a"]), np.ma.array([1.0])])
def test_arrays_that_are_no_real_arrays_are_refused(x: Any) -> None:
    with pytest.raises(errors.DTypeError, match=r"args\[0\] cannot be compiled"):
        compile(lambda x: x)(x)


def test_arguments_that_cannot_be_looked_up_are_refused() -> None:
    with pytest.raises(errors.ArgumentError, match="must be hashable"):
        compile(lambda x, s: x)(X, {1})


def test_errors_of_numpy_are_raised_at_run_time_too() -> None:
    invert, read = compile(np.linalg.inv), compile(lambda x, i: x[i])
    assert_same(invert(np.eye(2)), np.eye(2), "inv")
    with pytest.raises(np.linalg.LinAlgError):
        invert(np.zeros((2, 2)))
    assert_same(invert(np.eye(2)), np.eye(2), "inv")
    read(X, np.array([0]))
    with pytest.raises(IndexError):
        read(X, np.array([9]))
    entropy = compile(grad(minigrad.cross_entropy))
    entropy(BATCH, np.array([0, 1, 2, 0]))
    for wrong in (3, -1):
        with pytest.raises(ValueError, match="expected classes from 0 to 2"):
            entropy(BATCH, np.array([0, 1, 2, wrong]))


def test_the_source_is_the_same_each_time_and_says_what_is_what() -> None:
    sources = []
    for _ in range(2):
        f = compile(value_and_grad(loss))
        f(P, BATCH)
        sources.append(f.source)
    assert sources[0] == sources[1]
    for text in ("# forward", "# backward", "# tanh (4, 2)", "def step(p_w, p_b_0, x):", "out="):
        assert text in sources[0]


def test_the_graph_can_be_drawn() -> None:
    f = compile(grad(lambda x: np.sum(np.sin(x))))
    with pytest.raises(errors.ArgumentError, match="nothing is compiled yet"):
        _ = f.source
    f(X)
    (g,) = f.graph
    assert "sin" in minigrad.draw(g).source.source


def test_a_compiled_function_prints_as_one_line() -> None:
    def square(x: Any) -> Any:
        return x * x

    f = compile(square)
    name = "test_a_compiled_function_prints_as_one_line.<locals>.square"
    assert repr(f) == f"<compiled {name}, traced 0 times>"
    f(X)
    assert repr(f) == f"<compiled {name}, traced 1 time>"
    assert repr(compile(np.sin)) == "<compiled sin, traced 0 times>"


def test_a_value_from_outside_that_is_held_constant_leaves_the_bits_of_gradients() -> None:
    scale, target = Value(0.75), np.array([0, 2])

    def loss(x: Any) -> Any:
        return minigrad.cross_entropy(x * minigrad.stop_gradient(scale), target)

    f = minigrad.grad(loss)
    compiled = compile(f)
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=(2, 3))
        np.testing.assert_array_equal(compiled(x), f(x))


@pytest.mark.parametrize("cache", [-1, 2.5, "16", None])
def test_the_number_of_traces_to_keep_is_a_number(cache: Any) -> None:
    with pytest.raises(errors.ArgumentError, match="how many traces"):
        minigrad.compile(np.tanh, cache=cache)


@pytest.mark.parametrize("f", [3, "f", X, [np.tanh], 2.5])
def test_what_is_no_function_is_refused(f: Any) -> None:
    with pytest.raises(
        errors.ArgumentError, match=r"(?s)^compile takes a function, got .*\n  write  minigrad.comp"
    ):
        minigrad.compile(f)


@pytest.mark.parametrize("option", ["native", "reuse"])
@pytest.mark.parametrize("x", ["no", 0, 1, None, [True]])
def test_a_switch_is_true_or_false(option: str, x: Any) -> None:
    given: dict[str, Any] = {option: x}
    with pytest.raises(
        errors.ArgumentError, match=rf"^{option}= is True or False, got .*\n  write  {option}=True$"
    ):
        compile(np.tanh, **given)
    assert_same(compile(np.tanh, **{option: np.False_})(X), np.tanh(X), "NumPy's False")  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["static", "donate"])
@pytest.mark.parametrize("x", [None, 2.5, True, X, [X], {"x": 1}, ["x", None], np.tanh])
def test_arguments_are_chosen_by_names_and_positions(option: str, x: Any) -> None:
    given: dict[str, Any] = {option: x}
    with pytest.raises(
        errors.ArgumentError, match=rf"(?s)^{option}= takes names or pos.*\n  write  {option}=\"x\" "
    ):
        compile(lambda x: x, **given)
    assert compile(lambda x: x, **{option: (k for k in [0])}).f is not None  # type: ignore[arg-type]
    if option == "static":
        with pytest.raises(errors.ArgumentError, match="got Value"):
            compile(lambda x: x, static=Value(1.0))  # type: ignore[arg-type]
