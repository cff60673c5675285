"""Text that fits: names of any script and length, measured, cut and wrapped."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable

from matplotlib import font_manager
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.textpath import text_to_path

FONT = "DejaVu Sans"
"""The font that comes with matplotlib."""

_CUT = "…"
_BLANK = re.compile(r"(?<!\d) | (?![%×])")
"""Where a line may end: not between a number and its sign."""
_NO_FONTS = ("Last Resort", "Noto Color Emoji")
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_POINTS = 72.0
_UNSEEN = ("Cc", "Cs", "Cn", "Zl", "Zp")
_JOINERS = "\u200c\u200d"


def clean(text: str) -> str:
    r"""Return a text as one line of characters that can be seen.

    Examples
    --------
    >>> clean("two\nlines, a \x00 and a turn\u202e")
    'two lines, a and a turn'
    """
    return " ".join("".join(map(_seen, text)).split())


class Lettering:
    """The fonts for some texts, and how wide they make them.

    Letters that matplotlib's own font lacks come from the fonts of the computer. Where those lack them
    too, a PNG has a replacement character; an SVG keeps them, and whoever shows it uses a font of theirs.
    ``lacking`` is these letters, in order.

    Parameters
    ----------
    texts
        All that may be drawn.
    keep
        Whether letters that no font has are kept.

    Examples
    --------
    >>> letters = Lettering(["Big spenders"], keep=False)
    >>> letters.wrap("Big spenders", 0.6, 8.0, 2)
    ['Big', 'spenders']
    """

    def __init__(self, texts: Iterable[str], *, keep: bool) -> None:
        letters = {letter for text in texts for letter in clean(text)} | {_CUT}
        lacking = letters - _has(FT2Font(_path())) - {" "}
        families, lacking = _others(lacking)
        self.families = [FONT, *families]
        self.lacking = "".join(sorted(lacking))
        self._replaced = str.maketrans(dict.fromkeys(self.lacking, _UNKNOWN))
        self._keep = keep
        self._widths: dict[tuple[str, float, bool], float] = {}

    def drawn(self, text: str) -> str:
        """Return a text as it is given to matplotlib."""
        return clean(text) if self._keep else clean(text).translate(self._replaced)

    def width(self, text: str, size: float, *, bold: bool = False) -> float:
        """Return a text's width in inches at a font size in points."""
        known = text, size, bold
        if known not in self._widths:
            font = FontProperties(family=self.families, size=size, weight="bold" if bold else "normal")
            shown = clean(text).translate(self._replaced)
            width = text_to_path.get_text_width_height_descent(shown, font, ismath=False)[0] if shown else 0.0
            self._widths[known] = float(width) / _POINTS
        return self._widths[known]

    def fit(self, text: str, width: float, size: float, *, bold: bool = False) -> str:
        """Return a text, cut with an ellipsis where it is wider than a width in inches."""
        text = self.drawn(text)
        if self.width(text, size, bold=bold) <= width:
            return text

        def cut(length: int) -> str:
            return text[:length].rstrip() + _CUT

        lengths = range(1, len(text))
        return cut(bisect_right(lengths, width, key=lambda length: self.width(cut(length), size, bold=bold)))

    def wrap(self, text: str, width: float, size: float, lines: int, *, bold: bool = False) -> list[str]:
        """Return a text in some lines at most, each within a width in inches; the last is cut."""
        words = _BLANK.split(self.drawn(text))
        found: list[str] = []
        while words:
            if len(found) == lines - 1:
                return [*found, self.fit(" ".join(words), width, size, bold=bold)]
            line = words.pop(0)
            if self.width(line, size, bold=bold) > width:
                line, rest = self._broken(line, width, size, bold=bold)
                words.insert(0, rest)
            else:
                while words and self.width(f"{line} {words[0]}", size, bold=bold) <= width:
                    line = f"{line} {words.pop(0)}"
            found.append(line)
        return found

    def _broken(self, word: str, width: float, size: float, *, bold: bool) -> tuple[str, str]:
        """Return a word that is too wide in two parts, the first of at least a letter."""
        fits = max(1, len(self.fit(word, width, size, bold=bold)) - 1)
        return word[:fits], word[fits:]


def _seen(letter: str) -> str:
    """Return a letter; a blank for one that is no text, nothing for one that only turns or marks text."""
    category = unicodedata.category(letter)
    if category == "Cf" and letter not in _JOINERS:
        return ""
    return " " if category in _UNSEEN else letter


def _path() -> str:
    return str(font_manager.findfont(FontProperties(family=[FONT])))


def _has(font: FT2Font) -> set[str]:
    return {chr(code) for code in font.get_charmap()}


def _others(lacking: set[str]) -> tuple[list[str], set[str]]:
    """Return fonts of this computer that have some of the letters, and the letters that none has."""
    families: list[str] = []
    for entry in sorted(font_manager.fontManager.ttflist, key=lambda entry: (entry.name, entry.fname)):
        if not lacking:
            break
        if entry.style != "normal" or entry.name in (FONT, *families) or entry.name.startswith(_NO_FONTS):
            continue
        try:
            font = FT2Font(entry.fname)
        except (OSError, RuntimeError):
            continue  # a font that cannot be read is none
        found = _has(font) & lacking if font.scalable else set()
        if found:
            families.append(entry.name)
            lacking = lacking - found
    return families, lacking
