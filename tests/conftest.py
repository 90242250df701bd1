"""How much is drawn: MINIGRAD_PROFILE is `ci` (the default, same examples every run), `dev` or `thorough`."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = 20
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

settings.register_profile("ci", derandomize=True, max_examples=EXAMPLES, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("dev", max_examples=5 * EXAMPLES, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("thorough", max_examples=100 * EXAMPLES, deadline=None, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("MINIGRAD_PROFILE", "ci"))
