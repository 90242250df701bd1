"""At a kink a gradient is right if it is a subgradient: as a whole, not entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad import gradient_report
from minigrad.check import gradients
from minigrad.check.comparison.subdifferential import MOST, judge_kinks
from minigrad.check.diagnosis.report import Report


def kinds(report: Report) -> set[str]:
    return {finding.kind for finding in report.findings}


def is_refused(report: Report) -> bool:
    """Whether it is wrong for the reason that this file is about."""
    return report.verdict == "disagree" and "no subgradient" in kinds(report)


def winners(x: Any) -> Any:
    return 1.0 * (x == np.max(x))


def shared(x: Any) -> Any:
    return winners(x) / winners(x).sum()


def first(x: Any) -> Any:
    return 1.0 * (np.arange(np.size(x)) == np.argmax(x))


def none(x: Any) -> Any:
    return winners(x) * (winners(x).sum() == 1)


# ------------------------------------------------------------------------------- max of affine functions, at 0


def piecewise(dims: int, count: int, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """f(x) = max(A x) + sin(b x), its gradient beside 0 (where one row of A is active), and its rows at 0."""
    A, b = rng.normal(size=(count, dims)), rng.normal(size=dims)

    def f(x: Any) -> Any:
        return np.max(A @ x) + np.sin(b @ x)

    def beside(x: Any) -> Any:
        return A[np.argmax(A @ x)] + b * np.cos(b @ x)

    return f, beside, A + b


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 50), st.integers(2, 40))
def test_a_mean_of_the_active_slopes_is_right_and_10_percent_beyond_one_is_wrong(
    seed: int, dims: int, count: int
) -> None:
    rng = np.random.default_rng(seed)
    f, beside, rows = piecewise(dims, count, rng)
    row = rows[np.argmax(rows @ rng.normal(size=dims))]
    at_0 = {
        "a mean": rng.dirichlet(np.ones(count)) @ rows,
        "one": row,
        "beyond": row + 0.1 * (row - rows.mean(axis=0)),
    }
    for name, g in at_0.items():
        report = gradient_report(f, np.zeros(dims), grad=lambda x, g=g: beside(x) if np.any(x) else g)
        assert report.verdict == ("disagree" if name == "beyond" else "agree"), (name, report)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(2, 6))
def test_so_it_is_where_the_claim_is_a_constant(seed: int, dims: int, count: int) -> None:
    """Its gradients nearby say nothing; those of f do."""
    rng = np.random.default_rng(seed)
    f, _, rows = piecewise(dims, count, rng)
    row = rows[np.argmax(rows @ rng.normal(size=dims))]
    mean = rng.dirichlet(np.ones(count)) @ rows
    beyond = row + 0.1 * (row - rows.mean(axis=0))
    assert gradient_report(f, np.zeros(dims), grad=lambda x: mean).ok
    assert gradient_report(f, np.zeros(dims), grad=lambda x: beyond).verdict == "disagree"


# --------------------------------------------------------------------------------------------- ties and corners


@pytest.mark.parametrize("size", [2, 3, 20, 90, 300])
@pytest.mark.parametrize("tied", ["all", "two"])
def test_at_a_tie_the_winners_share_one_gradient(size: int, tied: str) -> None:
    x = np.ones(size) if tied == "all" else np.r_[2.0, np.linspace(0.0, 1.0, size - 2), 2.0]
    for right in (shared, first):
        assert gradient_report(np.max, x, grad=right).ok
    for wrong in (winners, none):
        assert is_refused(gradient_report(np.max, x, grad=wrong)), wrong.__name__


@pytest.mark.parametrize("kind", ["grad", "vjp", "jvp", "jac"])
def test_each_kind_of_derivative_is_judged(kind: str) -> None:
    for gradient, right in ((shared, True), (winners, False)):
        claim = {
            "grad": gradient,
            "vjp": lambda g, x, gradient=gradient: g * gradient(x),
            "jvp": lambda args, tangents, gradient=gradient: np.sum(gradient(args[0]) * tangents[0]),
            "jac": gradient,
        }[kind]
        report = gradient_report(np.max, np.ones(3), **{kind: claim})
        assert report.ok if right else is_refused(report), report


@pytest.mark.parametrize("size", [1, 4, 50, 150])
def test_of_two_equal_arrays_one_gets_the_gradient_or_both_share_it(size: int) -> None:
    args = (np.ones(size), np.ones(size))
    for x, y, right in ((1, 0, True), (0.5, 0.5, True), (0.3, 0.7, True), (1, 1, False), (0, 0, False)):
        report = gradient_report(
            np.maximum,
            args,
            vjp=lambda g, a, b, x=x, y=y: (g * np.where(a == b, x, a > b), g * np.where(a == b, y, b > a)),
        )
        assert report.ok if right else is_refused(report), (x, y, report)


@pytest.mark.parametrize("size", [2, 5, 30])
def test_the_gradient_of_a_norm_at_0_is_no_longer_than_1(size: int) -> None:
    def norm(x: Any) -> Any:
        return np.sqrt(np.sum(x * x))

    u = np.random.default_rng(size).normal(size=size)
    for length, right in ((0.0, True), (0.9, True), (1.0, True), (1.1, False), (2.0, False)):
        at_0 = length * u / norm(u)
        report = gradient_report(norm, np.zeros(size), grad=lambda x, g=at_0: x / norm(x) if np.any(x) else g)
        assert report.ok is right, (length, report)


@pytest.mark.parametrize("within", [1e-12, 1e-9, 1e-6, 1e-3])
def test_winners_within_a_tolerance_are_wrong_nearby_too(within: float) -> None:
    """So the hull of the claim's gradients nearby holds what is given."""
    x = np.array([1.0, 1.0, 1.0, 0.0])

    def near(x: Any) -> Any:
        return 1.0 * (x >= np.max(x) - within)

    assert is_refused(gradient_report(np.max, x, grad=near))
    assert gradient_report(np.max, x, grad=lambda x: near(x) / near(x).sum()).ok


