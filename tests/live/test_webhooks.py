"""Webhooks: each change at least once, in order for each customer, signed, and to no address that is not allowed."""

from __future__ import annotations

import asyncio
import ipaddress
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import pytest

from crm_online.answers.customers import Reason
from crm_online.errors import DeliveryFailed, InputError
from crm_online.live.feeds.events import FeedEvent
from crm_online.live.threads import Threads
from crm_online.live.webhooks import stored
from crm_online.live.webhooks.addresses import is_allowed, resolve
from crm_online.live.webhooks.queue import DeliveryQueue
from crm_online.live.webhooks.sender import WebhookSender
from crm_online.settings import WebhookSettings
from crm_online.settings.webhooks import REASONS
from crm_online.step import ChangeId
from crm_online.store import HashWrite, Store
from tests.command import printed
from tests.live.feeding import PATIENCE, Log, hub, move, name, reject, rule, segment
from tests.servers.receiver import Message, Taker, receiving, unreliable
from tests.servers.serving import serving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER = "whsec_TW9zdCBzZWNyZXRzIGFyZSBub3Qgc28gc2hvcnQ="


def settings(taker: Taker, **given: Any) -> WebhookSettings:
    """Return the settings of a webhook that is soon tries again."""
    usual = {"secret": SECRET, "private_networks": ["127.0.0.0/8"], "timeout": "20s", "longest_pause": "50ms"}
    return WebhookSettings.model_validate({"url": taker.url} | usual | given)


@asynccontextmanager
async def sending(store: Store, taker: Taker, **given: Any) -> AsyncIterator[WebhookSender]:
    """Send the changes of a store to a receiver, from now on or from where it was."""
    async with hub(store) as changes:
        sender = WebhookSender(store, changes, {"crm": settings(taker, **given)}, every=0.02)
        await sender.start()
        try:
            await until(lambda: stored.read_progress(store.partition(0), "crm") is not None)
            yield sender
        finally:
            await sender.stop()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.02)


def cursor_of(store: Store) -> str:
    progress = stored.read_progress(store.partition(0), "crm")
    return progress.cursor if progress else ""


def in_order(taker: Taker, log: Log) -> None:
    """Check that each change was taken, and those of each customer in their order."""
    kept = [entry for part in log.parts for entry in part.changes()]
    assert sorted(taker.ids) == sorted(str(entry.id) for entry in kept)
    first = {change: at for at, change in enumerate(taker.ids)}
    for customer in {entry.key for entry in kept}:
        places = [first[str(entry.id)] for entry in kept if entry.key == customer]
        assert places == sorted(places), customer


