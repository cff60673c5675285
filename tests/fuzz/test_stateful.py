"""Engine and store on a real Redis against a shop counted in plain Python, whatever comes in whichever order.

Events, the same ones again, late ones, erasures, and crashes: what was computed is thrown away before it is committed,
or what is in memory after it. After each the totals, the counts and the baskets must be those of the plain count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from hypothesis import settings as searched
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from crm_online.engine.engine import CUSTOMERS, layout
from crm_online.events import models
from crm_online.events.batch import Batch
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import LOG, Shop, settings
from tests.fuzz.fuzzing import LONG, searching

PEOPLE = st.sampled_from([f"c{number}" for number in range(5)])
ITEMS = st.sampled_from(["tea", "jam", "bread", "milk"])
MINUTE = 60 * shop.SECOND
OPEN_FOR = 30 * MINUTE
REMEMBERED = 16
"""Ids of events of a customer by which duplicates are known."""


@dataclass
class Person:
    """One customer, counted as a person would; lines of a basket by its id, with their times."""

    events: int = 0
    spend: float = 0.0
    items: float = 0.0
    returns: int = 0
    orders: int = 0
    lines: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    recent: list[str] = field(default_factory=list)

    def sessions(self) -> list[set[str]]:
        """Return what is in each basket of lines: those of one id without a pause longer than a basket is open."""
        found: list[set[str]] = []
        for lines in self.lines.values():
            before = None
            for time, item in sorted(lines):
                if before is None or time - before > OPEN_FOR:
                    found.append(set())
                found[-1].add(item)
                before = time
        return found

    def figures(self) -> dict[str, float]:
        """Return what a record has of it."""
        return {
            "events": self.events,
            "spend": self.spend,
            "items": self.items,
            "returns": self.returns,
            "orders": self.orders + len(self.sessions()),
        }


class Counted(RuleBasedStateMachine):
    """The shop, twice: in crm-online, and in plain Python."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop(self.store, settings(partitions=2, min_customers=4, k=2))
        self.now = shop.START
        self.people: dict[str, Person] = {}
        self.erased: dict[str, int] = {}
        self.baskets: list[set[str]] = []
        self.waiting: list[models.Event] = []
        self.sent: list[models.Event] = []
        self.accepted = self.duplicates = self.suppressed = self.numbered = 0

    # What the shop does.

    @rule(who=PEOPLE, what=st.sets(ITEMS, min_size=1), late=st.integers(0, 9))
    def buys(self, who: str, what: set[str], late: int) -> None:
        """Somebody buys, a while before the latest event."""
        lines = [(item, 2.0, 3.0) for item in sorted(what)]
        self._wait(shop.order(who, self.now - late * MINUTE, *lines, name=self._name()))

    @rule(who=PEOPLE, item=ITEMS, basket=st.sampled_from("xy"), late=st.integers(0, 90))
    def buys_line_by_line(self, who: str, item: str, basket: str, late: int) -> None:
        """Somebody buys a line of a basket, which perhaps was counted long ago."""
        self._wait(shop.order(who, self.now - late * MINUTE, (item, 1.0, 5.0), basket=basket, name=self._name()))

    @rule(who=PEOPLE, what=ITEMS)
    def returns(self, who: str, what: str) -> None:
        """Somebody brings something back."""
        self._wait(shop.returned(who, self.now, (what, 1.0, 3.0), name=self._name()))

    @rule(who=PEOPLE)
    def looks(self, who: str) -> None:
        """Somebody looks at something."""
        self._wait(shop.view(who, self.now, name=self._name()))

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(1, 8))
    def comes_again(self, which: int) -> None:
        """One of the last events is sent again."""
        self._wait(self.sent[-min(which, len(self.sent))])

    @rule(who=PEOPLE)
    def is_erased(self, who: str) -> None:
        """Somebody is erased."""
        self._wait(shop.erase(who, self.now, name=self._name()))

    @rule(minutes=st.integers(1, 60 * 24 * 20))
    def time_passes(self, minutes: int) -> None:
        """Time goes on."""
        self.now += minutes * MINUTE

    @precondition(lambda self: self.waiting)
    @rule(order=st.randoms(use_true_random=False))
    def is_taken(self, order: Random) -> None:
        """Take what waits in one step, in any order."""
        events, self.waiting = self.waiting, []
        order.shuffle(events)
        self.shop.step(events)
        self.sent += events
        self._count(events)

    @rule()
    def crashes_after_a_commit(self) -> None:
        """All in memory is lost."""
        self.shop.claim()

    @precondition(lambda self: self.waiting)
    @rule(partition=st.integers(0, 1))
    def crashes_before_a_commit(self, partition: int) -> None:
        """Compute a step and lose all in memory before it is committed."""
        pipeline = self.shop.pipelines[partition]
        columns = shop.columns(self.waiting, self.shop.position)
        end = self.shop.position + len(self.waiting)
        watermark = max([self.shop.watermark or 0, *columns.time.tolist()])
        part = Batch(LOG, self.shop.position, end, columns, (), watermark).split(2)[partition]
        plan = pipeline.engine.plan_reads(part)
        pipeline.engine.compute_step(part, plan, pipeline._reader.read(plan, part.events))
        self.shop.claim()

    # What is looked at.

    @invariant()
    def counts_are_those_of_a_person(self) -> None:
        """Compare what is stored, and what the engines hold, with what was counted."""
        engines = [pipeline.engine for pipeline in self.shop.pipelines]
        totals = [
            sum(getattr(engine.state, name) for engine in engines)
            for name in ("accepted", "duplicates", "suppressed", "customers")
        ]
        assert totals == [self.accepted, self.duplicates, self.suppressed, len(self.people)]
        codec, _ = layout(self.shop.settings)
        stored: dict[str, dict[str, float]] = {}
        for pipeline in self.shop.pipelines:
            for name, raw in pipeline.store.hash_all(CUSTOMERS):
                record = codec.decode([raw])
                stored[name.decode()] = {
                    "events": int(record.events[0]),
                    "spend": float(record.spend[0]),
                    "items": float(record.items[0]),
                    "returns": int(record.returns[0]),
                    "orders": int(record.purchases[0]),
                }
        assert stored == {name: person.figures() for name, person in self.people.items()}
        found = Counter[str]()
        for engine in engines:
            names, mining = engine.mining.items.names, engine.mining
            found.update(names[item] for item in mining.counters.kept.all().items.tolist())
            found.update(names[item] for basket in mining.baskets.baskets.values() for item in basket.items)
        counted = [*self.baskets, *(basket for person in self.people.values() for basket in person.sessions())]
        assert found == Counter(item for basket in counted for item in basket)

    def teardown(self) -> None:
        """Verify the whole at the log's end."""
        if not self.sent:
            return
        self.shop.end()
        self.counts_are_those_of_a_person()
        self.shop.verified()

    def _name(self) -> str:
        self.numbered += 1
        return f"e{self.numbered}"

    def _wait(self, event: models.Event) -> None:
        self.waiting.append(event)

    def _count(self, events: Sequence[models.Event]) -> None:
        """Count what one step took: duplicates are known by what was remembered before it, or came earlier in it."""
        known: dict[str, set[str]] = {}
        for event in events:
            who = str(event.customer_id)
            if isinstance(event, models.Erase):
                person = self.people.pop(who, None)
                self.baskets += person.sessions() if person else []
                self.erased[who] = max(event.time, self.erased.get(who, 0))
                self.accepted += 1
                known = {}
                continue
            if event.time < self.erased.get(who, 0):
                self.suppressed += 1
                continue
            before = self.people.get(who)
            seen = known.setdefault(who, set(before.recent if before else ()))
            if event.event_id in seen:
                self.duplicates += 1
                continue
            seen.add(str(event.event_id))
            self._add(self.people.setdefault(who, Person()), event)
            self.accepted += 1

    def _add(self, person: Person, event: models.Event) -> None:
        person.events += 1
        person.recent = [*person.recent, str(event.event_id)][-REMEMBERED:]
        if isinstance(event, models.Return):
            person.returns += 1
        if isinstance(event, models.Purchase):
            person.spend += sum(line.quantity * line.price for line in event.items)
            person.items += sum(line.quantity for line in event.items)
            bought = {str(line.item) for line in event.items}
            if event.basket_id is None:
                person.orders += 1
                self.baskets.append(bought)
            else:
                person.lines.setdefault(event.basket_id, []).extend((event.time, item) for item in bought)


def test_totals_baskets_and_counts_are_those_of_a_person_whatever_happens(redis: Store) -> None:
    Counted.store = redis
    run_state_machine_as_test(
        Counted,
        settings=searched(searching(8), stateful_step_count=100 if LONG else 25),
    )
