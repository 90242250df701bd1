"""The entry in C notices all that the guard in Python notices, and takes the same inputs out of the arguments."""

from __future__ import annotations

import builtins
import copy
import gc
import inspect
import pickle
import sys
import threading
import tracemalloc
import types
import weakref
from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from compiler.bits import assert_same
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

import minigrad
from minigrad import Value, compile, grad, nn
from minigrad.compiler import Compiled
from minigrad.compiler.guards import Guard
from minigrad.compiler.model_settings import while_unchanged
from minigrad.compiler.native import extension, why_not
from minigrad.compiler.native.entry import Expected, make_entry, why_not_read
from minigrad.engine.tree import kind_of, leaves
from minigrad.engine.tree_folds import replace_leaves
from minigrad.errors import ArgumentError, Mutated
from minigrad.tracing.arguments import Described, Describer, Hole
from minigrad.tracing.program import Kept, Ref, refs, substitute

if extension is None:
    pytest.skip("the C extension is not built here", allow_module_level=True)

MISS = object()
PYTHON = object()
Pair = namedtuple("Pair", "a b")
INPUT = 1  # the kind of slot


@dataclass
class State:
    weight: Any
    rate: Any = 0.5
    name: str = field(default="sgd", metadata={"static": True})


class Table(dict):  # type: ignore[type-arg]
    pass


class Row(list):  # type: ignore[type-arg]
    pass


class Backwards(tuple):  # type: ignore[type-arg]
    def __iter__(self) -> Any:
        return reversed([self[k] for k in range(len(self))])


def refuse(inputs: list[Any]) -> None:
    raise ArgumentError(f"shared among {len(inputs)}")


def identity(n: int) -> Any:
    """A program that gives its inputs back."""
    slots = [(INPUT, k, 0, "d", None, None, (), ()) for k in range(n)]
    return extension.Executor(n, 0, b"", slots, [], [], [(k, False) for k in range(n)])  # type: ignore[union-attr]


def as_results(*inputs: Any) -> tuple[Any, ...]:
    return tuple(np.float64(x) if type(x) is float else x for x in inputs)


def guard_of(found: Described, leaves: list[Any], written: list[int]) -> Callable[..., Any]:
    """The same in Python."""
    inputs = [*found.inputs, *(leaf._array for leaf in leaves)]
    guard = Guard(found.template, inputs, leaves, written, [])
    names = {**guard.names.objects, "make": lambda: as_results, "free": [], "MISS": MISS}
    exec(builtins.compile(guard.text(), "guard", "exec"), names)
    return names["enter"]  # type: ignore[no-any-return]


class Both:
    """The guard and the entry for one call. `fits` asks both about another call, and compares what they say."""

    def __init__(self, *args: Any, leaves: Any = (), written: Any = (), **kwargs: Any) -> None:
        found = Describer(lambda *args, **kwargs: None, ()).describe(args, kwargs)
        n = len(found.inputs) + len(leaves)
        self.guard = guard_of(found, list(leaves), list(written))
        outputs = tuple(Ref(k) for k in range(n))
        self.call = Expected(found.template, found.inputs, leaves, written, refuse)
        self.entry = make_entry(identity(n), self.call, outputs, lambda *_: PYTHON, MISS)

    def fits(self, *args: Any, **kwargs: Any) -> bool:
        ours, theirs = self.entry(args, kwargs), self.guard(args, kwargs)
        if theirs is MISS or ours is MISS:
            assert ours is theirs
            return False
        assert len(ours) == len(theirs)
        for x, y in zip(ours, theirs, strict=True):
            assert x is y or (type(x) is type(y) and np.ndim(x) == 0 and x.tobytes() == y.tobytes())
        return True


