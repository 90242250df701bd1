"""Name the libraries whose convention a gradient follows at a kink.

At a kink of one op, a gradient lies at some share of the way between the slopes of the two sides, and the chain
rule keeps that share. `python -m tests.conventions` recorded the shares of other libraries (`convention_data`).
Nothing is named where minigrad's own gradient has another share than recorded: the situation is another one.

Where the function is smooth, some libraries lose the slope of an op all the same (`lost_slopes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ...engine.node import ITEM
from ...engine.value import Value
from ..numeric.extrapolation import Array
from .convention_data import SHARES, VERSIONS
from .kinks import JUMPS, own_slopes
from .lost_slopes import name_infinite, name_lost, name_with_params
from .minigrad_candidate import MinigradClaim
from .problem import Subject
from .recorded_graph import record_graph

STEP = 2.0**-24  # to both sides of the point, relative to its size (at least 1)
CLOSE = 1e-3  # a share this close to a recorded one equals it
DIGITS = 4  # of a slope that is that of a situation


class Situation(NamedTuple):
    """A kink of an op along an entry of an operand.

    op: its name, with the parameters that change what it computes. rank: the number of the entry among the entries
    whose slopes jump; tied: how many do (2 at a tie of two). below, above: the slope of the op on either side, as
    the entry grows; both 1 where entries trade places, as in a sort.
    """

    op: str
    operand: int
    rank: int
    tied: int
    below: float
    above: float


def recorded_shares(situation: Situation) -> dict[str, float]:
    """What each library that answered does there: 0 is the slope below, 1 the slope above; nan if it gives nan."""
    row = SHARES.get(situation, ())
    return {name: share for name, share in zip(VERSIONS, row, strict=False) if share is not None}


class ConventionNamer:
    """Names the libraries that a gradient of one function agrees with at its kinks."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._known: dict[int, tuple[Situation, str, bool] | None] = {}

    def at_kink(self, axis: int, weights: Array, given: float, left: float, right: float) -> str:
        """A sentence on the given slope of a weighted sum along an axis; "" if there is nothing to say."""
        found = self._share(axis, weights, given, left, right)
        return _sentence(*found) if found else ""

    def at_axis(self, axis: int, weights: Array, given: float) -> str:
        """The same, with minigrad's slopes of the two sides."""
        return self.at_kink(axis, weights, given, *self._own_sides(axis, weights))

    def who_has(self, given: dict[int, float], weights: Array) -> list[str]:
        """The libraries whose conventions a gradient follows at all of these axes."""
        shares = [self._share(axis, weights, g, *self._own_sides(axis, weights)) for axis, g in given.items()]
        if not shares or None in shares:
            return []
        names = [{*_agreeing(share, recorded)} for _, _, share, recorded in filter(None, shares)]
        return [f"{name} {version}" for name, version in VERSIONS.items() if name in set.intersection(*names)]

    def _share(
        self, axis: int, weights: Array, given: float, left: float, right: float
    ) -> tuple[Situation, str, float, dict[str, float]] | None:
        """The situation along an axis, its op, the share of a slope, and those recorded; None if not known."""
        found = self.situation(axis)
        recorded = recorded_shares(found[0]) if found else {}
        if found is None or "minigrad" not in recorded or right == left:
            return None
        situation, label, grows = found
        start, way = (left, right - left) if grows else (right, left - right)
        own = (self._own_slope(axis, weights) - start) / way
        if not abs(own - recorded["minigrad"]) < CLOSE:
            return None
        return situation, label, (given - start) / way, recorded

    def situation(self, axis: int) -> tuple[Situation, str, bool] | None:
        """The only situation along an axis, the op's label, and whether its operand grows; None if several."""
        if axis not in self._known:
            try:
                with np.errstate(all="ignore"):
                    found = {*self._situations(axis)}
            except Exception:  # the function cannot be recorded: it is not made of NumPy functions alone
                found = set()
            self._known[axis] = found.pop() if len(found) == 1 else None
        return self._known[axis]

    def _situations(self, axis: int) -> Iterator[tuple[Situation, str, bool]]:
        x = self.subject.layout.row()
        step = STEP * max(1.0, abs(x[axis])) * np.eye(1, x.size, axis)[0]
        before, after = (record_graph(self.subject, self.subject.inside(x + s * step)) for s in (-1, 1))
        if len(before) != len(after):
            raise ValueError("the two sides run different code")
        for a, b in zip(before, after, strict=True):
            yield from _situations_of(a, b)

    def _own_sides(self, axis: int, weights: Array) -> tuple[float, float]:
        x = self.subject.layout.row()
        step = STEP * max(1.0, abs(x[axis])) * np.eye(1, x.size, axis)[0]
        return self._own_slope(axis, weights, x - step), self._own_slope(axis, weights, x + step)

    def _own_slope(self, axis: int, weights: Array, row: Array | None = None) -> float:
        subject = self.subject
        assert subject.point is not None
        claim = MinigradClaim(subject.f, subject.point, subject.names, subject.chosen)
        try:
            with np.errstate(all="ignore"):
                return float(claim.pull(weights, row).row[axis])
        except Exception:  # a rule may raise at a kink
            return np.nan

    def at_infinity(self, given: float) -> str:
        """A sentence on the given slope of an entry along which the slope is infinite; "" if nobody has it."""
        try:
            with np.errstate(all="ignore"):
                return name_infinite(self.subject, given)
        except Exception:  # the function cannot be recorded
            return ""

    def at_mistake(self, axes: Array, weights: Array, given: Array) -> str:
        """A sentence on a wrong gradient, of a weighted sum along axes; "" if there is nothing to say."""
        try:
            with np.errstate(all="ignore"):
                return name_lost(self.subject, axes, weights, given)
        except Exception:  # the function cannot be recorded
            return ""


