"""The patterns that recognise mistakes in a gradient, in the order of their trial.

Each is a small function that takes a case and gives a diagnosis or None. Its page states its place in the order
with the decorator `order.pattern`; the pages of this folder are found by themselves.

The package has small pages; none calls the checked function, and none imports this list.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Final

from .order import PLACES, SINGLE_PLACES, Pattern

for _page in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_page.name}")

ORDER: Final[tuple[Pattern, ...]] = tuple(PLACES[place] for place in sorted(PLACES))

# If one entry is known to be wrong and all others right, the finding is its place.
LONE: Final[tuple[Pattern, ...]] = tuple(SINGLE_PLACES[place] for place in sorted(SINGLE_PLACES))
