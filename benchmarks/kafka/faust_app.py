"""The idiomatic Faust app: an agent on the topic, event by event.

``python -m benchmarks.kafka.faust_app BROKERS TOPIC STATE``.
"""

from __future__ import annotations

import sys
from typing import Any

import faust
from faust.types import StreamT

from benchmarks.kafka.work import PlainWork


def main(brokers: str, topic: str, state: str) -> None:
    """Run it until it is killed."""
    app = faust.App(
        "plain-faust",
        broker=f"kafka://{brokers}",
        store="memory://",
        value_serializer="json",
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        web_enabled=False,
    )
    work = PlainWork(state)

    @app.agent(app.topic(topic))
    async def mine(events: StreamT[dict[str, Any]]) -> None:
        async for event in events:
            work.take(event)

    faust.Worker(app, loglevel="warning").execute_from_commandline()


if __name__ == "__main__":
    main(*sys.argv[1:])
