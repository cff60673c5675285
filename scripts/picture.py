"""Draw the picture of the README from what the demo found.

Run ``crm-online demo --json | python scripts/picture.py > docs/demo.svg``. The picture brings its own light
background, so it reads the same on light and dark pages, and it tells nothing by colour alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any
from xml.sax.saxutils import escape

WIDTH = 960
MARGIN = 28
INK, FAINT, LINE, PAPER, BOX, BAR = "#1f2328", "#57606a", "#c4ccd4", "#ffffff", "#f3f6f9", "#2f6fb4"
RULES = 5
FACTS = 2
CHARACTERS = 68
"""Most characters of a side note beside a bar."""
NAME_CHARACTERS = 30
"""Most characters of a line of a segment's name."""


def text(x: float, y: float, words: str, *, size: int = 14, fill: str = INK, bold: bool = False, end: str = "") -> str:
    """Return a line of text; ``end`` is ``middle`` or ``end`` where x is not its beginning."""
    more = (' font-weight="600"' if bold else "") + (f' text-anchor="{end}"' if end else "")
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}"{more}>{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, fill: str, stroke: str = "none") -> str:
    """Return a box with round corners."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" fill="{fill}" stroke="{stroke}"/>'


def arrow(points: Sequence[tuple[float, float]]) -> str:
    """Return a line with a head at its last point."""
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{FAINT}" stroke-width="1.5" marker-end="url(#head)"/>'


def flow(found: Mapping[str, Any], top: float) -> Iterator[str]:
    """Draw the flow: events on the left, the two ways through the engine, what changed on the right."""
    done, segments = found["replay"], found["segments"]
    high, low, width, height = top, top + 74, 164, 56
    first = MARGIN + 12
    step = (WIDTH - 2 * first - width) / 3
    ways = (
        (
            high,
            (
                ("customers", done["customers"]),
                ("segments", len(segments["segments"])),
                ("moves of customers", found["changes"]["moves"]),
            ),
        ),
        (
            low,
            (
                ("baskets", done["baskets"]),
                ("itemsets and rules", None),
                ("changes of rules", done["rule_changes"]),
            ),
        ),
    )
    middle = (high + low) / 2
    yield from _stop(first, middle, width, height, "events of a shop", done["accepted"])
    for y, stops in ways:
        yield arrow(
            [
                (first + width, middle + height / 2),
                (first + width + 30, middle + height / 2),
                (first + width + 30, y + height / 2),
                (first + step - 2, y + height / 2),
            ]
        )
        for place, (words, number) in enumerate(stops):
            x = first + step * (place + 1)
            yield from _stop(x, y, width, height, words, number)
            if place + 1 < len(stops):
                yield arrow([(x + width, y + height / 2), (x + step - 2, y + height / 2)])


def _stop(x: float, y: float, width: float, height: float, words: str, number: int | None) -> Iterator[str]:
    yield box(x, y, width, height, BOX, LINE)
    if number is None:
        yield text(x + width / 2, y + height / 2 + 5, words, end="middle")
        return
    yield text(x + width / 2, y + 24, f"{number:,}", size=16, bold=True, end="middle")
    yield text(x + width / 2, y + 43, words, size=13, fill=FAINT, end="middle")


def segment_bars(segments: Sequence[Mapping[str, Any]], top: float) -> Iterator[str]:
    """Draw the segments, the largest first: name, bar, size, and what sets each apart."""
    ranked = sorted(segments, key=lambda one: (-one["size"], one["id"]))
    largest = max((one["size"] for one in ranked), default=1)
    for row, one in enumerate(ranked):
        y = top + 34 * row
        name = wrap(one["name"], NAME_CHARACTERS)
        for place, words in enumerate(name):
            yield text(
                MARGIN + 12, y + (15 if len(name) == 1 else 8 + 15 * place), words, size=14 if len(name) == 1 else 13
            )
        width = max(150 * one["size"] / largest, 2)
        yield box(248, y + 2, width, 17, BAR)
        yield text(256 + width, y + 16, f"{one['size']:,}", size=13, bold=True)
        yield text(456, y + 15, _apart(one["description"]["text"]), size=13, fill=FAINT)


def _apart(description: str) -> str:
    """Return the first facts of a description, without what is typical, as far as there is room."""
    facts = [fact.partition(" (")[0] for fact in description.rstrip(".").split(", ")]
    words = ", ".join(facts[:FACTS])
    return words if len(words) <= CHARACTERS else facts[0]


def rule_lines(rules: Sequence[Mapping[str, Any]], top: float) -> Iterator[str]:
    """Draw the strongest rules, one for each set of items."""
    seen: set[frozenset[str]] = set()
    for rule in rules:
        items = frozenset(rule["antecedent"] + rule["consequent"])
        if items in seen or len(seen) == RULES:
            continue
        y = top + 28 * len(seen)
        seen.add(items)
        yield text(MARGIN + 12, y + 15, " + ".join(rule["antecedent"]))
        yield text(430, y + 15, "⇒")
        yield text(456, y + 15, " + ".join(rule["consequent"]))
        yield text(790, y + 15, f"{rule['confidence']:.0%}".replace("%", " %"), end="end")
        yield text(WIDTH - MARGIN - 12, y + 15, f"× {rule['lift']:.1f}", bold=True, end="end")


def picture(found: Mapping[str, Any]) -> str:
    """Return the picture as SVG.

    Parameters
    ----------
    found
        What ``crm-online demo --json`` prints.
    """
    segments, rules = found["segments"]["segments"], found["rules"]
    bars = 236
    lines = bars + 34 * len(segments) + 64
    sets = {frozenset(rule["antecedent"] + rule["consequent"]) for rule in rules}
    height = lines + 28 * min(len(sets), RULES) + MARGIN
    moved = ", ".join(f"{number:,} by {reason}" for reason, number in found["changes"]["reasons"].items())
    parts = [
        *flow(found, MARGIN),
        text(MARGIN + 12, bars - 22, "Segments", size=16, bold=True),
        text(456, bars - 22, "what sets them apart from the typical customer", size=13, fill=FAINT),
        *segment_bars(segments, bars),
        text(MARGIN + 12, lines - 18, "Rules", size=16, bold=True),
        text(456, lines - 18, "who buys … also buys …", size=13, fill=FAINT),
        text(790, lines - 18, "confidence", size=13, fill=FAINT, end="end"),
        text(WIDTH - MARGIN - 12, lines - 18, "lift", size=13, fill=FAINT, end="end"),
        *rule_lines(rules, lines),
    ]
    body = "\n".join(parts)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" \
font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif" role="img">
<title>A year of a grocery shop: events in, segments and rules out</title>
<desc>Made by scripts/picture.py from crm-online demo --json. Moves of customers: {escape(moved)}.</desc>
<defs><marker id="head" markerWidth="8" markerHeight="8" refX="6" refY="4" orient="auto">\
<path d="M0,0 L8,4 L0,8 z" fill="{FAINT}"/></marker></defs>
<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="10" fill="{PAPER}" stroke="{LINE}"/>
{body}
</svg>
"""


def main() -> None:
    """Read the demo's JSON from stdin, and print the picture."""
    found = json.load(sys.stdin)
    if not found["replay"]["accepted"]:
        sys.exit("picture.py: this demo went on from an earlier one and read nothing: give it a new --state")
    print(picture(found), end="")


if __name__ == "__main__":
    main()
