"""The flow through partitions: read what a step needs, compute it, commit it, hand its changes over.

Replay, the service's event log, erasures and the Kafka workers all run it: the same engine, the same store.
"""

from crm_online.flow.group import PartitionGroup
from crm_online.flow.partition import PartitionFlow
from crm_online.flow.reads import load

__all__ = ["PartitionFlow", "PartitionGroup", "load"]
