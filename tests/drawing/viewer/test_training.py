"""Snapshots of training."""

import pytest
from viewing import Page

pytestmark = pytest.mark.xdist_group("browser")


def test_training_moves_tied_numbers_together_until_the_tie_breaks(training: Page) -> None:
    def told(name: str) -> list[str]:
        return [str(training.js(f"parts.get('{training.ids[name]}').textContent.match(/[\\d.]+/g)[1]"))]

    training.key(*"[" * 9)
    for step in range(6):
        assert training.js("state.shot") == step
        assert (told("w1") == told("w3")) is (step < 3)
        assert training.text("#caption").startswith(f"step {step}" if step < 5 else "now")
        training.key("]")
    training.key("[", "[")
    assert (
        training.text("#caption")
        == "step 3 · loss 0.2203 · A breaks: w1 | w3; B breaks: w2 | w4; C breaks: w5 | w6"
    )
    training.key("[")
    assert training.text("#caption") == "step 2 · loss 0.257 · a tie breaks at step 3"


def test_training_by_buttons_and_slider(training: Page) -> None:
    assert training.js("shotNumber()") == 5  # now
    training.click("#earlier")
    training.click("#earlier")
    assert training.js("shotNumber()") == 3
    training.click("#later")
    assert training.js("shotNumber()") == 4
    training.click("#shot")
    assert training.js("shotNumber()") in (2, 3)
    before = training.js("shotNumber()")
    training.key("ArrowLeft")
    assert training.js("shotNumber()") == before - 1


def test_the_chart_has_a_line_per_parameter_and_a_mark_where_the_tie_breaks(training: Page) -> None:
    assert training.js("document.querySelectorAll('#chart polyline').length") == 9
    left, width = training.js(
        "(() => { const { x, width } = $('chart').firstChild.getBoundingClientRect(); return [x, width] })()"
    )
    line = training.js("document.querySelector('#chart line').getBoundingClientRect().x")
    assert line == pytest.approx(left + width * 3 / 5, abs=1)


def test_no_training_no_scrubber(page: Page) -> None:
    assert not page.shown("training")


def test_what_is_chosen_follows_the_snapshots(training: Page) -> None:
    training.pick("w1")
    before = training.text("#panel .sum")
    training.key("[")
    assert training.texts("#panel h2")[0].endswith("w1")
    assert training.text("#panel .sum") != before
