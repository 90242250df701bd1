"""check_grads: is this gradient right? An answer without a tolerance, which names each mistake and its place.

This file combines the parts: the derivative to check (`claims`, `own`), rules that need no slope (`contract`),
slopes of the function itself (`slopes`), comparison by entry or along directions (`judgement`, `search`), and the
diagnosis of mistakes (`diagnosis`). docs/checking.md is the user's guide.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .comparison.candidate import Claim
from .comparison.comparison import Comparison
from .comparison.invariants import check_transpose
from .comparison.kinks import Witness
from .comparison.minigrad_candidate import OwnClaim, below
from .comparison.problem import Subject
from .comparison.subgradient import subgradient
from .diagnosis.report import Finding, GradientMismatch, GradientUnresolved, Report
from .graph import name_wrong_op
from .numeric.evaluation import Evaluator

if TYPE_CHECKING:
    from concurrent.futures import Executor

MODES = ("rev", "fwd")


def check_grads(
    f: Callable[..., Any],
    args: Any,
    *,
    grad: Callable[..., Any] | None = None,
    vjp: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None,
    jac: Callable[..., Any] | None = None,
    hess: Callable[..., Any] | None = None,
    argnums: int | Sequence[int] | None = None,
    modes: str | Sequence[str] = MODES,
    order: int = 1,
    seed: int = 0,
    budget: float | None = None,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
    allow_unresolved: bool = False,
) -> Report:
    """Check derivatives of f at args; return the report, or raise it if they are wrong.

    f: a function of anything array-like. args: a tuple of its positional arguments, or its only argument; each is
    an array or nested lists, tuples and dicts of them. Arguments that are not floats pass through unchanged.

    Without a given derivative it checks minigrad's own of f (made of NumPy functions), in both modes, up to order.
    grad(*args): one array per argument, of a scalar f. vjp(g, *args): likewise for a cotangent g nested like f's
    result. jvp(args, tangents): the tangent of the result. jac(*args): all derivatives, of shape (*out, *in).
    hess(*args): the second derivatives of a scalar f; beside grad=, it is checked as the derivative of that.

    argnums: which arguments to differentiate. seed: of the directions. budget: the check stops after so many
    evaluations (int) or seconds (float). executor: a `concurrent.futures.Executor` for the evaluations. progress:
    called with the number of new evaluations.

    Raises GradientMismatch (an AssertionError) if a gradient is wrong, and GradientUnresolved if the check could
    not decide and `allow_unresolved` is not set; both have the report as `.report`.
    """
    report = gradient_report(
        f,
        args,
        grad=grad,
        vjp=vjp,
        jvp=jvp,
        jac=jac,
        hess=hess,
        argnums=argnums,
        modes=modes,
        order=order,
        seed=seed,
        budget=budget,
        executor=executor,
        progress=progress,
    )
    if report.verdict == "disagree":
        raise GradientMismatch(report)
    if report.verdict == "unresolved" and not allow_unresolved:
        raise GradientUnresolved(report)
    return report


def gradient_report(
    f: Callable[..., Any],
    args: Any,
    *,
    grad: Callable[..., Any] | None = None,
    vjp: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None,
    jac: Callable[..., Any] | None = None,
    hess: Callable[..., Any] | None = None,
    argnums: int | Sequence[int] | None = None,
    modes: str | Sequence[str] = MODES,
    order: int = 1,
    seed: int = 0,
    budget: float | None = None,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Check as `check_grads` does, but always return the report; never raise it."""
    given = {"grad": grad, "vjp": vjp, "jvp": jvp, "jac": jac, "hess": hess}
    claimed = {kind: call for kind, call in given.items() if call is not None}
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    _refuse(claimed, modes, order)
    evaluator = Evaluator(budget, executor, progress)
    setup = functools.partial(Subject, args=args, argnums=argnums, evaluator=evaluator, seed=seed)
    if claimed:
        return _of_given(f, claimed, setup)
    return _of_own(f, modes, order, setup)


def _refuse(claimed: dict[str, Any], modes: Sequence[str], order: int) -> None:
    for kind, call in claimed.items():
        if not callable(call):
            raise ArgumentError(f"{kind}= takes a function that gives the derivative, got {type(call).__name__}")
    if unknown := set(modes) - set(MODES):
        raise ArgumentError(f"modes are 'rev' and 'fwd', got {', '.join(map(repr, sorted(unknown)))}")
    if not modes:
        raise ArgumentError("modes=() leaves nothing to check")
    if order not in (1, 2, 3):
        raise ArgumentError(f"order is 1, 2 or 3, got {order!r}")
    if claimed and order != 1:
        raise ArgumentError(
            "order= works only for minigrad's own derivatives, not for a given one\n"
            "  write  check_grads(my_grad, args, jac=my_hessian)   for the order above"
        )


