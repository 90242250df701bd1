"""What a function does besides computing while it is traced: refused, and without a mark."""

from __future__ import annotations

import collections.abc
import functools
import itertools
import numbers
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from warnings import catch_warnings

import numpy as np
import pytest
from compiler.bits import assert_same

import minigrad
from minigrad import Value, compile, errors, grad, nn

X = np.array([1.0, 2.0, 3.0])
BATCH = np.arange(4.0).reshape(2, 2)


def refused(f: Any, *args: Any) -> str:
    with pytest.raises(errors.TracingError) as caught:
        compile(f)(*args)
    assert "\n  write  " in str(caught.value)
    return str(caught.value)


# ---------------------------------------------------------------------------------------- errors that f catches


def otherwise(f: Callable[..., Any], *kinds: type[Exception]) -> Callable[..., Any]:
    """f, and 0 where it raises an error of these kinds; of any kind by default."""
    kinds = kinds or (Exception,)

    def attempt(*args: Any) -> Any:
        try:
            return f(*args)
        except kinds:
            return args[0] * 0

    return attempt


def cholesky(a: Any) -> Any:
    try:
        return np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        return np.linalg.cholesky(a + 10 * np.eye(len(a)))


def raising(x: Any) -> Any:
    with np.errstate(all="raise"):
        try:
            return 1 / x
        except FloatingPointError:
            return x


def suppressing(x: Any) -> Any:
    with suppress(Exception):
        return x * float(x[0])
    return x * 0


@pytest.mark.parametrize(
    ("f", "args", "what"),
    [
        (otherwise(lambda x: x if x.sum() > 0 else -x), [X], "caught TracingError: bool() while tracing"),
        (otherwise(lambda x: x * float(x[0])), [X], "caught TracingError: float()"),
        (suppressing, [X], "caught TracingError: float()"),
        (raising, [np.zeros(2)], "caught FloatingPointError: divide by zero"),
        (otherwise(lambda x: x.__setitem__(0, 1.0), TypeError), [X], "caught GradientLost: assigning"),
        (otherwise(lambda x: x.flags), [X], "caught TracingError: v.flags"),
        (minigrad.vmap(otherwise(lambda x: x * float(x))), [X], "caught TracingError: float()"),
    ],
)
def test_a_refusal_that_the_function_catches_is_refused(f: Any, args: Any, what: str) -> None:
    text = refused(f, *args)
    assert text.startswith(f"the function {what}")
    assert "try: ... except ...   around the call, not inside the function" in text


@pytest.mark.parametrize(
    ("f", "bad", "good", "what"),
    [
        (cholesky, [np.diag([1.0, -1.0])], [np.eye(2)], "LinAlgError: Matrix is not positive definite"),
        (otherwise(lambda x, i: x[i], IndexError), [X, np.array([9])], [X, np.array([1])], "IndexingError"),
        (otherwise(lambda x: x ** (x - 5), ValueError), [np.arange(3)], [np.arange(5, 8)], "ShapeError: cannot"),
        (
            otherwise(grad(lambda a: np.sum(np.linalg.eig(a)[1].real * BATCH))),
            *([np.eye(2)], [np.diag([1.0, 2.0])], "Undetermined"),
        ),
        (
            otherwise(lambda y: minigrad.cross_entropy(np.ones((2, 2)), y)),
            *([np.array([0, 5])], [np.array([0, 1])], "ShapeError"),
        ),
    ],
)
def test_a_first_call_whose_data_raise_an_error_that_the_function_catches_runs_eagerly(
    f: Any, bad: Any, good: Any, what: str
) -> None:
    compiled = compile(f)
    with pytest.warns(RuntimeWarning, match=f"^the function caught {what}(?s:.*)run without compiling") as told:
        assert_same(compiled(*bad), f(*bad), "bad")
    assert len(told) == 1 and told[0].filename == __file__
    assert_same(compiled(*bad), f(*bad), "told once")
    assert compiled.traces == 0
    assert_same(compiled(*good), f(*good), "good")
    assert compiled.traces == 1, "later data are compiled"
    assert_same(compiled(*bad), f(*bad), "bad again")


def test_random_numbers_are_drawn_once_where_a_first_call_runs_eagerly() -> None:
    f = otherwise(lambda x, rng: x * rng.binomial(5, x))
    its, mine, compiled = np.random.default_rng(0), np.random.default_rng(0), compile(f)
    with pytest.warns(RuntimeWarning, match="caught ValueError: p "):
        assert_same(compiled(X, its), f(X, mine), "bad")
    for x in (X / 4, X):
        assert_same(compiled(x, its), f(x, mine), "later")


