"""Makes snapshots: what has changed is read again, and the costly parts no oftener than they may.

Two parts are costly: the segments with their sampled customers, and the rules, which need all counters. Each takes at
most a tenth of one core (`pacing`): a part that takes t seconds to make is at most 9 t older than the rest. A demo's
year of a shop has its segments made in 0.15 s and its rules in 0.1 s, so they are up to 1.4 s and 0.9 s old, and
whatever `serve.refresh` adds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from crm_online.answers.service import Status
from crm_online.engine.changes import iso
from crm_online.engine.state import PartitionState
from crm_online.live.snapshots.document import Document
from crm_online.live.snapshots.pacing import Pace
from crm_online.live.snapshots.pictures import Drawn, draw
from crm_online.live.snapshots.rulebook import RuleBook
from crm_online.live.snapshots.size_history import SizeHistory
from crm_online.live.snapshots.snapshot import Snapshot
from crm_online.live.snapshots.standing import Rate, Standing, status
from crm_online.lookup import Lookup
from crm_online.store import Store, reads
from crm_online.store.keys import COMMITS, ENDS, EPOCH, META, POSITIONS, TOKEN
from crm_online.store.meta import StateMeta
from crm_online.traits.tastes import bought_more

Derive = Callable[[Lookup], object]
"""Makes something else of the baskets, whenever they are read again; it runs in the thread that makes snapshots."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """What no commit, and no other state, leaves as it is."""

    meta: StateMeta
    partitions: tuple[tuple[bytes | None, ...], ...]

    def follows(self, before: _Mark) -> bool:
        """Whether it is the same state, gone on; not another one, or one put back in time."""
        if self.meta != before.meta:
            return False
        pairs = zip(self.partitions, before.partitions, strict=True)
        return all(int(now[1] or 0) >= int(then[1] or 0) for now, then in pairs)


@dataclass(frozen=True, slots=True)
class _Segments:
    """The part that is made of the segments and their sampled customers."""

    mark: _Mark
    as_of: int
    value: Mapping[str, Any]
    whole: Document
    each: Mapping[str, Document]
    names: Mapping[str, str]
    drawn: Drawn
    picture: Document
    tastes: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Rules:
    """The part that is made of the baskets."""

    mark: _Mark
    book: RuleBook
    derived: object


class Maker:
    """Makes one snapshot after the other; for one thread.

    Parameters
    ----------
    store
        The state.
    derive
        Makes what else is to be in snapshots.
    """

    def __init__(self, store: Store, derive: Derive | None = None) -> None:
        self._store, self._derive = store, derive
        self.forget()

    def forget(self) -> None:
        """Forget all: the state is gone, or another one."""
        self._mark: _Mark | None = None
        self._standings: list[Standing] = []
        self._min_customers = 0
        self._segments: _Segments | None = None
        self._rules: _Rules | None = None
        self._snapshot: Snapshot | None = None
        self._history, self._rate = SizeHistory(), Rate()
        self._sizes = Document.of({"points": []})
        self._paces = Pace(), Pace()

    def make(self) -> Snapshot:
        """Return the state as it stands; the same snapshot if nothing has changed.

        Raises
        ------
        StoreError
            If there is no state (``StateMissing``), or it cannot be read.
        """
        mark = self._look()
        if self._mark is not None and not mark.follows(self._mark):
            self.forget()
        lookup = cache(lambda: Lookup(self._store))  # most looks find nothing new, and need none
        if mark != self._mark:
            self._standings = self._stand(lookup().states)
            self._min_customers = lookup().settings.segments.min_customers
        self._mark = mark
        standing = self._status(mark.meta.feed)
        segments, rules = self._segments_of(lookup, mark), self._rules_of(lookup, mark)
        last = self._snapshot
        if last is not None and last.segments_document is segments.whole and last.rules is rules.book:
            self._snapshot = last if last.status == standing else replace(last, status=standing)
        else:
            self._snapshot = Snapshot(
                segments_document=segments.whole,
                segment_documents=segments.each,
                segment_names=segments.names,
                picture=segments.picture,
                sizes=self._sizes,
                rules=rules.book,
                derived=rules.derived,
                status=standing,
            )
        return self._snapshot

    def _look(self) -> _Mark:
        meta = self._store.meta()
        wanted = [reads.hash_fields(number, META, (TOKEN, COMMITS, EPOCH)) for number in range(meta.partitions)]
        return _Mark(meta, tuple(map(tuple, self._store.read_many(wanted))))

    def _stand(self, states: Sequence[PartitionState]) -> list[Standing]:
        names = [(number, name) for number in range(len(states)) for name in (POSITIONS, ENDS)]
        found = self._store.read_many([reads.numbers(number, name) for number, name in names])
        return [Standing(state, at, end) for state, at, end in zip(states, found[::2], found[1::2], strict=True)]

    def _status(self, feed: str) -> Status:
        self._rate.see(sum(standing.state.accepted for standing in self._standings))
        return status(feed, self._standings, self._rate.per_second, self._min_customers)

    def _segments_of(self, lookup: Callable[[], Lookup], mark: _Mark) -> _Segments:
        before, pace = self._segments, self._paces[0]
        if before is not None and (before.mark == mark or not pace.due):
            return before
        with pace:
            self._segments = made = _made(lookup(), mark, before)
            if made.value["segments"]:
                self._history.add(made.as_of, {one["id"]: one["size"] for one in made.value["segments"]})
                self._sizes = Document.of({"points": self._history.points})
        if self._rules is not None:
            self._rules = replace(self._rules, book=self._rules.book.with_tastes(made.tastes))
        return made

    def _rules_of(self, lookup: Callable[[], Lookup], mark: _Mark) -> _Rules:
        before, pace = self._rules, self._paces[1]
        if before is not None and (before.mark == mark or not pace.due):
            return before
        with pace:
            whole = lookup()
            book = RuleBook(whole.rules(), iso(whole.itemsets().as_of), self._segments.tastes if self._segments else {})
            self._rules = _Rules(mark, book, self._derive(whole) if self._derive else None)
        return self._rules


def _made(lookup: Lookup, mark: _Mark, before: _Segments | None) -> _Segments:
    value, found = lookup.segments(), lookup.segmented
    as_of = lookup.watermark
    segments: Any = value["segments"]
    drawn = draw(found, iso(as_of), before.drawn.axes if before else None)
    liked = bought_more(found.sample.bought, found.sample.nearest, found.model.k) if found else []
    return _Segments(
        mark=mark,
        as_of=as_of,
        value=value,
        whole=Document.of(value),
        each={one["id"]: Document.of(one) for one in segments},
        names={one["id"]: one["name"] for one in segments},
        drawn=drawn,
        picture=Document.of(drawn.value),
        tastes=dict(zip(found.model.ids, liked, strict=True)) if found else {},
    )
