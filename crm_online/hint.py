"""What to say to somebody who typed a name that there is not."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches


def hint(name: str, known: Sequence[str]) -> str:
    """Return the name that was probably meant, or all there are.

    Examples
    --------
    >>> hint("recensy", ["recency", "spending"]), hint("x", ["recency", "spending"])
    ('did you mean recency?', 'there are recency, spending')
    """
    near = get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
