"""What a checker finds, and what that costs:  python -m tests.bench.checker_effort

Prints a table in Markdown over the cases of `checked_functions`: mistakes caught, alarms for nothing, calls of the
functions, seconds. Every checker runs with its defaults, each in a process of its own; the same calls of the same
NumPy functions are counted for all.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .checked_functions import Checked, cases
from .checkers import installed  # its import makes tests/support one of the places to look
from .measure import clean_environment, in_own_process

from counting import Counted  # isort: skip

CHECKERS = {
    "minigrad": "minigrad",
    "torch gradcheck": "torch",
    "torch gradcheck, fast": "torch",
    "jax check_grads": "jax",
}


def _ours(case: Checked, f: Counted) -> bool:
    import minigrad

    return bool(minigrad.gradient_report(f, case.args, vjp=case.vjp, **case.options))


def _torch(case: Checked, f: Counted, fast: bool = False) -> bool:
    import torch

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *args: Any) -> Any:
            ctx.save_for_backward(*args)
            return torch.as_tensor(np.asarray(f(*(a.detach().numpy() for a in args))))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            found = case.vjp(g.numpy(), *(a.detach().numpy() for a in ctx.saved_tensors))
            return tuple(torch.as_tensor(np.asarray(part)) for part in found)

    at = tuple(torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in case.args)
    return bool(torch.autograd.gradcheck(Planted.apply, at, fast_mode=fast))


def _jax(case: Checked, f: Counted) -> bool:
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    like = jax.ShapeDtypeStruct(np.shape(f.f(*case.args)), np.float64)
    of_args = tuple(jax.ShapeDtypeStruct(a.shape, np.float64) for a in case.args)

    def forward(*args: Any) -> Any:
        return jax.pure_callback(lambda *v: np.asarray(f(*map(np.array, v)), dtype=np.float64), like, *args)

    def backward(args: Any, g: Any) -> Any:
        def call(g: Any, *v: Any) -> Any:
            return tuple(np.asarray(part, dtype=np.float64) for part in case.vjp(np.array(g), *map(np.array, v)))

        return jax.pure_callback(call, of_args, g, *args)

    planted = jax.custom_vjp(forward)
    planted.defvjp(lambda *args: (forward(*args), args), backward)
    check_grads(planted, case.args, order=1, modes=["rev"])
    return True


_PASSES: dict[str, Callable[[Checked, Counted], bool]] = {
    "minigrad": _ours,
    "torch gradcheck": _torch,
    "torch gradcheck, fast": lambda case, f: _torch(case, f, fast=True),
    "jax check_grads": _jax,
}


def effort(side: str) -> dict[str, Any]:
    """The verdicts of one checker, its calls and seconds; misses and alarms by name."""
    np.random.seed(0)  # noqa: NPY002 - what peers draw directions from
    check, found = _PASSES[side], {"calls": 0, "small": 0, "seconds": 0.0, "missed": [], "alarms": []}
    first = next(iter(cases()))
    check(first, Counted(first.f))  # what is imported at the first call is no part of the measurement
    for case in cases():
        f, start = Counted(case.f), time.perf_counter()
        try:
            passed = check(case, f)
        except Exception:  # most checkers say no by raising
            passed = False
        found["seconds"] += time.perf_counter() - start
        found["calls"] += f.calls
        found["small"] += f.calls * (sum(a.size for a in case.args) <= 1000)
        if passed != case.right:
            found["missed" if passed else "alarms"].append(case.name)
    return found


def by_size() -> None:
    """A table of our calls and seconds: from five to a million parameters, right and wrong."""
    import minigrad

    print("| parameters | right | one entry off by 1 % | all off by 1 % |\n|---|---|---|---|")
    for size in (5, 100, 10_000, 1_000_000):
        x, cells = np.random.default_rng(0).normal(size=size), []
        one = np.where(np.arange(size) == size // 2, 1.01, 1.0)
        for factor in (1.0, one, 1.01):
            f, start = Counted(lambda x: np.sum(np.tanh(x))), time.perf_counter()

            def slope(x: Any, factor: Any = factor) -> Any:
                return factor * (1 - np.tanh(x) ** 2)

            report = minigrad.gradient_report(f, x, grad=slope)
            assert report.ok == bool(np.all(factor == 1)), report
            cells.append(f"{f.calls:,} calls, {time.perf_counter() - start:.2f} s")
        print(f"| {size:,} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """The table, what each checker got wrong, and our effort by size."""
    clean_environment()
    right = sum(case.right for case in cases())
    wrong = sum(not case.right for case in cases())
    print("| checker | mistakes caught | false alarms | calls of f | of up to 1,000 entries | seconds |")
    print("|---|---|---|---|---|---|")
    errors = []
    for side in installed(CHECKERS):
        found = in_own_process("tests.bench.checker_effort", "effort", side)
        caught = f"{wrong - len(found['missed'])} of {wrong} | {len(found['alarms'])} of {right}"
        calls = f"{found['calls']:,} | {found['small']:,}"
        print(f"| {side} | {caught} | {calls} | {found['seconds']:.2f} |", flush=True)
        errors += [f"{side}: missed {', '.join(found['missed'])}"] * bool(found["missed"])
        errors += [f"{side}: alarms at {', '.join(found['alarms'])}"] * bool(found["alarms"])
    print("", *errors, "", sep="\n")
    by_size()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    if len(sys.argv) == 3:
        print(json.dumps(effort(sys.argv[2])))
    else:
        main()
