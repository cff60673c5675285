"""What aiokafka alone reaches: it fetches as our worker does, and looks at nothing.

``python -m benchmarks.kafka.raw_app BROKERS TOPIC PARTITIONS RECORDS STEP TIMES`` reads the topic so many times, and
prints how many records that were, and the seconds of wall and processor that it took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.consumer import FETCH_BYTES


async def fetched(brokers: str, topic: str, partitions: int, records: int, step: int, times: int) -> dict[str, float]:
    """Fetch all records of a topic some times over, at most ``step`` at once."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(places)
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(times):
            for place in places:
                consumer.seek(place, 0)
            left = records
            while left > 0:
                found = await consumer.getmany(timeout_ms=500, max_records=step)
                left -= sum(map(len, found.values()))
        return {"events": records * times, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    finally:
        await consumer.stop()


if __name__ == "__main__":
    brokers, topic, *numbers = sys.argv[1:]
    print(json.dumps(asyncio.run(fetched(brokers, topic, *map(int, numbers)))))
