"""The backward sweep, one node per step."""

import time

import pytest
from viewing import Page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("how", ["keys", "buttons"])
def test_the_sweep_one_node_per_step(page: Page, how: str) -> None:
    def forward() -> None:
        page.key(".") if how == "keys" else page.click("#forward")

    steps = page.js("shot().steps.map(({ id }) => item(id).name)")
    assert len(steps) == len(page.ids)
    for number, name in enumerate(steps, start=1):
        forward()
        assert page.names(".reached") == set(steps[:number])
        assert page.text("#status").startswith(f"{number} of {len(steps)}: ∂J/∂{name} = ")
        assert page.js("overlay.querySelectorAll('.now').length") == 1
    page.key(",") if how == "keys" else page.click("#back")
    assert page.names(".reached") == set(steps[:-1])
    page.key("Escape")
    assert not page.js("stage.classList.contains('stepping')")


def test_the_seed_comes_first_and_partial_sums_are_seen(page: Page) -> None:
    page.key(".")
    assert page.text("#status").startswith(f"1 of {len(page.ids)}: ∂J/∂J = 1 is the seed")
    steps = page.js("shot().steps.map(({ id }) => item(id).name)")
    page.key(*"." * steps.index("(w3*x1)"))
    assert "x1 gets -0.03579 × 0.3 = -0.01074, so far -0.01074 (1 of 2 uses)" in page.text("#status")
    assert "-0.01074 (1 of 2 uses)" in page.js(
        "[...overlay.querySelectorAll('text')].map((one) => one.textContent)"
    )
    flowing = page.js("[...document.querySelectorAll('.flowing')].map(({ id }) => id)")
    edges = {edge["id"]: page.js("shot().items")[edge["head"]]["name"] for edge in page.js("shot().edges")}
    assert [edges[id] for id in flowing] == ["(w3*x1)"] * 2


def test_the_sweep_by_its_slider(page: Page) -> None:
    page.click("#step")
    middle = page.js("state.step")
    assert 5 < middle < 16
    page.key("ArrowRight")
    assert page.js("state.step") == middle + 1
    page.key("ArrowLeft", "ArrowLeft")
    assert page.js("state.step") == middle - 1


@pytest.mark.parametrize("how", ["keys", "buttons"])
def test_play_steps_by_itself_until_it_is_stopped(page: Page, how: str) -> None:
    def play() -> None:
        page.key("p") if how == "keys" else page.click("#play")

    play()
    assert page.js("state.step") == 0
    assert page.text("#play") == "❚❚"
    deadline = time.monotonic() + 60
    while page.js("state.step") < 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    play()
    stopped = page.js("state.step")
    assert stopped >= 1
    assert page.js("playing") is False
    assert page.text("#play") == "▶"


def test_no_animation_where_the_reader_wants_none(page: Page) -> None:
    page.key(".")
    moving = "getComputedStyle(document.querySelector('.flowing path')).animationName"
    assert page.js(moving) == "none"
    page.browser.prefer(color_scheme="light")
    assert page.js(moving) == "flow"
