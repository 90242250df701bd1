"""What a module finds among its attributes, in which order, and under which names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value, grad, nn
from minigrad.engine.tree import tree_map


class Holder(nn.Module):
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


def same(found: list[Value], expected: list[Value]) -> bool:
    """The very same values: == would compare their numbers."""
    return [id(v) for v in found] == [id(v) for v in expected]


def names(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_parameters()]


def test_parameters_are_found_in_attributes_lists_dicts_tuples_and_modules_in_order() -> None:
    a, b, c, d, e = (Value(float(i)) for i in range(5))
    holder = Holder(last=a, rows=[b, [c]], table={"key": d}, pair=(1, Holder(inner=e)))
    assert same(holder.parameters(), [a, b, c, d, e])
    assert names(holder) == ["last", "rows.0", "rows.1.0", "table.key", "pair.1.inner"]


def test_a_shared_parameter_counts_once_under_its_first_name() -> None:
    w = Value(1.0)
    holder = Holder(first=w, second=[w, Holder(third=w)])
    assert same(holder.parameters(), [w])
    assert names(holder) == ["first"]


def test_equal_parameters_are_not_taken_for_one() -> None:
    holder = Holder(first=Value(1.0), second=Value(1.0))
    assert len(holder.parameters()) == 2


def test_a_shared_module_counts_once_and_a_circle_ends() -> None:
    inner = Holder(w=Value(1.0))
    outer = Holder(left=inner, right=inner)
    inner.parent = outer  # type: ignore[attr-defined]
    items: list[Any] = [outer]
    items.append(items)
    assert names(Holder(items=items)) == ["items.0.left.w"]


def test_a_nesting_of_5_000_lists_is_no_recursion() -> None:
    nest: Any = Value(1.0)
    for _ in range(5_000):
        nest = [nest]
    found = Holder(nest=nest).parameters()
    assert len(found) == 1
    while isinstance(nest, list):  # taken apart by hand: Python frees nested lists recursively
        nest = nest.pop()


def test_what_is_computed_and_what_is_plain_is_no_parameter() -> None:
    w = Value(1.0)
    assert same(Holder(w=w, twice=2 * w, array=np.ones(3), text="w", none=None, f=np.tanh).parameters(), [w])


def test_a_set_of_parameters_is_refused_because_it_has_no_order() -> None:
    with pytest.raises(
        TypeError, match=r"heads is a set, which has no order\n  write  \[...\]   to hold parameters in a list"
    ):
        Holder(heads={Value(1.0)}).parameters()
    assert Holder(tags={"a", "b"}).parameters() == []


def test_a_name_of_its_own_comes_before_the_place_and_a_name_borne_twice_does_not() -> None:
    holder = Holder(a=Value(1.0, name="gain"), b=Value(1.0, name="W1"), c=Value(1.0, name="W1"), d=Value(1.0))
    assert names(holder) == ["gain", "b", "c", "d"]


def test_names_are_unique_in_a_model_of_two_networks() -> None:
    both = Holder(encoder=nn.MLP((2, 3, 1)), decoder=nn.MLP((1, 2)))
    found = names(both)
    assert len(set(found)) == len(found) == 6
    assert found[0] == "encoder.layers.0.W"


def test_an_attribute_set_later_is_found_and_one_replaced_is_forgotten() -> None:
    holder = Holder(w=Value(1.0))
    holder.v = Value(2.0)  # type: ignore[attr-defined]
    holder.w = Value(3.0)  # type: ignore[attr-defined]
    assert [p.item() for p in holder.parameters()] == [3.0, 2.0]


def test_zero_grad_forgets_every_gradient() -> None:
    net = nn.MLP((2, 3, 1), seed=0)
    net(np.ones(2)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad()
    assert [p.grad for p in net.parameters()] == [None] * 4


def test_a_module_of_gradients_or_of_arrays_is_a_module() -> None:
    net, x = nn.MLP((2, 3, 1), "tanh", seed=0), np.ones((1, 2))
    gradient = grad(lambda net: np.sum(net(x)))(net)
    gradient.zero_grad()
    arrays = tree_map(lambda w, _: w.data, net)
    assert isinstance(arrays(x), np.ndarray) and arrays(x) == net(x).data


def test_a_module_prints_as_one_line() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.w, self.parts = Value(np.ones((30, 40))), [Value(1.0)]

    assert repr(Net()) == "<Net, 1,201 parameters>"
    assert repr(nn.Module()) == "<Module, 0 parameters>"
