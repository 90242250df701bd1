"""The pieces of Graphviz's HTML-like labels: text, cells, rows, tables, the chip of a letter.

Any text may be given: it is escaped here. Nothing here knows what a picture shows.
"""

from __future__ import annotations

from collections.abc import Iterable

from .theme import Style
from .words import visible

TEXT_SIZE, SMALL, TITLE_SIZE = 11, 9, 14
# Graphviz puts the node's id in the place of \\N, the graph's in that of \\G, in HTML-like labels too.
ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\\", "\\\\"))
LINE_END = '<BR ALIGN="LEFT"/>'


def escape(text: str) -> str:
    """Text for an HTML-like label; a label may not be empty, nor its spaces be dropped."""
    text = visible(text)
    for character, entity in ENTITIES:
        text = text.replace(character, entity)
    return text if text.strip(" ") else "&#160;" * len(text)


def quoted(text: str) -> str:
    """Text as an attribute's value in DOT, between quotation marks."""
    lines = [visible(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n")]
    return '"' + "\\n".join(lines) + '"'


def text(words: str, *, colour: str, bold: bool = False, size: int = TEXT_SIZE) -> str:
    """Words in a colour; nothing for no words."""
    if not words:
        return ""
    inner = escape(words)
    inner = f"<B>{inner}</B>" if bold else inner
    return f'<FONT COLOR="{colour}" POINT-SIZE="{size}">{inner}</FONT>'


def cell(content: str, width: int = 0, attributes: str = "") -> str:
    """A cell at least so many points wide, its content on the left."""
    wide = f' WIDTH="{width}"' if width else ""
    return f'<TD ALIGN="LEFT"{wide}{attributes}>{content}</TD>'


def row(cells: Iterable[str]) -> str:
    """Cells side by side."""
    return f"<TR>{''.join(cells)}</TR>"


def table(rows: Iterable[str], *, spacing: int = 0, padding: int = 1, attributes: str = "") -> str:
    """Rows one below the other, without a border."""
    given = f'CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="{padding}"{attributes}'
    return f'<TABLE BORDER="0" {given}>{"".join(rows)}</TABLE>'


def chip(letter: str, style: Style, *, proved: bool, port: str = "") -> str:
    """A cell with a letter in its colour; the border is solid where equality is proved, dashed where it is seen."""
    outline = "rounded" if proved else "rounded,dashed"
    named = f' PORT="{port}"' if port else ""
    return (
        f'<TD{named} BGCOLOR="{style.chip}" COLOR="{style.chip_line}" BORDER="1" STYLE="{outline}" CELLPADDING="2">'
        f"{text(letter, colour=style.chip_ink, bold=True)}</TD>"
    )
