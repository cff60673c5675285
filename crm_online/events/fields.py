"""What the JSON objects of a log hold: the paths to it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from crm_online.events import paths
from crm_online.events.layout import Layout
from crm_online.events.sample import FIRST, first_objects

_SEARCHED = 100_000


def places_of(path: Path, layout: Layout, wanted: Iterable[str] = ()) -> dict[str, bool]:
    """Return the paths to what the first objects hold, and whether each goes through a list.

    A path that is wanted and that none of them has is searched for among more objects: some fields are rare.
    """
    found: dict[str, bool] = {}
    for value in first_objects(path, layout):
        for name, listed in paths.leaves(value).items():
            found[name] = found.get(name, False) or listed
        for name in wanted:
            _note(value, name, found)
    rare = [name for name in wanted if found and name not in found and "+" not in name]
    if rare:
        for number, value in enumerate(first_objects(path, layout, _SEARCHED)):
            if number >= FIRST:
                for name in rare:
                    _note(value, name, found)
                if all(name in found for name in rare):
                    break
    return found


def _note(value: object, name: str, found: dict[str, bool]) -> None:
    """Note a path that an object has: one to an object, or one that is written in another way."""
    if isinstance(value, dict) and name not in value:
        part = paths.at(value, name)
        if part is not paths.MISSING and part != []:
            found[name] = found.get(name, False) or _crosses(value, name)
    elif isinstance(value, dict):
        found.setdefault(name, False)


def _crosses(value: dict[str, object], name: str) -> bool:
    """Return whether a path goes through a list without saying which of its members."""
    part: object = value
    for step in paths.steps_of(name):
        if isinstance(part, list):
            if not step.isdecimal():
                return True
            part = part[int(step)]
        elif isinstance(part, dict):
            part = part.get(step)
    return False
