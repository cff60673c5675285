"""The pipeline through partitions: read what a step needs, compute it, commit it, hand its changes over.

Replay, the service's event log, erasures and the Kafka workers all run it: the same engine, the same store.
"""

from crm_online.pipeline.group import PartitionGroup
from crm_online.pipeline.partition import PartitionPipeline
from crm_online.pipeline.reads import load

__all__ = ["PartitionGroup", "PartitionPipeline", "load"]
