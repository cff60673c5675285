"""Verification: every derived figure recomputed from the customer records, and a digest of the state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np

from crm_online.customers.due import bucket_name
from crm_online.engine import basket_journal, example_store
from crm_online.engine.engine import ROSTER
from crm_online.engine.example_store import decode_block
from crm_online.engine.mining import empty_counters
from crm_online.engine.state import PartitionState
from crm_online.lookup.partition import PartitionView
from crm_online.predictions.examples import LabelledExamples
from crm_online.segments.buying import KINDS, cells
from crm_online.segments.sample import Sample
from crm_online.segments.sums import ABSENT, SegmentSums
from crm_online.store.log_gaps import NAME as GAPS
from crm_online.store.log_gaps import LogGap

_MOST_DIFFERENCES = 100


class _Digest:
    """A hash over named parts, each with its length, so that no two states look alike."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)

    def add(self, name: str, parts: Iterable[bytes]) -> None:
        self._hash.update(f"\x00{name}\x00".encode())
        for part in parts:
            self._hash.update(len(part).to_bytes(8, "little"))
            self._hash.update(part)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def verify(views: Sequence[PartitionView]) -> dict[str, object]:
    """Recompute what is derived, compare it with what is stored, and digest the state.

    Compared are, partition by partition: the number of customers, the roster, the sample, each
    customer's vector (from its sums, at the time of scoring) and segments, and W, S, Q, from which
    centroids, variances and J follow.

    Returns
    -------
    dict
        ``{ok, customers, events, digest, differences, gaps}``: gaps are parts of a Kafka log that were left out as
        ``kafka.on_gap`` allows, see :mod:`crm_online.store.log_gaps`; they are no difference.
    """
    digest, differences = _Digest(), list[str]()
    customers = events = 0
    for number, view in enumerate(views):
        count, accepted = _partition(number, view, digest, differences)
        customers += count
        events += accepted
    return {
        "ok": not differences,
        "customers": customers,
        "events": events,
        "digest": digest.hexdigest(),
        "differences": differences[:_MOST_DIFFERENCES],
        "gaps": [
            {"partition": number, **LogGap.decode(raw)._asdict()}
            for number, view in enumerate(views)
            for raw in view.store.list_range(GAPS, 0, -1)
        ],
    }


def _partition(number: int, view: PartitionView, digest: _Digest, differences: list[str]) -> tuple[int, int]:
    def differ(what: str) -> None:
        differences.append(f"partition {number}: {what}")

    model, state = view.model, view.state
    sums = SegmentSums.empty(model.k, len(model.scale.names)) if model else None
    buying = SegmentSums.empty(model.k * KINDS, len(model.scale.names)) if model else None
    raw_of: dict[str, bytes] = {}
    for ids, raw, records in view.batches():
        raw_of.update(zip(ids, raw, strict=True))
        if model is None or sums is None or buying is None:
            continue
        current = records.scored_by(model.version)
        vectors = model.scale.encode(view.reader.read(records, records.scored_at * 1000))
        wrong = current & (vectors != records.vectors).any(axis=1)
        wrong |= current & ((records.nearest >= model.k) | (records.reported >= model.k))
        for row in np.flatnonzero(wrong)[:_MOST_DIFFERENCES].tolist():
            differ(f"customer {ids[row]!r} does not have the vector or the segment that follows from the record")
        if state.migration_complete and not current.all():
            differ(f"{int((~current).sum())} customers have not moved to model version {model.version}")
        labels = np.where(current & (records.nearest < model.k), records.nearest.astype(np.int64), ABSENT)
        sums = sums.move(None, None, records.vectors, labels)
        buying = buying.move(None, None, records.vectors, cells(labels, records.purchases))
    if len(raw_of) != state.customers:
        differ(f"{len(raw_of)} customers, stored is {state.customers}")
    stored = view.sums.sums if view.sums else None
    if sums is not None and (stored is None or sums != stored):
        differ(_sums_differ(sums, stored))
    if buying is not None and buying != (view.sums.buying if view.sums else None):
        differ("the sums by how often customers have bought do not follow from the records")
    roster = view.store.list_range(ROSTER, 0, -1)
    named = sorted(name.decode() for name in roster if name)
    if named != sorted(raw_of):
        differ("the roster does not list the customers, each once")
    sample = Sample(view.settings.segments.sample, view.loaded.sampling_key)
    list(sample.offer(sorted(raw_of)))
    if {name for name, _ in view.loaded.sample} != {name.encode() for name in sample.hashes}:
        differ("the sample is not the customers with the smallest hashes")
    sayings, bought = view.traits()
    if not sayings.keys() | bought.keys() <= {name for name, _ in view.loaded.sample}:
        differ("traits are kept of customers who are not in the sample")

    loaded, labelled = view.loaded, view.store.list_range(example_store.LABELLED, 0, -1)
    waiting = [LabelledExamples.decode(raw) for _, raw in loaded.pending]
    if not {name for block in waiting for name in block.customers} <= raw_of.keys():
        differ("examples are kept of customers who are not there")
    if [len(decode_block(raw)[1]) for raw in labelled] != state.predictions.sizes:
        differ("the labelled examples are not as many as the small state says")
    digest.add("customers", (part for name in sorted(raw_of) for part in (name.encode(), raw_of[name])))
    digest.add("engine", [_without_journal(state)])
    digest.add("model", [loaded.model or b"", loaded.sums or b""])
    for name, pairs in (
        ("open-baskets", loaded.open_baskets),
        ("counted-baskets", loaded.counted_baskets),
        ("sampled-orders", loaded.sampled_orders),
        ("transitions", loaded.transitions),
        ("last-orders", loaded.last_orders),
        ("catalogue", loaded.catalogue),
        ("sample", loaded.sample),
        ("said", sayings.items()),
        ("bought", bought.items()),
        ("rules", loaded.rules),
        ("segments", loaded.segments),
        (example_store.PENDING, loaded.pending),
        ("daily", loaded.daily),
        ("drift", loaded.drift),
    ):
        digest.add(name, (part for pair in sorted(pairs) for part in pair))
    digest.add("sizes", loaded.sizes)
    digest.add("names", loaded.names)
    digest.add("rule-learning", [loaded.rule_learning or b""])
    # Their names depend on the state's salt, and what an erasure does not on its date.
    digest.add("suppressed", [b"%d" % len(loaded.suppressed)])
    digest.add(example_store.LABELLED, labelled)
    digest.add("predictor", [loaded.predictor or b""])
    digest.add("observed", [loaded.observed or b""])
    digest.add("drifts", loaded.drifts)
    digest.add("items", loaded.items)
    counters = basket_journal.restored_counters(empty_counters(view.settings), loaded.counters, loaded.journal)
    digest.add("counters", counters.dump())
    digest.add("roster", roster)
    for bucket in sorted(state.due_counts):
        digest.add(bucket_name(bucket), view.store.list_range(bucket_name(bucket), 0, -1))
    return len(raw_of), state.accepted


def _sums_differ(sums: SegmentSums, stored: SegmentSums | None) -> str:
    if stored is None or stored.S.shape != sums.S.shape:
        return "the sums of the segments are not there, or not of this model"
    wrong = [name for name in ("W", "S", "Q") if (getattr(sums, name) != getattr(stored, name)).any()]
    return f"{', '.join(wrong)} differ: J is {sums.inertia():.9g} by the records and {stored.inertia():.9g} as stored"


def _without_journal(state: PartitionState) -> bytes:
    """Return the small state without how the counters happen to be stored."""
    return state.model_copy(update={"journal_baskets": 0, "journal_bytes": 0}).encode()
