import numpy as np
import pytest
from planting import BARS, draw, planted, said

from minigrad.check.diagnosis.diagnosis import diagnose


@pytest.mark.parametrize("shape", [(2, 2), (4, 4), (3, 4), (2, 3, 4), (3, 3, 3)])
@pytest.mark.parametrize("relative", BARS)
@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_two_exchanged_axes_are_named(shape: tuple[int, ...], relative: float, scale: float) -> None:
    d = scale * draw(*shape)
    for a in range(len(shape)):
        for b in range(a):
            found = said(d.swapaxes(a, b).reshape(shape), d, relative=relative)
            assert found.kind == "transposed"
            assert f"axes {b} and {a} exchanged" in found.sentence


def test_an_order_of_three_axes_is_named() -> None:
    d = draw(3, 3, 3)
    assert "its axes in the order (1, 2, 0)" in said(d.transpose(1, 2, 0), d).sentence


@pytest.mark.parametrize("shape", [(2,), (5,), (3, 4), (4, 4), (2, 3, 4)])
@pytest.mark.parametrize("relative", BARS)
def test_a_reversed_axis_is_named(shape: tuple[int, ...], relative: float) -> None:
    d = draw(*shape)
    for axis in range(len(shape)):
        found = said(np.flip(d, axis), d, relative=relative)
        assert (found.kind, f"axis {axis}" in found.sentence) == ("flipped", True)


@pytest.mark.parametrize("shape", [(5,), (3, 4), (4, 4), (3, 5, 4)])
@pytest.mark.parametrize("relative", BARS)
def test_a_cyclic_shift_is_named_by_how_far(shape: tuple[int, ...], relative: float) -> None:
    d = draw(*shape)
    for axis, length in enumerate(shape):
        for shift in range(1, length):
            found = said(np.roll(d, shift, axis), d, relative=relative)
            by = shift if 2 * shift <= length else shift - length
            assert (found.kind, f"by {by} along axis {axis}" in found.sentence) == ("rolled", True)


def test_a_shift_in_the_order_of_memory_is_named() -> None:
    d = draw(3, 4)
    assert said(np.roll(d, 1), d).sentence.endswith("shifted cyclically by 1 in the order of memory")


@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("relative", BARS)
def test_any_other_order_is_permuted(shape: tuple[int, ...], relative: float) -> None:
    d = draw(*shape)
    order = np.random.default_rng(5).permutation(d.size)
    assert said(d.ravel()[order].reshape(shape), d, relative=relative).kind == "permuted"
    assert said(np.sort(d, axis=None).reshape(shape), d, relative=relative).kind == "permuted"


def test_one_number_in_the_wrong_place_is_permuted_and_not_shifted_or_reversed() -> None:
    d, g = np.zeros(6), np.zeros(6)
    d[0], g[5] = 0.37, 0.37
    assert said(g, d).kind == "permuted"


def test_numbers_that_are_almost_those_of_the_derivative_are_not_permuted() -> None:
    d = draw(7)
    g = d[np.random.default_rng(5).permutation(7)] * (1 + 1e-7)
    assert said(g, d).kind == "wrong"


def test_one_number_twice_and_one_lost_is_not_permuted() -> None:
    d = draw(7)
    g = d[[1, 3, 3, 4, 5, 6, 0]]
    assert said(g, d).kind == "wrong"


def two() -> tuple[np.ndarray, np.ndarray]:
    return draw(3, 2, seed=1), draw(3, 2, seed=2)


def test_exchanged_arguments_are_named_for_both() -> None:
    a, b = two()
    first, second = planted(b, a, path="a"), planted(a, b, path="b")
    assert diagnose(first, [second]).sentence == "given is the derivative of b, and the other way round"
    assert diagnose(second, [first]).kind == "swapped"


def test_the_derivative_of_another_argument_is_named_where_that_one_is_right() -> None:
    a, b = two()
    assert diagnose(planted(b, a, path="a"), [planted(b, b, path="b")]).sentence == "given is the derivative of b"


def test_almost_the_derivative_of_another_argument_is_not() -> None:
    a, b = two()
    assert diagnose(planted(b * (1 + 1e-8), a), [planted(b, b, path="b")]).kind == "wrong"
    assert diagnose(planted(b[:, :1], a[:, :1]), [planted(b, b, path="b")]).kind == "wrong"


@pytest.mark.parametrize(
    ("kind", "move"),
    [
        ("transposed", lambda d: d.reshape(32, 32).T.ravel()),
        ("rolled", lambda d: np.roll(d, 3)),
        ("flipped", lambda d: d[::-1]),
        ("permuted", lambda d: np.sort(d)),
    ],
)
def test_moves_are_seen_in_the_sixty_four_entries_that_were_measured(kind: str, move) -> None:
    d = draw(1024)
    shape = (32, 32) if kind == "transposed" else (1024,)
    measured = np.random.default_rng(3).permutation(1024)[:64]
    assert said(move(d).reshape(shape), d.reshape(shape), measured=measured).kind == kind
