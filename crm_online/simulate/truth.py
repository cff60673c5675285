"""The truth of a log: what was planted in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from crm_online.simulate.people import People
from crm_online.simulate.shop import (
    ATTRIBUTES,
    DAYS,
    NAMES,
    REASONS,
    SEGMENTS,
    PlantedSegment,
    Shift,
    date_of,
)
from crm_online.simulate.stock import RULES, PlantedRule


def truth_of(people: People, ids: list[str], events: int, seed: int) -> dict[str, Any]:
    """Return what was planted, as JSON values.

    Parameters
    ----------
    people, ids
        The customers, and their ids by number.
    events, seed
        Of the log.

    Returns
    -------
    dict
        ``customers, events, seed, begin, end, shift`` (times; the end is the first moment after the log; no
        shift: ``None``);
        ``segments``: a list of ``name, about, share, size``, and what its customers are over-represented in:
        ``attributes`` (share in the segment and ``elsewhere``), ``reasons`` (share of the segment's contacts) and
        ``items`` (how many ``times`` as often as others they choose them, the items of rules and the staple aside);
        ``segment_of``: the segment of each customer at the log's end;
        ``shifted``: from which segment to which, by customer; ``lapsed``: by customer, the first day without events;
        ``rules``: a list of ``antecedent, consequent, confidence, lift`` as planned while the rule is in force,
        ``from`` and ``until`` (``None``: still in force), and ``follows``: all other rules between the same items, with
        theirs; they come by themselves;
        ``browsers``: the customers who never buy.
    """
    places, befores, stops = people.segment.tolist(), people.first.tolist(), people.stop.tolist()
    sizes = people.sizes.tolist()
    return {
        "customers": len(people),
        "events": events,
        "seed": seed,
        "begin": date_of(0),
        "end": date_of(DAYS),
        "shift": date_of(people.shift.day) if people.shift.day < DAYS else None,
        "segments": [_segment(segment, size) for segment, size in zip(SEGMENTS, sizes, strict=True)],
        "rules": [_rule(rule, people.shift) for rule in RULES if people.shift.day < DAYS or not rule.begins],
        "shifted": {ids[row]: [NAMES[befores[row]], NAMES[places[row]]] for row in people.shifted.tolist()},
        "lapsed": {name: date_of(stop) for name, stop in zip(ids, stops, strict=True) if stop < DAYS},
        "segment_of": {name: NAMES[place] for name, place in zip(ids, places, strict=True)},
        "browsers": [ids[row] for row in np.flatnonzero(people.browses).tolist()],
    }


def as_text(truth: Mapping[str, Any]) -> Iterator[str]:
    """Yield a truth as JSON, a line for each field, segment and rule."""
    for number, (name, value) in enumerate(truth.items()):
        yield ",\n" if number else "{\n"
        yield f"{json.dumps(name)}: "
        yield f"[\n{_one_a_line(value)}\n]" if isinstance(value, list) else json.dumps(value)
    yield "\n}\n"


def _one_a_line(values: list[Any]) -> str:
    return ",\n".join(f"  {json.dumps(value)}" for value in values)


def _segment(segment: PlantedSegment, size: int) -> dict[str, Any]:
    return {
        "name": segment.name,
        "about": segment.about,
        "share": segment.share,
        "size": size,
        "attributes": [
            {"attribute": attribute, "value": value, "share": share, "elsewhere": _elsewhere(segment, attribute, value)}
            for attribute, values in segment.attributes.items()
            for value, share in values.items()
            if share > ATTRIBUTES[attribute][value]
        ],
        "reasons": [
            {"reason": reason, "share": share} for reason, share in segment.reasons.items() if reason not in REASONS
        ],
        "items": [{"item": item, "times": segment.liking} for item in segment.likes],
    }


def _elsewhere(segment: PlantedSegment, attribute: str, value: str) -> float:
    """Return the planned share of a value among the customers of all other segments."""
    others = [other for other in SEGMENTS if other is not segment]
    having = sum(other.share * other.attributes.get(attribute, ATTRIBUTES[attribute])[value] for other in others)
    return round(having / sum(other.share for other in others), 4)


def _rule(rule: PlantedRule, shift: Shift) -> dict[str, Any]:
    planted = frozenset(rule.antecedent), frozenset({rule.consequent})
    return {
        **_sides(rule, *planted),
        "from": date_of(shift.day if rule.begins else 0),
        "until": date_of(shift.day) if rule.ends and shift.day < DAYS else None,
        "follows": [_sides(rule, x, y) for x, y in rule.follows()],
    }


def _sides(rule: PlantedRule, x: frozenset[str], y: frozenset[str]) -> dict[str, Any]:
    confidence, lift = rule.measures(x, y)
    return {
        "antecedent": sorted(x),
        "consequent": sorted(y),
        "confidence": round(confidence, 4),
        "lift": round(lift, 2),
    }
