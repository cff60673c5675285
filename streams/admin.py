"""Topics made where they are missing, and looked at where they are there: one with wrong settings loses something."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NoError, RequestTimedOutError, TopicAlreadyExistsError, for_code

from crm_online.errors import BrokerRefused, BrokerUnavailable, TopicMisconfigured
from crm_online.settings import KafkaSettings, Settings
from streams.connection import REQUEST_TIMEOUT, client_options, start
from streams.errors import from_kafka, kafka_errors
from streams.topics import EVENTS, MOST_BYTES, TOPICS, TopicSpec, topic_name

BROKERS_OWN = -1
"""In place of a number of copies: as many as the broker is set to."""

TIMES = "message.timestamp.type"
"""Kafka's setting of whose clock a record's time is by."""

_CREATED_WITHIN = 30.0
"""Seconds after which a topic that was made must have its leaders."""
_LOOKS = 0.05
"""Seconds between two looks."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic that is there: how many partitions it has, and its settings in force."""

    partitions: int
    configuration: Mapping[str, str]


async def ensure_topics(settings: Settings, of_state: int | None = None) -> int:
    """Make the topics that are missing, and look at all; any number of workers may do so at once.

    Parameters
    ----------
    settings
        The settings in force.
    of_state
        How many partitions the state has, if there is one.

    Returns
    -------
    int
        How many partitions the events topic has.

    Raises
    ------
    BrokerUnavailable
        If no broker answers: later it may.
    BrokerRefused
        If the user may not do this, or a topic cannot be made as it is set.
    TopicMisconfigured
        If topics are set so that something would be lost; the text has all that is wrong.
    """
    kafka = settings.kafka
    async with _admin(kafka) as admin:
        # Events first: the others go by how many partitions it has, whoever made it.
        events = await _ensure(admin, kafka, [EVENTS], kafka.partitions)
        of_events = events[EVENTS.name].partitions
        refuse_other_partitions(of_events, of_state, kafka.prefix)
        found = events | await _ensure(admin, kafka, [topic for topic in TOPICS if topic is not EVENTS], of_events)
    wrong = [fault for topic in TOPICS for fault in faults(topic, found[topic.name], of_events, kafka.prefix)]
    if wrong:
        raise TopicMisconfigured("; ".join(wrong))
    if found[EVENTS.name].configuration[TIMES] != EVENTS.configuration[TIMES]:
        _log.warning(
            "%s keeps the times of its producers (%s): their clocks then judge what lies too far ahead",
            topic_name(kafka.prefix, EVENTS),
            TIMES,
        )
    return of_events


def refuse_other_partitions(of_events: int, of_state: int | None, prefix: str) -> None:
    """Refuse an events topic that has got more partitions than the state: keys go elsewhere than they did.

    Raises
    ------
    TopicMisconfigured
        If their numbers differ.
    """
    if of_state is not None and of_events != of_state:
        raise TopicMisconfigured(
            f"{topic_name(prefix, EVENTS)} has {of_events} partitions, but the state {of_state}: what customers do now "
            "would be counted apart from what they did; begin a new state with all of their events "
            "(docs/operations.md: moving to more partitions)"
        )


def faults(topic: TopicSpec, found: TopicDescription, of_events: int, prefix: str) -> list[str]:
    """Return what is wrong with a topic, in words: what would be lost, and how it should be.

    Parameters
    ----------
    topic, found
        How it should be, and how it is.
    of_events
        How many partitions the events topic has.
    prefix
        What the topics' names begin with.
    """
    name, wrong = topic_name(prefix, topic), []
    policy = {part.strip() for part in found.configuration["cleanup.policy"].split(",")} - {""}
    if topic.compacted and policy != {"compact"}:
        loses = "deletes the last values of keys" if "delete" in policy else "keeps every value for ever"
        wrong.append(f"{name} {loses}: set its cleanup.policy to compact")
    if topic is EVENTS and "compact" in policy:
        wrong.append(
            f"{name} is compacted, which drops all but the last event of a customer before they are counted: "
            "set its cleanup.policy to delete"
        )
    elif not topic.compacted and "compact" in policy:
        wrong.append(f"{name} is compacted, which drops records: set its cleanup.policy to delete")
    if topic.partitioned and found.partitions != of_events:
        wrong.append(
            f"{name} has {found.partitions} partitions, but {topic_name(prefix, EVENTS)} has {of_events}: "
            "they must be as many"
        )
    if int(found.configuration["max.message.bytes"]) < MOST_BYTES:
        wrong.append(
            f"{name} takes only {found.configuration['max.message.bytes']} bytes at a time: "
            f"set its max.message.bytes to at least {MOST_BYTES}"
        )
    return wrong