def test_what_a_finding_says() -> None:
    report = gradient_report(np.max, np.array([3.0, 3.0]), grad=winners)
    assert report.findings[0].path == "a"
    assert report.findings[0].sentence == (
        "each entry lies between the slopes of its two sides, but together they are no subgradient:\n"
        "along all entries at the kink together the given slope is 2, that of the function 1\n"
        "each of the 2 entries that tie has the whole gradient: share it"
    )
    report = gradient_report(np.maximum, (np.ones(1), np.ones(1)), grad=lambda x, y: (0 * x, 0 * y))
    assert "the same as in MyGrad" in report.findings[0].sentence


def test_a_wrong_entry_at_a_kink_shows_the_slopes_of_both_sides() -> None:
    report = gradient_report(lambda x: np.sum(np.abs(x)), np.array([0.0, 1.0]), grad=lambda x: np.array([1.5, 1.0]))
    assert report.verdict == "disagree"
    assert "the slopes of its two sides are -1 and 1" in report.findings[0].sentence


def test_beyond_the_entries_that_are_checked_one_by_one_conventions_are_named_too() -> None:
    x = np.linspace(1.0, 2.0, 300)
    x[[3, 200]] = 5.0
    sentences = [f.sentence for f in gradient_report(np.max, x, grad=first).findings]
    assert any("a[3]: the slope of max counts as 1, as in MyGrad" in sentence for sentence in sentences), sentences


# -------------------------------------------------------------------------------------- kinks of both signs meet


@pytest.mark.parametrize("size", [2, 7, 40])
def test_where_slopes_are_no_bounds_the_gradients_nearby_decide(size: int) -> None:
    """|x| - |y| is flat along (1, 1), and (1, 1) is a subgradient."""
    signs = np.resize([1.0, -1.0], size)
    for at_0, right in ((signs, True), (0 * signs, True), (np.ones(size), True), (1.2 * signs, False)):
        report = gradient_report(
            lambda x: signs @ np.abs(x),
            np.zeros(size),
            grad=lambda x, g=at_0: signs * np.sign(x) if np.any(x) else g,
        )
        assert report.verdict == ("agree" if right else "disagree"), (at_0, report)


