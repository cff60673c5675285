"""Erasures that were asked for together, and how many of them are done: with hashes of whom, and no id."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from secrets import token_hex
from typing import Final, Self

from crm_online.customers import suppression
from crm_online.customers.suppression import Suppression
from crm_online.engine.state import NAME as STATE
from crm_online.engine.state import PartitionState
from crm_online.errors import StateCorrupt
from crm_online.privacy.pseudonyms import Pseudonyms
from crm_online.settings.units import DAY
from crm_online.store import PartitionStore, Store

NAME: Final = "erasures"
"""Name of the key: a hash by id, in partition 0. No step writes it, so it is no part of the digest."""

KEPT: Final = 100
"""Erasures that are kept: the oldest leave."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """Customers to be erased, and by what it is seen that they are.

    Attributes
    ----------
    id
        Its own, by which it is asked for.
    asked
        When, by the clock, in ms.
    time
        The event time of the erasure, in ms.
    customers
        How many.
    waiting
        Of each who was not erased when it was looked at last, the fields in the list of the erased under every key, as
        hexadecimal digits.
    least
        By partition, the event time in ms of an entry of that list from which it is of this erasure, or a later one.
    """

    id: str
    asked: int
    time: int
    customers: int
    waiting: tuple[tuple[str, ...], ...]
    least: tuple[int, ...]

    @property
    def erased(self) -> int:
        """How many are erased."""
        return self.customers - len(self.waiting)

    def encode(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read what `encode` wrote; raises ``StateCorrupt`` for anything else."""
        try:
            found = json.loads(raw)
            waiting = tuple(map(tuple, found.pop("waiting")))
            return cls(**found | {"waiting": waiting, "least": tuple(found["least"])})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StateCorrupt("an erasure that was asked for cannot be read") from error


def note_erasure(store: Store, customers: Sequence[str], asked: int, pseudonyms: Pseudonyms) -> Erasure:
    """Note that customers are to be erased, before they are.

    Parameters
    ----------
    store
        The state.
    customers
        Their ids, each once.
    asked
        When, by the clock, in ms. It is the time of the erasure too, unless the log ended more than a day before: then
        that is just after the log, which would leap to now.
    pseudonyms
        By which ids are stored.

    Raises
    ------
    StoreError
        If it cannot be noted.
    """
    meta = store.meta()
    hashes = Suppression(meta.id)
    waiting = tuple(tuple(hashes.field_of(name).hex() for name in pseudonyms.every(one)) for one in customers)
    watermarks = [*_watermarks(store, meta.partitions)]
    latest = max(watermarks)
    time = latest + 1 if 0 < latest < asked - DAY else asked
    # An erasure is entered at its own time, or just after the watermark if that is before.
    least = tuple(min(time, watermark + 1) for watermark in watermarks)
    made = Erasure(token_hex(8), asked, time, len(customers), waiting, least)
    first = store.partition(0)
    if first.hash_length(NAME) >= KEPT:
        known = sorted((Erasure.decode(raw) for _, raw in first.hash_all(NAME)), key=lambda one: one.asked)
        first.remove_fields(NAME, [one.id.encode() for one in known[: 1 - KEPT]])
    first.put_field(NAME, made.id.encode(), made.encode())
    return made


def read_erasure(store: Store, name: str) -> Erasure | None:
    """Return an erasure as it stands now; ``None``: none of this id is kept.

    Of who is erased by now the hashes leave its entry.

    Raises
    ------
    StoreError
        If it cannot be read or written.
    """
    first = store.partition(0)
    (raw,) = first.hash_get(NAME, [name.encode()])
    if raw is None:
        return None
    before = Erasure.decode(raw)
    names = [bytes.fromhex(one) for customer in before.waiting for one in customer]
    salt = store.meta().id
    done = {
        one.hex()
        for number, least in enumerate(before.least)
        for one in _erased(store.partition(number), names, salt, least)
    }
    now = replace(before, waiting=tuple(one for one in before.waiting if not done.issuperset(one)))
    if now != before:
        first.put_field(NAME, name.encode(), now.encode())
    return now


def _watermarks(store: Store, partitions: int) -> Iterator[int]:
    for number in range(partitions):
        yield PartitionState.decode(store.partition(number).value(STATE)).watermark or 0


def _erased(store: PartitionStore, names: Sequence[bytes], salt: str, least: int) -> Iterable[bytes]:
    """Return who of some was erased in a partition since a time."""
    found = zip(names, store.hash_get(suppression.NAME, names), strict=True)
    entries = [(name, stored) for name, stored in found if stored is not None]
    known = Suppression(salt)
    known.load(entries)
    return (name for name, _ in entries if known.time_of(name) >= least)
