"""One customer removed by command: from every key, and from every figure."""

from __future__ import annotations

from collections.abc import Sequence

from crm_online.engine.engine import CUSTOMERS, customer_field
from crm_online.errors import SettingsConflict, UnknownCustomer
from crm_online.events.batch import Batch
from crm_online.events.columns import from_events
from crm_online.events.models import EVENT
from crm_online.events.times import to_iso
from crm_online.flow import PartitionGroup
from crm_online.privacy.pseudonyms import NO_PSEUDONYMS, Pseudonyms
from crm_online.settings import ChangeSettings
from crm_online.settings.conflict import from_stored
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
        If Kafka workers feed the state: it is theirs, and the command goes to their topic.
    StoreError
        If the state cannot be opened or written.
    """
    with open_store(state, create=False, writes=True) as store:
        meta = store.meta()
        if meta.feed != LOGS:
            raise SettingsConflict(f"{store.where} holds a state that is fed by {meta.feed}: its workers erase")
        shaped = from_stored(meta.settings)
        settings = shaped.model_copy(update={"changes": ChangeSettings(keep=keep)})
        names = pseudonyms.every(customer)
        found = [number for number in range(meta.partitions) if _has(store, number, names)]
        if not found:
            raise UnknownCustomer(f"no customer {customer!r} in the state")
        group = PartitionGroup.claim(store, settings, meta.partitions, numbers=found)
        for flow in group.flows:
            now, at = flow.watermark, flow.position(COMMANDS)
            time = to_iso((now or 0) + 1)
            erasures = [EVENT.validate_python({"type": "erase", "customer_id": name, "time": time}) for name in names]
            events = from_events(erasures, [at] * len(erasures), COMMANDS)
            group.run(flow, Batch(COMMANDS, at, at, events, watermark=now))
        store.compact()
    return found


def _has(store: Store, partition: int, names: Sequence[str]) -> bool:
    return any(store.partition(partition).hash_get(CUSTOMERS, list(map(customer_field, names))))
