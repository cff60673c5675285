"""Native JSON into columns: msgspec decodes, whole columns are checked, and the models judge only what is left over.

What msgspec and the checks accept is what the models accept, with the same values; of all else the models say whether
it is an event, and why not. A field that no event has is counted by its name and left out, without the models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from crm_online.events import models, times
from crm_online.events.building import from_structs, unknown_fields
from crm_online.events.cells import is_name
from crm_online.events.columns import Codes, EventColumns, Kind
from crm_online.events.presets.preset import Refusal
from crm_online.events.problems import first_problem
from crm_online.events.rejects import Refused
from crm_online.events.structs import EVENT_STRUCTS, AnyEvent, LineStruct, ProfileStruct, struct_of
from crm_online.events.time_columns import from_iso_texts
from crm_online.events.unknown_fields import UnknownFieldDecoder

_DECODER: Final = UnknownFieldDecoder()
"""What it has learned changes what decoding costs, and nothing else."""
_DECODE_ANY: Final = msgspec.json.Decoder().decode
_FIELDS: Final = {name: frozenset(("type", *struct.__struct_fields__)) for name, struct in EVENT_STRUCTS.items()}
_FIELDS_OF_LINES: Final = frozenset(LineStruct.__struct_fields__)
_DEPTH: Final = 100
"""How deep a value may be nested that is accepted without the models: less than what they accept."""
_BRACE, _LOWER = np.uint8(ord("{")), np.uint8(ord("{") ^ ord("["))
"""The opening brace, and the bit by which the bracket differs from it."""

Judge = Callable[[int], models.Event | Refusal]
"""Returns by its place the event that the models make of a value, or why it is none."""


@dataclass(frozen=True, slots=True)
class DecodedEvents:
    """The events among some values.

    Attributes
    ----------
    events
        The events.
    places
        The place of each among the values.
    unknown
        By place, the names of its fields that no event has.
    """

    events: EventColumns
    places: list[int]
    unknown: dict[int, list[str]]

    def select(self, chosen: NDArray[np.bool_]) -> DecodedEvents:
        """Return some of the events, by mask."""
        places = [place for place, keep in zip(self.places, chosen.tolist(), strict=True) if keep]
        unknown = {place: self.unknown[place] for place in places if place in self.unknown}
        return DecodedEvents(self.events.select(chosen), places, unknown)

    def count_unknown(self) -> dict[str, int]:
        """Return how often each field occurs that no event has."""
        return dict(Counter(chain.from_iterable(self.unknown.values())))


def native_event(line: str) -> models.Event | Refusal:
    """Return the event that a text of JSON is by the models, or why it is none."""
    try:
        return models.EVENT.validate_json(line)
    except ValidationError as error:
        return Refusal(*first_problem(error))


def decode_lines(
    lines: Mapping[int, bytes], judge: Judge, rows: Sequence[int], source_id: str, refused: Refused
) -> DecodedEvents:
    """Return the events of lines of native JSON, by place; what is none is refused.

    Each line is decoded by itself: joined to one array, which is no faster, lines could share an event.

    Parameters
    ----------
    lines
        The lines, by place.
    judge
        Judges what is not decoded here.
    rows
        By place, the row of each in its source.
    source_id
        Events without an id get ``<source_id>-<row>``.
    refused
        What is no event is added to it.
    """
    decode = _DECODER.decode
    found: dict[int, AnyEvent | None] = {}
    unknown: dict[int, list[str]] = {}
    for place, line in lines.items():
        try:
            event: AnyEvent | None = decode(line)
            if isinstance(event, ProfileStruct) and _may_be_deep(line, 0):
                event = None
        except msgspec.ValidationError:
            event = _from_object(_parsed(line), unknown, place)
        except (msgspec.DecodeError, RecursionError):
            event = None
        found[place] = event
    # Before it learns from this batch: then events and their lines would be of other types than these are.
    extra = _DECODER.unknown_fields(found)
    if unknown:
        events = [(event, names) for place, names in unknown.items() if (event := found[place])]
        _DECODER.learn((type(event), name) for event, names in events for name in names)
    for place in _unsure({place: lines[place] for place in extra}, found):
        found[place] = None
    unknown |= extra
    return _columns(found, unknown, judge, rows, source_id, refused)


def decode_objects(
    values: Mapping[int, object], judge: Judge, rows: Sequence[int], source_id: str, refused: Refused
) -> DecodedEvents:
    """Return the events of native objects, by place; parameters as for :func:`decode_lines`."""
    unknown: dict[int, list[str]] = {}
    found = {place: _from_object(value, unknown, place) for place, value in values.items()}
    return _columns(found, unknown, judge, rows, source_id, refused)


def _parsed(line: bytes) -> object:
    """Return the value of a line; ``None`` if it has none for certain."""
    try:
        value = _DECODE_ANY(line)
    except (msgspec.DecodeError, RecursionError):
        return None
    items = value.get("items") if isinstance(value, dict) else None
    return None if _may_be_deep(line, len(items) if isinstance(items, list) else 0) else value


def _may_be_deep(line: bytes, lines: int) -> bool:
    """Return whether a line of JSON, with so many lines of a basket, may be nested more deeply than the models accept.

    It is judged by the whole text, since of a field that occurs twice only the last value is decoded.
    """
    return line.count(b"[") + line.count(b"{") > lines + _DEPTH


def _unsure(lines: Mapping[int, bytes], events: Mapping[int, AnyEvent | None]) -> list[int]:
    """Return which lines, by place, may be no JSON for the models though events with unknown fields came of them.

    What is in unknown fields was not read: it may be nested more deeply than the models accept, or be no UTF-8.
    """
    joined = b"".join(lines.values())
    ends = np.cumsum([*map(len, lines.values())])
    openings = np.flatnonzero(np.frombuffer(joined, np.uint8) | _LOWER == _BRACE)
    counts = np.diff(np.searchsorted(openings, ends), prepend=0)
    unsure = counts > _DEPTH
    if unsure.any():
        unsure = counts > np.array([len(getattr(events[place], "items", ())) for place in lines]) + _DEPTH
    if not _is_utf8(joined):
        unsure |= ~np.fromiter(map(_is_utf8, lines.values()), bool, len(lines))
    return [place for place, doubt in zip(lines, unsure.tolist(), strict=True) if doubt] if unsure.any() else []


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _from_object(value: object, unknown: dict[int, list[str]], place: int) -> AnyEvent | None:
    """Return the event of an object without the fields that no event has, which are noted; ``None`` of all else."""
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str) or kind not in EVENT_STRUCTS:
        return None
    names: list[str] = []
    known = _known(value, _FIELDS[kind], "", names)
    if isinstance(lines := known.get("items"), list):
        kept = [_known(line, _FIELDS_OF_LINES, "items.", names) if isinstance(line, dict) else line for line in lines]
        known = known | {"items": kept}
    try:
        event = msgspec.convert(known, EVENT_STRUCTS[kind])
    except (msgspec.ValidationError, RecursionError):
        return None
    if names:
        unknown[place] = names
    return event


def _known(value: dict[str, object], fields: frozenset[str], prefix: str, names: list[str]) -> dict[str, object]:
    """Return an object without unknown fields, whose names are added."""
    if value.keys() <= fields:
        return value
    if not all(isinstance(name, str) for name in value):
        return {}  # no JSON: for the models
    names += [prefix + name for name in value if name not in fields]
    return {name: part for name, part in value.items() if name in fields}


def _columns(
    found: Mapping[int, AnyEvent | None],
    unknown: dict[int, list[str]],
    judge: Judge,
    rows: Sequence[int],
    source_id: str,
    refused: Refused,
) -> DecodedEvents:
    """Return the events by columns, after the models have judged what is none, or fails the checks of the columns."""
    decoded = {place: event for place, event in found.items() if event is not None}
    places = list(decoded)
    read = from_iso_texts([event.time for event in decoded.values()])
    columns = from_structs(list(decoded.values()), read, [rows[place] for place in places], source_id)
    bad = _invalid(columns)
    failed = [place for place, event in found.items() if event is None]
    failed += [places[index] for index in np.flatnonzero(bad).tolist()]
    if not failed:
        return DecodedEvents(columns, places, unknown)
    moments = dict(zip(places, read.tolist(), strict=True))
    changed = bool(bad.any())
    for place in failed:
        event = judge(place)
        unknown.pop(place, None)
        if isinstance(event, Refusal):
            refused[place] = event
            decoded.pop(place, None)
            continue
        decoded[place], moments[place], changed = struct_of(event), event.time, True
        if names := list(unknown_fields(event)):
            unknown[place] = names
    if changed:
        places = [place for place in found if place in decoded]
        read = np.array([moments[place] for place in places], np.int64)
        events = [decoded[place] for place in places]
        columns = from_structs(events, read, [rows[place] for place in places], source_id)
    return DecodedEvents(columns, places, unknown)


def _invalid(columns: EventColumns) -> NDArray[np.bool_]:
    """Return which events the models have to judge."""
    with np.errstate(invalid="ignore"):
        lines = (columns.quantity > 0) & (columns.quantity <= models.MAX_NUMBER)
        lines &= (columns.price >= 0) & (columns.price <= models.MAX_NUMBER) & _valid(columns.item, columns.items)
        good = (columns.kind != Kind.FEEDBACK) | ((columns.score >= 0) & (columns.score <= 1))
    good &= (columns.time >= times.BEGIN) & (columns.time < times.END)
    good &= _valid(columns.customer, columns.customers) & _valid(columns.basket, columns.baskets)
    if not lines.all():
        good[np.searchsorted(columns.line_start, np.flatnonzero(~lines), side="right") - 1] = False
    if not _all_names(columns.event_ids):
        good &= np.fromiter(map(is_name, columns.event_ids), bool, len(columns))
    for index, detail in columns.details.items():
        good[index] &= _is_plain(detail)
    bad: NDArray[np.bool_] = ~good
    return bad


def _valid(codes: Codes, names: list[str]) -> NDArray[np.bool_]:
    """Return whether each place has no name, or one that the models accept."""
    if _all_names(names):
        return np.ones(len(codes), bool)
    good = np.array([*map(is_name, names), True], bool)
    return good[codes]


def _all_names(names: list[str]) -> bool:
    """Return whether all names are accepted, at a glance: what is printable has no control characters."""
    lengths = list(map(len, names))
    return "".join(names).isprintable() and min(lengths, default=1) > 0 and max(lengths, default=1) <= models.MAX_ID


def _is_plain(value: object) -> bool:
    """Return whether a value is plain JSON for certain: not deep, finite, and without halves of surrogate pairs."""
    level = [value]
    for _ in range(_DEPTH):
        deeper: list[object] = []
        for part in level:
            if isinstance(part, dict):
                deeper += part.keys()
                deeper += part.values()
            elif isinstance(part, list):
                deeper += part
            elif isinstance(part, str):
                if not part.isascii() and any("\ud800" <= letter <= "\udfff" for letter in part):
                    return False
            elif isinstance(part, float):
                if not isfinite(part):
                    return False
            elif part is not None and not (isinstance(part, int) and abs(part) < 2**63):
                return False
        if not deeper:
            return True
        level = deeper
    return False
