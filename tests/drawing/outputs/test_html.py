"""The page as text: the scripts it may run, the data it holds, the size of its script."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from minigrad.drawing import draw
from minigrad.drawing.outputs.history import Snapshot
from minigrad.drawing.outputs.html import to_html, viewer_script
from minigrad.drawing.outputs.json_output import from_json
from minigrad.engine.value import Value
from minigrad.errors import ArgumentError

FOLDER = files("minigrad.drawing") / "viewer"
BYTES = 48_000  # maximum size of script and style together


class Read(HTMLParser):
    """The tags of a page, the text of each script, and its policy."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.texts: dict[str, str] = {}
        self.policy = ""
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attributes)
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        self._inside = (given.get("id") or "script") if tag == "script" else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside] = self.texts.get(self._inside, "") + data


def page_of(y: Value) -> Read:
    return Read(to_html([[Snapshot(draw(y).diagram)]]))


def data_of(page: Read) -> Any:
    return json.loads(page.texts["data"])


def test_script_and_style_are_small() -> None:
    sizes = [len(file.read_bytes()) for file in FOLDER.iterdir() if file.name.endswith((".js", ".css"))]
    assert len(sizes) > 5
    assert sum(sizes) <= BYTES


def test_script_makes_no_code_and_no_markup_out_of_text_and_asks_no_one() -> None:
    makers = r"\beval\(|Function\(|innerHTML|outerHTML|insertAdjacent|document\.write"
    askers = r"fetch\(|XMLHttp|WebSocket|import\("
    assert not re.search(f"{makers}|{askers}", viewer_script())
    addresses = re.findall(r"https?://[^\s\"']+", viewer_script())
    assert set(addresses) == {"http://www.w3.org/2000/svg"}


def test_every_file_of_the_folder_is_used() -> None:
    page = to_html([[Snapshot(draw(Value(1.0) * 2).diagram)]])
    for file in FOLDER.iterdir():
        if file.name != "page.html":
            assert file.read_text(encoding="utf-8") in page


def test_no_script_but_ours_may_run_and_nothing_be_loaded() -> None:
    page = page_of(Value(1.0, "</script><script>alert(1)</script>") * 2)
    code = base64.b64encode(hashlib.sha256(page.texts["script"].encode()).digest()).decode()
    assert page.policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{code}'; img-src data: blob:"
    )
    assert page.tags.count("script") == 2
    assert not {"link", "iframe", "object", "embed", "img", "base"} & set(page.tags)


@settings(deadline=None)
@given(st.text(max_size=40))
@example("\ud800")
@example("</script><script>")
def test_the_page_holds_the_whole_diagram_whatever_a_name_holds(name: str) -> None:
    a = Value(2.0, name)
    diagram = draw(a * a + a).diagram
    page = Read(to_html([[Snapshot(diagram)]]))
    (shot,) = data_of(page)["views"][0]["shots"]
    assert from_json(shot["json"]) == diagram
    assert page.tags.count("script") == 2


def test_nan_and_inf_are_words_and_the_data_stays_json() -> None:
    x = Value(np.array([np.nan, np.inf, -np.inf, 1.0]), "x")
    page = page_of((x * x).sum())
    text = page.texts["data"]
    assert json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_equal_graphs_give_equal_pages() -> None:
    def made() -> str:
        a, b = Value(2.0, "a"), Value(3.0, "b")
        return to_html([[Snapshot(draw(a * b + a).diagram)]])

    assert made() == made()


def test_no_place_of_the_page_is_left_open() -> None:
    text = to_html([[Snapshot(draw(Value(1.0, "{{script}}") * 2).diagram)]])
    assert text.count("{{") == text.count("{{script}}") > 0


@pytest.mark.parametrize("history", ["sequence", "by step"])
def test_history_becomes_snapshots_and_what_is_now(history: str, tmp_path: Any) -> None:
    def loss(w: float) -> Value:
        return Value(w, "w") * Value(2.0, "x")

    earlier = [draw(loss(1.0)), draw(loss(2.0))]
    given = earlier if history == "sequence" else {0: earlier[0], 50: earlier[1]}
    path = draw(loss(3.0), history=given).save(tmp_path / "w.html")
    shots = data_of(Read(path.read_text(encoding="utf-8")))["views"][0]["shots"]
    labels = ["step 0", "step 1" if history == "sequence" else "step 50", "now"]
    assert [shot["caption"].split(" · ")[0] for shot in shots] == labels
    assert [shot["items"]["n0"]["facts"]["value"] for shot in shots] == ["1.0", "2.0", "3.0"]


def test_history_of_another_graph_is_refused(tmp_path: Any) -> None:
    now, before = draw(Value(1.0) * 2), draw(Value(1.0) * Value(2.0))
    with pytest.raises(ArgumentError, match=r"the drawing of step 0 in history shows other values than this one"):
        draw(Value(1.0) * 2, history=[before]).save(tmp_path / "w.html")
    assert now.save(tmp_path / "w.html").exists()
