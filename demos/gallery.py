"""Write the gallery: the networks of the discussions that started the project, in the views that tell something.

    python demos/gallery.py [folder]

Every picture follows the theme of its reader's system. Two of them are also there in dark and in print, on pages of
their own. Beside them: a training, decision regions, a picture for LaTeX, and two interactive pages.
"""

from __future__ import annotations

import sys
from pathlib import Path

from seeds import NETWORKS, TIED, two_neurons

from minigrad import Drawing, decision_boundary, draw, nn
from minigrad.drawing.boundary import Boundary

TWINS = ("cards", "neurons", "quotient", "ops")  # a network in which neurons are one
VIEWS = {
    "two-neurons": ("cards", "ops"),
    "two-neurons-tied": TWINS,
    "all-ones": TWINS,
    "all-random": ("cards",),
    "classic-3-4-2": ("cards",),
    "classic-3-4-2-equal": ("cards", "quotient"),
    "logistic-from-zero": ("cards", "ops"),
    "random-search": ("cards",),
}
SAYS = {
    "cards": "a card for each neuron; neurons that are one stand in a stack",
    "neurons": "every neuron of the stacks",
    "quotient": "the smaller network that it acts as",
    "ops": "a box for each value, with its op and its gradient",
}
THEMES = {
    "auto": "follows the reader's system",
    "dark": "for a dark page, whatever the system is",
    "print": "for paper: letters and patterns, no colour",
}
IN_EVERY_THEME = ("all-ones-cards", "logistic-from-zero-ops")
LATEX = "two-neurons-tied-quotient"


def pictures(theme: str) -> list[str]:
    """The pictures that the gallery has in a theme, as network-view."""
    every = [f"{name}-{view}" for name in NETWORKS for view in VIEWS[name]]
    return [picture for picture in every if theme == "auto" or picture in IN_EVERY_THEME]


def drawn(picture: str, theme: str = "auto") -> Drawing:
    name, _, view = picture.rpartition("-")
    return draw(*NETWORKS[name][0], view=view, theme=theme)


def training() -> Drawing:
    """The tied neurons in training; after step 2 one weight is changed, so that they grow apart."""
    net, x, y, loss = two_neurons(TIED)
    optimiser, history = nn.optim.SGD(net.parameters(), 0.5), {}
    for step in range(5):
        history[step] = Drawing(draw(net, x, y, loss, view="neurons").diagram)
        net.zero_grad()
        loss(net(x), y).backward()
        optimiser.step()
        net.parameters()[0].data += 0.3 * (step == 2)
    return Drawing(draw(net, x, y, loss, view="neurons").diagram, history=history)


def regions() -> Boundary:
    """What eight hidden neurons learn about two moons, from equal and from random starts."""
    x, y = nn.data.two_moons(60)
    nets = {
        start: nn.MLP((2, 8, 1), "tanh", "sigmoid", init=init, seed=0)
        for start, init in (("8 neurons, all start equal", 0.5), ("8 neurons, random start", "xavier"))
    }
    for net in nets.values():
        optimiser = nn.optim.Adam(net.parameters(), 0.05)
        for _ in range(300):
            net.zero_grad()
            nn.binary_cross_entropy(net(x), y).backward()
            optimiser.step()
    return decision_boundary(nets, x, y)


def index() -> str:
    """The page of the gallery."""
    lines = [
        "# Pictures\n",
        "`python demos/gallery.py` makes these pictures. They follow the theme of your system; two of them are "
        "also there [in dark](dark.md) and [in print](print.md).",
        "\nWhich neurons are twins? Equal gradients have one letter; neurons that are one are a stack with ×n.",
    ]
    for name, (_, caption) in NETWORKS.items():
        lines += [f"\n## {name}\n", caption]
        for view in VIEWS[name]:
            lines += [f"\n{view}: {SAYS[view]}\n", f"![{name}, {view}: {caption}](auto/{name}-{view}.svg)"]
    return "\n".join([*lines, *more()]) + "\n"


def more() -> list[str]:
    """The parts of the page that show something else than a network at one moment."""
    return [
        "\n## Training\n",
        "The tied neurons in training. After step 2 one weight is changed: at step 3 their tie breaks.\n",
        "![The network at six steps, one after the other, above the curve of its loss](training.svg)",
        "\n## Decision regions\n",
        "Eight neurons that start equal stay one, which draws one line; with random starts they are eight.\n",
        "![Two moons: equal starts part them by a straight line, random starts by a curve](regions.svg)",
        "\n## For LaTeX\n",
        f"[{LATEX}.tex]({LATEX}.tex) is TikZ: `\\input` it, or compile it as it is.",
        "\n## Interactive pages\n",
        "Open these files in a browser: [the tied neurons](two-neurons-tied.html), "
        "[the same in training](training.html).",
    ]


def page(theme: str) -> str:
    """The page of the pictures in a theme of their own."""
    lines = [f'# theme="{theme}"\n', f"{THEMES[theme][0].upper()}{THEMES[theme][1:]}."]
    return "\n".join([*lines, *(f"\n![{name}, {theme}]({theme}/{name}.svg)" for name in pictures(theme))]) + "\n"


def main(folder: Path) -> None:
    for theme in THEMES:
        (folder / theme).mkdir(parents=True, exist_ok=True)
        for picture in pictures(theme):
            drawn(picture, theme).save(folder / theme / f"{picture}.svg")
    draw(*two_neurons(TIED)).save(folder / "two-neurons-tied.html")
    draw(*two_neurons(TIED), view="quotient").save(folder / f"{LATEX}.tex")
    in_training = training()
    for suffix in ("html", "svg"):
        in_training.save(folder / f"training.{suffix}")
    regions().save(folder / "regions.svg")
    pages = {"README": index(), **{theme: page(theme) for theme in THEMES if theme != "auto"}}
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "gallery"))
