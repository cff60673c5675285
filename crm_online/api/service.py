"""The service that the routes work with: one object with all parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from crm_online.api.keys import Keys
from crm_online.api.metrics import ServiceMetrics
from crm_online.api.quotas import EventQuotas
from crm_online.api.sessions import Sessions
from crm_online.live.part import ServicePart
from crm_online.settings import Settings

if TYPE_CHECKING:
    from crm_online.api.audit import ServiceAudit
    from crm_online.live.aggregates import AggregateMaker
    from crm_online.live.customers.erasures import Erasures
    from crm_online.live.customers.lookups import CustomerLookups
    from crm_online.live.feeds.hub import ChangeHub
    from crm_online.live.ingestion.state_sink import StateSink
    from crm_online.live.recommender import Recommender
    from crm_online.live.snapshots.latest import Snapshots
    from crm_online.live.webhooks.sender import WebhookSender


@dataclass(slots=True)
class Service:
    """The service: what its routes work with.

    Attributes
    ----------
    settings
        The settings in force: those of the service; the state is read by the ones that are stored in it.
    where
        The store, as a person may read it.
    url
        Of a store that this process runs, where other processes of this machine reach it.
    customers, erasures, snapshots, aggregates, changes, webhooks, recommender, sink, quotas, keys, sessions
        Look-ups of customers, and who is to be erased; segments, rules and picture, made anew; what stands on many
        customers; the feed; what posts changes; recommendations; where events go, and how many of a key; who may do
        what, and the browsers of whom.
    metrics, audit
        What is counted; what callers do with data of customers.
    """

    settings: Settings
    where: str
    url: str | None
    customers: CustomerLookups
    erasures: Erasures
    snapshots: Snapshots
    aggregates: AggregateMaker
    changes: ChangeHub
    webhooks: WebhookSender
    recommender: Recommender
    sink: StateSink
    quotas: EventQuotas
    keys: Keys
    sessions: Sessions
    metrics: ServiceMetrics
    audit: ServiceAudit

    def parts(self) -> Sequence[ServicePart]:
        """Return the parts in the order in which they start; they stop in the other."""
        return (
            self.keys,
            self.snapshots,
            self.aggregates,
            self.customers,
            self.changes,
            self.webhooks,
            self.recommender,
            self.sink,
        )


async def service(connection: HTTPConnection) -> Service:
    """Return the service that answers a request."""
    found = connection.app.state.service
    if not isinstance(found, Service):
        raise TypeError("the application has no service")
    return found


TheService = Annotated[Service, Depends(service)]
"""A route's parameter that is the service."""
