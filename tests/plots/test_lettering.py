"""Text is as wide as matplotlib draws it, and is cut where it does not fit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from crm_online.plots.lettering import Lettering, clean

LETTERS = Lettering(["Frequent big spenders"], keep=False)


def test_a_width_is_what_matplotlib_draws() -> None:
    figure = Figure(dpi=1000)
    text = figure.text(0, 0, "Frequent big spenders", size=8, weight="bold", family="DejaVu Sans")
    drawn = text.get_window_extent().width / 1000
    assert LETTERS.width("Frequent big spenders", 8, bold=True) == pytest.approx(drawn, rel=0.02)


@settings(max_examples=40)
@given(text=st.text(max_size=60), width=st.floats(0.3, 2.0), lines=st.integers(1, 3))
def test_what_is_cut_or_wrapped_fits(text: str, width: float, lines: int) -> None:
    letters = Lettering([text], keep=False)
    assert letters.width(letters.fit(text, width, 8), 8) <= width
    wrapped = letters.wrap(text, width, 8, lines)
    assert len(wrapped) <= lines
    assert all(letters.width(line, 8) <= width for line in wrapped)


@pytest.mark.parametrize("width", [0.4, 0.55, 0.7, 0.9, 1.2])
def test_no_line_begins_with_the_sign_of_a_number(width: float) -> None:
    lines = LETTERS.wrap("returns 60 % of it, spends 3.7 × as much; a % b", width, 8, 99)
    assert not any(line.startswith(("%", "×")) for line in lines[:-1])


@settings(max_examples=40)
@given(words=st.lists(st.text("abcdefgh", min_size=1, max_size=30), max_size=12))
def test_with_enough_lines_nothing_is_lost(words: list[str]) -> None:
    text = " ".join(words)
    assert "".join(LETTERS.wrap(text, 0.8, 8, 99)).replace(" ", "") == text.replace(" ", "")


def test_letters_without_a_font_are_replaced_in_a_png_and_kept_in_an_svg() -> None:
    nobodys = "\U00012000"  # a cuneiform sign
    drawn = [Lettering([nobodys], keep=keep).drawn(nobodys) for keep in (False, True)]
    assert drawn[0] in ("\N{REPLACEMENT CHARACTER}", nobodys)
    assert drawn[1] == nobodys


@given(text=st.text(max_size=80))
def test_clean_text_is_one_line_of_xml(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert all(letter.isprintable() or letter in "\u200c\u200d" for letter in clean(text) if ord(letter) < 0xE000)
    assert not set(clean(text)) & set("\x00\n\t\ufffe\uffff\ud800")
