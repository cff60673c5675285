"""The one store, on Redis: claim a partition, commit steps to it, read it, publish its outbox.

::

    with open_store("./.crm-online") as store:
        store.initialise(partitions=1, settings_json="{}")
        partition = store.partition(0)
        positions = partition.claim("worker-a")
        partition.commit(step)
"""

from crm_online.store.connect import open_store
from crm_online.store.lease import HashWrite, Lease
from crm_online.store.meta import StateMeta
from crm_online.store.partition import PartitionStore
from crm_online.store.program import Fences
from crm_online.store.reads import Read
from crm_online.store.state import Store

__all__ = ["Fences", "HashWrite", "Lease", "PartitionStore", "Read", "StateMeta", "Store", "open_store"]
