"""The data as a table."""

import pytest
from viewing import Page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("how", ["keys", "buttons"])
def test_the_table_holds_the_same_data_and_sorts(page: Page, how: str) -> None:
    page.key("t") if how == "keys" else page.click("#tables")
    assert page.texts("#rows tbody th") == list(page.ids)
    column = page.texts("#rows thead th").index("gradient")

    def sort() -> list[float]:
        if how == "keys":
            page.js(f"document.querySelectorAll('#rows thead button')[{column}].focus()")
            page.key("Enter")
        else:
            page.click(f"#rows thead th:nth-child({column + 1}) button")
        return [float(text) for text in page.texts(f"#rows td:nth-child({column + 1})")]

    gradients = sort()
    assert gradients == sorted(gradients)
    assert page.js(f"document.querySelectorAll('#rows thead th')[{column}].ariaSort") == "ascending"
    assert sort() == sorted(gradients, reverse=True)
    page.key("t") if how == "keys" else page.click("#close-table")
    assert not page.shown("table")


def test_a_row_of_the_table_opens_the_chain_rule(page: Page) -> None:
    page.key("t")
    page.click("#rows tbody tr:nth-child(3) button")
    assert page.texts("#panel h2")[0].endswith(page.text("#rows tbody tr:nth-child(3) th"))


@pytest.mark.parametrize("how", ["keys", "buttons"])
def test_the_table_is_copied_as_text(page: Page, how: str) -> None:
    page.js("copied = null; navigator.clipboard.writeText = async (text) => { copied = text }")
    page.key("t")
    page.key("c") if how == "keys" else page.click("#copy")
    lines = page.js("copied").split("\n")
    assert lines[0].split("\t") == page.texts("#rows thead th")
    assert len(lines) == len(page.ids) + 1
    assert page.text("#status") == "The table is copied."
