"""The due queue: idle customers wait, in coarse buckets of event time, to be scored again.

A customer who stops buying must move to a lapsing segment though nothing arrives. Who has been idle
for a time ``i`` is scored again after ``min(i / 2, a quarter of the half-life)``, rounded down to the beginning of a
bucket: a visit is early by less than a bucket, and late only by what a step spans.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crm_online.step import Append, Drop, Shorten, Write

_BUCKETS_PER_HALF_LIFE = 90
_SHORTEST_BUCKET = 1000  # customers are scored at whole seconds, and a record has 32 bits for a bucket's number
_PLAIN_BUCKET = 86_400_000
_PLAIN_LONGEST = 30 * _PLAIN_BUCKET


def bucket_name(bucket: int) -> str:
    """Return the name of a bucket's key."""
    return f"due:{bucket}"


@dataclass(slots=True)
class DueQueue:
    """The due queue of one partition: how many wait in each bucket. The ids are in the store.

    Parameters
    ----------
    half_life
        The features' half-life in ms, or ``None``.
    waiting
        Number of entries by bucket. A customer may have stale entries; the record's ``queued``
        names the bucket that counts.
    """

    half_life: int | None
    waiting: dict[int, int] = field(default_factory=dict)

    @property
    def bucket_ms(self) -> int:
        """Length of a bucket in ms: a day at a half-life of 90 days."""
        if self.half_life is None:
            return _PLAIN_BUCKET
        return max(self.half_life // _BUCKETS_PER_HALF_LIFE, _SHORTEST_BUCKET)

    def plan(self, watermark: int, most: int) -> list[tuple[int, int]]:
        """Return which entries are due: pairs of bucket and number of entries, ``most`` in all."""
        now, planned = watermark // self.bucket_ms, []
        for bucket in sorted(bucket for bucket in self.waiting if bucket <= now):
            count = min(self.waiting[bucket], most)
            if not count:
                break
            planned.append((bucket, count))
            most -= count
        return planned

    def remove(self, planned: list[tuple[int, int]]) -> Iterator[Write]:
        """Remove planned entries from their buckets."""
        for bucket, count in planned:
            left = self.waiting[bucket] - count
            if left:
                self.waiting[bucket] = left
                yield Shorten(bucket_name(bucket), count)
            else:
                del self.waiting[bucket]
                yield Drop(bucket_name(bucket))

    def next_visit(self, last_event: NDArray[np.int64], now: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the bucket in which each customer waits who was last scored at ``now`` (times in ms).

        The customer is due when the bucket begins. It is never the bucket of ``now``.
        """
        longest = self.half_life // 4 if self.half_life else _PLAIN_LONGEST
        wait = np.clip((now - last_event) // 2, 0, longest)
        bucket: NDArray[np.int64] = np.maximum((now + wait) // self.bucket_ms, now // self.bucket_ms + 1)
        return bucket

    def put(self, buckets: NDArray[np.int64], ids: list[str]) -> Iterator[Write]:
        """Let customers wait in buckets; parallel, in a fixed order."""
        if not ids:
            return
        order = np.argsort(buckets, kind="stable")
        in_order, names = buckets[order], [ids[index].encode() for index in order.tolist()]
        begins = np.flatnonzero(np.diff(in_order, prepend=-1)).tolist()
        for begin, end in zip(begins, [*begins[1:], len(names)], strict=True):
            bucket = int(in_order[begin])
            self.waiting[bucket] = self.waiting.get(bucket, 0) + end - begin
            yield Append(bucket_name(bucket), names[begin:end])
