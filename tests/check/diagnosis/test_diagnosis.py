import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from planting import BARS, draw, planted, said

from minigrad.check.diagnosis.diagnosis import Evidence, cotangent_ignored, diagnose
from minigrad.check.diagnosis.kinds import WRONG
from minigrad.check.diagnosis.patterns import ORDER
from minigrad.check.diagnosis.patterns.case import Case

SCALES = [1e-300, 1e-12, 1.0, 1e12, 1e290]


@given(
    array_shapes(max_dims=3, max_side=5).filter(lambda shape: np.prod(shape) > 1),
    st.sampled_from(BARS),
    st.sampled_from(SCALES),
    st.integers(0, 2**31),
    st.booleans(),
)
def test_noise_is_named_as_nothing(
    shape: tuple[int, ...], relative: float, scale: float, seed: int, small: bool
) -> None:
    rng = np.random.default_rng(seed)
    d = scale * rng.normal(size=shape)
    g = d * (1 + 0.01 * rng.normal(size=shape)) if small else scale * rng.normal(size=shape)
    known = {
        "y": rng.normal(size=d.size),
        "cotangent": rng.normal(size=d.size),
        "constants": [rng.normal(size=shape)],
    }
    other = planted(d, d, rng.normal(size=shape), path="b")
    evidence = planted(g, d, rng.normal(size=shape), relative=relative, **known)
    found = diagnose(evidence, [other])
    if evidence.wrong.all():
        assert (found.kind, found.sentence) == ("wrong", "")


@given(st.integers(0, 2**31), st.sampled_from([1e-2, 1e-1]))
def test_wide_bars_make_no_pattern_of_two_wrong_entries(seed: int, relative: float) -> None:
    rng = np.random.default_rng(seed)
    d = rng.normal(size=2)
    assert said(d + rng.normal(size=2), d, rng.normal(size=2), relative=relative).kind in {"wrong", "entries"}


MISTAKES = {
    "sign": lambda d, x: -d,
    "factor": lambda d, x: 1.7 * d,
    "zero": lambda d, x: 0 * d,
    "nan": lambda d, x: d + np.nan,
    "missing factor": lambda d, x: d / np.cos(x),
    "missing term": lambda d, x: d + 0.1 * x * np.abs(d).max(),
    "flipped": lambda d, x: d[::-1],
    "rolled": lambda d, x: np.roll(d, 2, axis=0),
    "permuted": lambda d, x: np.sort(d, axis=0),
    "branch": lambda d, x: np.where(x > 0, d, 0.3 * d),
    "entries": lambda d, x: np.where(np.arange(len(d)) == 3, 1.1 * d, d),
}


@pytest.mark.parametrize("kind", MISTAKES)
@pytest.mark.parametrize("relative", BARS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [8, 1000])
def test_a_mistake_has_the_same_name_at_any_scale_and_when_few_entries_were_measured(
    kind: str, relative: float, scale: float, size: int
) -> None:
    d, x = scale * draw(size), draw(size, seed=1)
    measured = (
        np.arange(size) if size < 64 else np.append(3, 5 + np.random.default_rng(0).permutation(size - 5)[:63])
    )
    assert said(MISTAKES[kind](d, x), d, x, relative=relative, measured=measured).kind == kind


@pytest.mark.parametrize("kind", MISTAKES)
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_mistake_has_the_same_name_in_float32(kind: str, scale: float) -> None:
    d, x = scale * draw(40), draw(40, seed=1)
    g = np.asarray(MISTAKES[kind](d, x), dtype=np.float32)
    assert said(g, d, x.astype(np.float32), relative=1e-6).kind == kind


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_kink_among_the_entries_hides_no_mistake(kind: str) -> None:
    d, x = draw(12), draw(12, seed=1)
    g = np.array(MISTAKES[kind](d, x))
    e = planted(g, d, x)
    kink = 7
    e.reference[kink], e.wrong[kink] = 0.5, False  # the given one lies in the hull: neither equal nor wrong
    assert diagnose(e).kind == kind


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 4)])
def test_an_empty_gradient_has_nothing_wrong(shape: tuple[int, ...]) -> None:
    assert said(np.zeros(shape), np.zeros(shape)).kind == "wrong"


def test_another_shape_is_said_before_anything_is_compared() -> None:
    d = draw(3, 4)
    e = planted(d, d, d)
    summed = Evidence("x", e.x, d.sum(axis=0), e.reference, e.bar, e.wrong)
    assert diagnose(summed).sentence == "given has shape (4,), the argument (3, 4)"


def test_the_rounding_of_a_float32_gradient_hides_no_term() -> None:
    d = 1e-3 * draw(20)
    assert said(np.float32(d + 0.37), d, relative=1e-6).kind == "missing term"
    assert said(d + 0.37 + 1e-7 * draw(20, seed=4), d, relative=1e-6).kind == "wrong"


