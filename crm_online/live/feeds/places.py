"""Places in the changes: how far a reader is in each partition, as the ids of server-sent events say it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from crm_online.errors import InputError

Mark = tuple[int, int]
"""Epoch and sequence number of a change: the changes of a partition are in the order of their marks."""

_NUMBER = "(0|[1-9][0-9]{0,14})"
_CHANGE = re.compile(f"{_NUMBER}-{_NUMBER}-{_NUMBER}")
_LONGEST = 256 * 40


def text(place: Mapping[int, Mark]) -> str:
    """Return a place as it is written: the ids of the last changes of all partitions.

    Examples
    --------
    >>> text({0: (0, 17), 1: (1, 5)})
    '0-0-17,1-1-5'
    """
    return ",".join(f"{partition}-{epoch}-{sequence}" for partition, (epoch, sequence) in sorted(place.items()))


def parse(written: str) -> dict[int, Mark]:
    """Read a place.

    Raises
    ------
    InputError
        If it is none.

    Examples
    --------
    >>> parse("0-0-17,1-1-5")
    {0: (0, 17), 1: (1, 5)}
    """
    place: dict[int, Mark] = {}
    for part in written.split(",") if len(written) <= _LONGEST else [""]:
        found = _CHANGE.fullmatch(part)
        if not found or int(found[1]) in place:
            raise InputError("the place in the changes is not one: change ids, joined by commas, one of each partition")
        place[int(found[1])] = (int(found[2]), int(found[3]))
    return place
