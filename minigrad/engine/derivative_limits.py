"""The limit of a derivative whose rules meet 0·∞ or nan.

Rules are plain products, so an infinite slope, or missing data, make nan of a zero that a selection made:
``where(x > 0, log(x), 0)`` at 0. Where a finished sweep holds nan, it is repeated on three copies of the graph
beside the point (`graph_beside`), where all products are plain numbers. What the copies agree on is the derivative,
what goes to zero with their tiny numbers is 0, and everything else stays nan. docs/nan-and-zero.md is the guide.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from io import StringIO
from typing import Any

import numpy as np

from .backward import N, graph, sweep, sweep_from
from .broadcasting import has_nan
from .forward import push
from .graph_beside import LIMIT, Beside, Nudge, data_of
from .modes import EAGER, debugging_by, ignoring_fp_warnings
from .node import Node, new_node
from .rescaling import out_of_range, rescaled
from .steepness import needs_limits

AGREE = 1e-9  # relative difference of what two copies may agree on

# The first two must agree. The third comes from the other side, where a function may end, as √x does at 0.
NUDGES = (
    Nudge(0, 1e-30, 1e50, 0.7, 0.1, doubt=1e-14),
    Nudge(1, 1e-60, 1e100, -0.4, doubt=-1e-25),
    Nudge(2, -1e-60, 1e90, 0.3, 0.3, doubt=1e-18),
)
# With ordinary numbers, only what a result does not depend on is 0.
ORDINARY = (Nudge(0, 0.3, 1.7, 0.7), Nudge(1, 0.2, 1.3, -0.4), Nudge(2, -0.2, 1.1, 0.3))


def limits_of_gradients(
    found: dict[int, Any],
    seeds: Sequence[tuple[Node, Any]],
    active: Collection[int] | None,
    alive: Collection[int],
    ends: Collection[int],
) -> dict[int, Any]:
    """The gradients of a reverse sweep, with limits for nan where there are any. See `sweep_from`.

    found: the gradients of that sweep, by serial. Where y itself is nan, all that depends on it stays nan; where it
    is infinite, only the zeros of selections are known.
    """

    def sweep(copy: Beside) -> dict[int, Any]:
        start = [(copy.twins[y.serial], copy.seed(y, g)) for y, g in seeds]
        return {x.serial: c for x, c in sweep_from(start, copy.serials(active), (), copy.serials(ends) or ())}

    asked = np.concatenate([np.ravel(y._array)[np.ravel(data_of(g)) != 0] for y, g in seeds])
    if asked.size and np.isnan(asked).all():
        return found
    return _settle(found, [y for y, _ in seeds], sweep, ORDINARY if np.isinf(asked).any() else NUDGES)


def limits_of_tangents(
    found: dict[int, Any], ys: Sequence[Node], tangents: dict[int, Any], alive: Collection[int]
) -> dict[int, Any]:
    """The tangents of a forward sweep, with limits for nan where there are any. See `push`.

    found: the tangents of the ys, by serial. tangents: those that the sweep started from.
    """

    def sweep(copy: Beside) -> dict[int, Any]:
        known = {copy.twins[k]: t for k, t in tangents.items() if k in copy.twins}
        start = {twin.serial: copy.seed(twin, t) for twin, t in known.items()}
        return push([copy.twins[y.serial] for y in ys], start)

    if all(np.isnan(y._array).all() for y in ys) and any(np.any(data_of(t)) for t in tangents.values()):
        return found
    return _settle(found, ys, sweep, ORDINARY if any(np.isinf(y._array).any() for y in ys) else NUDGES)


def all_gradients(y: N, g: Any) -> list[tuple[N, Any]]:
    """What `sweep` gives, with limits for nan: every node that y depends on, and its gradient."""
    noted = StringIO()
    with ignoring_fp_warnings(noted):
        pairs = list(sweep(y, g))
        found = {x.serial: c for x, c in pairs}
        found = EAGER.settle("gradients", found, [(y, g)], None, (), (), noted=noted.getvalue())
    return [(x, found[x.serial]) for x, _ in pairs]


def _settle(
    found: dict[int, Any], ys: Sequence[Node], sweep: Callable[[Beside], dict[int, Any]], nudges: tuple[Nudge, ...]
) -> dict[int, Any]:
    """The results of a sweep with those of its copies in place of nan."""
    nodes = graph(*ys)
    if not any(map(needs_limits, nodes)):
        return found
    lost = {serial for serial, x in found.items() if np.isnan(data_of(x)).any()}
    beside: dict[int, list[Any]] = {serial: [] for serial in lost}
    try:
        with np.errstate(all="ignore"), debugging_by(None):
            for nudge in nudges:
                copy = Beside(nodes, nudge)
                swept = sweep(copy)
                for serial in lost & copy.twins.keys():
                    beside[serial].append(swept.get(copy.twins[serial].serial, np.nan))
    except Exception:  # a user's function, or one of NumPy's, may refuse the numbers beside the point
        return found
    with np.errstate(all="ignore"):
        return {serial: _with_limits(x, *beside[serial]) if serial in lost else x for serial, x in found.items()}


def _with_limits(plain: Any, a: Any = np.nan, b: Any = np.nan, c: Any = np.nan) -> Any:
    """A derivative, with limits in place of nan where its copies a, b and c have one."""
    data = data_of(plain)
    vanishes, grows = _goes_to_zero(a, b), _goes_to_zero(1 / a, 1 / b) & (np.sign(a) == np.sign(b))
    also_vanishes, also_grows = _goes_to_zero(a, c), _goes_to_zero(1 / a, 1 / c) & (np.sign(a) == np.sign(c))
    other_side = np.isnan(c) | _agree(b, c) | (vanishes & also_vanishes) | (grows & also_grows)
    known = np.isnan(data) & (vanishes | grows | _agree(a, b)) & other_side
    limit = np.where(vanishes, 0.0, np.where(grows, np.copysign(np.inf, b), b))
    mended = np.where(known, limit, data).astype(data.dtype)[()]
    return new_node(type(plain), mended, LIMIT, (plain,), None) if isinstance(plain, Node) else mended


def _agree(a: Any, b: Any) -> Any:
    return np.isfinite(a) & np.isfinite(b) & (np.abs(a - b) <= AGREE * np.maximum(np.abs(a), np.abs(b)))


def _goes_to_zero(a: Any, b: Any) -> Any:
    """Whether an entry shrinks from one copy to the other as a power of the tiny numbers does."""
    return np.isfinite(a) & (np.abs(a) < 1e-2) & (np.abs(b) <= 1e-3 * np.abs(a))


def _mended(what: str, found: dict[int, Any], *start: Any, noted: str) -> dict[int, Any]:
    """What a sweep found, with products within range, and limits for nan. noted: the warnings of NumPy."""
    if out_of_range(noted):
        found = rescaled(what, found, *start)
    limits: Any = limits_of_gradients if what == "gradients" else limits_of_tangents
    return limits(found, *start) if any(map(has_nan, found.values())) else found


EAGER.limits = {what: partial(_mended, what) for what in ("gradients", "tangents")}
