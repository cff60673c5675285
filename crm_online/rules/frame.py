"""Rules as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from crm_online.rules.measures import MEASURES
from crm_online.rules.rank import order
from crm_online.rules.table import RuleTable

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "antecedent",
    "consequent",
    *MEASURES,
    "count",
    "error",
    "baskets",
    "rank",
    "p_next_basket",
    "segment",
)
"""The columns of the frame, as the change feed has them."""

Sort = Literal["lift", "confidence", "support", "rank"]


def to_frame(table: RuleTable, sort: Sort = "lift") -> pd.DataFrame:
    """Return a table of rules as a frame, one row a rule, sorted by ``sort`` and then by rank.

    A table knows nothing of next baskets: the rank is by the fixed score, and the chances are NaN.

    Examples
    --------
    >>> from crm_online.rules.measures import measure
    >>> one = np.array([[0, -1]], np.int32)
    >>> figures = np.array([4.0]), np.array([5.0]), np.array([6.0])
    >>> columns = figures[0], 0 * figures[0], *figures[1:], np.array([np.inf])
    >>> table = RuleTable(["tea", "cup"], one, one + [[1, 0]], measure(*figures, 10.0), *columns, 10.0)
    >>> to_frame(table)[["antecedent", "consequent", "confidence"]].to_numpy().tolist()
    [[('tea',), ('cup',), 0.8]]
    """
    import pandas as pd

    sides = [table.sides(row) for row in range(len(table))]
    measures = {name: getattr(table.measures, name) for name in MEASURES}
    rank = np.empty(len(table), np.int64)
    rank[order(table)] = np.arange(1, len(table) + 1)
    frame = pd.DataFrame(
        {
            "antecedent": pd.Series([x for x, _ in sides], dtype=object),
            "consequent": pd.Series([y for _, y in sides], dtype=object),
            **measures,
            "count": table.count,
            "error": table.error,
            "baskets": table.baskets,
            "rank": rank,
            "p_next_basket": np.nan,
            "segment": None,
        }
    )
    return _sorted(frame, sort)


def frame_of_values(values: Sequence[Mapping[str, Any]], sort: Sort = "lift") -> pd.DataFrame:
    """Return rules as the change feed has them as a frame; an infinite conviction is infinite again."""
    import pandas as pd

    frame = pd.DataFrame([{name: value[name] for name in COLUMNS} for value in values], columns=list(COLUMNS))
    frame["conviction"] = frame["conviction"].astype(float).fillna(np.inf)
    frame["p_next_basket"] = frame["p_next_basket"].astype(float)
    for side in ("antecedent", "consequent"):
        frame[side] = pd.Series([tuple(names) for names in frame[side]], dtype=object, index=frame.index)
    return _sorted(frame, sort)


def _sorted(frame: pd.DataFrame, sort: Sort) -> pd.DataFrame:
    if sort == "rank":
        return frame.sort_values("rank", kind="stable", ignore_index=True)
    return frame.sort_values([sort, "rank"], ascending=[False, True], kind="stable", ignore_index=True)
