"""The verdict at a kink: a gradient is right there if it is a subgradient, as a whole, not entry by entry.

At the tie of max(1, 1) each entry of (1, 1) lies between the slopes of its two sides, 0 and 1; but along (1, 1) the
function has slope 1, and this gradient claims 2. The subdifferential (Clarke's) is the convex hull of the gradients
at nearby points: (1, 0) and (0, 1). A gradient outside of it is wrong.

Two tests decide, and each alone would err. The hull is made of the claim's own gradients nearby, so it also holds
what a claim does wrong there. The slopes of f along a direction bound a subgradient only where f has no kinks of
both signs: |x| - |y| is flat along (1, 1), and (1, 1) is a subgradient. So a gradient is wrong if slopes contradict
it along a direction, and no gradient nearby that slopes confirm reaches as far.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from ..diagnosis.kinds import WRONG
from ..diagnosis.report import Finding
from ..numeric.evaluation import BudgetSpent
from ..numeric.extrapolation import Array
from .candidate import Claim
from .comparison import Comparison
from .hull import Membership, search
from .kink_moves import dominance, first_moves, random_move, rotations, tied_groups, tied_pairs
from .kink_slopes import BESIDE, CLOSE, TRIED, Compared, KinkSlopes
from .nearby import ClaimedGradients, claimed_gradients, gradient_of, measured_gradients, point_beside, sizes

FEW = 8  # up to so many entries, the function's own gradients nearby are measured
BENT = 100  # up to so many entries, the sign of each kink is measured
PUSHED = 64  # of a jvp, up to so many entries at a kink are judged together: each takes a call
MOST, RESERVED = 600, 150  # calls of f at a kink; of these, for what follows the gradients nearby
ENOUGH = 2  # contradicted directions, of which one must not be excused
NAMED = 8  # entries whose convention is looked up
OPEN = "kinks of both signs meet here; whether the gradient is a mean of those nearby is left open"


def judge_kinks(claim: Claim, trial: Comparison) -> Comparison:
    """The comparison `trial` of a claim, with the verdict on its kinks: by directions, not entry by entry.

    If its point has no kink, or another mistake was found, that is `trial` itself. Entries that seemed wrong are
    accepted if the gradient is a subgradient; entries that were accepted one by one become wrong if it is none.
    """
    mistakes = [f for f in trial.findings if f.kind in WRONG]
    if not mistakes and not any(f.kind == "kink" for f in trial.findings):
        return trial
    if any(f.index is None and f.kind != "wrong" for f in mistakes):  # a shape, a type, an error
        return trial
    if claim.kind == "jvp" and len(trial.kinks) > PUSHED:
        return trial
    kink = _Kink(claim, trial, mistakes)
    try:
        return kink.judged()
    except BudgetSpent:
        return _left_open(trial, [] if kink.nearby is None and not trial.kinks else mistakes)


def _left_open(trial: Comparison, mistakes: list[Finding]) -> Comparison:
    """The comparison where the budget ends before the kink is judged: what seemed wrong may be a subgradient."""
    sentence = "the budget ran out before the gradient at the kink was judged as a whole"
    if mistakes or max(trial.powers, default=np.inf) >= 1:  # an error as large as the entries would not show
        trial.findings = [f for f in trial.findings if f not in mistakes]
        trial.note([Finding("budget", sentence=sentence)])
    else:
        trial.remarks.append(sentence)
    return trial


class _Kink:
    """A claim at a point where its entries, or slopes of the function, jump.

    which: the entries at the kink. given: the claimed gradient of <v, f>. nearby, found: the claim's gradients
    nearby, if they can be had, and whether the given one lies in their hull.
    """

    def __init__(self, claim: Claim, trial: Comparison, mistakes: list[Finding]) -> None:
        self.claim, self.trial, self.mistakes = claim, trial, mistakes
        self.point, self.rng = claim.point, np.random.default_rng(trial.subject.seed)
        self.v = np.ones(1) if self.point.y.size == 1 else random_move(self.point.y.size, self.rng)
        if trial.failed:
            self.v = trial.failed[0][1]
        self.wrong = np.array(_wrong_entries(claim, mistakes), dtype=int)
        self.size, self.before = sizes(self.point.x), self.point.evaluator.count
        self.slopes = KinkSlopes(self.point, self.v, self.point.slopes(self.v[None]))
        kinks = np.unique([*trial.kinks, *self.wrong]).astype(int)
        self.nearby = claimed_gradients(claim, self.v, kinks, self.rng)
        self.which = kinks if self.nearby is None else np.union1d(kinks, self.nearby.which)
        self.ask = gradient_of(claim, self.v, self.which)
        self.given = self.ask(None) if len(self.which) else np.zeros(0)
        self.found: Membership | None = None
        self.is_bent = False  # whether the slopes of f to its two sides differ along some direction

    def judged(self) -> Comparison:
        """The comparison with its verdict on the kink."""
        smooth = self.nearby is None and not self.trial.kinks and not _has_ties(self.point.x, self.wrong)
        if smooth and self.trial.failed and not self.wrong.size:
            return self._accepted(inside=True) if self._is_inside_everywhere() else self.trial
        if smooth or not len(self.which) or not np.isfinite(self.given).all():
            return self.trial
        if self.nearby is not None and not np.isin(self.wrong, self.nearby.which).all():
            return self.trial  # an entry that does not jump is wrong
        if self.nearby is not None:
            self.found = self._search(self.nearby, first_moves(self.point.layout, self.nearby.which, self.rng))
        contradicted = self._contradictions()
        inside = self.found is not None and bool(self.found.inside)
        if not contradicted:
            unexplained = bool(self.mistakes) and all(f.index is None for f in self.mistakes)
            if not (unexplained and self.is_bent):  # what jumps may be the rounding errors of a gradient of 0
                return self._with_conventions()
            return self._accepted((inside or self._is_inside_after_all()) and self._is_confirmed())
        if not inside and self._is_measured_inside():
            return self._accepted(inside=True)
        if self.mistakes and self.found is None:
            return self._refused(contradicted[0])
        inside = inside or self._is_inside_after_all()
        reached = [self._reach(one) for one in contradicted]
        reach = min(reached)
        if reach >= 1 - CLOSE or (reach > CLOSE and not inside):
            return self._accepted(inside)
        return self._refused(contradicted[reached.index(reach)])

    # ---------------------------------------------------------------------------------------- gradients nearby

    def _search(self, nearby: ClaimedGradients, first: Iterable[Array]) -> Membership | None:
        """Whether the given gradient lies in the hull of the claim's own gradients nearby."""
        scaled = (self.size * self.given)[nearby.which]
        scales = dominance(self.point.layout, nearby.which)
        return search(scaled, nearby.tolerance, nearby, itertools.islice(first, nearby.many), scales, nearby.most)

    def _is_inside_after_all(self) -> bool:
        """The same with more directions to begin with, those that share many ties evenly among them."""
        if self.nearby is None or self.found is None:
            return False
        layout, which = self.point.layout, self.nearby.which
        first = itertools.chain(first_moves(layout, which, self.rng), rotations(layout, which))
        self.found = self._search(self.nearby, first) or self.found
        return bool(self.found.inside)

    def _is_inside_everywhere(self) -> bool:
        """The same by slopes of f in all entries: along each axis f is smooth, but their slopes do not add up."""
        self.which = np.arange(len(self.point.x))
        self.ask = gradient_of(self.claim, self.v, self.which)
        self.given = self.ask(None)
        return self._is_measured_inside()

    def _is_measured_inside(self) -> bool:
        """Whether it lies in the hull of gradients that slopes of f give, if there are only few entries."""
        tied = np.flatnonzero(np.isin(self.point.x, self.point.x[self.which])) if self.wrong.size else self.which
        which = np.union1d(tied, self.which).astype(int)
        if len(which) > FEW or self._room() < 8 * len(which):
            return False
        given = (self.size * gradient_of(self.claim, self.v, which)(None))[which]
        source = measured_gradients(self.trial.subject, self.v, which, given)
        if source is None:
            return False

        def ask(move: Array) -> Array | None:
            return source(move) if self._room() >= RESERVED + 2 * len(which) else None

        found = search(given, source.tolerance, ask, first_moves(self.point.layout, which, self.rng))
        return found is not None and bool(found.inside)

    def _is_confirmed(self) -> bool:
        """Whether slopes of f confirm the claim at two points beside the kink."""
        assert self.nearby is not None and self.found is not None
        u = self._line(random_move(len(self.which), self.rng))
        rows = [point_beside(self.point, self.nearby.which, move, BESIDE) for move in self.found.moves[:2]]
        there = [(row, self.ask(row)) for row in rows]
        return all(self.slopes.confirms(row, g, u, float(np.sum(np.abs(g * u)))) for row, g in there)

    def _room(self) -> int:
        return MOST - (self.point.evaluator.count - self.before)

    def _reach(self, one: Compared) -> float:
        """How far gradients nearby reach along a direction: 0 is the slope of f at the kink, 1 the claimed one."""
        if self.nearby is not None and self.found is not None:
            return self.slopes.reach(one, self.ask, self.given, self.nearby, self.found)
        if len(self.which) > BENT or self._room() < 2 * len(self.which):
            return 0.5  # too many to tell
        along = (one.u / self.size)[self.which]
        moves = [self._bends * along, *(random_move(len(self.which), self.rng) for _ in range(TRIED))]
        return min(self.slopes.measured_reach(one, self.which, moves), 0.5)

    @functools.cached_property
    def _bends(self) -> Array:
        """The sign of the kink in each entry: 1 where the slope grows."""
        return self.slopes.bends(self.which)

    # ------------------------------------------------------------------------------------ slopes of the function

    def _line(self, move: Array) -> Array:
        """A direction of the entries at the kink, in steps of their sizes."""
        u = np.zeros(len(self.point.x))
        u[self.which] = move / np.max(np.abs(move))
        return u * self.size

    def _axis(self, i: int) -> tuple[str, Array]:
        return f"along {self._place(i)}", self._line(1.0 * (self.which == i))

    def _lines(self) -> Iterator[tuple[str, Array]]:
        """Directions in which a gradient that is no subgradient shows, each with a name."""
        count, found = len(self.which), self.found
        for u, _ in self.trial.failed[:1]:
            yield "along a random direction", u
        yield from (self._axis(int(i)) for i in self.wrong[:2])
        yield ("along all entries at the kink together", "along this entry")[count == 1], self._line(np.ones(count))
        if self.nearby is not None and found is not None and not found.inside and found.away.any():
            away = np.zeros(count)
            away[np.searchsorted(self.which, self.nearby.which)] = found.away
            yield "away from the nearest subgradient", self._line(away)
            far = self.nearby.which[np.argsort(-found.share_outside, kind="stable")[:2]]
            yield from (self._axis(int(i)) for i in far)
        given = (self.size * self.given)[self.which]
        if given.any():
            yield "along the given gradient", self._line(given)
        for tied in tied_groups(self.point.x[self.which]):
            yield "along entries that tie", self._line(1.0 * tied)
        for i, j in tied_pairs(self.point.x[self.which], self.rng):
            one, other = (int(self.which[k]) for k in (i, j))
            move = 1.0 * (self.which == one) - (self.which == other)
            yield f"along {self._place(one)} against {self._place(other)}", self._line(move)

    def _contradictions(self) -> list[Compared]:
        """Directions along which the claimed slope lies outside of those of the two sides."""
        wrong, powers, seen = list[Compared](), list[float](), list[Array]()
        for name, u in self._lines():
            unit = u / np.sqrt(np.sum(u * u))
            if any(np.isclose(abs(np.sum(unit * other)), 1.0, rtol=1e-9) for other in seen):
                continue
            if seen and self._room() < MOST // 3:
                break
            seen.append(unit)
            if compared := self.slopes.compare(name, u, self.given):
                powers.append(compared.power)
                self.is_bent |= compared.sides[0] != compared.sides[1]
                wrong += [compared] * compared.wrong
            if len(wrong) == ENOUGH:
                break
        if powers and not (wrong or self.trial.powers or self.mistakes):
            self.trial.powers.append(max(powers))
        return wrong

    # ------------------------------------------------------------------------------------------- the findings

    def _accepted(self, inside: bool) -> Comparison:
        """The comparison without the mistakes of single entries, if there are any."""
        where = None
        if self.claim.locate_kink and self.mistakes:
            where = self.claim.locate_kink(self._line(random_move(len(self.which), self.rng)))
        self.trial.findings = [f for f in self.trial.findings if f not in self.mistakes]
        if not inside:
            self.trial.findings.append(Finding("open kink", sentence=OPEN))
        elif self.mistakes:
            sentence = f"a kink{f' of {where}' if where else ''}; the gradient lies between those nearby: accepted"
            self.trial.findings.append(Finding("kink", sentence=sentence))
        return self._with_conventions()

    def _with_conventions(self) -> Comparison:
        """The comparison, and whose conventions the entries at the kink follow, if it does not name them yet."""
        conventions, kinks = self.claim.conventions, [f for f in self.trial.findings if f.kind == "kink"]
        if conventions is None or not kinks or any("counts as" in f.sentence for f in kinks):
            return self.trial
        found: dict[str, list[str]] = {}
        for i in map(int, self.which[:NAMED]):
            if text := conventions.at_axis(i, self.v, float(self.given[i])):
                found.setdefault(text, []).append(self._place(i))
        lines = [kinks[0].sentence, *(f"{', '.join(places)}: {text}" for text, places in found.items())]
        at = self.trial.findings.index(kinks[0])
        self.trial.findings[at] = replace(kinks[0], sentence="\n".join(lines))
        return self.trial

    def _refused(self, worst: Compared) -> Comparison:
        """The comparison with the finding that the gradient is no subgradient."""
        if any(f.index is not None for f in self.mistakes):  # some entry is wrong by itself
            return self.trial
        self.trial.findings = [f for f in self.trial.findings if f not in self.mistakes and f.kind != "kink"]
        # Per unit of its longest step; a slope that is 0 but for rounding shows as 0.
        scale, bar = np.max(np.abs(worst.u)), worst.tolerance
        low, high, claimed = (
            0.0 if abs(slope) <= bar else slope / scale for slope in (*sorted(worst.sides), worst.claimed)
        )
        bounds = f"{high:.6g}" if np.ptp(worst.sides) <= bar else f"between {low:.6g} and {high:.6g}"
        lines = [
            "each entry lies between the slopes of its two sides, but together they are no subgradient:",
            f"{worst.name} the given slope is {claimed:.6g}, that of the function {bounds}",
            *self._hints(worst),
        ]
        self.trial.note([Finding("no subgradient", self._path(), sentence="\n".join(lines))])
        return self.trial

    def _hints(self, worst: Compared) -> list[str]:
        """How such a gradient usually comes about, and which libraries have the same."""
        lines, values = list[str](), self.given[self.which]
        tied = len(self.which) > 1 and np.ptp(self.point.x[self.which]) == 0
        if tied and not values.any():
            lines.append(f"none of the {len(values)} entries that tie has a share of the gradient")
        elif tied and np.ptp(values) == 0 and np.isclose(worst.claimed, len(values) * worst.sides[0]):
            lines.append(f"each of the {len(values)} entries that tie has the whole gradient: share it")
        if self.claim.conventions is not None:
            axes = {int(i): float(self.given[i]) for i in self.which[:NAMED]}
            if same := self.claim.conventions.who_has(axes, self.v):
                lines.append(f"the same as in {', '.join(same)}: outside of the subdifferential there, too")
        return lines

    def _place(self, i: int) -> str:
        slot = self.point.layout.slot_of(i)
        return Finding("kink", self.claim.names(slot.path), slot.index(i)).place

    def _path(self) -> str:
        """The argument, if all entries at the kink belong to one."""
        paths = {self.claim.names(self.point.layout.slot_of(int(i)).path) for i in self.which[: 4 * NAMED]}
        return paths.pop() if len(paths) == 1 else ""


def _wrong_entries(claim: Claim, mistakes: list[Finding]) -> list[int]:
    """The numbers of the entries that the comparison calls wrong."""
    slots = {claim.names(slot.path): slot for slot in claim.point.layout.slots}
    found = []
    for f in mistakes:
        if f.index is not None and (slot := slots.get(f.path)):
            index = f.index[len(f.index) - len(slot.shape) :]  # the output's index comes first
            found.append(slot.start + int(np.ravel_multi_index(index, slot.shape)) if index else slot.start)
    return found


def _has_ties(x: Array, which: Array) -> bool:
    """Whether one of these entries equals another entry of the point, as at the ties of sort or median."""
    return bool(len(which) and len(x) <= 10**4 and any(np.count_nonzero(x == x[i]) > 1 for i in which[:8]))
