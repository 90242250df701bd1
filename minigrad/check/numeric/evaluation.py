"""Evaluate any function as a function of rows of numbers: count the calls, keep a budget, use many cores.

Where the function fails (an error, nan, inf) its value is nan; the first error is kept for the report.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ArgumentError, MinigradError
from .extrapolation import Array
from .flattening import Layout, concatenate_flat, is_number, to_array

if TYPE_CHECKING:
    from concurrent.futures import Executor

CHUNK = 64  # evaluations sent to a worker at once


class WorkerDied(MinigradError, RuntimeError):
    """A worker process ended while it evaluated the function: there is no verdict."""


class BudgetSpent(Exception):
    """The budget allows no more evaluations."""


@dataclass(frozen=True)
class RowFunction:
    """f as a function of a row of numbers. Each call builds new arguments, so f may change them."""

    f: Callable[..., Any]
    layout: Layout
    promote: bool = False

    def result(self, row: Array) -> Any:
        """The result of f, unchanged; raises the errors of f."""
        return self.f(*self.layout.build(row, self.promote))

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

    def points(self, x: Array) -> Any:
        """The points, one after the other."""
        for t in self.ts:
            point = x.copy()
            if isinstance(self.u, int):
                point[self.u] += t
            else:
                point += t * self.u
            yield point


def evaluate_lines(f: RowFunction, x: Array, lines: Sequence[Line], width: int) -> tuple[list[Array], str]:
    """f along lines: one array (points, width) per line, nan where f fails; and the text of the first error."""
    found, first_error = [], ""
    with silence_warnings():
        for line in lines:
            values = np.full((len(line.ts), width), np.nan)
            for k, point in enumerate(line.points(x)):
                try:
                    y = f(point)
                except Exception as error:
                    first_error = first_error or f"{type(error).__name__}: {error}"
                    continue
                if y.shape == (width,):
                    values[k] = y
            found.append(np.where(np.isfinite(values), values, np.nan))
    return found, first_error


@contextlib.contextmanager
def silence_warnings() -> Iterator[None]:
    """Silence warnings: a function may overflow far from the point, and its values show that."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


class Evaluator:
    """Evaluates a function along lines, serially or on an executor, with the same results to the last bit.

    budget: a number of evaluations (int) or of seconds (float), for all functions that share it.
    """

    def __init__(
        self,
        budget: float | None = None,
        executor: Executor | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        if budget is not None and (isinstance(budget, bool) or not budget > 0):
            raise ArgumentError(f"budget is a number of evaluations (int) or of seconds (float), got {budget!r}")
        self.executor, self.progress = executor, progress
        self.count, self.first_error = 0, ""
        self._most = budget if isinstance(budget, int) else None
        self._end = None if budget is None or isinstance(budget, int) else time.monotonic() + budget

    def run(self, f: RowFunction, x: Array, lines: Sequence[Line], width: int) -> list[Array]:
        """f along each line. Raises BudgetSpent if the budget would not suffice."""
        amount = sum(len(line.ts) for line in lines)
        self.afford(amount)
        if self.executor is None:
            found, first_error = evaluate_lines(f, x, lines, width)
        else:
            found, first_error = self._share_out(self.executor, f, x, lines, width)
        self.first_error = self.first_error or first_error
        self.tick(amount)
        return found

    def call(self, f: RowFunction, row: Array) -> Any:
        """Call f once in this process; return its result or raise its error."""
        self.tick(1)
        with silence_warnings():
            return f.result(row)

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

    def out_of_time(self) -> bool:
        """Whether the time has run out."""
        return self._end is not None and time.monotonic() > self._end

    def _share_out(
        self, executor: Executor, f: RowFunction, x: Array, lines: Sequence[Line], width: int
    ) -> tuple[list[Array], str]:
        from concurrent.futures import BrokenExecutor  # its import takes longer than this package's

        pieces = [(n, piece) for n, line in enumerate(lines) for piece in _pieces(line)]
        tasks = _in_fours(pieces)
        try:
            futures = [executor.submit(evaluate_lines, f, x, [piece for _, piece in task], width) for task in tasks]
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
