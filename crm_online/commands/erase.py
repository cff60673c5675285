"""One customer removed by command, or taken out of all profiling: from every key, and from every figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from crm_online.engine.engine import CUSTOMERS, customer_field
from crm_online.errors import SettingsConflict, UnknownCustomer
from crm_online.events.batch import Batch
from crm_online.events.building import from_events
from crm_online.events.columns import EventColumns, partition_of
from crm_online.events.models import EVENT
from crm_online.events.times import to_iso
from crm_online.pipeline import PartitionGroup
from crm_online.privacy.pseudonyms import NO_PSEUDONYMS, Pseudonyms
from crm_online.settings import ChangeSettings
from crm_online.settings.conflict import from_stored, has_pseudonyms, refuse_pseudonyms
from crm_online.step import KEEP
from crm_online.store import Store, open_store
from crm_online.store.meta import LOGS

COMMANDS = "commands"
"""The source of the steps that commands take: no position of a log moves."""


def erase(state: str, customer: str, keep: int = KEEP, pseudonyms: Pseudonyms = NO_PSEUDONYMS) -> list[int]:
    """Erase a customer from a state that replays made; return the partitions that had the customer.

    Each of them takes one step with an ``erase`` event just after its watermark, by which no time goes on. The last
    move, to nowhere, waits in the outbox: the next replay with ``out`` writes it. A replay that runs on the same Redis
    loses the partition, and goes on when it is started again. An embedded Redis then writes its AOF anew.

    Parameters
    ----------
    state
        A folder, or the URL of a Redis.
    customer
        The customer's id.
    keep
        The setting ``changes.keep``.
    pseudonyms
        By which ids are stored.

    Raises
    ------
    UnknownCustomer
        If no partition has the customer.
    SettingsConflict
        If Kafka workers feed the state: it is theirs, and the command goes to their topic; if its ids are pseudonyms
        and there are no keys, or the other way round.
    StoreError
        If the state cannot be opened or written.
    """
    with _opened(state, "erase", pseudonyms) as store:
        names = pseudonyms.every(customer)
        found = _with_any(store, names)
        if not found:
            raise UnknownCustomer(f"no customer {customer!r} in the state")
        erasures = [{"type": "erase", "customer_id": name} for name in names]
        _run(store, _with_homes(store, erasures, found), keep, erasures)
    return found


def object_to_profiling(
    state: str, customer: str, *, withdrawn: bool = False, keep: int = KEEP, pseudonyms: Pseudonyms = NO_PSEUDONYMS
) -> list[int]:
    """Note in a state that replays made that a customer objects, or does so no more; return the partitions.

    What the state has of the customer leaves as by `erase`, and nothing counts that comes later, until the objection is
    withdrawn. The customer need not be known.

    Parameters
    ----------
    state, customer, keep, pseudonyms
        As for `erase`.
    withdrawn
        Whether the customer objects no more.

    Raises
    ------
    SettingsConflict, StoreError
        As `erase`.
    """
    with _opened(state, "note objections", pseudonyms) as store:
        names = pseudonyms.every(customer)
        objections = [{"type": "objection", "customer_id": name, "withdrawn": withdrawn} for name in names]
        found = _with_homes(store, objections, _with_any(store, names))
        _run(store, found, keep, objections)
    return found


@contextmanager
def _opened(state: str, what: str, pseudonyms: Pseudonyms) -> Iterator[Store]:
    """Open a state that replays made; an embedded Redis writes its AOF anew at the end."""
    with open_store(state, create=False, writes=True) as store:
        meta = store.meta()
        if meta.feed != LOGS:
            raise SettingsConflict(f"{store.where} holds a state that is fed by {meta.feed}: its workers {what}")
        refuse_pseudonyms(has_pseudonyms(meta.settings), bool(pseudonyms))
        yield store
        store.compact()


def _run(store: Store, partitions: list[int], keep: int, events: Sequence[Mapping[str, object]]) -> None:
    """Run a step with events just after the watermark in some partitions."""
    meta = store.meta()
    settings = from_stored(meta.settings).model_copy(update={"changes": ChangeSettings(keep=keep)})
    group = PartitionGroup.claim(store, settings, meta.partitions, numbers=partitions)
    for pipeline in group.pipelines:
        now, at = pipeline.watermark, pipeline.position(COMMANDS)
        group.run(pipeline, Batch(COMMANDS, at, at, _events(events, (now or 0) + 1, at), watermark=now))


def _events(events: Sequence[Mapping[str, object]], time: int, at: int) -> EventColumns:
    made = [EVENT.validate_python({**event, "time": to_iso(time)}) for event in events]
    return from_events(made, [at] * len(made), COMMANDS)


def _with_homes(store: Store, events: Sequence[Mapping[str, object]], partitions: Sequence[int]) -> list[int]:
    """Return partitions, and those to which events of these customers would come, by whichever key."""
    homes = partition_of(_events(events, 0, 0), store.meta().partitions).tolist()
    return sorted({*homes, *partitions})


def _with_any(store: Store, names: Sequence[str]) -> list[int]:
    """Return the partitions that have a customer of some ids."""
    fields = list(map(customer_field, names))
    numbers = range(store.meta().partitions)
    return [number for number in numbers if any(store.partition(number).hash_get(CUSTOMERS, fields))]
