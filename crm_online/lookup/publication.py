"""What is published to keys of the scope ``aggregates``, and how each publication follows from the one before.

Two floors hold (ADR 76). Each figure stands on ``least`` different customers. And a figure is published anew only once
``least`` different customers have changed since, so that subtracting one publication from the next gives nothing that
stands on fewer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from crm_online.answers.aggregates import AggregateRule, Aggregates, AggregateSegment, AggregateTrait
from crm_online.digits import digits
from crm_online.lookup.partition import PartitionView
from crm_online.lookup.segments import Segmentation
from crm_online.traits.by_segment import SegmentTraits

NAME: Final = "publication"
"""Name of the key: a hash with one field, in partition 0. No step writes it, so it is no part of the digest."""
FIELD: Final = "last"
LEASE: Final = "publication-maker"
_RULES: Final = 1000
_NEVER: Final = -1


class Publication(BaseModel):
    """The last publication, and what its figures rest on; only the first of it is shown.

    Attributes
    ----------
    aggregates
        What was published.
    sizes
        The number of customers of each segment when its size was published, or when it was withdrawn.
    segments, rules
        The event time, in ms, at which the figures of each segment, and of each rule, were published; also of those in
        ``withdrawn_segments`` and ``withdrawn``.
    withdrawn_segments, withdrawn
        Segments of the model, and rules, that were published before and are not now, with the figures published last:
        they come back with them.
    rules_forgotten
        The latest event time at which one was published of the rules that are in neither; any rule may be one of them.
    rules_as_of
        The event time at which it was last looked which rules there are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    aggregates: Aggregates
    sizes: dict[str, int] = {}
    segments: dict[str, int] = {}
    rules: dict[str, int] = {}
    rules_as_of: int = _NEVER
    withdrawn_segments: list[AggregateSegment] = []
    withdrawn: list[AggregateRule] = []
    rules_forgotten: int = _NEVER


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """An order that the state keeps, with whose it is, its time in ms, and its items."""

    customer: str
    time: int
    items: frozenset[str]


def known_orders(views: Iterable[PartitionView]) -> list[KnownOrder]:
    """Return the orders that partitions keep of customers who are known."""
    found = list[KnownOrder]()
    for view in views:
        names = view.counts.counted.names
        every = [(one.customer, one.time, one.items) for one in view.orders if one.customer is not None]
        every += [(customer, one.time, one.items) for customer, one in view.last_orders]
        for customer, time, items in every:
            known = frozenset(names[item] for item in items if item < len(names))
            found.append(KnownOrder(customer, time, known))
    return found


def publish(
    found: Segmentation | None,
    rules: Sequence[Mapping[str, Any]],
    orders: Sequence[KnownOrder],
    watermark: int,
    least: int,
    before: Publication | None,
) -> Publication:
    """Return the next publication.

    Parameters
    ----------
    found
        The segments, if there are any.
    rules
        The rules in force, the best first.
    orders
        The orders that are kept, of customers who are known.
    watermark
        The latest event time, in ms.
    least
        The customers that each figure, and each difference of two, must stand on.
    before
        The last publication; with another ``least`` it counts for nothing.
    """
    if before is None or before.aggregates.least_customers != least:
        before = Publication(aggregates=Aggregates(least_customers=least, segments=[], rules=[]))
    return _rules(rules, orders, watermark, least, _segments(found, watermark, least, before))


