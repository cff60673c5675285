"""Why a customer is in a segment: what the last moves came from, and which features pulled, as of each move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from crm_online.engine.move_geometry import MoveGeometry
from crm_online.lookup.customer_batch import CustomerBatch
from crm_online.lookup.customer_json import customer_values
from crm_online.lookup.segment_names import SegmentNames

_OF_CAUSE: Final = {"event_id": "event_id", "type": "event_type", "idle_days": "idle_days"}
_WITH_CAUSE: Final = ("event", "lapse")
_STRONG: Final = 2


@dataclass(frozen=True, slots=True)
class KeptMove:
    """A move as it is kept.

    Attributes
    ----------
    change
        The change, as published.
    geometry
        What decided it; ``None`` for one of a version that did not keep it.
    """

    change: Mapping[str, Any]
    geometry: MoveGeometry | None


def explanation(customer: CustomerBatch, names: SegmentNames, kept: Sequence[KeptMove]) -> dict[str, object]:
    """Return why a customer is where they are, as ``answers.customers.Explanation`` has it.

    Parameters
    ----------
    customer
        The customer alone.
    names
        The segments' names over time.
    kept
        The customer's moves, as far as they are kept, in any order.
    """
    (value,) = customer_values(customer)
    moves = value["history"]
    by_move = {_key(one.change): one for one in kept}
    units = {name: feature.unit for name, feature in customer.context.reader.features.items()}
    causes = [_cause(move, by_move.get(_key(move)), names, units) for move in moves]
    last: Mapping[str, Any] = causes[0] if causes else {"pulls": [], "against": None}
    return {
        "customer_id": value["customer_id"],
        "segment": value["segment"],
        "text": _text(value["customer_id"], causes),
        "pulls": last["pulls"],
        "against": last["against"],
        "causes": causes,
    }


def _key(move: Mapping[str, Any]) -> tuple[str, str | None, str | None, str]:
    return move["time"], move["from"], move["to"], move["reason"]


def _cause(
    move: Mapping[str, Any], kept: KeptMove | None, names: SegmentNames, units: Mapping[str, str]
) -> dict[str, Any]:
    """Return a move with what is kept of it: the event, the names of that time, and what decided it."""
    cause: dict[str, Any] = {
        "change_id": None,
        **move,
        "from_name": names.at(move["from"], move["time"]),
        "to_name": names.at(move["to"], move["time"]),
        "pulls": [],
        "against": None,
        "distances": {},
    }
    if kept is None:
        return cause
    change, geometry = kept.change, kept.geometry
    event = change["cause"] if move["reason"] in _WITH_CAUSE else {}
    cause |= {ours: event[theirs] for theirs, ours in _OF_CAUSE.items() if theirs in event}
    cause |= {"change_id": change["change_id"], "model_version": change["model_version"], "margin": change["margin"]}
    if geometry is not None:
        cause |= {
            "pulls": _pulls(change["features"], geometry, units),
            "against": geometry.against,
            "distances": dict(zip((geometry.against, move["to"]), geometry.distances, strict=True)),
        }
    return cause


def _pulls(features: Mapping[str, float], geometry: MoveGeometry, units: Mapping[str, str]) -> list[dict[str, object]]:
    """Return what each feature did to a move, the strongest first."""
    rows = zip(features.items(), geometry.left, geometry.entered, geometry.pulls, strict=True)
    pulls: list[dict[str, object]] = [
        {
            "feature": feature,
            "value": value,
            "unit": units.get(feature, ""),
            "left": left,
            "entered": entered,
            "pull": pull,
        }
        for (feature, value), left, entered, pull in rows
    ]
    strongest = np.argsort(-np.abs(geometry.pulls), kind="stable").tolist()
    return [pulls[row] for row in strongest]


def _text(customer: str, causes: Sequence[Mapping[str, Any]]) -> str:
    """Return one sentence for a person."""
    if not causes:
        return f"{customer} is in no segment yet."
    last = causes[0]
    left, entered = last["from_name"], last["to_name"]
    if entered is None:
        return f"{customer} left {left}."
    did = f"came into {entered}" if left is None else f"moved from {left} to {entered}"
    for_it = [one["feature"].replace("_", " ") for one in last["pulls"] if one["pull"] > 0][:_STRONG]
    most = f"; what spoke most for it: {' and '.join(for_it)}" if for_it else ""
    return f"{customer} {did} on {last['time'][:10]}, {_why(last)}{most}."


def _why(cause: Mapping[str, Any]) -> str:
    match cause["reason"]:
        case "event":
            what = cause.get("event_type")
            return f"with the {what} {cause['event_id']}" if what else "with an event"
        case "lapse":
            days = cause.get("idle_days")
            return f"after {days:.3g} days without an event" if days is not None else "after a while without an event"
        case "refit":
            return "when the segments were fitted anew"
        case _:
            return "when the state was put back in time"
