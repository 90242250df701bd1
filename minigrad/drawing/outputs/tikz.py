"""A picture as TikZ, for papers: the shapes and texts of the SVG in LaTeX's own words and fonts.

It reads what the layout engine draws (polygons, curves, ellipses, texts), so it shows all marks that the SVG shows.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from ..format import visible
from . import Picture, output
from .svg import to_svg

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
STEP = re.compile(r"([MCL])([^MCLZ]*)")
HEX = re.compile(r"#([0-9a-fA-F]{6})")
NAMED = {"white": "FFFFFF", "black": "000000"}  # colours that the engine writes by name
DASHES = {"5,2": "dashed", "1,5": "dotted"}
ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}
SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"{\char34}", "`": r"\textasciigrave{}",
    "∂": r"$\partial$", "×": r"$\times$", "·": r"$\cdot$", "…": r"\dots{}", "Σ": r"$\Sigma$", "√": r"$\surd$",
    "≠": r"$\neq$", "≈": r"$\approx$", "→": r"$\rightarrow$", "∞": r"$\infty$", "−": r"$-$", "²": r"$^2$",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "≤": r"$\leq$", "≥": r"$\geq$", "±": r"$\pm$", "\u00a0": "~",
} | {c: rf"\{c}" for c in "{}$&#%_"} | {chr(0x2080 + k): f"$_{k}$" for k in range(10)}  # fmt: skip
ACCENTED = set("áàâäãåæçéèêëíìîïñóòôöõøßúùûüÿÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØÚÙÛÜ")  # letters that every LaTeX knows
HEAD = r"""% {title}
% In the preamble: \usepackage{{tikz}}. To fit a column: \resizebox{{\linewidth}}{{!}}{{\input{{...}}}}
\providecommand\minigradletter[2]{{\ifdefined\directlua#1\else\ifdefined\XeTeXrevision#1\else[#2]\fi\fi}}"""


@output(".tex", "TikZ, for papers in LaTeX")
def to_tikz(picture: Picture) -> str:
    """The TikZ text of a picture, for \\input. Raises RenderError if there is no layout engine."""
    theme = "light" if picture.theme == "auto" else picture.theme
    drawn = list(_shapes(ET.fromstring(to_svg(picture.diagram, theme, picture.seconds)), (0.0, 0.0)))
    colours = sorted({colour.upper() for line in drawn for colour in re.findall(r"minigrad([0-9A-F]{6})", line)})
    return "\n".join(
        [
            HEAD.format(title=visible(picture.diagram.title).replace("%", r"\%")),
            *(rf"\definecolor{{minigrad{colour}}}{{HTML}}{{{colour}}}" for colour in colours),
            r"\begin{tikzpicture}[x=1bp, y=-1bp, inner sep=0pt, line join=round]",
            *(f"  {line}" for line in drawn),
            r"\end{tikzpicture}",
            "",
        ]
    )


def _shapes(element: ET.Element, at: tuple[float, float]) -> Iterator[str]:
    """The drawing commands of an element and all inside it. at: where its coordinates begin."""
    kind = element.tag.rpartition("}")[2]
    if moved := re.search(r"translate\(([^)]*)\)", element.get("transform", "")):
        x, y = map(float, NUMBER.findall(moved[1]))
        at = at[0] + x, at[1] + y
    if kind == "text":
        yield _text(element, at)
    elif kind in ("polygon", "polyline", "path", "ellipse"):
        yield rf"\path{_look(element)} {_outline(kind, element, at)};"
    for child in element:
        yield from _shapes(child, at)


def _outline(kind: str, element: ET.Element, at: tuple[float, float]) -> str:
    if kind == "ellipse":
        x, y, rx, ry = (float(element.get(name, 0)) for name in ("cx", "cy", "rx", "ry"))
        return f"{_point(x, y, at)} ellipse [x radius={rx:g}bp, y radius={ry:g}bp]"
    if kind != "path":
        corners = _points(element.get("points", ""), at)
        closed = " -- cycle" if kind == "polygon" else ""
        return " -- ".join(corners) + closed
    parts = []
    for command, numbers in STEP.findall(element.get("d", "")):
        points = _points(numbers, at)
        if command == "C":
            parts += [f".. controls {a} and {b} .. {c}" for a, b, c in zip(*[iter(points)] * 3, strict=True)]
        else:
            first = points[0] if command == "M" else f"-- {points[0]}"
            parts += [first, *(f"-- {point}" for point in points[1:])]
    closed = " -- cycle" if element.get("d", "").rstrip().endswith(("Z", "z")) else ""
    return " ".join(parts) + closed


def _points(text: str, at: tuple[float, float]) -> list[str]:
    numbers = [float(number) for number in NUMBER.findall(text)]
    return [_point(x, y, at) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]


def _point(x: float, y: float, at: tuple[float, float]) -> str:
    return f"({x + at[0]:.2f},{y + at[1]:.2f})"


def _look(element: ET.Element) -> str:
    """Fill, line, width and dashes, as options."""
    fill, stroke = (_colour(element.get(name, "none")) for name in ("fill", "stroke"))
    looks = [f"fill={fill}"] * bool(fill) + [f"draw={stroke}"] * bool(stroke)
    looks.append(f"line width={float(element.get('stroke-width', 1)):g}bp")
    looks += [DASHES.get(element.get("stroke-dasharray", ""), "")]
    return f"[{', '.join(filter(None, looks))}]"


def _colour(written: str) -> str:
    """The name of a colour in LaTeX; "" for none."""
    if found := HEX.fullmatch(written):
        return f"minigrad{found[1].upper()}"
    return f"minigrad{NAMED[written]}" if written in NAMED else ""


def _text(element: ET.Element, at: tuple[float, float]) -> str:
    x, y = float(element.get("x", 0)), float(element.get("y", 0))
    size = float(element.get("font-size", 14))
    weight = r"\bfseries" if element.get("font-weight") == "bold" else ""
    font = rf"\sffamily{weight}\fontsize{{{size:g}}}{{{size:g}}}\selectfont"
    ink = _colour(element.get("fill", "black")) or "minigrad000000"
    anchor = ANCHORS[element.get("text-anchor", "start")]
    words = escape_latex("".join(element.itertext()))
    return rf"\node[anchor={anchor}, text={ink}, font={font}] at {_point(x, y, at)} {{{words}}};"


def escape_latex(text: str) -> str:
    """Text in which nothing has a meaning for LaTeX; a letter that pdfLaTeX lacks becomes its number there."""
    return "".join(map(_letter, text))


def _letter(c: str) -> str:
    if c in SPECIAL:
        return SPECIAL[c]
    return c if c.isascii() or c in ACCENTED else rf"\minigradletter{{{c}}}{{U+{ord(c):04X}}}"