def test_a_constant_claim_is_compared_with_gradients_of_the_function() -> None:
    f = lambda x: np.abs(x[0]) - np.abs(x[1])  # noqa: E731
    assert gradient_report(f, np.zeros(2), grad=lambda x: np.array([1.0, 1.0])).ok
    assert gradient_report(f, np.zeros(2), grad=lambda x: np.array([1.1, 1.0])).verdict == "disagree"
    median = lambda x: np.sort(x)[1]  # noqa: E731
    for at_tie in ([0, 1, 0], [1 / 3, 1 / 3, 1 / 3], [0.2, 0.2, 0.6]):
        assert gradient_report(median, np.ones(3), grad=lambda x, g=at_tie: np.array(g, float)).ok
    for wrong in ([1, 1, 1], [0.6, 0.6, -0.2]):
        assert gradient_report(median, np.ones(3), grad=lambda x, g=wrong: np.array(g, float)).verdict == "disagree"


def network(seed: int, rows: int, sizes: tuple[int, ...], at_0: float, zero: str) -> tuple[Any, Any, Any]:
    """A regression by a relu network with zero biases: loss, gradient with some slope of relu at 0, parameters."""
    rng = np.random.default_rng(seed)
    data, target = rng.normal(size=(rows, sizes[0])), rng.normal(size=rows)
    data[0] *= zero != "a row"
    layers = range(len(sizes) - 1)
    point = {f"w{k}": rng.normal(size=sizes[k : k + 2]) for k in layers} | {
        f"b{k}": np.zeros(sizes[k + 1]) for k in layers
    }
    if zero == "w0":
        point["w0"] *= 0

    def forward(p: Any) -> tuple[list[Any], list[Any]]:
        inputs, sums = [data], []
        for k in layers:
            sums.append(inputs[-1] @ p[f"w{k}"] + p[f"b{k}"])
            inputs.append(sums[-1] if k == layers[-1] else np.maximum(sums[-1], 0))
        return inputs, sums

    def loss(p: Any) -> Any:
        return np.mean((forward(p)[0][-1][:, 0] - target) ** 2)

    def gradient(p: Any) -> Any:
        (inputs, sums), found = forward(p), {}
        g = 2 * (inputs[-1] - target[:, None]) / rows
        for k in reversed(layers):
            if k < layers[-1]:
                g = g * np.where(sums[k] == 0, at_0, sums[k] > 0)
            found |= {f"w{k}": inputs[k].T @ g, f"b{k}": g.sum(axis=0)}
            g = g @ p[f"w{k}"].T
        return {name: found[name] for name in p}

    return loss, gradient, point


@pytest.mark.parametrize("at_0", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("zero", ["a row", "w0"])
@pytest.mark.parametrize("sizes", [(3, 4, 1), (5, 8, 8, 1)])
def test_networks_at_zero_raise_no_alarm_whatever_the_slope_of_relu_at_0(
    sizes: tuple[int, ...], zero: str, at_0: float
) -> None:
    for seed in range(2):
        loss, gradient, point = network(seed, 6, sizes, at_0, zero)
        report = gradient_report(loss, point, grad=gradient)
        assert report.ok, report


def test_a_slope_of_relu_outside_of_its_sides_is_a_mistake_in_a_network() -> None:
    loss, gradient, point = network(0, 6, (3, 4, 1), 2.0, "a row")
    assert gradient_report(loss, point, grad=gradient).verdict == "disagree"
    assert gradient_report(loss, point).ok


# ------------------------------------------------------------------------------------------------------- its cost


def spent(f: Any, x: Any, **claim: Any) -> int:
    """Calls of f that the verdict at the kink took."""
    calls = []

    def counting(claimed: Any, trial: Any) -> Any:
        before = trial.subject.evaluator.count
        result = judge_kinks(claimed, trial)
        calls.append(trial.subject.evaluator.count - before)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradients, "judge_kinks", counting)
        gradient_report(f, x, **claim)
    return max(calls)


