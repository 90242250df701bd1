"""What holds of a gradient function whatever the derivative is, each with a mistake that breaks it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.check.comparison import invariants
from minigrad.check.comparison.answers import Answer
from minigrad.check.comparison.invariants import check_linearity, check_repeatable, check_symmetry, roundings

V, W = np.array([1.0, -2.0, 0.5]), np.array([0.25, 3.0, -1.0])
M = np.arange(1.0, 10.0).reshape(3, 3)


def kinds(findings: Any) -> list[str]:
    return [finding.kind for finding in findings]


def test_the_same_answer_twice_and_rounding_is_no_difference() -> None:
    assert check_repeatable(Answer(V), Answer(V)) == [] == check_repeatable(Answer(V), Answer(V * (1 + 2**-52)))
    assert check_repeatable(Answer(np.array([np.nan, 1.0])), Answer(np.array([np.nan, 1.0]))) == []
    assert check_repeatable(Answer(np.zeros(0)), Answer(np.zeros(0))) == []


def test_what_adds_up_is_told_from_what_is_random() -> None:
    (finding,) = check_repeatable(Answer(V), Answer(2 * V))
    assert finding.kind == "accumulated" and "2 times" in finding.sentence
    for other in (W, V + 1e-9 * W, -V, 0.5 * V, 0 * V, np.array([np.nan, -2.0, 0.5])):
        assert kinds(check_repeatable(Answer(V), Answer(other))) == ["unstable"]


def test_single_precision_is_judged_as_such() -> None:
    nudged = V * (1 + 2**-22)
    assert kinds(check_repeatable(Answer(V), Answer(nudged))) == ["unstable"]
    assert check_repeatable(Answer(V, unit=2.0**-24), Answer(nudged, unit=2.0**-24)) == []


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda v: M @ v + 1.0, "zeros"),
        (lambda v: M @ (v * np.abs(v)), "twice"),
        (lambda v: np.abs(M @ v), "sum"),
        (lambda v: np.maximum(M @ v, 0), "sum"),
        (lambda v: M @ v * (1 + 1e-9 * (v[0] > 1.5)), "twice"),
    ],
)
def test_what_is_not_linear_is_said(mistake: Any, said: str) -> None:
    (finding,) = check_linearity(lambda v: Answer(mistake(v)), V, W, "cotangent")
    assert finding.kind == "nonlinear" and said in finding.sentence and "cotangent" in finding.sentence


def test_what_is_linear_passes_at_any_scale() -> None:
    for scale in (1e-200, 1.0, 1e200):
        assert check_linearity(lambda v, s=scale: Answer(s * (M @ v)), V, W, "tangent") == []


def test_a_hessian_that_is_not_symmetric_is_named_at_its_worst() -> None:
    whole = M + M.T
    assert check_symmetry(whole, 2.0**-53) == [] == check_symmetry(whole * (1 + 1e-16), 2.0**-53)
    whole[2, 0] += 1e-6
    (finding,) = check_symmetry(whole, 2.0**-53)
    assert finding.kind == "asymmetric" and finding.index in ((0, 2), (2, 0))
    assert check_symmetry(np.ones((2, 3)), 2.0**-53) == [] == check_symmetry(np.zeros((0, 0)), 2.0**-53)


def test_two_modes_that_are_no_transposes_are_told_although_each_is_nearly_right() -> None:
    x = np.array([0.5, 1.5, -1.0])
    right: dict[str, Any] = {"vjp": lambda g, x: M.T @ g, "jvp": lambda args, t: M @ t[0]}
    assert minigrad.check_grads(lambda x: M @ x, x, **right).ok
    wrong = right | {"jvp": lambda args, t: M @ t[0] * (1 + 1e-11)}
    report = minigrad.gradient_report(lambda x: M @ x, x, **wrong)
    assert "adjoint" in kinds(report.findings), report


@pytest.mark.parametrize("which", ["cotangent", "argument", "tangent"])
def test_what_is_changed_in_place_is_said(which: str) -> None:
    def vjp(g: Any, x: Any) -> Any:
        out = M.T @ g
        (g if which == "cotangent" else x)[...] = 0.0
        return out

    def jvp(args: Any, tangents: Any) -> Any:
        out = M @ tangents[0]
        tangents[0][...] = 0.0
        return out

    given: dict[str, Any] = {"jvp": jvp} if which == "tangent" else {"vjp": vjp}
    report = minigrad.gradient_report(lambda x: M @ x, np.ones(3), **given)
    (finding,) = [finding for finding in report.findings if finding.kind == "mutated"]
    assert report.verdict == "disagree" and (which if which != "argument" else "x") in finding.sentence


# ------------------------------------------------------------------------- beside what the arithmetic itself loses


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max())
    return e / e.sum()


def softmax_back(g: Any, x: Any) -> Any:
    return softmax(x) * (g - np.sum(g * softmax(x)))


def unit_vector(x: Any) -> Any:
    return x / np.sqrt(np.sum(x * x))


def unit_back(g: Any, x: Any) -> Any:
    n = np.sqrt(np.sum(x * x))
    return g / n - x * np.sum(g * x) / n**3


def layer_norm(x: Any, eps: float = 1e-5) -> Any:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)


def layer_norm_back(g: Any, x: Any, eps: float = 1e-5) -> Any:
    s, y = 1 / np.sqrt(x.var(-1, keepdims=True) + eps), layer_norm(x, eps)
    return s * (g - g.mean(-1, keepdims=True) - y * (g * y).mean(-1, keepdims=True))


def without_scale(x: Any) -> Any:
    return layer_norm(x, 0.0)


def without_scale_back(g: Any, x: Any) -> Any:
    """Two features without eps: the derivative is 0, and rounding is all that is left."""
    return layer_norm_back(g, x, 0.0)


def rounds_inside(x: Any) -> Any:
    return np.tanh(x.astype("f4")).astype("f8")


def rounds_inside_back(g: Any, x: Any) -> Any:
    x = x.astype("f4")
    return (g.astype("f4") * (1 - np.tanh(x) ** 2)).astype("f8")


def logaddexp10(x: Any) -> Any:
    return np.logaddexp2(x[0] * 3, x[1] * 3)


def logaddexp10_back(g: Any, x: Any) -> Any:
    y = logaddexp10(x)
    return 3 * np.stack([g * 2 ** (3 * x[0] - y), g * 2 ** (3 * x[1] - y)])


CANCELLING: dict[str, tuple[Any, Any, Any]] = {
    "softmax at 8": (softmax, softmax_back, lambda rng: np.array([8.0, 0.0, -1.0])),
    "softmax at 12": (softmax, softmax_back, lambda rng: np.array([12.0, 0.0, -1.0])),
    "a unit vector": (unit_vector, unit_back, lambda rng: np.array([1e-6, 3.0])),
    "a unit vector, closer": (unit_vector, unit_back, lambda rng: np.array([1e-8, 3.0])),
    "layer norm": (layer_norm, layer_norm_back, lambda rng: rng.normal(size=(2, 2))),
    "layer norm without eps": (without_scale, without_scale_back, lambda rng: rng.normal(size=(2, 2))),
    "single numbers inside": (rounds_inside, rounds_inside_back, lambda rng: rng.normal(size=5)),
    "logarithms of sums": (logaddexp10, logaddexp10_back, lambda rng: 3 * rng.normal(size=(2, 4))),
}


@pytest.mark.parametrize("name", CANCELLING)
def test_a_right_gradient_whose_terms_cancel_keeps_every_rule(name: str) -> None:
    f, back, draw = CANCELLING[name]
    for seed in range(200 if "norm" in name else 40):
        x = draw(np.random.default_rng(seed))
        shape = np.shape(f(x))
        v, w = (np.random.default_rng(seed + k).integers(-1536, 1537, shape).ravel() / 1024 for k in (1, 2))

        def pull(v: Any, x: Any = x, shape: Any = shape) -> Answer:
            return Answer(np.ravel(back(v.reshape(shape), x)))

        assert check_linearity(pull, v, w, "cotangent") == [], seed


@pytest.mark.parametrize("name", CANCELLING)
def test_a_right_gradient_whose_terms_cancel_is_not_called_wrong(name: str) -> None:
    f, back, draw = CANCELLING[name]
    for seed in range(4):
        report = minigrad.gradient_report(f, (draw(np.random.default_rng(seed)),), vjp=back, seed=seed)
        assert report.verdict != "disagree", report


@pytest.mark.parametrize("name", CANCELLING)
@pytest.mark.parametrize("share", [1e-3, 1e-6])
def test_beside_terms_that_cancel_a_gradient_that_is_not_linear_is_wrong(name: str, share: float) -> None:
    """A square of the cotangent, beside the size of the terms: single numbers hide less than a millionth."""
    f, back, draw = CANCELLING[name]
    x = draw(np.random.default_rng(0))
    small = share if name != "single numbers inside" else 1000 * share
    report = minigrad.gradient_report(
        f, (x,), vjp=lambda g, x: back(g, x) + small * np.sum(g * g) * np.ones(x.shape)
    )
    assert "nonlinear" in kinds(report.findings), report


WIDE = np.ones((3, 3), "f4")


def tanh_layer(x: Any) -> Any:
    return np.tanh(x.astype("f4") @ WIDE)


LAYER: dict[str, Any] = {
    "vjp": lambda g, x: ((g * (1 - tanh_layer(x) ** 2)) @ WIDE.T).astype("f4"),
    "jvp": lambda args, ts: (1 - tanh_layer(args[0]) ** 2) * (ts[0].astype("f4") @ WIDE),
}


def test_both_modes_in_single_numbers_are_transposes() -> None:
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=(3, 3)).astype("f4")
        report = minigrad.gradient_report(tanh_layer, x, **LAYER, seed=seed)
        assert report.verdict != "disagree", report


@pytest.mark.parametrize("share", [0.5, 1e-3, 1e-4])
def test_both_modes_in_single_numbers_that_are_no_transposes_are_told(share: float) -> None:
    x = np.random.default_rng(1).normal(size=(3, 3)).astype("f4")
    wrong = LAYER | {"jvp": lambda args, ts: LAYER["jvp"](args, ts) * np.float32(1 + share)}
    assert "adjoint" in kinds(minigrad.gradient_report(tanh_layer, x, **wrong).findings)


def test_in_half_precision_a_mistake_is_told_from_rounding() -> None:
    def halves(x: Any) -> Any:
        return x.astype("f2").astype("f8")

    rng = np.random.default_rng(0)
    for seed in range(30):
        a, v, w = (np.random.default_rng(seed + k).normal(size=s) for k, s in enumerate([(5, 5), 5, 5]))
        for unit in (2.0**-11, 2.0**-53):  # also where nothing says that the numbers are halves
            right = lambda v, a=a, u=unit: Answer(halves(halves(a).astype("f2") @ v.astype("f2")), unit=u)  # noqa: E731
            assert check_linearity(right, v, w, "cotangent") == [], seed
        wrong = lambda v, a=a: Answer(halves(a @ halves(v) + np.sum(v * v)), unit=2.0**-11)  # noqa: E731
        assert kinds(check_linearity(wrong, v, w, "cotangent")) == ["nonlinear"], seed
        beside = lambda v, a=a: Answer(halves(a @ halves(v)) + 0.1, unit=2.0**-11)  # noqa: E731
        (finding,) = check_linearity(beside, v, w, "cotangent")
        assert "zeros" in finding.sentence, seed
    matrix = rng.normal(size=(4, 4))
    symmetric = halves(matrix + matrix.T) * (1 + 2.0**-11 * rng.uniform(-1, 1, (4, 4)))
    assert check_symmetry(symmetric, 2.0**-11) == [] != check_symmetry(halves(matrix), 2.0**-11)


def test_the_rounding_that_is_measured_has_no_share_of_a_trend() -> None:
    """A square of the cotangent changes with the factor, and that is no rounding."""
    assert np.max(roundings(lambda v: Answer(v * v), V)) < 1e-3 * np.max(V * V)
    assert np.max(roundings(lambda v: Answer(np.float32(v).astype(float)), V / 3)) > 1e-9


def test_each_part_of_what_is_measured_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests are worth: factors of few bits show no rounding of products that are exact."""
    monkeypatch.setattr(invariants, "NEAR_ONE", np.array([-7.0, -5, -3, -2, 2, 3, 5, 7]))
    with pytest.raises(AssertionError):
        test_a_right_gradient_whose_terms_cancel_keeps_every_rule("layer norm without eps")
