"""Evaluate any function as a function of rows of numbers: count the calls, keep a budget, use many cores.

Where the function fails (an error, nan, inf) its value is nan; the first error is kept for the report.
"""

from __future__ import annotations

import contextlib
import math
import time
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ArgumentError, MinigradError
from .bounds import Bounds
from .extrapolation import Array
from .flattening import Layout, concatenate_flat, is_number, to_array

if TYPE_CHECKING:
    from concurrent.futures import Executor

CHUNK = 64  # evaluations sent to a worker at once
# Steps grow no further where a call takes so many times as long as at the point, and at least so many seconds: of
# work, or of waiting for something else, which tells less on a busy machine. SURELY needs no second look.
SLOWER, SLOW, WAITED, SURELY = 20.0, 0.01, 0.25, 2.0


class WorkerDied(MinigradError, RuntimeError):
    """A worker process ended while it evaluated the function: there is no verdict."""


class BudgetSpent(Exception):
    """The budget allows no more evaluations."""


@dataclass(frozen=True, eq=False)
class RowFunction:
    """f as a function of a row of numbers. Each call builds new arguments, so f may change them.

    bounds: f is not called outside of them; ArgumentError is raised instead.
    """

    f: Callable[..., Any]
    layout: Layout
    promote: bool = False
    bounds: Bounds | None = None

    def result(self, row: Array) -> Any:
        """The result of f, unchanged; raises the errors of f."""
        return self.f(*self.layout.build(self.inside(row), self.promote))

    def inside(self, row: Array) -> Array:
        """The row, without the roundings that lead out of the bounds. Raises ArgumentError further outside."""
        if self.bounds is None:
            return row
        if not self.bounds.contains(row):
            raise ArgumentError("a point outside of the bounds")
        return self.bounds.clip(row)

    def __call__(self, row: Array) -> Array:
        """The numbers that f returns, as one row."""
        return flatten_result(self.result(row))


def flatten_result(result: object) -> Array:
    """All real numbers of a result, as one row."""
    if isinstance(result, float):  # np.float64 as well
        return np.array([result], dtype=np.float64)
    if type(result) is np.ndarray and result.dtype.kind == "f":
        return np.ravel(result).astype(np.float64)
    layout = Layout(result, takes=is_number)
    return concatenate_flat([to_array(slot.leaf) for slot in layout.slots])


@dataclass(frozen=True)
class Line:
    """Points x + t·u, where u is an axis (its number) or any direction."""

    u: int | Array
    ts: Array

    def point(self, x: Array, t: float) -> Array:
        """The point x + t·u."""
        point = x.copy()
        if isinstance(self.u, int):
            point[self.u] += t
        else:
            point += t * self.u
        return point


class Walk:
    """Evaluates f along lines, from short steps to long ones: to each side as long as f is finite, and cheap.

    usual: the time of a call at the point. work: the least work of a call, in seconds of this thread.
    first_error: the text of the first error.
    """

    def __init__(self, f: RowFunction, x: Array, width: int, usual: float) -> None:
        self.f, self.x, self.width, self.usual = f, x, width, usual
        self.work, self.first_error = math.inf, ""

    def along(self, line: Line) -> Array:
        """The values, (points, width); nan where f fails or takes extremely long, and further away."""
        values, late, ended = np.full((len(line.ts), self.width), np.nan), [0, 0], [False, False]
        for k in np.argsort(np.abs(line.ts), kind="stable"):
            side = int(line.ts[k] < 0)
            if ended[side]:
                continue
            y, took, slow = self._timed(line.point(self.x, line.ts[k]))
            if slow and took < SURELY:  # or memory was tidied up just now
                y, took, slow = self._timed(line.point(self.x, line.ts[k]))
            # Time without work may be the machine's, busy with something else; but not twice in a row, or for long.
            late[side] = late[side] + 1 if took > max(WAITED, SLOWER * self.usual) else 0
            ended[side] = bool(np.isnan(y).all() or slow or late[side] > (took < SURELY))
            self.usual = min(self.usual, took)
            values[k] = np.nan if ended[side] else y
        return values

    def _timed(self, point: Array) -> tuple[Array, float, bool]:
        """The value at a point, the time it took, and whether much more work was done than usual."""
        begun, idle = time.perf_counter(), time.thread_time()
        y = self._call(point)
        took, worked = time.perf_counter() - begun, time.thread_time() - idle
        usual, self.work = self.work, min(self.work, worked)
        return y, took, took > max(SLOW, SLOWER * self.usual) and worked > max(SLOW / 4, SLOWER * usual)

    def _call(self, point: Array) -> Array:
        try:
            y = self.f(point)
        except Exception as error:
            self.first_error = self.first_error or f"{type(error).__name__}: {error}"
            return np.full(self.width, np.nan)
        return np.where(np.isfinite(y), y, np.nan) if y.shape == (self.width,) else np.full(self.width, np.nan)


def evaluate_lines(
    f: RowFunction, x: Array, lines: Sequence[Line], width: int, usual: float = math.inf
) -> tuple[list[Array], str]:
    """f along lines: an array (points, width) per line; and the text of the first error."""
    walk = Walk(f, x, width, usual)
    with silence_warnings():
        return [walk.along(line) for line in lines], walk.first_error


