"""Findings: what ties say, tensor by tensor, in sentences that a reader of a model can act on.

A finding names tensors and the parts of them: rows, columns and channels where whole slices are alike, or entries.
`tied_parts` and `still_parts` find them.
"""

from __future__ import annotations

from dataclasses import replace

from .claims import OBSERVED, Claims
from .holding import broken
from .still_parts import frozen_parts, vanishing_parts, zero_parts
from .tie_finding import BROKEN, Tensors, TieFinding
from .tied_parts import tied_parts


def findings(found: Claims) -> list[TieFinding]:
    """All findings: of ties, of opposite parameters, of what never moves, and of what does not move now.

    If the parameters have moved so that ties no longer hold, that comes first.
    """
    tensors, parted = Tensors(found), broken(found)
    at_start = [*tied_parts(tensors), *frozen_parts(tensors), *zero_parts(tensors), *vanishing_parts(tensors)]
    if parted is None:
        return at_start
    everywhere = tuple(() for _ in parted.tensors)
    first = TieFinding(BROKEN, parted.tensors, everywhere, OBSERVED, None, str(parted))
    return [first, *(replace(one, sentence=f"at the start: {one}") for one in at_start)]