def test_a_mask_of_truth_values_is_a_factor() -> None:
    d, mask = draw(12), np.arange(12) % 3 > 0
    assert said(d, d * mask, constants=[mask]).kind == "missing factor"


def test_nothing_measured_or_nothing_wrong_is_named_as_nothing() -> None:
    d = draw(4)
    assert said(2 * d, d, measured=[]).kind == "wrong"
    assert said(d, d).kind == "wrong"


def test_every_kind_that_is_said_is_in_the_vocabulary_and_every_sentence_is_one_line() -> None:
    d, x = draw(8), draw(8, seed=1)
    for mistake in MISTAKES.values():
        found = said(mistake(d, x), d, x)
        assert found.kind in WRONG
        assert found.sentence
        assert "\n" not in found.sentence


def test_the_evidence_is_left_as_it_was() -> None:
    d, x = draw(3, 4), draw(3, 4, seed=1)
    e = planted(d + draw(3, 1), d, x, y=draw(12), cotangent=draw(12), constants=[draw(4)])
    arrays = [e.x, e.given, e.reference, e.bar, e.wrong, e.y, e.cotangent, e.constants[0]]
    before = [np.array(a) for a in arrays]
    diagnose(e, [planted(d, d, path="b")])
    for a, b in zip(before, arrays, strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_pattern_warns_whatever_the_numbers() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = np.array([0.0, -1.0, 1e308, -1e308, 1e-320, 710.0])
        for g in (x, draw(6), 1e300 * draw(6), np.zeros(6), np.array([np.nan, np.inf, 0, 1, 2, -np.inf])):
            said(
                g,
                draw(6),
                x,
                y=x,
                cotangent=x,
                constants=[x, 0.0, np.nan, None, "text", True, 1j, [1, 2], [], [[1], 2]],
            )


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)


D, X2 = draw(3, 4), draw(3, 4, seed=1)
A, S, K = draw(4, 5, seed=9), softmax(X2), draw(5, 4, seed=10)
Z = X2 @ A
TANH = np.tanh(Z)
W, H0, GH = 0.5 * draw(3, 3, seed=11), draw(3, seed=12), draw(3, seed=13)
H1 = np.tanh(W @ H0)
H2 = np.tanh(W @ H1)
LAST = np.outer(GH * (1 - H2**2), H1)
EARLIER = np.outer((W.T @ (GH * (1 - H2**2))) * (1 - H1**2), H0)
SQUARE, ELSEWHERE = draw(4, 4, seed=14), draw(3, 4, seed=16)
SCORES, V = np.where(np.tri(4), SQUARE @ K.T[:, :4] / 2, -np.inf), draw(4, 2, seed=17)
FIRST = {
    "not_finite": planted(D + np.nan, D),
    "zero": planted(0 * D, D),
    "sign": planted(-D, D),
    "exchanged": planted(X2, D),
    "named_factor": planted(2 * D, D),
    "transposed": planted(D.T.reshape(3, 4), D),
    "flipped": planted(D[:, ::-1], D),
    "rolled": planted(np.roll(D, 1, axis=1), D),
    "borrowed": planted(X2 + 1, D),
    "misplaced": planted(D + ELSEWHERE, D),
    "any_factor": planted(1.2345 * D, D),
    "overwritten": planted([0.7, 0.4, 0], [0.7, 0.2, 0], draw(3), y=draw(3)[[0, 1, 1]], cotangent=[0.7, -0.2, 0.4]),
    "not_summed": planted(D[0], D.sum(axis=0), cotangent=D.ravel(), y=X2.ravel()),
    "dense_layer": planted(
        draw(3, 5) @ A.T,
        draw(3, 5) * (1 - TANH**2) @ A.T,
        X2,
        y=TANH,
        y_shape=(3, 5),
        cotangent=draw(3, 5),
        constants=[A],
    ),
    "recurrent_network": planted(LAST, LAST + EARLIER, W, y=H2, cotangent=GH, constants=[H0]),
    "attention": planted(
        softmax(SQUARE @ K.T[:, :4] / 2).T @ draw(4, 2),
        softmax(SCORES).T @ draw(4, 2),
        V,
        y=softmax(SCORES) @ V,
        y_shape=(4, 2),
        cotangent=draw(4, 2),
        constants=[SQUARE, K[:4]],
    ),
    "cross_entropy_of_layer": planted(
        X2.T @ softmax(Z) / 3,
        X2.T @ (softmax(Z) - np.eye(5)[[2, 0, 4]]) / 3,
        A,
        y=-np.mean(np.log(softmax(Z))[[0, 1, 2], [2, 0, 4]]),
        constants=[X2, np.array([2, 0, 4])],
    ),
    "listed_factor": planted(D * X2, D, X2),
    "softmax_sum_missing": planted(S * D, S * (D - (S * D).sum(axis=1, keepdims=True)), X2),
    "missing_term": planted(D + 0.3, D),
    "statistics_held_fixed": planted(
        D + draw(3, 1) + draw(3, 1, seed=3) * X2, D - D.mean(axis=1, keepdims=True), X2
    ),
    "factor_per_line": planted(D * draw(1, 4, seed=3), D),
    "permuted": planted(np.sort(D, axis=None).reshape(3, 4), D),
    "untransposed": planted(D @ draw(4, 4), D @ draw(4, 4).T, cotangent=D.ravel(), constants=[draw(4, 4)]),
    "mask_forgotten": planted(SQUARE, np.tril(SQUARE), draw(4, 4, seed=15)),
    "branch_at_zero": planted(np.where(X2 < 0, 0.3, D), D, X2),
    "known_entries": planted(np.where(np.arange(3)[:, None] == 1, X2, D), D),
    "branch": planted(np.where(np.sort(X2, axis=None)[7] < X2, X2, D), D, X2),
    "some_entries": planted(np.where(np.isin(np.arange(12), [1, 4, 11]).reshape(3, 4), X2, D), D),
    "lone_factor": planted([1.2345], [1.0], [0.777]),
}


