"""The marks of a picture as a reader of each output finds them: "[A₁]" in a solid frame, "(A)" in a dashed one.

Each function reads the text of one output, and nothing else, into a dict from names to marks.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from html import unescape
from itertools import pairwise

MARK = re.compile(r"-?[A-Z]+[₀-₉]*|0")
SVG = "{http://www.w3.org/2000/svg}"


def framed(text: str, solid: bool) -> str:
    return f"[{text}]" if solid else f"({text})"


def of_json(text: str) -> dict[str, str]:
    """From the letters and ties of nodes, rows and groups, which must agree."""
    data = json.loads(text)
    ties: dict[str, set[str]] = {}
    for group in data["groups"]:
        ties.setdefault(group["letter"].lstrip("-"), set()).update(set(group["ties"]) - {""})

    numbered = {group["letter"].lstrip("-") for group in data["groups"] if group["numbered"]}

    def mark(letter: str, tie: str) -> str:
        several = letter != "0" and (len(ties[letter.lstrip("-")]) > 1 or letter.lstrip("-") in numbered)
        number = tie.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")) if several else ""
        return framed(letter + number, bool(tie))

    found, by_group = {}, {}
    for node in data["nodes"]:
        for key, one in [(node["id"], node), *((f"{node['id']}:{row['port']}", row) for row in node["rows"])]:
            if one["group"]:
                found[key] = mark(one["group"], one["tie"])
    cells = {m for group in data["groups"] for m in group["members"] if "," in m}
    for group in data["groups"]:
        for member, tie in zip(group["members"], group["ties"], strict=True):
            by_group[member] = mark(group["letter"], tie)
    assert {key: m for key, m in by_group.items() if key not in cells} == found
    named = {}
    for group in data["groups"]:
        for member, name in zip(group["members"], group["names"], strict=True):
            if name:
                named[name] = by_group[member]
    return named


def of_svg(text: str) -> dict[str, str]:
    """From what is drawn: the frame before a bold mark, and the name after it."""
    found = {}
    for group in _nodes(text):
        children = list(group)
        for place, child in enumerate(children):
            words = (child.text or "").strip()
            bold = child.tag == f"{SVG}text" and child.get("font-weight") == "bold"
            if not bold or not MARK.fullmatch(words):
                continue
            frame = next(c for c in reversed(children[:place]) if c.tag in (f"{SVG}path", f"{SVG}polygon"))
            while frame.get("fill") != "none" and frame.get("stroke") in (None, "none", "transparent"):
                frame = children[children.index(frame) - 1]
            after = [c for c in children[place + 1 :] if c.tag == f"{SVG}text"]
            if after:
                found[(after[0].text or "").strip()] = framed(words, frame.get("stroke-dasharray") is None)
    return found


def of_titles(text: str) -> dict[str, str]:
    """From the words that a screen reader reads: the mark and its evidence."""
    found = {}
    for group in _nodes(text):
        lines = (group.findtext(f"{SVG}title") or "").splitlines()
        name = lines[0].split()[0] if lines else ""
        for line in lines:
            told = re.search(
                r"gradient .*\((?:(-?[A-Z]+[₀-₉]*), )?(proved [^)]*|[^)]* now|one gradient, [^)]*)\)", line
            )
            row = re.match(r"(\S+) \S.*, gradient", line)
            if told:
                found[row[1] if row else name] = framed(told[1] or "0", told[2].startswith("proved"))
    return found


def _nodes(text: str) -> Iterator[ET.Element]:
    for group in ET.fromstring(text).iter(f"{SVG}g"):
        if (group.get("class") or "").startswith("node"):
            yield group


def of_dot(text: str) -> dict[str, str]:
    """From the borders of the cells in the labels of nodes."""
    found = {}
    for label in re.findall(r"^  \w+ \[.*?label=<(.*)>\]$", text, flags=re.M):
        root = ET.fromstring(unescape_for_xml(label))
        items = []  # marks and words, in their order
        for cell in root.iter("TD"):
            if cell.find("TABLE") is not None:
                continue
            words = "".join(cell.itertext()).strip()
            bold = [b for b in cell.iter("B") if MARK.fullmatch("".join(b.itertext()).strip())]
            if bold and cell.get("BORDER") == "1" and words == "".join(bold[0].itertext()).strip():
                items.append((framed(words, "DASHED" not in cell.get("STYLE", "").upper()), True))
            elif words:
                items.append((next("".join(font.itertext()) for font in cell.iter("FONT")), False))
        found.update({name: mark for (mark, is_mark), (name, _) in pairwise(items) if is_mark})
    return found


def cells_of_dot(text: str) -> list[str]:
    """The marks in the cells of small arrays, in reading order."""
    found = []
    for label in re.findall(r"^  \w+ \[.*?label=<(.*)>\]$", text, flags=re.M):
        for cell in ET.fromstring(unescape_for_xml(label)).iter("TD"):
            bold = ["".join(b.itertext()).strip() for b in cell.iter("B")]
            if cell.find("BR") is not None and cell.get("BORDER") == "1" and bold:
                found.append(framed(bold[0], "dashed" not in cell.get("STYLE", "")))
    return found


def unescape_for_xml(label: str) -> str:
    """An HTML-like label as XML."""
    return re.sub(r"&(?!amp;|lt;|gt;|quot;|#)", "&amp;", label)


def of_txt(text: str) -> dict[str, str]:
    """From the lines of the tree."""
    found = {}
    for line in text.split("local\n", 1)[1].splitlines():
        told = re.search(r"\s([\[(])(-?[A-Z0-9]+[₀-₉]*)[\])](?=\s|$)", line)
        names = re.sub(r"[│├└─]", " ", line).split()
        if told and names:
            found[names[0]] = framed(told[2], told[1] == "[")
    return found


def legend_of_txt(text: str) -> dict[str, str]:
    """From the lines of the legend: each name with its mark; the words must say what the frame says."""
    found = {}
    for frame, mark, evidence, who in re.findall(
        r"^  ([\[(])(-?[A-Z0-9]+[₀-₉]*)[\])] ([^:]*?), [^:]*: (.*)$", joined(text), flags=re.M
    ):
        solid = frame == "["
        assert ("proved" in evidence) is solid, evidence
        for name in re.split(r", | and ", who):
            if not name.endswith(("more", "value", "values")):
                found[name] = framed(mark, solid)
    return found


def joined(text: str) -> str:
    """The legend's lines, each in one piece."""
    return re.sub(r"\n  (?![\[(])(?=\S)", " ", text.split("\n\n", 1)[0])


