"""What a check costs, in calls of the function, and what it may say after so many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from counting import Counted

import minigrad
from minigrad import gradient_report
from minigrad.check.numeric.edges import is_flat_to_an_edge


def sines(x: Any) -> Any:
    return np.sum(np.sin(x))


def spoiled(g: Any, i: int, factor: float) -> Any:
    g = np.array(g)
    g[i] *= factor
    return g


def report_on(f: Callable[..., Any], x: Any, **given: Any) -> tuple[minigrad.check.Report, int]:
    """The report, and the calls of the function: those that it counts, and a few that look into its graph."""
    counted = Counted(f)
    report = gradient_report(counted, x, **given)
    assert report.evaluations <= counted.calls <= report.evaluations + 40 + 2 * report.entries * (not report.ok)
    return report, counted.calls


SIZES = [1, 2, 3, 4, 5, 100, 10_000]
DERIVATIVES: dict[str, tuple[Callable[..., Any], dict[str, Callable[..., Any]]]] = {
    "grad": (sines, {"grad": np.cos}),
    "vjp": (np.tanh, {"vjp": lambda g, x: g * (1 - np.tanh(x) ** 2)}),
    "jvp": (np.tanh, {"jvp": lambda args, t: t[0] * (1 - np.tanh(args[0]) ** 2)}),
    "jac": (lambda x: np.array([sines(x), np.sum(x * x)]), {"jac": lambda x: np.stack([np.cos(x), 2 * x])}),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", DERIVATIVES)
def test_a_right_derivative_takes_at_most_60_calls_at_any_size(kind: str, size: int) -> None:
    f, given = DERIVATIVES[kind]
    report, calls = report_on(f, np.linspace(-1, 2, size), **given)
    assert report.ok and calls <= 60 and report.resolving_power <= 1e-6, report


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["grad", "vjp"])
def test_so_it_does_with_a_million_entries(kind: str) -> None:
    f, given = DERIVATIVES[kind]
    report, calls = report_on(f, np.linspace(-1, 2, 10**6), **given)
    assert report.ok and calls <= 60 and report.resolving_power <= 1e-6, report


def test_a_second_derivative_to_check_shares_the_values_of_the_first() -> None:
    x = np.linspace(-1, 2, 50)
    one = DERIVATIVES["vjp"][1]
    _, alone = report_on(np.tanh, x, **one)
    report, both = report_on(np.tanh, x, **one, **DERIVATIVES["jvp"][1])
    assert report.ok and both == alone


def test_each_further_argument_adds_no_calls_where_all_of_them_show() -> None:
    a, b, c = (np.random.default_rng(k).normal(size=20) for k in range(3))
    report, calls = report_on(
        lambda a, b, c: np.sum(np.tanh(a * b) + c * b),
        (a, b, c),
        grad=lambda a, b, c: (b / np.cosh(a * b) ** 2, a / np.cosh(a * b) ** 2 + c, b),
    )
    assert report.ok and calls <= 60, report


def test_an_argument_that_contributes_little_is_compared_by_itself() -> None:
    a, b = np.linspace(0.1, 1, 20), np.linspace(0.2, 2, 20)

    def f(a: Any, b: Any) -> Any:
        return np.sum(np.sin(a)) + 1e-9 * np.sum(np.sin(b))

    def check(factor: float) -> tuple[minigrad.check.Report, int]:
        return report_on(f, (a, b), grad=lambda a, b: (np.cos(a), 1e-9 * np.cos(b) * factor))

    assert check(1.0)[0].verdict != "disagree"
    wrong, _ = check(1.5)
    assert wrong.verdict == "disagree" and wrong.findings[0].path == "args[1]", wrong


@pytest.mark.parametrize("size", [5, 100])
def test_a_kernel_in_single_precision_costs_the_same(size: int) -> None:
    x = np.linspace(0.1, 2, size).astype(np.float32)
    mix = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32) / np.float32(size**0.5)

    def f(x: Any) -> Any:
        return np.tanh(mix @ x.astype(np.float32))

    def vjp(g: Any, x: Any) -> Any:
        return ((g.astype(np.float32) * (1 - f(x) ** 2)) @ mix).astype(np.float32)

    report, calls = report_on(f, x, vjp=vjp)
    assert report.ok and calls <= 60, report
    wrong, _ = report_on(f, x, vjp=lambda g, x: vjp(g, x) * np.float32(1.1))
    assert wrong.verdict == "disagree", wrong


def test_one_wrong_entry_of_many_is_found_in_600_calls() -> None:
    x = np.linspace(-1, 2, 30_000)
    report, calls = report_on(sines, x, grad=lambda x: spoiled(np.cos(x), 12_345, 1.01))
    assert report.findings[0].index == (12_345,) and report.findings[0].kind == "entries" and calls <= 600, report


def test_a_factor_of_many_entries_is_named_in_600_calls() -> None:
    report, calls = report_on(sines, np.linspace(-1, 2, 30_000), grad=lambda x: 1.01 * np.cos(x))
    assert report.findings[0].kind == "factor" and calls <= 600, report


@pytest.mark.parametrize("zeros", [1, 3, 40])
def test_kinks_take_at_most_600_calls(zeros: int) -> None:
    x = np.random.default_rng(0).normal(size=1000)
    x[:zeros] = 0
    report, calls = report_on(lambda x: np.sum(np.maximum(x, 0) * 3), x, grad=lambda x: 3.0 * (x > 0))
    assert report.ok and calls <= 600 and any(f.kind == "kink" for f in report.findings), report


def test_each_of_a_hundred_entries_at_a_kink_is_looked_at() -> None:
    def check(slope: float) -> bool:
        return report_on(
            lambda x: np.sum(np.maximum(x, 0)), np.zeros(100), grad=lambda x: spoiled(0.5 + x, 50, slope)
        )[0].ok

    assert check(1.0) and check(2.0) and not check(-0.02) and not check(2.02)


@pytest.mark.parametrize("i", range(3))
def test_scales_that_differ_by_billions_hide_no_entry(i: int) -> None:
    for scales in (np.array([1e-9, 1.0, 1e9]), np.array([1e-9, 1e-4, 1.0, 1e4, 1e9])):
        at = [0, len(scales) // 2, len(scales) - 1][i]

        def f(x: Any, scales: Any = scales) -> Any:
            return np.sum((x / scales) ** 3)

        def grad(x: Any, scales: Any = scales) -> Any:
            return 3 * (x / scales) ** 2 / scales

        assert gradient_report(f, 0.7 * scales, grad=grad).ok
        wrong = gradient_report(f, 0.7 * scales, grad=lambda x, g=grad, k=at: spoiled(g(x), k, 1.5))
        assert wrong.verdict == "disagree", wrong


# ------------------------------------------------------------------------------------ budgets


@pytest.mark.parametrize("most", [8, 12, 20, 40])
def test_from_eight_evaluations_on_something_is_compared(most: int) -> None:
    x = np.linspace(0.3, 2, 4)
    right, calls = report_on(sines, x, grad=np.cos, evaluations=most)
    assert right.ok and calls <= most and right.resolving_power < 1e-4, right
    wrong, calls = report_on(sines, x, grad=lambda x: 3 * np.cos(x), evaluations=most)
    assert wrong.verdict == "disagree" and calls <= most, wrong


def test_less_is_not_enough_and_that_is_said() -> None:
    report, calls = report_on(sines, np.linspace(0.3, 2, 4), grad=np.cos, evaluations=5)
    assert report.verdict == "unresolved" and calls <= 5 and "before any comparison" in str(report)


def test_a_mistake_found_on_a_budget_has_a_kind_where_entries_were_looked_at() -> None:
    x = np.linspace(0.3, 2, 4)
    report, calls = report_on(sines, x, grad=lambda x: -np.cos(x), evaluations=40)
    assert report.findings[0].kind == "sign" and calls <= 40, report


def test_of_more_entries_than_a_budget_reaches_some_are_looked_at() -> None:
    x = np.linspace(0.3, 2, 30)
    report, calls = report_on(sines, x, grad=lambda x: 3 * np.cos(x), evaluations=60)
    assert report.findings[0].kind == "factor" and calls <= 60, report
    few, _ = report_on(sines, x, grad=lambda x: 3 * np.cos(x), evaluations=8)
    assert few.verdict == "disagree" and "stands out" not in str(few), few


def test_on_a_budget_a_kink_is_no_mistake() -> None:
    x = np.array([0.0, 0.5, 1.0, -2.0])
    for most in range(8, 60, 4):
        report = gradient_report(lambda x: np.sum(np.abs(x)), x, grad=np.sign, evaluations=most)
        assert report.verdict != "disagree", report


# ------------------------------------------------------------------------------------ what is needed


def rough(size: float) -> Callable[[Any], Any]:
    """The sum of sines with noise: the same at the same point, and another one at any other."""

    def f(x: Any) -> Any:
        seed = np.frombuffer(np.asarray(x, float).tobytes(), np.uint32)
        return sines(x) + size * np.random.default_rng(seed).normal()

    return f


HALF = np.array([1.0, 1.5, 1.0, 1.0])
FOUR = np.array([0.3, 0.7, -1.1, 2.0])


def test_noise_hides_no_large_error_and_what_is_needed_decides() -> None:
    f = rough(1e-3)
    assert gradient_report(f, FOUR, grad=lambda x: np.cos(x) * HALF).verdict == "disagree"
    assert gradient_report(f, FOUR, grad=lambda x: np.cos(x) * HALF, need=0.5).verdict == "disagree"
    right = gradient_report(f, FOUR, grad=np.cos, need=0.5)
    assert right.ok and right.resolving_power <= 0.5, right
    untold = gradient_report(f, FOUR, grad=np.cos)
    assert untold.verdict == "unresolved" and 0 < untold.resolving_power < 1, untold
    assert "in an entry would show" in str(untold)


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_a_solver_that_stops_early_agrees_as_far_as_is_needed(size: int) -> None:
    x = np.linspace(0.3, 2, size)

    def early(x: Any) -> Any:
        return np.cos(x) * (1 + 5e-8 * np.sin(99 * x))

    assert gradient_report(sines, x, grad=early).verdict == "disagree"
    right = gradient_report(sines, x, grad=early, need=1e-6)
    assert right.ok and right.resolving_power <= 1e-6, right
    assert gradient_report(sines, x, grad=lambda x: spoiled(early(x), size // 2, 1 + 2e-6), need=1e-6).verdict == (
        "disagree"
    )


def test_more_than_the_noise_shows_is_not_agreed_to() -> None:
    report = gradient_report(rough(1e-6), FOUR, grad=np.cos, need=1e-9)
    assert report.verdict == "unresolved", report


# ------------------------------------------------------------------------------------ below resolution


@pytest.mark.parametrize(
    ("f", "x", "grad"),
    [
        (np.expm1, -40.0, lambda x: 0.0),
        (np.expm1, -40.0, np.exp),
        (lambda x: np.sum(1 / (1 + np.exp(-x))), np.array([40.0, 41.0]), lambda x: 2 * np.exp(-x)),
        (lambda x: np.sum(np.expm1(x)), -np.linspace(40.0, 45.0, 6), lambda x: 0 * x),
        (lambda x: 1 + np.sum(np.exp(-x * x)), np.linspace(10.0, 14.0, 5), lambda x: 0 * x),
    ],
)
def test_where_every_entry_is_below_resolution_there_is_no_power_and_no_agreement(
    f: Any, x: Any, grad: Any
) -> None:
    report = gradient_report(f, x, grad=grad)
    assert report.verdict == "unresolved" and report.resolving_power == np.inf, report
    assert "errors of the function's values hide it" in " ".join(str(report).split())


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.sum(np.clip(x, 0, 1)), np.array([5.0, 6.0, 7.0, 8.0])),
        (lambda x: np.sum(np.clip(x, 0, 1)), np.array([5.0])),
        (lambda x: 1 + np.sum(np.maximum(x, 0)), -np.arange(1.0, 6.0)),
        (lambda x: np.sum(np.maximum(x, 0)), -np.arange(1.0, 6.0)),
        (lambda x: 3.0 + 0 * np.sum(x), np.ones(5)),
    ],
)
def test_where_a_function_is_flat_up_to_an_edge_zero_is_right(f: Any, x: Any) -> None:
    assert gradient_report(f, x, grad=lambda x: 0 * x).ok
    assert gradient_report(f, x, grad=lambda x: 1e-9 + 0 * x).verdict == "disagree"


@pytest.mark.parametrize("f", [lambda x: np.sum(x**2), lambda x: 3 + np.sum(x**2), lambda x: np.sum(np.cosh(x))])
def test_at_a_minimum_zero_is_right(f: Any) -> None:
    report, calls = report_on(f, np.zeros(5), grad=lambda x: 0 * x)
    assert report.ok and calls <= 60, report


def test_an_edge_is_told_from_a_tail() -> None:
    def changes(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda ts: np.abs(f(ts) - f(np.zeros(1)))

    floor = 2.0**-51
    assert is_flat_to_an_edge(changes(lambda t: np.minimum(3 - t, 1.0)), 1.0, floor)
    assert is_flat_to_an_edge(changes(lambda t: np.where(t > -3, 1.0, 9.0)), 1.0, floor)
    assert not is_flat_to_an_edge(changes(lambda t: 1 / (1 + np.exp(t - 40))), 1.0, floor)
    assert not is_flat_to_an_edge(changes(lambda t: 1 + np.exp(-((t - 10) ** 2))), 1.0, floor)
    assert not is_flat_to_an_edge(changes(lambda t: t), 1.0, floor)


# ------------------------------------------------------------------------------------ words


def test_a_factor_close_to_one_is_in_brackets_and_the_difference_is_relative() -> None:
    page = str(gradient_report(sines, np.linspace(0.3, 2, 8), grad=lambda x: np.cos(x) * (1 + 1e-4)))
    assert "given = (1 + 0.0001) × reference" in page and "off by 0.01 %" in page, page


def test_an_agreement_at_kinks_does_not_say_that_nothing_is_ruled_out() -> None:
    page = str(gradient_report(lambda x: np.sum(np.abs(x)), np.zeros(3), grad=lambda x: 0 * x))
    assert "agree" in page and "no error is ruled out" not in page, page
