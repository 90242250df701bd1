"""Ops that networks use are proved, not probed: pooling, padding, sorting, products, picking, losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from symmetric_networks import point, spread

import minigrad as mg
from minigrad import Value
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.node import lift_inputs, record
from minigrad.engine.op import TABLE, Op
from minigrad.engine.tree import leaves
from minigrad.engine.value import argument, graph
from minigrad.symmetry import ties
from minigrad.symmetry.fingerprints import Formulas
from minigrad.symmetry.modular import LANES, Fingerprint, symbols
from minigrad.symmetry.probe import probe
from minigrad.symmetry.semantics import has_formula
from minigrad.tracing import trace

RNG = np.random.default_rng(0)
X, Y, CLASSES = RNG.normal(size=(5, 6)), RNG.normal(size=(5, 1)), RNG.integers(0, 4, 5)
PICKS = RNG.integers(0, 5, (3, 4))
IMAGES = RNG.normal(size=(2, 1, 8, 8))
MLP = {"W": np.full((6, 4), 0.3), "v": np.full((4, 1), 0.2)}
CNN = {"k": np.full((3, 1, 3, 3), 0.1), "k2": np.full((2, 3, 2, 2), 0.1), "V": np.full((2, 1), 0.1)}

Loss = Callable[..., Any]


def hidden(f: Loss) -> Loss:
    """A loss of four tied neurons, after f of their activations."""
    return lambda p, x, y: np.mean((f(np.tanh(x @ p["W"])) @ p["v"] - y) ** 2)


def total(f: Loss) -> Loss:
    return lambda p, x, y: np.sum(f(np.tanh(x @ p["W"]) + 0 * np.sum(p["v"])) ** 2)


def cnn(pool: Loss) -> Loss:
    def f(p: Any, x: Any) -> Any:
        z = mg.relu(mg.conv2d(pool(mg.relu(mg.conv2d(x, p["k"], padding=1))), p["k2"]))
        return np.sum((np.mean(z, axis=(-1, -2)) @ p["V"]) ** 2)

    return f


def group_norm(p: Any, x: Any) -> Any:
    z = np.reshape(mg.conv2d(x, p["k"]), (2, 3, 1, -1))
    mean, var = (f(z, axis=(-1, -2), keepdims=True) for f in (np.mean, np.var))
    return np.sum(((z - mean) / np.sqrt(var + 1e-5)) ** 3) + np.sum(p["k2"]) + np.sum(p["V"])


def attention(p: Any, x: Any, y: Any) -> Any:
    z = np.tanh(x @ p["W"])
    mask = np.where(np.tril(np.ones((5, 5))) > 0, 0.0, -np.inf)
    return np.mean((mg.softmax(z @ z.T + mask) @ z @ p["v"] - y) ** 2)


NETWORKS: dict[str, tuple[Loss, Any, tuple[Any, ...]]] = {
    **{
        name: (hidden(f), MLP, (X, Y))
        for name, f in {
            "sort": lambda z: np.sort(z, axis=0),
            "partition": lambda z: np.partition(z, 2, axis=0),
            "cumsum": lambda z: np.cumsum(z, axis=0),
            "cumprod": lambda z: np.cumprod(z, axis=0),
            "nancumprod": lambda z: np.nancumprod(z, axis=0),
            "cumulative_prod": lambda z: np.cumulative_prod(z, axis=0),
            "cummax": lambda z: np.maximum.accumulate(z, axis=0),
            "logcumsumexp": lambda z: np.logaddexp.accumulate(z, axis=0),
            "pad": lambda z: np.pad(z, ((0, 0), (1, 1)))[:, 1:-1],
            "batch_norm": mg.batch_norm,
            "layer_norm": lambda z: mg.layer_norm(z, axis=0),
            "dropout off": lambda z: z * 1.0,
            "select": lambda z: np.select([z > 0.5, z > 0], [z, 2 * z], 3 * z),
            "tile": lambda z: np.tile(np.repeat(z, 2, axis=0), (2, 1))[::4],
            "top 2": lambda z: z + np.sum(np.take_along_axis(z, np.argsort(z, axis=0)[-2:], 0), axis=0),
            "argmax": lambda z: z + np.take_along_axis(z, np.argmax(z, axis=0, keepdims=True), 0),
        }.items()
    },
    **{
        name: (total(f), MLP, (X, Y))
        for name, f in {
            "max": lambda z: np.max(z, axis=0),
            "min": lambda z: np.min(z, axis=0),
            "prod": lambda z: np.prod(z, axis=0),
            "median": lambda z: np.median(z, axis=0),
            "quantile": lambda z: np.quantile(z, 0.3, axis=0),
            "std": lambda z: np.std(z, axis=0),
            "average": lambda z: np.average(z, axis=0, weights=np.arange(1.0, 6.0)),
            "norm": lambda z: np.linalg.norm(z, axis=0),
            "norm 3": lambda z: np.linalg.norm(z, 3, axis=0),
            "take": lambda z: np.take(z, [0, 2, 2], axis=0),
            "take_along_axis": lambda z: np.take_along_axis(z, PICKS, 0),
            "index": lambda z: z[PICKS[:, 0]],
            "one-hot": lambda z: np.eye(4)[CLASSES] * z,
            "linspace": lambda z: np.linspace(z[0], z[1], 4),
            **{
                f"pad, {mode}": lambda z, mode=mode: np.pad(z, ((2, 1), (0, 0)), mode=mode)
                for mode in ("edge", "reflect", "symmetric", "wrap", "mean", "maximum", "median", "linear_ramp")
            },
            "pad, odd": lambda z: np.pad(z, ((2, 1), (0, 0)), mode="reflect", reflect_type="odd"),
            "pad, 1": lambda z: np.pad(z, 1, constant_values=1.0),
        }.items()
    },
    **{
        f"einsum {subscripts}": (
            lambda p, x, y, subscripts=subscripts, factors=factors, how=how: np.sum(
                np.tanh(np.einsum(subscripts, *factors(p, x, y), **how)) ** 2
            ),
            MLP,
            (X, Y),
        )
        for subscripts, factors, how in (
            ("ij->j", lambda p, x, y: [x @ p["W"]], {}),
            ("ij->ji", lambda p, x, y: [x @ p["W"]], {}),
            ("ij,jk", lambda p, x, y: [x, p["W"]], {}),
            ("ij,jk->", lambda p, x, y: [x, p["W"]], {}),
            ("ij,jk->ik", lambda p, x, y: [x, p["W"]], {"optimize": True}),
            ("...j,jk->...k", lambda p, x, y: [x, p["W"]], {}),
            ("ij,jk,kl->il", lambda p, x, y: [x, p["W"], p["v"]], {}),
            ("ij,jk,kl", lambda p, x, y: [x, p["W"], p["v"]], {"optimize": "greedy"}),
            ("ij,jk,kl,im->lm", lambda p, x, y: [x, p["W"], p["v"], y], {}),
        )
    },
    "multi_dot": (lambda p, x, y: np.sum(np.linalg.multi_dot([x, p["W"], p["v"]]) ** 2), MLP, (X, Y)),
    "attention": (attention, MLP, (X, Y)),
    "embedding": (lambda p, i: np.sum(np.tanh(mg.embedding(p["W"], i) @ p["v"])), MLP, (PICKS,)),
    "rows": (lambda p, i: np.sum(np.tanh(p["W"][i] @ p["v"])), MLP, (PICKS,)),
    "rows and columns": (lambda p, i: np.sum(np.tanh(p["W"][i, :2] @ p["v"][2:])), MLP, (PICKS,)),
    "taken rows": (lambda p, i: np.sum(np.tanh(np.take(p["W"], i, axis=0) @ p["v"])), MLP, (PICKS,)),
    "scores of classes": (
        lambda p, x, i: -np.sum(mg.log_softmax(np.tanh(x @ p["W"]) * p["v"][:, 0])[np.arange(5), i]),
        MLP,
        (X, CLASSES),
    ),
    **{
        name: (lambda p, x, i, f=f: f(np.tanh(x @ p["W"]) * p["v"][:, 0], i) ** 2, MLP, (X, CLASSES))
        for name, f in {
            "cross_entropy": mg.cross_entropy,
            "negative_log_likelihood": lambda z, i: mg.negative_log_likelihood(mg.log_softmax(z), i),
            "focal_loss": lambda z, i: np.mean(mg.focal_loss(mg.softmax(z), i, gamma=2.0)),
            "multiclass_hinge": mg.multiclass_hinge,
        }.items()
    },
    "binary_cross_entropy": (
        lambda p, x, y: mg.binary_cross_entropy_with_logits(np.tanh(x @ p["W"]) @ p["v"], (y > 0) * 1.0) ** 2,
        MLP,
        (X, Y),
    ),
    **{
        name: (cnn(f), CNN, (IMAGES,))
        for name, f in {
            "max_pool": lambda z: mg.max_pool(z, (2, 2)),
            "max_pool, padded": lambda z: mg.max_pool(z, (3, 3), stride=2, padding=1),
            "avg_pool": lambda z: mg.avg_pool(z, (2, 2)),
            "avg_pool, padded": lambda z: mg.avg_pool(z, (3, 3), stride=2, padding=1),
        }.items()
    },
    "conv1d": (
        lambda p, x: (
            np.sum(mg.relu(mg.conv1d(x[:, :, 0], p["k"][:, :, 0])) ** 2) + np.sum(p["V"]) + np.sum(p["k2"])
        ),
        CNN,
        (IMAGES,),
    ),
    "group norm": (group_norm, CNN, (IMAGES,)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_read_without_unknown_ops_on_this_data_and_on_any(name: str) -> None:
    f, start, data = NETWORKS[name]
    assert ties(f, start, *data, method="prove").partition.unknown == ()
    assert ties(f, start, *data, method="prove", for_all_data=True).partition.unknown == ()


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_proved_is_what_a_probe_finds(name: str) -> None:
    """No tie is invented: the probe parts what differs. And none is lost, but where rounding decides a rank."""
    f, start, data = NETWORKS[name]
    found = ties(f, start, *data, method="prove")
    seen = probe(found.recording)
    count = len(np.unique(np.where(seen.frozen, -1, seen.classes)))
    assert count <= len(found.groups)
    assert count == len(found.groups) or name in ("top 2", "argmax")


@pytest.mark.parametrize("name", NETWORKS)
def test_proved_groups_have_equal_gradients_at_random_points_of_their_subspace(name: str) -> None:
    f, start, data = NETWORKS[name]
    found = ties(f, start, *data, method="prove")
    frozen, rng = found.partition.frozen, np.random.default_rng(1)
    for size in (1.0, 0.3):
        g = found.recording.gradient(point(found, rng, size))
        if np.isfinite(g).all() and np.abs(g).max() > 1e-9:
            assert spread(g, found) < 1e-8
            assert np.abs(g[frozen]).max(initial=0) <= 1e-8 * np.abs(g).max()


@pytest.mark.parametrize("name", ["embedding", "rows", "taken rows", "scores of classes", "cross_entropy"])
def test_for_all_data_holds_for_other_indices(name: str) -> None:
    f, start, data = NETWORKS[name]
    found = ties(f, start, *data, method="prove", for_all_data=True)
    rng = np.random.default_rng(2)
    for _ in range(5):
        *rest, index = data
        other = ties(f, start, *rest, rng.integers(0, 4, index.shape), method="prove")
        assert spread(other.recording.gradient(point(found, rng)), found) < 1e-9
    assert found.frozen is None or name == "rows and columns", "an index that this data lacks may be in other data"


A, B, C = np.array([1.0, 2.0, 3.0]), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([2, 0, 1])
Program = Callable[[Any], Any]


def test_a_mask_that_is_computed_is_no_index() -> None:
    """Its numbers decide the shape of the result: True and False are not the places 1 and 0."""
    found = ties(lambda w: np.sum(w[w > 0.5] * np.array([1.0, 2.0, 3.0])), np.ones(3), method="prove")
    assert found.unknown == ("scatter",) and found.independent == 3


# Of a vector of 6 numbers: a program, the same in other words, and another one.
PROGRAMS: dict[str, tuple[Program, Program, Program]] = {
    "sort": (np.sort, lambda w: np.sort(w[::-1]), lambda w: np.sort(w)[::-1]),
    "sort of columns": (
        lambda w: np.sort(np.reshape(w, (3, 2)), axis=0),
        lambda w: np.sort(np.reshape(w, (3, 2))[::-1], axis=0),
        lambda w: np.sort(np.reshape(w, (3, 2)), axis=1),
    ),
    "median": (np.median, lambda w: np.median(w[::-1]), lambda w: np.median(w[1:])),
    "ranks": (
        lambda w: mg.ranks(np.stack([w, w]))[0] if hasattr(mg, "ranks") else np.argsort(np.stack([w, w]))[0] * 1.0,
        lambda w: np.argsort(w) * 1.0,
        lambda w: np.argsort(w[::-1]) * 1.0,
    ),
    "max_pool": (
        lambda w: mg.max_pool(w, 2),
        lambda w: np.max(np.reshape(w, (3, 2)), axis=1),
        lambda w: mg.max_pool(w, 2, stride=1)[:3],
    ),
    "avg_pool": (
        lambda w: mg.avg_pool(w, 2, padding=1),
        lambda w: np.stack([w[0] / 2, (w[1] + w[2]) / 2, (w[4] + w[3]) / 2, w[5] / 2]),
        lambda w: mg.avg_pool(w, 3, stride=1),
    ),
    "pad": (
        lambda w: np.pad(w, 1),
        lambda w: np.concatenate([np.zeros(1), w, np.zeros(1)]),
        lambda w: np.pad(w, 1, mode="edge"),
    ),
    "pad, odd": (
        lambda w: np.pad(w, (1, 0), mode="reflect", reflect_type="odd"),
        lambda w: np.concatenate([2 * w[:1] - w[1:2], w]),
        lambda w: np.pad(w, (1, 0), mode="reflect"),
    ),
    "prod": (np.prod, lambda w: w[3] * w[1] * w[2] * w[0] * w[5] * w[4], lambda w: np.prod(w[1:])),
    "cumprod": (
        lambda w: np.cumprod(w[:3]),
        lambda w: np.stack([w[0], w[1] * w[0], w[2] * w[0] * w[1]]),
        lambda w: np.cumprod(w[1:4]),
    ),
    "cumulative_prod": (
        lambda w: np.cumulative_prod(w[:2], include_initial=True),
        lambda w: np.stack([1 + 0 * w[0], w[0], w[0] * w[1]]),
        lambda w: np.cumulative_prod(w[1:3], include_initial=True),
    ),
    "cummax": (
        lambda w: np.maximum.accumulate(w[:3]),
        lambda w: np.stack([np.max(w[:1]), np.max(w[1::-1]), np.max(w[2::-1])]),
        lambda w: np.minimum.accumulate(w[:3]),
    ),
    "logcumsumexp": (
        lambda w: np.logaddexp.accumulate(w[:3])[2],
        lambda w: mg.logsumexp(w[2::-1]),
        lambda w: np.logaddexp.accumulate(w[:4])[3],
    ),
    "nancumsum": (
        lambda w: np.nancumsum(w[:3]),
        lambda w: np.cumsum(np.where(np.isnan(w[:3]), 0.0, w[:3])),
        lambda w: np.nancumsum(w[1:4]),
    ),
    "select": (
        lambda w: np.select([w > 1, w > 0], [w, 2 * w], 3.0),
        lambda w: np.where(w > 1, w, np.where(w > 0, 2 * w, 3.0)),
        lambda w: np.select([w > 0, w > 1], [w, 2 * w], 3.0),
    ),
    "linspace": (
        lambda w: np.linspace(w[0], w[1], 3),
        lambda w: w[0] * np.linspace(1.0, 0.0, 3) + w[1] * np.linspace(0.0, 1.0, 3),
        lambda w: np.linspace(w[0], w[1], 3, endpoint=False),
    ),
    "average": (
        lambda w: np.average(w[:3], weights=A),
        lambda w: (3 * w[2] + 2 * w[1] + w[0]) / 6,
        lambda w: np.average(w[:3], weights=A[::-1]),
    ),
    "norm": (
        lambda w: np.linalg.norm(w, 2),
        lambda w: np.sqrt(np.sum(w[::-1] ** 2)),
        lambda w: np.linalg.norm(w, 3),
    ),
    "norm, 1": (lambda w: np.linalg.norm(w, 1), lambda w: np.sum(np.abs(w[::-1])), lambda w: np.sum(np.abs(w[1:]))),
    "norm, inf": (
        lambda w: np.linalg.norm(w, np.inf),
        lambda w: np.max(np.abs(w[::-1])),
        lambda w: np.linalg.norm(w, -np.inf),
    ),
    "einsum of three": (
        lambda w: np.einsum("i,ij,j->", w[:2], B, w[2:4]),
        lambda w: w[:2] @ B @ w[2:4],
        lambda w: np.einsum("i,ij,j->", w[2:4], B, w[:2]),
    ),
    "einsum, implicit": (
        lambda w: np.einsum("ba,b", np.reshape(w[:4], (2, 2)), w[4:]),
        lambda w: w[4:] @ np.reshape(w[:4], (2, 2)),
        lambda w: np.reshape(w[:4], (2, 2)) @ w[4:],
    ),
    "einsum of one": (
        lambda w: np.einsum("ii", np.reshape(w[:4], (2, 2))),
        lambda w: w[3] + w[0],
        lambda w: w[1] + w[0],
    ),
    "multi_dot": (
        lambda w: np.linalg.multi_dot([w[:2], B, np.reshape(w[2:], (2, 2)), B]),
        lambda w: w[:2] @ (B @ (np.reshape(w[2:], (2, 2)) @ B)),
        lambda w: np.linalg.multi_dot([w[:2], B.T, np.reshape(w[2:], (2, 2)), B]),
    ),
    "computed index": (
        lambda w: w[np.argsort(w[:3])],
        lambda w: np.take(w, np.argsort(w[:3])),
        lambda w: w[1:][np.argsort(w[:3])],
    ),
    "computed index along an axis": (
        lambda w: np.take_along_axis(np.reshape(w, (2, 3)), np.argsort(np.reshape(w, (2, 3)), axis=1), 1)[1],
        lambda w: np.take_along_axis(w[3:], np.argsort(w[3:]), 0),
        lambda w: np.take_along_axis(w[:3], np.argsort(w[3:]), 0),
    ),
    "cross_entropy": (
        lambda w: mg.cross_entropy(np.reshape(w, (2, 3)), np.array([2, 0])),
        lambda w: -(mg.log_softmax(w[:3])[2] + mg.log_softmax(w[3:])[0]) / 2,
        lambda w: mg.cross_entropy(np.reshape(w, (2, 3)), np.array([0, 2])),
    ),
    "layer_norm": (
        lambda w: mg.layer_norm(w),
        lambda w: (w - np.mean(w)) / np.sqrt(np.mean((w - np.mean(w)) ** 2) + 1e-5),
        lambda w: mg.layer_norm(w, eps=1e-3),
    ),
    "trapezoid": (
        lambda w: np.trapezoid(w[:3], w[3:]),
        lambda w: (w[4] - w[3]) * (w[0] + w[1]) / 2 + (w[1] + w[2]) / 2 * (w[5] - w[4]),
        lambda w: np.trapezoid(w[3:], w[:3]),
    ),
    "polyval": (
        lambda w: np.polyval(w[:3], w[3]),
        lambda w: w[0] * w[3] ** 2 + w[1] * w[3] + w[2],
        lambda w: np.polyval(w[2::-1], w[3]),
    ),
    "cov": (
        lambda w: np.cov(np.reshape(w, (2, 3)))[0],
        lambda w: np.cov(np.reshape(w, (2, 3))[:, ::-1])[:, 0],
        lambda w: np.cov(np.reshape(w, (3, 2)))[0, :2],
    ),
    "ones_like": (lambda w: np.ones_like(w) * w, lambda w: w, lambda w: np.zeros_like(w) * w),
}


def formulas(*programs: Program) -> list[Any]:
    w = argument(np.random.default_rng(0).uniform(0.5, 2.5, size=6))
    with trace():
        ys = [program(w) for program in programs]
    given = {w.serial: Fingerprint(symbols(6, "test").reshape(LANES, 6), 1.0, 1.0)}
    reading = Formulas(ys, [w])
    found = [p.x for p in reading.read(given)]
    assert reading.unknown == set()
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_have_equal_formulas_where_they_are_equal_functions(name: str) -> None:
    one, other, different = PROGRAMS[name]
    for seed in range(5):
        w = np.random.default_rng(seed).uniform(0.5, 2.5, size=6)
        np.testing.assert_allclose(np.asarray(one(w), float), other(w), rtol=1e-12)
    w = np.random.default_rng(7).uniform(0.5, 2.5, size=6)
    assert np.shape(one(w)) != np.shape(different(w)) or not np.allclose(one(w), different(w))
    first, second, third = formulas(one, other, different)
    assert (first == second).all()
    assert first.shape != third.shape or (first != third).any()


def test_equal_entries_share_a_maximum_and_a_sort_gives_each_its_own_place() -> None:
    """The kink rules: np.max shares a tie evenly, np.sort does not."""
    x = np.ones((1, 3))

    def f(reduce: Loss, weights: Any) -> Any:
        return ties(lambda w: np.sum(reduce(x * w) * weights) ** 2, np.full(3, 0.5), method="prove").independent

    assert f(lambda z: np.max(z, axis=1), 1.0) == 1
    assert f(lambda z: np.sort(z, axis=1), A) == 3
    assert f(lambda z: np.median(z, axis=1), 1.0) == 3


def unknown_calls(op: Op) -> tuple[int, int]:
    """Of the drawn calls of an op, how many are not read as formulas; and how many there are."""
    lost = count = 0
    for example in random_calls(op, 16):
        inputs = (argument(x) if x.dtype.kind == "f" else x for x in map(np.asarray, example.inputs))
        with trace(), np.errstate(all="ignore"):
            result = record(Value, op, *lift_inputs(tuple(inputs), example.params))
        outputs = [v for v in leaves(result) if isinstance(v, Value)]
        given = {
            x.serial: Fingerprint(symbols(x.size, "test", k).reshape(LANES, *x.shape), 1.0, 1.0)
            for k, x in enumerate(v for v in graph(*outputs) if not v.inputs)
        }
        reading = Formulas(outputs, [v for v in graph(*outputs) if not v.inputs])
        reading.read(given)
        lost, count = lost + (op.label in reading.unknown), count + 1
    return lost, count


@pytest.mark.parametrize("name", sorted({f"{op.page}-{op.function.__name__}" for op in TABLE.values()}))
def test_an_op_is_read_as_a_formula_if_and_only_if_it_has_one(name: str) -> None:
    """docs/lists.md names those that have none."""
    op = next(op for op in TABLE.values() if f"{op.page}-{op.function.__name__}" == name)
    if op.function is np.nonzero:  # the number of its outputs depends on the data
        return
    lost, count = unknown_calls(op)
    assert lost < count if has_formula(op) else lost == count
