"""Every keyword of a function, compiled: eager's bits, or an error of ours that says what to write instead."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from checking import OPS, invoke, parts, places, woven
from everyday import thinned

import minigrad
from minigrad import Value, errors
from minigrad.check.testing.op_calls import OpCall
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.op import COMPOSED
from minigrad.engine.tree import leaves
from minigrad.op_table import qualified

OF_UFUNCS = {"dtype", "where", "out", "order", "casting", "subok"}
COMPOSITES = {qualified(record.function) + record.arguments: record for record in COMPOSED.values()}
DYNAMIC = {"np.unique", "np.trim_zeros", "np.polymul", "np.polydiv"}  # refused, as their shapes depend on data


def keywords_of(function: Any) -> set[str]:
    """The parameters of a function that a caller can name."""
    if isinstance(function, np.ufunc):
        return OF_UFUNCS | ({"axes", "axis", "keepdims"} if function.signature else set())
    try:
        return {p.name for p in inspect.signature(function).parameters.values() if p.kind is not p.POSITIONAL_ONLY}
    except ValueError:  # written in C, without a signature before NumPy 2.4
        return set()


def values_of(name: str, x: Any, y: Any) -> tuple[Any, ...]:
    """Values to try for a keyword, for an input x and a result y."""
    shape = np.shape(x) if hasattr(x, "shape") else ()
    mask = np.arange(math.prod(shape)).reshape(shape) % 3 != 1
    return {
        "dtype": (np.float32, np.float64, np.int64),
        "where": (mask, True),
        "initial": (0.5,),
        "out": (np.zeros(getattr(y, "shape", ())), None),
        "weights": (np.ones(shape),),
        "order": ("F", "A"),
        "casting": ("unsafe",),
        "axis": (0, None, -1),
        "mode": ("wrap", "clip"),
        "kind": ("stable",),
        "method": ("lower",),
        "side": ("right",),
        "UPLO": ("U",),
        "minlength": (7,),
        "device": ("cpu",),
        "ddof": (1,),
        "correction": (1,),
        "mean": (0.5,),
        "subok": (False,),
        "prepend": (0.0,),
        "append": (0.0,),
        "dx": (0.5,),
        "rcond": (1e-3,),
        "n": (2,),
        "k": (1,),
    }.get(name, (True,) if name in SWITCHES else ())


SWITCHES = {
    *("keepdims", "returned", "overwrite_input", "stable", "include_initial", "equal_nan", "full", "hermitian"),
    *(
        "copy",
        "invert",
        "optimize",
        "upper",
        "endpoint",
        "return_index",
        "return_inverse",
        "return_counts",
        "density",
    ),
}


def outcome(f: Callable[..., Any], xs: Any) -> Any:
    """The bits of a result, or the error."""
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            y = f(*xs)
    except Exception as error:  # any: which is asked afterwards
        return error
    found = [np.asarray(part) for part in leaves(y)]
    return [(part.dtype, part.shape, part.tobytes()) for part in found]


def says_what_to_write(error: Exception) -> bool:
    """Whether it is ours, and names a remedy."""
    return isinstance(error, errors.MinigradError) and any(
        words in str(error)
        for words in ("\n  write", "leave it out", "compute it with", "expected order 'C' or 'F'")
    )


def compare(f: Callable[..., Any], xs: Any, given: Any, what: str) -> bool:
    """Compare compiled and eager. given: the value of the keyword, which must stay as it is. Whether f works."""
    before = np.array(given) if isinstance(given, np.ndarray) else None
    want = outcome(f, xs)
    if before is not None:
        given[...] = before
    got = outcome(minigrad.compile(f), xs)
    assert before is None or np.array_equal(given, before), f"{what}: an array that is no argument has changed"
    if isinstance(want, Exception):
        expected = (errors.MinigradError, type(want))
        assert not isinstance(got, Exception) or isinstance(got, expected), f"{what}: {want!r}, compiled {got!r}"
        return False
    if isinstance(got, Exception):
        assert says_what_to_write(got), f"{what}: {type(got).__name__}: {got}"
        return False
    assert got == want, what
    return True


def calls_with_keywords(function: Any, example: OpCall, y: Any) -> Iterator[tuple[dict[str, Any], Any, str]]:
    """The parameters of a call with one keyword more, for each keyword of the function and each of its values."""
    first = example.inputs[0] if example.inputs else 0.0
    for name in sorted(keywords_of(function)):
        for value in values_of(name, first, parts(y)[0]):
            yield (
                {**example.params, name: value},
                value,
                f"{function.__name__} of {example.inputs} with {name}={value}",
            )


@pytest.mark.parametrize("name", thinned([name for name in OPS if name != "empty_like"], 10))
def test_an_op_takes_a_keyword_or_names_it(name: str) -> None:
    op = OPS[name]
    for example in random_calls(op, 2):
        try:
            y = invoke(op, example.inputs, example.params)
        except (ValueError, np.linalg.LinAlgError):
            continue
        xs = [np.asarray(x)[()] for x in example.inputs]
        which = places(op, example.inputs) if op.vjps else []
        axes = tuple(range(len(which)))
        for params, value, what in calls_with_keywords(op.function, example, y):

            def call(*xs: Any, params: Any = params) -> Any:
                return (
                    op.function(list(xs), **params) if op.variadic else (op.spelling or op.function)(*xs, **params)
                )

            def loss(*xs: Any, example: Any = example, which: Any = which, call: Any = call) -> Any:
                y = call(*woven(example.inputs, which, xs))
                return sum(np.sum(part * 1.0) for part in leaves(y))

            compare(call, xs, value, what)
            if which:
                reals = [xs[k] for k in which]
                compare(minigrad.value_and_grad(loss, axes), reals, value, f"gradient of {what}")
                compare(minigrad.vmap(loss), [np.stack([x, x]) for x in reals], value, f"vmap of {what}")


@pytest.mark.parametrize("name", thinned([name for name in COMPOSITES if name not in DYNAMIC], 8))
def test_a_composed_function_takes_a_keyword_or_names_it(name: str) -> None:
    record = COMPOSITES[name]
    for seed in range(2):
        (example,) = random_calls(record, 1, seed)  # type: ignore[arg-type]
        args = example.inputs
        which = [
            k for k, x in enumerate(args) if isinstance(x, (np.ndarray, float)) and np.asarray(x).dtype.kind == "f"
        ]
        y = record.function(*args, **example.params)
        for params, value, what in calls_with_keywords(record.function, example, y):

            def call(*xs: Any, params: Any = params, args: Any = args, which: Any = which) -> Any:
                return record.function(*woven(args, which, xs), **params)

            if which:
                compare(call, [args[k] for k in which], value, what)


METHODS = [name for name in dir(Value) if not name.startswith("_") and callable(getattr(np.ndarray, name, None))]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_a_keyword_or_names_it(name: str) -> None:
    """Keywords of NumPy's method: ours has the same, passes them on, or says in the user's words what it takes."""
    x = np.arange(6.0).reshape(2, 3) - 2.5
    for given in ({"axis": 0}, {"dtype": np.float32}, {"out": np.zeros(3)}, {"keepdims": True}, {"order": "F"}):
        want = outcome(lambda x, given=given: getattr(x, name)(**given), [x.copy()])
        if isinstance(want, Exception):
            continue
        got = outcome(minigrad.compile(lambda x, given=given: getattr(x, name)(**given)), [x])
        if isinstance(got, Exception):
            named = str(got).startswith(f"Value.{name}() got an unexpected keyword argument '{next(iter(given))}'")
            assert says_what_to_write(got) or (type(got) is TypeError and named), f"{given}: {got!r}"
        else:
            assert got == want, given


def test_most_keywords_work() -> None:
    """Else the tests above could pass as all is refused."""
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    mask = x > 0
    for f in (
        lambda x: np.sum(x, dtype=np.float64, keepdims=True),
        lambda x: np.prod(x, axis=0, where=mask, initial=2.0),
        lambda x: np.add(x, 1, dtype=np.float64),
        lambda x: np.exp(x, dtype=np.float64, casting="safe"),
        lambda x: np.std(x, axis=0, dtype=np.float64, ddof=1),
        lambda x: np.reshape(x, (4, 3), order="F"),
        lambda x: np.average(x, axis=0, weights=np.ones(3), keepdims=True),
        lambda x: x.sum(axis=0, dtype=np.float64, where=mask),
    ):
        assert compare(f, [x], None, "works")
