"""Waits for what a service is about to do; each ends as soon as it has, and says what is missing if it does not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from typing import Any

import redis

from tests.customers.plain import DAY
from tests.servers.client import KafkaClient
from tests.servers.redis_server import RedisServer
from tests.servers.workers import Worker

SECONDS = 180.0
"""How long anything may take that no criterion limits, on a machine that does other things as well."""
_PAUSE = 0.05


def until(reached: Callable[[], bool], otherwise: Callable[[], str] | str, seconds: float = SECONDS) -> float:
    """Wait until something is reached, and return how many seconds that took.

    Parameters
    ----------
    reached
        Whether it is.
    otherwise
        What is wrong if it is not, in words.
    seconds
        How long it may take.
    """
    began = time.monotonic()
    while not reached():
        if time.monotonic() - began > seconds:
            told = otherwise if isinstance(otherwise, str) else otherwise()
            raise AssertionError(f"after {seconds:g} s: {told}")
        time.sleep(_PAUSE)
    return time.monotonic() - began


def positions(server: RedisServer, prefix: str, partitions: int) -> dict[int, int] | None:
    """Return how far each partition of the events topic is committed; None while Redis does not answer."""
    try:
        found = [server.admin.hget(f"{{crm:{number}}}:positions", f"{prefix}events") for number in range(partitions)]
    except redis.RedisError:
        return None
    return {number: int(at or 0) for number, at in enumerate(found)}


def until_read(client: KafkaClient, server: RedisServer, prefix: str, seconds: float = SECONDS) -> float:
    """Wait until all records of the events topic are committed in Redis."""
    ends = client.end_offsets(f"{prefix}events")

    def told() -> str:
        return f"the log is read to {positions(server, prefix, len(ends))} of {ends}"

    def is_read() -> bool:
        # Commands may put more onto the topic meanwhile.
        found = positions(server, prefix, len(ends))
        return found is not None and all(found[number] >= end for number, end in ends.items())

    return until(is_read, told, seconds)


def until_at_rest(
    server: RedisServer, partitions: int, end_ms: int, workers: Collection[Worker], seconds: float = SECONDS
) -> float:
    """Wait until time has gone on to ``end_ms``, all partitions use one model, and every change is published."""
    return until(
        lambda: not unrest(server, partitions, end_ms, workers),
        lambda: "not at rest: " + "; ".join(unrest(server, partitions, end_ms, workers)),
        seconds,
    )


def unrest(server: RedisServer, partitions: int, end_ms: int, workers: Collection[Worker]) -> list[str]:
    """Return what the partitions and workers have still to do, one thing each."""
    waiting = sum(worker.metric("crm_online_outbox_length") for worker in workers if worker.running)
    found = work_left(server.admin, partitions, end_ms)
    return [*found, *([f"{waiting:g} changes are not published"] if waiting else [])]


def work_left(server: redis.Redis, partitions: int, end_ms: int) -> list[str]:
    """Return what the partitions have still to do by their state, one thing each."""
    found: list[str] = []
    states: list[dict[str, Any]] = []
    versions = set()
    for number in range(partitions):
        raw, sums = (server.get(f"{{crm:{number}}}:{name}") for name in ("engine", "sums"))
        if not isinstance(raw, bytes) or not isinstance(sums, bytes):
            return [f"partition {number} has no state"]
        states.append(json.loads(raw))
        versions.add(json.loads(sums.split(b"\n")[0])["version"])
    for number, state in enumerate(states):
        if (state["watermark"] or 0) < end_ms:
            found.append(f"partition {number} is at {state['watermark']} of {end_ms}")
        if not state["complete"] or state["fit"]["due"] or state["rules_due"]:
            found.append(f"partition {number} has work left")
        if any(int(day) < end_ms // DAY for day in state["waiting"]) and versions != {0}:
            found.append(f"partition {number} has customers to look at")
    told_by = {json.loads(value)["version"] for value in server.hvals("{crm:0}:segments")}
    if (told_by or {0}) != versions:  # before the first model there are no segments
        found.append(f"the partitions are at models {versions}, the segments at {told_by}")
    return found
