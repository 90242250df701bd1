"""The looks of a picture's letters: the style of each, and the mark of a value with its tie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..diagram import MINUS, ZERO, Group
from ..marks import LetterMark, Marks, base
from ..theme import Style, Theme, letter_position


class Looks(Mapping[str | None, Style]):
    """The style of each letter, and of nodes without one; gradients equal in separate places get colours."""

    def __init__(self, groups: Sequence[Group], theme: Theme) -> None:
        self.marks = Marks(groups)
        self._members = self.marks.by_member()
        self._styles: dict[str | None, Style] = {None: theme.plain, ZERO: theme.zero}
        for group in groups:
            letter = base(group.letter)
            if letter not in self._styles:  # a letter has its colour in every view
                self._styles[letter] = theme.style(letter_position(letter) if group.apart else None)
            if group.letter.startswith(MINUS):
                self._styles[group.letter] = _opposite(self._styles[letter], theme)

    def mark(self, letter: str | None, tie: str = "") -> LetterMark | None:
        """The mark of a value with this letter and tie; None without a letter."""
        return self.marks.of(letter, tie)

    def at(self, member: str) -> LetterMark | None:
        """The mark of a member of a group, such as a cell; None without one."""
        return self._members.get(member)

    def __getitem__(self, letter: str | None) -> Style:
        return self._styles[letter]

    def __iter__(self) -> Iterator[str | None]:
        return iter(self._styles)

    def __len__(self) -> int:
        return len(self._styles)


def _opposite(style: Style, theme: Theme) -> Style:
    """The style of -A: that of A with a hollow chip; where all chips are hollow, with a full one."""
    if style.chip == style.fill:
        return replace(style, chip=style.chip_line, chip_ink=style.chip)
    return replace(style, chip=style.fill, chip_ink=theme.ink)
