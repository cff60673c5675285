"""Redis or the broker does not answer, is full, slow or refuses: a worker shows it and waits, and nothing is lost."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kafka.service import Service
from tests.kafka.small_log import Slice, log, slices
from tests.kafka.waiting import until, until_read
from tests.servers.broker import Broker
from tests.servers.slow_link import SlowLink
from tests.servers.workers import Worker

USER, PASSWORD = "crm", "not-to-be-logged"
SETTINGS = ("kafka.session_timeout=2s", "worker.stall=6s", "replay.step=100")
SLICES = 12


@dataclass
class Shop:
    """A service with one worker, and what its customers will do next."""

    service: Service
    worker: Worker
    ahead: Iterator[Slice]

    def go_on(self) -> Slice:
        """Let the next events come."""
        part = next(self.ahead)
        self.service.send(part.records)
        return part

    def check(self, part: Slice) -> None:
        """See that all that was ever sent is counted and published, once, and that the log looks as it should."""
        self.service.finish(part.end)
        assert self.service.wrong(part.end) == []
        text = self.worker.log.read_text()
        assert "Traceback" not in text
        assert PASSWORD not in text
        assert len(self.worker.logged()) == len(text.splitlines()), "a line is no JSON"


@pytest.fixture(scope="module")
def shop(shared_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Start one worker, which must live through all outages."""
    prefix = f"outages-{uuid.uuid4().hex[:8]}."
    folder = tmp_path_factory.mktemp("outages")
    users = folder / "users.acl"
    users.write_text(f"user default on nopass ~* &* +@all\nuser {USER} on >{PASSWORD} ~{{crm* +@all\n")
    with Service(shared_broker, folder, prefix, SETTINGS, redis_options={"aclfile": str(users)}) as service:
        state = f"redis://{USER}:{PASSWORD}@localhost:{service.redis.port}"
        worker = service.worker(state=state).wait_ready()
        yield Shop(service, worker, iter(slices(log(60, 60, 3), SLICES)))
        assert worker.stop() == 0


def until_shown(worker: Worker, reason: str) -> None:
    """Wait until ``/readyz`` says why the worker waits."""
    until(
        lambda: any(reason in why for why in worker.reasons() or []) or not worker.running,
        lambda: f"/readyz does not say {reason!r}, but {worker.reasons()}:\n{worker.last_lines()}",
    )
    assert worker.running, worker.last_lines()


def logged(worker: Worker, *parts: str) -> bool:
    """Tell whether a line of the log has all these parts."""
    return any(all(part in str(line["message"]) for part in parts) for line in worker.logged())


@contextmanager
def killed(service: Service) -> Iterator[None]:
    service.redis.kill()
    try:
        yield
    finally:
        service.redis.start()


@contextmanager
def suspended(service: Service) -> Iterator[None]:
    service.redis.suspend()
    try:
        yield
    finally:
        service.redis.resume()


@contextmanager
def full(service: Service) -> Iterator[None]:
    service.redis.limit(1_000_000)
    try:
        yield
    finally:
        service.redis.limit(0)


@contextmanager
def read_only(service: Service) -> Iterator[None]:
    service.redis.admin.replicaof("localhost", 1)
    try:
        yield
    finally:
        service.redis.admin.replicaof("NO", "ONE")


@contextmanager
def without_rights(service: Service) -> Iterator[None]:
    service.redis.admin.acl_setuser(USER, enabled=True, commands=["-@scripting"], keys=["{crm*"])
    try:
        yield
    finally:
        service.redis.admin.acl_setuser(USER, enabled=True, commands=["+@all"], keys=["{crm*"])


@contextmanager
def with_another_password(service: Service) -> Iterator[None]:
    def change(old: str, new: str) -> None:
        service.redis.admin.acl_setuser(USER, enabled=True, passwords=[f"-{old}", f"+{new}"])

    change(PASSWORD, "another")
    for client in service.redis.admin.client_list():
        if client["user"] == USER:
            service.redis.admin.client_kill_filter(_id=client["id"])
    try:
        yield
    finally:
        change("another", PASSWORD)


@contextmanager
def broker_killed(service: Service) -> Iterator[None]:
    service.broker.kill()
    try:
        yield
    finally:
        service.broker.start()


@contextmanager
def broker_suspended(service: Service) -> Iterator[None]:
    service.broker.suspend()
    try:
        yield
    finally:
        service.broker.resume()


Outage = Callable[[Service], AbstractContextManager[None]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("outage", "reason"),
    [
        (killed, "cannot be reached"),
        (suspended, "does not answer"),
        (full, "is full"),
        (read_only, "is a read-only replica"),
        (without_rights, "does not let this user"),
        (with_another_password, "does not accept this user name and password"),
    ],
)
def test_a_worker_waits_for_redis_and_says_why(shop: Shop, outage: Outage, reason: str) -> None:
    with outage(shop.service):
        part = shop.go_on()
        until_shown(shop.worker, reason)
        assert shop.worker.ready() is False
        assert logged(shop.worker, "waits for the store", reason)
    shop.worker.wait_ready()
    shop.check(part)


@pytest.mark.slow
@pytest.mark.parametrize("outage", [broker_killed, broker_suspended])
def test_a_worker_waits_for_the_broker_and_says_why(shop: Shop, outage: Outage) -> None:
    with outage(shop.service):
        until_shown(shop.worker, "no answer from Kafka at 127.0.0.1")
        assert shop.worker.ready() is False
        assert logged(shop.worker, "waits for the broker")
    shop.worker.wait_ready()
    shop.check(shop.go_on())


@pytest.mark.slow
def test_started_before_broker_and_redis_a_worker_waits_for_both(broker: Broker, prefix: str, tmp_path: Path) -> None:
    part = slices(log(60, 60, 3), SLICES)[0]
    with Service(broker, tmp_path, prefix, SETTINGS) as service:
        service.redis.kill()
        broker.kill()
        worker = service.worker()
        until_shown(worker, "Redis at localhost")
        service.redis.start()
        until_shown(worker, "Kafka at 127.0.0.1")
        assert worker.ready() is False
        broker.start()
        worker.wait_ready()
        shop = Shop(service, worker, iter([part]))
        shop.check(shop.go_on())


@pytest.mark.slow
def test_a_redis_that_takes_half_a_second_for_each_answer_is_shown_and_nothing_is_lost_or_claimed_again(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    first, second, *_ = slices(log(60, 60, 3), SLICES)
    with (
        Service(broker, tmp_path, prefix, ["kafka.session_timeout=2s", "kafka.tick=3s"]) as service,
        SlowLink(service.redis.port) as link,
    ):
        worker = service.worker(state=f"redis://localhost:{link.port}").wait_ready()
        shop = Shop(service, worker, iter([first, second]))
        shop.check(shop.go_on())
        claims = len([line for line in worker.logged() if "claimed" in str(line["message"])])
        link.delay = 0.5
        part = shop.go_on()
        until_read(broker.client, service.redis, prefix)
        worker.wait_unready()
        assert any("the store is slow" in reason for reason in worker.reasons() or [])
        assert worker.metric("crm_online_commit_seconds_sum") > 0.5
        link.delay = 0.0
        worker.wait_ready()
        shop.check(part)
        assert claims == len([line for line in worker.logged() if "claimed" in str(line["message"])])