def test_all_changes_come_through_to_a_receiver_that_fails_hangs_and_closes_though_the_service_is_killed(
    redis: Store, tmp_path: Path
) -> None:
    log, taker, each = Log(redis, partitions=2), Taker(unreliable(7)), 800
    with receiving(taker):
        hook = f"webhooks.crm.url={taker.url}", f"webhooks.crm.secret={SECRET}", "webhooks.crm.timeout=200ms"
        more = "webhooks.crm.private_networks=127.0.0.0/8", "webhooks.crm.longest_pause=50ms"
        assert redis.url is not None
        options = [part for one in (*hook, *more) for part in ("--set", one)]
        with serving(tmp_path, "--state", redis.url, *options) as served:
            asyncio.run(until(lambda: stored.read_progress(redis.partition(0), "crm") is not None))
            log.commit(*(move(f"c{number % 200}") for number in range(each)))
            asyncio.run(until(lambda: len(taker.ids) > each // 3))
            served.kill()
            first = len(taker.ids)
            log.commit(*(move(f"d{number % 200}") for number in range(each)), partition=1)
            served.start()
            asyncio.run(until(lambda: len(taker.ids) == 2 * each))
            printed(tmp_path, "webhooks", "list", "--state", redis.url, *options)
            served.stop()
    assert 0 < first < 2 * each
    assert len(taker.taken) > 2 * each
    in_order(taker, log)


def test_messages_are_signed_so_that_the_library_of_standard_webhooks_takes_them(redis: Store, tmp_path: Path) -> None:
    library = pytest.importorskip("standardwebhooks")
    log, taker, file = Log(redis), Taker(), tmp_path / "secret"
    file.write_text(f"{SECRET}\n{OLDER}\n")

    async def run() -> None:
        async with sending(redis, taker, secret=None, secret_file=str(file)):
            log.commit(move("Zoë"))
            await until(lambda: bool(taker.taken))

    with receiving(taker):
        asyncio.run(run())
    (message,) = taker.taken
    for secret in (SECRET, OLDER):
        assert library.Webhook(secret).verify(message.body, dict(message.headers)) == message.value
    assert message.value["type"] == "segment-change"
    assert message.value["data"]["change_id"] == message.id == "0-0-1"
    with pytest.raises(library.WebhookVerificationError):
        library.Webhook(SECRET).verify(message.body.replace(b"Zo", b"Za"), dict(message.headers))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"c1", "c2", "gone", "s1", "rule"}),
        ({"kinds": "rule"}, {"rule"}),
        ({"kinds": "reject"}, {"bad"}),
        ({"segments": "b"}, {"c1", "gone"}),
        ({"segments": "s1", "items": "tea"}, {"s1", "rule", "gone"}),
        ({"items": ["milk"]}, set[str]()),
        ({"segments": "b", "reasons": "lapse"}, {"gone"}),
        ({"segments": "c", "kinds": "segment-change"}, {"c2", "gone"}),
        ({"segments": "s1", "kinds": "segment"}, {"s1"}),
        ({"reasons": "event", "kinds": "segment-change"}, {"c1", "gone"}),
        ({"reasons": "lapse,erase", "kinds": "segment-change"}, {"c2", "gone"}),
    ],
)
def test_a_webhook_gets_what_its_settings_name_and_nothing_else(
    redis: Store, given: dict[str, Any], expected: set[str]
) -> None:
    log, taker = Log(redis), Taker()

    def about(message: Message) -> str:
        data = message.value["data"]
        return str(data.get("id") or data.get("reason", "rule") if message.value["type"] != "segment-change" else "")

    async def run() -> None:
        async with sending(redis, taker, **given):
            log.commit(move("c1", to="b", reason="event"), move("c2", to="a", left="c", reason="lapse"))
            log.commit(segment("s1"), rule(["tea"], ["cup"]), reject("bad"))
            last = log.commit(move("gone", to=None, left="b", reason="erase"))[-1]
            end = name(0, last)
            await until(lambda: cursor_of(redis) == end)

    with receiving(taker):
        asyncio.run(run())
    assert {about(one) or one.value["data"]["customer_id"] for one in taker.taken} == expected


def test_what_cannot_be_delivered_is_a_dead_letter_that_can_be_sent_again_and_holds_nobody_up(
    redis: Store, tmp_path: Path
) -> None:
    log, mended = Log(redis), list[bool]()
    taker = Taker(lambda message: "refuse" if message.id == "0-0-1" and not mended else "take")
    part = redis.partition(0)
    where = [
        "--state",
        str(redis.url),
        *("--set", "webhooks.crm.url=http://x", "--set", f"webhooks.crm.secret={SECRET}"),
    ]

    async def run() -> None:
        async with sending(redis, taker) as sender:
            log.commit(move("c1"), move("c1", to="c", left="b"), move("c2"))
            await until(lambda: cursor_of(redis) == "0-0-3")
            (letter,) = stored.read_letters(part, "crm")
            assert (letter.change_id, letter.attempts, letter.error) == ("0-0-1", 5, "status 400")
            (status,) = await sender.statuses()
            assert (status.delivered, status.dead_letters, status.behind) == (2, 1, 0)
            with pytest.raises(InputError, match="has no dead letter 0-0-9"):
                await sender.request_again("crm", ["0-0-9"])
            mended.append(True)
            await asyncio.to_thread(printed, tmp_path, "webhooks", "resend", "crm", *where)
            await until(lambda: not stored.read_letters(part, "crm"))
            assert sorted(taker.ids[:2]) == ["0-0-2", "0-0-3"]
            assert taker.ids[2:] == ["0-0-1"]
            assert dict(part.hash_all(stored.REQUESTS)) == {}

    with receiving(taker):
        asyncio.run(run())