def end_at_failures(line: Line, values: Array) -> int:
    """Set to nan what lies further away than a point where f fails; returns how many calls that took.

    So a line has the same values whether its points were evaluated one after the other or not.
    """
    failed, calls = np.isnan(values).all(axis=-1), 0
    for side in (line.ts >= 0, line.ts < 0):
        end = np.abs(line.ts[side & failed]).min(initial=math.inf)
        values[side & (np.abs(line.ts) > end)] = np.nan
        calls += int(np.count_nonzero(side & (np.abs(line.ts) <= end)))
    return calls


@contextlib.contextmanager
def silence_warnings() -> Iterator[None]:
    """Silence warnings: a function may overflow far from the point, and its values show that."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


class Evaluator:
    """Evaluates a function along lines, serially or on an executor, with the same results to the last bit.

    evaluations, seconds: how many calls, and how long, for all functions that share it.
    """

    def __init__(
        self,
        evaluations: int | None = None,
        seconds: float | None = None,
        executor: Executor | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        whole = isinstance(evaluations, (int, np.integer)) and not isinstance(evaluations, bool)
        if evaluations is not None and not (whole and evaluations > 0):
            raise ArgumentError(f"evaluations= is a whole number of calls, at least 1, got {evaluations!r}")
        if seconds is not None and (isinstance(seconds, bool) or not seconds > 0):
            raise ArgumentError(f"seconds= is a time, more than 0, got {seconds!r}")
        self.executor, self.progress = executor, progress
        self.count, self.first_error = 0, ""
        self._usual = weakref.WeakKeyDictionary[RowFunction, float]()  # the time of a call
        self._most = evaluations
        self._end = None if seconds is None else time.monotonic() + seconds

    def run(self, f: RowFunction, x: Array, lines: Sequence[Line], width: int) -> list[Array]:
        """f along each line. Raises BudgetSpent if the budget would not suffice."""
        amount = sum(len(line.ts) for line in lines)
        self.afford(amount)
        if self.executor is None:
            found, first_error = evaluate_lines(f, x, lines, width, self._usual.get(f, math.inf))
        else:
            found, first_error = self._share_out(self.executor, f, x, lines, width)
        self.first_error = self.first_error or first_error
        self.tick(sum(end_at_failures(line, values) for line, values in zip(lines, found, strict=True)))
        return found

    def call(self, f: RowFunction, row: Array) -> Any:
        """Call f once in this process; return its result or raise its error."""
        self.tick(1)
        begun = time.perf_counter()
        with silence_warnings():
            result = f.result(row)
        self._usual[f] = min(self._usual.get(f, math.inf), time.perf_counter() - begun)
        return result

    def afford(self, amount: int) -> None:
        """Raises BudgetSpent if fewer than `amount` evaluations are left."""
        if (self._most is not None and self.count + amount > self._most) or self.out_of_time():
            raise BudgetSpent

    def tick(self, amount: int) -> None:
        """Count evaluations."""
        self.count += amount
        if self.progress is not None:
            self.progress(amount)

    @property
    def limited(self) -> bool:
        """Whether there is a budget."""
        return self._most is not None or self._end is not None

    @property
    def left(self) -> float:
        """How many calls are left."""
        return np.inf if self._most is None else float(self._most - self.count)

    def out_of_time(self) -> bool:
        """Whether the time has run out."""
        return self._end is not None and time.monotonic() > self._end

    def _share_out(
        self, executor: Executor, f: RowFunction, x: Array, lines: Sequence[Line], width: int
    ) -> tuple[list[Array], str]:
        from concurrent.futures import BrokenExecutor  # its import takes longer than this package's

        pieces = [(n, piece) for n, line in enumerate(lines) for piece in _pieces(line)]
        tasks = _in_fours(pieces)
        usual = self._usual.get(f, math.inf)
        try:
            futures = [
                executor.submit(evaluate_lines, f, x, [piece for _, piece in task], width, usual) for task in tasks
            ]
            answers = [future.result() for future in futures]
        except BrokenExecutor as error:
            raise WorkerDied(_WORKER_DIED) from error
        except Exception as error:
            if _is_unsendable(error):
                raise ArgumentError(
                    f"the function cannot be sent to a worker: {error}\n"
                    "  write  it with def at the top of a module (no lambda, nothing defined inside a function)"
                ) from error
            if "killed" in type(error).__name__.lower():  # Dask's name for a dead worker
                raise WorkerDied(_WORKER_DIED) from error
            raise
        rows: list[list[Array]] = [[] for _ in lines]
        for task, (values, _) in zip(tasks, answers, strict=True):
            for (n, _), part in zip(task, values, strict=True):
                rows[n].append(part)
        return [np.concatenate(parts) for parts in rows], next((error for _, error in answers if error), "")


def _is_unsendable(error: Exception) -> bool:
    """Whether the function could not be pickled; the message depends on the Python and on the executor."""
    message = f"{type(error).__name__} {error}".lower()
    return "pickl" in message or "can't get local object" in message


_WORKER_DIED = (
    "a worker ended while it evaluated the function: there is no verdict\n"
    "  the function may have run out of memory, or exited; try it without executor="
)


def _pieces(line: Line) -> list[Line]:
    cuts = range(0, len(line.ts), CHUNK // 4)
    return [Line(line.u, line.ts[cut : cut + CHUNK // 4]) for cut in cuts]


def _in_fours(pieces: list[tuple[int, Line]]) -> list[list[tuple[int, Line]]]:
    """Group short pieces, so that a worker gets more than a few points at once."""
    return [pieces[k : k + 4] for k in range(0, len(pieces), 4)]
