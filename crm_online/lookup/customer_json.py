"""Customers as JSON, as ``answers.customers.Customer`` has it: all of a batch at once.

Numbers have six significant digits, as :func:`crm_online.digits.digits` rounds them. The texts are put together here,
since to make values for a general serialiser takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from crm_online.customers.records import NEVER, NO_SEGMENT, Records
from crm_online.digits import digits
from crm_online.engine.changes import Reason
from crm_online.lookup.customer_batch import CustomerBatch

FEEDBACKS = "feedbacks"
"""The decayed number of feedbacks, as features name it."""


def customer_json(batch: CustomerBatch) -> dict[str, bytes]:
    """Return each customer as JSON, by id."""
    records = batch.records
    ids, distances, scored = batch.distances()
    since = [
        "null" if label == NO_SEGMENT else f'"{time}"'
        for label, time in zip(records.reported.tolist(), _seconds(records.since), strict=True)
    ]
    rows = zip(
        batch.names,
        batch.segments,
        since,
        _numbers(list(batch.context.reader.features), batch.features()),
        [far if here else "{}" for far, here in zip(_numbers(ids, distances), scored, strict=True)],
        _histories(records),
        [orjson.dumps(one).decode() for one in batch.predictions()],
        records.events.tolist(),
        _millis(records.last_event),
        _totals(batch),
        [f',"also_in_partitions":{others}' if (others := found[1:]) else "" for found in batch.partitions],
        strict=True,
    )
    return {
        name: (
            f'{{"customer_id":{orjson.dumps(name).decode()},"segment":{_segment(segment)},"since":{entered},'
            f'"features":{features},"distances":{far},"history":[{moves}],"predictions":{predicted},"events":{events},'
            f'"last_event":"{last}","totals":{totals}{more}}}'
        ).encode()
        for name, segment, entered, features, far, moves, predicted, events, last, totals, more in rows
    }


def customer_values(batch: CustomerBatch) -> list[dict[str, Any]]:
    """Return the customers as values, as ``crm-online customer --json`` has them."""
    values = [orjson.loads(body) for body in customer_json(batch).values()]
    for value in values:
        for figures in ("features", "distances"):  # JSON has 3 for 3.0
            pairs = value[figures].items()
            value[figures] = {name: None if number is None else float(number) for name, number in pairs}
    return values


def _totals(batch: CustomerBatch) -> list[str]:
    """Return what each customer did so far, as ``answers.customers.Totals`` has it."""
    records, sums = batch.records, batch.context.reader.sums
    gave = ["null"] * len(records)
    if FEEDBACKS in sums:
        gave = ["true" if some else "false" for some in (records.sums[:, sums.index(FEEDBACKS)] > 0).tolist()]
    bought = [
        "null" if never else f'"{time}"'
        for never, time in zip((records.last_purchase == NEVER).tolist(), _millis(records.last_purchase), strict=True)
    ]
    rows = zip(
        *(getattr(records, name).tolist() for name in ("purchases", "returns", "spend", "items")),
        _millis(records.first_event),
        bought,
        gave,
        strict=True,
    )
    return [
        f'{{"purchases":{purchases},"returns":{returns},"spend":{spend:.15g},"items":{items:.15g},"first_event":"{first}",'
        f'"last_purchase":{last},"gave_feedback":{given}}}'
        for purchases, returns, spend, items, first, last, given in rows
    ]


def _numbers(names: Sequence[str], values: NDArray[np.float64]) -> list[str]:
    """Return each row as a JSON object of numbers by name; numbers that are not finite as null."""
    if not np.isfinite(values).all():
        rows = (dict(zip(names, map(digits, row), strict=True)) for row in values.tolist())
        return [orjson.dumps(row).decode() for row in rows]
    pairs = [orjson.dumps(name).decode().replace("%", "%%") + ":%.6g" for name in names]
    form = "{" + ",".join(pairs) + "}"
    return [form % tuple(row) for row in values.tolist()]


def _histories(records: Records) -> list[str]:
    """Return each customer's last moves, the newest first, as JSON objects with commas between."""
    times = _seconds(records.moves["time"].astype(np.int64).ravel())
    width = records.moves.shape[1]
    return [
        ",".join(
            f'{{"time":"{time}",{_move(left, entered, reason)}}}'
            for time, (seconds, left, entered, reason) in zip(
                times[row * width : (row + 1) * width], moves, strict=True
            )
            if seconds
        )
        for row, moves in enumerate(records.moves.tolist())
    ]


@lru_cache(10_000)
def _move(left: int, entered: int, reason: int) -> str:
    from_, to = (_segment(f"s{number}" if number else None) for number in (left, entered))
    return f'"from":{from_},"to":{to},"reason":"{Reason(reason).label}"'


def _segment(segment: str | None) -> str:
    return "null" if segment is None else f'"{segment}"'


def _seconds(seconds: NDArray[np.int64]) -> list[str]:
    """Return times in seconds since 1970 as ISO 8601 in UTC."""
    texts: list[str] = np.datetime_as_string(seconds.astype("datetime64[s]"), timezone="UTC").tolist()
    return texts


def _millis(millis: NDArray[np.int64]) -> list[str]:
    """Return times in ms since 1970 as ISO 8601 in UTC, with milliseconds only where there are any."""
    texts: list[str] = np.datetime_as_string(millis.astype("datetime64[ms]"), timezone="UTC").tolist()
    return [text.replace(".000Z", "Z") for text in texts]
