"""The steps of two moons, eager and compiled in both ways, are the same training."""

from __future__ import annotations

import numpy as np
import pytest
from bench import scalars

import minigrad


@pytest.mark.parametrize("batched", [False, True])
def test_compiled_steps_have_the_losses_of_eager_ones(batched: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scalars, "SAMPLES", 5)
    monkeypatch.setattr(scalars, "SIZES", (2, 3, 1))
    eager = [loss for loss, _ in scalars.steps(minigrad.Value)]
    compiled = [loss for loss, _ in scalars.CompiledSteps(batched)][: scalars.STEPS]
    np.testing.assert_allclose(compiled, eager, rtol=1e-12)
    assert len(set(eager)) == scalars.STEPS
