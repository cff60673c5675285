"""A worker with one fence switched off: ``python without.py FENCE worker …``; to show what the fence is for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from crm_online.cli import main
from crm_online.store import Fences, state
from streams import fetching, publisher


def _owner(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(state, "Fences", lambda: Fences(owner=False))


def _position(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(state, "Fences", lambda: Fences(position=False))


def _holes(patch: pytest.MonkeyPatch) -> None:
    """Look at no offsets, and lose every fifth fetch."""
    skip_batches(patch)
    patch.setattr(state, "Fences", lambda: Fences(holes=False))

    async def nothing_lost(*_: object) -> None:
        return None

    patch.setattr(fetching.GapVerifier, "first_lost", nothing_lost)


def skip_batches(patch: pytest.MonkeyPatch) -> None:
    """Let every fifth fetch lose what it has fetched."""
    fetch, calls = AIOKafkaConsumer.getmany, [0]

    async def getmany(self: AIOKafkaConsumer, *places: Any, **options: Any) -> Any:
        found = await fetch(self, *places, **options)
        # Only the event consumer asks for all partitions at once.
        if found and not places:
            calls[0] += 1
            if calls[0] % 5 == 0:
                return {}
        return found

    patch.setattr(AIOKafkaConsumer, "getmany", getmany)


def _producer(patch: pytest.MonkeyPatch) -> None:
    """Publish under a name of one's own, so that no later owner shuts this one out."""

    def unfenced(**options: Any) -> Any:
        return AIOKafkaProducer(**options | {"transactional_id": uuid4().hex})

    patch.setattr(publisher, "AIOKafkaProducer", unfenced)


def _await(patch: pytest.MonkeyPatch) -> None:
    """Send without looking at what became of it."""

    async def send_one(self: publisher.Publisher, producer: Any, output: Any) -> Any:
        await _SEND_ONE(self, producer, output)
        return _done()

    async def _done() -> None:
        return None

    patch.setattr(publisher.Publisher, "_send_one", send_one)


_SEND_ONE = publisher.Publisher._send_one
FENCES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "owner": _owner,
    "position": _position,
    "holes": _holes,
    "producer": _producer,
    "await": _await,
    # All fences on, but fetches skip: what the check for holes must mend.
    "skips": skip_batches,
}

if __name__ == "__main__":
    FENCES[sys.argv[1]](pytest.MonkeyPatch())
    del sys.argv[1]
    main()
