"""Read the answer of a gradient function into a row of numbers, and note what shows without a slope.

A gradient for a cotangent, a tangent for a direction, a whole matrix (see `flattening`): nested like the arguments
or not, of their shapes and types or not, sparse or dense.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...engine.tree import kind_of, leaves, tree_map
from ...engine.tree_pairs import items_beside
from ...errors import DTypeError
from ..diagnosis.report import Finding
from ..numeric.extrapolation import Array
from ..numeric.flattening import Layout, Slot, is_array, name_of_dtype, to_array, unit_of_dtype
from .sparse import SparseMatrix, add_sparse, as_sparse, is_sparse, read_sparse, to_dense

DENSE = 2**20  # entries: a smaller sparse matrix is read as a dense one, and its mistakes are named


@dataclass
class Answer:
    """The answer of a claim: a row of numbers, and findings.

    missing: paths of the slots without numbers. unit: the unit roundoff of the numbers. odd: arrays of a wrong
    shape, by the path of their slot. sparse: a matrix that was given as a sparse one; the row is then empty.
    """

    row: Array
    unit: float = 2.0**-53
    missing: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    odd: dict[str, Array] = field(default_factory=dict)
    sparse: SparseMatrix | None = None


class ArgumentNames:
    """Names of arguments in reports: the parameters of the function."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __call__(self, path: str) -> str:
        """``[0]['w']`` as ``params['w']``."""
        found = re.match(r"\[(\d+)\]", path)
        if not found:
            return path
        return self.names[int(found[1])] + path[found.end() :]


def read(layout: Layout, given: object, names: ArgumentNames, unit: float, chosen: tuple[int, ...]) -> Answer:
    """Read one gradient per argument into a row; given: a tuple of gradients, or the only one.

    unit: the unit roundoff of the function; a gradient may be made of such floats, or of those of its argument.
    """
    answer = Answer(np.zeros(layout.size))
    parts = _per_argument(layout, given, chosen)
    if isinstance(parts, Finding):
        answer.findings.append(parts)
        answer.missing = {slot.path for slot in layout.slots}
        return answer
    beside = _arguments_beside(layout, parts)
    for slot in layout.slots:
        found = beside[slot.path]
        if isinstance(found, _Absent):
            answer.missing.add(slot.path)
            argument = names(slot.path[: slot.path.index("]") + 1])
            finding = Finding("structure", argument, sentence=str(found))
            answer.findings += [finding] * (finding not in answer.findings)
            continue
        _place(answer, slot, found, names(slot.path), unit)
    return answer


def _arguments_beside(layout: Layout, parts: dict[int, Any]) -> dict[str, Any]:
    """The gradient given for each leaf of the arguments."""
    found: dict[str, Any] = {}
    for n, given in parts.items():
        found |= _beside(layout.tree[n], given, f"[{n}]")
    return found


class _Absent(str):
    """Why a gradient is missing."""


def _per_argument(layout: Layout, given: Any, chosen: tuple[int, ...]) -> dict[int, Any] | Finding:
    """The gradient given for each differentiated argument."""
    own = [n for n in chosen if any(slot.path.startswith(f"[{n}]") for slot in layout.slots)]
    if len(own) == 1 and not _wraps(given, layout.tree[own[0]]):
        return {own[0]: given}
    if isinstance(given, (tuple, list)):
        for numbers in (chosen, tuple(own), tuple(range(len(layout.tree)))):
            if len(given) == len(numbers):
                return dict(zip(numbers, given, strict=True))
    what = f"{len(given)} results" if isinstance(given, (tuple, list)) else f"one {type(given).__name__}"
    return Finding("structure", sentence=f"expected one gradient per argument ({len(own)}), got {what}")


def _wraps(given: Any, argument: Any) -> bool:
    """Whether the gradient of a single argument was given in a tuple around it."""
    if not isinstance(given, (tuple, list)) or (hasattr(given, "_fields") and type(given) is type(argument)):
        return False
    if isinstance(argument, (tuple, list)):
        inner = given[0] if len(given) == 1 else None
        return isinstance(inner, (tuple, list)) and len(inner) == len(argument)
    if isinstance(given, list) and is_array(argument) and np.ndim(to_array(argument)):
        return len(given) == 1 and np.ndim(given[0]) > 0 and np.shape(given) != np.shape(argument)
    return isinstance(given, tuple) or bool(kind_of(argument))


