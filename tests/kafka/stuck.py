"""A worker whose first step with records on partition 1 never ends: ``python stuck.py worker …``."""

from __future__ import annotations

import threading

from crm_online.cli import main
from crm_online.step import Step
from streams.partition import Batch, PartitionProcessor

_take = PartitionProcessor.take


def _stuck(self: PartitionProcessor, batch: Batch) -> Step:
    if batch.partition == 1:
        threading.Event().wait()
    return _take(self, batch)


if __name__ == "__main__":
    setattr(PartitionProcessor, "take", _stuck)  # noqa: B010
    main()
