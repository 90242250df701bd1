"""The chain rule with its numbers."""

import pytest
from viewing import Page

pytestmark = pytest.mark.xdist_group("browser")


@pytest.mark.parametrize("how", ["mouse", "keys"])
def test_the_chain_rule_of_a_node_and_of_a_second_beside_it(page: Page, how: str) -> None:
    def pick(name: str) -> None:
        page.pick(name) if how == "mouse" else page.key("/", *name, "Enter", "Enter")

    pick("w1")
    assert page.text("#panel .sum") == "∂J/∂w1 = −0.03741"
    assert page.text("#panel li") == "∂J/∂(w1*x1) · ∂(w1*x1)/∂w1\n−0.03741 × 1 = −0.03741"
    assert page.texts("#panel mark") == []
    pick("w3")
    assert page.texts("#panel h2") == ["w1", "w3"] or page.texts("#panel h2") == ["A\nw1", "B\nw3"]
    marked = page.texts("#panel table mark")
    assert marked == ["0.5 ≠", "0.235 ≠", "0.6 ≠", "0.1874 ≠"]
    assert page.text(".verdict") == (
        "∂J/∂w1 ≠ ∂J/∂w3: from the loss down they part at ∂(w5*a1)/∂a1 = 0.5 ≠ 0.6 = ∂(w6*a2)/∂a2, "
        "then ∂a1/∂z1 = 0.235 ≠ 0.1874 = ∂a2/∂z2."
    )
    pick("w2")
    assert [name[-2:] for name in page.texts("#panel h2")] == ["w1", "w2"]
    pick("w2")
    assert [name[-2:] for name in page.texts("#panel h2")] == ["w1"]
    page.click("#panel header button")
    assert not page.shown("panel")


def test_one_line_per_use_and_they_add_up(page: Page) -> None:
    page.pick("x1")
    lines = [line.split(" = ") for line in page.texts("#panel li div")]
    assert len(lines) == 2
    parts = [float(product.replace("−", "-")) for _, product in lines]
    total = float(page.text("#panel .sum").split(" = ")[1].replace("−", "-"))
    assert sum(parts) == pytest.approx(total, rel=1e-3)
    for factors, product in lines:
        one, other = (float(text.replace("−", "-")) for text in factors.split(" × "))
        assert one * other == pytest.approx(float(product.replace("−", "-")), rel=1e-3)


def test_a_line_of_the_chain_rule_leads_to_its_use(page: Page) -> None:
    page.pick("w1")
    page.click("#panel li button")
    assert page.focused() == "(w1*x1)"
    page.key("Escape", "Escape")
    assert not page.shown("panel")


def test_a_node_is_measured_where_the_picture_comes_to_rest(training: Page) -> None:
    """The page shows a picture at once and moves it into place a frame later: a click in between would miss."""
    training.js("{ const soon = requestAnimationFrame; requestAnimationFrame = (f) => setTimeout(soon, 100, f) }")
    training.js("seek(0)")
    at_once = training.browser.middle(training.node("w1"))
    training.browser.settle()
    assert at_once == training.browser.middle(training.node("w1"))


def test_tied_nodes_have_no_differing_factor(training: Page) -> None:
    training.js("seek(0)")
    training.pick("w1")
    training.pick("w3")
    assert training.texts("#panel mark") == []
    assert training.text(".verdict") == (
        "∂J/∂w1 and ∂J/∂w3 are equal and stay equal (proved): every factor on their paths is equal."
    )
