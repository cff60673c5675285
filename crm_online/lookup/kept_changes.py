"""The changes that a state keeps, as a pandas DataFrame."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from crm_online.step import Topic
from crm_online.store import open_store
from crm_online.store.entries import decode, is_blank
from crm_online.store.keys import CHANGES

if TYPE_CHECKING:
    import pandas as pd


def kept_changes(state: str, topic: Topic) -> pd.DataFrame:
    """Return the changes of one topic that a state keeps, but for those of customers who were erased since.

    Raises
    ------
    StoreError
        If the state cannot be read, or there is none.
    """
    import pandas as pd

    with open_store(state, create=False) as store:
        lists = [store.partition(number).list_range(CHANGES[topic], 0, -1) for number in range(store.meta().partitions)]
    entries = [decode(data, number) for number, kept in enumerate(lists) for data in kept]
    values = [json.loads(entry.value) for entry in entries if not is_blank(entry)]
    frame = pd.DataFrame(values)
    if "time" in frame:
        frame["time"] = pd.to_datetime(frame["time"], format="ISO8601", utc=True)
    return frame
