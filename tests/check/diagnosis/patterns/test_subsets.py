import numpy as np
import pytest
from planting import BARS, draw, planted, said

from minigrad.check.diagnosis.diagnosis import diagnose

HOW = {
    "doubled": lambda d: 2 * d,
    "negated": lambda d: -d,
    "zero": lambda d: 0 * d,
    "shifted": lambda d: d + 0.3,
    "anything": lambda d: draw(*d.shape, seed=9),
}


def wrong_where(mask: np.ndarray, how: str, d: np.ndarray) -> np.ndarray:
    return np.where(mask, HOW[how](d), d)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_is_named_before_anything_else(bad: float) -> None:
    d = draw(3, 4)
    g = 2 * d
    g[1, 2] = bad
    found = said(g, d)
    assert found.kind == "nan"
    assert f"{'nan' if np.isnan(bad) else 'inf'} in 1 of 12 entries: [1, 2]" in found.sentence
    assert said(np.full((3, 4), bad), d).kind == "nan"
    assert said(np.array(bad), np.array(1.0)).kind == "nan"


def test_nan_says_at_which_x() -> None:
    x, d = np.array([0.0, 1.0, 0.0, 2.0, 3.0]), draw(5)
    assert "where x = 0;" in said(np.where(x == 0, np.nan, d), d, x).sentence


def test_nan_where_nothing_was_measured_says_nothing() -> None:
    d = draw(5)
    g = 2 * d
    g[4] = np.nan
    assert said(g, d, measured=[0, 1, 2]).kind == "factor"


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("relative", BARS)
@pytest.mark.parametrize("shape", [(6,), (3, 4), (2, 3, 4)])
def test_wrong_on_one_side_of_zero_is_a_branch(how: str, relative: float, shape: tuple[int, ...]) -> None:
    x, d = draw(*shape, seed=1), draw(*shape)
    below = said(wrong_where(x < 0, how, d), d, x, relative=relative)
    above = said(wrong_where(x > 0, how, d), d, x, relative=relative)
    assert (below.kind, "right where x > 0, wrong where x < 0" in below.sentence) == ("branch", True)
    assert (above.kind, "right where x < 0, wrong where x > 0" in above.sentence) == ("branch", True)


def test_wrong_on_one_side_of_another_number_says_between_which_it_lies() -> None:
    x = np.array([0.1, 5.0, 2.0, 7.0, 3.1, 0.4, 9.0, 2.5, 4.4, 1.2])
    d = draw(10)
    found = said(np.where(x > 4, 0, d), d, x)
    assert found.sentence == "right where x < 4, wrong where x > 4; given is 0 there"
    assert said(np.where(np.abs(x - 5) > 3, 0, d), d, x - 5).kind == "branch"  # of |x|


def test_wrong_by_the_sign_of_the_cotangent_is_a_branch() -> None:
    x, d = np.abs(draw(12, seed=1)), draw(12)
    cotangent = draw(12, seed=2)
    found = said(np.where(cotangent < 0, 0, d), d, x, cotangent=cotangent)
    assert (found.kind, "the cotangent < 0" in found.sentence) == ("branch", True)


def test_one_negative_entry_is_an_entry_and_no_branch() -> None:
    x, d = np.array([1.0, -2.0, 3.0, 1.5]), draw(4)
    assert said(np.where(x < 0, 0, d), d, x).kind == "entries"


def test_a_wrong_entry_on_the_other_side_is_no_branch() -> None:
    x, d = draw(24, seed=1), draw(24)
    mask = x < 0
    mask[np.argmax(x)] = True
    assert said(wrong_where(mask, "anything", d), d, x).kind == "entries"


# x rises along the array, so that no branch at 0 can be meant.
REGIONS = {
    "row 1": lambda i, j: i == 1,
    "row 0, the first": lambda i, j: i == 0,
    "row 3, the last": lambda i, j: i == 3,
    "column 2": lambda i, j: j == 2,
    "rows 0 and 3": lambda i, j: (i == 0) | (i == 3),
    "columns 1:3": lambda i, j: (j == 1) | (j == 2),
    "[2, 1]": lambda i, j: (i == 2) & (j == 1),
    "[0, 0], the first": lambda i, j: (i == 0) & (j == 0),
    "the diagonal": lambda i, j: i == j,
    "all off the diagonal": lambda i, j: i != j,
    "the triangle above the diagonal": lambda i, j: i < j,
    "the lower triangle": lambda i, j: i >= j,
    "the block [1:3, 2:4]": lambda i, j: (i > 0) & (i < 3) & (j >= 2),
    "all but [2, 1]": lambda i, j: (i != 2) | (j != 1),
    "all but the block [1:3, 2:4]": lambda i, j: (i == 0) | (i == 3) | (j < 2),
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("words", REGIONS)
@pytest.mark.parametrize("relative", BARS)
def test_wrong_entries_are_named_by_what_they_have_in_common(how: str, words: str, relative: float) -> None:
    d = draw(4, 4)
    mask = REGIONS[words](*np.indices((4, 4)))
    found = said(wrong_where(mask, how, d), d, relative=relative)
    count = f"wrong in {mask.sum()} of 16 entries: {words}"
    assert found.kind == "entries"
    assert found.sentence.startswith(count)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([0, 1, 2], "entries 0:3, the first ones"),
        ([6, 7, 8], "entries 6:9, the last ones"),
        ([1, 4, 7], "entries 1:8:3"),
        ([8], "[8], the last"),
        ([0, 1, 5], "[0], [1], [5]"),
    ],
)
def test_wrong_entries_of_a_vector_are_named_by_where_they_are(places: list[int], words: str) -> None:
    d, x = draw(9), np.array([3.0, 9.0, 1.0, 4.0, 8.0, 2.0, 7.0, 6.0, 5.0])
    assert words in said(wrong_where(np.isin(np.arange(9), places), "anything", d), d, x).sentence


def test_entries_of_repeated_indices_are_named_by_the_array_that_repeats_them() -> None:
    d, index = draw(7), np.array([0, 2, 2, -2, 0, 1])
    found = said(wrong_where(np.isin(np.arange(7), [0, 2]), "anything", d), d, constants=[index])
    assert found.sentence.startswith(
        "wrong in 2 of 7 entries: those whose index is repeated in an array of indices"
    )
    rows = draw(7, 2)
    mask = np.isin(np.arange(7), [0, 2])[:, None]
    found = said(wrong_where(mask, "doubled", rows), rows, constants=[index])
    assert "along axis 0" in found.sentence


def test_entries_with_equal_inputs_are_named_as_ties() -> None:
    d, x = draw(6), np.array([1.0, 3.0, 0.5, 3.0, 2.0, 3.0])
    found = said(wrong_where(x == 3, "doubled", d), d, x)
    assert "those whose x occurs more than once (ties); given = 2 × reference there" in found.sentence


def test_zeros_that_are_right_anyway_do_not_make_the_rest_some_entries() -> None:
    d = np.array([0.0, 0.7, -1.3, 0.0, 2.1])
    assert said(d * np.array([1.0, 1.1, 0.7, 1.0, 1.9]), d, np.arange(5.0)[::-1]).kind == "wrong"


def test_only_measured_entries_count() -> None:
    d = draw(1000)
    measured = np.random.default_rng(2).permutation(1000)[:64]
    x = draw(1000, seed=4)
    found = diagnose(planted(np.where(x > 0.7, 0, d), d, x, measured=measured))
    assert found.kind == "branch"
    one = d.copy()
    one[measured[7]] = 3.0
    assert said(one, d, measured=measured).sentence.startswith(f"wrong in 1 of 64 entries: [{measured[7]}]")
