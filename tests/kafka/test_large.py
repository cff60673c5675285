"""A change that is too large for its topic: it ends the worker, and is published once the topic takes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kafka.service import Service
from tests.kafka.small_log import log, slices
from tests.kafka.waiting import until, until_read
from tests.servers.broker import Broker

TOO_FEW = 300


@pytest.mark.slow
def test_a_change_too_large_for_its_topic_ends_the_worker_and_is_published_once_the_topic_takes_it(
    broker: Broker, tmp_path: Path, prefix: str
) -> None:
    first, second = slices(log(60, 60, 3), 2)
    with Service(broker, tmp_path, prefix) as service:
        worker = service.worker().wait_ready()
        service.send(first.records)
        service.finish(first.end)
        before = service.outputs()
        topic = f"{prefix}segment-changes"
        broker.client.set_config(topic, max_message_bytes=str(TOO_FEW))
        service.send(second.records)
        assert worker.wait(60) == 2
        text = worker.log.read_text()
        assert "Traceback" not in text
        match = re.fullmatch(
            rf"crm-online: topic {re.escape(topic)} refuses changes, the largest of (\d+) bytes, as too large: set its "
            r"max\.message\.bytes to at least 65536 and start again; nothing is lost, they wait in the outbox",
            text.splitlines()[-1],
        )
        assert match
        assert TOO_FEW < int(match[1]) < 65536
        # Nothing was left out to go on: what consumers see is still without gaps.
        assert list(service.outputs().faults_of_order()) == []

        # A worker that is started too early says what is wrong before it does anything.
        again = service.worker()
        assert again.wait(60) == 2
        assert again.last_lines(1) == (
            f"crm-online: {topic} takes only {TOO_FEW} bytes at a time: set its max.message.bytes to at least 65536"
        )

        broker.client.set_config(topic, max_message_bytes=str(1 << 20))
        last = service.worker().wait_ready()
        until_read(broker.client, service.redis, prefix)
        until(lambda: last.metric("crm_online_outbox_length") == 0, "changes are left in the outbox")
        service.finish(second.end)
        assert service.wrong(second.end) == []
        after = service.outputs()
        assert after.epochs() == 0
        for name, records in before.records.items():
            assert set(records) <= set(after.records[name])
        assert len(after.records["segment-changes"]) > len(before.records["segment-changes"])
