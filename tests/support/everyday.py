"""Which cases of a long list every run looks at; the others are marked slow, and looked at by CI."""

from collections.abc import Sequence
from typing import Any

import pytest


def thinned(cases: Sequence[Any], keep: int) -> list[Any]:
    """All cases; all but every `keep`-th of them marked slow."""
    return [
        case
        if n % keep == 0
        else pytest.param(case, marks=pytest.mark.slow, id=case if isinstance(case, str) else None)
        for n, case in enumerate(cases)
    ]
