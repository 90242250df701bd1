"""A finding, and the tensors that findings are about: their parts, by name, and their shares of the claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .claims import OBSERVED, PROBED, PROVED, Claims
from .slices import Index, entry_text, tensor_name
from .trials import Trials

TIED, OPPOSITE, FROZEN, DEAD, ZERO = "tied", "opposite", "frozen", "dead now", "zero gradient now"
VANISHING, BROKEN = "vanishing now", "no longer tied"
KINDS = (TIED, OPPOSITE, FROZEN, DEAD, ZERO, VANISHING, BROKEN)


@dataclass(frozen=True)
class TieFinding:
    """One finding.

    kind      "tied", "opposite", "frozen", "dead now", "zero gradient now", "vanishing now" or "no longer tied"
    tensors   the names of the parameters it is about
    indices   for each of them the parts it is about: () for all of it, (0, None) for row 0, (0, 2) for an entry
    evidence  "proved", "probed" or "observed"
    remedy    a change that was tried and helps; None if none does
    sentence  the finding in words
    """

    kind: str
    tensors: tuple[str, ...]
    indices: tuple[tuple[Index, ...], ...]
    evidence: str
    remedy: str | None
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """The finding as texts, numbers and lists, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence


@dataclass(frozen=True, eq=False)
class Tensor:
    """One parameter: its name, its first place among all entries, and its part of some facts about all entries."""

    name: str
    first: int
    classes: Any
    signed: Any  # classes up to sign, from 1, times the sign; 0 where an entry is 0 for ever
    frozen: Any  # seen to have gradient 0 at all points, or proved to
    never: Any  # proved never to move
    groups: Any
    values: Any

    @property
    def size(self) -> int:
        """The number of entries."""
        return int(self.classes.size)

    @property
    def is_one(self) -> bool:
        """Whether all entries are one, and there are several."""
        return self.size > 1 and bool((self.classes == self.classes.flat[0]).all())

    def entries(self, mask: Any) -> Any:
        """The places of some entries among all."""
        return np.flatnonzero(mask) + self.first


class Tensors:
    """The parameters that ties were found for."""

    def __init__(self, found: Claims) -> None:
        self.found, self.trials = found, Trials(found.recording, found.now)
        recording, p = found.recording, found.partition
        zero = p.frozen & (found.now.values == 0)
        signed = np.where(zero, 0, (p.signed + 1) * p.signs.astype(np.int64))
        parts = [
            recording.split(x)
            for x in (p.classes, signed, p.frozen, found.never_moves, found.numbers, found.now.values)
        ]
        self.firsts = np.cumsum([0, *(q._array.size for q in recording.params)])
        self._tensors = [
            Tensor(tensor_name(path), int(first), *facts)
            for path, first, *facts in zip(recording.paths, self.firsts[:-1], *parts, strict=True)
        ]

    def __getitem__(self, k: int) -> Tensor:
        """The tensor with that number."""
        return self._tensors[k]

    def __iter__(self) -> Iterator[Tensor]:
        """The tensors, in order."""
        return iter(self._tensors)

    def named(
        self,
        kind: str,
        owners: Sequence[int],
        indices: Sequence[tuple[Index, ...]],
        evidence: str,
        sentence: str,
        remedy: str | None = None,
    ) -> TieFinding:
        """A finding about some tensors, by their numbers."""
        return TieFinding(kind, tuple(self[k].name for k in owners), tuple(indices), evidence, remedy, sentence)

    def owner(self, entry: int) -> int:
        """The number of the tensor of an entry."""
        return int(np.searchsorted(self.firsts, entry, side="right")) - 1

    def index(self, entry: int) -> Index:
        """The index of an entry in its tensor; () if all entries of it are one."""
        t = self[self.owner(entry)]
        return () if t.is_one else tuple(int(i) for i in np.unravel_index(entry - t.first, t.classes.shape))

    def entry(self, entry: int) -> str:
        """An entry by name; by the name of the tensor alone if all its entries are one."""
        return entry_text(self[self.owner(entry)].name, self.index(entry))

    def indices(self, owners: Sequence[int], entries: Sequence[int]) -> list[tuple[Index, ...]]:
        """The indices of some entries, tensor by tensor."""
        return [tuple(dict.fromkeys(self.index(e) for e in entries if self.owner(e) == k)) for k in owners]

    def by_owners(self, sets: Sequence[list[int]]) -> list[tuple[tuple[int, ...], list[list[int]]]]:
        """Sets of entries, by the tensors that they are in."""
        found: dict[tuple[int, ...], list[list[int]]] = {}
        for entries in sets:
            found.setdefault(tuple(sorted({self.owner(e) for e in entries})), []).append(entries)
        return [*found.items()]

    @property
    def best(self) -> str:
        """The evidence of what the proof says."""
        return OBSERVED if self.found.recording.is_sampled else PROVED

    def evidence(self, known: Any) -> str:
        """The evidence for a claim. known: whether the proof says it."""
        return self.best if known else PROBED
