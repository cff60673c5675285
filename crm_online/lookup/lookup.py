"""Look-ups of segments, rules and customers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crm_online.engine import daily, size_history
from crm_online.engine.daily import DailyFigures
from crm_online.engine.owner import NAMES
from crm_online.engine.size_history import decode
from crm_online.engine.state import PartitionState
from crm_online.errors import InputError, StateMissing
from crm_online.events import times
from crm_online.events.times import to_short_iso
from crm_online.hint import hint
from crm_online.itemsets.parts import FrequentItemsets
from crm_online.lookup import export, frames
from crm_online.lookup.at_risk import NOBODY, sampled_predictions
from crm_online.lookup.customer_json import customer_values
from crm_online.lookup.customer_reader import CustomerReader
from crm_online.lookup.drifts import kept_drifts
from crm_online.lookup.objections import unknown
from crm_online.lookup.partition import PartitionView
from crm_online.lookup.personal_data import personal_data
from crm_online.lookup.predictions import StatePredictor, no_figures
from crm_online.lookup.publication import Publication, known_orders, publish
from crm_online.lookup.recommender import StateRecommender
from crm_online.lookup.segment_names import SegmentNames
from crm_online.lookup.segments import Segmentation, Tree
from crm_online.lookup.shop_history import ShopHistory
from crm_online.lookup.state_rules import SORTS, StateRules
from crm_online.lookup.verify import verify
from crm_online.plots import SegmentPicture
from crm_online.privacy.pseudonyms import NO_PSEUDONYMS, Pseudonyms
from crm_online.recommend.answer import TOP, RecommendationRequest
from crm_online.segments.linkage import Leaves, Linkage
from crm_online.settings.conflict import from_stored, has_pseudonyms, refuse_pseudonyms
from crm_online.step import Entry
from crm_online.store import Store, open_store
from crm_online.store.meta import LOGS

if TYPE_CHECKING:
    import pandas as pd

FURTHEST = 400
"""How many half-lives from the log's end figures can be read: further from it they are beyond all numbers."""


@contextmanager
def open_lookup(state: str, pseudonyms: Pseudonyms = NO_PSEUDONYMS) -> Iterator[Lookup]:
    """Open a state for look-ups.

    Parameters
    ----------
    state
        A folder, or the URL of a Redis.
    pseudonyms
        By which the ids that are asked for are stored.

    Raises
    ------
    StoreError
        If it cannot be opened, or nothing was replayed into it yet (``StateMissing``).
    """
    with open_store(state, create=False) as store:
        yield Lookup(store, pseudonyms)


