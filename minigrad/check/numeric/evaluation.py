"""Evaluate a function of anything as a function of rows of numbers: counted, within a budget, on many cores.

A failure at a point (an error, nan, inf) gives nan there and is remembered; nothing here judges it.
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
    """Signal: no more evaluations."""


@dataclass(frozen=True)
class RowFunction:
    """f as a function of a row: each call builds new arguments, so f may change them."""

    f: Callable[..., Any]
    layout: Layout
    promote: bool = False

    def result(self, row: Array) -> Any:
        """The result of f, unchanged; raises the errors of f."""
        return self.f(*self.layout.build(row, self.promote))

    def __call__(self, row: Array) -> Array:
        """The numbers that f gives, as one row."""
        return flatten_result(self.result(row))


def flatten_result(result: Any) -> Array:
    """All real numbers of a result, as one row."""
    if isinstance(result, float):  # np.float64 as well
        return np.array([result], dtype=np.float64)
    if type(result) is np.ndarray and result.dtype.kind == "f":
        return np.ravel(result).astype(np.float64)
    layout = Layout(result, takes=is_number)
    return concatenate_flat([to_array(slot.leaf) for slot in layout.slots])


@dataclass(frozen=True)
class Line:
    """Points x + t·u: u along one axis (its number), or any direction."""

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


@dataclass
class Trouble:
    """The text of the first error that a function raised anywhere."""

    said: str = ""


def evaluate_lines(f: RowFunction, x: Array, lines: Sequence[Line], width: int) -> tuple[list[Array], str]:
    """f along lines: one array (points, width) per line, nan where f fails; and the first error."""
    found, said = [], ""
    with quiet():
        for line in lines:
            values = np.full((len(line.ts), width), np.nan)
            for k, point in enumerate(line.points(x)):
                try:
                    y = f(point)
                except Exception as error:
                    said = said or f"{type(error).__name__}: {error}"
                    continue
                if y.shape == (width,):
                    values[k] = y
            found.append(np.where(np.isfinite(values), values, np.nan))
    return found, said


@contextlib.contextmanager
def quiet() -> Iterator[None]:
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
        self.count, self.said = 0, ""
        self._most = budget if isinstance(budget, int) else None
        self._end = None if budget is None or isinstance(budget, int) else time.monotonic() + budget

    def run(self, f: RowFunction, x: Array, lines: Sequence[Line], width: int) -> list[Array]:
        """f along each line. Raises BudgetSpent before it exceeds the budget."""
        amount = sum(len(line.ts) for line in lines)
        self.afford(amount)
        if self.executor is None:
            found, said = evaluate_lines(f, x, lines, width)
        else:
            found, said = self._shared(self.executor, f, x, lines, width)
        self.said = self.said or said
        self.tick(amount)
        return found

    def call(self, f: RowFunction, row: Array) -> Any:
        """Call f once in this process; return its result or raise its error."""
        self.tick(1)
        with quiet():
            return f.result(row)

    def afford(self, amount: int) -> None:
        """Raises BudgetSpent if fewer than `amount` evaluations are left."""
        if (self._most is not None and self.count + amount > self._most) or self.late():
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

    def late(self) -> bool:
        """Whether the time has run out."""
        return self._end is not None and time.monotonic() > self._end

    def _shared(
        self, executor: Executor, f: RowFunction, x: Array, lines: Sequence[Line], width: int
    ) -> tuple[list[Array], str]:
        from concurrent.futures import BrokenExecutor  # its import takes longer than this package's

        pieces = [(n, piece) for n, line in enumerate(lines) for piece in _pieces(line)]
        tasks = _grouped(pieces)
        try:
            futures = [executor.submit(evaluate_lines, f, x, [piece for _, piece in task], width) for task in tasks]
            answers = [future.result() for future in futures]
        except BrokenExecutor as error:
            raise WorkerDied(_DIED) from error
        except Exception as error:
            if _is_unsendable(error):
                raise ArgumentError(
                    f"the function cannot be sent to a worker: {error}\n"
                    "  write  it with def at the top of a module (no lambda, nothing defined inside a function)"
                ) from error
            if "killed" in type(error).__name__.lower():  # Dask's name for a dead worker
                raise WorkerDied(_DIED) from error
            raise
        rows: list[list[Array]] = [[] for _ in lines]
        for task, (values, _) in zip(tasks, answers, strict=True):
            for (n, _), part in zip(task, values, strict=True):
                rows[n].append(part)
        return [np.concatenate(parts) for parts in rows], next((said for _, said in answers if said), "")


def _is_unsendable(error: Exception) -> bool:
    """Whether the function could not be pickled; each Python and each executor says so in its own words."""
    said = f"{type(error).__name__} {error}".lower()
    return "pickl" in said or "can't get local object" in said


_DIED = (
    "a worker ended while it evaluated the function: there is no verdict\n"
    "  the function may have run out of memory, or exited; try it without executor="
)


def _pieces(line: Line) -> list[Line]:
    cuts = range(0, len(line.ts), CHUNK // 4)
    return [Line(line.u, line.ts[cut : cut + CHUNK // 4]) for cut in cuts]


def _grouped(pieces: list[tuple[int, Line]]) -> list[list[tuple[int, Line]]]:
    """Group short pieces, so that a worker gets more than a few points at once."""
    return [pieces[k : k + 4] for k in range(0, len(pieces), 4)]
