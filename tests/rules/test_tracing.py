"""No rule reads the data of a Value: while tracing a Value stands for all data, and reading it raises."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from checking import DIFFERENTIABLE, each, invoke, places, projected, woven

from minigrad import Value, errors, grad
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.op import TABLE, Op
from minigrad.tracing import trace


def differentiate_traced(op: Op) -> None:
    for example in random_calls(op, 6):
        which, plain = places(op, example.inputs), invoke(op, example.inputs, example.params)
        ones = each(lambda part: 1.0, plain)
        with trace(), np.errstate(all="ignore"):
            leaves = [Value(example.inputs[k]) for k in which]
            grad(
                lambda *xs, e=example, w=which, v=ones: projected(invoke(op, woven(e.inputs, w, xs), e.params), v),
                tuple(range(len(which))),
            )(*leaves)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_rule_branches_on_no_value(name: str) -> None:
    differentiate_traced(DIFFERENTIABLE[name])


def test_a_rule_that_branches_on_a_value_is_caught() -> None:
    record = TABLE[np.absolute]
    planted = replace(record, vjps=(lambda g, y, x: g * np.sign(x) if (x != 0).all() else 0.0 * g,))
    with patch.dict(TABLE, {np.absolute: planted}), pytest.raises(errors.TracingError):
        differentiate_traced(planted)
