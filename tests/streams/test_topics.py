"""Topics: how they are made, and the faults of one that would lose something."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crm_online.step import Topic
from streams.admin import TopicDescription, faults
from streams.topics import (
    EVENTS,
    MOST_BYTES,
    OUTPUTS,
    REJECTS,
    RULES,
    SEGMENT_CHANGES,
    SEGMENTS,
    TOPICS,
    TopicSpec,
    topic_name,
)

BROKERS = {"cleanup.policy": "delete", "max.message.bytes": "1048588"}
"""What a broker sets where nothing is set."""


def found(partitions: int = 1, **configuration: str) -> TopicDescription:
    return TopicDescription(
        partitions, BROKERS | {name.replace("_", "."): value for name, value in configuration.items()}
    )


def test_every_change_has_a_topic_of_its_name() -> None:
    assert set(OUTPUTS) == set(Topic)
    assert all(topic.name == change for change, topic in OUTPUTS.items())
    assert topic_name("a.", Topic.RULES) == topic_name("a.", RULES) == "a.rules"


def test_output_partition_is_input_partition_and_what_comes_from_the_owner_has_one() -> None:
    partitions = {topic.name: topic.partitions(7) for topic in TOPICS}
    assert partitions == {
        "events": 7,
        "segment-changes": 7,
        "rejects": 7,
        "segments": 1,
        "rules": 1,
        "commands": 1,
        "drift": 1,
        "predictions": 7,
    }
    assert {topic.name for topic in TOPICS if topic.compacted} == {"segments", "rules"}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_as_it_is_made_has_no_faults(topic: TopicSpec) -> None:
    made = TopicDescription(topic.partitions(4), BROKERS | dict(topic.configuration))
    assert faults(topic, made, 4, "crm.") == []


@pytest.mark.parametrize("topic", [EVENTS, REJECTS, SEGMENT_CHANGES], ids=lambda topic: str(topic.name))
def test_a_topic_that_was_made_without_settings_of_its_own_will_do_where_all_records_are_kept(topic: TopicSpec) -> None:
    assert faults(topic, found(4), 4, "crm.") == []


@pytest.mark.parametrize("policy", ["compact,delete", "delete, compact"])
def test_segments_and_rules_must_be_compacted_and_nothing_else(policy: str) -> None:
    for topic in (SEGMENTS, RULES):
        [wrong] = faults(topic, found(cleanup_policy=policy), 4, "crm.")
        assert wrong == f"crm.{topic.name} deletes the last values of keys: set its cleanup.policy to compact"
        assert "deletes the last values" in faults(topic, found(), 4, "crm.")[0]
        assert "keeps every value for ever" in faults(topic, found(cleanup_policy=""), 4, "crm.")[0]


def test_compacted_events_are_refused_with_what_would_be_lost() -> None:
    [wrong] = faults(EVENTS, found(4, cleanup_policy="compact,delete"), 4, "crm.")
    assert wrong.startswith("crm.events is compacted, which drops all but the last event of a customer")


def test_compacted_moves_and_rejects_are_refused() -> None:
    for topic in (SEGMENT_CHANGES, REJECTS):
        [wrong] = faults(topic, found(4, cleanup_policy="compact"), 4, "crm.")
        assert wrong == f"crm.{topic.name} is compacted, which drops records: set its cleanup.policy to delete"


@pytest.mark.parametrize("partitions", [3, 5])
def test_other_partitions_than_those_of_the_events_are_refused(partitions: int) -> None:
    wrong = [fault for topic in TOPICS for fault in faults(topic, found(partitions), 4, "x-") if "partitions" in fault]
    others = "they must be as many"
    assert wrong == [
        f"x-events has {partitions} partitions, but x-events has 4: {others}",
        f"x-segment-changes has {partitions} partitions, but x-events has 4: {others}",
        f"x-rejects has {partitions} partitions, but x-events has 4: {others}",
        f"x-predictions has {partitions} partitions, but x-events has 4: {others}",
    ]


def test_a_topic_that_takes_less_than_a_change_may_need_is_refused() -> None:
    least = found(4, max_message_bytes=str(MOST_BYTES))
    assert faults(REJECTS, least, 4, "crm.") == []
    less = replace(least, configuration={**least.configuration, "max.message.bytes": str(MOST_BYTES - 1)})
    assert faults(REJECTS, less, 4, "crm.") == [
        "crm.rejects takes only 65535 bytes at a time: set its max.message.bytes to at least 65536"
    ]
