"""The patterns that recognise mistakes in a gradient, in the order in which they are tried.

Each is a small function that takes a case and returns a diagnosis or None. The decorator `order.pattern` states its
place in the order; this module finds all pages of the folder by itself.

No page calls the checked function, and none imports this module.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Final

from .order import PLACES, SINGLE_PLACES, Pattern

for _page in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_page.name}")

ORDER: Final[tuple[Pattern, ...]] = tuple(PLACES[place] for place in sorted(PLACES))

# The patterns for a single wrong entry, when all others are right: they describe its place.
SINGLE_ENTRY_ORDER: Final[tuple[Pattern, ...]] = tuple(SINGLE_PLACES[place] for place in sorted(SINGLE_PLACES))
