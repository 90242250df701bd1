"""Calls that NumPy takes, compiled: eager's bits, or an error that names the call and what to write."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from compiler.bits import check, same

import minigrad
from minigrad import errors, grad, nn, vjp, vmap

V = np.array([0.3, -1.2, 0.7])
A = np.random.default_rng(0).normal(size=(3, 4))
XP, FP = np.array([-2.0, 0.0, 1.0]), np.array([0.0, 1.0, 4.0])


@pytest.mark.parametrize("function", [np.divmod, np.modf, np.frexp])
def test_a_step_with_several_results_may_take_a_uniform_constant(function: Any) -> None:
    if function is np.divmod:
        check(lambda x: function(x, np.full(3, 2.0)), [np.arange(3)], [-np.arange(3)])
        check(lambda x, y: function(np.broadcast_to(x, (2, 3)), y), [V, A[:2, :3]])
    else:
        check(lambda x: function(x * np.full(3, 2.0)), [V])


@pytest.mark.parametrize("whole", [2**53 + 1, 2**60 + 1, 10**20, -(10**20)])
def test_a_large_integer_beside_a_number_becomes_a_float_as_in_numpy(whole: int) -> None:
    check(lambda x: np.sin(np.maximum(x, whole)), [np.float64(1)])
    check(lambda x: np.sin(np.minimum(x, whole)), [np.float64(1)])
    check(lambda x: np.sin(np.where(x > whole, x, whole)), [np.float64(1)], [np.float64(1e30)])
    check(lambda x: (x + whole) * (x < whole), [np.float64(1)], [np.float64(whole)])


def test_cross_entropy_of_two_numbers() -> None:
    check(lambda x: minigrad.cross_entropy(x, x), [0.5], [0.25])
    check(minigrad.value_and_grad(lambda x: minigrad.cross_entropy(x, x)), [0.5])
    for x in (0.5, np.float64(0.5)):
        with pytest.raises(errors.ShapeError, match=r"expected logits of shape .* got one number"):
            minigrad.compile(minigrad.cross_entropy)(x, np.int64(0))


def test_cross_takes_no_numbers() -> None:
    with pytest.raises(ValueError, match="zero dimension"):  # as NumPy says
        minigrad.compile(np.cross)(np.float64(2), V)
    with pytest.raises(errors.ArgumentError, match=r"cross takes vectors .*\n  write  a \* b"):
        grad(lambda x: np.sum(np.cross(x, V)))(2.0)


@pytest.mark.parametrize("f", [minigrad.softmax, minigrad.log_softmax, minigrad.logsumexp])
def test_a_number_has_no_axis_to_add_over(f: Any) -> None:
    check(f, [0.5])
    check(vmap(f), [V])
    np.testing.assert_array_equal(vmap(f)(V), [f(x) for x in V])


PICKING = {
    "argmax": lambda a: a[np.argmax(a)],
    "argsort": lambda a: np.sum(a[np.argsort(a)] * np.arange(3.0)),
    "interp": lambda a: np.sum(np.interp(a, XP, FP)),
    "interp, samples": lambda a: np.sum(np.interp(0.1, np.sort(a), a)),
    "piecewise": lambda a: np.sum(np.piecewise(a, [a < 0, a >= 0], [np.sin, np.cos])),
    "take": lambda a: np.take(a, np.argmin(a)),
    "take_along_axis": lambda a: np.sum(np.take_along_axis(a, np.argsort(a), 0)[:2]),
    "sort": lambda a: np.sort(a)[1],
    "put": lambda a: np.sum(minigrad.put(a, np.argmax(a), a[0]) * np.arange(3.0)),
}


@pytest.mark.parametrize("name", PICKING)
def test_places_found_in_the_data_are_found_anew_at_each_call(name: str) -> None:
    """The cotangent of `vjp` is a plain array, which meets an index that depends on the data."""
    f = PICKING[name]
    others = V[::-1].copy()
    check(grad(f), [V], [others])
    check(lambda a: vjp(f, a)[1](2.0)[0], [V], [others])
    check(vmap(grad(f)), [np.stack([V, others])], [np.stack([others, V])])
    rows = np.stack([V, others])
    np.testing.assert_allclose(vmap(grad(f))(rows), [grad(f)(row) for row in rows], rtol=1e-15)
    if name == "piecewise":  # its pieces are computed for all entries: a 0 may have the other sign
        np.testing.assert_array_equal(minigrad.compile(minigrad.hessian(f))(V), minigrad.hessian(f)(V))
    else:
        check(minigrad.hessian(f), [V], [others])


def test_a_piece_that_mixes_its_entries_is_computed_exactly_or_refused() -> None:
    def f(a: Any) -> Any:
        return np.sum(np.piecewise(a, [a < 0.5], [lambda z: z - np.mean(z), lambda z: z * z]))

    check(f, [V], [V + 1.0])
    with pytest.raises(
        errors.ArgumentError, match=r"mean of the entries of a piece, which depend on data\n  write  np.where\("
    ):
        minigrad.compile(grad(f))(V)


# Errors of compiled steps.


BAD_CLASSES = {
    "cross_entropy": minigrad.cross_entropy,
    "multiclass_hinge": minigrad.multiclass_hinge,
    "embedding": lambda p, y: np.sum(minigrad.embedding(p, y)),
    "take": lambda p, y: np.sum(np.take(p, y, axis=0)),
    "index": lambda p, y: np.sum(p[np.arange(4), y]),
}


@pytest.mark.parametrize("bad", [[0, 1, 2, 4], [0, -9, 2, 1]])
@pytest.mark.parametrize("name", BAD_CLASSES)
def test_a_bad_class_raises_the_same_error_compiled_and_eager(name: str, bad: list[int]) -> None:
    loss, x, caught = BAD_CLASSES[name], A.T[:, :3], []
    both = minigrad.value_and_grad(lambda p, y: loss(p, y))
    compiled = minigrad.compile(both)
    compiled(x, np.array([0, 1, 2, 0]))
    for f in (both, compiled):
        with pytest.raises(errors.MinigradError) as raised:
            f(x, np.array(bad))
        caught.append(raised)
    assert caught[0].type is caught[1].type
    assert f"cannot compute {name}" in str(caught[1].value) or name not in ("take", "embedding")
    for compile in (True, False):
        model = nn.MLP((3, 3))
        step = nn.train_step(model, loss, 0.1, compile=compile)
        step(x, np.array([0, 1, 2, 0]))
        with pytest.raises(caught[0].type):
            step(x, np.array(bad))
        assert step.compiled is compile


def test_an_error_that_numpy_raises_in_compiled_code_names_the_step() -> None:
    f = minigrad.compile(lambda a, i: np.take(a * 2, i))
    f(V, np.array([0, 1]))
    with pytest.raises(IndexError, match=r"cannot compute take .*compiled function\n  NumPy says: index 7 is out"):
        f(V, np.array([0, 7]))
    g = minigrad.compile(lambda a: np.linalg.cholesky(a))
    g(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        g(-np.eye(2))


def test_an_error_of_the_users_own_code_stays_as_it_is() -> None:
    def f(x: Any) -> Any:
        raise ValueError("my own")

    with pytest.raises(ValueError, match=r"^my own$") as caught:
        minigrad.compile(f)(V)
    assert type(caught.value) is ValueError


# Parameters that no row takes.


TYPED: dict[str, Any] = {
    "sum": lambda x: np.sum(x, axis=0, dtype=np.float64),
    "sum of all": lambda x: np.sum(x, dtype=np.float64),
    "mean": lambda x: np.mean(x, dtype=np.float64),
    "integers": lambda x: np.sum(x * 9, dtype=int),
    "var": lambda x: np.var(x, axis=1, dtype=np.float64),
    "cumsum": lambda x: np.cumsum(x, dtype=np.float64),
    "add": lambda x: np.add(x, x, dtype=np.float64),
    "exp": lambda x: np.exp(x, dtype=np.float64, casting="same_kind"),
    "method": lambda x: x.sum(dtype=np.float64) + x.mean(axis=0, dtype=np.float64),
    "concatenate": lambda x: np.concatenate([x, x], dtype=np.float64),
    "matmul": lambda x: np.matmul(x, x.T, dtype=np.float64),
    "reduce": lambda x: np.add.reduce(x, dtype=np.float64, initial=1.0),
    "logaddexp": lambda x: np.logaddexp.reduce(x, dtype=np.float64, initial=1.0),
    "cummulative": lambda x: np.cumulative_sum(x, axis=1, dtype=np.float64, include_initial=True),
    "where": lambda x: np.sum(x, where=x > 0, initial=1.0, dtype=np.float64),
    "mask": lambda x: np.max(x, where=A.T[:3, :3] > 0, initial=-1.0, axis=0),
    "ufunc without a row": lambda x: np.nextafter(x, np.float32(1.0)) + np.spacing(x),
}


@pytest.mark.parametrize("name", TYPED)
def test_compiled_calls_take_the_parameters_that_numpy_takes(name: str) -> None:
    """Where no gradient flows, NumPy's own call runs: also its sums, which it makes in pieces as it casts."""
    f, rng = TYPED[name], np.random.default_rng(0)
    size = (3, 3) if name == "mask" else (3, 9001) if name != "matmul" else (3, 5)
    x = rng.normal(size=size).astype(np.float32)
    check(f, [x], [x[::-1].copy()])
    if name not in ("integers", "var", "concatenate", "ufunc without a row", "logaddexp", "exp", "reduce", "where"):
        check(minigrad.value_and_grad(lambda x: np.sum(f(x))), [x], [x[::-1].copy()])


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: np.add(x, x, where=x > 0), r"does not take where=\n  write  np.where\(mask"),
        (lambda x: np.add(x, x, out=np.zeros(3)), r"out=array\) would drop .*\n  write  a = a \+ v"),
        (lambda x: np.add(x, x, where=x > 0, out=np.zeros(3)), r"out=array\) .*\n  write  np.where\(mask"),
        (lambda x: np.sum(x, out=np.zeros(())), r"sum of a Value does not take out=\n  write  a = f"),
        (lambda x: np.cumsum(x, out=np.zeros(3)), r"cumsum of a Value does not take out=\n  write  a = f"),
        (lambda x: np.nextafter(x, 1.0, out=np.zeros(3)), r"out=array\)"),
        (lambda x: np.add.at(np.zeros(3), [0, 1, 2], x), r"np.add.at has no rule(.|\n)*write  x = x \+"),
        (lambda x: np.gcd.at(np.zeros(3, int), [0, 1, 2], x), r"np.gcd.at has no rule"),
        (lambda x: np.sum([x, x]), r"np.sum\(\) of a list .*\n  write  np.sum\(minigrad.stack\(vs\)\)"),
        (lambda x: np.take(A, np.argmax(x)), r"np.take\(\) of an array .*\n  write  minigrad.embedding\(a, i\)"),
        (lambda x: np.repeat(A, x.astype(int)), r"np.repeat\(\) of an array .*\n  write  np.repeat\(a, n\)"),
        (lambda x: A[np.argmax(x)], r"^a\[v\] with an array v.*\n  write  minigrad.embedding\(a, i\)"),
        (lambda x: np.int64(x[0]), r"np.int64\(\) of an array .*\n  write  v.astype\(np.int64\)"),
        (lambda x: A[0][x > 0], r"x\[mask\]|a\[v\] with an array v"),
    ],
)
def test_calls_that_fill_arrays_are_refused_in_the_users_words(f: Any, words: str) -> None:
    with pytest.raises(errors.MinigradError, match=words):
        minigrad.compile(f)(V)


