"""The same work by Quix Streams: ``python -m benchmarks.kafka.quix_app BROKERS TOPIC STATE``.

It runs in an environment of its own, since Quix Streams asks for older libraries than we do; see the Makefile.
"""

from __future__ import annotations

import sys

from quixstreams import Application

from benchmarks.kafka.work import PlainWork


def main(brokers: str, topic: str, state: str) -> None:
    """Run it until it is killed."""
    app = Application(
        broker_address=brokers,
        consumer_group="plain-quix",
        auto_offset_reset="earliest",
        auto_create_topics=False,
        loglevel="WARNING",
    )
    app.dataframe(app.topic(topic, value_deserializer="json")).update(PlainWork(state).take)
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