X = np.arange(6.0).reshape(2, 3)
SWAPPED = X.astype(X.dtype.newbyteorder())
MODEL = object()
ONE = np.float64(1.0)
# Each row: parts that no guard may take for each other, in any nesting.
KINDS: dict[str, list[Any]] = {
    "arrays": [X, X[0], X.T, X[:, ::2], X[::-1], np.asfortranarray(X), X.astype("f4"), X.astype("i8"), SWAPPED,
               np.zeros((0, 3)), np.array(1.0), np.array(1.0, "f4"), np.ones((2, 3, 1)),
               np.broadcast_to(X[0], (2, 3))],
    "numbers": [1.0, ONE, np.float32(1), np.int64(1), np.bool_(True), np.array(1.0)],
    "static": [1, 2, True, False, None, "a", "b", "", b"a", 1 + 0j, MODEL, object(), len, int, slice(1), ...,
               2**70],
    "tuples": [(), (ONE,), (ONE, ONE), [ONE], [], [ONE, ONE], Pair(ONE, ONE), Pair(X, ONE), Row([ONE, ONE])],
    "dicts": [{}, {"a": ONE}, {"b": ONE}, {"a": ONE, "b": ONE}, {"b": ONE, "a": ONE}, {1: ONE}, {"1": ONE},
              {True: ONE}, defaultdict(list, a=ONE), Table(a=ONE), {"a": None}, {"a": 1}],
    "dataclasses": [State(X), State(X, ONE), State(ONE), State(X, name="adam"), State((X,))],
    "nested": [[[ONE]], [(ONE,)], {"a": {"b": X}}, {"a": [X]}, ({"a": X},), Pair(Pair(ONE, X), [None]), [[], []]],
}  # fmt: skip
ALL = [x for kinds in KINDS.values() for x in kinds]


@pytest.mark.parametrize("row", KINDS)
def test_each_kind_of_argument_fits_itself_and_no_other(row: str) -> None:
    for k, x in enumerate(KINDS[row]):
        both = Both(x, X)
        assert both.fits(x, X)
        if kind_of(x):
            assert both.fits(copy.copy(x), X.copy())
        fitting = [j for j, y in enumerate(ALL) if both.fits(y, X)]
        same = [j for j, y in enumerate(ALL) if y is x]
        assert set(same) <= set(fitting), (row, k)
        assert len(fitting) - len(same) <= 1, [ALL[j] for j in fitting]  # np.array(1.0) stands there twice


@pytest.mark.parametrize("x", [0.0, -0.0, np.nan, 1j, -0j, np.float32(2), np.inf])
def test_static_numbers_fit_by_their_text(x: Any) -> None:
    """0.0 and -0.0 are equal, nan is not: the text decides."""
    described = Describer(lambda a, b: None, "a").describe((x, X), {})
    guard = guard_of(described, [], [])
    entry = make_entry(identity(1), Expected(described.template, [X]), (Ref(0),), refuse, MISS)
    others = [0.0, -0.0, float("nan"), 1j, -0j, 0j, np.float32(2), 2.0, np.inf, 0, None, "nan"]
    for other in others:
        assert (entry((other, X), {}) is MISS) == (guard((other, X), {}) is MISS), other
    assert entry((x, X), {})[0] is X


def test_the_number_and_the_names_of_arguments_count_and_their_order() -> None:
    both = Both(X, ONE, a=X, b=ONE)
    assert both.fits(X, ONE, a=X, b=ONE)
    assert not both.fits(X, ONE, b=ONE, a=X)
    assert not both.fits(X, a=X, b=ONE) and not both.fits(X, ONE, ONE, a=X, b=ONE)
    assert not both.fits(X, ONE) and not both.fits(X, ONE, a=X) and not both.fits(X, ONE, a=X, c=ONE)
    assert not both.fits(X, ONE, a=X, b=ONE, c=ONE)
    assert not Both(X).fits(X, a=X) and Both().fits()


def test_values_that_f_closes_over_are_read_at_each_call() -> None:
    weight, rate = Value(X), Value(2.0)
    both = Both(ONE, leaves=[weight, rate])
    assert both.fits(ONE)
    weight._array, rate._array = X + 1, np.float64(3)
    assert both.fits(ONE) and both.entry((ONE,), {})[2] == 3
    for other in (X.T, X.astype("f4"), np.float64(1), X[:1], np.ma.array(X)):
        weight._array = other
        assert not both.fits(ONE)
    rate._array = np.array(2.0)  # stays an array, where an argument would become a number
    both = Both(ONE, leaves=[rate])
    assert both.fits(ONE) and both.entry((ONE,), {})[1] is rate._array