WHOLE = np.array([5, 0, 12])


@pytest.mark.parametrize(
    "f",
    [
        lambda n: (n << 1) + (1 << n) + (n >> 2) - (100 >> n),
        lambda n: np.left_shift(n, 2) * np.right_shift(n, np.array([1, 2, 0])),
        lambda n: np.gcd(n, 8) + np.lcm(n, np.array([2, 3, 4])),
        lambda n: np.bitwise_count(n),
        lambda n: np.gcd.reduce(n) + np.lcm.reduce(n + 1, keepdims=True),
        lambda n: (n * n.nbytes + n.itemsize, n.size),
    ],
)
def test_whole_numbers(f: Any) -> None:
    check(f, [WHOLE], [WHOLE[::-1].copy()])
    check(f, [WHOLE.astype(np.int16)])
    check(lambda n: vmap(f)(n), [np.stack([WHOLE, WHOLE + 3])]) if f(WHOLE)[-1] is not WHOLE.size else None


def test_bincount_with_a_given_length() -> None:
    x, w = np.array([2, 0, 1, 2]), np.array([0.5, 1.0, 2.0, 3.0])
    others = np.array([0, 0, 3, 1])
    check(lambda x: np.bincount(x, minlength=5), [x], [others])
    check(lambda x, w: np.bincount(x, w, 5), [x, w], [others, w])
    check(lambda x: np.bincount(x, w.astype(np.float32), 5), [x], [others])
    squares = grad(lambda w, x: np.sum(np.bincount(x, w, minlength=4) ** 2))
    check(squares, [w, x], [w, others])
    check(vmap(lambda x: np.bincount(x, minlength=4)), [np.stack([x, others])])
    many = np.random.default_rng(0).integers(0, 7, 5000)
    check(lambda x, w: np.bincount(x, w, 7), [many, np.sin(many)])


