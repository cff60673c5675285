"""Hints at the known name that is near one that is not known."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

LISTED = 30
"""Most names that are listed."""


def hint(name: str, known: Sequence[str]) -> str:
    """Return the name that was probably meant, or all there are, if they are few.

    Examples
    --------
    >>> hint("recensy", ["recency", "spending"]), hint("x", ["recency", "spending"])
    ('did you mean recency?', 'there are recency, spending')
    >>> hint("Beef", ["BEEF", "BEER"]), hint("x", ["recency"] * 5000), hint("x", [])
    ('did you mean BEEF?', 'there are 5,000 others', 'there are none')
    """
    folded = {one.casefold(): one for one in reversed(known)}
    near = get_close_matches(name.casefold(), folded, 1)
    if near:
        return f"did you mean {folded[near[0]]}?"
    if len(known) > LISTED:
        return f"there are {len(known):,} others"
    return f"there are {', '.join(known) or 'none'}"
