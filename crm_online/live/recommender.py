"""Recommendations, made in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from crm_online.live.customers.lookups import CustomerLookups
from crm_online.live.part import ServicePart
from crm_online.live.snapshots.latest import Snapshots
from crm_online.live.threads import Threads
from crm_online.lookup import Lookup
from crm_online.lookup.recommender import StateRecommender
from crm_online.recommend.answer import RecommendationRequest

_THREADS: Final = 4


def derive(lookup: Lookup) -> object:
    """Make what recommendations need of a snapshot: what `Snapshots` is to be given."""
    return lookup.recommender


class Recommender(ServicePart):
    """Recommends by the latest snapshot, to the customer as of now.

    Parameters
    ----------
    snapshots
        Snapshots that were given `derive`.
    customers
        Look-ups of customers.
    timed
        Called with the seconds of each answer.
    """

    def __init__(
        self, snapshots: Snapshots, customers: CustomerLookups, timed: Callable[[float], None] | None = None
    ) -> None:
        self._snapshots, self._customers = snapshots, customers
        self._threads = Threads(_THREADS, "recommendations", timed)

    async def stop(self) -> None:
        """End the threads."""
        await self._threads.stop()

    async def recommend(self, customer: str | None, request: RecommendationRequest) -> dict[str, Any]:
        """Return recommendations, see :meth:`crm_online.lookup.lookup.Lookup.recommend`.

        Raises
        ------
        StoreError
            If there is no state (``StateMissing``), or it cannot be read.
        UnknownCustomer
            If there is no such customer, and no basket either.
        """
        made = self._made()
        read = await self._customers.batch([customer]) if customer is not None else None
        return await self._threads.run(made.recommend, customer, read, request)

    async def recommend_each(self, customers: Sequence[str], request: RecommendationRequest) -> dict[str, Any]:
        """Return recommendations for several customers, see :meth:`crm_online.lookup.lookup.Lookup.recommend_each`.

        Raises
        ------
        StoreError
            As `recommend`.
        """
        names, made = list(dict.fromkeys(customers)), self._made()
        read = await self._customers.batch(names)
        return await self._threads.run(made.each, names, read, request)

    def _made(self) -> StateRecommender:
        made = self._snapshots.needed().derived
        if not isinstance(made, StateRecommender):
            raise TypeError("these snapshots hold nothing for recommendations")
        return made