def test_bincount_of_numbers_beyond_the_given_length_runs_eagerly() -> None:
    f = minigrad.compile(lambda x: np.bincount(x, minlength=3))
    f(np.array([2, 0]))
    with pytest.warns(RuntimeWarning, match=r"ShapeError: bincount.* too short for 3"):
        assert same(f(np.array([3, 0])), np.array([1, 0, 0, 1]))
    with pytest.raises(ValueError, match="negative"):  # NumPy's own error
        f(np.array([-1, 0]))
    with pytest.raises(errors.TracingError, match=r"np.bincount.*\n  write  np.bincount\(x, minlength=n\)"):
        minigrad.compile(lambda x: np.bincount(x))(np.array([2, 0]))


def test_arrays_in_files_are_arguments(tmp_path: Any) -> None:
    mapped = np.memmap(tmp_path / "x", dtype=float, shape=(3, 4), mode="w+")
    mapped[...] = A
    f = check(lambda x, y: {"y": np.tanh(x) @ y, "row": x[0] * 1}, [mapped, A.T], [A, A.T])
    assert f.traces == 1
    assert type(f(mapped, A.T)["row"]) is np.ndarray
    check(minigrad.value_and_grad(lambda p: np.sum(np.sin(p["x"]))), [{"x": mapped}])
    donated = minigrad.compile(lambda x: x * 2, donate="x")
    assert np.shares_memory(donated(mapped), mapped)
    np.testing.assert_array_equal(mapped, A * 2)
    with pytest.raises(errors.ArgumentError, match="shares memory"):
        minigrad.compile(lambda x, y: (x * 2, y * 2), donate="x")(mapped, mapped)


