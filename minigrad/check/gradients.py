"""check_grads: is this gradient right? An answer without a tolerance, that says what is wrong and where.

Here the parts are put together: what is claimed (`claims`, `own`), what holds without any derivative (`contract`),
slopes of the function itself (`slopes`), entry by entry or along directions (`judgement`, `search`), and what the
mistakes look like (`diagnosis`). In docs/checking.md, for users.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .around import subgradient
from .claims import Claim
from .compare import Comparison
from .contract import transposed
from .evaluation import Evaluator
from .graph import culprit
from .kinks import Witness
from .own import OwnClaim, below
from .report import Finding, GradientMismatch, GradientUnresolved, Report
from .subject import Subject

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
    """Check derivatives of f at args; give the report, or raise it where they are wrong.

    f: a function of anything array-like. args: a tuple is its positional arguments, anything else its one argument;
    arrays or nested lists, tuples and dicts of them. What is no float is passed on and not differentiated.

    With no derivative given, minigrad's own of f (made of NumPy functions) are checked, in both modes, up to order.
    grad(*args): one array per argument, of a scalar f. vjp(g, *args): likewise for a cotangent g nested like f's
    result. jvp(args, tangents): the tangent of the result. jac(*args): all derivatives, of shape (*out, *in).
    hess(*args): the second derivatives of a scalar f; beside grad=, it is checked as the derivative of that.

    argnums: which arguments are differentiated. seed: of the directions. budget: evaluations (int) or seconds
    (float) after which it ends; executor: a `concurrent.futures.Executor` for the evaluations; progress: called
    with the number of evaluations as they are made.

    Raises GradientMismatch (an AssertionError) where a gradient is wrong, GradientUnresolved where that cannot be
    told and `allow_unresolved` is not set; both have the report as `.report`.
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
    """What `check_grads` finds, whatever it is: the same, without raising it."""
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
            raise ArgumentError(f"{kind}= is a function that gives the derivative, got {type(call).__name__}")
    if unknown := set(modes) - set(MODES):
        raise ArgumentError(f"modes are 'rev' and 'fwd', got {', '.join(map(repr, sorted(unknown)))}")
    if not modes:
        raise ArgumentError("modes=() leaves nothing to be checked")
    if order not in (1, 2, 3):
        raise ArgumentError(f"order is 1, 2 or 3, got {order!r}")
    if claimed and order != 1:
        raise ArgumentError(
            "order= is for minigrad's own derivatives; a given one is checked as it is\n"
            "  write  check_grads(my_grad, args, jac=my_hessian)   for the order above"
        )


def _of_given(f: Callable[..., Any], claimed: dict[str, Any], setup: Callable[..., Subject]) -> Report:
    """Each derivative that was given, one after the other."""
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
    """One claim looked at; where slopes speak against it, as a subgradient."""
    trial = Comparison(found.subject, found.order)
    way(trial, claim)
    if claim.kind in ("grad", "vjp") and trial.report().verdict == "disagree":
        # Forward mode stands or falls with reverse mode, of which it is the transpose or else is told about.
        trial = subgradient(claim, trial) or trial
    found.merge(trial)


def _as_transposes(found: Comparison, reverse: Claim, forward: Claim) -> None:
    """<v, Ju> = <Jᵀv, u>, for random v and u."""
    rng = found.subject.rng()
    v, u = (rng.uniform(0.5, 1.5, row.size) for row in (found.point.y, found.point.x))
    with contextlib.suppress(Exception):  # that they raise errors has been told
        found.note(transposed(reverse, forward, v, u))


def _hessian(found: Comparison, subject: Subject, call: Any, gradient: Any, setup: Callable[..., Subject]) -> None:
    """A Hessian is the matrix of derivatives of a gradient: the given one, or minigrad's own, or chords of f."""
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
    """minigrad's gradient of the function, if it has one and it is right."""
    from ..transforms import grad

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
    """minigrad's own derivatives, order by order, each as the derivative of the one below."""
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
        return replace(report, culprit=culprit(first, order=min(level, 2)))
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
