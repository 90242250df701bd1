"""An error names the function that the user called, and a twin that gives the same result."""

from __future__ import annotations

import functools
import importlib
import io
import math
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, errors, grad
from minigrad.engine import refusals
from minigrad.engine.op import TWINS

X = np.array([1.0, -2.0, 3.0])
SQUARE = np.array([[2.0, 0.5], [0.5, 1.0]])


def refusal(call: Callable[..., Any], *args: Any) -> list[str]:
    """The lines of the error of ours behind whatever a call raises."""
    with pytest.raises((TypeError, ValueError)) as caught:
        call(*args)
    error: BaseException | None = caught.value
    while error is not None and not isinstance(error, errors.MinigradError):
        error = error.__cause__
    assert error is not None, caught.value
    return str(error).splitlines()


def first(call: Callable[..., Any], data: Any = X) -> str:
    return refusal(call, Value(data))[0]


# ------------------------------------------------------------------------------------------- the name of the call


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda v: np.asarray(v, dtype=float), "np.asarray"),
        (lambda v: np.ascontiguousarray(v), "np.ascontiguousarray"),
        (lambda v: np.require(v), "np.require"),
        (lambda v: np.float64(v), "np.float64"),
        (lambda v: np.float32(v), "np.float32"),
        (lambda v: np.full(3, v[0]), "np.full"),
        (lambda v: np.vectorize(lambda x: x)(v), "np.vectorize"),
        (lambda v: [*np.ndenumerate(v)], "np.ndenumerate"),
        (lambda v: np.fromiter(v, float), "np.fromiter"),
        (lambda v: np.lib.stride_tricks.as_strided(v, (2,), (8,)), "np.lib.stride_tricks.as_strided"),
        (lambda v: np.random.normal(v, 1.0), "np.random.normal"),  # noqa: NPY002
        (lambda v: np.zeros(3).dot(v), ".dot"),
        (lambda v: math.sin(v[0]), "math.sin"),
        (lambda v: float(v[0]), "float"),
        (lambda v: range(v[0]), "range"),
        (lambda v: statistics.mean([v[0], v[1]]), "statistics.mean"),
    ],
)
def test_the_call_is_named(call: Callable[[Any], Any], name: str) -> None:
    assert first(call) == f"{name}() of a Value would drop its gradient"


def test_a_call_is_named_under_any_name() -> None:
    from numpy import asarray as a

    assert first(lambda v: a(v)).startswith("np.asarray() ")
    assert first(np.asarray).startswith("np.asarray() ")
    assert first(functools.partial(np.asarray, dtype=float)).startswith("np.asarray() ")
    rng = np.random.default_rng(0)
    assert first(lambda v: rng.normal(v)).startswith("np.random.Generator.normal() ")


def test_a_call_over_several_lines_is_named() -> None:
    def f(v: Any) -> Any:
        return np.tanh(
            np.asarray(
                v,
            )
        )

    assert first(f).startswith("np.asarray() ")


def test_functions_of_math_have_their_twins() -> None:
    twins = {"sqrt": "np.sqrt(v)", "atan": "np.atan(v)", "pow": "np.pow(v, ...)", "erf": "minigrad.erf(v)"}
    for name, twin in twins.items():
        arguments = (2.0,) if name == "pow" else ()
        assert f"  write  {twin}" in refusal(getattr(math, name), Value(0.5), *arguments)


def test_a_list_that_hides_a_value_is_named() -> None:
    for function in (np.sum, np.mean, np.max, np.linalg.norm, np.exp):
        name = "np.linalg.norm" if function is np.linalg.norm else f"np.{function.__name__}"
        lines = refusal(lambda v, f=function: f([v, v]), Value(X))
        assert lines[0] == f"{name}() of a list with a Value would drop its gradient"
        assert lines[2] == f"  write  {name}(minigrad.stack(vs))   for a list vs of Values"
    assert "in place of each list" in refusal(lambda v: np.dot([v[0]], [1.0]), Value(X))[2]