def _situations_of(a: Value, b: Value) -> Iterator[tuple[Situation, str, bool]]:
    """The kinks of one node, which is a on the one side and b on the other."""
    if a.op is not b.op:
        raise ValueError("the two sides run different code")
    if a.op is None or a.op is ITEM or isinstance(a._array, tuple) or not a.has_gradient:
        return
    found = [*_jumps_of(a, b, np.ones(np.shape(a._array))[()])]
    if not found and a.op.selects and not a.op.elementwise:  # entries that trade places leave the sum as it was
        places = np.arange(np.size(a._array), dtype=np.float64).reshape(np.shape(a._array))
        found = [
            (kink._replace(below=1.0, above=1.0), label, grows) for kink, label, grows in _jumps_of(a, b, places)
        ]
    yield from found


def _jumps_of(a: Value, b: Value, g: Array) -> Iterator[tuple[Situation, str, bool]]:
    """The operands of a node whose slopes jump, for a cotangent g of the node."""
    assert a.op is not None
    slopes_a, slopes_b = (own_slopes(node, g) for node in (a, b))
    serials = [x.serial if isinstance(x, Value) else None for x in a.operands]
    for n, (x, y) in enumerate(zip(a.operands, b.operands, strict=True)):
        if not isinstance(x, Value) or x.serial not in slopes_a or serials.index(x.serial) < n:
            continue
        p, q = (np.ravel(c) for c in (slopes_a[x.serial], slopes_b[y.serial]))
        jumps = np.flatnonzero(np.abs(p - q) > JUMPS * np.fmax(np.abs(p), np.abs(q)))
        grows = np.sign(np.ravel(y._array) - np.ravel(x._array))
        for rank, k in enumerate(jumps):
            if grows[k]:
                below, above = (round(float(c[k]), DIGITS) + 0.0 for c in ((p, q) if grows[k] > 0 else (q, p)))
                place = (0, 1) if a.op.elementwise else (rank, len(jumps))
                if below != above:
                    yield Situation(name_with_params(a), n, *place, below, above), a.op.label, bool(grows[k] > 0)


def _sentence(situation: Situation, label: str, share: float, recorded: dict[str, float]) -> str:
    """Which libraries agree, and what the others give."""
    agreeing, others = _agreeing(share, recorded), dict[str, list[str]]()
    for library, one in recorded.items():
        if library not in agreeing:
            others.setdefault(_slope(situation, one), []).append(library)
    named = [f"{library} {VERSIONS[library]}".rstrip() for library in agreeing]
    as_in = f"as in {', '.join(named)}" if named else "as in no library of docs/kinks.md"
    more = "; ".join(f"{slope} in {', '.join(names)}" for slope, names in others.items())
    return f"the slope of {label} counts as {_slope(situation, share)}, {as_in}" + (f" ({more})" if more else "")


def _agreeing(share: float, recorded: dict[str, float]) -> list[str]:
    """The libraries that have a share."""
    return [
        name for name, one in recorded.items() if abs(one - share) < CLOSE or (np.isnan(one) and np.isnan(share))
    ]


def _slope(situation: Situation, share: float) -> str:
    """The slope of the op that has a share."""
    if situation.below == situation.above:
        return {0.0: "that of the smaller entry", 1.0: "that of the larger entry"}.get(share, "a mixture")
    return f"{round(situation.below + share * (situation.above - situation.below), DIGITS) + 0.0:g}"
