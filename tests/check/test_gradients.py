"""check_grads as a whole: nesting, orders, modes, budgets, and functions that do not behave."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from check.numeric.test_flattening import Bare, Jaxlike, Torchlike

import minigrad
from minigrad import GradientMismatch, GradientUnresolved, check_grads, gradient_report
from minigrad.errors import ArgumentError, DTypeError, ShapeError

X = np.array([0.7, -1.3, 2.0])


def squares(x: Any) -> Any:
    return np.sum(x**2)


def kinds(report: Any) -> set[str]:
    return {finding.kind for finding in report.findings}


# ------------------------------------------------------------------------------------ three verdicts


def test_right_is_returned_wrong_and_unresolved_are_raised() -> None:
    assert check_grads(squares, X, grad=lambda x: 2 * x).ok
    with pytest.raises(AssertionError) as wrong:
        check_grads(squares, X, grad=lambda x: -2 * x)
    assert isinstance(wrong.value, GradientMismatch) and kinds(wrong.value.report) == {"sign"}

    def jumps(x: Any) -> Any:
        return np.sum(x >= 0.7) * 1.0

    with pytest.raises(GradientUnresolved) as unresolved:
        check_grads(jumps, X, grad=lambda x: 0 * x)
    assert "jump" in kinds(unresolved.value.report)
    report = check_grads(jumps, X, grad=lambda x: 0 * x, allow_unresolved=True)
    assert report.verdict == "unresolved" and not report.ok


def test_a_wrong_gradient_is_raised_although_unresolved_is_allowed() -> None:
    with pytest.raises(GradientMismatch):
        check_grads(squares, X, grad=lambda x: x, allow_unresolved=True)


# ------------------------------------------------------------------------------------ arguments


def test_an_entry_is_named_by_its_path() -> None:
    params = {"w": [np.ones((3, 2)), 0.5], "name": "layer", "n": 3, "on": True, "none": None}

    def f(params: Any, mask: Any) -> Any:
        assert params["name"] == "layer" and params["n"] == 3 and params["on"] is True and params["none"] is None
        return np.sum(params["w"][0] ** 2 * mask) * params["w"][1] * params["n"]

    def grad(params: Any, mask: Any) -> Any:
        w, c = params["w"]
        of_w = 2 * w * mask * c * 3
        of_w[2, 1] *= 1.5
        return {"w": [of_w, np.sum(w**2 * mask) * 3], "name": None, "n": None, "on": None, "none": None}, None

    (finding,) = gradient_report(f, (params, np.array([1, 2])), grad=grad).findings
    assert finding.path == "params['w'][0]" and finding.index == (2, 1)
    assert finding.place == "params['w'][0][2, 1]"


@pytest.mark.parametrize("argnums", [1, -2, (1,), [-2], np.int64(1)])
def test_only_the_chosen_argument_is_looked_at(argnums: Any) -> None:
    def f(a: Any, b: Any, c: Any) -> Any:
        return np.sum(a * b * c)

    args = (X, X + 1, X + 2)
    assert check_grads(f, args, grad=lambda a, b, c: a * c, argnums=argnums).ok
    report = gradient_report(f, args, grad=lambda a, b, c: a * b, argnums=argnums)
    assert report.verdict == "disagree" and report.findings[0].path == "b" and report.entries == 3


@pytest.mark.parametrize("argnums", [2, -3, (0, 5), "x"])
def test_an_argument_that_is_not_there_is_refused(argnums: Any) -> None:
    with pytest.raises(ArgumentError, match=r"argnums=.* of a function of 2 positional arguments"):
        gradient_report(lambda a, b: np.sum(a * b), (X, X), argnums=argnums)


def test_integers_alone_are_refused_with_a_remedy() -> None:
    with pytest.raises(ArgumentError, match=r"(?s)nothing to differentiate.*write"):
        gradient_report(squares, np.arange(3))


@pytest.mark.parametrize("x", [0.5, np.float64(0.5), np.array(0.5), np.array([0.5]), np.array([[[0.5]]])])
def test_one_number_of_any_shape(x: Any) -> None:
    assert check_grads(squares, x, grad=lambda x: 2 * x).ok and check_grads(squares, x).ok
    assert gradient_report(squares, x, grad=lambda x: 3 * x).verdict == "disagree"


@pytest.mark.parametrize("x", [np.zeros(0), np.zeros((3, 0))])
def test_no_numbers_at_all(x: Any) -> None:
    assert check_grads(squares, x, grad=lambda x: 2 * x).ok and check_grads(squares, x).ok
    assert kinds(gradient_report(squares, x, grad=lambda x: np.zeros(4))) == {"shape"}


def test_single_precision_is_promoted_for_the_function_and_for_its_gradient() -> None:
    x = X.astype(np.float32)
    report = check_grads(squares, x, grad=lambda x: 2 * x)
    assert report.resolving_power < 1e-9
    wrong = gradient_report(squares, x, grad=lambda x: 2 * x * (1 + 1e-8))
    assert wrong.verdict == "disagree"


@pytest.mark.parametrize("kind", [Torchlike, Jaxlike])
def test_arrays_of_others_by_what_they_can_do(kind: Any) -> None:
    def f(x: Any) -> Any:
        assert isinstance(x, kind)
        return kind(np.sum(x.data**2))

    assert check_grads(f, kind(X), grad=lambda x: kind(2 * x.data)).ok
    assert kinds(gradient_report(f, kind(X), grad=lambda x: kind(-2 * x.data))) == {"sign"}


def test_what_only_numpy_can_read() -> None:
    assert check_grads(squares, Bare(), grad=lambda x: 2 * x).ok
    assert kinds(gradient_report(squares, Bare(), grad=lambda x: x)) == {"factor"}


# ------------------------------------------------------------------------------------ functions


def test_a_function_that_writes_into_its_input() -> None:
    def f(x: Any) -> Any:
        x *= 2
        return np.sum(x)

    report = gradient_report(f, X, grad=lambda x: np.full(3, 2.0))
    assert X.tolist() == [0.7, -1.3, 2.0] and kinds(report) == {"impure"} and report.findings[0].path == "x"
    assert report.verdict == "unresolved"  # its gradient is right
    wrong = gradient_report(f, X, grad=lambda x: np.full(3, 4.0))
    assert wrong.verdict == "disagree" and "impure" in kinds(wrong)


def test_a_random_function_is_called_so() -> None:
    rng = np.random.default_rng(0)
    report = gradient_report(lambda x: np.sum(x * rng.normal(size=3)), X, grad=lambda x: x)
    assert report.verdict == "unresolved" and kinds(report) == {"random"}


def test_a_function_that_raises_at_the_point() -> None:
    def f(x: Any) -> Any:
        raise ZeroDivisionError("no")

    report = gradient_report(f, X, grad=lambda x: x)
    assert report.verdict == "unresolved" and "ZeroDivisionError at the point: no" in str(report)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_function_that_is_not_finite_at_the_point(value: float) -> None:
    report = gradient_report(lambda x: np.sum(x) * value, X, grad=lambda x: x)
    assert report.verdict == "unresolved" and kinds(report) == {"not finite"}


def test_a_function_that_raises_somewhere_nearby_is_checked_and_that_is_said() -> None:
    def f(x: Any) -> Any:
        if np.any(np.abs(x) > 2.05):
            raise ValueError("out of range")
        return np.sum(x**2)

    assert "nearby, the function raised ValueError: out of range" in str(check_grads(f, X, grad=lambda x: 2 * x))
    assert gradient_report(f, X, grad=lambda x: 2.1 * x).verdict == "disagree"


def test_a_gradient_function_that_raises_is_wrong() -> None:
    def grad(x: Any) -> Any:
        raise IndexError("beyond")

    report = gradient_report(squares, X, grad=grad)
    assert kinds(report) == {"raised"} and "IndexError: beyond" in str(report)


def test_no_number_out_is_refused() -> None:
    with pytest.raises(DTypeError, match="gave no real numbers"):
        gradient_report(lambda x: "text", X, grad=lambda x: x)


def test_a_gradient_of_an_array_is_refused_with_a_remedy() -> None:
    with pytest.raises(ShapeError, match=r"(?s)one number.*vjp="):
        gradient_report(np.sin, X, grad=np.cos)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("x", [X, np.geomspace(1e-6, 1e6, 30) / 3])
def test_the_verdict_does_not_depend_on_the_scale(scale: float, x: Any) -> None:
    def f(x: Any) -> Any:
        return scale * np.sum(np.log1p(x**2))

    assert check_grads(f, x, grad=lambda x: scale * 2 * x / (1 + x**2)).ok
    wrong = gradient_report(f, x, grad=lambda x: scale * 2 * x / (1 + x**2) * (1 + 1e-5))
    assert wrong.verdict == "disagree"


# ------------------------------------------------------------------------------------ own derivatives


def frozen(x: Any) -> Any:
    """Its numbers, without whatever they were computed from: how second derivatives are lost."""
    return x.data if isinstance(x, minigrad.Value) else x


# Of x³: each has the slope 3x² at every point, but not the derivatives of that.
PLANTED = {
    2: lambda g, y, x: g * 3 * x * frozen(x),
    3: lambda g, y, x: g * (3 * x**2 + (x - frozen(x)) ** 2),
    None: lambda g, y, x: g * 3 * x**2,
}


@pytest.fixture(params=PLANTED)
def cube(request: pytest.FixtureRequest) -> Iterator[tuple[int | None, Any]]:
    """An op, and the lowest order at which its derivatives are wrong."""
    rule = PLANTED[request.param]
    function = minigrad.custom(lambda x: x * x * x, vjp=rule, jvp=rule, name="planted_cube")
    yield request.param, function
    minigrad.forget(function)


def test_a_rule_that_is_wrong_from_some_order_on_is_right_below(cube: tuple[int | None, Any]) -> None:
    wrong_from, function = cube
    for order in (1, 2, 3):
        report = gradient_report(lambda x: np.sum(function(x)), X[:2], order=order)
        assert report.verdict == ("disagree" if wrong_from is not None and order >= wrong_from else "agree"), report
        assert report.ok or f"derivative of order {wrong_from}" in str(report)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_own_derivatives_of_every_order(order: int) -> None:
    report = check_grads(lambda x, w: np.sum(np.tanh(x * w) * w), (X[:2], 0.5), order=order)
    assert report.resolving_power < 1e-6


@pytest.mark.parametrize("order", [0, 4, 1.5, "2"])
def test_no_other_order(order: Any) -> None:
    with pytest.raises(ArgumentError, match="order is 1, 2 or 3"):
        gradient_report(squares, X, order=order)


def test_an_order_of_a_given_derivative_is_refused_with_a_remedy() -> None:
    with pytest.raises(ArgumentError, match=r"(?s)order= works only for minigrad's own.*jac=my_hessian"):
        gradient_report(squares, X, grad=lambda x: 2 * x, order=2)


@pytest.mark.parametrize(
    ("modes", "verdict"), [("rev", "agree"), ("fwd", "disagree"), (("rev", "fwd"), "disagree")]
)
def test_only_the_modes_asked_for(modes: Any, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from minigrad.check.comparison import minigrad_candidate

    right = minigrad_candidate.jvp
    monkeypatch.setattr(minigrad_candidate, "jvp", lambda *a: (right(*a)[0], right(*a)[1] * 1.5))
    assert gradient_report(lambda x: np.sin(x) * x, X, modes=modes).verdict == verdict


@pytest.mark.parametrize("modes", ["reverse", (), ("rev", "both")])
def test_no_other_mode(modes: Any) -> None:
    with pytest.raises(ArgumentError, match="modes"):
        gradient_report(squares, X, modes=modes)


# ------------------------------------------------------------------------------------ Hessians


def cubes(x: Any) -> Any:
    return np.sum(x**3) + x[0] * x[1]


def hessian(x: Any) -> Any:
    h = np.diag(6 * x)
    h[0, 1] = h[1, 0] = 1.0
    return h


def half_wrong(x: Any) -> Any:
    h = hessian(x)
    h[2, 2] *= 1 + 1e-4
    return h


def opaque(x: Any) -> Any:
    """The same function, through which minigrad sees nothing."""
    return cubes(np.array([float(v) for v in x]))


BESIDE: dict[str, tuple[Any, dict[str, Any]]] = {
    "a gradient": (opaque, {"grad": lambda x: 3 * x**2 + np.array([x[1], x[0], 0.0])}),
    "minigrad's own": (cubes, {}),
    "neither": (opaque, {}),
}


@pytest.mark.parametrize("beside", BESIDE)
def test_a_hessian_beside_whatever_there_is(beside: str) -> None:
    f, given = BESIDE[beside]
    assert check_grads(f, X, hess=hessian, **given).ok
    wrong = gradient_report(f, X, hess=half_wrong, **given)
    assert wrong.verdict == "disagree", wrong
    assert any(finding.index and set(finding.index) == {2} for finding in wrong.findings), wrong


def test_a_hessian_that_is_not_symmetric() -> None:
    report = gradient_report(cubes, X, hess=lambda x: hessian(x) + np.eye(3, k=1) * 0.1)
    assert "asymmetric" in kinds(report)


# ------------------------------------------------------------------------------------ budgets, seeds


def test_a_budget_that_ends_before_anything_was_compared_is_unresolved() -> None:
    report = gradient_report(squares, X, grad=lambda x: 3 * x, evaluations=10)
    assert report.verdict == "unresolved" and kinds(report) == {"budget"} and report.evaluations <= 10
    assert "before any comparison" in str(report)


def test_what_a_budget_did_not_reach_is_said() -> None:
    x = np.linspace(0.1, 1, 60)
    full = gradient_report(squares, x, grad=lambda x: 2 * x)
    part = gradient_report(squares, x, grad=lambda x: 2 * x, evaluations=full.evaluations // 2)
    assert "the budget ran out before all random directions were checked" in str(part)


def test_a_budget_of_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    from minigrad.check.numeric import evaluation

    clock = itertools.count()
    monkeypatch.setattr(evaluation.time, "monotonic", lambda: float(next(clock)))
    report = gradient_report(squares, X, grad=lambda x: 2 * x, seconds=0.5)
    assert report.verdict == "unresolved" and kinds(report) == {"budget"}


@pytest.mark.parametrize("n", [3, 150])
def test_the_same_seed_gives_the_same_page(n: int) -> None:
    x = np.linspace(-1, 2, n)

    def page(seed: int) -> str:
        return str(gradient_report(lambda x: np.exp(x).sum() * x[0], x, grad=lambda x: np.exp(x) * x[0], seed=seed))

    assert page(1) == page(1) and page(7) == page(7)


def test_no_argument_chosen_is_refused_and_not_all_of_them_checked() -> None:
    with pytest.raises(ArgumentError, match="leaves nothing"):
        gradient_report(lambda x, y: x * y, (1.0, 2.0), argnums=())


@pytest.mark.parametrize("args", [[2.0, 3.0], 2.0, (1.0, 2.0, 3.0)])
def test_arguments_that_a_function_does_not_take_are_refused_with_a_remedy(args: Any) -> None:
    with pytest.raises(ArgumentError, match="a tuple args holds the positional arguments"):
        gradient_report(lambda x, y: x * y, args, grad=lambda x, y: (y, x))


def test_a_type_error_of_the_functions_own_is_told_as_such() -> None:
    report = gradient_report(lambda x: len(x), 2.0, grad=lambda x: 0.0)
    assert report.findings[0].kind == "not finite" and "has no len" in report.findings[0].sentence


@pytest.mark.parametrize(
    ("point", "given"),
    [
        ({"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 1.0, "c": 3.0}),
        ([1.0, 2.0], [2.0, 1.0, 3.0]),
        ({"a": 1.0, "b": [2.0]}, {"a": 2.0, "b": [1.0, 7.0]}),
    ],
)
def test_a_gradient_of_what_is_no_argument_is_not_passed_over(point: Any, given: Any) -> None:
    def f(p: Any) -> Any:
        a, b = p.values() if isinstance(p, dict) else p
        return a * (b[0] if isinstance(b, list) else b)

    report = gradient_report(f, (point,), grad=lambda p: given)
    assert [finding.kind for finding in report.findings] == ["structure"], report


def test_the_order_of_bytes_is_no_other_type() -> None:
    assert check_grads(lambda x: np.sum(x**2), np.array([1.0, 2.0], dtype=">f8"), grad=lambda x: 2 * x).ok


def test_an_infinite_argument_warns_of_nothing() -> None:
    with np.errstate(all="raise", divide="ignore"):
        assert gradient_report(lambda x: np.sum(1 / x), np.array([1.0, np.inf]), grad=lambda x: -1 / x**2).ok
