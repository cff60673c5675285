"""Makes snapshots: what has changed is read again, and the costly parts no oftener than they may.

Two parts are costly: the segments with their sampled customers, and the rules, which need all counters. Each uses at
most a tenth of one core (`pacing`): a part that needs t processor seconds to make is at most 9 t older than the rest,
also after a store that hung while it was made. A demo's year of a shop has its segments made in 0.15 s and its rules
in 0.1 s, so they are up to 1.4 s and 0.9 s old, and whatever `serve.refresh` adds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from crm_online.answers.service import Status
from crm_online.engine.state import PartitionState
from crm_online.events.times import to_short_iso
from crm_online.live.snapshots.document import Document
from crm_online.live.snapshots.pacing import Pace
from crm_online.live.snapshots.pictures import Drawn, draw
from crm_online.live.snapshots.progress import PartitionProgress, Rate, status
from crm_online.live.snapshots.rulebook import RuleBook
from crm_online.live.snapshots.snapshot import Snapshot
from crm_online.lookup import Lookup, segment_labels
from crm_online.lookup.shop_history import ShopHistory
from crm_online.store import Store, reads
from crm_online.store.keys import COMMITS, ENDS, META, POSITIONS, TOKEN
from crm_online.store.meta import StateMeta
from crm_online.traits.tastes import bought_more

Derive = Callable[[Lookup], object]
"""Makes `Snapshot.derived` of the baskets, whenever they are read again; it runs in the thread that makes snapshots."""


@dataclass(frozen=True, slots=True)
class _Version:
    """Changes with each commit, and with the state."""

    meta: StateMeta
    partitions: tuple[tuple[bytes | None, ...], ...]
    labels: tuple[tuple[bytes, bytes], ...]

    def follows(self, before: _Version) -> bool:
        """Whether it is the same state, gone on; not another one, or one put back in time."""
        if self.meta != before.meta:
            return False
        pairs = zip(self.partitions, before.partitions, strict=True)
        return all(int(now[1] or 0) >= int(then[1] or 0) for now, then in pairs)


@dataclass(frozen=True, slots=True)
class _Segments:
    """The part that is made of the segments and their sampled customers."""

    version: _Version
    value: Mapping[str, Any]
    document: Document
    each: Mapping[str, Document]
    drawn: Drawn
    picture: Document
    history: ShopHistory
    tastes: Mapping[str, frozenset[str]]
    predictions: Document


@dataclass(frozen=True, slots=True)
class _Rules:
    """The part that is made of the baskets."""

    version: _Version
    book: RuleBook
    of_segments: Mapping[str, RuleBook]
    derived: object


class SnapshotMaker:
    """Makes one snapshot after the other; for one thread.

    Parameters
    ----------
    store
        The state.
    derive
        Makes what else is to be in snapshots.

    Attributes
    ----------
    asked_at
        When the store was asked for its version, by a clock that only goes up; ``None`` once it has answered.
    """

    def __init__(self, store: Store, derive: Derive | None = None) -> None:
        self._store, self._derive = store, derive
        self.asked_at: float | None = None
        self.forget()

    def forget(self) -> None:
        """Forget all: the state is gone, or another one."""
        self._version: _Version | None = None
        self._progress: list[PartitionProgress] = []
        self._min_customers = 0
        self._segments: _Segments | None = None
        self._rules: _Rules | None = None
        self._snapshot: Snapshot | None = None
        self._rate = Rate()
        self._sizes = Document.of({"points": []})
        self._paces = Pace(), Pace()

    def make(self) -> Snapshot:
        """Return a snapshot of the current state; the same one if nothing has changed.

        Raises
        ------
        StoreError
            If there is no state (``StateMissing``), or it cannot be read.
        """
        self.asked_at = time.monotonic()
        try:
            version = self._read_version()
        finally:
            self.asked_at = None
        if self._version is not None and not version.follows(self._version):
            self.forget()
        lookup = cache(lambda: Lookup(self._store))  # most readings find the same version, and need none
        if version != self._version:
            self._progress = self._progress_of(lookup().states)
            self._min_customers = lookup().settings.segments.min_customers
        self._version = version
        status_ = self._status(version.meta.feed)
        segments, rules = self._segments_of(lookup, version), self._rules_of(lookup, version)
        last = self._snapshot
        if last is not None and last.segments_document is segments.document and last.rules is rules.book:
            self._snapshot = last if last.status == status_ else replace(last, status=status_)
        else:
            self._snapshot = Snapshot(
                segments_document=segments.document,
                segment_documents=segments.each,
                history=segments.history,
                picture=segments.picture,
                sizes=self._sizes,
                predictions=segments.predictions,
                rules=rules.book,
                segment_rules=rules.of_segments,
                derived=rules.derived,
                status=status_,
            )
        return self._snapshot

    def _read_version(self) -> _Version:
        meta = self._store.meta()
        fields = [reads.hash_fields(number, META, (TOKEN, COMMITS)) for number in range(meta.partitions)]
        labels = reads.hash_whole(0, segment_labels.NAME)
        partitions, (given,) = self._store.read_many(fields), self._store.read_many([labels])
        return _Version(meta, tuple(map(tuple, partitions)), tuple(sorted(given.items())))

    def _progress_of(self, states: Sequence[PartitionState]) -> list[PartitionProgress]:
        names = [(number, name) for number in range(len(states)) for name in (POSITIONS, ENDS)]
        found = self._store.read_many([reads.numbers(number, name) for number, name in names])
        return [
            PartitionProgress(state, at, end) for state, at, end in zip(states, found[::2], found[1::2], strict=True)
        ]

    def _status(self, feed: str) -> Status:
        self._rate.observe(sum(one.state.accepted for one in self._progress))
        return status(feed, self._progress, self._rate.per_second, self._min_customers)

    def _segments_of(self, lookup: Callable[[], Lookup], version: _Version) -> _Segments:
        before, pace = self._segments, self._paces[0]
        if before is not None and (before.version == version or not pace.due):
            return before
        with pace:
            found = lookup()
            if before is not None and before.value["complete"] and found.segmented and not found.segmented.complete:
                # Some customers have moved to another model, and some not: neither is whole.
                self._segments = replace(before, version=version)
                return self._segments
            self._segments = made = _made(found, version, before)
            self._sizes = Document.of({"points": found.size_history()})
        if self._rules is not None:
            own = {segment: book.with_tastes(made.tastes) for segment, book in self._rules.of_segments.items()}
            self._rules = replace(self._rules, book=self._rules.book.with_tastes(made.tastes), of_segments=own)
        return made

    def _rules_of(self, lookup: Callable[[], Lookup], version: _Version) -> _Rules:
        before, pace = self._rules, self._paces[1]
        if before is not None and (before.version == version or not pace.due):
            return before
        with pace:
            found = lookup()
            rules, as_of = found.rules(), to_short_iso(found.itemsets().as_of)
            tastes = self._segments.tastes if self._segments else {}
            book = RuleBook(rules, as_of, tastes, None if rules else found.rules_lacking())
            ids = found.segmented.model.ids if found.segmented else ()
            own = {segment: RuleBook(found.rules(segment=segment), as_of, tastes) for segment in ids}
            self._rules = _Rules(version, book, own, self._derive(found) if self._derive else None)
        return self._rules


def _made(lookup: Lookup, version: _Version, before: _Segments | None) -> _Segments:
    value, found = lookup.segments(), lookup.segmented
    as_of = lookup.watermark
    segments: Any = value["segments"]
    drawn = draw(found, to_short_iso(as_of), before.drawn.axes if before else None)
    liked = bought_more(found.sample.bought, found.sample.nearest, found.model.k) if found else []
    return _Segments(
        version=version,
        value=value,
        document=Document.of(value),
        each={one["id"]: Document.of(one) for one in segments},
        drawn=drawn,
        picture=Document.of(drawn.value),
        history=lookup.history(),
        tastes=dict(zip(found.model.ids, liked, strict=True)) if found else {},
        predictions=Document.of(lookup.predictions()),
    )
