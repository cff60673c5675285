"""The description of a state: its format, its number of partitions, and the settings that shaped it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from crm_online.errors import StateCorrupt, StateTooNew, StateTooOld
from crm_online.store import replies
from crm_online.store.client import RedisClient
from crm_online.store.keys import FORMAT, STATE

LOGS = "logs"
"""What feeds a state that replays made."""


@dataclass(frozen=True, slots=True)
class StateMeta:
    """The description that the first replay or worker wrote into the state; it never changes.

    Attributes
    ----------
    partitions
        How many partitions the state has.
    settings
        The settings that shaped it, as the JSON that was given.
    feed
        What feeds it: ``LOGS``, or ``kafka:`` and the topic. Files and Kafka spread customers over partitions in
        different ways, so no state takes both.
    format
        Version of keys and codecs.
    id
        Which state it is, at random: files of its changes bear it.
    sampling_key
        What the hashes depend on by which customers and orders are sampled: a secret, or empty where replays are to
        repeat. Whoever knew it could make ids that are sampled before all others.
    """

    partitions: int
    settings: str
    feed: str = LOGS
    format: int = FORMAT
    id: str = ""
    sampling_key: str = ""


def encode(meta: StateMeta) -> bytes:
    """Give the bytes of the key."""
    return json.dumps(asdict(meta)).encode()


def read(client: RedisClient) -> StateMeta | None:
    """Read the description of a state; None where there is none. Errors as of `decode`."""
    data = replies.as_value(client.call("GET", STATE))
    return None if data is None else decode(data, client.where)


def decode(data: bytes, where: str) -> StateMeta:
    """Read the bytes of the key.

    Raises
    ------
    StateTooNew, StateTooOld
        Another version of crm-online wrote them.
    StateCorrupt
        No version wrote them.
    """
    try:
        found = json.loads(data)
    except ValueError:
        raise StateCorrupt(f"{where} holds a state whose description is not JSON") from None
    check_format(found.get("format") if isinstance(found, dict) else None, where)
    match found:
        case {"format": int(version), "partitions": int(partitions), "settings": str(settings)}:
            feed, state, key = (
                str(found.get(name, default)) for name, default in (("feed", LOGS), ("id", ""), ("sampling_key", ""))
            )
            return StateMeta(partitions, settings, feed, version, state, key)
        case _:
            raise StateCorrupt(f"{where} holds a state whose description is not known")


def check_format(version: object, where: str) -> None:
    """Refuse a format that this version cannot read."""
    if not isinstance(version, int) or version < 1:
        raise StateCorrupt(f"{where} holds a state of the unknown format {str(version)[:40]!r}")
    if version > FORMAT:
        raise StateTooNew(
            f"{where} holds a state of format {version}; this version of crm-online reads up to {FORMAT}: upgrade it"
        )
    if version < FORMAT:
        raise StateTooOld(
            f"{where} holds a state of format {version}, of an older crm-online; this version reads format {FORMAT}: "
            "replay the logs into another state"
        )
