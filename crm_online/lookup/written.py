"""Customers as JSON, written all at once: the content of `crm_online.lookup.customers.told`, in a tenth of its time.

Numbers are written with six significant digits, as :func:`crm_online.digits.digits` rounds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import orjson
from numpy.typing import NDArray

from crm_online.customers.records import NO_SEGMENT, Records
from crm_online.engine.changes import Reason
from crm_online.lookup.reading import Seen
from crm_online.segments.kmeans import distances


def written(seen: Seen) -> dict[str, bytes]:
    """Return each customer as JSON, by id."""
    bearings, records = seen.bearings, seen.records
    raw = bearings.reader.read(records, bearings.as_of)
    if seen.elsewhere or not np.isfinite(raw).all():
        return {name: orjson.dumps(value) for name, value in zip(seen.names, seen.told(), strict=True)}
    features, far = _numbers(list(bearings.reader.features), raw), ["{}"] * len(records)
    if bearings.model is not None and bearings.centroids is not None:
        scored = records.scored_by(bearings.model.version).tolist()
        every = _numbers(list(bearings.model.ids), distances(records.vectors, bearings.centroids))
        far = [text if here else "{}" for text, here in zip(every, scored, strict=True)]
    since = [
        "null" if label == NO_SEGMENT else f'"{time}"'
        for label, time in zip(records.reported.tolist(), _seconds(records.since), strict=True)
    ]
    rows = zip(
        seen.names,
        seen.segments,
        since,
        features,
        far,
        _histories(records),
        records.events.tolist(),
        _millis(records.last_event),
        strict=True,
    )
    return {
        name: (
            f'{{"customer_id":{orjson.dumps(name).decode()},"segment":{_segment(segment)},"since":{entered},'
            f'"features":{values},"distances":{away},"history":[{moves}],"events":{events},"last_event":"{last}"}}'
        ).encode()
        for name, segment, entered, values, away, moves, events, last in rows
    }


def _numbers(names: Sequence[str], values: NDArray[np.float64]) -> list[str]:
    """Return each row as a JSON object of numbers by name."""
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
    return f'"from":{from_},"to":{to},"reason":"{Reason(reason).word}"'


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
