"""equal_gradients: finds groups of each kind, up to the tolerance and no further."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value, equal_gradients, nn
from minigrad.errors import ArgumentError, ShapeError


def told(groups: Any) -> list[str]:
    return [str(group) for group in groups]


def weighted(*rows: Any) -> Any:
    """A matrix with the given gradient."""
    W = Value(np.ones(np.shape(rows)), name="W")
    return (W * np.array(rows)).sum()


def test_columns_rows_and_entries_of_a_matrix() -> None:
    found = equal_gradients(weighted([1.0, 2.0, 1.0], [3.0, 4.0, 3.0]))
    assert told(found.of("columns"))[0] == "W[:, 0] = W[:, 2]"
    assert not [group for group in told(found.of("rows")) if group.startswith("W")]
    entries = {tuple(p.index for p in group.places if p.name == "W") for group in found.of("entries")}
    assert ((0, 0), (0, 2)) in entries and ((1, 0), (1, 2)) in entries
    assert told(equal_gradients(weighted([1.0, 2.0], [1.0, 2.0])).of("rows"))[0] == "W[0, :] = W[1, :]"


def test_whole_nodes_and_their_values() -> None:
    a, b, c = (Value(x, name=n) for x, n in ((1.0, "a"), (2.0, "b"), (3.0, "c")))
    found = equal_gradients(a + b + 2 * c)
    assert any({p.name for p in group.places} >= {"a", "b"} for group in found.of("nodes"))
    assert not any({p.name for p in group.places} >= {"a", "c"} for group in found.of("nodes"))


def test_opposite_is_a_kind_of_its_own_and_each_pair_is_told_once() -> None:
    a, b = Value(1.0, name="a"), Value(2.0, name="b")
    assert told(equal_gradients((a - b) * 3).of("opposite")) == ["a = -b = 3"]


def test_columns_rows_and_entries_are_opposite_too() -> None:
    found = told(equal_gradients(weighted([1.0, -1.0], [2.0, -2.0])).of("opposite"))
    assert found == ["W[:, 0] = -W[:, 1]", "W[0, 0] = -W[0, 1] = 1", "W[1, 0] = -W[1, 1] = 2"]
    assert "W[0, :] = -W[1, :]" in told(equal_gradients(weighted([1.0, 2.0], [-1.0, -2.0])).of("opposite"))


def test_a_node_without_a_name_is_not_written_like_a_minus_sign() -> None:
    a, b = Value(1.0, name="a"), Value(2.0, name="b")
    assert told(equal_gradients((a - b) * 3).of("nodes"))[0] == "a = #2(-) = 3"


def test_zero_is_a_kind_of_its_own() -> None:
    a, b = Value(0.0, name="a"), Value(0.0, name="b")
    found = equal_gradients(a * b)
    assert {p.name for p in found.of("zero")[0].places} == {"a", "b"}
    assert not found.of("nodes") and not found.of("opposite")


def test_the_tolerance_is_relative_and_stated() -> None:
    close = weighted([1.0, 1.0 + 1e-9])
    assert equal_gradients(close).tolerance == 1e-12
    assert not equal_gradients(close).of("entries")[1:] and "1e-12" in repr(equal_gradients(close))
    loose = equal_gradients(close, tolerance=1e-6)
    assert any({(0, 0), (0, 1)} <= {p.index for p in g.places if p.name == "W"} for g in loose.of("entries"))
    single = Value(np.ones(2, np.float32), name="w")
    assert equal_gradients(single.sum()).tolerance == 1e-5


def test_a_tolerance_of_zero_is_held_to_and_stated() -> None:
    found = equal_gradients(weighted([0.1 + 0.2, 0.3]), tolerance=0)
    assert found.tolerance == 0 and "to 0 of" in repr(found)
    assert not any(len([p for p in g.places if p.name == "W"]) > 1 for g in found.of("entries"))


@pytest.mark.parametrize("tolerance", [-1e-9, np.nan, np.inf, "1e-9"])
def test_a_tolerance_that_is_no_share_is_refused(tolerance: Any) -> None:
    with pytest.raises(ValueError, match="0 or more, got"):
        equal_gradients(weighted([1.0, 1.0]), tolerance=tolerance)


def test_a_tied_network_shows_its_columns() -> None:
    net = nn.MLP((2, 3, 1), init=0.5)
    found = equal_gradients(nn.squared_error(net(np.ones((2, 2))), np.zeros((2, 1))))
    assert "W1[:, 0] = W1[:, 1] = W1[:, 2]" in told(found.of("columns"))
    assert all(p.grad is None for p in net.parameters())


def test_the_text_of_a_wide_network_can_be_read() -> None:
    net = nn.MLP((2, 40, 1), init=0.5)
    x = np.random.default_rng(0).normal(size=(30, 2))
    found = equal_gradients(nn.squared_error(net(x), np.zeros((30, 1))))
    lines = repr(found).splitlines()
    shown = sum(line.startswith("  entries") for line in lines)
    assert len(lines) < 70 and max(map(len, lines)) < 400
    assert f"  and {len(found.of('entries')) - shown} more groups of entries" in lines
    assert "W1[:, 11], and at 28 more places" in repr(found.of("columns")[0])


def test_refusals() -> None:
    with pytest.raises(ArgumentError, match="takes a Value"):
        equal_gradients(3.0)  # type: ignore[arg-type]
    with pytest.raises(ShapeError):
        equal_gradients(Value(np.ones(2)))
    with pytest.raises(ValueError, match="nodes, columns"):
        equal_gradients(Value(1.0) * 2).of("squares")
