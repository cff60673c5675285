"""A worker whose first step with records on partition 1 never ends: ``python stuck.py worker …``."""

from __future__ import annotations

import threading

from crm_online.cli import main
from crm_online.step import Step
from streams.partition import PartitionProcessor, RecordBatch

_step = PartitionProcessor.step


def _stuck(self: PartitionProcessor, batch: RecordBatch) -> Step:
    if self.number == 1:
        threading.Event().wait()
    return _step(self, batch)


if __name__ == "__main__":
    setattr(PartitionProcessor, "step", _stuck)  # noqa: B010
    main()