def test_a_function_of_ours_is_named_not_what_it_calls() -> None:
    lines = refusal(lambda v: minigrad.relu([v, v]), Value(X))
    assert lines[0] == "minigrad.relu() of a list with a Value would drop its gradient"
    assert lines[2] == "  write  minigrad.relu(minigrad.stack(vs))   for a list vs of Values"


def test_a_size_is_named_as_an_integer() -> None:
    for call in (
        lambda v: np.reshape(X, (v[0], 1)),
        lambda v: np.ones((2, v[0])),
        lambda v: range(v[0]),
        lambda v: X[: v[0]],
    ):
        lines = refusal(call, Value(X))
        assert "list" not in lines[0] and "  write  int(v.item())   for a size or a count" in lines


def test_what_python_converts_on_the_way_is_not_blamed_on_the_builtin() -> None:
    lines = refusal(lambda v: list(map(math.exp, v)), Value(X))
    assert lines[0] == "float() of a Value would drop its gradient" and "  in     list(...)" in lines


def test_methods_are_named_by_their_class() -> None:
    class Net:
        def __init__(self) -> None:
            self.rng, self.table = np.random.default_rng(0), X.copy()

    net = Net()
    assert first(lambda v: net.rng.normal(0.0, v)).startswith("np.random.Generator.normal() ")
    lines = refusal(lambda v: net.table.dot(v), Value(X))
    assert lines[0].startswith("np.ndarray.dot() ") and "  write  np.dot(x, v)   for x.dot(v)" in lines
    assert "  write  np.take(x, v)   for x.take(v)" in refusal(lambda v: np.ones(3).take(v), Value(X))


def test_a_network_is_named() -> None:
    lines = refusal(lambda v: minigrad.nn.MLP([3, 2], seed=0)([v, v]), Value(X))
    assert lines[0] == "minigrad.nn.MLP() of a Value would drop its gradient" and "minigrad.stack" in lines[2]


def test_concatenation_by_brackets_is_named() -> None:
    assert first(lambda v: np.r_[0.0, v]) == "np.r_[...] of a Value would drop its gradient"
    assert "np.concatenate" in refusal(lambda v: np.r_[0.0, v], Value(X))[2]
    assert "np.column_stack" in refusal(lambda v: np.c_[v, v], Value(X))[2]


def test_an_assignment_and_an_index_are_named() -> None:
    def assign(v: Any) -> None:
        a = np.zeros(3)
        a[1:] = v[1:]

    def assign_one(v: Any) -> None:
        a = np.zeros(3)
        a[1] = v[1]

    for f in (assign, assign_one):  # NumPy raises the error of the second, with ours as its cause
        lines = refusal(f, Value(X))
        assert lines[0] == "a[i] = v with a Value v would drop its gradient"
        assert "minigrad.put" in "\n".join(lines) and "minigrad.stack(vs)" in "\n".join(lines)
        assert lines[2].startswith("  in     a[1")
    assert first(lambda v: np.zeros(3)[v]) == "a[v] with a Value v would drop its gradient"


def test_while_tracing_the_call_is_named_too() -> None:
    with pytest.raises(errors.TracingError, match=r"^np\.asarray\(\) of an array while tracing(.|\n)*as it is"):
        minigrad.compile(lambda x: np.asarray(x))(X)
    with pytest.raises(errors.TracingError, match=r"^math\.sin\(\) of an array while tracing(.|\n)*np\.sin"):
        minigrad.compile(lambda x: math.sin(x[0]))(X)
    with pytest.raises(errors.TracingError, match=r"minigrad\.embedding"):
        minigrad.compile(lambda i: X[i])(np.array([0, 1]))


@pytest.mark.parametrize("run", [minigrad.compile, minigrad.vmap])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: [1, 2, 3][x.argmax()],
        lambda x: range(x.argmax()),
        lambda x: X[x.argmax()],
        lambda x: np.asarray(x),
    ],
)
def test_while_tracing_no_remedy_reads_data(run: Any, f: Callable[[Any], Any]) -> None:
    with pytest.raises(errors.TracingError, match=r"\n  write  ") as caught:
        run(f)(np.ones((3, 3)) if run is minigrad.vmap else X)
    assert "item()" not in str(caught.value) and "v.data" not in str(caught.value)