@pytest.mark.parametrize("name", FIRST)
def test_every_pattern_is_the_first_to_hold_somewhere(name: str) -> None:
    """One that is never the first is dead, and its place in the order is wrong."""
    others = [planted(D, X2, path="b"), planted(X2 + 1, X2 + 1, path="c")]
    others.append(planted(0 * D, ELSEWHERE, path="d"))
    case = Case(FIRST[name], others)
    with np.errstate(all="ignore"):
        assert next(pattern.__name__ for pattern in ORDER if pattern(case)) == name


def test_every_pattern_has_its_mistake() -> None:
    assert [pattern.__name__ for pattern in ORDER] == list(FIRST)


FORMULAS = [
    "misplaced",
    "overwritten",
    "dense_layer",
    "recurrent_network",
    "attention",
    "cross_entropy_of_layer",
    "softmax_sum_missing",
    "statistics_held_fixed",
    "mask_forgotten",
]
FINDS = {pattern.__name__: pattern for pattern in ORDER}


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMULAS)
def test_of_500_random_gradients_no_formula_fits_one(name: str) -> None:
    """Neither another gradient of the same function, nor the same gradient of another function."""
    evidence, rng = FIRST[name], np.random.default_rng(0)
    others = [planted(0 * D, ELSEWHERE, path="d")]
    assert FINDS[name](Case(evidence, others)) is not None
    for k in range(500):
        drawn = rng.normal(size=evidence.given.shape)
        near = np.where(drawn > 0, evidence.reference, 0) if k % 5 == 0 else evidence.reference * (1 + 0.01 * drawn)
        given = drawn if k % 2 else near
        reference = evidence.reference if k % 3 else rng.normal(size=drawn.shape)
        given = evidence.given if k % 3 == 0 and k % 2 == 0 else given
        wrong = ~(np.abs(given - reference) <= evidence.bar)
        random = replace(evidence, given=given, reference=reference, wrong=wrong)
        with np.errstate(all="ignore"):
            assert FINDS[name](Case(random, others)) is None, (name, k)


def test_simpler_names_win_where_two_would_fit() -> None:
    d = np.full(4, 1.5)
    assert said(d + 1.5, d).kind == "factor"  # a constant derivative: a term as well
    assert said(-d, d).kind == "sign"  # -1 is a factor as well
    two = np.array([0.7, -0.7])
    assert said(two[::-1], two).kind == "sign"  # reversed, shifted and permuted as well
    m = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert said(m.T, m).kind == "transposed"  # permuted as well
    two = np.array([0.7, 0.4])
    assert said(two[::-1], two).kind == "flipped"  # shifted and permuted as well
    assert said(np.array(-2.0), np.array(2.0), np.array(-1.0)).kind == "sign"  # the factor x as well


def ignoring(g: np.ndarray, x: np.ndarray, through: bool) -> Evidence:
    a = draw(3, 4, seed=5)
    given = a.sum(axis=0) * (1 if through else g.mean())
    return planted(given, a.T @ g, x, cotangent=g, y=a @ x)


def test_a_gradient_right_for_ones_alone_ignores_its_cotangent() -> None:
    x, g = draw(4), draw(3, seed=6)
    ones = np.ones(3)
    found = cotangent_ignored(ignoring(g, x, True), ignoring(ones, x, True))
    assert found is not None
    assert (found.kind, found.sentence.endswith("and the same for any other")) == ("cotangent ignored", True)
    found = cotangent_ignored(ignoring(g, x, False), ignoring(ones, x, False))
    assert found is not None
    assert found.sentence.endswith("and wrong for others")


def test_a_gradient_wrong_for_ones_too_or_right_for_all_ignores_nothing() -> None:
    d, ones = draw(4), draw(4, seed=2)
    assert cotangent_ignored(planted(2 * d, d), planted(2 * ones, ones)) is None
    assert cotangent_ignored(planted(d, d), planted(ones, ones)) is None
    assert cotangent_ignored(planted(2 * d, d), planted(ones, ones, measured=[])) is None