def test_a_refusal_counts_for_more_than_an_error_on_data() -> None:
    def f(a: Any) -> Any:
        b = cholesky(a)
        try:
            return b if a[0, 0] > 0 else -b
        except errors.TracingError:
            return b

    assert refused(f, np.diag([1.0, -1.0])).startswith("the function caught TracingError")


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (lambda x: x * 2 if hasattr(x, "flags") else x, "v.flags"),
        (lambda x: x * (2 if getattr(x, "flags", None) else 3), "v.flags"),
        (otherwise(lambda x: x * float(x[0]), TypeError, ValueError), "float() of an array"),
    ],
)
def test_questions_that_arrays_would_answer_are_refused(f: Any, what: str) -> None:
    assert refused(f, X).startswith(f"{what} while tracing")


def test_vmap_refuses_them_too() -> None:
    with pytest.raises(errors.TracingError, match="caught TracingError: bool"):
        minigrad.vmap(otherwise(lambda x: x if x > 0 else -x))(X)


@pytest.mark.parametrize(
    "f",
    [
        otherwise(lambda x: x * {}["a"], KeyError),
        otherwise(lambda x: x + np.ones(2), ValueError),
        otherwise(lambda x: x @ np.ones(2), ValueError),
        otherwise(lambda x: x.reshape(7), ValueError),
        otherwise(lambda x: np.sum(x, axis=3), ValueError),
        otherwise(lambda x: x[8], IndexError),
        otherwise(lambda x: np.subtract(x > 0, x > 1), TypeError),
        lambda x: x * (2 if hasattr(x, "foo") else 3),
        lambda x: x * getattr(x, "foo", 3),
        lambda x: otherwise(lambda m: m.foo * x, AttributeError)(X) + x,
    ],
)
def test_errors_that_do_not_depend_on_data_are_the_functions_own_affair(f: Any) -> None:
    assert_same(compile(f)(X), f(X), "compiled")


def test_an_error_that_leaves_the_function_is_raised_as_it_is() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        compile(np.linalg.cholesky)(np.diag([1.0, -1.0]))
    with pytest.raises(errors.TracingError, match=r"^bool\(\) while tracing"):
        compile(otherwise(lambda x: x if x.sum() > 0 else -x, KeyError))(X)


def test_errstate_that_raises_is_refused_inside_and_obeyed_around() -> None:
    assert 'np.errstate(...="raise") while tracing' in refused(raising, X)
    with np.errstate(all="raise"):
        f = compile(lambda x: 1 / x)
        assert_same(f(X), 1 / X, "traced on good data")
        with pytest.raises(FloatingPointError):
            f(np.zeros(3))


