"""How much is drawn: MINIGRAD_PROFILE is `ci` (the default, same examples every run), `dev` or `thorough`."""

import os
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

EXAMPLES = 20
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

settings.register_profile("ci", derandomize=True, max_examples=EXAMPLES, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("dev", max_examples=5 * EXAMPLES, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("thorough", max_examples=100 * EXAMPLES, deadline=None, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("MINIGRAD_PROFILE", "ci"))


_START = np.random.default_rng(0).bit_generator.state


@pytest.fixture(autouse=True)
def _same_numbers_in_any_order(request: pytest.FixtureRequest) -> None:
    """A generator that the tests of a file share starts anew for each: so they do not depend on their order."""
    for module in (request.module, sys.modules.get("identities")):
        for name in ("rng", "RNG"):
            if isinstance(generator := getattr(module, name, None), np.random.Generator):
                generator.bit_generator.state = _START