def _segments(found: Segmentation | None, watermark: int, least: int, before: Publication) -> Publication:
    """Return the last publication with the segments that are published now."""
    if found is None or not found.complete:
        return before
    old = {one.id: one for one in (*before.withdrawn_segments, *before.aggregates.segments)}
    published, withdrawn = list[AggregateSegment](), list[AggregateSegment]()
    sizes, times = dict[str, int](), dict[str, int]()
    common = _most_common(found.sample.vectors)
    for row, (value, traits, predicted) in enumerate(zip(found.values(), found.traits, found.predicted(), strict=True)):
        name, size = value["id"], int(found.sums.W[row])
        # One that is withdrawn is known to be below the floor: it comes back once it has as many more than it had then.
        if abs(size - before.sizes.get(name, 0)) < least:
            size = before.sizes.get(name, 0)
        members = found.sample.nearest == row
        as_of = before.segments.get(name, _NEVER)
        changed = int((found.sample.records.last_event[members] > as_of).sum())
        if name not in old and (size < least or changed < least):
            continue
        sizes[name] = size
        if size < least:
            withdrawn.append(old[name])
        elif changed >= least:
            differ = (found.sample.vectors[members] != common).sum(axis=0) >= least
            known = dict(zip(found.model.scale.names, differ.tolist(), strict=True))
            as_of = watermark
            published.append(
                AggregateSegment(
                    id=name,
                    name=value["name"],
                    size=size // least * least,
                    as_of=_day(watermark),
                    features={key: digits(mean, 2) for key, mean in value["centroid"].items() if known[key]},
                    traits=_traits(traits, least),
                    purchase=None if predicted["purchase"] is None else digits(predicted["purchase"], 2),
                )
            )
        else:
            published.append(old[name].model_copy(update={"size": size // least * least}))
        times[name] = as_of
    aggregates = before.aggregates.model_copy(update={"segments": published})
    return before.model_copy(
        update={"aggregates": aggregates, "sizes": sizes, "segments": times, "withdrawn_segments": withdrawn}
    )


def _rules(
    rules: Sequence[Mapping[str, Any]], orders: Sequence[KnownOrder], watermark: int, least: int, before: Publication
) -> Publication:
    """Return the last publication with the rules that are published now."""
    old = {_key(one.antecedent, one.consequent): one for one in (*before.withdrawn, *before.aggregates.rules)}
    # Which rules there are is looked at again only once enough customers have bought since.
    if len({order.customer for order in orders if order.time > before.rules_as_of}) < least:
        return before
    having = defaultdict[str, set[int]](set)
    for number, order in enumerate(orders):
        for item in order.items:
            having[item].add(number)
    published, times = list[AggregateRule](), dict[str, int]()
    for rule in rules[:_RULES]:
        left, right = rule["antecedent"], rule["consequent"]
        key = _key(left, right)
        both = set.intersection(*(having[item] for item in (*left, *right)))
        as_of = before.rules.get(key, before.rules_forgotten)
        if len({orders[number].customer for number in both if orders[number].time > as_of}) >= least:
            as_of = watermark
            one = AggregateRule(
                antecedent=left,
                consequent=right,
                as_of=_day(watermark),
                **{name: digits(rule[name], 2) for name in ("support", "confidence", "lift")},
            )
        elif key in old:
            one = old[key]
        else:
            continue
        published.append(one)
        times[key] = as_of
    published.sort(key=lambda one: (one.antecedent, one.consequent))
    withdrawn = sorted(old.keys() - times.keys(), key=lambda key: (before.rules[key], key))
    forgotten, withdrawn = withdrawn[:-_RULES], withdrawn[-_RULES:]
    return before.model_copy(
        update={
            "aggregates": before.aggregates.model_copy(update={"rules": published}),
            "rules": times | {key: before.rules[key] for key in withdrawn},
            "rules_as_of": watermark,
            "withdrawn": [old[key] for key in withdrawn],
            "rules_forgotten": max([before.rules_forgotten, *(before.rules[key] for key in forgotten)]),
        }
    )


def _traits(traits: SegmentTraits, least: int) -> list[AggregateTrait]:
    """Return the traits that ``least`` of the sampled customers have, and that as many have not."""
    found = []
    shares: Iterable[tuple[str, Mapping[str, Any]]] = (
        *(("attributes", one) for one in traits["attributes"]),
        *(("contact_reasons", one) for one in traits["contact_reasons"]),
        *(("items", one) for one in traits["items"]),
    )
    for kind, one in shares:
        customers = one.get("customers", 0)
        if "share" in one and customers >= least and ("value" not in one or traits["customers"] - customers >= least):
            found.append(
                AggregateTrait(kind=kind, name=one.get("name"), value=one.get("value"), share=digits(one["share"], 2))
            )
    return found


def _most_common(vectors: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the most common value of each feature, shape (d,): of who did nothing of the kind, if many did not."""
    found = np.zeros(vectors.shape[1], np.int16)
    for column in range(vectors.shape[1]):
        values, counts = np.unique(vectors[:, column], return_counts=True)
        if len(values):
            found[column] = values[counts.argmax()]
    return found


def _key(antecedent: Sequence[str], consequent: Sequence[str]) -> str:
    return "\x1f".join([*antecedent, "\x1e", *consequent])


def _day(time: int) -> date:
    return datetime.fromtimestamp(time / 1000, UTC).date()
