"""Checkers of gradients and numerical derivatives, ours and others:  python -m tests.bench.checkers

Prints two tables in Markdown. Peers that are not installed are named and left out;
each runs in a process of its own.
"""

from __future__ import annotations

import importlib.util
import json
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .measure import clean_environment, in_own_process

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "support")]

Real = Callable[[np.ndarray], np.ndarray]
EVERY = 12  # of the points of each function, one in so many
# What each side needs, in the order of the tables.
NUMERICAL = {
    "minigrad": "minigrad",
    "scipy.differentiate": "scipy",
    "numdifftools": "numdifftools",
    "jacobi": "jacobi",
}
CHECKERS = {
    "minigrad": "minigrad",
    "torch gradcheck": "torch",
    "torch gradcheck, fast": "torch",
    "jax check_grads": "jax",
    "autograd check_grads": "autograd",
    "scipy check_grad": "scipy",
}


# --------------------------------------------------------------------------------- numerical derivatives


def numerical(side: str) -> Callable[[Any, float], tuple[float, float]]:
    """A function (f, x) to a derivative and the error that is stated of it."""
    if side == "minigrad":
        import minigrad

        def ours(f: Any, x: float) -> tuple[float, float]:
            found = minigrad.derivative(f, x)
            return float(found.value), float(found.error)

        return ours
    if side == "scipy.differentiate":
        from scipy.differentiate import derivative

        def scipys(f: Any, x: float) -> tuple[float, float]:
            found = derivative(np.vectorize(f, otypes=[float]), x)
            return float(found.df), float(found.error)

        return scipys
    if side == "numdifftools":
        from numdifftools import Derivative

        def tools(f: Any, x: float) -> tuple[float, float]:
            found = Derivative(np.vectorize(f, otypes=[float]), full_output=True)(x)
            return float(found.estimate), float(found.error_estimate)

        return tools
    from jacobi import jacobi

    def jacobis(f: Any, x: float) -> tuple[float, float]:
        value, error = jacobi(f, x)
        return float(value), float(error)

    return jacobis


class Counted:
    """A function that gives nan where it is not defined, and counts its calls."""

    def __init__(self, f: Callable[[float], float]) -> None:
        self.f, self.calls = f, 0

    def __call__(self, x: Any) -> float:
        self.calls += 1
        try:
            return self.f(float(x))
        except (ArithmeticError, ValueError):
            return math.nan


def accuracy(side: str) -> dict[str, float]:
    """How a numerical derivative does on the functions of one number that ours was not tuned on."""
    from check.scalars.held_out import HELD_OUT

    find, errors, honest, calls = numerical(side), [], [], []
    for scalar in HELD_OUT:
        for x in scalar.points()[::EVERY]:
            f, truth = Counted(scalar), float(scalar.truth(x))
            try:
                value, bar = find(f, x)
            except Exception:
                value, bar = math.nan, math.nan
            miss = abs(value - truth)
            calls.append(f.calls)
            errors.append(miss / abs(truth) if truth and math.isfinite(miss) else math.inf)
            honest.append(bar == math.inf or miss <= bar)
    return {
        "points": len(errors),
        "median": float(np.median(errors)),
        "p95": float(np.quantile(errors, 0.95, method="lower")),
        "none": float(np.mean(np.isinf(errors))),
        "honest": float(np.mean(honest)),
        "calls": float(np.median(calls)),
    }


# --------------------------------------------------------------------------------------------- checkers


def of_zoo() -> Iterator[tuple[str, Real, Any, np.ndarray, bool]]:
    """The zoo's gradients of a number in one row of numbers, right and wrong: what every peer can be asked."""
    from check import zoo

    for case in (*zoo.MISTAKES, *zoo.RIGHT):
        f, args, given = case.fresh()
        x = args[0] if isinstance(args, tuple) and len(args) == 1 else args
        row = isinstance(x, np.ndarray) and x.dtype == np.float64 and x.ndim == 1 and x.size > 0
        if case.flavour == "grad" and row and case.verdicts in (("agree",), ("disagree",)):
            yield case.name, f, given["grad"], x, case.verdict == "agree"


def hazards() -> Iterator[tuple[str, Real, Any, np.ndarray, bool]]:
    """A name, f, the factor by which its backward multiplies a cotangent, a point, and whether that is right."""
    rng = np.random.default_rng(0)
    x30, x200, x5 = rng.normal(size=30), rng.normal(size=200), rng.uniform(0.5, 1.5, 5)
    one = np.ones(200)
    one[17] = 0.9
    yield "1e-7 sin x, twice", lambda x: 1e-7 * np.sin(x), lambda x: 2e-7 * np.cos(x), x5, False
    yield "1e-7 sin x, sign", lambda x: 1e-7 * np.sin(x), lambda x: -1e-7 * np.cos(x), x5, False
    yield "sin, an entry of 30 off by 10 %", np.sin, lambda x: one[:30] * np.cos(x), x30, False
    yield "sin, an entry of 200 off by 10 %", np.sin, lambda x: one * np.cos(x), x200, False
    yield "square, off by 0.05 %", lambda x: x * x, lambda x: 2.001 * x, x5, False
    yield "square, off by 5e-6", lambda x: x * x, lambda x: 2 * (1 + 5e-6) * x, x5, False
    yield "exp 30 x, off by 1e-7", lambda x: np.exp(30 * x), lambda x: 30 * (1 + 1e-7) * np.exp(30 * x), x5, False
    yield "tanh, y for y²", np.tanh, lambda x: 1 - np.tanh(x), x5, False
    yield "relu at 0", lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0), np.zeros(3), True
    yield "abs at 3e-7", np.abs, np.sign, np.full(3, 3e-7), True
    yield "x + 1e8", lambda x: x + 1e8, np.ones_like, x5, True
    yield "sin 1000 x", lambda x: np.sin(1000 * x), lambda x: 1000 * np.cos(1000 * x), x5, True
    yield "log at 1e-5", np.log, lambda x: 1 / x, np.full(3, 1e-5), True
    yield "sqrt at 1e-7", np.sqrt, lambda x: 0.5 / np.sqrt(x), np.full(3, 1e-7), True
    yield "square at 1e8", lambda x: x * x, lambda x: 2 * x, np.full(3, 1e8), True
    yield "1e-6 x² at 1e10", lambda x: 1e-6 * x * x, lambda x: 2e-6 * x, np.full(3, 1e10), True
    yield "exp 30 x", lambda x: np.exp(30 * x), lambda x: 30 * np.exp(30 * x), x5, True
    yield "1/x at 1e-3", lambda x: 1 / x, lambda x: -1 / x**2, np.full(3, 1e-3), True


