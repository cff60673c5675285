"""Events that are sent become steps of the state that logs feed: all of a request or nothing, exactly once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crm_online.engine.engine import CUSTOMERS
from crm_online.errors import OwnerLost
from crm_online.events.models import EVENT, Event
from crm_online.live.ingestion.event_log import EventLog, SentEvents
from crm_online.lookup import Lookup
from crm_online.pipeline import PartitionPipeline
from crm_online.replay import replay
from crm_online.settings import ChangeSettings, PrivacySettings, Settings
from crm_online.store import Store, open_store
from crm_online.store.keys import SENT
from tests.engine import shop
from tests.engine.pipelines import settings
from tests.servers.embedded import emptied


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def begun(store: Store, given: Settings) -> Store:
    emptied(store).initialise(given.replay.partitions, json.dumps(given.shaping(), sort_keys=True))
    return store


def bought(customer: str, minutes: float, *items: str, basket: str | None = None, name: str | None = None) -> Event:
    at = shop.START + int(minutes * 60_000)
    return shop.order(customer, at, *((item, 1.0, 2.0) for item in items), basket=basket, name=name)


def ingest(log: EventLog, requests: list[list[Event]]) -> list[list[int]]:
    return [outcome.far for outcome in log.ingest([SentEvents(events) for events in requests])]


def rest(log: EventLog) -> None:
    while log.drain_step():
        pass


def counts(store: Store) -> dict[str, int]:
    states = Lookup(store).states
    names = ("accepted", "duplicates", "rejected", "baskets", "customers", "unknown_fields")
    return {name: sum(getattr(state, name) for state in states) for name in names}


@pytest.mark.parametrize("partitions", [1, 3])
def test_requests_that_wait_together_are_one_step_of_each_partition(redis: Store, partitions: int) -> None:
    given = settings(partitions=partitions)
    log = EventLog(begun(redis, given), given)
    requests = [[bought(f"c{n}", n, "tea", name=f"e{n}")] for n in range(20)]
    assert ingest(log, requests) == [[]] * 20
    assert ingest(log, [[bought("c1", 1, "tea", name="e1")], [bought("c2", 30, "milk", name="e30")]]) == [[], []]
    found = counts(redis)
    assert (found["accepted"], found["duplicates"], found["customers"], found["baskets"]) == (21, 1, 20, 21)
    for number in range(partitions):
        assert redis.partition(number).positions() == {SENT: 22}
    assert Lookup(redis).verify()["ok"]


def test_an_event_too_far_ahead_refuses_its_request_and_no_other(redis: Store) -> None:
    given = settings()
    log = EventLog(begun(redis, given), given, now=lambda: shop.START / 1000)
    far = 60 * 24 * 31.0
    assert ingest(
        log, [[bought("a", 0, "tea")], [bought("b", 1, "tea"), bought("b", far, "tea")], [bought("c", 2, "tea")]]
    )
    assert ingest(log, [[bought("d", 3, "tea"), bought("d", far, "tea")]]) == [[1]]
    assert (counts(redis)["accepted"], counts(redis)["rejected"]) == (2, 0)
    assert [ingest(log, [[bought(f"e{n}", far + n, "tea")]]) for n in range(12)][-1] == [[0]], (
        "a clock needs no witness"
    )
    assert ingest(log, [[bought("e", 60 * 24 * 29.0, "tea")]]) == [[]]


def test_which_event_is_too_far_ahead_is_right_beside_an_erasure_under_two_keys(redis: Store, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"k2 {'2' * 64}\nk1 {'1' * 64}\n")
    given = settings().model_copy(update={"privacy": PrivacySettings(secret_file=tmp_path / "secret")})
    log = EventLog(begun(redis, given), given, now=lambda: shop.START / 1000)
    far = bought("b", 60 * 24 * 31.0, "tea")
    assert ingest(log, [[shop.erase("a", shop.START), far, bought("c", 0, "tea"), far]]) == [[1, 3]]


def test_the_first_event_after_an_idle_year_is_accepted_as_the_clock_has_gone_on_too(redis: Store) -> None:
    given = settings(partitions=2)
    log = EventLog(begun(redis, given), given, now=lambda: shop.START / 1000 + 86_400 * 365)
    assert ingest(log, [[bought("a", 0, "tea")]]) == [[]]
    assert ingest(log, [[bought("b", 60 * 24 * 365.0, "tea")]]) == [[]]
    assert Lookup(redis).watermark == shop.START + 365 * 86_400_000


def test_a_baskets_lines_may_come_in_several_requests_and_it_is_counted_when_nothing_more_comes(redis: Store) -> None:
    given, clock = settings(), Clock()
    log = EventLog(begun(redis, given), given, clock)
    ingest(log, [[bought("a", 0, "tea", basket="b1")]])
    ingest(log, [[bought("a", 5, "milk", basket="b1")]])
    assert log.tick() == pytest.approx(1800.001)
    clock.now = 1800.0
    assert log.tick() == pytest.approx(0.001)
    assert counts(redis)["baskets"] == 0
    clock.now = 100_000.0
    assert log.tick() is None
    assert counts(redis)["baskets"] == 1
    watermark = Lookup(redis).watermark
    assert watermark == shop.START + 5 * 60_000 + 1_800_001, "event time outruns the log no further than a basket waits"
    ingest(log, [[bought("a", 6, "jam", basket="b2", name="late")]])
    assert counts(redis)["accepted"] == 3


def test_a_partition_that_was_claimed_by_another_is_claimed_back_and_the_batch_counts_once(redis: Store) -> None:
    given = settings(partitions=2)
    log = EventLog(begun(redis, given), given)
    ingest(log, [[bought(f"c{n}", n, "tea") for n in range(9)]])
    PartitionPipeline(redis, given, 1, 2)  # a replay: the first partition commits, the second is refused
    ingest(log, [[bought(f"c{n}", n, "tea") for n in range(9)]])
    assert counts(redis)["accepted"] == 18


def test_work_that_is_left_over_is_let_go_when_another_process_has_the_partition(redis: Store) -> None:
    given = settings(k=2, min_customers=10)
    log = EventLog(begun(redis, given), given)
    ingest(log, [[bought(f"c{n}", 60 * 24 * n, *["tea"] * (n % 3 + 1)) for n in range(20)]])
    other = PartitionPipeline(redis, given, 0, 1)
    with pytest.raises(OwnerLost):
        rest(log)
    assert other.holds_claim(), "only events claim it back"
    assert not log.drain_step()


def test_a_model_is_fitted_in_the_steps_after(redis: Store) -> None:
    given = settings(k=2, min_customers=10)
    log = EventLog(begun(redis, given), given)
    ingest(log, [[bought(f"c{n}", 60 * 24 * n, *["tea"] * (n % 3 + 1)) for n in range(20)]])
    rest(log)
    found = Lookup(redis)
    assert found.segments()["model_version"] == 1
    assert found.verify()["ok"]


def test_the_outbox_keeps_the_last_changes_only(redis: Store) -> None:
    given = settings(k=2, min_customers=10).model_copy(update={"changes": ChangeSettings(keep=1000)})
    log = EventLog(begun(redis, given), given)
    for day in range(0, 1200, 40):
        ingest(log, [[bought(f"c{n}-{day}", 60 * 24 * (day + n / 50), *["tea"] * (n % 3 + 1)) for n in range(50)]])
        rest(log)
    partition = redis.partition(0)
    last = partition.changes()[-1].sequence
    assert last > 1500
    log.close()
    assert [entry.sequence for entry in partition.outbox()] == list(range(last - 999, last + 1))


def test_events_that_are_not_given_an_id_are_each_their_own(redis: Store) -> None:
    given = settings()
    begun(redis, given)
    for _ in range(2):
        ingest(EventLog(redis, given), [[bought("a", 0, "tea")], [bought("a", 0, "tea")]])
    assert (counts(redis)["accepted"], counts(redis)["duplicates"]) == (4, 0)


def test_an_erase_forgets_and_unknown_fields_are_counted(redis: Store) -> None:
    given = settings()
    log = EventLog(begun(redis, given), given)
    view = EVENT.validate_python({"type": "view", "customer_id": "a", "time": "2024-01-01", "mood": "fine"})
    ingest(log, [[view], [shop.erase("a", shop.START + 60_000)]])
    assert redis.partition(0).hash_get(CUSTOMERS, [b"a"]) == [None]
    assert counts(redis)["unknown_fields"] == 1


def test_a_replay_goes_on_with_a_state_that_accepted_events(tmp_path: Path) -> None:
    given = settings()
    state = str(tmp_path / "state")
    path = tmp_path / "log.jsonl"
    path.write_text('{"type":"view","customer_id":"a","time":"2023-11-20","item":"tea"}\n')
    with open_store(state) as store:
        ingest(EventLog(begun(store, given), given), [[bought("a", 0, "tea")]])
    assert replay([path], settings=given, state=state).accepted == 1
    with open_store(state) as store:
        assert counts(store)["accepted"] == 2


def test_guessed_ids_that_others_send_first_or_as_another_type_make_no_event_a_duplicate(redis: Store) -> None:
    given = settings(partitions=2)
    log = EventLog(begun(redis, given), given)
    orders = [bought(f"c{n % 4}", n, "tea", name=f"order-{n}") for n in range(20)]
    guessed = [bought(f"c{n % 4}", 0, "free", name=f"order-{n}") for n in range(20)]
    views = [shop.view(f"c{n % 4}", shop.START, "tea", name=f"order-{n}") for n in range(20)]
    sent = [SentEvents(guessed, "guest"), SentEvents(views, "till"), SentEvents(orders, "till")]
    assert [outcome.duplicates for outcome in log.ingest(sent[:2])] == [0, 0]
    assert log.ingest(sent[2:])[0].duplicates == 0
    again = [SentEvents([bought("new", 1, "tea")]), sent[2], SentEvents(orders[:3], "till"), SentEvents(orders[:3])]
    assert [outcome.duplicates for outcome in log.ingest(again[:3])] == [0, 20, 3]
    assert log.ingest(again[3:])[0].duplicates == 0, "the logs' own ids are no key's"
