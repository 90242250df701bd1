"""An op that selects gives exactly 0 to all that it did not take, however steep the path behind it is.

The cotangent there is infinite, and a mask that multiplies would make nan of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from checking import OPS, flat, function_of, parts, unit_like
from everyday import thinned

import minigrad as mg
from minigrad import grad, jvp, relu
from minigrad.check.testing.op_sampling import random_calls

SELECTING = [name for name, op in OPS.items() if op.selects]
# Each op that is infinitely steep at some point, with that point, and functions made of such an op.
STEEP: dict[str, tuple[Callable[[Any], Any], float]] = {
    **{name: (OPS[name].function, 0.0) for name in ("log", "log2", "log10", "sqrt", "cbrt", "reciprocal")},
    **{
        name: (OPS[name].function, 0.0)
        for name in ("csc", "cot", "csch", "coth", "arcsech", "arccsch", "cbrt_slope")
    },
    **{name: (OPS[name].function, 1.0) for name in ("arcsin", "arccos", "arctanh", "arccosh", "root_above_one")},
    **{name: (OPS[name].function, -1.0) for name in ("arcsec", "arccsc", "arccoth", "log1p")},
    **{name: (partial(OPS[name].function, 1.0), 0.0) for name in ("xlogy", "share", "missing_share")},
    **{name: (lambda x, f=OPS[name].function: f(x, 1.0), 0.0) for name in ("rel_entr", "kl_div", "log_ratio")},
    "xlog1py": (partial(mg.xlog1py, 1.0), -1.0),
    "entr": (mg.entr, 0.0),
    "polygamma": (partial(mg.polygamma, 0), 0.0),
    "divide": (lambda x: 1 / x, 0.0),
    "power": (lambda x: x**0.5, 0.0),
}
# Those of SciPy, if it is installed: the arguments before, the point, the arguments after.
OF_SCIPY: dict[str, tuple[tuple[float, ...], float, tuple[float, ...]]] = {
    **{
        f"special.{name}": ((), 0.0, ())
        for name in ("ndtri", "logit", "entr", "gamma", "gammaln", "loggamma", "psi")
    },
    **{f"special.{name}": ((), 0.0, (1.0,)) for name in ("beta", "betaln", "rel_entr", "kl_div")},
    **{f"special.{name}": ((0.5,), 0.0, ()) for name in ("gammainc", "gammaincc", "xlogy")},
    "special.erfinv": ((), 1.0, ()),
    "special.cbrt": ((), 0.0, ()),
    "special.log1p": ((), -1.0, ()),
    "special.xlog1py": ((1.0,), -1.0, ()),
    "special.betainc": ((0.5, 2.0), 0.0, ()),
    "quantile_density": ((), 0.0, ()),
    "quantile_slope": ((), -1.0, ()),
}
for _name, (_before, _point, _after) in OF_SCIPY.items():
    if _name in OPS:
        STEEP[_name] = (lambda x, f=OPS[_name].function, a=_before, b=_after: f(*a, x, *b)), _point
EVERY_OP_WITH_AN_INFINITE_SLOPE = [name for name, op in OPS.items() if "inf" in op.kink]


def calls_of(name: str, count: int = 8) -> list[tuple[Callable[..., Any], tuple[Any, ...]]]:
    return [pair for call in random_calls(OPS[name], count) if (pair := function_of(OPS[name], call))[1]]


def test_every_steep_op_is_tried() -> None:
    assert {*EVERY_OP_WITH_AN_INFINITE_SLOPE} | {"power"} == {*STEEP}
    for f, point in STEEP.values():
        with np.errstate(all="ignore"):
            assert math.isinf(grad(f)(point)) or math.isinf(grad(f)(np.nextafter(point, 0.5)))


def composite(f: Callable[..., Any], xs: tuple[Any, ...], steep: Callable[[Any], Any], point: float) -> Any:
    """steep of one output entry of f, which lies at its point; None if f has no output of floats."""
    ys = parts(f(*xs))
    o = next((k for k, y in enumerate(ys) if np.asarray(y).dtype.kind == "f" and np.size(y)), None)
    if o is None:
        return None
    i = np.size(ys[o]) // 2
    level = np.ravel(ys[o])[i]
    if not np.isfinite(level):
        return None
    return lambda *xs: steep(np.ravel(parts(f(*xs))[o])[i] - level + point)


Pairs = list[tuple[int, int]]  # entries of inputs: (input, entry)


@pytest.mark.parametrize("name", thinned([name for name in SELECTING if not OPS[name].moves], 3))
def test_every_selecting_op_before_a_quarter_of_the_steep_ones(name: str) -> None:
    for steep in [*STEEP][SELECTING.index(name) % 4 :: 4]:
        compare(name, steep, all_at_once)


@pytest.mark.slow
@pytest.mark.parametrize("name", SELECTING)
def test_every_selecting_op_before_every_steep_one(name: str) -> None:
    for steep in STEEP:
        compare(name, steep, one_by_one)


def one_by_one(xs: tuple[Any, ...], entries: Pairs) -> list[tuple[Any, ...]]:
    """A tangent along each of the entries."""
    return [unit_like(xs, k, j) for k, j in entries]


def all_at_once(xs: tuple[Any, ...], entries: Pairs) -> list[tuple[Any, ...]]:
    """One tangent along them all, with other weights each: what one of them moves is not made up for by others."""
    weights = np.random.default_rng(0).uniform(1.0, 2.0, len(entries))
    tangent = [np.zeros(np.shape(x)) for x in xs]
    for (k, j), weight in zip(entries, weights, strict=True):
        tangent[k].reshape(-1)[j] = weight
    return [tuple(t[()] for t in tangent)] if entries else []


def compare(name: str, steep: str, tangents_of: Callable[[tuple[Any, ...], Pairs], list[tuple[Any, ...]]]) -> None:
    """Steep of one entry of the op: what that entry does not depend on has the derivatives 0, to second order."""
    with np.errstate(all="ignore"):
        for f, xs in calls_of(name, 2):
            h = composite(f, xs, *STEEP[steep])
            if h is None or name == "stop_gradient":
                continue
            smooth = composite(f, xs, lambda z: z * 1.0, STEEP[steep][1])
            argnums = tuple(range(len(xs)))
            apart = flat(grad(smooth, argnums)(*xs)) == 0  # what h does not depend on
            assert (flat(grad(h, argnums)(*xs))[apart] == 0).all()
            places = [(k, j) for k in argnums for j in range(np.size(xs[k]))]
            for tangent in tangents_of(xs, [place for place, alone in zip(places, apart, strict=True) if alone]):
                assert jvp(h, xs, tangent)[1] == 0
                assert (flat(jvp(grad(h, argnums), xs, tangent)[1])[apart] == 0).all()


def test_named_cases() -> None:
    c = 1.0000000000000002  # the product of two unit vectors, rounded
    assert grad(lambda x: np.arccos(np.clip(x, -1, 1)))(c) == 0
    for f in (
        lambda x: np.sqrt(np.maximum(x, 0)),
        lambda x: np.sqrt(relu(x)),
        lambda x: np.maximum(x, 0) ** 0.5,
        lambda x: np.log(np.clip(x, 0, 1)),
    ):
        with np.errstate(all="ignore"):
            assert grad(f)(-1.0) == 0 and jvp(f, (-1.0,), (1.0,))[1] == 0
            assert grad(grad(f))(-1.0) == 0 and jvp(grad(f), (-1.0,), (1.0,))[1] == 0
            assert mg.compile(grad(f))(-1.0) == 0 and mg.vmap(grad(f))(np.array([-1.0, -2.0])).tolist() == [0, 0]
    assert grad(lambda x: np.sqrt(np.min(x)))(np.array([0.0, 1.0])).tolist() == [np.inf, 0]


NONE = np.array([True, False, True])
# Functions without a row, and those that select by some of their arguments alone: of x, and which entries it takes.
BY_ARGUMENTS: dict[str, tuple[Callable[[Any], Any], list[float], list[bool]]] = {
    "sum(where=)": (lambda x: np.sum(x, where=NONE), [0.5, 9.0, -0.5], [True, False, True]),
    "mean(where=)": (lambda x: np.mean(x, where=NONE), [0.5, 9.0, -0.5], [True, False, True]),
    "prod(where=)": (lambda x: np.prod(x, where=NONE), [0.0, 9.0, 2.0], [True, False, True]),
    "var(where=)": (lambda x: np.var(x, where=NONE), [1.0, 9.0, 1.0], [True, False, True]),
    "std(where=)": (lambda x: np.std(x, where=NONE), [1.0, 9.0, 1.0], [True, False, True]),
    "max(initial=)": (lambda x: np.max(x, initial=0.0), [-1.0, -2.0], [False, False]),
    "nanprod": (np.nanprod, [0.0, np.nan, 2.0], [True, False, True]),
    "nanvar": (np.nanvar, [1.0, np.nan, 1.0], [True, False, True]),
    "nanstd": (np.nanstd, [1.0, np.nan, 1.0], [True, False, True]),
    "nanquantile": (lambda x: np.nanquantile(x, 0.5), [-1.0, 0.0, np.nan, 1.0], [False, True, False, False]),
    "quantile(weights=)": (
        lambda x: np.quantile(x, 0.5, weights=[1, 1, 1], method="inverted_cdf"),
        [-1.0, 0.0, 1.0],
        [False, True, False],
    ),
    "norm of order inf": (lambda x: np.linalg.norm(x, np.inf) - 2, [-1.0, 0.0, 2.0], [False, False, True]),
    "norm of order -inf": (lambda x: np.linalg.norm(x, -np.inf) - 1, [-1.0, 3.0, 2.0], [True, False, False]),
    "logaddexp.reduce(where=)": (
        lambda x: np.logaddexp.reduce(x, where=NONE) - np.log(2),
        [0.0, 9.0, 0.0],
        [True, False, True],
    ),
    "logaddexp.accumulate": (lambda x: np.logaddexp.accumulate(x)[0], [0.0, 1.0], [True, False]),
    "maximum.accumulate": (lambda x: np.maximum.accumulate(x)[1], [-3.0, 0.0, 2.0], [False, True, False]),
    "add.reduceat": (lambda x: np.add.reduceat(x, [0, 1])[0], [0.0, 1.0, 2.0], [True, False, False]),
    "maximum.reduceat": (lambda x: np.maximum.reduceat(x, [0, 2])[0], [0.0, -1.0, 2.0], [True, False, False]),
    "unique": (lambda x: np.unique(x)[1], [0.0, -1.0, 0.0], [True, False, False]),
    "choose": (lambda x: np.choose([0, 1], [x, 2 * x])[0], [0.0, 1.0], [True, False]),
    "histogram(weights=)": (lambda x: np.histogram([0, 1], 2, weights=x)[0][0], [0.0, 1.0], [True, False]),
}


@pytest.mark.parametrize("name", BY_ARGUMENTS)
def test_what_arguments_leave_out_gets_nothing(name: str) -> None:
    """Before a root at 0, whose slope is infinite."""
    f, entries, taken = BY_ARGUMENTS[name]
    x, apart = np.array(entries), ~np.array(taken)

    def root(x: Any) -> Any:
        return np.sqrt(f(x))

    with np.errstate(all="ignore"):
        assert np.isnan(f(x)) or abs(f(x)) < 1e-12, "no root at 0"
        slopes = grad(root)(x)
        assert (slopes[apart] == 0).all() and (apart.all() or not (slopes[~apart] == 0).all())
        for k in np.flatnonzero(apart):
            t = np.zeros(len(x))
            t[k] = 1.0
            assert jvp(root, (x,), (t,))[1] == 0
            assert (jvp(grad(root), (x,), (t,))[1][apart] == 0).all()