def passes(side: str, f: Real, slope: Real, x: np.ndarray) -> bool:
    """Whether a checker takes slope(x) · cotangent for the backward of f."""
    try:
        return _PASSES[side](f, slope, x)
    except Exception:  # most checkers say no by raising; so does one that cannot tell
        return False


def _ours(f: Real, slope: Real, x: np.ndarray) -> bool:
    import minigrad

    given: dict[str, Any] = {"vjp": lambda g, x: g * slope(x)} if np.ndim(f(x.copy())) else {"grad": slope}
    return bool(minigrad.gradient_report(f, x, **given).ok)


def _torch(f: Real, slope: Real, x: np.ndarray, fast: bool = False) -> bool:
    import torch

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return torch.as_tensor(np.asarray(f(x.detach().numpy())))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * torch.as_tensor(np.asarray(slope(ctx.saved_tensors[0].detach().numpy())))

    at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    return bool(torch.autograd.gradcheck(Planted.apply, (at,), fast_mode=fast))


def _jax(f: Real, slope: Real, x: np.ndarray) -> bool:
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)

    def through(g: Real, at: Any) -> Any:
        shape = jax.ShapeDtypeStruct(np.shape(g(x.copy())), np.float64)
        return jax.pure_callback(lambda v: np.asarray(g(np.array(v)), dtype=np.float64), shape, at)

    planted = jax.custom_vjp(lambda x: through(f, x))
    planted.defvjp(lambda x: (through(f, x), x), lambda x, g: (g * through(slope, x),))
    check_grads(planted, (x,), order=1, modes=["rev"])
    return True


def _autograd(f: Real, slope: Real, x: np.ndarray) -> bool:
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    planted = primitive(lambda x: f(x))
    defvjp(planted, lambda y, x: lambda g: g * slope(x))
    check_grads(planted, modes=["rev"], order=1)(x)
    return True


def _scipy(f: Real, slope: Real, x: np.ndarray) -> bool:
    """It gives a number; the rule is its documentation's: about 1e-6, of the size of the gradient."""
    from scipy.optimize import check_grad

    error = check_grad(lambda v: float(np.sum(f(v))), lambda v: slope(v) * np.ones_like(v), x)
    return bool(error <= 1e-6 * max(1.0, float(np.linalg.norm(slope(x)))))


_PASSES: dict[str, Callable[[Real, Real, np.ndarray], bool]] = {
    "minigrad": _ours,
    "torch gradcheck": _torch,
    "torch gradcheck, fast": lambda f, slope, x: _torch(f, slope, x, fast=True),
    "jax check_grads": _jax,
    "autograd check_grads": _autograd,
    "scipy check_grad": _scipy,
}


def verdicts(side: str) -> list[str]:
    """Mistakes caught and alarms for nothing, in each set of cases."""
    np.random.seed(0)  # noqa: NPY002 - what peers draw directions from
    cells = []
    for cases in (hazards, of_zoo):
        answers = [(right, passes(side, f, slope, x)) for _, f, slope, x, right in cases()]
        wrong = [passed for right, passed in answers if not right]
        right = [passed for right, passed in answers if right]
        cells += [f"{wrong.count(False)} of {len(wrong)}", f"{right.count(False)} of {len(right)}"]
    return cells


# ------------------------------------------------------------------------------------------------ tables


def main() -> None:
    """Both tables."""
    clean_environment()
    print("| derivative of | evaluations | median error | 95 % | no answer | truth within its bar |")
    print("|---|---|---|---|---|---|")
    for side in installed(NUMERICAL):
        found = in_own_process("tests.bench.checkers", "accuracy", side)
        numbers = f"{found['calls']:.0f} | {found['median']:.1e} | {found['p95']:.1e} | {found['none']:.1%}"
        print(f"| {side} | {numbers} | {found['honest']:.1%} of {found['points']} |", flush=True)
    print(
        "\n| checker | mistakes caught | false alarms | of the zoo: caught | false alarms |\n|---|---|---|---|---|"
    )
    for side in installed(CHECKERS):
        print(f"| {side} | {' | '.join(in_own_process('tests.bench.checkers', 'verdicts', side))} |", flush=True)


def installed(sides: dict[str, str]) -> list[str]:
    """Those whose module is there; names the others, beside the table."""
    missing = [side for side, module in sides.items() if importlib.util.find_spec(module) is None]
    if missing:
        print(f"not installed: {', '.join(missing)}", file=sys.stderr)
    return [side for side in sides if side not in missing]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    if len(sys.argv) == 3:
        print(json.dumps({"accuracy": accuracy, "verdicts": verdicts}[sys.argv[1]](sys.argv[2])))
    else:
        main()
