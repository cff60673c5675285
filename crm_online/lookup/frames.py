"""The state as pandas DataFrames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import NEVER, Records
from crm_online.itemsets.parts import FrequentItemsets
from crm_online.lookup.partition import PartitionView
from crm_online.lookup.predictions import StatePredictor, column_names
from crm_online.rules.measures import MEASURES
from crm_online.segments.vectors import scaled

if TYPE_CHECKING:
    import pandas as pd

RULE_COLUMNS: Final = (
    "antecedent",
    "consequent",
    *MEASURES,
    "count",
    "error",
    "baskets",
    "rank",
    "p_next_basket",
    "segment",
    "time",
)
"""The columns of a frame of rules, as the change feed has them."""
_SEGMENT_RULE_COLUMNS: Final = ("everybody", "customers")


def customers_frame(
    views: Sequence[PartitionView], as_of: int, predictor: StatePredictor | None = None
) -> pd.DataFrame:
    """Return all customers, one row each, sorted by id.

    Parameters
    ----------
    views
        The partitions.
    as_of
        Time in ms at which the decayed features are read.
    predictor
        What predicts; without it there are no numbers in its columns.

    Returns
    -------
    pandas.DataFrame
        ``customer_id, segment, nearest, first_event, last_event``, the plain totals ``purchases,
        spend, items, returns, events``, the features by name, ``vector.<feature>``: the scaled
        vector as last scored, and :func:`crm_online.lookup.predictions.column_names`.
    """
    import pandas as pd

    frames = [_frame(view, ids, records, as_of, predictor) for view in views for ids, _, records in view.batches()]
    frames = frames or [_frame(view, [], view.codec.blank(0), as_of, predictor) for view in views[:1]]
    return pd.concat(frames, ignore_index=True).sort_values("customer_id", ignore_index=True)


def segments_frame(values: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return segments, one row each; centroids in natural units, feature by feature."""
    import pandas as pd

    rows = pd.DataFrame(values, columns=["id", "name", "size", "description", "centroid"])
    rows["description"] = [value["description"]["text"] for value in values]
    centroids = pd.DataFrame([value["centroid"] for value in values], index=rows.index).add_prefix("centroid.")
    return pd.concat([rows.drop(columns="centroid"), centroids], axis=1)


def rules_frame(values: Sequence[Mapping[str, Any]], *, of_segment: bool) -> pd.DataFrame:
    """Return rules, one row each, in the order given; of a segment with what only its rules have."""
    import pandas as pd

    own = _SEGMENT_RULE_COLUMNS if of_segment else ()
    frame = pd.DataFrame(values, columns=["change_id", "change", *RULE_COLUMNS, *own])
    frame["time"] = pd.to_datetime(frame["time"], format="ISO8601", utc=True)
    return frame.astype({"p_next_basket": float, "segment": "string"})


def itemsets_frame(itemsets: FrequentItemsets) -> pd.DataFrame:
    """Return frequent itemsets with their bounds, the most frequent first."""
    import pandas as pd

    named = [list(items) for items in itemsets.named()]
    frame = pd.DataFrame(
        {
            "items": pd.Series(named, dtype=object),
            "count": itemsets.sets.count,
            "error": itemsets.sets.error,
            "support": itemsets.sets.count / itemsets.baskets if itemsets.baskets else itemsets.sets.count,
        }
    )
    return frame.sort_values("count", ascending=False, kind="stable", ignore_index=True)


def _frame(
    view: PartitionView, ids: list[str], records: Records, as_of: int, predictor: StatePredictor | None
) -> pd.DataFrame:
    import pandas as pd

    features = view.reader.features
    raw = view.reader.read(records, as_of)
    vectors = scaled(records.vectors)
    columns: dict[str, object] = {
        "customer_id": pd.Series(ids, dtype="str"),
        "segment": pd.Series(view.segment_ids(records, records.reported), dtype="str"),
        "nearest": pd.Series(view.segment_ids(records, records.nearest), dtype="str"),
        "first_event": _times(records.first_event),
        "last_event": _times(records.last_event),
    }
    columns |= {name: getattr(records, name) for name in ("purchases", "spend", "items", "returns", "events")}
    columns |= {name: raw[:, column] for column, name in enumerate(features)}
    columns |= {f"vector.{name}": vectors[:, column] for column, name in enumerate(features)}
    if predictor is not None:
        columns |= predictor.columns(records, as_of)
    else:
        columns |= {name: np.full(len(ids), np.nan) for name in column_names()}
    return pd.DataFrame(columns)


def _times(times: NDArray[np.int64]) -> pd.Series[pd.Timestamp]:
    import pandas as pd

    series = pd.Series(pd.to_datetime(np.where(times == NEVER, 0, times), unit="ms", utc=True))
    return series.where(pd.Series(times != NEVER))