def test_warnings_that_the_function_ignores_are_ignored_there_and_nowhere_else() -> None:
    def f(x: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            y = np.where(x > 0, np.log(x), 0.0)
        return y * 2

    def loud(x: Any) -> Any:
        return np.sum(f(x)) + np.sum(np.log(x - x))

    good, bad = np.ones(3), np.array([0.0, 1.0, -1.0])
    with catch_warnings(action="error"):
        for g in (f, minigrad.value_and_grad(lambda x: np.sum(f(x)))):
            compiled = compile(g)
            for x in (good, bad, bad):
                assert_same(compiled(x), g(x), "in silence")
        with pytest.raises(RuntimeWarning, match="divide by zero"):
            compile(loud)(good)


# -------------------------------------------------------------------------------------------- random numbers

GENERATOR = np.random.default_rng(0)
OTHERS = (np.random.rand() for _ in range(100))  # noqa: NPY002
LEGACY, PYTHON = np.random.RandomState(0), random.Random(0)
imported = np.random.rand


class Noisy:
    def __init__(self) -> None:
        self.rng = np.random.default_rng(1)

    def __call__(self, x: Any) -> Any:
        return x * np.ceil(self.rng.random())


class Slotted:
    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts = {"rng": [np.random.default_rng(1)]}


NOISY, SLOTTED = Noisy(), Slotted()


def draw() -> Any:
    return np.ceil(GENERATOR.random())


@pytest.mark.parametrize(
    ("f", "where"),
    [
        (lambda x: x * np.ceil(np.random.rand()), "np.random"),  # noqa: NPY002
        (lambda x: x * random.choice([1]), "random"),
        (lambda x: x * np.ceil(GENERATOR.random()), "GENERATOR"),
        (lambda x: x * draw(), "GENERATOR"),
        (lambda x: x * np.ceil(imported()), "imported"),
        (lambda x: x * np.ceil(LEGACY.rand()), "LEGACY"),
        (lambda x: x * PYTHON.choice([1]), "PYTHON"),
        (NOISY, "f.rng"),
        (NOISY.__call__, "f.rng"),
        (lambda x: NOISY(x), "NOISY.rng"),
        (lambda x: x * SLOTTED.parts["rng"][0].random() ** 0, "SLOTTED.parts['rng'][0]"),
        (functools.partial(lambda rng, x: x * np.ceil(rng.random()), GENERATOR), "f[0]"),
        (lambda x, rng=GENERATOR: x * np.ceil(rng.random()), "a default of <lambda>"),
        (grad(lambda x: np.sum(x) * draw()), "GENERATOR"),
    ],
)
def test_random_numbers_of_few_values_are_found_by_their_generator(f: Any, where: str) -> None:
    """Two traces would agree: each draws the one number that there is."""
    generators = (GENERATOR, NOISY.rng, SLOTTED.parts["rng"][0])

    def states() -> Any:
        own = [repr(LEGACY.get_state()), PYTHON.getstate(), random.getstate()]
        own.append(repr(np.random.get_state()))  # noqa: NPY002
        return [rng.bit_generator.state for rng in generators], own

    before = states()
    assert refused(f, X).startswith(f"the function draws random numbers from {where},")
    assert states() == before


def test_random_numbers_that_are_drawn_before_a_trace_fails_are_put_back() -> None:
    before = GENERATOR.bit_generator.state
    assert "bool()" in refused(lambda x: x if x.sum() > draw() else -x, X)
    assert GENERATOR.bit_generator.state == before


# --------------------------------------------------------------------------------------------------- models


class Model(nn.Module):
    def __init__(self, act: Callable[[Any, Any], Any]) -> None:
        self.w = Value(np.eye(3))
        self.mean, self.n, self.seen, self.mask = np.zeros(3), 0, [np.zeros(2)], None
        self.act = act

    def __call__(self, x: Any) -> Any:
        self.act(self, x)
        return x @ self.w


def running(m: Any, x: Any) -> None:
    m.mean = 0.9 * m.mean + 0.1 * x


def counting(m: Any, x: Any) -> None:
    m.n += 1


def in_place(m: Any, x: Any) -> None:
    m.mean += 1.0


def appending(m: Any, x: Any) -> None:
    m.seen.append(1.0)


def deep(m: Any, x: Any) -> None:
    m.seen[0][1] += 1


def setting(m: Any, x: Any) -> None:
    m.__dict__["n"] += 1


def last(m: Any, x: Any) -> None:
    m.mask = x * 2


def deleting(m: Any, x: Any) -> None:
    del m.n


@pytest.mark.parametrize(
    ("act", "what"),
    [
        (running, "mean"), (counting, "n"), (in_place, "mean"), (appending, "seen"), (deep, "seen[0]"),
        (setting, "n"), (last, "mask"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("given", [False, True])
def test_a_function_that_changes_a_model_is_refused_and_leaves_no_mark(act: Any, what: str, given: bool) -> None:
    net = Model(act)
    before, array, data = dict(vars(net)), net.mean, net.w.data
    text = refused(lambda m, x: m(x), net, X) if given else refused(lambda x: net(x), X)
    path = "argument 0" if given else "net"
    assert text.startswith(f"the function changes {path}.{what}, and compiled code would not")
    assert vars(net) == before and net.mean is array and net.w.data is data
    assert_same(net.mean, np.zeros(3), "in place")
    assert len(net.seen) == 1 and not net.seen[0].any()


def test_a_function_that_assigns_the_data_of_a_parameter_is_refused() -> None:
    w = Value(X)

    def f(x: Any) -> Any:
        v = Value(0.0)
        v.data = np.ones(3)  # of its own
        w.data = np.zeros(3)
        return x * v

    for g in (compile(f), minigrad.vmap(f)):
        with pytest.raises(errors.InPlaceError, match=r"(?s)^data = on .*write  return the new numbers"):
            g(X)
    assert_same(w.data, X, "as it was")


def test_other_threads_may_draw_random_numbers_while_a_function_is_traced() -> None:
    """Their numbers are no concern of a function that names no generator."""
    others: Any = []

    def f(x: Any) -> Any:
        threads = [threading.Thread(target=lambda: others.append(next(OTHERS))) for _ in range(2)]
        for thread in threads:
            thread.start()
            thread.join()
        return x * 2

    waiting = threading.Event()
    loader = threading.Thread(target=waiting.wait)
    loader.start()
    try:
        assert_same(compile(f)(X), X * 2, "traced")
        assert len(set(others)) == len(others), "nothing was put back"
        assert "np.random" in refused(lambda x: x * np.random.rand() ** 0, X)  # noqa: NPY002
    finally:
        waiting.set()
        loader.join()


def test_what_a_model_computes_once_and_keeps_is_allowed() -> None:
    def once(m: Any, x: Any) -> None:
        if m.mask is None:
            m.mask = np.tril(np.ones((3, 3)))

    net = Model(once)
    f = compile(lambda x: net(x) @ net.mask)
    assert_same(f(X), (net(X) @ net.mask).data, "cached")
    assert net.mask is not None and f.traces == 1


def test_models_that_the_function_makes_may_change() -> None:
    def f(x: Any) -> Any:
        net = Model(counting)
        net.mean = x
        return net(x).sum() * net.n + grad(lambda m: m(x).sum())(net).w.sum()

    assert compile(f)(X) == 6.0 + grad(lambda m: m(X).sum())(Model(counting)).w.sum()


def test_assigning_the_same_again_is_no_change() -> None:
    def same(m: Any, x: Any) -> None:
        m.n, m.mean = 0, np.zeros(3)

    net = Model(same)
    assert_same(compile(lambda x: net(x))(X), X, "same")


# ------------------------------------------------------------------------------- Values that outlive the trace

KEPT: Any = []
HIDDEN: Any = {}


class Recorder:
    last: Any = None

    def __call__(self, x: Any) -> Any:
        self.last = x * 2
        return x


RECORDER = Recorder()


def keeping(x: Any) -> Any:
    KEPT.append(np.sum(x))
    return x


@pytest.mark.parametrize(
    ("f", "where"),
    [
        (keeping, "KEPT[0]"),
        (RECORDER, "f.last"),
        (lambda x: RECORDER(x) * 2, "RECORDER.last"),
        (grad(lambda x: np.sum(keeping(x))), "KEPT[0]"),
        (lambda x: HIDDEN.update(a=lambda: x) or x, "x"),
    ],
)
def test_values_that_the_function_keeps_are_refused_by_their_place(f: Any, where: str) -> None:
    try:
        assert refused(f, X).startswith(f"the function kept a Value of the trace in {where}:")
    finally:
        KEPT.clear()
        HIDDEN.clear()
        RECORDER.last = None


def test_a_function_inside_that_calls_itself_keeps_nothing() -> None:
    def f(x: Any) -> Any:
        def power(n: int) -> Any:
            return x if n == 0 else power(n - 1) * x

        return power(3)

    assert_same(compile(f)(X), f(X), "recursion")


# ------------------------------------------------------------------------------------- questions about the type


@functools.singledispatch
def by_class(x: Any) -> Any:
    return x * 5


by_class.register(np.ndarray)(lambda x: x * 7)
by_class.register(float)(lambda x: x * 9)


CLASSES: tuple[Any, ...] = (
    *(np.ndarray, float, int, (int, float), np.generic, np.floating, np.integer, np.bool_),
    *(numbers.Number, numbers.Integral, (list, tuple), dict, str, collections.abc.Sequence),
)


@pytest.mark.parametrize(
    "x", [X, X.astype(np.float32), np.arange(3), 2.0, np.float64(2.0), np.float32(3.0), np.int64(3), np.True_]
)
def test_isinstance_answers_as_for_the_data(x: Any) -> None:
    def f(x: Any) -> Any:
        asked = (x, x * 2, np.sum(x), x > 1)
        answers = [isinstance(y, cls) for y in asked for cls in CLASSES]
        return answers, [np.isscalar(y) for y in asked], by_class(x), by_class(np.sum(x) * 1.0)

    got, want = compile(f)(x), f(np.float64(x) if type(x) is float else x)
    if type(x) is float:  # it counts as a np.float64, and is one but for its class
        exact = [cls not in (np.generic, np.floating) for cls in CLASSES * 4]
        got[0][:], want[0][:] = itertools.compress(got[0], exact), itertools.compress(want[0], exact)
    assert got[:2] == want[:2]
    assert_same(got[2:], want[2:], "by class")


def test_isinstance_of_a_value_stays_what_it_is() -> None:
    w = Value(X)

    def f(x: Any) -> Any:
        assert isinstance(w, Value) and not isinstance(w, np.ndarray) and not isinstance(w * x, np.ndarray)
        assert isinstance(x, Value) and w.__class__ is Value
        grad(lambda z: np.sum(z) if not isinstance(z * 2, np.ndarray) else None)(x)
        return x

    compile(f)(X)
    assert not isinstance(w, np.ndarray) and w.__class__ is Value
    w = w * 2
    v, w = w, w
    w += 1.0
    assert type(v) is not Value and v.__class__ is type(v)


# ------------------------------------------------------------------- what a refused function changed is put back


class Counter:
    def __init__(self) -> None:
        self.n, self.last, self.seen = 0, None, [0.0]


COUNTER, OUTSIDE, TABLE, COUNT = Counter(), Value(X), np.zeros(3), 0
LIST: list[Any] = []
DICT: dict[str, Any] = {"a": 1.0}
SET: set[Any] = set()
LATEST: Any = None


def counts(x: Any) -> Any:
    COUNTER.n += 1
    return x * COUNTER.n


def counts_globally(x: Any) -> Any:
    global COUNT
    COUNT += 1
    return x * COUNT


def counts_on_itself(x: Any) -> Any:
    vars(counts_on_itself)["n"] = vars(counts_on_itself).get("n", 0) + 1
    return x * vars(counts_on_itself)["n"]


def assigns_globally(x: Any) -> Any:
    global LATEST
    LATEST = x * 2
    return x


def before_a_branch(x: Any) -> Any:
    COUNTER.n += 1
    COUNTER.seen.append(x)
    return x if x.sum() > 0 else -x


def nonlocally() -> Any:
    n, kept = 0, None

    def f(x: Any) -> Any:
        nonlocal n, kept
        n, kept = n + 1, x
        return x

    return f, lambda: (n, kept)


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (counts, "there is 1 in one and 2 in the other"),
        (counts_globally, "there is 1 in one and 2 in the other"),
        (counts_on_itself, "there is 1 in one and 2 in the other"),
        (before_a_branch, "bool() while tracing"),
        (assigns_globally, "kept a Value of the trace in LATEST"),
        (lambda x: LIST.append(x * 2) or x, "kept a Value of the trace in LIST[0]"),
        (lambda x: DICT.update(a=x, b=x) or x, "kept a Value of the trace in DICT['a']"),
        (lambda x: SET.add(x) or x, "kept a Value of the trace in SET[0]"),
        (lambda x: LIST.append(OUTSIDE * 2) or x, "kept a Value of the trace in LIST[0]"),
        (lambda x: setattr(COUNTER, "last", OUTSIDE * 2) or x, "kept a Value of the trace in COUNTER.last"),
    ],
)
@pytest.mark.slow
def test_a_refused_function_leaves_no_mark(f: Any, what: str) -> None:
    def state() -> Any:
        own = vars(counts_on_itself)
        return {**vars(COUNTER)}, [*COUNTER.seen], [*LIST], {**DICT}, {*SET}, LATEST, COUNT, {**own}

    before = state()
    assert what in refused(f, X)
    assert state() == before


def test_variables_of_an_outer_function_are_put_back() -> None:
    f, state = nonlocally()
    assert "kept a Value of the trace in kept" in refused(f, X)
    assert state() == (0, None)


def test_a_first_call_that_runs_eagerly_counts_once() -> None:
    def f(a: Any) -> Any:
        COUNTER.n += 1
        return cholesky(a)

    before = COUNTER.n
    with pytest.warns(RuntimeWarning, match="caught LinAlgError"):
        compile(f)(np.diag([1.0, -1.0]))
    assert COUNTER.n == before + 1


def test_an_array_from_outside_that_the_function_changes_is_refused() -> None:
    def f(x: Any) -> Any:
        TABLE[0] += 1
        return x * TABLE

    assert refused(f, X).startswith("the function changes an array (3,) that it closes over")

    def same(x: Any) -> Any:
        TABLE[:] = 5.0
        return x * TABLE

    assert_same(compile(same)(X), X * 5, "the same numbers each time")
