"""Makes the service of a state: all its parts, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from crm_online.api.audit import ServiceAudit
from crm_online.api.keys import Keys
from crm_online.api.metrics import ServiceMetrics
from crm_online.api.quotas import EventQuotas
from crm_online.api.service import Service
from crm_online.api.sessions import Sessions
from crm_online.live.aggregates import AggregateMaker
from crm_online.live.customers.erasures import Erasures
from crm_online.live.customers.lookups import CustomerLookups
from crm_online.live.feeds.hub import ChangeHub
from crm_online.live.ingestion.sinks import EventSink
from crm_online.live.ingestion.state_sink import StateSink
from crm_online.live.recommender import Recommender, derive
from crm_online.live.snapshots.latest import Snapshots
from crm_online.live.webhooks.sender import WebhookSender
from crm_online.privacy.pseudonyms import Pseudonyms
from crm_online.settings import Settings
from crm_online.store import open_store


@contextmanager
def open_service(settings: Settings, state: str, kafka: Callable[[str], EventSink]) -> Iterator[Service]:
    """Open a state, and make the service of it.

    Parameters
    ----------
    settings
        The settings in force.
    state
        Where the state is, as for ``--state``; a folder that is not there is made, for the events to come.
    kafka
        Makes the sink of an events topic, for a state that workers feed.

    Raises
    ------
    StoreError
        If the state cannot be opened; that there is none yet is no error.
    InputError
        If the file of keys, of the keys of pseudonyms, or of a webhook's secret, cannot be used.
    AuditFailed
        If the audit log cannot be written.
    """
    serve, pseudonyms = settings.serve, Pseudonyms.read(settings.privacy.secret_file)
    keys, metrics = Keys(serve.keys_file), ServiceMetrics()
    with open_store(state, create=True, answer_seconds=serve.store_timeout / 1000) as store:
        snapshots = Snapshots(store, serve, derive, timed=partial(metrics.store, "snapshots"))
        changes = ChangeHub(store)
        customers = CustomerLookups(store, changes, timed=partial(metrics.store, "customers"), pseudonyms=pseudonyms)
        sink = StateSink(store, settings, kafka, begins="://" not in state, timed=partial(metrics.store, "events"))
        yield Service(
            settings=settings,
            where=store.where,
            url=store.url,
            customers=customers,
            erasures=Erasures(store, sink, pseudonyms),
            snapshots=snapshots,
            aggregates=AggregateMaker(store, settings.privacy.least_customers),
            changes=changes,
            webhooks=WebhookSender(store, changes, settings.webhooks, metrics.delivery, metrics.deliveries_waiting),
            recommender=Recommender(snapshots, customers, timed=partial(metrics.store, "recommendations")),
            sink=sink,
            quotas=EventQuotas(serve, customers.known),
            keys=keys,
            sessions=Sessions(serve.session / 1000),
            metrics=metrics,
            audit=ServiceAudit(settings.privacy.audit_file, store, pseudonyms),
        )
