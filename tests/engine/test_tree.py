"""Nested lists, tuples and dicts: mapped with paths, kept in kind and order."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from typing import Any

import numpy as np
import pytest

from minigrad import jvp, vjp
from minigrad.engine.tree import leaves, tree_map

Point = namedtuple("Point", ["x", "y"])
Nested = namedtuple("Nested", ["first", "rest"])


def double(x: Any, path: str) -> Any:
    return x * 2


@pytest.mark.parametrize(
    ("tree", "mapped"),
    [
        (1, 2),
        ([1, 2], [2, 4]),
        ((1,), (2,)),
        ({"a": 1}, {"a": 2}),
        (Point(1, [2]), Point(2, [4])),
        (Nested((1,), {"k": Point(2, 3)}), Nested((2,), {"k": Point(4, 6)})),
        ([[], (), {}], [[], (), {}]),
        (None, None),
        ([None, 1], [None, 2]),
        ({3: (1, {"k": 2})}, {3: (2, {"k": 4})}),
        ("ab", "abab"),
    ],
)
def test_the_nesting_stays(tree: Any, mapped: Any) -> None:
    result = tree_map(double, tree)
    assert result == mapped and type(result) is type(tree)


def test_kinds_of_dict_keep_kind_order_and_default() -> None:
    ordered = tree_map(double, OrderedDict(b=1, a=2))
    assert type(ordered) is OrderedDict and list(ordered.items()) == [("b", 2), ("a", 4)]
    counts = tree_map(double, defaultdict(list, a=1))
    assert type(counts) is defaultdict and counts["new"] == []


def test_paths_read_like_the_index() -> None:
    tree = {"w": [1, (2, 3)], 4: Point(5, None)}
    paths: list[str] = []
    tree_map(lambda leaf, path: paths.append(path), tree, "p")
    assert paths == ["p['w'][0]", "p['w'][1][0]", "p['w'][1][1]", "p[4][0]"]
    assert [eval(path, {"p": tree}) for path in paths] == [1, 2, 3, 5]


def test_the_path_of_a_bare_leaf_is_empty() -> None:
    assert tree_map(lambda leaf, path: path, 3) == ""


def test_leaves_from_left_to_right_without_none() -> None:
    assert leaves({"b": [1, None, (2,)], "a": 3}) == [1, 2, 3]
    assert leaves(None) == [] and leaves([]) == [] and leaves(7) == [7]


def test_arrays_and_text_are_leaves() -> None:
    array = np.ones((2, 2))
    assert leaves([array, "text"])[0] is array and leaves("text") == ["text"]


def test_the_tree_given_is_not_changed() -> None:
    tree = {"a": [1, 2], "b": {"c": 3}}
    result = tree_map(double, tree)
    assert tree == {"a": [1, 2], "b": {"c": 3}}
    assert result["a"] is not tree["a"] and result["b"] is not tree["b"]


def test_what_occurs_twice_is_visited_twice() -> None:
    shared = [1]
    result = tree_map(double, [shared, shared])
    assert result == [[2], [2]] and len(leaves([shared, shared])) == 2


def test_the_same_tree_through_two_maps_is_the_same() -> None:
    tree = {"a": (1, [2, 3]), "b": None}
    back = tree_map(lambda x, _: x // 2, tree_map(double, tree))
    assert back == tree


def test_dicts_are_paired_by_key_and_not_by_the_order_they_were_written_in():
    pull = vjp(lambda a: {"p": a * 2, "q": a**2}, 3.0)[1]
    assert pull({"q": 1.0, "p": 0.0}) == (6.0,)
    assert jvp(lambda d: d["x"] * 2 + d["y"], ({"x": 1.0, "y": 1.0},), ({"y": 1.0, "x": 0.0},))[1] == 1.0


@pytest.mark.parametrize(
    "other", [{"x": 1.0}, {"x": 1.0, "z": 0.0}, [1.0, 0.0], 1.0, {"x": 1.0, "y": [0.0]}], ids=str
)
def test_a_cotangent_nested_otherwise_is_refused_with_the_place(other):
    pull = vjp(lambda a: {"x": a, "y": a}, 3.0)[1]
    with pytest.raises(ValueError, match="the containers do not match"):
        pull(other)