def test_dead_letters_are_sent_again_once_each_and_no_more_at_a_time_than_may_be_under_way(
    redis: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm_online.live.webhooks.queue._WINDOW", 2)
    log, part, many, mended = Log(redis), redis.partition(0), 7, list[bool]()
    taker, sizes, reads = Taker(lambda _: "take" if mended else "refuse"), [0], list[ChangeId]()
    send_again = DeliveryQueue.send_again

    def noted(queue: DeliveryQueue, event: FeedEvent) -> None:
        send_again(queue, event)
        reads.append(event.id)
        sizes.append(len(queue._again))

    async def run() -> None:
        async with sending(redis, taker):
            log.commit(*(move("c1") for _ in range(many)))
            await until(lambda: len(stored.read_letters(part, "crm")) == many)
            mended.append(True)
            stored.request_again(part, "crm")
            await until(lambda: not dict(part.hash_all(stored.REQUESTS)))

    monkeypatch.setattr(DeliveryQueue, "send_again", noted)
    with receiving(taker):
        asyncio.run(run())
    assert stored.read_letters(part, "crm") == []
    assert max(sizes) <= 2
    assert len(reads) == len(set(reads)) == many


def test_a_dead_letter_of_an_erased_customer_cannot_be_sent_again(redis: Store) -> None:
    log, part = Log(redis), redis.partition(0)
    taker = Taker(lambda message: "refuse" if message.id == "0-0-1" else "take")

    async def run() -> None:
        async with sending(redis, taker):
            log.commit(move("c1"))
            await until(lambda: len(stored.read_letters(part, "crm")) == 1)
            (raw,) = dict(part.hash_all(stored.letters_name("crm"))).values()
            assert b"c1" not in raw
            log.commit(move("c1", to=None, reason="erase"), erased="c1")
            asked = taker.asked
            stored.request_again(part, "crm")
            await until(lambda: not stored.read_letters(part, "crm"))
            assert taker.ids == ["0-0-2"]
            assert taker.asked <= asked + 1

    with receiving(taker):
        asyncio.run(run())


def test_what_waits_of_a_customer_is_not_sent_after_the_erasure(redis: Store) -> None:
    log, open_ = Log(redis), list[bool]()
    taker = Taker(lambda message: "take" if open_ else "fail")

    async def run() -> None:
        async with sending(redis, taker, kinds="segment-change,reject"):
            log.commit(move("c1"), move("c2"), (reject("bad")[0], "", {"reason": "bad", "raw": '{"customer_id":"c1"}'}))
            await until(lambda: taker.asked > 4)
            last = log.commit(move("c1", to=None, reason="erase"), erased="c1")[-1]
            await until(lambda: any(one.id == name(0, last) for one in taker.taken) or taker.asked > 12)
            open_.append(True)
            await until(lambda: len(taker.ids) == 2)

    with receiving(taker):
        asyncio.run(run())
    assert sorted(taker.ids) == ["0-0-2", "0-0-4"]


def test_what_waits_of_a_customer_is_not_sent_after_the_erasure_though_as_much_waits_as_may(
    redis: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm_online.live.webhooks.queue._WINDOW", 20)
    log, open_, waiting = Log(redis), list[bool](), [0]
    taker = Taker(lambda message: "take" if open_ else "fail")

    async def run() -> None:
        async with hub(redis) as changes:
            hook = {"crm": settings(taker)}
            sender = WebhookSender(redis, changes, hook, waiting=lambda _, n: waiting.append(n), every=0.02)
            await sender.start()
            await until(lambda: stored.read_progress(redis.partition(0), "crm") is not None)
            log.commit(move("c1"), *(move("c2") for _ in range(30)))
            await until(lambda: waiting[-1] == 31)
            last = log.commit(move("c1", to=None, reason="erase"), move("c1"), erased="c1")[-1]
            await until(lambda: str(changes.shared.ring.last[0]) == name(0, last))
            assert max(waiting) == 31, "no more is read, whether what is dropped has left already or not"
            open_.append(True)
            await until(lambda: len(taker.ids) == 32)
            await sender.stop()

    with receiving(taker):
        asyncio.run(run())
    assert "0-0-1" not in taker.ids
    assert {"0-0-32", "0-0-33"} < set(taker.ids)


def test_one_process_sends_at_a_time_and_another_goes_on_where_it_stopped(redis: Store) -> None:
    log, first, second = Log(redis), Taker(), Taker()

    async def run() -> None:
        async with sending(redis, first) as one, hub(redis) as changes:
            other = WebhookSender(redis, changes, {"crm": settings(second)}, every=0.02)
            await other.start()
            log.commit(move("c1"), move("c2"))
            # Taken is not yet settled: what is not, the other one sends again.
            await until(lambda: cursor_of(redis) == "0-0-2")
            assert not redis.lease(stored.LEASE, 1.0).hold()
            assert not redis.lease(stored.LEASE, 1.0).keep([HashWrite("webhooks", "crm", b"stolen")])
            await one.stop()
            log.commit(move("c3"))
            await until(lambda: bool(second.taken))
            await other.stop()

    with receiving(first), receiving(second):
        asyncio.run(run())
    assert (first.ids, second.ids) == (["0-0-1", "0-0-2"], ["0-0-3"])


def test_changes_that_are_kept_no_more_are_told_as_a_gap(redis: Store) -> None:
    log, taker = Log(redis, keep=1000), Taker()

    async def run() -> None:
        async with sending(redis, taker):
            log.commit(move("c1"))
            await until(lambda: cursor_of(redis) == "0-0-1")
        for _ in range(3):
            log.many(900)
        async with sending(redis, taker):
            await until(lambda: any(one.id.startswith("gap-") for one in taker.taken))

    with receiving(taker):
        asyncio.run(run())
    gap = next(one.value for one in taker.taken if one.id.startswith("gap-"))
    assert gap["type"] == "gap"
    assert (gap["data"]["after"], gap["data"]["reason"]) == ("0-0-1", "trimmed")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.8", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.8"),
        *("64:ff9b::a00:8", "2002:a00:8::1", "::ffff:127.0.0.1", "64:ff9b:1::a00:8", "::127.0.0.1", "::10.0.0.8"),
        *("::ffff:0:10.0.0.8", "fec0::1", "5f00::1", "3fff::1", "2001:db8::1", "2001:0:a00:8::1", "192.0.0.170"),
        *("192.88.99.1", "198.18.0.1", "240.0.0.1"),
    ],
)
def test_addresses_inside_the_own_network_are_refused_unless_allowed(address: str) -> None:
    found = ipaddress.ip_address(address)
    assert not is_allowed(found, [])
    mapped = getattr(found, "ipv4_mapped", None) or found
    assert is_allowed(found, [ipaddress.ip_network(mapped)])


