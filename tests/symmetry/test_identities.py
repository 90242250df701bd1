"""Identities beyond sums and products hold for numbers and for formulas; what only looks like one, for neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.value import argument
from minigrad.symmetry import ties
from minigrad.symmetry.fingerprints import Formulas, recorded_gradients
from minigrad.symmetry.modular import LANES, Fingerprint, symbols
from minigrad.tracing import trace

Program = Callable[[Any], Any]  # of five positive numbers

# Each with the same in other words, and with what looks like it.
IDENTITIES: dict[str, tuple[Program, Program, Program]] = {
    "x / x": (lambda w: w[1] * (w[0] / w[0]), lambda w: w[1], lambda w: w[1] * (w[0] / w[2])),
    "(x y) / x": (lambda w: w[0] * w[1] / w[0], lambda w: w[1], lambda w: w[0] * w[1] / w[2]),
    "x (y / x)": (lambda w: w[0] * (w[1] / w[0]), lambda w: w[1], lambda w: w[0] * (w[0] / w[1])),
    "sum x / x": (lambda w: np.sum(w / w), lambda w: 5.0 + 0 * w[0], lambda w: np.sum(w / w[::-1])),
    "shares of a sum": (
        lambda w: w[4] * np.sum(w[:3] / np.sum(w[:3], keepdims=True)),
        lambda w: w[4],
        lambda w: w[4] * np.sum(w[:3] / np.sum(w[:4], keepdims=True)),
    ),
    "softmax adds up to 1": (
        lambda w: w[4] * np.sum(mg.softmax(w[:3])),
        lambda w: w[4],
        lambda w: w[4] * np.sum(mg.sigmoid(w[:3])),
    ),
    "softmax by hand": (lambda w: by_hand(w[:3]), lambda w: mg.softmax(w[:3]), lambda w: by_hand(w[1:4])),
    "a share depends on all entries": (
        lambda w: share(w[:3])[0] - share(w[:3])[1],
        lambda w: share(w[2::-1])[2] - share(w[2::-1])[1],
        lambda w: share(np.stack([w[0], w[1], w[3]]))[0] - share(np.stack([w[0], w[1], w[3]]))[1],
    ),
    "a slope of shares": (
        lambda w: w[4] + np.sum(slope(mg.softmax(w[:3]), 100 * np.sin(w[:3]), 100 * np.sin(w[:3]))),
        lambda w: w[4],
        lambda w: w[4] + np.sum(slope(w[:3], 100 * np.sin(w[:3]), 100 * np.sin(w[:3]))),
    ),
    "a slope of shares, by another mean": (
        lambda w: w[4] + np.sum(slope(mg.softmax(w[:3]), 100 * w[:3], 100 * w[:3])),
        lambda w: w[4],
        lambda w: w[4] + np.sum(slope(mg.softmax(w[:3]), 100 * w[:3], 100 * w[1:4])),
    ),
    "deviations add up to 0": (
        lambda w: w[4] + np.sum(small(deviations(small(w[:3])))),
        lambda w: w[4],
        lambda w: w[4] + 1e8 * np.sum(small(deviations(small(w[:3]), 4))),
    ),
    "deviations, by a sum": (
        lambda w: w[4] + np.sum(small(plus_minus_sum(small(w[:3]), 3))),
        lambda w: w[4],
        lambda w: w[4] + 1e8 * np.sum(small(plus_minus_sum(small(w[:3]), 2))),
    ),
    "logarithms of shares": (
        lambda w: np.sum(mg.log_softmax(w[:3])),
        lambda w: np.sum(mg.log_softmax(w[2::-1])),
        lambda w: 0 * w[0],
    ),
    "two shares": (
        lambda w: 1 - mg.softmax(w[:2])[0],
        lambda w: mg.softmax(w[:2])[1],
        lambda w: 1 - mg.softmax(w[:2])[1],
    ),
    "softmax, shifted": (
        lambda w: mg.softmax(w[:3] + w[3]),
        lambda w: mg.softmax(w[:3]),
        lambda w: mg.softmax(w[:3] * w[3]),
    ),
    "softmax, shifted in part": (
        lambda w: mg.softmax(w[:3] + w[3])[0],
        lambda w: mg.softmax(w[:3] - w[4])[0],
        lambda w: mg.softmax(w[:3] + w[:3])[0],
    ),
    "log softmax, shifted": (
        lambda w: mg.log_softmax(w[:3] + w[3]),
        lambda w: mg.log_softmax(w[:3]),
        lambda w: mg.log_softmax(w[:3] + w[1:4]),
    ),
    "sigmoid of -x": (
        lambda w: mg.sigmoid(-w[0] * w[1]),
        lambda w: 1 - mg.sigmoid(w[0] * w[1]),
        lambda w: 1 - mg.sigmoid(w[0] + w[1]),
    ),
    "e^a e^b": (
        lambda w: np.exp(w[0]) * np.exp(w[1]),
        lambda w: np.exp(w[0] + w[1]),
        lambda w: np.exp(w[0] * w[1]),
    ),
    "e^a c e^b": (
        lambda w: np.exp(w[0]) * w[2] * np.exp(w[1]),
        lambda w: w[2] * np.exp(w[1] + w[0]),
        lambda w: w[2] * np.exp(w[1] + w[0] + w[2]),
    ),
    "e^a / e^b": (
        lambda w: np.exp(w[0]) / np.exp(w[1]),
        lambda w: np.exp(w[0] - w[1]),
        lambda w: np.exp(w[1] - w[0]),
    ),
    "1 / e^a": (lambda w: 1 / np.exp(w[0]), lambda w: np.exp(-w[0]), lambda w: -np.exp(w[0])),
    "ln e^a": (lambda w: np.log(np.exp(w[0])), lambda w: w[0], lambda w: np.log(np.exp2(w[0]))),
    "e^ln a": (lambda w: np.exp(np.log(w[0])), lambda w: w[0], lambda w: np.exp(np.log(w[0] + w[1]))),
    "x ** -1": (lambda w: w[0] ** -1, lambda w: 1 / w[0], lambda w: w[0] ** -2),
    "x ** -3": (lambda w: w[0] ** -3.0, lambda w: 1 / w[0] ** 3, lambda w: w[0] ** 3),
    "x ** ½": (lambda w: w[0] ** 0.5, lambda w: np.sqrt(w[0]), lambda w: w[0] * 0.5),
    "x ** -½": (lambda w: w[0] ** -0.5, lambda w: 1 / np.sqrt(w[0]), lambda w: np.sqrt(w[0])),
    "x ** 1½": (lambda w: w[0] ** 1.5, lambda w: w[0] * np.sqrt(w[0]), lambda w: w[1] * np.sqrt(w[0])),
    "√x √x": (lambda w: np.sqrt(w[0]) * np.sqrt(w[0]), lambda w: w[0], lambda w: np.sqrt(w[0]) * np.sqrt(w[1])),
    "(√x)²": (lambda w: np.sqrt(w[0]) ** 2, lambda w: w[0], lambda w: np.cbrt(w[0]) ** 2),
    "√x c √x": (
        lambda w: np.sqrt(w[0]) * w[1] * np.sqrt(w[0]),
        lambda w: w[0] * w[1],
        lambda w: np.sqrt(w[0]) * np.sqrt(w[1]) * w[0],
    ),
}


def small(x: Any) -> Any:
    """A fraction whose denominator is too large for polynomials, after two of them."""
    return x / 2.0**12


def deviations(x: Any, over: int = 3) -> Any:
    return x - np.sum(x, keepdims=True) / over


def plus_minus_sum(x: Any, over: int) -> Any:
    return x + np.broadcast_to(-np.sum(x) / over, (3,))


def share(x: Any) -> Any:
    return x / np.sum(x, keepdims=True)


def slope(p: Any, u: Any, v: Any) -> Any:
    return p * (u - np.sum(v * p, keepdims=True))


def slope_by_hand(x: Any, u: Any, v: Any) -> Any:
    e = np.exp(x)
    s = np.sum(e, keepdims=True)
    mean = np.sum(-(v * (e / s)) / s, keepdims=True)
    return e * (u / s + np.broadcast_to(mean, np.shape(x)))


def by_hand(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def formulas(*programs: Program) -> list[Any]:
    """For each program the residues of its value, and of its gradient, weighted so that no entry hides."""
    w = argument(np.linspace(0.5, 1.5, 5))
    with trace():
        ys = [program(w) for program in programs]
        losses = [np.sum(np.sin(y) * np.arange(1.0, 1 + y.size)) for y in ys]
    gradients = [recorded_gradients(loss, [w])[0] for loss in losses]
    given = {w.serial: Fingerprint(symbols(5, "test").reshape(LANES, 5), 1.0, 1.0)}
    found = [p.x.reshape(LANES, -1) for p in Formulas([*ys, *gradients], [w]).read(given)]
    return list(zip(found[: len(ys)], found[len(ys) :], strict=True))


@pytest.mark.parametrize("name", IDENTITIES)
def test_an_identity_holds_for_numbers_and_for_formulas_and_a_lookalike_for_neither(name: str) -> None:
    one, other, lookalike = IDENTITIES[name]
    for seed in range(5):
        w = np.random.default_rng(seed).uniform(0.3, 2.0, size=5)
        np.testing.assert_allclose(one(w), other(w), rtol=1e-12, atol=1e-14)
        assert not np.allclose(one(w), lookalike(w), rtol=1e-3)
    first, second, third = formulas(one, other, lookalike)
    assert all((mine == its).all() for mine, its in zip(first, second, strict=True))
    assert first[0].shape != third[0].shape or (first[0] != third[0]).any()


def test_softmax_by_hand_is_softmax() -> None:
    w = argument(np.linspace(0.5, 1.5, 5))
    with trace():
        ys = [by_hand(w), mg.softmax(w), by_hand(w + w[0]), by_hand(2 * w)]
    given = {w.serial: Fingerprint(symbols(5, "test").reshape(LANES, 5), 1.0, 1.0)}
    one, other, shifted, scaled = (p.x for p in Formulas(ys, [w]).read(given))
    assert (one == other).all() and (one == shifted).all() and (one != scaled).any()


def test_a_slope_of_shares_by_hand_adds_up_to_0_if_its_mean_is_its_own() -> None:
    own, other = formulas(
        lambda w: np.sum(slope_by_hand(w[:3], 100 * w[:3], 100 * w[:3])),
        lambda w: np.sum(slope_by_hand(w[:3], 100 * w[:3], 100 * w[1:4])),
    )
    assert not own[0].any() and other[0].any()


RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3))
ATTENTION = {name: RNG.normal(size=(3, 3)) for name in "QKV"} | {"bq": RNG.normal(size=3), "bk": RNG.normal(size=3)}


def attention(p: Any, x: Any, axis: int = -1, softmax: Any = mg.softmax) -> Any:
    scores = (x @ p["Q"] + p["bq"]) @ (x @ p["K"] + p["bk"]).T
    return np.mean((softmax(scores, axis=axis) @ (x @ p["V"])) ** 2)


def without_shift(x: Any, axis: int) -> Any:
    e = np.exp(x)
    return e / np.sum(e, axis=axis, keepdims=True)


@pytest.mark.parametrize("softmax", [mg.softmax, by_hand, without_shift])
@pytest.mark.parametrize("for_all_data", [False, True])
def test_a_key_bias_of_attention_never_moves_and_a_query_bias_does(softmax: Any, for_all_data: bool) -> None:
    def loss(p: Any, x: Any) -> Any:
        return attention(p, x, softmax=softmax)

    found = ties(loss, ATTENTION, X, method="prove", for_all_data=for_all_data)
    assert found.frozen is not None
    assert {path for path, _ in found.groups[found.frozen]} == {"['bk']"}
    assert found.independent == 3 * 9 + 3 and found.partition.unknown == ()
    assert np.abs(mg.grad(attention)(ATTENTION, X)["bk"]).max() < 1e-15


def test_along_the_queries_it_is_the_query_bias_that_never_moves() -> None:
    found = ties(lambda p, x: attention(p, x, axis=0), ATTENTION, X, method="prove")
    assert {path for path, _ in found.groups[found.frozen or 0]} == {"['bq']"}


@pytest.mark.parametrize("softmax", [mg.softmax, by_hand])
def test_a_key_bias_of_long_sequences_never_moves_either(softmax: Any) -> None:
    """The polynomials are too large to be followed here; what is known of shares is."""
    rng = np.random.default_rng(1)
    p = {name: rng.normal(size=(16, 16)) for name in "QKV"} | {name: rng.normal(size=16) for name in ("bq", "bk")}
    x = rng.normal(size=(100, 16))
    found = ties(lambda p, x: attention(p, x, softmax=softmax), p, x, method="prove")
    assert {path for path, _ in found.groups[found.frozen or 0]} == {"['bk']"}
    p["Q"], p["K"], p["bq"] = p["Q"] * 0, p["K"] * 0, p["bq"] * 0  # all shares are equal
    found = ties(lambda p, x: attention(p, x, softmax=softmax), p, x, method="prove")
    assert "['bk']" in {path for path, _ in found.groups[found.frozen or 0]}


NORMALISED: dict[str, Callable[[Any], Any]] = {
    "batch_norm": mg.batch_norm,
    "with var": lambda h: (h - np.mean(h, axis=0)) / np.sqrt(np.var(h, axis=0) + 1e-5),
    "by hand": lambda h: deviations_of_batch(h) / np.sqrt(np.mean(deviations_of_batch(h) ** 2, axis=0) + 1e-5),
}


def deviations_of_batch(h: Any) -> Any:
    return h - np.mean(h, axis=0, keepdims=True)


@pytest.mark.parametrize("for_all_data", [False, True])
@pytest.mark.parametrize("name", NORMALISED)
@pytest.mark.parametrize("n", [60, 128, 900, 6000])
def test_a_bias_before_batch_norm_never_moves_whatever_the_size_of_the_batch(
    n: int, name: str, for_all_data: bool
) -> None:
    """The polynomials are too large to be followed here; that deviations from a mean add up to 0 is known."""
    if n > 4096 and name != "batch_norm":
        pytest.skip("1 / n is a number like any other there")
    rng = np.random.default_rng(0)
    p = {"W": rng.normal(size=(2, 3)), "b": np.zeros(3), "V": rng.normal(size=(3, 1))}
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(n, 1))

    def loss(p: Any, x: Any, y: Any, normalised: Any = NORMALISED[name]) -> Any:
        return np.mean((np.tanh(normalised(x @ p["W"] + p["b"])) @ p["V"] - y) ** 2)

    found = ties(loss, p, x, y, method="prove", for_all_data=for_all_data)
    assert found.frozen is not None and set(found.frozen_evidence) == {"proved"}
    assert {path for path, _ in found.groups[found.frozen]} == {"['b']"}

    def by_half(h: Any) -> Any:
        return (h - np.mean(h, axis=0) / 2) / np.sqrt(np.var(h, axis=0) + 1e-5)

    assert ties(lambda *args: loss(*args, by_half), p, x, y, method="prove").frozen is None


def test_what_multiplies_the_scores_is_no_shift() -> None:
    def f(p: Any, x: Any) -> Any:
        return np.mean((mg.softmax((x @ p["Q"]) @ (x @ p["K"]).T * np.exp(p["bk"][0])) @ (x @ p["V"])) ** 2)

    assert ties(f, {**ATTENTION, "bq": np.zeros(0), "bk": np.ones(1)}, X, method="prove").frozen is None


@pytest.mark.parametrize(
    ("f", "start"),
    [
        (lambda w: w[0] * w[1] / w[2], np.zeros(3)),
        (lambda w: w[0] * (1 / w[1]) + w[2] ** 2, np.array([0.0, 0.0, 1.0])),
        (lambda w: w[0] * np.log(w[1]) + w[2], np.array([0.0, 0.0, 1.0])),
        (lambda w: np.sqrt(w[0] ** 2 + w[1] ** 2) + w[2], np.array([0.0, 0.0, 1.0])),
        (lambda w: np.sum(w * w**-2.0), np.zeros(3)),
        (lambda w: np.sum((np.stack([w[:2], w[1:]]) / w[0]) @ w[:2]), np.zeros(3)),
    ],
)
def test_what_is_0_times_a_pole_is_not_0(f: Program, start: Any) -> None:
    """The first step gives nan, so nothing that is 0 stays 0."""
    with np.errstate(all="ignore"):
        assert not np.isfinite(mg.grad(f)(start)).all()
        assert ties(f, start, method="prove").frozen is None


@pytest.mark.parametrize(
    "f",
    [
        lambda w: w[0] * w[1] / w[2],  # where w[2] is not 0
        lambda w: np.linalg.norm(w[:2]) + w[2],
        lambda w: np.sum(np.where(w[:2] == 0, 0.0, w[:2] / np.where(w[:2] == 0, 1.0, w[:2]))) * w[0] + w[2],
        lambda w: np.sqrt(w[0] * w[1] + 1e-5) + w[2],
        lambda w: mg.layer_norm(np.stack([w[0], w[1], w[0]]))[0] * w[1] + w[2],
    ],
)
def test_what_has_a_value_at_0_is_still_known(f: Program) -> None:
    start = np.array([0.0, 0.0, 1.0])
    found = ties(f, start, method="prove")
    assert found.frozen is not None
    assert {index for _, index in found.groups[found.frozen]} >= {(0,), (1,)}
    assert (mg.grad(f)(start)[:2] == 0).all()


def test_a_wrong_identity_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plants products that forget their powers of e."""
    from minigrad.symmetry import identities

    monkeypatch.setattr(identities, "_collected", lambda factors: factors[:1])
    with pytest.raises(AssertionError):
        test_an_identity_holds_for_numbers_and_for_formulas_and_a_lookalike_for_neither("e^a e^b")


def test_an_entry_is_no_pole_because_another_one_is() -> None:
    def loss(w: Any) -> Any:
        return np.sum(np.tanh(w[:2] / (w[:2] * np.array([0.0, 1.0])) * w[2])) + w[2] * w[3]

    with np.errstate(all="ignore"):
        found = ties(loss, np.array([1.0, 2.0, 3.0, 0.0]), method="prove")
    assert found.partition.frozen.tolist() == [False, True, False, False], "x / x is 1, and 1 / 0 is unknown"