CONSOLE = """
import math, minigrad, numpy as np
v = minigrad.Value([1.0, 2.0])
try: math.sin(v[0])
except TypeError as e: print(str(e).splitlines()[0])
try: np.asarray(v, dtype=float)
except TypeError as e: print(str(e).splitlines()[0])
try: np.array([[v]])[0].dot(v)
except TypeError as e: print(str(e).splitlines()[0])
a = np.zeros(2)
try: a[:] = v
except TypeError as e: print(str(e).splitlines()[0])
"""


def test_without_source_the_call_is_named_all_the_same() -> None:
    done = subprocess.run([sys.executable, "-"], input=CONSOLE, capture_output=True, text=True, check=True)
    names = [line.removesuffix(" would drop its gradient") for line in done.stdout.splitlines()]
    assert names == [
        "math.sin() of a Value",
        "np.asarray() of a Value",
        "np.array() of a Value",
        "a[i] = v with a Value v",
    ]


def test_source_that_is_gone_or_another_does_no_harm(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    code = compile("import numpy as np\ndef f(v):\n    return np.asarray([v])\n", tmp_path / "gone.py", "exec")
    space: dict[str, Any] = {}
    exec(code, space)
    assert first(space["f"]).startswith("np.asarray() ")
    (tmp_path / "gone.py").write_text("# other\n((((\n:::\n")
    assert first(space["f"]).startswith("np.asarray() ")


def test_a_stack_that_cannot_be_read_does_not_hide_the_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("no frames here")

    monkeypatch.setattr(refusals, "find_frames", broken)
    lines = refusal(lambda v: np.asarray(v), Value(X))
    assert lines[0] == "np.array() of a Value would drop its gradient" and "minigrad.stack" in lines[2]


def test_naming_runs_none_of_the_users_code() -> None:
    class Loud:
        @property
        def convert(self) -> Any:
            calls.append(1)
            return np.asarray

    calls: list[int] = []
    loud = Loud()
    assert "gradient" in first(lambda v: loud.convert(v))
    assert len(calls) == 1  # by the user's own call


# --------------------------------------------------------------------------------------------------- other packages


def test_functions_of_scipy_are_named_with_their_twins() -> None:
    linalg, stats = pytest.importorskip("scipy.linalg"), pytest.importorskip("scipy.stats")
    special, ndimage = pytest.importorskip("scipy.special"), pytest.importorskip("scipy.ndimage")
    lines = refusal(lambda v: linalg.cholesky(v), Value(SQUARE))
    assert lines[0] == "scipy.linalg.cholesky() of a Value would drop its gradient"
    assert lines[2] == "  write  np.linalg.cholesky(a).T   and without .T for lower=True"
    assert first(lambda v: stats.norm.logpdf(v)).startswith("scipy.stats.norm.logpdf() ")
    assert first(special.logsumexp).startswith("scipy.special.logsumexp() ")
    remedy = "gaussian_filter = minigrad.custom(scipy.ndimage.gaussian_filter, vjp=...)"
    assert remedy in refusal(lambda v: ndimage.gaussian_filter(v, 1.0), Value(X))[2]


def test_an_operator_of_another_package_is_shown() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    a = sparse.csr_array(np.eye(3))
    lines = refusal(lambda v: a @ v, Value(X))
    assert "  in     a @ v" in lines and "  write  A.toarray() @ v" in lines


def test_the_number_that_a_solver_asks_for_is_its_call() -> None:
    integrate = pytest.importorskip("scipy.integrate")
    assert first(lambda v: integrate.quad(lambda t: t * v[0], 0, 1)).startswith("scipy.integrate.quad() ")


FOREIGN = """
import functools
import numpy as np


def logged(f):
    @functools.wraps(f)
    def wrapper(*args):
        return f(*args)
    return wrapper


class Scaler:
    @logged
    def fit(self, x):
        return _convert(x)


def _convert(x):
    return np.asarray(x)
"""


def test_a_wrapper_of_an_installed_package_does_not_give_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders called site-packages hold packages, wherever they are."""
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "foreign_scaling.py").write_text(FOREIGN)
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    module = importlib.import_module("foreign_scaling")
    assert first(lambda v: module.Scaler().fit(v)).startswith("foreign_scaling.Scaler.fit() ")


def test_pandas_and_matplotlib_take_the_data() -> None:
    pandas = pytest.importorskip("pandas")
    lines = refusal(lambda v: pandas.Series(v), Value(X))
    assert lines[0] == "pandas.Series() of a Value would drop its gradient"
    assert lines[2] == "  write  v.data   as pandas.Series needs no gradient"


def test_a_column_of_a_frame_takes_the_data() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": X})

    def assign(v: Any) -> None:
        frame["b"] = v

    assert "  write  v.data   as pandas.DataFrame needs no gradient" in refusal(assign, Value(X))


def test_a_method_is_named_by_its_own_class_not_a_private_base() -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    line = interpolate.interp1d([0.0, 1.0], [0.0, 2.0])
    lines = refusal(lambda v: line(v), Value(0.5))
    assert lines[0] == "scipy.interpolate.interp1d() of a Value would drop its gradient"


def test_a_plot_takes_the_data() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    for call in (pyplot.plot, pyplot.hist, lambda v: pyplot.scatter(v, v), lambda v: pyplot.plot(v * 2)):
        assert any("v.data   as matplotlib." in line for line in refusal(call, Value(X)))


def twin_calls() -> list[tuple[str, Callable[..., Any], Any]]:
    """Names of functions with a twin, the twin, and plain arguments."""
    rng = np.random.default_rng(0)
    a, b, v, w = SQUARE, np.array([1.0, 2.0]), rng.normal(size=4), rng.normal(size=3)
    n, i = len(v), np.arange(len(v))
    return [
        ("scipy.linalg.cholesky", lambda a: np.linalg.cholesky(a).T, (a,)),
        ("scipy.linalg.solve", np.linalg.solve, (a, b)),
        (
            "scipy.linalg.solve_triangular",
            lambda a, b: np.linalg.solve(np.triu(a), b),
            (rng.normal(size=(2, 2)), b),
        ),
        ("scipy.linalg.inv", np.linalg.inv, (a,)),
        ("scipy.linalg.det", np.linalg.det, (a,)),
        (
            "scipy.linalg.pinv",
            lambda a: np.linalg.pinv(a, rcond=max(a.shape) * np.finfo(a.dtype).eps),
            (np.diag([1.0, 3e-16]),),  # below this cut-off, but not below NumPy's own
        ),
        ("scipy.linalg.norm", np.linalg.norm, (a,)),
        ("scipy.linalg.eigvalsh", np.linalg.eigvalsh, (a,)),
        ("scipy.linalg.svdvals", lambda a: np.linalg.svd(a, compute_uv=False), (a,)),
        ("scipy.linalg.toeplitz", lambda v: v[np.abs(np.subtract.outer(i, i))], (v,)),
        ("scipy.special.logsumexp", minigrad.logsumexp, (a,)),
        ("scipy.special.softmax", lambda v: np.exp(v - minigrad.logsumexp(v)), (a,)),
        ("scipy.special.log_softmax", lambda v: v - minigrad.logsumexp(v), (a,)),
        ("scipy.stats.norm.logpdf", lambda x: -(x**2 + np.log(2 * np.pi)) / 2, (v,)),
        ("scipy.stats.norm.pdf", lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), (v,)),
        ("scipy.stats.norm.cdf", lambda x: (1 + minigrad.erf(x / np.sqrt(2))) / 2, (v,)),
        ("scipy.integrate.trapezoid", np.trapezoid, (v,)),
        ("scipy.signal.convolve", np.convolve, (v, w)),
        ("scipy.spatial.distance.cdist", lambda a, b: np.linalg.norm(a[:, None] - b, axis=-1), (a, a + 1.0)),
        ("np.full", lambda s, v: np.broadcast_to(v, s), ((2, n), v)),
        ("np.float32", lambda v: v.astype(np.float32), (v,)),
        ("math.dist", lambda v, w: np.linalg.norm(v - w), (v, v[::-1])),
        ("statistics.pstdev", np.std, (v,)),
        ("statistics.stdev", lambda v: np.std(v, ddof=1), (v,)),
    ]


@pytest.mark.parametrize(("name", "twin", "args"), twin_calls(), ids=lambda x: x if isinstance(x, str) else "")
def test_a_twin_gives_the_same_result_and_a_gradient(name: str, twin: Callable[..., Any], args: Any) -> None:
    module, _, attribute = name.rpartition(".")
    owner: Any = np if module == "np" else pytest.importorskip(module.removesuffix(".norm"))
    if module.endswith(".norm"):
        owner = owner.norm
    expected = getattr(owner, attribute)(*(tuple(x) if module == "math" else x for x in args))
    np.testing.assert_allclose(twin(*args), expected, rtol=1e-6, atol=1e-12)
    assert name in TWINS
    k = 1 if name == "np.full" else 0
    g = grad(lambda *xs: np.sum(twin(*xs) * 1.5), k)(*args)
    assert np.shape(g) == np.shape(args[k])


def test_every_function_that_a_twin_names_exists() -> None:
    for text in TWINS.values():
        for package, path in re.findall(r"\b(np|minigrad)((?:\.[a-zA-Z]\w*)+)", text):
            found: Any = {"np": np, "minigrad": minigrad}[package]
            for part in path[1:].split("."):
                found = getattr(found, part)


def test_an_iterator_of_numpy_is_named() -> None:
    """NumPy puts its own error in place of any TypeError."""
    with pytest.raises(
        errors.NotIterable, match=r"^np\.nditer\(\) of a Value(.|\n)*v\[i\]   for each i of np\.ndindex"
    ):
        np.nditer(Value(X))


# ----------------------------------------------------------------------------------------------------- attributes


@pytest.mark.parametrize("name", ["flat", "view", "strides", "fill", "put", "tobytes", "choose", "partition"])
def test_an_attribute_that_arrays_have_is_named(name: str) -> None:
    assert not hasattr(Value(X), name)
    with pytest.raises(errors.MissingAttribute, match=rf"^a Value has no attribute '{name}'(.|\n)*  write  "):
        getattr(Value(X), name)
    assert issubclass(errors.MissingAttribute, AttributeError)


def test_a_misspelt_attribute_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match=r"^'Value' object has no attribute 'reshpe'$") as caught:
        Value(X).reshpe  # type: ignore[attr-defined]
    assert caught.value.name == "reshpe" and caught.value.obj is not None  # from which Python suggests reshape


def test_slots_are_read_as_fast_as_they_can_be() -> None:
    """With a __getattr__, Python 3.11 would not specialise the reading of slots: a third slower on scalars."""
    assert not hasattr(Value, "__getattr__") and Value.__getattribute__ is object.__getattribute__


def test_conjugate_is_there_under_both_names() -> None:
    assert grad(lambda v: np.sum(v.conjugate() * v.conj()))(X).tolist() == [2.0, -4.0, 6.0]


# ------------------------------------------------------------------------------------------- comparisons of tests


def test_approx_compares_the_data() -> None:
    v, w = Value(X), Value(2.0)
    assert v == pytest.approx(X) and pytest.approx(X) == v
    assert w == pytest.approx(2.0) and pytest.approx(2.0) == w and w != pytest.approx(2.1)
    assert pytest.approx(v) == X and pytest.approx(w) == 2.0
    assert v != pytest.approx(X + 1e-3) and pytest.approx(X + 1e-3) != v
    assert [w, w * 2] == pytest.approx([2.0, 4.0]) and {"w": w} == pytest.approx({"w": 2.0})


def test_printing_a_value_needs_no_conversion() -> None:
    stream = io.StringIO()
    print(Value(X), Value(2.0), f"{Value(2.0):.3f}", file=stream)
    assert stream.getvalue() == "Value([ 1., -2.,  3.]) Value(2.) 2.000\n"
