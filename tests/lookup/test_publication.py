"""What is told to keys of the scope aggregates gives nobody away: neither alone, nor by subtracting two of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from crm_online.answers.aggregates import Aggregates
from crm_online.events import models
from crm_online.events.models import EVENT
from crm_online.lookup.aggregates import last_publication, renewed
from crm_online.lookup.publication import KnownOrder, Publication, publish
from crm_online.lookup.segments import Segmentation
from crm_online.settings.model import PredictionSettings
from crm_online.simulate import simulate
from crm_online.store import open_store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings

LEAST = 10


def segments_of(run: Shop) -> Mapping[str, str]:
    frame = run.lookup.customers_frame()
    return dict(zip(frame["customer_id"], frame["nearest"], strict=True))


@dataclass
class Observer:
    """Whoever asks for the aggregates again and again, knows the log besides, and subtracts.

    Attributes
    ----------
    bought
        By customer, the sets of items of the orders so far, with the number of the publication that they came before.
    events
        By publication, the customers with events before it and after the one before.
    """

    bought: dict[str, list[tuple[int, frozenset[str]]]] = field(default_factory=lambda: defaultdict(list))
    events: list[set[str]] = field(default_factory=lambda: [set()])
    told: list[Aggregates] = field(default_factory=list)
    since: dict[str, int] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    changed: int = 0

    def see(self, events: Sequence[models.Event]) -> None:
        for event in events:
            if event.customer_id is not None:
                self.events[-1].add(event.customer_id)
                if isinstance(event, models.Purchase) and event.items:
                    items = frozenset(line.item for line in event.items if line.item is not None)
                    self.bought[event.customer_id].append((len(self.told), items))

    def compare(self, now: Aggregates, segment_of: Mapping[str, str]) -> None:
        """Check what is told, and what differs from the last time, by the segment that each customer really is in."""
        number = len(self.told)
        self.told.append(now)
        self.events.append(set())
        before = self.told[number - 1] if number else Aggregates(least_customers=LEAST, segments=[], rules=[])
        old: dict[str, Any] = {one.id: one for one in before.segments}
        for segment in now.segments:
            assert segment.size % LEAST == 0
            assert segment.size >= LEAST
            last = old.get(segment.id)
            if last is None or segment.size != last.size:
                # Nine at most could be taken out of a size that was told anew, and none subtracted from the last.
                assert 0 <= [*segment_of.values()].count(segment.id) - segment.size < LEAST
            if last is None or self._figures(segment) != self._figures(last):
                changed = set[str]().union(*self.events[self.since.get(segment.id, 0) : number + 1])
                assert len({name for name in changed if segment_of[name] == segment.id}) >= LEAST, segment.id
                self.changed += last is not None
                self.since[segment.id] = number + 1
        rules: dict[str, Any] = {json.dumps([one.antecedent, one.consequent]): one for one in before.rules}
        for rule in now.rules:
            name, both = json.dumps([rule.antecedent, rule.consequent]), {*rule.antecedent, *rule.consequent}
            begin = self.since.get(name, 0)
            if rule != self.rules.get(name):
                buyers = {
                    customer
                    for customer, orders in self.bought.items()
                    if any(at >= begin and both <= items for at, items in orders)
                }
                assert len(buyers) >= LEAST, name
                self.since[name] = number + 1
            self.rules[name] = rule
        if {json.dumps([one.antecedent, one.consequent]) for one in now.rules} != rules.keys():
            changed = set[str]().union(*self.events[self.since.get("rules", 0) : number + 1])
            assert len(changed) >= LEAST
            self.since["rules"] = number + 1

    @staticmethod
    def _figures(segment: Any) -> dict[str, Any]:
        figures: dict[str, Any] = segment.model_dump(exclude={"size"})
        return figures


@pytest.fixture(scope="module")
def log() -> list[models.Event]:
    """Return the log of a simulated shop."""
    return [EVENT.validate_json(line) for line in simulate(customers=300, events=4500, seed=5).lines()]


@pytest.fixture(scope="module")
def observed(log: list[models.Event], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Observer]]:
    """Return a shop at the end of its log, and who has asked again and again meanwhile."""
    with open_store(tmp_path_factory.mktemp("redis") / "state") as store:
        usual = settings(min_customers=100, partitions=2, half_life=90 * shop.DAY)
        # Predictions take most of the time, and nothing but a mean of them is told.
        quick = usual.model_copy(update={"predictions": PredictionSettings(enabled=False)})
        run, observer = Shop(store, quick), Observer()
        begin = len(log) * 3 // 5
        for at in range(0, begin, 500):
            run.step(log[at : min(at + 500, begin)])
        observer.see(log[:begin])
        for at in range(begin, len(log), 150):
            run.step(log[at : at + 150])
            observer.see(log[at : at + 150])
            observer.compare(renewed(store, LEAST).aggregates, segments_of(run))
        run.end()
        yield run, observer


def test_no_figure_and_no_difference_of_two_publications_stands_on_fewer_customers_than_the_floor(
    observed: tuple[Shop, Observer],
) -> None:
    _, observer = observed
    last = observer.told[-1]
    assert last.segments
    assert last.rules
    assert observer.changed > 3
    told = {one.model_dump_json() for one in observer.told}
    assert not any(f'"{customer}"' in text for text in told for customer in observer.bought)


def test_a_rule_that_returns_comes_with_its_last_figures_until_as_many_have_bought_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def rule(item: str, lift: float) -> dict[str, Any]:
        return {"antecedent": [item], "consequent": ["cup"], "support": 0.1, "confidence": 0.5, "lift": lift}

    def of(item: str, customers: range, time: int) -> list[KnownOrder]:
        return [KnownOrder(f"c{number}", time, frozenset({item, "cup"})) for number in customers]

    def told(publication: Publication) -> dict[str, float]:
        return {one.antecedent[0]: one.lift for one in publication.aggregates.rules}

    monkeypatch.setattr("crm_online.lookup.publication._RULES", 2)
    orders = of("tea", range(10), 1) + of("jam", range(10), 1)
    first = publish(None, [rule("tea", 2.0), rule("jam", 3.0)], orders, 1, LEAST, None)
    assert told(first) == {"tea": 2.0, "jam": 3.0}
    # Ten others buy something else, and only the ninth new customer of the rule has come when it is back.
    orders += of("oil", range(20, 30), 2)
    second = publish(None, [rule("oil", 4.0), rule("jam", 3.1)], orders, 2, LEAST, first)
    assert told(second) == {"oil": 4.0, "jam": 3.0}
    orders += of("tea", range(40, 49), 3) + of("oil", range(50, 51), 3)
    third = publish(None, [rule("tea", 2.5)], orders, 3, LEAST, second)
    assert told(third) == {"tea": 2.0}
    orders += of("tea", range(49, 50), 4) + of("oil", range(60, 69), 4)
    fourth = publish(None, [rule("tea", 2.6)], orders, 4, LEAST, third)
    assert told(fourth) == {"tea": 2.6}
    assert Publication.model_validate_json(fourth.model_dump_json()) == fourth
    # Beyond those that are remembered, a rule counts as told when the latest of those forgotten was.
    orders += of("salt", range(70, 80), 5)
    fifth = publish(None, [rule("salt", 7.0)], orders, 5, LEAST, fourth)
    assert (told(fifth), len(fifth.withdrawn), fifth.rules_forgotten) == ({"salt": 7.0}, 2, 1)
    orders += of("milk", range(80, 90), 6)
    sixth = publish(None, [rule("jam", 3.3)], orders, 6, LEAST, fifth)
    assert told(sixth) == {}


def test_a_segment_that_returns_comes_with_its_last_figures_until_as_many_have_an_event_since() -> None:
    def found(size: int, last_event: Sequence[int], spending: float) -> Segmentation:
        value = {"id": "s1", "name": "Regulars", "centroid": {"spending": spending}}
        traits = {"customers": size, "attributes": [], "contact_reasons": [], "items": []}
        sample = SimpleNamespace(
            vectors=np.arange(len(last_event), dtype=np.int16)[:, None],
            nearest=np.zeros(len(last_event), np.int64),
            records=SimpleNamespace(last_event=np.array(last_event)),
        )
        return cast(
            Segmentation,
            SimpleNamespace(
                complete=True,
                sample=sample,
                sums=SimpleNamespace(W=[size]),
                model=SimpleNamespace(scale=SimpleNamespace(names=("spending",))),
                traits=[traits],
                values=lambda: [value],
                predicted=lambda: [{"purchase": None}],
            ),
        )

    def told(publication: Publication) -> list[tuple[int, float]]:
        return [(one.size, one.features["spending"]) for one in publication.aggregates.segments]

    first = publish(found(15, [1] * 15, 3.0), [], [], 1, LEAST, None)
    assert told(first) == [(10, 3.0)]
    second = publish(found(5, [1] * 5, 9.0), [], [], 2, LEAST, first)
    assert (told(second), second.sizes) == ([], {"s1": 5})
    assert Publication.model_validate_json(second.model_dump_json()) == second
    # One customer more or less does not bring it back, nor take it away again.
    third = publish(found(14, [1] * 5 + [3] * 9, 4.0), [], [], 3, LEAST, second)
    assert told(third) == []
    # It has ten more than when it left, but only nine of them have an event since its figures were told.
    fourth = publish(found(15, [1] * 6 + [4] * 9, 5.0), [], [], 4, LEAST, third)
    assert told(fourth) == [(10, 3.0)]
    fifth = publish(found(16, [1] * 6 + [5] * 10, 6.0), [], [], 5, LEAST, fourth)
    assert told(fifth) == [(10, 6.0)]


def test_what_is_told_stands_on_as_many_of_those_who_have_it(observed: tuple[Shop, Observer]) -> None:
    run, observer = observed
    for least in (LEAST, 4 * LEAST):
        found = renewed(run.store, least).aggregates
        assert found.least_customers == least
        segment_of = segments_of(run)
        for segment in found.segments:
            members = {name for name, where in segment_of.items() if where == segment.id}
            assert len(members) >= least
            for trait in segment.traits if least > LEAST else ():
                having = {name for name in members if any(trait.value in items for _, items in observer.bought[name])}
                assert trait.kind != "items" or len(having) >= least


def test_what_fewer_customers_do_than_the_floor_is_leaves_what_is_told_as_it_is_to_the_byte(
    observed: tuple[Shop, Observer],
) -> None:
    run, observer = observed
    first = renewed(run.store, LEAST).aggregates
    assert first.segments
    time = (run.watermark or 0) + shop.DAY
    names = sorted(observer.bought)[: LEAST - 1]
    for number, name in enumerate(names):
        lines: list[shop.Line] = [("caviar", 1.0, 900.0), ("champagne", 2.0, 400.0)]
        run.step([shop.order(name, time + number, *lines, basket=f"b{number}{turn}") for turn in range(3)])
        run.step([shop.profile(name, time + number, illness="rare"), shop.contact(name, time + number, "divorce")])
    assert renewed(run.store, LEAST).aggregates.model_dump_json() == first.model_dump_json()
    run.step([shop.erase(name, time + shop.DAY + number) for number, name in enumerate(names)])
    assert renewed(run.store, LEAST).aggregates.model_dump_json() == first.model_dump_json()
    assert last_publication(run.store) == renewed(run.store, LEAST)
