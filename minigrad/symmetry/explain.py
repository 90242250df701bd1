"""explain: where a gradient comes from, and why two gradients are equal or differ, factor by factor.

`paths` finds the paths and `factor_text` writes their factors as formulas. This module compares the paths of two
gradients side by side; `explanation_report` writes the result as text or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ..engine.derivative_limits import all_gradients
from ..engine.node import ARGUMENT
from ..engine.value import Value, graph, seed
from ..errors import ArgumentError, IndexingError, describe
from .claims import Claims
from .clustering import TOLERANCE, TOLERANCE_SINGLE
from .explanation_report import Explanation, Pair, PathGroup
from .factor_text import EntryNames, Index
from .fingerprints import Formulas, recorded_gradients
from .holding import live_values
from .loss_graph import Recording, loss_graph_of, with_any_data
from .modular import times
from .paths import ChainFactor, Path, PathSearch
from .probe import SIZES, probe
from .proof import points, prove
from .slices import tensor_name

MANY = 1000  # paths compared; the report gives only the sum of the rest
SEEN = 1e-8  # relative difference up to which two gradients at a random point are equal
NOISE = 64  # a sum below this many roundings of the sum of the absolute values is 0 to rounding
TRIED = {
    True: "are {0} now and at every point tried; no proof was found",
    False: "are {0} now, but nothing keeps them {0}",
    None: "are {0} now and may or may not stay {0}: the masks of this graph do not record their inputs",
}
WORD = {1: "equal", -1: "opposite"}
NAME = re.compile(r"(?:\w+\.)*[A-Za-zα-ωΑ-Ω_]\w*(?:\[[\d,]*\])*")


def explain(y: Value | Claims, u: object, v: object = None) -> Explanation:
    """Show the chain rule for dy/du in formulas and numbers; with v, show why dy/du and dy/dv are equal or differ.

    y: a Value of one element, or the ties of a loss, which know its parameters by name: so a model of PyTorch or
    JAX is explained, too. u, v: Values of one element, or entries of arrays, as ``(W1, 0, 2)``; with ties also
    names, as ``("fc1.weight", 0, 2)``, and the entries of `groups`. y must have been computed from them. The
    largest paths are compared, grouped by their factors; the report counts the rest.

    Raises ArgumentError, IndexingError, ShapeError; for ties also if their parameters have changed since, or if
    their loss is another program at each draw of random numbers.
    """
    if isinstance(y, Claims):
        recording = _recording(y)
        given = {p.serial: tensor_name(path) for p, path in zip(recording.params, recording.paths, strict=True)}
        u, v = (_by_name(x, recording) for x in (u, v))
        return _explain(recording, given, f" {recording.scope}", u, v)
    if not isinstance(y, Value):
        raise ArgumentError(f"explain takes a Value or ties, got {describe(y)}")
    seed(y)
    if v is not None:
        _refuse_arguments(y)
    return _explain(loss_graph_of(y), {}, "", u, v)


def _explain(recording: Recording, given: dict[int, str], scope: str, u: object, v: object) -> Explanation:
    """given: names of the parameters by serial. scope: the data that a proof holds for, in words."""
    y = recording.y
    start = seed(y)
    nodes = graph(y)
    names = EntryNames(nodes, given)
    asked = [_entry(x, nodes, given) for x in ((u,) if v is None else (u, v))]
    with np.errstate(all="ignore"):
        found = {node.serial: g for node, g in all_gradients(y, start)}
    gradients = tuple(float(np.asarray(found.get(x.serial, np.zeros(np.shape(x._array))))[i]) for x, i in asked)
    ways = [PathSearch(y, x, i, names) for x, i in asked]
    titles = tuple(f"d{names.of(y, (0,) * y.ndim if y.ndim else ())}/d{names.of(x, i)}" for x, i in asked)
    total = tuple(way.total for way in ways)
    single = any(x._array.dtype.itemsize < 8 for x, _ in asked)
    cancel = [abs(g) <= _noise(way.size, single) for g, way in zip(gradients, ways, strict=True)]
    if v is None:
        paths = list(islice(ways[0].largest(), MANY))
        groups = _group_pairs([Pair(path, None, ()) for path in paths])
        sentence = _of_one(titles[0], gradients[0], paths, total[0], cancel[0])
        return Explanation(sentence, titles, gradients, groups, total, len(paths))
    tolerance = TOLERANCE_SINGLE if single else TOLERANCE
    pairs = [_pair(path, ways[1], tolerance) for path in islice(ways[0].largest(), MANY)]
    least = max(tolerance * max(map(abs, gradients)), *(_noise(way.size, single) for way in ways))
    # Both signs are possible if both gradients are 0.
    signs = [sign for sign in (1, -1) if abs(gradients[0] - sign * gradients[1]) <= least]
    proved = next((sign for sign in signs if _stays(recording, asked, sign)), 0)
    sign = proved or next(iter(signs), 0)
    if proved:
        sentence = _of_proved(titles, pairs, sign, f"proved{scope}")
    elif sign:
        sentence = f"{_and(titles)} {TRIED[_agree(recording, asked, sign)].format(WORD[sign])}"
    else:
        sentence = _of_different(titles, pairs, names, total)
    if any(gradients) and all(cancel):
        sentence += "; both are 0 to rounding, because their paths cancel"
    groups = _group_pairs(pairs)
    return Explanation(sentence, titles, gradients, groups, total, len(pairs), sign == 1, proved != 0, sign == -1)


def _recording(found: Claims) -> Recording:
    """The recorded loss of ties. Raises ArgumentError if it is several, or if the parameters have changed since."""
    if found.recording.is_sampled:
        raise ArgumentError(
            "this loss is another program at each draw of its random numbers, so there is no one chain rule\n"
            "  write  explain(ties(f, params, *data), ...)   with an f that draws nothing"
        )
    if (live_values(found) != found.now.values).any():
        raise ArgumentError(
            "the parameters have changed since these ties were found\n"
            "  write  explain(ties(...), ...)   with the ties of the parameters as they are now"
        )
    return found.recording


def _by_name(x: object, recording: Recording) -> object:
    """A parameter in place of its name; anything else stays as it is."""
    name, *index = x if isinstance(x, tuple) and x else (x,)
    if not isinstance(name, str):
        return x
    names = [tensor_name(path) for path in recording.paths]
    place = next((k for k, known in enumerate(zip(names, recording.paths, strict=True)) if name in known), None)
    if place is None:
        raise ArgumentError(f"no parameter is called {name!r}\n  the parameters: {', '.join(names)}")
    if len(index) == 1 and isinstance(index[0], tuple):  # as in `groups`
        index = list(index[0])
    return (recording.params[place], *index)


def _refuse_arguments(y: Value) -> None:
    """Raise ArgumentError if y was computed from arguments: they may be parameters, or data."""
    if any(node.op is ARGUMENT and not node.inputs for node in graph(y)):
        raise ArgumentError(
            "this loss was computed from arguments, and only ties knows whether they are parameters or data\n"
            '  write  explain(ties(f, params, *data), ("W", 0, 0), ("W", 0, 1))   with names of parameters'
        )


def _noise(size: float, single: bool) -> float:
    """The rounding error of a sum whose terms have this sum of absolute values."""
    noise = size * NOISE * float(np.finfo(np.float32 if single else np.float64).eps)
    return noise if np.isfinite(noise) else 0.0


def _entry(x: object, nodes: Sequence[Value], given: dict[int, str]) -> tuple[Value, Index]:
    """A node, and the index of one of its entries. given: names of parameters by serial."""
    value, index = (x[0], tuple(x[1:])) if isinstance(x, tuple) and x else (x, ())
    if not isinstance(value, Value):
        raise ArgumentError(f"explain takes Values and entries of Values, as (W1, 0, 2), got {describe(value)}")
    if not any(node is value for node in nodes):
        raise ArgumentError(f"y was not computed from {describe(value)}")
    shape = np.shape(value._array)
    if not index and value._array.size == 1:
        index = (0,) * len(shape)
    if len(index) != len(shape) or not all(isinstance(i, (int, np.integer)) for i in index):
        name = repr(given[value.serial]) if value.serial in given else value.name or "W"
        raise IndexingError(
            f"explain takes one entry, and {describe(value)} has {value._array.size}\n"
            f"  write  ({', '.join([name, *('0' for _ in shape)])})   for the first"
        )
    if not all(-n <= i < n for i, n in zip(index, shape, strict=True)):
        raise IndexingError(f"no entry {index} in {describe(value)}")
    return value, tuple(int(i) % n for i, n in zip(index, shape, strict=True))


def _pair(path: Path, ways: PathSearch, tolerance: float) -> Pair:
    """Pair a path with the matching one of the other gradient: the same ops, and the same entries if possible."""
    twin = _twin(path.factors, ways)
    if twin is None:
        return Pair(path, None, tuple(range(len(path.factors))))
    pairs = zip(path.factors, twin.factors, strict=True)
    return Pair(path, twin, tuple(k for k, (a, b) in enumerate(pairs) if not _close(a.number, b.number, tolerance)))


def _close(a: float, b: float, tolerance: float) -> bool:
    return abs(a - b) <= tolerance * max(abs(a), abs(b))


def _twin(factors: Sequence[ChainFactor], ways: PathSearch) -> Path | None:
    """The matching path of the other gradient: through the same entries if possible, else similar ones."""
    steps = _follow(factors, ways, same=True) or _follow(factors, ways, same=False)
    if steps is None:
        return None
    found = tuple(ways.factor(stop, step) for stop, step in steps)
    return Path(found, float(np.prod([factor.number for factor in found])))


def _follow(factors: Sequence[ChainFactor], ways: PathSearch, same: bool) -> tuple[Any, ...] | None:
    """The steps most similar to the factors. same: prefer a step through the same entry to any other."""
    best: dict[Any, tuple[int, tuple[Any, ...]]] = {ways.start: (0, ())}
    for factor in factors:
        longer: dict[Any, tuple[int, tuple[Any, ...]]] = {}
        for stop, (score, steps) in best.items():
            every = ways.steps(stop)
            for step in [step for step in every if same and step[0] == factor.stop] or every:
                likeness = _likeness(factor, step, ways)
                if likeness is not None and longer.get(step[0], (-1,))[0] < score + likeness:
                    longer[step[0]] = score + likeness, (*steps, (stop, step))
        best = longer
    return best[ways.end][1] if ways.end in best else None


def _likeness(factor: ChainFactor, step: tuple[Any, float, str], ways: PathSearch) -> int | None:
    """How similar a step is to a factor: None for another op, the highest number for the same entry."""
    (serial, index), _, _ = step
    node = ways.node[serial]
    if (node.op.label if node.op else "") != factor.maker:
        return None
    own, own_index = factor.stop
    if (serial, index) == (own, own_index):
        return 8
    if serial == own:
        return 1 + 4 * int(index[:1] == own_index[:1]) + 2 * int(index[-1:] == own_index[-1:])
    return 2 * int(index == own_index)


def _group_pairs(pairs: Sequence[Pair]) -> tuple[PathGroup, ...]:
    """Group pairs by the kinds of their steps and by the rows that differ; largest product first."""
    groups: dict[Any, list[Pair]] = {}
    for pair in pairs:
        kinds = tuple((f.maker, f.stop[0]) for f in pair.first.factors)
        groups.setdefault((kinds, pair.differ, pair.second is None), []).append(pair)
    return tuple(PathGroup(tuple(members)) for members in groups.values())


def _stays(recording: Recording, asked: Sequence[tuple[Value, Index]], sign: int) -> bool:
    """Whether the gradients have the same formula, up to sign, at all points that descent may reach."""
    y, leaves, data = recording.y, recording.params, recording.symbolic_data
    nodes = [x for x, _ in asked]
    gradients = recorded_gradients(y, list({x.serial: x for x in nodes}.values()))
    by_serial = dict(zip(dict.fromkeys(x.serial for x in nodes), gradients, strict=True))
    wanted = [by_serial[x.serial] for x in nodes]
    if any(g is None for g in wanted):
        return all(g is None for g in wanted)
    partition = prove(y, leaves, data)
    signs = partition.signs_from(recording.values)
    first, second = Formulas(wanted, [*leaves, *data]).read(points(leaves, data, partition.signed, signs))
    (_, i), (_, j) = asked
    return all(bool(a[i] == b[j]) for a, b in zip(first.x, times(second.x, sign), strict=True))


def _agree(recording: Recording, asked: Sequence[tuple[Value, Index]], sign: int) -> bool | None:
    """Whether the gradients agree, up to sign, at random points that descent may reach; None: cannot be tried."""
    y, recording = recording.y, with_any_data(recording)
    if recording.is_detached:
        return None
    found, rng = probe(recording), np.random.default_rng(0)
    signs = found.signs_from(recording.values)
    for size in SIZES:
        numbers = rng.normal(size=int(found.signed.max(initial=-1)) + 1) * size
        env = recording.record_again(numbers[found.signed] * signs)
        there = env[y.serial]
        with np.errstate(all="ignore"):
            swept = {node.serial: g for node, g in all_gradients(there, seed(there))}
        a, b = (float(np.asarray(swept.get(env[x.serial].serial, np.zeros(x.shape)))[i]) for x, i in asked)
        if np.isfinite(a + b) and not _close(a, sign * b, SEEN):
            return False
    return True


# The sentences of the finding.


def _of_one(title: str, gradient: float, paths: Sequence[Path], total: int, cancel: bool) -> str:
    count = f"{total:,} path{'' if total == 1 else 's'}"
    if not total:
        return f"{title} = {gradient:.4g}, here and at every point tried"
    if gradient and cancel:
        what = "its terms" if total == 1 else f"the {count}"
        return f"{title} is 0 to rounding because {what} cancel ({gradient:.4g})"
    if gradient != 0 or not paths:
        return f"{title} = {gradient:.4g}, {'the sum over ' if total != 1 else ''}{count}"
    zeros = [next((f.words for f in path.factors if f.number == 0), None) for path in paths]
    if all(zeros):
        names = list(dict.fromkeys(zeros))
        return f"{title} = 0 because every path has a factor 0: {_enumerate([f'{name} = 0' for name in names])}"
    return f"{title} = 0: the {count} cancel"


def _of_proved(titles: Sequence[str], pairs: Sequence[Pair], sign: int, evidence: str) -> str:
    if sign < 0:
        return f"{_and(titles)} are opposite now and stay so ({evidence})"
    match = all(pair.second is not None and not pair.differ for pair in pairs)
    return f"{_and(titles)} are equal and stay equal{': all their factors match' if match else ''} ({evidence})"


def _of_different(titles: Sequence[str], pairs: Sequence[Pair], names: EntryNames, total: Sequence[int]) -> str:
    first, second = titles
    reasons = list(dict.fromkeys(reason for pair in pairs for reason in _reasons(pair, names)))
    if len(reasons) > 2:
        reasons = list(dict.fromkeys(map(_general, reasons)))
    if not reasons:
        how = (
            "their paths do not match"
            if total[0] == total[1]
            else f"{total[0]:,} paths lead to one, {total[1]:,} to the other"
        )
        return f"{first} ≠ {second} because {how}"
    return f"{first} ≠ {second} because {_enumerate(reasons)}"


def _reasons(pair: Pair, names: EntryNames) -> Iterator[str]:
    """The names that make the factors of a pair differ, such as w5 ≠ w6."""
    if pair.second is None:
        return
    for k in pair.differ:
        a, b = pair.first.factors[k].words, pair.second.factors[k].words
        ours, theirs = NAME.findall(a), NAME.findall(b)
        named = False
        if len(ours) == len(theirs):
            for p, q in zip(ours, theirs, strict=True):
                if p != q and names.numbers.get(p) != names.numbers.get(q):
                    named = True
                    yield f"{p} ≠ {q}"
        if not named:
            yield f"{a} ≠ {b}"


def _general(reason: str) -> str:
    """Write W2[2,7] ≠ W2[3,7] as W2[2,:] ≠ W2[3,:]: an index that both share becomes a colon."""
    entry = re.fullmatch(r"([^\[ ]+)\[([\d,]+)\] ≠ ([^\[ ]+)\[([\d,]+)\]", reason)
    if entry is None:
        return reason
    ours, theirs = entry[2].split(","), entry[4].split(",")
    if len(ours) != len(theirs):
        return reason
    pairs = list(zip(ours, theirs, strict=True))
    left, right = (",".join(":" if pair[0] == pair[1] else pair[side] for pair in pairs) for side in (0, 1))
    return f"{entry[1]}[{left}] ≠ {entry[3]}[{right}]"


def _and(titles: Sequence[str]) -> str:
    return " and ".join(titles)


def _enumerate(reasons: Sequence[str]) -> str:
    """a and b; a, b, c and 5 more."""
    kept = list(reasons[:4])
    if len(reasons) > 4:
        kept.append(f"{len(reasons) - 4} more")
    return kept[0] if len(kept) == 1 else f"{', '.join(kept[:-1])} and {kept[-1]}"