@pytest.mark.parametrize("row", KINDS)
def test_attributes_of_models_are_compared_as_in_python(row: str) -> None:
    """Each setting fits what the Python of `while_unchanged` lets pass, and nothing else."""
    values = [*KINDS[row], 0.0, -0.0, float("nan"), np.nan, "".join(["a"]), frozenset({1}), frozenset({1.0})]
    for x in values:
        model = types.SimpleNamespace(first=X, x=x)
        settings = [(model, "first", X), (model, "x", x)]
        call = Expected(((Hole(0),), {}), [X], settings=settings)
        entry = make_entry(identity(1), call, Ref(0), refuse, MISS)
        python = while_unchanged(lambda args, kwargs: args[0], settings, MISS)
        for y in [*values, copy.copy(x), copy.deepcopy(x)]:
            model.x = y
            assert entry((X,), {}) is python((X,), {}), (x, y)
        model.x = x
        assert entry((X,), {}) is X and entry((ONE,), {}) is MISS
        model.first = X.copy()
        assert entry((X,), {}) is MISS and python((X,), {}) is MISS


@pytest.mark.parametrize("error", [AttributeError, KeyError, ZeroDivisionError, KeyboardInterrupt])
def test_an_attribute_that_is_not_there_does_not_fit_and_other_errors_are_raised(error: Any) -> None:
    class Changing:
        broken = False

        @property
        def x(self) -> Any:
            if self.broken:
                raise error("x")
            return X

    model = Changing()
    call = Expected(((Hole(0),), {}), [X], settings=[(model, "x", X)])
    entry = make_entry(identity(1), call, Ref(0), refuse, MISS)
    python = while_unchanged(lambda args, kwargs: args[0], [(model, "x", X)], MISS)
    assert entry((X,), {}) is X is python((X,), {})
    model.broken = True
    for enter in (entry, python):
        if error is AttributeError:
            assert enter((X,), {}) is MISS
        else:
            with pytest.raises(error, match="x"):
                enter((X,), {})
    del model.__class__.x
    assert entry((X,), {}) is MISS


def test_attributes_are_compared_before_python_takes_over() -> None:
    """For memory that only Python can use as well."""
    model = types.SimpleNamespace(x=1)
    unaligned = np.frombuffer(bytes(49), np.uint8)[1:].view(float).reshape(2, 3)
    call = Expected(((Hole(0),), {}), [X], settings=[(model, "x", 1)])
    entry = make_entry(identity(1), call, Ref(0), lambda *_: PYTHON, MISS)
    assert entry((unaligned,), {}) is PYTHON
    model.x = True
    assert entry((unaligned,), {}) is MISS


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_a_function_of_a_model_and_a_training_step_are_entered_in_c() -> None:
    net = Model()
    f = compile(lambda x: x * net.w)
    f(X), f(X)
    step = nn.train_step(net, lambda y, x: np.sum(y * y), 0.1)
    step(X, ONE), step(X, ONE)
    for compiled in (f, step._update):
        assert compiled._latest.program.steps and type(compiled._enter) is extension.Entry  # type: ignore[union-attr]


def test_subclasses_of_arrays_do_not_fit() -> None:
    both = Both(X)
    assert not both.fits(np.ma.array(X)) and not both.fits(X.view(np.recarray)) and not both.fits(X.tolist())


def test_containers_that_read_their_items_themselves_are_left_to_python() -> None:
    for x in (OrderedDict(a=ONE), Backwards((ONE, X))):
        for argument in (x, [x]):
            reason = why_not_read(Describer(lambda a: None, ()).describe((argument,), {}))
            assert reason == f"arguments of the class {type(x).__name__} are read by Python"


# --------------------------------------------------------------------------------------- random nestings

LEAVES = st.sampled_from([*KINDS["arrays"], *KINDS["numbers"], *KINDS["static"], 0.5, np.float64(7), X + 1])
KEYS = st.one_of(st.text(max_size=3), st.integers(-3, 3), st.booleans())
NESTINGS = st.recursive(
    LEAVES,
    lambda inside: st.one_of(
        st.lists(inside, max_size=4),
        st.lists(inside, max_size=4).map(tuple),
        st.lists(inside, max_size=3).map(Row),
        st.dictionaries(KEYS, inside, max_size=4),
        st.dictionaries(KEYS, inside, max_size=3).map(Table),
        st.builds(Pair, inside, inside),
        st.builds(State, inside, inside, st.sampled_from(["sgd", "adam"])),
    ),
    max_leaves=12,
)


