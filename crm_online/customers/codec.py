"""Customer records as compact bytes in the store, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import (
    MEMORY_LENGTHS,
    MOVE,
    MOVES,
    NEVER,
    NO_BAND,
    NO_SEGMENT,
    RECENT,
    TARGET_BAND,
    Records,
)
from crm_online.errors import InvalidSetting, StateCorrupt, StateTooNew

VERSION = 4
MOST_SUMS = 16
"""How many decayed sums a record has room for."""
_LARGEST = float(np.finfo(np.float32).max)
_VERSION_BYTE = bytes([VERSION])
_ID_BYTES = 6
_IDS = RECENT * _ID_BYTES
_MOVES = MOVES * MOVE.itemsize
_TIME_NAMES = ("first_event", "last_event", "first_purchase", "last_purchase")
_TIMES = len(_TIME_NAMES)
_NO_MILLIS = 0xFFFF
_PLAIN_NAMES = (
    *("nearest", "reported", "model_version", "purchases", "returns", "events"),
    *("scored_at", "since", "queued", "spend", "items", "vectors"),
    *("band", "left_band", "band_since"),
)


@cache
def _core(features: int) -> np.dtype[np.void]:
    """Return the layout of the fixed part of a record in the store: making it takes as long as dozens of records."""
    return np.dtype(
        [
            ("version", "<u1"),
            ("nearest", "<u1"),
            ("reported", "<u1"),
            ("model_version", "<u2"),
            ("seconds", "<u4", (_TIMES,)),
            ("millis", "<u2", (_TIMES,)),
            ("purchases", "<u4"),
            ("returns", "<u4"),
            ("events", "<u4"),
            ("scored_at", "<u4"),
            ("since", "<u4"),
            ("queued", "<u4"),
            ("spend", "<f8"),
            ("items", "<f8"),
            ("vectors", "<i2", (features,)),
            ("memory", "<f4", (MEMORY_LENGTHS, 2)),
            ("band", "<u1"),
            ("left_band", "<u1"),
            ("band_since", "<u4"),
            ("has_sum", "<u2"),
            ("target_bands", "<u1"),
            ("own", "<u2"),
        ]
    )


@dataclass(frozen=True, slots=True)
class RecordCodec:
    """Bytes of customer records with ``sums`` decayed sums (at most ``MOST_SUMS``) and ``features`` features.

    A record is a core of fixed size, then the sums that are not 0, the ids of the last events and the
    last moves, as many as there were: 134 bytes, 8 for each sum, 6 for each event up to 16, and 9 for
    each move up to 4. Then 6 bytes for each of the users' own targets in whose bands the customer is, and what the
    customer bought before: 4 bytes, and 5 for each item up to 128.
    """

    sums: int
    features: int

    def __post_init__(self) -> None:
        if self.sums > MOST_SUMS:
            raise InvalidSetting(f"the features in use read {self.sums} sums: a record has room for {MOST_SUMS}")

    @property
    def core(self) -> np.dtype[np.void]:
        """The layout of the fixed part in the store."""
        return _core(self.features)

    def blank(self, n: int) -> Records:
        """Return the records of ``n`` customers of whom nothing is known."""
        return Records(
            first_event=np.full(n, NEVER),
            last_event=np.full(n, NEVER),
            first_purchase=np.full(n, NEVER),
            last_purchase=np.full(n, NEVER),
            purchases=np.zeros(n, np.int64),
            returns=np.zeros(n, np.int64),
            events=np.zeros(n, np.int64),
            spend=np.zeros(n),
            items=np.zeros(n),
            sums=np.zeros((n, self.sums)),
            vectors=np.zeros((n, self.features), np.int16),
            nearest=np.full(n, NO_SEGMENT, np.uint8),
            reported=np.full(n, NO_SEGMENT, np.uint8),
            model_version=np.zeros(n, np.uint16),
            scored_at=np.zeros(n, np.int64),
            since=np.zeros(n, np.int64),
            queued=np.zeros(n, np.int64),
            memory=np.zeros((n, MEMORY_LENGTHS, 2)),
            band=np.full(n, NO_BAND, np.uint8),
            left_band=np.full(n, NO_BAND, np.uint8),
            band_since=np.zeros(n, np.int64),
            recent=np.zeros((n, RECENT), np.uint64),
            moves=np.zeros((n, MOVES), MOVE),
            target_bands=np.full(n, b"", np.object_),
            own=np.full(n, b"", np.object_),
        )

    def encode(self, records: Records) -> list[bytes]:
        """Return the bytes of each record."""
        n = len(records)
        wire = np.zeros(n, self.core)
        wire["version"] = VERSION
        times = np.stack([getattr(records, name) for name in _TIME_NAMES], axis=1)
        # A time that never was has 65535 milliseconds, which no time has.
        never = times == NEVER
        wire["seconds"] = np.where(never, 0, times // 1000)
        wire["millis"] = np.where(never, _NO_MILLIS, times % 1000)
        for name in _PLAIN_NAMES:
            wire[name] = getattr(records, name)
        wire["memory"] = np.clip(records.memory, -_LARGEST, _LARGEST)
        has_sum = records.sums != 0
        wire["has_sum"] = has_sum @ (1 << np.arange(self.sums))
        bands: list[bytes] = records.target_bands.tolist()
        own: list[bytes] = records.own.tolist()
        wire["target_bands"], wire["own"] = list(map(len, bands)), list(map(len, own))
        recent = np.ascontiguousarray(records.recent.astype("<u8")).view(np.uint8).reshape(n, RECENT, 8)
        cores, size = wire.tobytes(), wire.itemsize
        ids, moves = recent[:, :, :_ID_BYTES].tobytes(), records.moves.tobytes()
        sums, ends = records.sums[has_sum].astype("<f8").tobytes(), (has_sum.sum(axis=1).cumsum() * 8).tolist()
        starts = [0, *ends[:-1]]
        id_bytes = (np.minimum(records.events, RECENT) * _ID_BYTES).tolist()
        move_bytes = (np.count_nonzero(records.moves["time"], axis=1) * MOVE.itemsize).tolist()
        return [
            cores[row * size : (row + 1) * size]
            + sums[starts[row] : ends[row]]
            + ids[row * _IDS : row * _IDS + id_bytes[row]]
            + moves[row * _MOVES : row * _MOVES + move_bytes[row]]
            + bands[row]
            + own[row]
            for row in range(n)
        ]

    def decode(self, raw: Sequence[bytes | None]) -> Records:
        """Return the records of some bytes; ``None`` is a customer not known yet.

        Raises
        ------
        StateCorrupt, StateTooNew
            If some bytes are not a record of this layout.
        """
        records = self.blank(len(raw))
        values = [value for value in raw if value is not None]
        if not values:
            return records
        known: slice | NDArray[np.int64] = slice(None)
        if len(values) < len(raw):
            known = np.array([row for row, value in enumerate(raw) if value is not None], np.int64)
        n, size, lengths = len(values), self.core.itemsize, np.array(list(map(len, values)), np.int64)
        cores = b"".join([value[:size] for value in values])
        if lengths.min() < size or cores[::size] != _VERSION_BYTE * n:
            raise _unreadable(values, size)
        wire = np.frombuffer(cores, self.core)
        times = wire["seconds"].astype(np.int64) * 1000 + wire["millis"]
        times[wire["millis"] == _NO_MILLIS] = NEVER
        for column, name in enumerate(_TIME_NAMES):
            getattr(records, name)[known] = times[:, column]
        if not np.isfinite(wire["memory"]).all():
            raise StateCorrupt("a customer record remembers orders or spend that are no numbers")
        for name in (*_PLAIN_NAMES, "memory"):
            getattr(records, name)[known] = wire[name]
        if (wire["target_bands"] % TARGET_BAND.itemsize).any():
            raise StateCorrupt("a customer record has bands of targets that cannot be read")
        has_sum = (wire["has_sum"][:, np.newaxis] >> np.arange(self.sums)) & 1 == 1
        firsts = has_sum.sum(axis=1) * 8 + size
        ends = np.minimum(wire["events"], RECENT) * _ID_BYTES + firsts
        heads = lengths - wire["own"]
        tails = heads - wire["target_bands"]
        bad = (tails < ends) | (tails - ends > _MOVES) | ((tails - ends) % MOVE.itemsize > 0)
        if bad.any():
            raise StateCorrupt(f"a customer record of {lengths[bad.argmax()]} bytes cannot be read")
        cuts = list(zip(values, firsts.tolist(), ends.tolist(), tails.tolist(), heads.tolist(), strict=True))
        sums = np.zeros(has_sum.shape)
        sums[has_sum] = np.frombuffer(b"".join([value[size:first] for value, first, _, _, _ in cuts]), "<f8")
        records.sums[known] = sums
        padded = b"".join([value[first:end].ljust(_IDS, b"\0") for value, first, end, _, _ in cuts])
        ids = np.frombuffer(padded, np.uint8)
        recent = np.zeros((n, RECENT, 8), np.uint8)
        recent[:, :, :_ID_BYTES] = ids.reshape(n, RECENT, _ID_BYTES)
        records.recent[known] = recent.reshape(n, RECENT * 8).view("<u8")
        moves = b"".join([value[end:tail].ljust(_MOVES, b"\0") for value, _, end, tail, _ in cuts])
        records.moves[known] = np.frombuffer(moves, MOVE).reshape(n, MOVES)
        bands, own = np.empty(n, np.object_), np.empty(n, np.object_)
        bands[:] = [value[tail:head] for value, _, _, tail, head in cuts]
        own[:] = [value[head:] for value, _, _, _, head in cuts]
        records.target_bands[known], records.own[known] = bands, own
        return records


def _unreadable(values: Sequence[bytes], size: int) -> StateCorrupt | StateTooNew:
    """Return what the first record says that has another version, or is too short for one of this layout."""
    value = next(value for value in values if value[:1] != _VERSION_BYTE or len(value) < size)
    if value[:1] > _VERSION_BYTE:
        return StateTooNew("a customer record was written by a newer version of crm-online")
    return StateCorrupt(f"a customer record of {len(value)} bytes cannot be read")
