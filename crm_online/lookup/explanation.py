"""Why a customer is in a segment: what the last moves came from, and which features pulled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from crm_online.digits import digits
from crm_online.lookup.customer_batch import CustomerBatch, ScoringContext
from crm_online.lookup.customer_json import customer_values
from crm_online.segments.vectors import RESOLUTION

_OF_CAUSE: Final = {"event_id": "event_id", "type": "event_type", "idle_days": "idle_days"}
_WITH_CAUSE: Final = ("event", "lapse")
_STRONG: Final = 2


def explanation(
    customer: CustomerBatch, names: Mapping[str, str], kept: Sequence[Mapping[str, Any]]
) -> dict[str, object]:
    """Return why a customer is where they are, as ``answers.customers.Explanation`` has it.

    Parameters
    ----------
    customer
        The customer alone.
    names
        The segments' names by id.
    kept
        The changes that are the customer's moves, as far as they are kept, in any order.
    """
    (value,) = customer_values(customer)
    moves = value["history"]
    by_move = {_key(change): change for change in kept}
    changes = [by_move.get(_key(move)) for move in moves]
    causes = [_cause(move, change) for move, change in zip(moves, changes, strict=True)]
    pulls, against = _pulls(customer, moves[0], changes[0]) if moves else ([], None)
    return {
        "customer_id": value["customer_id"],
        "segment": value["segment"],
        "text": _text(value["customer_id"], causes, pulls, names),
        "pulls": pulls,
        "against": against,
        "causes": causes,
    }


def _key(move: Mapping[str, Any]) -> tuple[str, str | None, str | None, str]:
    return move["time"], move["from"], move["to"], move["reason"]


def _cause(move: Mapping[str, Any], change: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a move, with the segment it left as its change has it."""
    cause: dict[str, Any] = {"change_id": None, **move}
    if change is None:
        return cause
    event = change["cause"] if move["reason"] in _WITH_CAUSE else {}
    more = {ours: event[theirs] for theirs, ours in _OF_CAUSE.items() if theirs in event}
    known = {"change_id": change["change_id"], "model_version": change["model_version"], "margin": change["margin"]}
    return cause | known | more


def _pulls(
    customer: CustomerBatch, move: Mapping[str, Any], change: Mapping[str, Any] | None
) -> tuple[list[dict[str, object]], str | None]:
    """Return what each feature did to a move, the strongest first, and the segment that this is measured against."""
    context = customer.context
    model, centroids = context.model, context.centroids
    if model is None or centroids is None or move["to"] not in model.ids:
        return [], None
    raw = _at_move(customer, context, change)
    vector = model.scale.encode(raw)[0].astype(np.float64)
    entered = model.ids.index(move["to"])
    apart = ((vector - centroids) / RESOLUTION) ** 2
    others = [row for row in range(model.k) if row != entered]
    if not others:
        return [], None
    nearest = min(others, key=lambda row: float(apart[row].sum()))
    left = model.ids.index(move["from"]) if move["from"] in model.ids else nearest
    pull = apart[left] - apart[entered]
    before_after = (model.scale.decode(centroids[row]).tolist() for row in (left, entered))
    rows = zip(context.reader.features.items(), raw[0].tolist(), *before_after, pull.tolist(), strict=True)
    pulls: list[dict[str, object]] = [
        {
            "feature": feature,
            "value": digits(value),
            "unit": about.unit,
            "left": digits(before),
            "entered": digits(after),
            "pull": digits(strength),
        }
        for (feature, about), value, before, after, strength in rows
    ]
    strongest = np.argsort(-np.abs(pull), kind="stable").tolist()
    return [pulls[row] for row in strongest], model.ids[left]


def _at_move(customer: CustomerBatch, context: ScoringContext, change: Mapping[str, Any] | None) -> NDArray[np.float64]:
    """Return the customer's features at the move if that is kept, or as last scored; shape (1, d)."""
    features = list(context.reader.features)
    if change is not None and change["features"].keys() == set(features):
        return np.array([[change["features"][name] for name in features]], np.float64)
    return context.reader.read(customer.records, customer.records.scored_at * 1000)


def _text(
    customer: str, causes: Sequence[Mapping[str, Any]], pulls: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> str:
    """Return one sentence for a person."""
    if not causes:
        return f"{customer} is in no segment yet."
    last = causes[0]
    left, entered = (None if one is None else names.get(one, one) for one in (last["from"], last["to"]))
    if entered is None:
        return f"{customer} left {left}."
    did = f"came into {entered}" if left is None else f"moved from {left} to {entered}"
    for_it = [one["feature"].replace("_", " ") for one in pulls if one["pull"] > 0][:_STRONG]
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