def of_mmd(text: str) -> dict[str, str]:
    """From the labels of the nodes."""
    found = {}
    for label in re.findall(r'^  \w+[(\[]+"(.*)"[)\]]+$', text, flags=re.M):
        lines = [re.sub(r"#(\d+);", lambda m: chr(int(m[1])), line) for line in label.split("<br/>")]
        for line in lines:
            row = re.fullmatch(r"(\S+) = .* ([\[(])(-?[A-Z0-9]+[₀-₉]*)[\])]", line)
            alone = re.fullmatch(r"([\[(])(-?[A-Z0-9]+[₀-₉]*)[\])]", line)
            if row:
                found[row[1]] = framed(row[3], row[2] == "[")
            elif alone:
                found[lines[0].split()[0]] = framed(alone[2], alone[1] == "[")
    return found


def of_page(text: str) -> dict[str, str]:
    """From the data of the viewer, and the chips of its legend, which must have each mark."""
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])  # type: ignore[index]
    items = data["views"][0]["shots"][0]["items"]
    legend = re.search(r'<template id="legend-0-0">(.*?)</template>', text, re.S)[1]  # type: ignore[index]
    chips = dict(re.findall(r'<svg class="chip" data-mark="(.*?)".*?<rect(.*?)/>', legend))
    titles = [unescape(title) for title in re.findall(r'title="(.*?)"', legend)]
    told = {mark for title in titles for mark in re.findall(r"(-?[A-Z0-9]+[₀-₉]*): ", title)}
    found = {}
    for item in items.values():
        if mark := item["mark"]:
            assert mark in chips and ("dash" in chips[mark]) is mark.startswith("(")
            assert mark == "[0]" or mark == "(0)" or item["facts"]["group"].split(", ")[0] == mark[1:-1]
            assert mark[1:-1] in told
            assert ("proved" in item["facts"]["group"]) is mark.startswith("[")
            found[item["name"]] = mark
    return found


READERS: dict[str, tuple[Callable[[str], dict[str, str]], ...]] = {
    ".svg": (of_svg, of_titles),
    ".dot": (of_dot,),
    ".txt": (of_txt, legend_of_txt),
    ".mmd": (of_mmd,),
    ".html": (of_page,),
}
