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
from ..transforms.grad import holds_arguments
from .comparison.candidate import Claim
from .comparison.comparison import Comparison
from .comparison.conventions import ConventionNamer
from .comparison.given_precision import check_given_precision
from .comparison.invariants import check_transpose
from .comparison.kinks import KinkLocator
from .comparison.minigrad_candidate import MinigradClaim, gradient_candidate, gradient_weights
from .comparison.problem import Subject
from .comparison.subdifferential import judge_kinks
from .comparison.value_and_grad import ItemOf, check_value
from .diagnosis.report import Finding, GradientMismatch, GradientUnresolved, Report
from .frameworks.framework import FrameworkFunction, find_framework, framework_of, unwrapped_gradient
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
    value_and_grad: Callable[..., Any] | bool | None = None,
    vjp: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None,
    jac: Callable[..., Any] | None = None,
    hess: Callable[..., Any] | None = None,
    argnums: int | Sequence[int] | None = None,
    modes: str | Sequence[str] | None = None,
    order: int = 1,
    seed: int = 0,
    need: float | None = None,
    bounds: Any = None,
    evaluations: int | None = None,
    seconds: float | None = None,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
    allow_unresolved: bool = False,
) -> Report:
    """Check derivatives of f at args; return the report, or raise it if they are wrong.

    f: a function of anything array-like. args: a tuple of its positional arguments, or its only argument (a named
    tuple is one argument); each is an array, or a nesting of arrays in lists, tuples and dicts. Arguments that are
    not floats pass through unchanged.

    Without a given derivative, this checks those of the framework that f or its arguments come from (PyTorch, JAX),
    else minigrad's own derivatives of f (which must consist of NumPy functions), up to this order and in these
    modes: by default "rev" and "fwd", but of PyTorch "fwd" only where a `jvp` is written, and of JAX those that f
    has. Or give one or several to check:

        grad(*args)            one array per argument, if f returns one number
        value_and_grad(*args)  the value and that gradient; True if f itself returns both
        vjp(g, *args)          one array per argument, for a cotangent g nested like f's result
        jvp(args, tangents)    the tangent of the result
        jac(*args)             all derivatives, of shape (*out, *in), or a sparse matrix of them
        hess(*args)            the second derivatives, if f returns one number; with grad=, the derivative of that

    argnums: which arguments to differentiate. seed: of the random directions. need: the relative error that must be
    visible: agreement then means that no error of that size is there. bounds: (low, high), outside of which f is
    never called; each is a number, or one number or array per argument. evaluations, seconds: stop after so many
    calls of f, or so long. executor: a `concurrent.futures.Executor` for the evaluations. progress: called with the
    number of new evaluations.

    Raises GradientMismatch (an AssertionError) if a gradient is wrong, and GradientUnresolved if the check could
    not decide, unless `allow_unresolved` is set; both have the report as `.report`.
    """
    report = gradient_report(
        f,
        args,
        grad=grad,
        value_and_grad=value_and_grad,
        vjp=vjp,
        jvp=jvp,
        jac=jac,
        hess=hess,
        argnums=argnums,
        modes=modes,
        order=order,
        seed=seed,
        need=need,
        bounds=bounds,
        evaluations=evaluations,
        seconds=seconds,
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
    value_and_grad: Callable[..., Any] | bool | None = None,
    vjp: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None,
    jac: Callable[..., Any] | None = None,
    hess: Callable[..., Any] | None = None,
    argnums: int | Sequence[int] | None = None,
    modes: str | Sequence[str] | None = None,
    order: int = 1,
    seed: int = 0,
    need: float | None = None,
    bounds: Any = None,
    evaluations: int | None = None,
    seconds: float | None = None,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Check as `check_grads` does, but always return the report; never raise it."""
    given = {"grad": grad, "vjp": vjp, "jvp": jvp, "jac": jac, "hess": hess}
    claimed = {kind: call for kind, call in given.items() if call is not None}
    pair = f if value_and_grad is True else value_and_grad or None
    if pair is not None:
        claimed = {"grad": ItemOf(_callable("value_and_grad", pair), 1), **claimed}
        f = ItemOf(f, 0) if value_and_grad is True else f
    modes = (modes,) if isinstance(modes, str) else None if modes is None else tuple(modes)
    _refuse_misuse(claimed, MODES if modes is None else modes, order)
    evaluator = Evaluator(evaluations, seconds, executor, progress)
    setup = functools.partial(
        Subject, args=args, argnums=argnums, evaluator=evaluator, seed=seed, need=need, bounds=bounds
    )
    if claimed:
        return _check_given(f, claimed, setup, None if value_and_grad is True else pair)
    function = find_framework(f, args if holds_arguments(args) else (args,), argnums)
    if function is not None:
        return _check_framework(function, modes or function.modes, order, setup)
    return _check_own(f, modes or MODES, order, setup)


def _refuse_misuse(claimed: dict[str, Any], modes: Sequence[str], order: int) -> None:
    for kind, call in claimed.items():
        _callable(kind, call)
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


def _callable(kind: str, call: Any) -> Any:
    """The function. Raises ArgumentError if it is none."""
    if not callable(call):
        remedy = "\n  write  value_and_grad=True   if f returns its value and its gradient" if call is True else ""
        raise ArgumentError(
            f"{kind}= takes a function that returns the derivative, got {type(call).__name__}{remedy}"
        )
    return call


def _check_given(
    f: Callable[..., Any], claimed: dict[str, Any], setup: Callable[..., Subject], pair: Any = None
) -> Report:
    """Check each given derivative in turn; pair: the function that gives value and gradient, if another than f."""
    subject = setup(f)
    found = Comparison(subject)
    if subject.point is None:
        return found.report()
    if pair is not None and subject.point.y.size == 1:
        found.note(check_value(subject, pair))
    for kind, call in claimed.items():
        if kind in ("grad", "hess") and subject.point.y.size != 1:
            raise ShapeError(
                f"{kind}= needs a function that returns one number; {subject.name} returns {subject.point.y.size}\n"
                "  write  vjp=lambda g, *args: ...   or  jac=lambda *args: ...   if it returns an array,\n"
                "  or  value_and_grad=True   if it returns its value and its gradient"
            )
        if kind == "hess":
            _hessian(found, subject, call, claimed.get("grad"), setup)
        else:
            claim = Claim(kind, call, subject.point, subject.names, subject.chosen)
            # It records the function, which takes longer than calling it, and not at all of another framework.
            if not subject.evaluator.limited and framework_of(f, subject.args) is None:
                claim.conventions = ConventionNamer(subject)
            ways = {"jvp": Comparison.tangents, "jac": Comparison.matrix}
            _check_claim(found, claim, ways.get(kind, Comparison.gradients))
    if {"vjp", "jvp"} <= claimed.keys():
        where = (subject.point, subject.names, subject.chosen)
        _check_transposes(found, Claim("vjp", claimed["vjp"], *where), Claim("jvp", claimed["jvp"], *where))
    return found.report()


def _check_framework(
    f: FrameworkFunction, modes: Sequence[str], order: int, setup: Callable[..., Subject]
) -> Report:
    """Check the derivatives that a framework computes order by order, each as the derivative of the one below."""
    whole: Comparison | None = None
    for level in range(1, order + 1):
        subject = setup(f, args=f.args, argnums=None)
        found = Comparison(subject, order=level)
        found.remarks += f.remarks
        if subject.point is not None:
            where = (subject.point, subject.names, subject.chosen)
            reverse, forward = Claim("vjp", f.vjp, *where), Claim("jvp", f.jvp, *where)
            reverse.title, forward.title = f.titles
            if "rev" in modes:
                _check_claim(found, reverse, Comparison.gradients)
            if "fwd" in modes:
                _check_claim(found, forward, Comparison.tangents)
            if set(modes) == set(MODES):
                _check_transposes(found, reverse, forward)
        whole = found if whole is None else whole.merge(found)
        if subject.point is None or not whole.report().ok or level == order:
            break
        f = f.gradient(gradient_weights(subject))
    assert whole is not None
    return whole.report()


def _check_claim(found: Comparison, claim: Claim, way: Callable[[Comparison, Claim], None]) -> None:
    """Check one claim, and at a kink whether it is a subgradient."""
    trial = Comparison(found.subject, found.order)
    way(trial, claim)
    trial = judge_kinks(claim, trial)
    if trial.report().verdict != "disagree":
        mode = "push" if way is Comparison.tangents else "matrix" if way is Comparison.matrix else "pull"
        check_given_precision(claim, mode, trial)
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
    """The gradient by minigrad, or by the function's own framework, if it exists and is right."""
    from ..transforms.grad import grad

    assert subject.point is not None
    try:
        alone, chosen = len(subject.args) == 1, subject.chosen
        gradient = grad(subject.f, 0 if alone else chosen)
        if (function := find_framework(subject.f, subject.args, chosen)) is not None:
            gradient = unwrapped_gradient(function.gradient(gradient_weights(subject)), alone)
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
