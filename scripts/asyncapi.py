"""Print docs/asyncapi.yaml: every topic and what stands on it, as an AsyncAPI 3 document. `make docs` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

import crm_online
from crm_online.events import models
from crm_online.settings import Settings
from crm_online.values import Drift, PredictionChange, Reject, Rule, Segment, SegmentChange
from crm_online.values.value import ChangeId
from streams import topics
from streams.commands import Command
from streams.published import CHANGE_ID
from streams.records import CONTROL, PRODUCER, Control
from streams.topics import TopicSpec, topic_name

Json = dict[str, Any]

HEAD = "# Made by `make docs` from the models and topics in the code: change them there.\n"
ABOUT = """\
Customer events in; what changed about customers, segments and rules out. docs/events.md tells the same in words, with
examples. The names of the topics begin with the setting kafka.prefix, here as it is by default; their configuration is
what workers create them with. The output topics are written in transactions: read them with
isolation.level=read_committed.
"""
BINDING = "0.5.0"
"""Version of AsyncAPI's bindings for Kafka."""
_REF = "#/components/schemas/{model}"


@dataclass(frozen=True)
class Message:
    """A kind of record.

    Attributes
    ----------
    name
        Its name in the document.
    value
        The model of its value; ``None`` for a tombstone.
    headers, optional_headers
        The schemas of the headers that it has, and that it may have, by name.
    keyed
        Whether it has the topic's key.
    """

    name: str
    value: type[BaseModel] | None
    headers: dict[str, Json] = field(default_factory=dict)
    optional_headers: dict[str, Json] = field(default_factory=dict)
    keyed: bool = True


@dataclass(frozen=True)
class Channel:
    """A topic, and the kinds of record that workers read from it, or write to it.

    ``suffix`` tells its models from those of other topics that have the same names.
    """

    topic: TopicSpec
    reads: Sequence[Message] = ()
    writes: Sequence[Message] = ()
    suffix: str = ""

    @property
    def name(self) -> str:
        """Its name in the document."""
        return str(self.topic.name)

    def schema(self, model: str) -> str:
        """Return the name of a model's schema."""
        return model.removesuffix(self.suffix) + self.suffix

    @property
    def messages(self) -> list[Message]:
        """The kinds of record, read and written."""
        return [*self.reads, *self.writes]


def _models(union: Any) -> tuple[type[BaseModel], ...]:
    """Return the models of a discriminated union."""
    return get_args(get_args(union)[0])


_CHANGE = {CHANGE_ID: TypeAdapter(ChangeId).json_schema()}
_CONTROL = {CONTROL: {"description": "marks a record that is no event, but is for the partition as a whole"}}
_PRODUCER = {PRODUCER: {"description": "whose event ids it has, in UTF-8; those of the topic if it is missing"}}
CHANNELS = (
    Channel(
        topics.EVENTS,
        reads=[
            *(Message(model.__name__.lower(), model, optional_headers=_PRODUCER) for model in _models(models.Event)),
            *(Message(model.__name__.lower(), model, _CONTROL, keyed=False) for model in _models(Control)),
        ],
    ),
    Channel(
        topics.COMMANDS,
        reads=[
            Message(f"{model.__name__.removesuffix('Command').lower()}Command", model) for model in _models(Command)
        ],
        suffix="Command",
    ),
    Channel(topics.SEGMENT_CHANGES, writes=[Message("segmentChange", SegmentChange, _CHANGE)]),
    Channel(topics.SEGMENTS, writes=[Message("segment", Segment, _CHANGE), Message("segmentGone", None, _CHANGE)]),
    Channel(topics.RULES, writes=[Message("rule", Rule, _CHANGE), Message("ruleGone", None, _CHANGE)]),
    Channel(topics.REJECTS, writes=[Message("reject", Reject, _CHANGE)]),
    Channel(topics.DRIFT, writes=[Message("drift", Drift, _CHANGE)]),
    Channel(topics.PREDICTIONS, writes=[Message("prediction", PredictionChange, _CHANGE)]),
)


class _Schema(GenerateJsonSchema):
    """The same schemas whatever pydantic's version, and without titles that only say the fields' names again."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def literal_schema(self, schema: Any) -> Json:
        found = super().literal_schema(schema)
        if "const" in found:
            found.pop("enum", None)
        return found


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice: readers of AsyncAPI follow its own references, and not YAML's."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Write texts of several lines as such."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _string)


def document() -> Json:
    """Return the document."""
    kafka = Settings().kafka
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "crm-online",
            "version": crm_online.__version__,
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": {"host": kafka.brokers, "protocol": "kafka", "description": "the setting kafka.brokers"}},
        "channels": {channel.name: _channel(channel, kafka.prefix, kafka.partitions) for channel in CHANNELS},
        "operations": dict(operation for channel in CHANNELS for operation in _operations(channel)),
        "components": {
            "messages": {one.name: _message(one, channel) for channel in CHANNELS for one in channel.messages},
            "schemas": dict(sorted(schema for channel in CHANNELS for schema in _schemas(channel).items())),
        },
    }


def _channel(channel: Channel, prefix: str, partitions: int) -> Json:
    topic = channel.topic
    configuration: Json = {key: int(one) if one.isdecimal() else one for key, one in topic.configuration.items()}
    configuration["cleanup.policy"] = topic.configuration["cleanup.policy"].split(",")
    return {
        "address": topic_name(prefix, topic),
        "description": topic.carries,
        "messages": {one.name: {"$ref": f"#/components/messages/{one.name}"} for one in channel.messages},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions(partitions),
                "topicConfiguration": configuration,
                "bindingVersion": BINDING,
            }
        },
    }


def _operations(channel: Channel) -> list[tuple[str, Json]]:
    here = f"#/channels/{channel.name}"
    return [
        (
            f"{action}-{channel.name}",
            {
                "action": action,
                "channel": {"$ref": here},
                "messages": [{"$ref": f"{here}/messages/{one.name}"} for one in messages],
            },
        )
        for action, messages in (("receive", channel.reads), ("send", channel.writes))
        if messages
    ]


def _message(message: Message, channel: Channel) -> Json:
    found: Json = {"name": message.name}
    if message.headers or message.optional_headers:
        found["headers"] = {
            "type": "object",
            "properties": dict(message.headers | message.optional_headers),
            "required": list(message.headers),
        }
    value = message.value
    found["payload"] = {"$ref": _REF.format(model=channel.schema(value.__name__))} if value else {"type": "null"}
    if message.keyed and channel.topic.key != "none":
        key = {"type": "string", "description": channel.topic.key}
        found["bindings"] = {"kafka": {"key": key, "bindingVersion": BINDING}}
    return found


def _schemas(channel: Channel) -> Json:
    """Return the schemas of a topic's values, and of what they hold, by name."""
    values = [one.value for one in channel.messages if one.value]
    _, schemas = TypeAdapter.json_schemas(
        [(value, "validation", TypeAdapter(value)) for value in values],
        ref_template=_REF.format(model=channel.schema("{model}")),
        schema_generator=_Schema,
    )
    return {channel.schema(name): schema for name, schema in schemas["$defs"].items()}


if __name__ == "__main__":
    print(HEAD + yaml.dump(document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120), end="")
