from itertools import chain

import pytest

from minigrad.drawing import theme
from minigrad.drawing.colours import contrast, mix, with_contrast

THEMES = list(theme.THEMES.values())


def test_the_palette_is_that_of_okabe_and_ito() -> None:
    black, orange, sky_blue, green, yellow, blue, vermillion, purple = (
        *("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"),
    )
    assert (orange, sky_blue, green, yellow, purple, blue, vermillion) == theme.PALETTE
    assert contrast(theme.LIGHT.ink, black) < 1.15  # black is the eighth colour, and the ink
    for one in (theme.LIGHT, theme.DARK):
        assert [one.style(i).chip for i in range(7)] == list(theme.PALETTE)


@pytest.mark.parametrize("one", THEMES, ids=lambda one: one.name)
def test_every_text_is_readable_on_every_ground(one: theme.Theme) -> None:
    assert [pair for pair in one.pairs() if contrast(*pair) < 4.5] == []


@pytest.mark.parametrize("one", THEMES, ids=lambda one: one.name)
def test_every_line_stands_out(one: theme.Theme) -> None:
    assert [pair for pair in one.lines() if contrast(*pair) < 3] == []


def test_a_colour_too_faint_would_be_found() -> None:
    import dataclasses

    faint = dataclasses.replace(theme.DARK, muted="#555A61", line="#33373D")
    assert any(contrast(*pair) < 4.5 for pair in faint.pairs())
    assert any(contrast(*pair) < 3 for pair in faint.lines())


@pytest.mark.parametrize("other", [theme.DARK, theme.PRINT], ids=lambda one: one.name)
def test_a_colour_of_the_light_theme_becomes_one_colour_of_another(other: theme.Theme) -> None:
    """A style sheet replaces a colour and does not know its purpose."""
    found: dict[str, set[str]] = {}
    for a, b in zip(theme.LIGHT.colours(), other.colours(), strict=True):
        found.setdefault(a, set()).add(b)
    assert {a: sorted(b) for a, b in found.items() if len(b) > 1} == {}


def test_no_group_looks_like_another_even_beyond_the_palette() -> None:
    for one in (theme.LIGHT, theme.DARK):
        assert len({one.style(i).fill for i in range(len(theme.PALETTE))}) == len(theme.PALETTE)
        looks = [one.style(i) for i in range(200)]
        assert len(set(looks)) == 200 and one.style(None) == one.plain and one.plain not in looks
        assert all(ring in set(one.colours()) for look in looks for ring in look.rings), "a theme maps every colour"
        assert [len(look.rings) for look in (looks[6], looks[7], looks[55], looks[56])] == [0, 1, 1, 2]
    assert set(theme.PRINT.colours()) - set(theme.PRINT.heat) <= {"#FFFFFF", "#000000"}, "nothing by colour"
    assert all(len({grey[1:3], grey[3:5], grey[5:7]}) == 1 for grey in theme.PRINT.heat)


def test_against_moves_a_colour_just_as_far_as_it_must() -> None:
    assert with_contrast("#0072B2", ["#FFFFFF"], 3) == "#0072B2"
    moved = with_contrast("#F0E442", ["#FFFFFF"], 3)
    assert 3 <= contrast(moved, "#FFFFFF") < 3.6
    assert mix("#FF0000", 0.5) == "#FF8080" and mix("#FF0000", 0.5, "#000000") == "#800000"
    assert len(set(chain(*(one.colours() for one in THEMES)))) > 30


def test_letters_run_on_like_the_columns_of_a_spreadsheet() -> None:
    expected = {0: "A", 6: "G", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA"}
    assert {i: theme.letter(i) for i in expected} == expected
    assert len({theme.letter(i) for i in range(2000)}) == 2000


def test_contrast_agrees_with_the_definition() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#0072B2", "#FFFFFF") == pytest.approx(5.19, abs=0.005)
    assert contrast("#777777", "#777777") == 1


def test_reserved_width_covers_what_the_engine_cannot_measure() -> None:
    digits, chinese, accents = (theme.text_width(text, 100) for text in ("0123456789", "中" * 10, "e\u0301" * 10))
    assert 636 <= digits <= 700  # of DejaVu Sans, in which a digit is 0.636 em wide
    assert chinese >= 1000
    assert accents == theme.text_width("e" * 10, 100)
    assert theme.text_width("w1", 11, bold=True) >= theme.text_width("w1", 11)