@pytest.mark.parametrize("size", [2, 8, 30, 300])
@pytest.mark.parametrize("gradient", [winners, shared, first, none])
def test_the_verdict_at_a_kink_takes_few_calls(size: int, gradient: Any) -> None:
    assert spent(np.max, np.ones(size), grad=gradient) <= MOST
    at_tie = gradient(np.ones(size))
    assert spent(np.max, np.ones(size), grad=lambda x: at_tie) <= MOST
    assert spent(np.sort, np.ones(size), vjp=lambda g, x: g) <= MOST


def test_away_from_kinks_it_takes_none() -> None:
    x = np.linspace(0.1, 1.0, 5)
    assert spent(lambda x: np.sum(np.sin(x)), x, grad=np.cos) == 0
    assert spent(lambda x: np.sum(np.sin(x)), x, grad=lambda x: 2 * np.cos(x)) == 0


def test_what_the_budget_leaves_out_is_said() -> None:
    f = lambda x: np.abs(x[0] - x[1])  # noqa: E731
    whole = gradient_report(f, np.ones(2), grad=lambda x: np.array([1.0, 1.0]))
    assert is_refused(whole)
    for evaluations in range(50, whole.evaluations, 100):
        report = gradient_report(f, np.ones(2), grad=lambda x: np.array([1.0, 1.0]), evaluations=evaluations)
        assert report.verdict != "agree" or any("budget" in remark for remark in report.remarks), report


# ---------------------------------------------------------------------------------------------- other arithmetic


def test_arguments_of_float32_are_judged_alike() -> None:
    x = np.ones(3, dtype=np.float32)
    for gradient, right in ((winners, False), (shared, True)):
        for f in (np.max, lambda x: np.max(x.astype(np.float32))):
            report = gradient_report(f, x, grad=lambda x, gradient=gradient: gradient(x).astype(x.dtype))
            assert report.ok if right else is_refused(report), report


def test_a_kernel_in_float32_is_judged_alike() -> None:
    """Points closer than its rounding do not show a jump of its gradient."""
    f = lambda x: float(np.max(x.astype(np.float32) * np.float32(1.5)))  # noqa: E731
    assert is_refused(gradient_report(f, np.ones(3), grad=lambda x: 1.5 * winners(x.astype(np.float32))))
    assert gradient_report(f, np.ones(3), grad=lambda x: 1.5 * shared(x.astype(np.float32))).ok


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.max(x, axis=1), np.ones((4, 3))),
        (np.sort, np.ones(6)),
        (lambda x: np.median(x), np.ones(7)),
        (lambda x: np.sum(np.sort(x)[-3:]), np.ones(7)),
        (lambda x: np.linalg.norm(x), np.zeros(5)),
        (lambda x: np.sum(np.abs(np.diff(x))), np.ones(8)),
        (lambda x: np.max(x.reshape(-1, 4), axis=1), np.zeros(200)),
        (lambda x: np.sum(minigrad.relu(x @ np.ones((3, 4)))), np.zeros((2, 3))),
    ],
    ids=["max", "sort", "median", "top three", "norm", "total variation", "max-pool", "relu layer"],
)
def test_minigrads_own_derivatives_raise_no_alarm_at_ties(f: Any, x: Any) -> None:
    report = gradient_report(f, x)
    assert report.ok, report


@pytest.mark.parametrize("size", [3, 7, 9])
def test_a_median_of_equal_numbers_shares_its_gradient_and_has_one(size: int) -> None:
    """Along each axis it stands still: entries one by one would agree with zeros, and with nothing else."""
    x = np.ones(size)

    def even(x: Any) -> Any:
        return (x == np.median(x)) / np.sum(x == np.median(x))

    assert gradient_report(np.median, x, grad=even).ok
    assert gradient_report(np.median, x, grad=np.zeros_like).verdict == "disagree"