class Lookup:
    """The state as stored; each part is read once, when it is first needed.

    Parameters
    ----------
    store
        The store.
    pseudonyms
        By which the ids that are asked for are stored.

    Attributes
    ----------
    settings
        The settings that shaped the state.
    state_id
        The id of the state.
    fed_by_workers
        Whether Kafka workers feed it, not replays: what changes it goes to them.

    Raises
    ------
    StateMissing
        If nothing was replayed into it yet.
    """

    def __init__(self, store: Store, pseudonyms: Pseudonyms = NO_PSEUDONYMS) -> None:
        meta = store.meta()
        self._store, self._pseudonyms = store, pseudonyms
        self._has_pseudonyms = has_pseudonyms(meta.settings)
        self._needs_keys = self._has_pseudonyms and not pseudonyms
        self.settings, self.state_id = from_stored(meta.settings), meta.id
        self.fed_by_workers = meta.feed != LOGS
        self._views = [PartitionView(store.partition(number), self.settings) for number in range(meta.partitions)]
        self._segments = Segmentation.of(self._views, self.settings.segments.sample)

    def refuse_mixed_ids(self) -> None:
        """Refuse to change a state of pseudonyms without their keys, or another one with them.

        Raises
        ------
        SettingsConflict
            If one is without the other.
        """
        refuse_pseudonyms(self._has_pseudonyms, bool(self._pseudonyms))

    @property
    def watermark(self) -> int:
        """The largest event time of all partitions, in ms; 0 before the first event."""
        return max((view.state.watermark or 0 for view in self._views), default=0)

    @property
    def customers(self) -> int:
        """How many customers there are."""
        return sum(view.state.customers for view in self._views)

    @property
    def states(self) -> list[PartitionState]:
        """The small state of each partition."""
        return [view.state for view in self._views]

    @property
    def segmented(self) -> Segmentation | None:
        """The segments' model, sums and sample; ``None`` before the first model."""
        return self._segments

    def segments(
        self, as_of: int | None = None, *, linkage: Linkage = Linkage.AVERAGE, of: Leaves = Leaves.SEGMENTS
    ) -> dict[str, object]:
        """Return the segments, as in ``crm-online segments --json``.

        Parameters
        ----------
        as_of
            The time of ``as_of``; the watermark by default. Segments are as last scored.
        linkage, of
            How the tree is joined, and of what.

        Raises
        ------
        InputError
            If ``as_of`` is before the log or outside 1970 to 2105; the same holds for all that take it.
        """
        when, names, found = self._when(as_of), list(self.settings.features.use), self._segments
        return {
            "model_version": found.model.version if found else 0,
            "complete": found.complete if found else False,
            "k": found.model.k if found else 0,
            "k_choice": found.model.choice.to_json() if found and found.model.choice else None,
            "J": found.sums.inertia() if found else None,
            "customers": self.customers,
            "as_of": to_short_iso(when),
            "features": names,
            "scale": dict(zip(names, found.model.scale.stds, strict=True)) if found else {},
            "segments": found.described() if found else [],
            "hierarchy": found.tree(linkage, of) if found else _no_tree(linkage),
        }

    def size_history(self) -> list[dict[str, object]]:
        """Return how large the segments were over event time, the oldest first, as ``answers.segments.Sizes`` has it.

        Only whole models count: while customers move to another one, there is no point.
        """
        points = [decode(raw) for raw in self._views[0].store.list_range(size_history.NAME, 0, -1)]
        if self._segments is not None and self._segments.complete and (not points or points[-1][0] < self.watermark):
            points.append(
                (self.watermark, dict(zip(self._segments.model.ids, self._segments.sums.W.tolist(), strict=True)))
            )
        return [{"as_of": to_short_iso(time), "sizes": sizes} for time, sizes in points]

    def names_over_time(self) -> SegmentNames:
        """Return the names that segments had over time, those of segments that are gone too."""
        first = self._views[0]
        by_hand = {segment: label.name for segment, label in first.labels.items() if label.name}
        return replace(SegmentNames.stored(first.store.list_range(NAMES, 0, -1)), by_hand=by_hand)

    def history(self) -> ShopHistory:
        """Return what is known of the shop's past besides the changes that are kept."""
        days = DailyFigures.of([list(view.store.hash_all(daily.NAME)) for view in self._views])
        return ShopHistory(self.names_over_time(), days, self.settings.features.half_life)

    def kept(self) -> list[Entry]:
        """Return the changes that are kept, partition by partition, in their order."""
        return [entry for view in self._views for entry in view.store.changes()]

    def segment_names(self) -> dict[str, str]:
        """Return the segments' names by id."""
        return self._segments.names() if self._segments else {}

    def picture(self, as_of: int | None = None, *, linkage: Linkage = Linkage.AVERAGE) -> SegmentPicture:
        """Return what a picture of the segments shows; for :func:`crm_online.plots.draw_segments`.

        Raises
        ------
        StateMissing
            If there are no segments yet.
        """
        found = self._must_have_segments()
        return found.picture(linkage, to_short_iso(self._when(as_of))[:16].replace("T", " "))

    def hierarchy_frame(self, linkage: Linkage = Linkage.AVERAGE, of: Leaves = Leaves.SEGMENTS) -> pd.DataFrame:
        """Return the steps in which segments or sampled customers join, one row each, the nearest first."""
        return self._must_have_segments().merges_frame(linkage, of)

    def linkage_matrix(
        self, linkage: Linkage = Linkage.AVERAGE, of: Leaves = Leaves.SEGMENTS
    ) -> tuple[NDArray[np.float64], list[str]]:
        """Return the tree in scipy's form: of each step the parts, their distance and how many leaves it joins."""
        tree = self._must_have_segments().hierarchy(linkage, of)
        leaves = list(tree["leaves"])
        steps = np.array(tree["linkage"], np.float64).reshape(-1, 4)
        counts = [1] * len(leaves)
        for left, right in steps[:, :2].astype(int).tolist():
            counts.append(counts[left] + counts[right])
        steps[:, 3] = counts[len(leaves) :]  # scipy counts leaves, where the look-ups count customers
        return steps, leaves

    def distances_frame(self, of: Leaves = Leaves.SEGMENTS) -> pd.DataFrame:
        """Return how far segments or sampled customers are from each other, in standard deviations."""
        return self._must_have_segments().distances_frame(of)

    def rules(
        self,
        as_of: int | None = None,
        *,
        top: int | None = None,
        sort: str = "rank",
        item: str | None = None,
        segment: str | None = None,
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
        segment
            The rules of this segment, see :func:`crm_online.lookup.segment_rules.segment_rules`: of the orders that are
            kept, whatever ``as_of`` is.

        Raises
        ------
        InputError
            If there is no such way to sort, no basket had such an item, or there is no such segment.
        """
        if sort not in SORTS:
            raise InputError(f"rules cannot be sorted by {sort}; {hint(sort, SORTS)}")
        if item is not None:
            self._rules.refuse_unknown(item)
        if segment is None:
            ranked = self._rules.ranked(self._counted_at(as_of))
        else:
            ranked = self._must_have_segments().rules(segment, self.settings)
        fits = [rule for rule in ranked if item is None or item in rule["antecedent"] + rule["consequent"]]
        return (fits if sort == "rank" else sorted(fits, key=lambda rule: -rule[sort]))[:top]

    def rules_lacking(self, as_of: int | None = None) -> str:
        """Return in words which evidence is missing where there are no rules."""
        return self._rules.lacking(self._counted_at(as_of))

    def itemsets(self, as_of: int | None = None) -> FrequentItemsets:
        """Return the frequent itemsets over all partitions, with their bounds."""
        return self._rules.itemsets(self._counted_at(as_of))

    def customer(self, name: str, as_of: int | None = None) -> dict[str, object]:
        """Return one customer, as in ``crm-online customer --json``.

        Raises
        ------
        UnknownCustomer
            If no partition has the customer.
        """
        batch = self._customers.read([name]).batch()
        if not batch.names:
            keys = "; its ids are pseudonyms: set privacy.secret_file" if self._needs_keys else ""
            raise unknown(self._store, name, self._pseudonyms.every(name), keys)
        context = replace(batch.context, as_of=self._when(as_of))
        return customer_values(replace(batch, context=context))[0]

    def personal_data(self, name: str) -> dict[str, Any]:
        """Return all that is held of a customer, as in ``crm-online customer ID --all --json``.

        Raises
        ------
        UnknownCustomer
            If nothing is.
        """
        return personal_data(self._store, name, self._pseudonyms)

    @cached_property
    def recommender(self) -> StateRecommender:
        """What makes recommendations: the counts as they are read now."""
        return StateRecommender.of(self._views)

    def recommend(
        self,
        customer: str | None = None,
        basket: Sequence[str] = (),
        top: int = TOP,
        *,
        exclude: Sequence[str] = (),
        new_only: bool = False,
    ) -> dict[str, object]:
        """Return what to recommend, as in ``crm-online recommend --json``.

        Parameters
        ----------
        customer
            For whom; ``None``: for no customer in particular.
        basket
            The items that are in the basket already; without these and a customer, what is popular comes.
        top
            How many items at most.
        exclude
            Items that are not to come.
        new_only
            Whether only items may come that the customer has not bought, as far as that is remembered.

        Raises
        ------
        UnknownCustomer
            If no partition has the customer, and there is no basket to go by either.
        """
        read = self._customers.read([customer]).batch() if customer is not None else None
        return self.recommender.recommend(customer, read, RecommendationRequest(basket, top, exclude, new_only))

    def recommend_each(
        self, customers: Sequence[str], top: int = TOP, *, exclude: Sequence[str] = (), new_only: bool = False
    ) -> dict[str, object]:
        """Return what to recommend to each of some customers, without a basket; who is not known is ``missing``.

        Parameters
        ----------
        customers
            For whom; each once in the answer. They are all read at once: give a few hundred at a time.
        top, exclude, new_only
            As for :meth:`recommend`.
        """
        names = list(dict.fromkeys(customers))
        return self.recommender.each(
            names, self._customers.read(names).batch(), RecommendationRequest((), top, exclude, new_only)
        )

    def predictions(self) -> dict[str, object]:
        """Return what customers will do, and how good each model was, as in ``crm-online predictions --json``."""
        found, segments, as_of = self._predictor, self._segments, self.watermark
        figures = found.figures() if found else no_figures(self.settings)
        people = (
            sampled_predictions(found, segments.sample, segments.model.ids, as_of) if found and segments else NOBODY
        )
        return {"as_of": to_short_iso(as_of), "customers": self.customers, **figures, **people}

    def publication(self, least: int, before: Publication | None) -> Publication:
        """Return the publication for the scope ``aggregates``, see `crm_online.lookup.publication`."""
        orders = known_orders(self._views)
        return publish(self._segments, self.rules(), orders, self.watermark, least, before)

    def drifts(self, most: int) -> list[dict[str, Any]]:
        """Return the last drifts, as in ``crm-online drift --json``, the newest first."""
        return kept_drifts(self._store, most)

    def verify(self) -> dict[str, object]:
        """Recompute every derived figure, see :func:`crm_online.lookup.verify.verify`."""
        return verify(self._views)

    def export(self, folder: Path, as_of: int | None = None) -> dict[str, int]:
        """Write customers, segments, rules and itemsets as Parquet; return the rows of each file."""
        when = self._when(as_of)
        tables = {
            "customers": self.customers_frame(when),
            "segments": self.segments_frame(when),
            "rules": self.rules_frame(when),
            "itemsets": frames.itemsets_frame(self.itemsets(when)),
        }
        return export.write(folder, tables)

    def customers_frame(self, as_of: int | None = None) -> pd.DataFrame:
        """Return all customers, see :func:`crm_online.lookup.frames.customers_frame`."""
        return frames.customers_frame(self._views, self._when(as_of), self._predictor)

    def segments_frame(self, as_of: int | None = None) -> pd.DataFrame:
        """Return the segments, one row each; centroids in natural units, feature by feature."""
        self._when(as_of)  # they are as last scored, whatever the time, but a wrong one is refused
        return frames.segments_frame(self._segments.values() if self._segments else [])

    def rules_frame(self, as_of: int | None = None, *, sort: str = "lift", segment: str | None = None) -> pd.DataFrame:
        """Return the rules in force, or those of a segment, sorted by lift as in the article, or by another measure."""
        return frames.rules_frame(self.rules(as_of, sort=sort, segment=segment), of_segment=segment is not None)

    @cached_property
    def _customers(self) -> CustomerReader:
        return CustomerReader(self._store, self._pseudonyms)

    @cached_property
    def _predictor(self) -> StatePredictor | None:
        return StatePredictor.read(self._views[0].store, self.settings)

    @cached_property
    def _rules(self) -> StateRules:
        return StateRules(self._views, self.settings)

    def _must_have_segments(self) -> Segmentation:
        if self._segments is None:
            least = self.settings.segments.min_customers
            raise StateMissing(
                f"no segments yet: the first model is fitted at {least:,} customers (segments.min_customers), "
                f"so far: {self.customers:,}"
            )
        return self._segments

    def _counted_at(self, as_of: int | None) -> int | None:
        """Return the time at which counts are read; ``None``: as they are stored."""
        return None if as_of is None else self._when(as_of)

    def _when(self, as_of: int | None) -> int:
        """Return the time at which figures are read, in ms: the watermark if none is given."""
        if as_of is None:
            return self.watermark
        if not times.BEGIN <= as_of < times.END:
            raise InputError("figures are read as of a time from 1970 to 2105")
        first = min((view.state.first_event for view in self._views if view.state.first_event is not None), default=0)
        if as_of < first:
            raise InputError(
                f"there are no figures as of {to_short_iso(as_of)}: the log begins at {to_short_iso(first)}"
            )
        halves = [half for half in (self.settings.features.half_life, self.settings.itemsets.half_life) if half]
        if halves and abs(self.watermark - as_of) > FURTHEST * min(halves):
            raise InputError(
                f"there are no figures as of {to_short_iso(as_of)}: "
                f"that is more than {FURTHEST} half-lives from the log's end"
            )
        return as_of


def _no_tree(linkage: Linkage) -> Tree:
    return Tree(linkage=[], leaves=[], method=linkage.value, distances=[])
