"""A refinement of many rounds, each of which changes few symbols, such as that of a path of equal weights.

It does what the plain loop of `proof` does, with the same result, but a round costs as much as it changes:
`changes` reads the gradient again where symbols changed, and only classes with such entries are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.value import Value
from .changes import EVERY, Changes
from .classes import first_entries, number_rows, renumber
from .fingerprints import Formulas
from .modular import Fingerprint, identically_zero, sign_of, symbols, times
from .residues import LANES


class LongRefinement:
    """Classes, signs and gradients of all entries, split further round by round.

    starts, outputs: the first entry of each parameter, and of each gradient among `formulas.outputs`.
    """

    def __init__(
        self,
        formulas: Formulas,
        given: dict[int, Fingerprint],
        params: tuple[Sequence[Value], Sequence[int]],
        outputs: Sequence[int],
        now: tuple[Any, Any],
    ) -> None:
        self.classes, self.signs = (x.copy() for x in now)
        self.params, self.starts = params
        self.formulas, self.outputs = formulas, list(enumerate(outputs))
        self.reader = Changes(formulas, given)
        size = len(self.classes)
        self.symbols = symbols(size, "class")
        self.gradient = np.zeros((LANES, size), dtype=np.int64)
        self.count = int(self.classes.max(initial=-1)) + 1
        self.sizes = np.zeros(size, dtype=np.int64)
        self.sizes[: self.count] = np.bincount(self.classes, minlength=self.count)
        # What gradient times sign was for all entries of a class, in the last round that looked at it.
        self.seen = np.full((LANES, size), -1, dtype=np.int64)
        for k, start in self.outputs:
            x = formulas.output(k, self.reader.env).x.reshape(LANES, -1)
            self.gradient[:, start : start + x.shape[1]] = x

    def run(self) -> tuple[Any, Any, Any, int]:
        """Split until nothing changes: classes, signs, which gradients are 0, and the number of rounds."""
        rounds, at = 0, np.arange(len(self.classes))
        while True:
            rounds += 1
            zero = at[self.signs[at] == 0]
            self.signs[zero] = sign_of(self.gradient[:, zero])
            split, moved = self._split(at), zero[self.signs[zero] != 0]
            alone = self.count == len(self.classes) and not identically_zero(self.gradient).any()
            if alone or not (len(split) or len(moved)):
                return self.classes, self.signs, identically_zero(self.gradient), rounds
            at = self._read(np.union1d(split, moved) if len(moved) else split)

    def _split(self, at: Any) -> Any:
        """Split the classes of entries whose gradients changed; returns the entries with a new class number."""
        x = times(self.gradient[:, at], self.signs[at])
        differ = (x != self.seen[:, self.classes[at]]).any(axis=0)
        at, x = at[differ], x[:, differ]
        if not len(at):
            return at
        own = self.classes[at]
        dense, touched = renumber(own)
        parts, count = number_rows(x, dense)
        firsts, sizes = first_entries(parts, count), np.bincount(parts, minlength=count)
        classes = own[first_entries(dense, touched)]
        rest = self.sizes[classes] - np.bincount(dense, minlength=touched)  # entries that remain as they were
        order = np.lexsort((-sizes, dense[firsts]))
        largest = order[np.diff(dense[firsts][order], prepend=-1) > 0]
        takes = sizes[largest] > rest
        moved = [self._move_rest(c, at) for c in classes[takes & (rest > 0)].tolist()]
        numbers = np.full(count, -1)
        numbers[largest[takes]] = classes[takes]
        new = np.flatnonzero(numbers < 0)
        numbers[new] = self._new_numbers(len(new))
        self.sizes[classes] = rest
        self.sizes[numbers] = sizes
        self.seen[:, numbers] = x[:, firsts]
        numbers = numbers[parts]
        self.classes[at] = numbers
        return np.concatenate([at[numbers != own], *moved])

    def _move_rest(self, number: int, at: Any) -> Any:
        """Give the entries of a class that are not in `at` a new number, as they are fewer than the others."""
        rest = np.setdiff1d(np.flatnonzero(self.classes == number), at)
        (new,) = self._new_numbers(1)
        self.classes[rest], self.sizes[new], self.seen[:, new] = new, len(rest), self.seen[:, number]
        return rest

    def _new_numbers(self, count: int) -> Any:
        self.count += count
        return np.arange(self.count - count, self.count)

    def _read(self, at: Any) -> Any:
        """Read the gradient with the present symbols of these entries; returns where it changed."""
        x = times(self.symbols[:, self.classes[at]], self.signs[at])
        whose = np.searchsorted(self.starts, at, side="right") - 1
        given = {}
        for k in set(whose.tolist()):
            own = whose == k
            given[self.params[k].serial] = at[own] - self.starts[k], x[:, own]
        return self._take(self.reader.update(given))

    def _take(self, changed: dict[int, Any]) -> Any:
        """Copy what changed from the reader; returns where."""
        places = [np.zeros(0, dtype=np.int64)]
        for k, start in self.outputs:
            output = self.formulas.outputs[k]
            if isinstance(output, Value) and output.serial in changed:
                x, change = self.formulas.output(k, self.reader.env).x.reshape(LANES, -1), changed[output.serial]
                at = np.arange(x.shape[1]) if change is EVERY else change[0]
                self.gradient[:, start + at] = x[:, at]
                places.append(start + at)
        return np.concatenate(places)