def _beside(tree: Any, given: Any, path: str = "") -> dict[str, Any]:
    """The gradient given for each leaf of a tree, by path; `_Absent` if the nesting differs.

    `tree_pairs` would refuse what differs; here the rest is still compared.
    """
    kind = kind_of(tree)
    if given is None or tree is None or not kind:
        return dict.fromkeys(_paths(tree, path), given)
    keys, items, _ = kind.split(tree)
    by_key = dict(enumerate(given)) if _answers_numbers(tree, given) else items_beside(tree, given)
    if by_key is None:
        reason = _Absent(f"not nested like the argument: a {type(given).__name__} for a {type(tree).__name__}")
        return dict.fromkeys(_paths(tree, path), reason)
    found: dict[str, Any] = {}
    for key, item in zip(keys, items, strict=True):
        here = path + kind.path % (key,)
        if key in by_key:
            found |= _beside(item, by_key[key], here)
        else:
            reason = _Absent(f"not nested like the argument: {key!r} is missing")
            found |= dict.fromkeys(_paths(item, here), reason)
    return found | _beyond(tree, keys, by_key, path)


def _beyond(tree: Any, keys: Sequence[Any], by_key: dict[Any, Any], path: str) -> dict[str, Any]:
    """Superfluous gradients, reported at the leaves beside them."""
    known = set(keys)
    extra = [key for key in by_key if key not in known]
    if not extra:
        return {}
    reason = f"{', '.join(map(repr, extra))} {'is' if len(extra) == 1 else 'are'} too many"
    if isinstance(keys, range):
        reason = f"{len(by_key)} items for {len(keys)}"
    return dict.fromkeys(_paths(tree, path), _Absent(f"not nested like the argument: {reason}"))


def _answers_numbers(tree: Any, given: Any) -> bool:
    """Whether an array was given for a list of as many numbers."""
    if not isinstance(tree, (list, tuple)) or not is_array(given):
        return False
    numbers = all(is_array(item) and not np.ndim(to_array(item)) for item in tree)
    return numbers and np.shape(to_array(given)) == (len(tree),)


def _paths(tree: object, path: str) -> list[str]:
    found: list[str] = []
    tree_map(lambda _, where: found.append(where), tree, path)
    return found


def _place(answer: Answer, slot: Slot, given: object, name: str, unit: float) -> None:
    """Put one array of an answer into its part of the row."""
    if given is None:  # engines give None where the result does not depend on the input
        return
    if is_sparse(given):  # the row has a place for each entry anyway
        given = to_dense(given)
    try:
        array = to_array(given) if is_array(given) else np.asarray(given)
    except (DTypeError, ValueError):
        array = np.empty(0, dtype=object)
    if array.dtype.kind == "c":
        answer.missing.add(slot.path)
        sentence = f"the gradient is made of complex numbers ({array.dtype}), the argument of {slot.dtype}"
        answer.findings.append(Finding("dtype", name, sentence=sentence))
        return
    if array.dtype.kind not in "fiub":
        answer.missing.add(slot.path)
        sentence = f"expected an array of real numbers of shape {slot.shape}, got {type(given).__name__}"
        answer.findings.append(Finding("structure", name, sentence=sentence))
        return
    if array.shape != slot.shape:
        answer.missing.add(slot.path)
        answer.odd[slot.path] = array
        sentence = f"the gradient has shape {array.shape}, the argument {slot.shape}"
        answer.findings.append(Finding("shape", name, sentence=sentence))
        return
    found = name_of_dtype(given)
    own = unit_of_dtype(found) if array.dtype.kind == "f" else 1.0
    # Coarser numbers than the argument's lose digits; but not where the function has no more digits either.
    if hasattr(given, "dtype") and array.ndim and own > max(unit, unit_of_dtype(slot.dtype_name)):
        sentence = f"the gradient is made of {found}, the argument of {slot.dtype_name}"
        answer.findings.append(Finding("dtype", name, sentence=sentence))
    answer.row[slot.stretch] = np.ravel(array).astype(np.float64)
    if array.dtype.kind == "f":
        answer.unit = max(answer.unit, own)


