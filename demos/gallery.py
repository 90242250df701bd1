"""Write the gallery: the networks of the discussions that started the project, in every view and theme.

    python demos/gallery.py [folder]

It has a picture for each theme, network and view, two interactive pages, and a README that shows them all.
"""

from __future__ import annotations

import sys
from pathlib import Path

from seeds import NETWORKS, TIED, two_neurons

from minigrad import Drawing, draw, nn

VIEWS, THEMES = ("cards", "quotient", "ops"), ("auto", "light", "dark", "print")


def training() -> Drawing:
    """The tied neurons in training; after step 2 one weight is changed, so that they grow apart."""
    net, x, y, loss = two_neurons(TIED)
    optimiser, history = nn.optim.SGD(net.parameters(), 0.5), {}
    for step in range(6):
        history[step] = Drawing(draw(net, x, y, loss).diagram)
        net.zero_grad()
        loss(net(x), y).backward()
        optimiser.step()
        net.parameters()[0].data += 0.3 * (step == 2)
    return Drawing(draw(net, x, y, loss).diagram, history=history)


def index() -> str:
    lines = [
        "# Pictures\n",
        "`python demos/gallery.py` makes these pictures. Those shown here follow the theme of your system.",
    ]
    for name, (_, caption) in NETWORKS.items():
        lines += [f"\n## {name}\n", caption, ""]
        lines += [f"![{name}, {view}: {caption}](auto/{name}-{view}.svg)\n" for view in VIEWS]
        themes = (f"[{theme}]({theme}/{name}-{view}.svg)" for theme in THEMES[1:] for view in VIEWS[:1])
        lines.append(f"In other themes: {', '.join(themes)}.")
    pages = "[the tied neurons](two-neurons-tied.html), [the same in training](training.html)"
    return "\n".join([*lines, f"\n## Interactive pages\n\nOpen these files in a browser: {pages}.\n"])


def main(folder: Path) -> None:
    for name, (network, _) in NETWORKS.items():
        for theme in THEMES:
            (folder / theme).mkdir(parents=True, exist_ok=True)
            for view in VIEWS:
                draw(*network, view=view, theme=theme).save(folder / theme / f"{name}-{view}.svg")
    draw(*two_neurons(TIED)).save(folder / "two-neurons-tied.html")
    training().save(folder / "training.html")
    (folder / "README.md").write_text(index(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "gallery"))
