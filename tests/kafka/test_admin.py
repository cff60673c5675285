"""Topics on a real broker: made where they are missing, looked at where they are there."""

from __future__ import annotations

import asyncio

import pytest

from crm_online.errors import BrokerRefused, BrokerUnavailable, TopicMisconfigured
from crm_online.settings import Settings, load_settings
from streams.admin import ensure_topics
from streams.topics import TOPICS, topic_name
from tests.servers.broker import Broker
from tests.servers.processes import free_port


def of(address: str, *overrides: str) -> Settings:
    return load_settings(None, [f"kafka.brokers={address}", *overrides], {}).settings


def test_topics_that_are_missing_are_made_as_topics_py_says(broker: Broker, prefix: str) -> None:
    settings = of(broker.address, f"kafka.prefix={prefix}", "kafka.partitions=3")
    assert asyncio.run(ensure_topics(settings)) == 3
    there = broker.client.topics()
    for topic in TOPICS:
        name = topic_name(prefix, topic)
        assert there[name] == topic.partitions(3)
        assert broker.client.config(name).items() >= topic.configuration.items()


def test_workers_that_start_at_once_make_each_topic_once_and_all_can_go_on(broker: Broker, prefix: str) -> None:
    settings = of(broker.address, f"kafka.prefix={prefix}")

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(ensure_topics(settings) for _ in range(8)))

    assert asyncio.run(all_at_once()) == [4] * 8
    assert asyncio.run(ensure_topics(settings)) == 4


def test_events_that_are_there_say_how_many_partitions_the_others_get(
    broker: Broker, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    broker.client.create_topic(f"{prefix}events", 2)
    assert asyncio.run(ensure_topics(of(broker.address, f"kafka.prefix={prefix}"))) == 2
    assert broker.client.topics()[f"{prefix}segment-changes"] == 2
    assert f"{prefix}events keeps the times of its producers" in caplog.text


def test_all_that_is_wrong_with_topics_is_listed_at_once_and_nothing_of_it_is_changed(
    broker: Broker, prefix: str
) -> None:
    broker.client.create_topic(f"{prefix}events", 2, cleanup_policy="compact")
    broker.client.create_topic(f"{prefix}segments", 1)
    broker.client.create_topic(f"{prefix}rejects", 1, max_message_bytes="1000")
    with pytest.raises(TopicMisconfigured) as caught:
        asyncio.run(ensure_topics(of(broker.address, f"kafka.prefix={prefix}")))
    faults = str(caught.value).split("; ")
    assert "\n" not in str(caught.value)
    assert [line.split()[0] for line in faults] == [
        f"{prefix}{name}" for name in ("events", "segments", "rejects", "rejects")
    ]
    assert broker.client.config(f"{prefix}segments")["cleanup.policy"] == "delete"


def test_partitions_added_to_the_events_are_refused(broker: Broker, prefix: str) -> None:
    settings = of(broker.address, f"kafka.prefix={prefix}", "kafka.partitions=2")
    asyncio.run(ensure_topics(settings))
    broker.client.add_partitions(f"{prefix}events", 3)
    with pytest.raises(TopicMisconfigured, match=r"segment-changes has 2 partitions, but .*events has 3"):
        asyncio.run(ensure_topics(settings))


def test_more_copies_than_there_are_brokers_are_refused_in_words(broker: Broker, prefix: str) -> None:
    with pytest.raises(BrokerRefused, match=r"does not make topic .*events: .*only 1 broker"):
        asyncio.run(ensure_topics(of(broker.address, f"kafka.prefix={prefix}", "kafka.replication=3")))


def test_brokers_that_do_not_answer_are_an_error(broker: Broker) -> None:
    for address in (f"127.0.0.1:{free_port()}", "no-such-host.invalid:9092"):
        with pytest.raises(BrokerUnavailable, match=f"no answer from Kafka at {address}: [A-Z]"):
            asyncio.run(ensure_topics(of(address)))


def test_a_broker_that_comes_back_is_asked_again(broker: Broker, prefix: str) -> None:
    settings = of(broker.address, f"kafka.prefix={prefix}", "kafka.partitions=1")
    broker.kill()
    with pytest.raises(BrokerUnavailable):
        asyncio.run(ensure_topics(settings))
    broker.start()
    assert asyncio.run(ensure_topics(settings)) == 1
