"""The viewer within a notebook: a page in a frame of its own, which may run its script and save files only."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ArgumentError


@dataclass(frozen=True)
class Frame:
    """A page that a notebook shows as the result of a cell. height: in pixels, at least 100."""

    page: str
    height: int

    def __post_init__(self) -> None:
        if not isinstance(self.height, int) or self.height < 100:
            raise ArgumentError(f"the height of a page is a number of pixels from 100 on, got {self.height!r}")

    def __repr__(self) -> str:
        return f"<page of {len(self.page):,} characters, for a notebook>"

    def _repr_html_(self) -> str:
        """The page as the text of a frame: it needs no file and no server, wherever the notebook is shown."""
        text = self.page
        for character, entity in (("&", "&amp;"), ('"', "&quot;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(character, entity)
        return (
            f'<iframe sandbox="allow-scripts allow-downloads" style="width:100%; height:{self.height}px; border:0" '
            f'title="the viewer" srcdoc="{text}"></iframe>'
        )