def read_like(layout: Layout, given: object, unit: float) -> Answer:
    """Read a tangent, nested like the result, into a row; unit: as for `read`."""
    answer = Answer(np.zeros(layout.size))
    beside = _beside(layout.tree, given)
    for slot in layout.slots:
        found = beside[slot.path]
        if isinstance(found, _Absent):
            answer.missing.add(slot.path)
            answer.findings.append(Finding("structure", f"tangent{slot.path}", sentence=str(found)))
        else:
            _place(answer, slot, found, f"tangent{slot.path}", unit if slot.dtype.kind == "f" else 1.0)
    return answer


def read_matrix(
    results: Layout, layout: Layout, given: object, names: ArgumentNames, chosen: tuple[int, ...]
) -> Answer:
    """Read a matrix of derivatives, nested as by `minigrad.jacobian`, into a row of (outputs x inputs) numbers."""
    outs, ins = results.slots, layout.slots
    blocks = _beside(results.tree, given)
    if results.size * layout.size > DENSE and any(is_sparse(leaf) for leaf in leaves(given)):
        return _read_sparse_blocks(results, layout, blocks, names, chosen)
    answer = Answer(np.zeros(results.size * layout.size))
    matrix = answer.row.reshape(results.size, layout.size)
    for out in outs:
        block = blocks[out.path]
        parts = block if isinstance(block, _Absent) else _per_argument(layout, block, chosen)
        beside = _arguments_beside(layout, parts) if isinstance(parts, dict) else {}
        for slot in ins:
            found = beside.get(slot.path, parts)
            shape = out.shape + slot.shape
            whole = Slot(slot.path, None, shape, np.dtype(np.float64), 0, int(np.prod(shape)))
            part = Answer(np.zeros(whole.stop))
            if isinstance(found, Finding):
                part.findings.append(found)
                part.missing.add(slot.path)
            elif isinstance(found, _Absent):
                part.findings.append(Finding("structure", names(slot.path), sentence=str(found)))
                part.missing.add(slot.path)
            else:
                _place(part, whole, found, names(slot.path), unit=1.0)
            matrix[out.stretch, slot.stretch] = part.row.reshape(out.stop - out.start, slot.stop - slot.start)
            answer.findings += part.findings
            answer.missing |= part.missing
            answer.odd |= part.odd
            answer.unit = max(answer.unit, part.unit)
    return answer


def _read_sparse_blocks(
    results: Layout, layout: Layout, blocks: dict[str, Any], names: ArgumentNames, chosen: tuple[int, ...]
) -> Answer:
    """Read a matrix of derivatives of which some blocks are sparse; the whole is then sparse."""
    answer, parts, shape = Answer(np.zeros(0)), list[SparseMatrix](), (results.size, layout.size)
    for out in results.slots:
        given = _per_argument(layout, blocks[out.path], chosen)
        beside = _arguments_beside(layout, given) if isinstance(given, dict) else {}
        for slot in layout.slots:
            block = _block(beside.get(slot.path, given), (out.stop - out.start, slot.stop - slot.start))
            if isinstance(block, SparseMatrix):
                parts.append(block.moved(out.start, slot.start, shape))
            else:
                answer.missing.add(slot.path)
                answer.findings.append(Finding("structure", names(slot.path), sentence=block))
    answer.sparse = add_sparse(parts, shape)
    return answer


def _block(found: Any, shape: tuple[int, int]) -> SparseMatrix | str:
    """A block of this shape, as a sparse matrix; or what is wrong with it."""
    if found is None:
        return add_sparse([], shape)
    if isinstance(found, (Finding, str)):
        return found.sentence if isinstance(found, Finding) else str(found)
    if is_sparse(found):
        block = read_sparse(found)
    else:
        block = as_sparse(to_array(found).reshape(shape)) if np.size(found) == shape[0] * shape[1] else None
    if block is None or block.shape != shape:
        return f"expected a block of shape {shape} (results, entries), got one of shape {tuple(found.shape)}"
    return block