@asynccontextmanager
async def _admin(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_options(kafka, f"{kafka.group}-admin"), request_timeout_ms=REQUEST_TIMEOUT)
    try:
        await start(admin, kafka)
        with kafka_errors(kafka):
            yield admin
    finally:
        await admin.close()


async def _ensure(
    admin: AIOKafkaAdminClient, kafka: KafkaSettings, topics: Collection[TopicSpec], of_events: int
) -> dict[str, TopicDescription]:
    """Make those topics that are missing, and return all as they are, by name without prefix."""
    by_name = {topic_name(kafka.prefix, topic): topic for topic in topics}
    there = await _partitions(admin, by_name)
    missing = {name: topic for name, topic in by_name.items() if name not in there}
    if missing:
        await _create(admin, kafka, missing, of_events)
        there = await _created(admin, by_name)
    configurations = await _configurations(admin, by_name, kafka)
    return {topic.name: TopicDescription(there[name], configurations[name]) for name, topic in by_name.items()}


async def _create(
    admin: AIOKafkaAdminClient, kafka: KafkaSettings, topics: Mapping[str, TopicSpec], of_events: int
) -> None:
    copies = BROKERS_OWN if kafka.replication is None else kafka.replication
    # aiokafka takes the broker's own number of copies only together with a (here empty) list of where they are.
    replicas: dict[int, list[int]] | None = {} if copies == BROKERS_OWN else None
    made = await admin.create_topics(
        [
            NewTopic(name, topic.partitions(of_events), copies, replicas, topic.configuration)
            for name, topic in topics.items()
        ]
    )
    for name, code, reason in made.topic_errors:
        kind = for_code(code)
        if kind is NoError:
            _log.info("made topic %s with %d partitions", name, topics[name].partitions(of_events))
        # Another worker was quicker; or the broker is slow, and how it ended is seen when the topic is looked at.
        elif kind not in (TopicAlreadyExistsError, RequestTimedOutError):
            raise BrokerRefused(f"Kafka at {kafka.brokers} does not make topic {name}: {reason or kind.__name__}")


async def _created(admin: AIOKafkaAdminClient, names: Collection[str]) -> dict[str, int]:
    """Wait until topics that were made are there, with leaders, and return how many partitions each has."""
    try:
        async with asyncio.timeout(_CREATED_WITHIN):
            while True:
                there = await _partitions(admin, names, led=True)
                if len(there) == len(names):
                    return there
                await asyncio.sleep(_LOOKS)
    except TimeoutError as error:
        raise BrokerUnavailable(
            f"Kafka has made topics, but after {_CREATED_WITHIN:g} s not all of {', '.join(names)} have leaders"
        ) from error


async def _partitions(admin: AIOKafkaAdminClient, names: Collection[str], *, led: bool = False) -> dict[str, int]:
    """Return how many partitions each of those topics has that are there; if asked, only those with all leaders."""
    # Asked for by its name, a missing topic would be made by brokers that make topics on their own.
    there = set(await admin.list_topics()).intersection(names)
    described = await admin.describe_topics(sorted(there)) if there else []
    return {
        topic["topic"]: len(topic["partitions"])
        for topic in described
        if topic["partitions"] and not (led and any(partition["error_code"] for partition in topic["partitions"]))
    }


async def _configurations(
    admin: AIOKafkaAdminClient, names: Collection[str], kafka: KafkaSettings
) -> dict[str, dict[str, str]]:
    """Return the settings in force of each topic."""
    found = {}
    for response in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names]):
        for topic in response.to_object()["resources"]:
            kind = for_code(topic["error_code"])
            if kind is not NoError:
                raise from_kafka(kind(f"the settings of topic {topic['resource_name']} cannot be read"), kafka)
            found[topic["resource_name"]] = {
                entry["config_names"]: entry["config_value"] for entry in topic["config_entries"]
            }
    return found
