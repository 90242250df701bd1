"""check_grads: is this gradient right? The answer needs no tolerance, and names each mistake and its place.

This file combines the parts: the derivative to check (`candidate`, `minigrad_candidate`), rules that need no slope
(`invariants`), slopes of the function itself (`finite_differences`), comparison by entry or along directions
(`verdict`, `directions`), and the diagnosis of mistakes (`diagnosis`). docs/checking.md is the user's guide.
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
from .comparison.conventions import ConventionNamer
from .comparison.invariants import check_transpose
from .comparison.kinks import KinkLocator
from .comparison.minigrad_candidate import MinigradClaim, gradient_candidate
from .comparison.problem import Subject
from .comparison.subgradient import subgradient
from .diagnosis.report import Finding, GradientMismatch, GradientUnresolved, Report
from .graph import LOST, name_wrong_op
from .numeric.evaluation import Evaluator

if TYPE_CHECKING:
    from concurrent.futures import Executor

MODES = ("rev", "fwd")
ROUNDED = "the gradient is 0 by rounding, the derivative is not"


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

    f: a function of anything array-like. args: a tuple of its positional arguments, or its only argument (a named
    tuple is one argument); each is an array, or a nesting of arrays in lists, tuples and dicts. Arguments that are
    not floats pass through unchanged.

    Without a given derivative, this checks minigrad's own derivatives of f (which must consist of NumPy functions),
    in these modes and up to this order. Or give one or several derivatives to check:

        grad(*args)          one array per argument, if f returns one number
        vjp(g, *args)        the same, for a cotangent g nested like f's result
        jvp(args, tangents)  the tangent of the result
        jac(*args)           all derivatives, of shape (*out, *in)
        hess(*args)          the second derivatives, if f returns one number; with grad=, the derivative of that

    argnums: which arguments to differentiate. seed: of the random directions. budget: stop after so many
    evaluations (int) or seconds (float). executor: a `concurrent.futures.Executor` for the evaluations. progress:
    called with the number of new evaluations.

    Raises GradientMismatch (an AssertionError) if a gradient is wrong, and GradientUnresolved if the check could
    not decide, unless `allow_unresolved` is set; both have the report as `.report`.
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
    _refuse_misuse(claimed, modes, order)
    evaluator = Evaluator(budget, executor, progress)
    setup = functools.partial(Subject, args=args, argnums=argnums, evaluator=evaluator, seed=seed)
    if claimed:
        return _check_given(f, claimed, setup)
    return _check_own(f, modes, order, setup)


def _refuse_misuse(claimed: dict[str, Any], modes: Sequence[str], order: int) -> None:
    for kind, call in claimed.items():
        if not callable(call):
            raise ArgumentError(f"{kind}= takes a function that returns the derivative, got {type(call).__name__}")
    if unknown := set(modes) - set(MODES):
        raise ArgumentError(f"modes are 'rev' and 'fwd', got {', '.join(map(repr, sorted(unknown)))}")
    if not modes:
        raise ArgumentError("modes=() leaves nothing to check")
    if order not in (1, 2, 3):
        raise ArgumentError(f"order is 1, 2 or 3, got {order!r}")
    if claimed and order != 1:
        raise ArgumentError(
            "order= works only for minigrad's own derivatives, not for a given one\n"
            "  write  check_grads(my_grad, args, jac=my_hessian)   to check one order higher"
        )


def _check_given(f: Callable[..., Any], claimed: dict[str, Any], setup: Callable[..., Subject]) -> Report:
    """Check each given derivative in turn."""
    subject = setup(f)
    found = Comparison(subject)
    if subject.point is None:
        return found.report()
    for kind, call in claimed.items():
        if kind in ("grad", "hess") and subject.point.y.size != 1:
            raise ShapeError(
                f"{kind}= needs a function that returns one number; {subject.name} returns {subject.point.y.size}\n"
                "  write  vjp=lambda g, *args: ...   or  jac=lambda *args: ...   if it returns an array"
            )
        if kind == "hess":
            _hessian(found, subject, call, claimed.get("grad"), setup)
        else:
            claim = Claim(kind, call, subject.point, subject.names, subject.chosen)
            if not subject.evaluator.limited:  # it records the function, which takes longer than calling it
                claim.conventions = ConventionNamer(subject)
            ways = {"jvp": Comparison.tangents, "jac": Comparison.matrix}
            _check_claim(found, claim, ways.get(kind, Comparison.gradients))
    if {"vjp", "jvp"} <= claimed.keys():
        where = (subject.point, subject.names, subject.chosen)
        _check_transposes(found, Claim("vjp", claimed["vjp"], *where), Claim("jvp", claimed["jvp"], *where))
    return found.report()


def _check_claim(found: Comparison, claim: Claim, way: Callable[[Comparison, Claim], None]) -> None:
    """Check one claim; if the slopes contradict it, check whether it is a subgradient."""
    trial = Comparison(found.subject, found.order)
    way(trial, claim)
    if claim.kind in ("grad", "vjp") and trial.report().verdict == "disagree":
        # Reverse mode alone needs this: forward mode is its transpose, or another finding says that it is not.
        trial = subgradient(claim, trial) or trial
    found.merge(trial)


def _check_transposes(found: Comparison, reverse: Claim, forward: Claim) -> None:
    """Check <v, Ju> = <Jᵀv, u> for random v and u."""
    rng = found.subject.rng()
    v, u = (rng.uniform(0.5, 1.5, row.size) for row in (found.point.y, found.point.x))
    with contextlib.suppress(Exception):  # their errors were reported before
        found.note(check_transpose(reverse, forward, v, u))


def _hessian(found: Comparison, subject: Subject, call: Any, gradient: Any, setup: Callable[..., Subject]) -> None:
    """Check a Hessian as the derivative of a gradient (given, or minigrad's own), or else by curvatures of f."""
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


def _check_own(f: Callable[..., Any], modes: Sequence[str], order: int, setup: Callable[..., Subject]) -> Report:
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
        f = gradient_candidate(subject)
    assert whole is not None
    report = whole.report()
    if report.verdict == "disagree" and first.point is not None:
        culprit = name_wrong_op(first, order=min(level, 2))
        findings = report.findings
        if LOST in culprit:
            findings = tuple(replace(f, sentence=ROUNDED) if f.kind == "zero" else f for f in findings)
        return replace(report, culprit=culprit, findings=findings)
    return report


def _both_modes(found: Comparison, subject: Subject, modes: Sequence[str]) -> None:
    assert subject.point is not None
    claim = MinigradClaim(subject.f, subject.point, subject.names, subject.chosen)
    claim.locate_kink = KinkLocator(subject)
    try:
        if "rev" in modes:
            _check_claim(found, claim, Comparison.gradients)
        if "fwd" in modes:
            _check_claim(found, claim, Comparison.tangents)
    except Exception as error:
        found.note([Finding("raised", sentence=f"minigrad raised {type(error).__name__}: {error}")])
        return
    if set(modes) == set(MODES):
        _check_transposes(found, claim, claim)