def _of_given(f: Callable[..., Any], claimed: dict[str, Any], setup: Callable[..., Subject]) -> Report:
    """Check each given derivative, one after the other."""
    subject = setup(f)
    found = Comparison(subject)
    if subject.point is None:
        return found.report()
    for kind, call in claimed.items():
        if kind in ("grad", "hess") and subject.point.y.size != 1:
            raise ShapeError(
                f"{kind}= is for a function of one number, and {subject.name} gave {subject.point.y.size}\n"
                "  write  vjp=lambda g, *args: ...   or  jac=lambda *args: ...   for an array"
            )
        if kind == "hess":
            _hessian(found, subject, call, claimed.get("grad"), setup)
        else:
            claim = Claim(kind, call, subject.point, subject.names, subject.chosen)
            ways = {"jvp": Comparison.tangents, "jac": Comparison.matrix}
            _look(found, claim, ways.get(kind, Comparison.gradients))
    if {"vjp", "jvp"} <= claimed.keys():
        where = (subject.point, subject.names, subject.chosen)
        _as_transposes(found, Claim("vjp", claimed["vjp"], *where), Claim("jvp", claimed["jvp"], *where))
    return found.report()


def _look(found: Comparison, claim: Claim, way: Callable[[Comparison, Claim], None]) -> None:
    """Check one claim; if slopes contradict it, check whether it is a subgradient."""
    trial = Comparison(found.subject, found.order)
    way(trial, claim)
    if claim.kind in ("grad", "vjp") and trial.report().verdict == "disagree":
        # Forward mode shares the verdict of reverse mode: it is its transpose, or that is reported elsewhere.
        trial = subgradient(claim, trial) or trial
    found.merge(trial)


def _as_transposes(found: Comparison, reverse: Claim, forward: Claim) -> None:
    """Check <v, Ju> = <Jᵀv, u> for random v and u."""
    rng = found.subject.rng()
    v, u = (rng.uniform(0.5, 1.5, row.size) for row in (found.point.y, found.point.x))
    with contextlib.suppress(Exception):  # their errors were reported before
        found.note(check_transpose(reverse, forward, v, u))


def _hessian(found: Comparison, subject: Subject, call: Any, gradient: Any, setup: Callable[..., Subject]) -> None:
    """Check a Hessian as the derivative of a gradient (the given one or minigrad's own), or by curvatures of f."""
    assert subject.point is not None
    if gradient is None:
        gradient = _own_gradient(subject)
    if gradient is None:
        claim = Claim("jac", call, subject.point, subject.names, subject.chosen)
        found.hessian_of_values(claim)
        return
    slopes = setup(gradient)
    slopes.names = subject.names
    if slopes.point is None:
        found.note(slopes.findings)
        return
    above = Comparison(slopes)
    above.matrix(Claim("jac", call, slopes.point, subject.names, subject.chosen), hessian=True)
    found.merge(above)


def _own_gradient(subject: Subject) -> Callable[..., Any] | None:
    """minigrad's gradient of the function, if it exists and is right."""
    from ..transforms.grad import grad

    assert subject.point is not None
    try:
        alone = len(subject.args) == 1
        gradient = grad(subject.f, 0 if alone else subject.chosen)
        with np.errstate(all="ignore"):
            gradient(*subject.args)
        claim = Claim("grad", gradient, subject.point, subject.names, subject.chosen)
    except Exception:
        return None
    trial = Comparison(subject)
    trial.gradients(claim)
    return gradient if trial.report().ok else None


def _of_own(f: Callable[..., Any], modes: Sequence[str], order: int, setup: Callable[..., Subject]) -> Report:
    """Check minigrad's own derivatives order by order, each as the derivative of the one below."""
    whole: Comparison | None = None
    first = setup(f)
    for level in range(1, order + 1):
        subject = first if level == 1 else setup(f)
        found = Comparison(subject, order=level)
        if subject.point is not None:
            _both_modes(found, subject, modes)
        whole = found if whole is None else whole.merge(found)
        if subject.point is None or not whole.report().ok:
            break
        f = below(subject)
    assert whole is not None
    report = whole.report()
    if report.verdict == "disagree" and first.point is not None:
        return replace(report, culprit=name_wrong_op(first, order=min(level, 2)))
    return report


def _both_modes(found: Comparison, subject: Subject, modes: Sequence[str]) -> None:
    assert subject.point is not None
    claim = OwnClaim(subject.f, subject.point, subject.names, subject.chosen)
    claim.witness = Witness(subject)
    try:
        if "rev" in modes:
            _look(found, claim, Comparison.gradients)
        if "fwd" in modes:
            _look(found, claim, Comparison.tangents)
    except Exception as error:
        found.note([Finding("raised", sentence=f"minigrad raised {type(error).__name__}: {error}")])
        return
    if set(modes) == set(MODES):
        _as_transposes(found, claim, claim)