def changed(x: Any, data: Any) -> Any:
    """x with one part replaced, dropped, added, or moved."""
    kind = kind_of(x)
    if not kind or x is None or not data.draw(st.booleans()):
        return data.draw(NESTINGS)
    keys, items, _ = kind.split(x)
    items = [*items]
    if isinstance(x, dict):
        pairs = [*zip(keys, items, strict=True)]
        if pairs and data.draw(st.booleans()):
            pairs = data.draw(st.permutations(pairs))
        elif pairs:
            k = data.draw(st.integers(0, len(pairs) - 1))
            pairs[k] = (data.draw(st.one_of(KEYS, st.just(pairs[k][0]))), changed(pairs[k][1], data))
        return type(x)(pairs)
    if items:
        k = data.draw(st.integers(0, len(items) - 1))
        items[k] = changed(items[k], data)
    if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
        if data.draw(st.booleans()):
            items.append(data.draw(LEAVES))
        return type(x)(items)
    return State(*items, x.name) if isinstance(x, State) else type(x)(*items)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.lists(NESTINGS, max_size=3), st.dictionaries(st.sampled_from("abc"), NESTINGS, max_size=2))
def test_random_nestings_fit_as_the_guard_says(data: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    both = Both(*args, **kwargs)
    assert both.fits(*args, **kwargs)
    if args:
        k = data.draw(st.integers(0, len(args) - 1))
        both.fits(*args[:k], changed(args[k], data), *args[k + 1 :], **kwargs)
    for name in kwargs:
        both.fits(*args, **{**kwargs, name: changed(kwargs[name], data)})


# ------------------------------------------------------------------------------------------------- memory


def test_memory_that_only_python_can_use_goes_to_python() -> None:
    unaligned = np.frombuffer(bytes(49), np.uint8)[1:].view(float).reshape(2, 3)
    assert not unaligned.flags.aligned
    fixed = X.copy()
    fixed.flags.writeable = False
    both = Both(X, X.copy(), written=[1])
    assert both.entry((X, X.copy()), {})[0] is X
    assert both.entry((unaligned, X), {}) is PYTHON and both.entry((X, fixed), {}) is PYTHON
    assert both.entry((fixed, X), {})[0] is fixed
    assert Both(np.array(1.0)).fits(np.frombuffer(bytes(9), np.uint8)[1:].view(float).reshape(()))


LONG = np.arange(20.0)
SHARED: dict[str, tuple[list[Any], list[int], bool]] = {
    "apart": ([LONG[:5], LONG[5:10], LONG[10:15]], [0, 2], False),
    "one twice": ([LONG[:5], LONG[:5], LONG[10:15]], [0], True),
    "one twice, both written": ([LONG[:5], LONG[10:15], LONG[:5]], [0, 2], True),
    "overlap": ([LONG[:5], LONG[10:15], LONG[4:9]], [2], True),
    "overlap before": ([LONG[4:9], LONG[10:15], LONG[:5]], [0], True),
    "inside": ([LONG[::4], LONG[8:13], np.ones(5)], [1], True),
    "backwards": ([LONG[4::-1], LONG[8:13], LONG[:3]], [0], True),
    "behind one inside": ([LONG[:16], LONG[2:4], LONG[10:12]], [2], True),
    "others overlap": ([LONG[:5], LONG[:5], LONG[10:15]], [2], False),
    "nothing written": ([LONG[:5], LONG[:5], LONG[:5]], [], False),
    "empty": ([LONG[3:3], LONG[:5], LONG[3:3]], [0, 1, 2], False),
}


@pytest.mark.parametrize("case", SHARED)
@pytest.mark.parametrize("more", [0, 40])
def test_memory_that_is_written_may_be_no_other_arguments(case: str, more: int) -> None:
    """`refuse` decides: it is asked whenever the memory may be shared, and not for arrays that are apart."""
    arrays, written, shared = SHARED[case]
    extra = [np.ones(5) for _ in range(more)]
    apart = [as_strided(np.ones(100)[50:], x.shape, x.strides) for x in arrays]
    described = Describer(lambda *args: None, ()).describe((*apart, *extra), {})
    n = len(described.inputs)
    outputs = tuple(map(Ref, range(n)))
    call = Expected(described.template, described.inputs, [], written, refuse)
    entry = make_entry(identity(n), call, outputs, refuse, MISS)
    assert entry((*apart, *extra), {})[0] is apart[0]
    if shared:
        with pytest.raises(ArgumentError, match=f"shared among {n}"):
            entry((*arrays, *extra), {})
    else:
        assert entry((*arrays, *extra), {})[0] is arrays[0]


def test_memory_that_is_written_may_be_no_constants_of_the_program() -> None:
    call = Expected(((Hole(0),), {}), [LONG[:5]], [], [0], refuse, [LONG[12:], LONG[10:12]])
    entry = make_entry(identity(1), call, Ref(0), refuse, MISS)
    assert entry((LONG[:5],), {}) is not MISS
    for k in (6, 7, 11, 15):
        with pytest.raises(ArgumentError, match="shared among 1"):
            entry((LONG[k : k + 5],), {})


# -------------------------------------------------------------------------------------------------- results


class Model(nn.Module):
    def __init__(self) -> None:
        self.w = Value(X)

    def __call__(self, x: Any) -> Any:
        return x * self.w


KEPT = Model()
RESULTS: dict[str, Any] = {
    "one": Ref(0),
    "tuple": (Ref(1), Ref(0), Ref(1)),
    "list": [Ref(0), [Ref(1)], []],
    "dict": {"a": Ref(1), 2: (Ref(0),), (1, 2): None},
    "named": Pair(Ref(0), [Ref(1)]),
    "row": Row([Ref(0), 1]),
    "table": Table(a=Ref(1), b={"c": Ref(0)}),
    "defaults": defaultdict(list, a=Ref(1)),
    "dataclass": State(Ref(0), [Ref(1)]),
    "constants": [1, 2.5, "a", None, True, (1, 2), X, [X], Pair(1, [2]), Table(a=[1])],
    "model": (Kept(KEPT), Ref(0)),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_are_nested_anew_at_each_call(name: str) -> None:
    outputs = RESULTS[name]
    order = [int(x) for x in refs(outputs)]
    slots = [(INPUT, k, 0, "d", None, None, (), ()) for k in range(2)]
    runner = extension.Executor(2, 0, b"", slots, [], [], [(k, False) for k in order])  # type: ignore[union-attr]
    found = Describer(lambda *args: None, ()).describe((X, ONE), {})
    entry = make_entry(runner, Expected(found.template, found.inputs), outputs, refuse, MISS)
    want = substitute(outputs, {Ref(0): X, Ref(1): ONE})
    first, second = entry((X, ONE), {}), entry((X, ONE), {})
    for got in (first, second):
        assert repr(got) == repr(replace_leaves(want, lambda x: x.model if type(x) is Kept else x))
        assert type(got) is type(want) and getattr(got, "default_factory", list) is list
    assert not {*mutable(first)} & ({*mutable(second)} | {*mutable(outputs)})


def mutable(x: Any) -> list[int]:
    """The identities of what a caller could change in a result, but for inputs and models that are kept."""
    inside = [id(leaf) for leaf in leaves(x) if isinstance(leaf, np.ndarray) and leaf is not X]
    kind = kind_of(x)
    if not kind or isinstance(x, (Model, type(None))):
        return inside
    own = [] if isinstance(x, tuple) else [id(x)]
    return [*own, *inside, *(found for item in kind.split(x)[1] for found in mutable(item))]


# ------------------------------------------------------------------------------------------------- references


def assert_nothing_left(call: Callable[[int], None], n: int, counted: list[Any]) -> None:
    """n calls leave no object, no memory, and no reference to what they were given. Python may fill its caches."""

    def state() -> list[int]:
        gc.collect()
        return [len(gc.get_objects()), tracemalloc.get_traced_memory()[0], *map(sys.getrefcount, counted)]

    call(100)
    tracemalloc.start()
    state()
    before = state()
    call(n)
    after = state()
    tracemalloc.stop()
    assert after[2:] == before[2:]
    assert after[0] - before[0] < 50 and after[1] - before[1] < 60_000


def test_tens_of_thousands_of_calls_leave_nothing_behind() -> None:
    """Whatever happens to a call: it fits, it does not, the program fails, the arguments hold what they like."""
    x, numbers, key = X.copy(), [ONE, 0.5], 2**70
    table = {key: np.array(2.0), "b": None}
    weight = Value(X.copy())
    both = Both(x, numbers, table, State(x, name="adam"), leaves=[weight])
    fitting = (x, numbers, table, State(x, name="adam"))
    others = [(x, [*numbers, ONE], table, fitting[3]), (x, numbers, table, State(x)), (x, numbers, table, None)]

    def call(n: int) -> None:
        for _ in range(n):
            both.entry(fitting, {})
            for other in others:
                both.entry(other, {})

    counted = [x, numbers, ONE, table, key, table[key], fitting, weight._array, both.entry, MISS, x.dtype]
    assert_nothing_left(call, 8_000, counted)


def test_calls_of_compiled_functions_leave_nothing_behind() -> None:
    rows: list[tuple[Any, tuple[Any, ...]]] = [
        (compile(twice), (X.copy(),)),
        (compile(twice), (np.array(2.0),)),
        (compile(lambda d: {k: x * 0.9 for k, x in d.items()}), ({"a": X.copy(), "b": ONE},)),
        (compile(lambda x, y: [x, x, (y, 1), [X]]), (X.copy(), 0.5)),
        (compile(lambda x: x @ x.T, donate=0), (X.copy(),)),
        (compile(lambda x: Pair(x * 2, State(x, 1.0))), (X.copy(),)),
        (compile(lambda x: np.sqrt(x)), (-X.copy(),)),
    ]

    def call(n: int) -> None:
        with np.errstate(invalid="raise"):
            for f, args in rows:
                for _ in range(n):
                    with suppress(FloatingPointError):
                        f(*args)

    assert_nothing_left(call, 2_000, [x for _, args in rows for x in (args, *args)])


class Fickle:
    """Equal to another one, unless it raises, or changes the list that it stands in."""

    def __init__(self, act: Callable[[], bool]) -> None:
        self.act = act

    def __eq__(self, other: object) -> bool:
        return self.act()

    __hash__ = None  # type: ignore[assignment]


def static_entry(x: Any) -> Any:
    """An entry for f(items, y), whose items hold a static object that has an == of its own."""
    return make_entry(identity(2), Expected((([x, Hole(0)], Hole(1)), {}), [X, X]), (Ref(0), Ref(1)), refuse, MISS)


def test_an_object_with_an_eq_of_its_own_fits_only_itself_and_is_not_asked() -> None:
    def act() -> bool:
        raise ZeroDivisionError

    known = Fickle(act)
    entry = static_entry(known)
    assert entry(([known, X], X), {})[0] is X
    assert entry(([Fickle(act), X], X), {}) is MISS


def test_equal_keys_of_other_types_do_not_fit() -> None:
    entry = make_entry(identity(1), Expected((({1: Hole(0)},), {}), [X]), (Ref(0),), refuse, MISS)
    assert entry(({1: X},), {}) != MISS
    assert entry(({1.0: X},), {}) is MISS and entry(({True: X},), {}) is MISS
    f = compile(lambda d: [x * k[0] for k, x in d.items()])
    for key in ((1,), (1.0,), (True,)):
        assert_same(f({key: np.arange(3)}), [np.arange(3) * key[0]], str(key))
    assert f.traces == 3


def test_cycles_through_an_entry_are_collected() -> None:
    class Owner:
        def python(self, args: Any, kwargs: Any) -> Any:
            return PYTHON

    owner = Owner()
    owner.entry = make_entry(identity(1), Expected(((Hole(0),), {}), [X]), Ref(0), owner.python, MISS)  # type: ignore[attr-defined]
    model = Owner()
    call = Expected(((Hole(0),), {}), [X], settings=[(model, "python", None)])
    model.entry = make_entry(identity(1), call, Ref(0), refuse, MISS)  # type: ignore[attr-defined]
    gone = [weakref.ref(owner), weakref.ref(model)]
    del owner, model, call
    gc.collect()
    assert [x() for x in gone] == [None, None]


def test_cycles_through_a_compiled_function_are_collected() -> None:
    class Owner:
        pass

    owner: Any = Owner()
    owner.f = compile(lambda owner, x: x * 2, static=0)
    for _ in range(2):
        assert_same(owner.f(owner, X), X * 2, "static")
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


# ------------------------------------------------------------------------------------- functions that C calls


def twice(x: Any) -> Any:
    """Twice x."""
    return x * 2


compiled_twice = compile(twice)


class Holder:
    def __init__(self, factor: float) -> None:
        self.factor = factor

    @compile
    def times(self, x: Any) -> Any:
        return x * self.factor


def test_calls_of_a_compiled_function_go_to_c() -> None:
    f = compile(lambda x, y=1.0, *, z: x * y + z)
    assert "Caller" in repr(type(f).__call__)
    for _ in range(3):
        assert_same(f(X, z=ONE), X + 1, "names")
        assert_same(f(X, 2.0, z=X), X * 2 + X, "two")
        assert_same(f(X, y=2.0, z=X), X * 2 + X, "named")
    assert f.traces == 3
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument"):
        f(X)


def test_compiled_functions_stay_functions() -> None:
    f = compiled_twice
    assert f.__name__ == "twice" and f.__doc__ == "Twice x." and f.__wrapped__ is twice
    assert repr(f).startswith("<compiled twice, traced")
    assert callable(f) and list(inspect.signature(f).parameters) == ["x"]
    assert pickle.loads(pickle.dumps(f)) is f or pickle.loads(pickle.dumps(f))(X)[0, 1] == 2
    assert_same(copy.copy(f)(X), X * 2, "copy")
    assert_same(copy.deepcopy(f)(X), X * 2, "deep copy")
    assert weakref.ref(f)() is f
    assert Compiled[[int], int].__origin__ is Compiled  # type: ignore[attr-defined]
    f.note = 1  # type: ignore[attr-defined]
    assert f.note == 1  # type: ignore[attr-defined]


def test_a_compiled_method_is_bound() -> None:
    a, b = Holder(2.0), Holder(3.0)
    for _ in range(2):
        assert_same(a.times(X), X * 2.0, "a")
        assert_same(b.times(X), X * 3.0, "b")


def test_a_subclass_may_define_calls_of_its_own() -> None:
    class Counting(Compiled):  # type: ignore[type-arg]
        calls = 0

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return super().__call__(*args, **kwargs)

    f = Counting(twice)
    for _ in range(3):
        assert_same(f(X), X * 2, "counted")
    assert f.calls == 3 and f.traces == 1


def test_modes_are_noticed() -> None:
    f = compile(twice)
    f(X)
    assert isinstance(grad(lambda x: np.sum(f(x)))(X), np.ndarray)
    with minigrad.no_grad():
        assert_same(f(X), X * 2, "no_grad")
    x = Value(X)
    np.sum(f(x) * 1.0).backward()
    assert_same(x.grad, np.full((2, 3), 2.0), "Values")
    outer = compile(lambda x: f(x) + 1)
    assert_same(outer(X), X * 2 + 1, "nested")
    assert "*" in outer.source


def test_a_debugger_sees_what_runs() -> None:
    frozen = X.copy()
    f = compile(lambda x: x * frozen)
    f(X)
    frozen[0] = 5
    with minigrad.debug(), pytest.raises(Mutated, match="tracing froze it"):
        f(X)


def test_errors_of_the_program_are_raised_and_limits_are_found() -> None:
    f = compile(lambda x: np.sqrt(x) * 2)
    f(X)
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError, match="sqrt"):
        f(-X - 1)
    g = grad(lambda x: np.sum(np.sqrt(x * x * x * x)))
    compiled = compile(g)
    assert_same(compiled(X + 1), g(X + 1), "smooth")
    assert_same(compiled(X * 0), g(X * 0), "a limit")
    assert np.isfinite(compiled(X * 0)).all() and compiled.traces == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_stops_the_program(error: type[BaseException]) -> None:
    """It is no error of the program, after which the function itself would run."""
    runs = 0

    def f(x: Any) -> Any:
        nonlocal runs
        runs += 1
        return np.exp(x) * 2

    def stop(*_: object) -> None:
        nonlocal raised
        raised += 1
        if raised == 1:
            raise error

    compiled, raised = compile(f), 0
    compiled(np.ones(3))
    before, handler = runs, np.seterrcall(stop)
    try:
        with np.errstate(over="call"), pytest.raises(error):
            compiled(np.full(3, 1e4))
    finally:
        np.seterrcall(handler)
    assert (runs, raised) == (before, 1)


def test_arguments_that_other_threads_change() -> None:
    """What a call took out of a list is its own: others may empty the list while the program runs."""
    big = np.ones(300_000)
    f = compile(lambda items: np.sum(np.tanh(items[0]) * items[1]))
    want = f([big, big])
    items: list[Any] = [big, big]
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            items[:] = [np.ones(300_000), np.ones(300_000)]

    thread = threading.Thread(target=change)
    thread.start()
    try:
        assert all(f(items) == want for _ in range(50))
    finally:
        stop.set()
        thread.join()
