"""Cursors: the id of the last change that a reader has of each partition, as ``Last-Event-ID`` carries it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from crm_online.errors import InputError
from crm_online.step import ChangeId

_NUMBER = "(0|[1-9][0-9]{0,14})"
_CHANGE = re.compile(f"{_NUMBER}-{_NUMBER}-{_NUMBER}")
_LONGEST = 256 * 40

Cursor: TypeAlias = Mapping[int, ChangeId]
"""The last change that a reader has, by partition."""


def text(cursor: Cursor) -> str:
    """Return a cursor as it is written: the ids of the last changes of all partitions.

    Examples
    --------
    >>> text({0: ChangeId(0, 0, 17), 1: ChangeId(1, 1, 5)})
    '0-0-17,1-1-5'
    """
    return ",".join(str(last) for _, last in sorted(cursor.items()))


def parse(written: str) -> dict[int, ChangeId]:
    """Read a cursor.

    Raises
    ------
    InputError
        If it is none.

    Examples
    --------
    >>> parse("0-0-17,1-1-5")[1]
    ChangeId(partition=1, epoch=1, sequence=5)
    """
    cursor: dict[int, ChangeId] = {}
    for part in written.split(",") if len(written) <= _LONGEST else [""]:
        found = _CHANGE.fullmatch(part)
        if not found or int(found[1]) in cursor:
            raise InputError("the cursor of the feed is not one: change ids, joined by commas, one of each partition")
        last = ChangeId(*map(int, found.groups()))
        cursor[last.partition] = last
    return cursor
