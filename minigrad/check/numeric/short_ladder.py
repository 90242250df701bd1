"""Slopes from a dozen calls of the function: enough to see that a derivative is right where the function is smooth.

Rounding errors are assumed, not measured, and a bar may be too narrow where a function is not what it seems. So a
short ladder only accepts: what it contradicts is measured again by `finite_differences`, with all of its care.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from .edges import is_flat_to_an_edge
from .evaluation import BudgetSpent, Evaluator, Line
from .extrapolation import DEVIATIONS, ROUNDING, Array, U
from .finite_differences import Slopes
from .short_slope import FIRST, ShortSlope
from .surroundings import SMALL_SHARE

SCARCE = {2: (5, 9), 3: (4, 7, 12), 4: (3, 6, 9, 15)}  # if the budget allows only so many steps
LONGER = (1, 2, 4)  # against noise
SHORTER = (11, 13, 15)  # where the function bends sharply
SOME = 2**12  # of more entries, a sample shows how points are rounded
KEPT = 2**20  # numbers kept for the next derivative to check
AT_ONCE = 2**17  # numbers evaluated at once

Values = dict[int, tuple[Array, Array]]  # by the depth of a step: values on both sides
Known = dict[tuple[object, float], Values]  # by the name of a line and the length of its steps


class ShortLadder:
    """Slopes of one function at one point, in the columns of `slopes`, from a dozen calls each.

    known: values along lines that were measured before, for other columns or another derivative.
    """

    def __init__(self, slopes: Slopes, known: Known) -> None:
        self.slopes, self.known = slopes, known
        self.center, self.size = self._columns(slopes.y)
        self.share = ROUNDING * slopes.unit * np.ones(len(self.center))
        self.coarse = slopes.unit > U

    @property
    def evaluator(self) -> Evaluator:
        """What calls the function."""
        return self.slopes.evaluator

    def along(
        self,
        lines: Sequence[int | Array],
        lengths: Sequence[float],
        depths: tuple[int, ...] | None = None,
        wanted: Array | float = 0.0,
    ) -> list[ShortSlope]:
        """The slopes along lines, with steps that are fractions of a length, a power of two.

        depths: the steps, if no more are wanted. wanted: the error bars, per column, that rounding should not
        exceed. Raises BudgetSpent if not even two steps can be afforded.
        """
        lengths = [self._within_reach(u, length) for u, length in zip(lines, lengths, strict=True)]
        room = max(1, AT_ONCE // max(1, len(self.slopes.y)) // (2 * len(FIRST)))
        found: list[ShortSlope] = []
        for start in range(0, len(lines), room):
            part = slice(start, start + room)
            found += self._some(lines[part], lengths[part], depths, wanted)
        return found

    def _within_reach(self, line: int | Array, length: float) -> float:
        """A length of which no step leads far from the point, or out of its bounds."""
        most = 2.0 ** LONGER[0] * min(self.slopes.reach(line), *(t or np.inf for t in self.slopes.room(line)))
        return length if length <= most else float(2.0 ** np.floor(np.log2(most)))

    @property
    def floor(self) -> Array:
        """The error of a value at the point, per column."""
        return self.share * self.size

    def learn_noise(self) -> None:
        """Assume as much noise as `slopes` has measured, unless there is a budget that this would spend."""
        if self.evaluator.limited:
            return
        noise = DEVIATIONS * self.slopes.noise_of_usual
        self.coarse |= bool(np.any(noise > 64 * self.share))
        self.share = np.fmax(self.share, noise)

    def is_trusted(self, slope: ShortSlope, column: int) -> bool:
        """Whether the noise at the point is rounding, and the function is not much smaller there than nearby.

        Terms that cancel at the point may have rounding errors that show in no difference.
        """
        with np.errstate(all="ignore"):
            near = np.fmax(np.abs(slope.plus), np.abs(slope.minus))[:, column]
            exact = self.slopes.noise[column] <= ROUNDING * self.slopes.unit
            return bool(exact and np.nanmax(near) <= self.size[column] / SMALL_SHARE)

    def is_flat_to_an_edge(self, line: int | Array, length: float, column: int) -> bool:
        """Whether a column is flat around the point, and starts to change at an edge."""

        def changes(ts: Array) -> Array:
            (values,) = self.slopes.run([Line(line, ts)])
            return np.nan_to_num(np.abs(self._columns(values)[0][:, column] - self.center[column]), nan=np.inf)

        return is_flat_to_an_edge(changes, length, float(self.floor[column]))

    def _some(
        self,
        lines: Sequence[int | Array],
        lengths: Sequence[float],
        depths: tuple[int, ...] | None,
        wanted: Array | float,
    ) -> list[ShortSlope]:
        first = depths or self._affordable(len(lines))
        values = self._values(lines, lengths, [first] * len(lines))
        values = [{k: one[k] for k in first} for one in values] if depths else values
        found = [self._slope(*one) for one in zip(lines, lengths, values, strict=True)]
        if depths or first != FIRST:
            return found
        coarse = [bool(self.coarse or s.noisy.any() or s.is_rounded(wanted)) for s in found]
        again = [n for n, s in enumerate(found) if not s.flat.all() and (coarse[n] or not s.enough.all())]
        more = [LONGER if coarse[n] else SHORTER for n in again]
        if self.evaluator.left < 2 * sum(map(len, more)):
            return found
        values = self._values([lines[n] for n in again], [lengths[n] for n in again], more)
        for n, one in zip(again, values, strict=True):
            found[n] = self._slope(lines[n], lengths[n], one)
        return found

    def _affordable(self, lines: int) -> tuple[int, ...]:
        steps = min(self.evaluator.left, 2.0**40) // (2 * lines)
        if steps >= len(FIRST):
            return FIRST
        if steps < min(SCARCE):
            raise BudgetSpent
        return SCARCE[int(steps)]

    def _values(
        self, lines: Sequence[int | Array], lengths: Sequence[float], depths: Sequence[tuple[int, ...]]
    ) -> list[Values]:
        """All that is known along lines, after calls at these depths."""
        keys = [(_name(u), length) for u, length in zip(lines, lengths, strict=True)]
        known: list[Values] = [dict(self.known.get(key, {})) for key in keys]
        missing = [[k for k in ks if k not in one] for ks, one in zip(depths, known, strict=True)]
        steps = [length * 2.0 ** -np.array(ks, float) for length, ks in zip(lengths, missing, strict=True)]
        wanted = [n for n, h in enumerate(steps) if len(h)]
        asked = [Line(lines[n], np.concatenate([steps[n], -steps[n]])) for n in wanted]
        width = len(self.slopes.y)
        if asked:
            rows = self.slopes.run(asked)
            for n, values in zip(wanted, rows, strict=True):
                count = len(missing[n])
                known[n] |= {k: (values[i], values[count + i]) for i, k in enumerate(missing[n])}
                self._keep(keys[n], known[n], width)
        return known

    def known_length(self, line: Array) -> float | None:
        """The length of the steps along a direction that was measured before; None if none was."""
        name = _name(line) if self.known else None
        return next((length for one, length in self.known if one == name), None)

    def _keep(self, key: tuple[object, float], values: Values, width: int) -> None:
        if (len(self.known) + 1) * 2 * len(FIRST) * width <= KEPT:
            self.known[key] = values

    def _slope(self, line: int | Array, length: float, values: Values) -> ShortSlope:
        depth = np.array(sorted(values))
        h = length * 2.0**-depth
        sides = [self._columns(np.array([values[int(k)][n] for k in depth])) for n in (0, 1)]
        size = np.fmax(*(np.nan_to_num(size[-1]) for _, size in sides))
        floor = self.share * np.fmax(self.size, size)
        return ShortSlope(h, depth, sides[0][0], sides[1][0], self.center, floor, self._moved(line, length))

    def _moved(self, line: int | Array, length: float) -> float:
        """How far rounding moves the points along a line, in units of the line."""
        x, h = self.slopes.x, length * 2.0 ** -FIRST[-2]
        with np.errstate(all="ignore"):
            if isinstance(line, int):
                return abs(float(np.nan_to_num((x[line] + h) - x[line] - h)))
            some = slice(None, None, 1 + len(x) // SOME)
            step, near = h * line[some], x[some]
            shift = np.abs(((near + step) - near) - step) / np.abs(line[some])
            return float(np.sqrt(np.mean(np.square(np.nan_to_num(shift)))))

    def _columns(self, values: Array) -> tuple[Array, Array]:
        """Values as columns, and for each the size whose rounding is its own.

        A sum of the outputs is one of their changes, and has the rounding of its terms, which is random.
        """
        values, weights = np.atleast_1d(values), self.slopes.project
        if weights is None:
            return values, np.abs(values)
        with np.errstate(all="ignore"):
            sums = "...j,kj->...k"
            all_terms = np.einsum(sums, np.abs(values), np.abs(weights))
            most = np.nan_to_num(np.max(np.abs(values), initial=0.0)) or 1.0
            random = 4 * most * np.sqrt(np.einsum(sums, (values / most) ** 2, weights**2))
            return np.einsum(sums, values - self.slopes.y, weights), np.fmin(all_terms, random)


def _name(line: int | Array) -> object:
    """What names a line: a hash, as a direction of many entries is large."""
    if isinstance(line, int):
        return line
    return hashlib.blake2b(np.ascontiguousarray(line).tobytes(), digest_size=16).digest()
