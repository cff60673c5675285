"""What the whole log does otherwise than before."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from crm_online.values.segments import Time
from crm_online.values.value import ChangeValue, Share, Value, Weight


class ItemShares(Value):
    """The share of baskets with an item."""

    item: str
    before: Share
    after: Share


class Drift(ChangeValue):
    """Something has become another than it was, beyond how it usually fluctuates. Key: ``what``."""

    what: Annotated[
        str,
        Field(
            pattern="^(distances|baskets|loss:.+)$",
            description="distances: how far customers who come are from their segments' centroids, against the root "
            "of the mean squared distance of all members; baskets: what is bought; loss:NAME: a loss by its name",
        ),
    ]
    size: Annotated[float | None, Field(description="(after - before) / before; null: there was none before")]
    time: Annotated[Time, Field(description="event time at which it was found, in UTC")]
    since: Annotated[Time, Field(description="event time from which it is so, as far as can be seen, in UTC")]
    before: Annotated[Weight, Field(description="the mean before; of baskets, the share of the first of the items")]
    after: Annotated[Weight, Field(description="the same since then")]
    deviations: Annotated[
        Weight, Field(description="how many standard deviations of its usual fluctuation it differs by")
    ]
    items: Annotated[
        list[ItemShares], Field(max_length=5, description="of baskets, what moved most; the largest move first")
    ]
