"""Findings: what ties say, tensor by tensor, in sentences that a reader of a model can act on.

A finding names tensors and the parts of them: rows, columns and channels where whole slices are alike, or entries.
`tied_parts` and `still_parts` find them.
"""

from __future__ import annotations

from .claims import Claims
from .still_parts import frozen_parts, zero_parts
from .tie_finding import Tensors, TieFinding
from .tied_parts import tied_parts


def findings(found: Claims) -> list[TieFinding]:
    """All findings: of ties, of opposite parameters, of what never moves, and of what does not move now."""
    tensors = Tensors(found)
    return [*tied_parts(tensors), *frozen_parts(tensors), *zero_parts(tensors)]
