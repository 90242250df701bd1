"""The pieces of Graphviz's HTML-like labels: text, cells, rows, tables, the chip of a letter.

This module escapes all text that it gets. It knows nothing about the content of a picture.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..format import visible
from ..marks import LetterMark
from ..theme import Style

TEXT_SIZE, SMALL, TITLE_SIZE = 11, 10, 14
# Graphviz replaces \\N by the node's id and \\G by the graph's, in HTML-like labels too.
ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\\", "\\\\"))
LINE_END = '<BR ALIGN="LEFT"/>'


def escape_html_label(text: str) -> str:
    """Text for an HTML-like label: never empty, and with all its spaces."""
    text = visible(text)
    for character, entity in ENTITIES:
        text = text.replace(character, entity)
    return text if text.strip(" ") else "&#160;" * len(text)


def quote(text: str) -> str:
    """Text as the quoted value of a DOT attribute."""
    lines = [visible(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n")]
    return '"' + "\\n".join(lines) + '"'


def label_text(words: str, *, colour: str, bold: bool = False, size: int = TEXT_SIZE) -> str:
    """Words in a colour; "" for no words."""
    if not words:
        return ""
    inner = escape_html_label(words)
    inner = f"<B>{inner}</B>" if bold else inner
    return f'<FONT COLOR="{colour}" POINT-SIZE="{size}">{inner}</FONT>'


def cell(content: str, width: int = 0, attributes: str = "") -> str:
    """A cell at least `width` points wide, with its content on the left."""
    wide = f' WIDTH="{width}"' if width else ""
    return f'<TD ALIGN="LEFT"{wide}{attributes}>{content}</TD>'


def row(cells: Iterable[str]) -> str:
    """Cells side by side."""
    return f"<TR>{''.join(cells)}</TR>"


def table(rows: Iterable[str], *, spacing: int = 0, padding: int = 1, attributes: str = "") -> str:
    """Rows one below another, without a border."""
    given = f'CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="{padding}"{attributes}'
    return f'<TABLE BORDER="0" {given}>{"".join(rows)}</TABLE>'


def chip(mark: LetterMark, style: Style, *, port: str = "") -> str:
    """A cell with a mark in its colour; its border is solid if the mark is proved, else dashed."""
    outline = "rounded" if mark.proved else "rounded,dashed"
    named = f' PORT="{port}"' if port else ""
    words = label_text(mark.text, colour=style.chip_ink, bold=True)
    look = f'BGCOLOR="{style.chip}" COLOR="{style.chip_line}" BORDER="1" STYLE="{outline}" CELLPADDING="2"'
    if not style.rings:
        return f"<TD{named} {look}>{words}</TD>"
    inside = table([row([f"<TD {look}>{words}</TD>"])], spacing=1, padding=0)
    for colour in style.rings[:-1]:
        inside = table([row([f"<TD {_ring(colour)}>{inside}</TD>"])], spacing=1, padding=0)
    return f"<TD{named} {_ring(style.rings[-1])}>{inside}</TD>"


def _ring(colour: str) -> str:
    return f'COLOR="{colour}" BORDER="1" STYLE="rounded" CELLPADDING="0"'
