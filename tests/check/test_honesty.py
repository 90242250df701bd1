"""Bars that hold: a numerical derivative beside the truth to 40 digits, on functions it was not tuned on.

What counts as smooth is stated here, before anything is looked at: where the best that values alone can give is
within a factor of TAME of one rounding (`Scalar.loss`).
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from check.scalars.held_out import HELD_OUT
from check.scalars.scalar import NOTHING, Scalar, Seen, look
from check.scalars.tuned import TUNED

import minigrad
from minigrad.check.numeric import extrapolation

TAME = 10.0
NEAR = 1e-3
HONEST = 0.999
GROUPS = 2  # so that workers share them


def seen_by(scalars: list[Scalar], step: int = 1, start: int = 0) -> list[Seen]:
    return list(look(minigrad.derivative, scalars, step, start))


def described(seen: list[Seen]) -> str:
    return "\n".join(f"{s.scalar.name} at {s.x!r}: {s.value!r} ± {s.bar!r}, truth {float(s.truth)!r}" for s in seen)


def check_honest(seen: list[Seen]) -> None:
    dishonest = [s for s in seen if not s.honest]
    assert len(dishonest) <= max(1, (1 - HONEST) * len(seen)), described(dishonest)


def check_useful(seen: list[Seen]) -> None:
    """Bars without end are honest as well, and worth nothing: few may be wide, where values allow narrow ones.

    Close to 0 much that is smooth loses its digits on the way, as log(cos x) does; there bars are wide, and right.
    """
    tame = [s for s in seen if s.truth and abs(s.x) > NEAR and s.scalar.loss(s.x) <= TAME]
    assert len(tame) > len(seen) / 3
    assert np.median([s.relative for s in tame]) <= 1e-14
    assert np.median([s.bar / abs(float(s.truth)) for s in tame]) <= 1e-12
    wide = [s for s in tame if not s.bar <= 1e-6 * abs(float(s.truth))]
    assert len(wide) <= 0.01 * len(tame), described(wide)


@pytest.mark.slow
@pytest.mark.parametrize("n", range(GROUPS))
def test_bars_hold_on_functions_held_out(n: int) -> None:
    seen = seen_by(HELD_OUT, GROUPS, n)
    check_honest(seen)
    check_useful(seen)


def test_bars_hold_on_functions_tuned_on() -> None:
    seen = seen_by(TUNED, 16)
    check_honest(seen)
    check_useful(seen)


def test_the_sets_are_large_and_have_nothing_in_common() -> None:
    assert len(HELD_OUT) >= 60 and len(TUNED) >= 60
    assert not {s.name for s in HELD_OUT} & {s.name for s in TUNED}
    assert sum(len(s.points()) for s in HELD_OUT) >= 5000


@pytest.mark.parametrize("scalar", [*TUNED[::3], *HELD_OUT[::3]], ids=lambda s: s.name)
def test_the_truth_does_not_depend_on_the_step_it_is_had_by(scalar: Scalar) -> None:
    for x in scalar.points()[::20]:
        truth, again = scalar.truth(x), scalar.truth(x, closer=7)
        assert abs(truth - again) <= max(1e-38 * abs(truth), NOTHING)  # at 0, of a cube, the step is all there is


def test_a_bar_that_misses_is_seen_as_dishonest() -> None:
    sine = TUNED[0]
    assert Seen(sine, 0.5, math.cos(0.5), 1e-15, 1, sine.truth(0.5)).honest
    assert not Seen(sine, 0.5, math.cos(0.5) + 1e-12, 1e-13, 1, sine.truth(0.5)).honest


def without_rounding(raw: np.ndarray, bound: np.ndarray, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    return TABLE(raw, 0 * bound, ratio)


def with_wrong_factor(raw: np.ndarray, bound: np.ndarray, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    table, errors = TABLE(raw, bound, ratio)
    return table * (1 + 1e-11), errors


def against_spread(raw: np.ndarray, bound: np.ndarray, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Errors that are the rounding alone: what the neighbours say is left out."""
    table, errors = TABLE(raw, bound, ratio)
    return table, np.where(np.isfinite(errors), np.broadcast_to(bound, errors.shape), np.inf)


TABLE = extrapolation._table


@pytest.mark.parametrize("mutant", [without_rounding, with_wrong_factor, against_spread])
def test_a_ladder_with_a_mistake_fails(mutant: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests are worth."""
    monkeypatch.setattr(extrapolation, "_table", mutant)
    with pytest.raises(AssertionError):
        check_honest(seen_by(TUNED[::5], step=16))


def test_a_report_counts_as_its_verdict() -> None:
    """So that ``assert gradient_report(...)`` fails where a derivative is wrong."""
    x = np.ones(3)
    right = minigrad.gradient_report(np.sin, x, vjp=lambda g, x: g * np.cos(x))
    wrong = minigrad.gradient_report(np.sin, x, vjp=lambda g, x: 2 * g * np.cos(x))
    assert right and right.ok and not wrong and not wrong.ok
    assert minigrad.check_graph(np.sum(np.sin(minigrad.Value(x)))) and minigrad.check_op(np.sin)
    slope = minigrad.custom(np.arctan, name="slope", vjp=lambda g, y, x: g / np.sqrt(1 + x * x))
    try:
        assert not minigrad.check_op(slope) and not minigrad.check_graph(np.sum(slope(minigrad.Value(x))))
    finally:
        minigrad.forget(slope)
