"""The first screen says which neurons are one and why; two items side by side end in a sentence with the reason."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import Browser
from seeds import TIED, all_ones, two_neurons
from viewing import Page, opened

from minigrad import Value, draw, nn

pytestmark = pytest.mark.xdist_group("browser")
ONE = "Neurons 0 and 1 of layer 1 are one: every factor on their paths is equal (proved)."


@pytest.fixture
def tied(browser: Browser, folder: Path) -> Iterator[Page]:
    with opened(browser, draw(*two_neurons(TIED), view="neurons").save(folder / "tied.html")) as page:
        yield page


@pytest.fixture
def stacked(browser: Browser, folder: Path) -> Iterator[Page]:
    with opened(browser, draw(*two_neurons(TIED)).save(folder / "stacked.html")) as page:
        yield page


@pytest.fixture
def different(browser: Browser, folder: Path) -> Iterator[Page]:
    with opened(browser, draw(*two_neurons()).save(folder / "different.html")) as page:
        yield page


def test_the_first_screen_says_which_neurons_are_one(tied: Page) -> None:
    assert tied.texts("#answers li") == [ONE]
    assert tied.js("answer.getBoundingClientRect().bottom <= innerHeight")


def test_the_neurons_of_a_stack_are_compared_in_the_picture_that_it_opens(stacked: Page) -> None:
    assert stacked.texts("#answers li") == [ONE]
    stacked.browser.hover("#answers button")
    assert stacked.names(".lit") == {"layer 1 · neurons 0, 1"}
    stacked.click("#answers button")
    assert stacked.texts("#panel h2") == ["layer 1 · neuron 0", "layer 1 · neuron 1"]
    assert stacked.text(".verdict") == ONE
    assert stacked.texts("#trail li") == ["cards", "layer 1 · neurons 0, 1"]


def test_the_first_screen_says_where_two_neurons_part(different: Page) -> None:
    (text,) = different.texts("#answers li")
    assert text.startswith(
        "Neurons 0 and 1 of layer 1 differ: from the loss down they part at w2[0,0] = 0.5 ≠ 0.6 = w2[1,0]"
    )


def test_an_answer_lights_its_neurons_and_compares_them(tied: Page) -> None:
    tied.browser.hover("#answers button")
    assert tied.names(".lit") == {"layer 1 · neuron 0", "layer 1 · neuron 1"}
    tied.click("#answers button")
    assert tied.texts("#panel h2") == ["layer 1 · neuron 0", "layer 1 · neuron 1"]
    assert tied.text(".verdict") == ONE
    assert tied.texts("#panel mark") == []
    assert not tied.shown("answer")
    tied.key("Escape")
    assert tied.shown("answer")


@pytest.mark.parametrize("how", ["keys", "buttons"])
def test_the_answer_can_be_put_away(tied: Page, how: str) -> None:
    tied.key("a") if how == "keys" else tied.click("#answer button[data-key]")
    assert not tied.shown("answer")
    tied.key("a")
    assert tied.shown("answer")


def test_the_search_leads_to_a_row_and_enter_opens_it(tied: Page) -> None:
    tied.key("/", *"w1[0,1]", "Enter")
    assert tied.js("keyed()") == "l1n1:w0"
    assert "gradient -0.0346" in tied.text("#status")
    tied.key("Enter")
    assert [text.split("\n")[-1] for text in tied.texts("#panel h2")] == ["w1[0,1]"]
    tied.key("/", *"w1[0,0]", "Enter", "Enter")
    assert [text.split("\n")[-1] for text in tied.texts("#panel h2")] == ["w1[0,1]", "w1[0,0]"]
    assert tied.texts("#panel mark") == []
    assert tied.text(".verdict") == (
        "∂loss/∂w1[0,1] and ∂loss/∂w1[0,0] are equal and stay equal (proved): every factor on their paths is equal."
    )
    assert [text.split("\t")[0] for text in tied.text("#panel section:last-of-type table").split("\n")] == [
        "∂loss/∂a2[0]",
        "∂a2[0]/∂z2[0]",
        "∂z2[0]/∂a1[0] = w2[0,0]",
        "∂a1[0]/∂z1[0]",
        "∂z1[0]/∂w1[0,0]",
        "product",
    ]


def test_a_row_beside_a_card_is_compared_with_its_row_at_the_same_place(tied: Page) -> None:
    for first, second in (("l1n0:w0", "l1n1"), ("l1n1", "l1n0:w0")):
        tied.js(f"state.picked = []; pick('{first}'); pick('{second}')")
        assert {text.split("\n")[-1] for text in tied.texts("#panel h2")} == {"w1[0,0]", "w1[0,1]"}
        assert tied.texts("#panel mark") == []
        assert "are equal and stay equal (proved)" in tied.text(".verdict")
    tied.click("#panel section:first-of-type header button")
    assert tied.js("state.picked") == ["l1n0:w0"]


def test_a_row_beside_its_own_card_or_one_without_such_a_row(tied: Page) -> None:
    tied.js("pick('l1n0:w0'); pick('l1n0')")
    assert tied.text(".verdict") == "w1[0,0] is a row of layer 1 · neuron 0: choose a row of another card."
    assert tied.texts("#panel mark") == []
    tied.js("state.picked = []; pick('l1n0:z'); pick('loss')")
    assert tied.text(".verdict") == "z1[0] is one value, binary cross entropy holds 2: choose one of its rows."
    assert tied.texts("#panel mark") == []


def test_two_neurons_part_at_the_first_factor_that_differs(different: Page) -> None:
    different.js("pick('l1n0'); pick('l1n1')")
    assert different.text(".verdict") == (
        "Neurons 0 and 1 of layer 1 differ: from the loss down they part at w2[0,0] = 0.5 ≠ 0.6 = w2[1,0], "
        "then ∂a1[0]/∂z1[0] = 0.235 ≠ 0.1874 = ∂a1[1]/∂z1[1], then w1[0,0] = 0.1 ≠ 0.3 = w1[0,1], and at 3 more."
    )
    different.js("state.picked = []; pick('l1n0'); pick('l2n0')")
    assert "have different rows" in different.text(".verdict") or "differ" in different.text(".verdict")


def test_of_two_rows_every_marked_number_differs(different: Page) -> None:
    """0.235 is 0.622·0.378, the slope of the sigmoid at 0.5; 0.1874 that at 1.1."""
    different.js("pick('l1n0:w0'); pick('l1n1:w0')")
    assert different.texts("#panel table mark") == ["0.5 ≠", "0.235 ≠", "0.6 ≠", "0.1874 ≠"]
    assert different.text(".verdict") == (
        "∂loss/∂w1[0,0] ≠ ∂loss/∂w1[0,1]: from the loss down they part at w2[0,0] = 0.5 ≠ 0.6 = w2[1,0], "
        "then ∂a1[0]/∂z1[0] = 0.235 ≠ 0.1874 = ∂a1[1]/∂z1[1]."
    )


def test_equal_now_of_two_ties_is_not_called_proved(browser: Browser, folder: Path) -> None:
    """After one step of 0.1 the gradients are 0.9 and exp(-0.1) = 0.9048."""
    a1, a2, b1, b2 = (Value(v, name=n) for v, n in ((1.0, "a1"), (1.0, "a2"), (0.0, "b1"), (0.0, "b2")))
    drawing = draw((a1**2 + a2**2) / 2 + np.exp(b1) + np.exp(b2))
    with opened(browser, drawing.save(folder / "pairs.html")) as page:
        assert page.texts("#answers li") == [
            f"∂y/∂{one} and ∂y/∂{other} are equal and stay equal (proved): every factor on their paths is equal."
            for one, other in (("a1", "a2"), ("b1", "b2"))
        ]
        page.pick("a1")
        page.pick("b1")
        verdict = page.text(".verdict")
        assert verdict.startswith("∂y/∂a1 and ∂y/∂b1 are equal now")
        assert verdict.endswith("they belong to two ties, so nothing keeps them equal.")


def test_opposite_gradients_are_called_so(browser: Browser, folder: Path) -> None:
    a, b = Value(1.0, "a"), Value(2.0, "b")
    with opened(browser, draw(a - b).save(folder / "opposite.html")) as page:
        page.pick("a")
        page.pick("b")
        assert page.text(".verdict") == "∂y/∂a and ∂y/∂b are opposite now: ∂y/∂a = 1 ≠ −1 = ∂y/∂b."


def test_arrays_of_different_shapes_are_not_compared(browser: Browser, folder: Path) -> None:
    W, U = Value(np.ones((3, 3)), "W"), Value(np.ones((2, 3)), "U")
    with opened(browser, draw((np.ones(3) @ W + np.ones(2) @ U).sum()).save(folder / "shapes.html")) as page:
        page.pick("W")
        page.pick("U")
        assert page.text(".verdict").startswith("W is (3, 3) float64, U (2, 3) float64: ")
        assert page.texts("#panel mark") == []


def test_two_items_are_compared_along_the_same_uses(browser: Browser, folder: Path) -> None:
    """a passes most through q, b through p: both are shown through q."""
    a, b = Value(5.0, "a"), Value(1.0, "b")
    p, q = a * b, a + b
    p.name, q.name = "p", "q"
    with opened(browser, draw(p + 2 * q).save(folder / "same-uses.html")) as page:
        strongest = "['n0', 'n1'].map((key) => item(shot().edges[item(key).strongest].up).name)"
        assert page.js(strongest) == ["q", "p"]
        ways = page.js("compared(['n0', 'n1']).map(({ way }) => way.map(({ up }) => item(up).name))")
        assert ways[0] == ways[1] and "q" in ways[0]


def test_one_of_more_uses_says_how_many(browser: Browser, folder: Path) -> None:
    a, b = Value(1.0, "a"), Value(2.0, "b")
    with opened(browser, draw(a + np.sin(a) + b).save(folder / "uses.html")) as page:
        page.pick("a")
        page.pick("b")
        assert page.text(".verdict") == "∂y/∂a ≠ ∂y/∂b: a has 2 uses, b 1."


def test_every_layer_has_its_answer(browser: Browser, folder: Path) -> None:
    with opened(browser, draw(*all_ones(), view="neurons").save(folder / "ones.html")) as page:
        words = "All 3 neurons of layer {} are one: every factor on their paths is equal (proved)."
        assert page.texts("#answers li") == [words.format(1), words.format(2)]
        page.js("pick('l2n0:w0'); pick('l2n2:w1')")
        assert page.texts("#panel mark") == []
        assert "are equal and stay equal (proved)" in page.text(".verdict")


def test_a_network_without_twins_says_where_the_first_two_part(browser: Browser, folder: Path) -> None:
    rng = np.random.default_rng(0)
    drawing = draw(nn.MLP([2, 3, 1], "tanh", seed=0), rng.normal(size=(4, 2)), rng.normal(size=(4, 1)))
    with opened(browser, drawing.save(folder / "random.html")) as page:
        (text,) = page.texts("#answers li")
        assert text.startswith("Neurons 0 and 1 of layer 1 differ: from the loss down they part at W2[0,0] = ")
        assert "W2[1,0]" in text
