"""Health and metrics over HTTP, asked for by a real client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from crm_online.errors import InvalidSetting
from streams.health import Health, serving
from streams.metrics import WorkerMetrics

Ask = Callable[..., Awaitable[tuple[int, Any]]]


def served(health: Health, script: Callable[[Ask], Awaitable[None]], listen: str = "127.0.0.1:0") -> None:
    """Serve, and run a script with what asks the server: ``await ask(path)`` gives status and body."""

    async def run() -> None:
        async with serving(listen, WorkerMetrics(), health) as address, aiohttp.ClientSession() as session:

            async def ask(path: str, method: str = "GET") -> tuple[int, Any]:
                async with session.request(method, f"http://{address}{path}") as answer:
                    body = await answer.text()
                    return answer.status, await answer.json() if "json" in answer.content_type else body

            await script(ask)

    asyncio.run(run())


def claimed() -> Health:
    health = Health()
    health.partitions({0}, {0})
    return health


def test_a_worker_is_not_ready_before_its_partitions_are_claimed() -> None:
    health = Health()
    assert not health.ready
    health.partitions({0, 2, 5}, {2})
    assert health.reasons == ["partitions: not yet claimed: 0, 5"]
    health.partitions({0, 2, 5}, {0, 2, 5})
    assert health.ready


def test_a_worker_with_nothing_assigned_is_ready_to_take_over() -> None:
    health = Health()
    health.partitions(set(), set())
    assert health.ready


def test_each_condition_ends_for_itself() -> None:
    health = claimed()
    health.waiting("store", "Redis at db:6379 is full")
    health.waiting("broker", "no answer from kafka:9092")
    health.waiting("store", "Redis at db:6379 is read-only")
    assert health.reasons == ["store: Redis at db:6379 is read-only", "broker: no answer from kafka:9092"]
    health.fine("store")
    assert health.reasons == ["broker: no answer from kafka:9092"]
    health.fine("broker")
    health.fine("broker")
    assert health.ready


def test_readyz_turns_and_healthz_does_not() -> None:
    health = claimed()

    async def script(ask: Ask) -> None:
        assert await ask("/readyz") == (200, {"ready": True, "reasons": []})
        health.waiting("store", "Redis at db:6379 is full")
        assert await ask("/readyz") == (503, {"ready": False, "reasons": ["store: Redis at db:6379 is full"]})
        assert (await ask("/healthz"))[0] == 200
        health.fine("store")
        assert (await ask("/readyz"))[0] == 200

    served(health, script)


def test_metrics_show_whether_the_worker_is_ready() -> None:
    health = claimed()

    async def ready(ask: Ask) -> list[float]:
        status, text = await ask("/metrics")
        assert status == 200
        families = text_string_to_metric_families(text)
        return [sample.value for family in families for sample in family.samples if sample.name == "crm_online_ready"]

    async def script(ask: Ask) -> None:
        assert await ready(ask) == [1]
        health.waiting("broker", "no answer")
        assert await ready(ask) == [0]

    served(health, script)


def test_other_pages_and_other_methods_are_refused() -> None:
    async def script(ask: Ask) -> None:
        assert (await ask("/"))[0] == 404
        assert (await ask("/metrics/"))[0] == 404
        for method in ("HEAD", "POST", "PUT", "DELETE"):
            assert (await ask("/healthz", method))[0] == 405

    served(claimed(), script)


def test_no_password_is_shown() -> None:
    health = claimed()
    health.waiting("store", "redis://scott:tiger@db:6379/0 does not answer")

    async def script(ask: Ask) -> None:
        assert (await ask("/readyz"))[1]["reasons"] == ["store: redis://***@db:6379/0 does not answer"]

    served(health, script)


def test_an_ipv6_address_is_served() -> None:
    if not socket.has_ipv6 or not _can_bind("::1"):
        pytest.skip("this machine has no IPv6")

    async def script(ask: Ask) -> None:
        assert (await ask("/healthz"))[0] == 200

    served(claimed(), script, listen="[::1]:0")


def _can_bind(host: str) -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def test_a_port_in_use_is_one_clear_line_that_names_the_setting() -> None:
    async def run(listen: str) -> None:
        async with serving(listen, WorkerMetrics(), Health()):
            pytest.fail("it was served")

    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(InvalidSetting) as caught:
            asyncio.run(run(listen))
    assert str(caught.value) == f"worker.listen: {listen} cannot be listened on: Address already in use"


def test_a_host_that_is_not_ours_is_one_clear_line_too() -> None:
    async def run() -> None:
        async with serving("no.such.host.invalid:9100", WorkerMetrics(), Health()):
            pytest.fail("it was served")

    with pytest.raises(InvalidSetting, match=r"^worker\.listen: .* cannot be listened on: no such host$"):
        asyncio.run(run())


def test_the_port_is_free_again_when_the_worker_has_stopped() -> None:
    async def run() -> None:
        async with serving("127.0.0.1:0", WorkerMetrics(), Health()) as first:
            pass
        async with serving(first, WorkerMetrics(), Health()) as second:
            assert second == first

    asyncio.run(run())


def test_nothing_is_served_where_it_is_switched_off() -> None:
    async def run() -> None:
        async with serving(None, WorkerMetrics(), Health()) as address:
            assert address is None

    asyncio.run(run())
