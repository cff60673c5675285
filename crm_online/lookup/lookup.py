"""Look-ups of segments, rules and customers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from crm_online.customers.records import NO_SEGMENT
from crm_online.engine import rules as rule_feed
from crm_online.engine.changes import Reason, digits, iso
from crm_online.engine.owner import described
from crm_online.engine.peers import PartitionSums, added
from crm_online.errors import UnknownCustomer
from crm_online.itemsets.parts import FrequentItemsets, merge
from crm_online.lookup import export
from crm_online.lookup.partition import PartitionView
from crm_online.lookup.sampled import Sampled, sampled
from crm_online.lookup.verify import verify
from crm_online.rules.frame import COLUMNS
from crm_online.segments.hierarchy import join
from crm_online.segments.kmeans import distances
from crm_online.segments.model import Model
from crm_online.segments.sums import SegmentSums
from crm_online.settings import Settings
from crm_online.settings.nesting import nested
from crm_online.store import Store, open_store


@contextmanager
def open_lookup(state: str) -> Iterator[Lookup]:
    """Open a state for look-ups.

    Parameters
    ----------
    state
        A folder, or the URL of a Redis.

    Raises
    ------
    StoreError
        If it cannot be opened, or nothing was replayed into it yet (``StateMissing``).
    """
    with open_store(state, create=False) as store:
        yield Lookup(store)


class Lookup:
    """The state, read at one time.

    Parameters
    ----------
    store
        The store.

    Raises
    ------
    StateMissing
        If nothing was replayed into it yet.
    """

    def __init__(self, store: Store) -> None:
        meta = store.meta()
        self.settings = Settings(**nested(json.loads(meta.settings)))
        self._views = [PartitionView(store.partition(number), self.settings) for number in range(meta.partitions)]

    @property
    def watermark(self) -> int:
        """The largest event time of all partitions, in ms; 0 before the first event."""
        return max((view.state.watermark or 0 for view in self._views), default=0)

    def segments(self, as_of: int | None = None) -> dict[str, object]:
        """Return the segments, as in ``crm-online segments --json``."""
        names = list(self.settings.features.use)
        model, sums, complete = self._model()
        value: dict[str, object] = {
            "model_version": model.version if model else 0,
            "complete": complete,
            "k": model.k if model else 0,
            "J": sums.inertia() if sums else None,
            "customers": sum(view.state.customers for view in self._views),
            "as_of": iso(self.watermark if as_of is None else as_of),
            "features": names,
            "scale": dict(zip(names, model.scale.stds, strict=True)) if model else {},
            "segments": [],
            "hierarchy": {"linkage": [], "leaves": []},
        }
        if model is None or sums is None:
            return value
        centroids = model.current(sums.centroids()) if complete else model.centres()
        everybody = sums.everybody() if int(sums.W.sum()) else centroids.mean(axis=0)
        features = self._views[0].reader.features
        told = described(model, sums.W, centroids, everybody, features)
        traits = self._sampled(model).by_segment(model.k)
        value["segments"] = [
            {**segment, "description": {**segment["description"], "traits": one}}
            for segment, one in zip(told, traits, strict=True)
        ]
        value["hierarchy"] = join(model.ids, centroids, sums.W)
        return value

    def rules(
        self, as_of: int | None = None, *, top: int | None = None, sort: str = "rank", item: str | None = None
    ) -> list[dict[str, object]]:
        """Return the rules in force, as in ``crm-online rules --json``.

        Parameters
        ----------
        as_of
            Time in ms at which the counts are read; the watermark by default.
        top
            How many at most.
        sort
            ``lift``, ``confidence``, ``support`` or ``rank``.
        item
            Only rules with this item.
        """
        told = [pair for view in self._views for pair in view.loaded.rules]
        return rule_feed.listed(self.itemsets(as_of), self.settings, told, sort=sort, item=item)[:top]

    def itemsets(self, as_of: int | None = None) -> FrequentItemsets:
        """Return the frequent itemsets over all partitions, with their bounds."""
        parts = [view.counted() for view in self._views]
        return merge(parts, self.watermark if as_of is None else as_of, self.settings.itemsets.min_support)

    def customer(self, name: str, as_of: int | None = None) -> dict[str, object]:
        """Return one customer, as in ``crm-online customer --json``.

        Raises
        ------
        UnknownCustomer
            If no partition has the customer.
        """
        found = [(view, record) for view in self._views if (record := view.customer(name)) is not None]
        if not found:
            raise UnknownCustomer(f"no customer {name!r} in the state")
        view, record = found[0]
        features = view.reader.features
        raw = view.reader.read(record, self.watermark if as_of is None else as_of)[0]
        reported = view.segment_ids(record, record.reported)[0]
        value: dict[str, object] = {
            "customer_id": name,
            "segment": reported,
            "since": iso(int(record.since[0]) * 1000) if record.reported[0] != NO_SEGMENT else None,
            "features": dict(zip(features, map(digits, raw.tolist()), strict=True)),
            "distances": {},
            "history": [_move(*move) for move in record.moves[0].tolist() if move[0]],
            "events": int(record.events[0]),
            "last_event": iso(int(record.last_event[0])),
        }
        model, total, complete = self._model()
        if model and total and record.scored_by(model.version)[0]:
            centroids = model.current(total.centroids()) if complete else model.centres()
            away = distances(record.vectors, centroids)[0]
            value["distances"] = dict(zip(model.ids, map(digits, away.tolist()), strict=True))
        if len(found) > 1:
            value["also_in_partitions"] = [self._views.index(view) for view, _ in found[1:]]
        return value

    def verify(self) -> dict[str, object]:
        """Recompute every derived figure, see :func:`crm_online.lookup.verify.verify`."""
        return verify(self._views)

    def export(self, folder: Path, as_of: int | None = None) -> dict[str, int]:
        """Write customers, segments, rules and itemsets as Parquet; return the rows of each file."""
        when = self.watermark if as_of is None else as_of
        frames = {
            "customers": self.customers_frame(when),
            "segments": self.segments_frame(when),
            "rules": self.rules_frame(when),
            "itemsets": export.itemsets_frame(self.itemsets(when)),
        }
        return export.write(folder, frames)

    def customers_frame(self, as_of: int | None = None) -> pd.DataFrame:
        """Return all customers, see :func:`crm_online.lookup.export.customers_frame`."""
        return export.customers_frame(self._views, self.watermark if as_of is None else as_of)

    def segments_frame(self, as_of: int | None = None) -> pd.DataFrame:
        """Return the segments, one row each; centroids in natural units, feature by feature."""
        values: Any = self.segments(as_of)["segments"]
        rows = pd.DataFrame(values, columns=["id", "name", "size", "description", "centroid"])
        rows["description"] = [value["description"]["text"] for value in values]
        centroids = pd.DataFrame([value["centroid"] for value in values], index=rows.index).add_prefix("centroid.")
        return pd.concat([rows.drop(columns="centroid"), centroids], axis=1)

    def rules_frame(self, as_of: int | None = None, *, sort: str = "lift") -> pd.DataFrame:
        """Return the rules in force, sorted by lift as in the article, or by another measure."""
        return pd.DataFrame(self.rules(as_of, sort=sort), columns=["change_id", "change", *COLUMNS])

    def _sampled(self, model: Model) -> Sampled:
        return sampled(self._views, model, self.settings.segments.sample)

    def _model(self) -> tuple[Model | None, SegmentSums | None, bool]:
        model = self._views[0].model
        if model is None:
            return None, None, False
        parts: list[PartitionSums] = [view.sums for view in self._views if view.sums]
        total, complete = added(parts, model.version)
        return model, total, complete


def _move(seconds: int, left: int, entered: int, reason: int) -> dict[str, object]:
    return {
        "time": iso(seconds * 1000),
        "from": f"s{left}" if left else None,
        "to": f"s{entered}" if entered else None,
        "reason": Reason(reason).word,
    }