@pytest.mark.parametrize("host", ["hooks..shop.example", f"{'a' * 64}.shop.example"])
def test_a_name_that_cannot_be_one_is_a_delivery_that_failed(host: str) -> None:
    with pytest.raises(DeliveryFailed, match="has no address"):
        asyncio.run(resolve(host, 80, [], Threads(1, "test")))


def test_names_are_looked_up_while_all_threads_of_asyncio_hang(redis: Store) -> None:
    log, taker, release = Log(redis), Taker(), threading.Event()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        async with sending(redis, taker):
            hanging = loop.run_in_executor(None, release.wait)
            try:
                log.commit(move("c1"))
                await until(lambda: bool(taker.taken))
            finally:
                release.set()
                await hanging

    with receiving(taker):
        asyncio.run(run())


def test_a_delivery_that_fails_in_an_unknown_way_is_seen_and_not_lost(
    redis: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log, taker, looked = Log(redis), Taker(), list[str]()
    part = redis.partition(0)

    async def failing(host: str, port: int, private: Any, threads: Threads) -> str:
        looked.append(host)
        if len(looked) == 1:
            raise RuntimeError("no such thing")
        return host

    async def run() -> None:
        async with sending(redis, taker):
            log.commit(move("c1"), move("c1"))
            await until(lambda: cursor_of(redis) == "0-0-2")

    monkeypatch.setattr("crm_online.live.webhooks.receiver.resolve", failing)
    with receiving(taker):
        asyncio.run(run())
    assert taker.ids == ["0-0-1", "0-0-2"]
    assert "no such thing" in caplog.text
    assert stored.read_letters(part, "crm") == []


def test_a_name_that_leads_inside_is_refused_and_nothing_is_sent(redis: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for host in ("localhost", "127.1", "0x7f000001", "::1"):
        with pytest.raises(DeliveryFailed, match="not public"):
            asyncio.run(resolve(host, 80, [], Threads(1, "test")))
    log, taker, looked = Log(redis), Taker(), list[str]()

    async def rebinding(host: str, port: int, private: Any, threads: Threads) -> str:
        # The first look-up of a name that changes from one to the next; who connects by name would look again.
        looked.append(host)
        return "127.0.0.1"

    async def run() -> None:
        async with sending(redis, taker):
            log.commit(move("c1"))
            await until(lambda: len(taker.taken) == 1)

    with receiving(taker):
        taker.url = taker.url.replace("127.0.0.1", "shop.invalid")
        monkeypatch.setattr("crm_online.live.webhooks.receiver.resolve", rebinding)
        asyncio.run(run())
    # It was connected to the address that was looked at, under the name: nothing resolves shop.invalid.
    assert looked == ["shop.invalid"]
    assert taker.taken[0].headers["host"].startswith("shop.invalid:")


def test_the_reasons_of_the_settings_are_those_there_are() -> None:
    assert get_args(Reason) == REASONS