@dataclasses.dataclass
class Pair:
    a: Any
    b: Any


def test_a_dataclass_is_a_container() -> None:
    f = check(lambda p: Pair(p.a * p.b, p.b), [Pair(V, 2.0)], [Pair(V + 1, 3.0)])
    assert f.traces == 1
    check(grad(lambda p: np.sum(p.a**2) * p.b["c"]), [Pair(V, {"c": 2.0})])


COUNTS: dict[str, Any] = {
    "np.zeros": lambda n: np.zeros(n),
    "np.full": lambda n: np.full(n, 2.0),
    "np.ones": lambda n: np.ones((n, 2)),
    "np.eye": lambda n: np.eye(n),
    "range": lambda n: sum(1.0 for _ in range(n)),
    "np.linspace": lambda n: np.linspace(0, 1, n),
    "an array as an integer": lambda n: V[:n],
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_size_that_depends_on_data_names_what_to_write(name: str) -> None:
    n, f = np.int64(3), COUNTS[name]
    with pytest.raises(errors.TracingError) as caught:
        minigrad.compile(f)(n)
    assert str(caught.value).startswith(f"{name}")
    assert "write  f(int(n))   for an argument n" in str(caught.value) and "static=" in str(caught.value)
    check(f, [int(n)], [2])
    np.testing.assert_array_equal(minigrad.compile(f, static="n")(n), f(n))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("flat", r"np.ravel\(v\)"), ("view", "v   as it is"), ("strides", "v.shape"), ("flags", "v   as it is"),
     ("put", r"v = minigrad.put\("), ("tobytes", "v.tobytes   outside of the function")],
)  # fmt: skip
def test_an_attribute_that_only_arrays_have_is_refused_with_a_remedy_that_works(name: str, remedy: str) -> None:
    """`hasattr` does not hide it: on an array it is true."""
    for f in (lambda x: getattr(x, name), lambda x: x * hasattr(x, name), lambda x: getattr(x, name, None)):
        with pytest.raises(errors.TracingError, match=rf"^v.{name} while tracing.*\n  write  {remedy}") as caught:
            minigrad.compile(f)(V)
        assert "v.data" not in str(caught.value)
    with pytest.raises(AttributeError, match=rf"no attribute '{name}'"):
        getattr(minigrad.Value(V), name)
