import re
from itertools import pairwise

import pytest

from minigrad.drawing import theme

STYLES = [theme.group_style(i, quiet=quiet) for i in range(30) for quiet in (False, True)]


def test_the_palette_is_that_of_okabe_and_ito() -> None:
    black, orange, sky_blue, green, yellow, blue, vermillion, purple = (
        *("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"),
    )
    assert (orange, sky_blue, green, yellow, purple, blue, vermillion) == theme.PALETTE
    assert theme.INK == "#111111"  # for black: what is written is not coloured
    assert theme.contrast(theme.INK, black) < 1.15
    assert [theme.group_style(i, quiet=False).chip for i in range(7)] == list(theme.PALETTE)


def test_letters_run_on_like_the_columns_of_a_spreadsheet() -> None:
    expected = {0: "A", 6: "G", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA"}
    assert {i: theme.letter(i) for i in expected} == expected
    assert len({theme.letter(i) for i in range(2000)}) == 2000


def test_contrast_agrees_with_the_definition() -> None:
    assert theme.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert theme.contrast("#0072B2", "#FFFFFF") == pytest.approx(5.19, abs=0.005)
    assert theme.contrast("#777777", "#777777") == 1


@pytest.mark.parametrize("style", [theme.PLAIN, theme.ZERO, *STYLES])
def test_text_is_readable_on_every_fill(style: theme.Style) -> None:
    for ink in (theme.INK, theme.MUTED):
        assert theme.contrast(ink, style.fill) >= 4.5
    assert theme.contrast(style.chip_ink, style.chip) >= 4.5
    assert all(re.fullmatch("#[0-9A-F]{6}", c) for c in (style.fill, style.line, style.chip, style.chip_ink))


def test_outline_and_arrows_stand_out_from_the_paper() -> None:
    assert theme.contrast(theme.MUTED, theme.PAPER) >= 4.5
    assert theme.contrast(theme.GREY, theme.PAPER) >= 3


def test_groups_that_wear_one_colour_differ_in_outline_or_tint() -> None:
    worn = len(theme.PALETTE)
    styles = [theme.group_style(place, quiet=False) for place in range(0, 3 * worn, worn)]
    assert all(a.outline != b.outline for a, b in pairwise(styles))
    assert len({theme.group_style(i, quiet=False).fill for i in range(worn)}) == worn


def test_reserved_width_covers_what_the_engine_cannot_measure() -> None:
    digits, chinese, accents = (theme.text_width(text, 100) for text in ("0123456789", "中" * 10, "e\u0301" * 10))
    assert 636 <= digits <= 700  # of DejaVu Sans, in which a digit is 0.636 em wide
    assert chinese >= 1000
    assert accents == theme.text_width("e" * 10, 100)
    assert theme.text_width("w1", 11, bold=True) >= theme.text_width("w1", 11)
