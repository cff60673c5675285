"""Customers who object to being profiled: the state holds nothing else about them."""

from __future__ import annotations

from collections.abc import Sequence

from crm_online.customers import suppression
from crm_online.customers.suppression import Suppression
from crm_online.errors import CustomerObjects, UnknownCustomer
from crm_online.events.times import to_short_iso
from crm_online.store import Store


def unknown(store: Store, customer: str, stored: Sequence[str], more: str = "") -> UnknownCustomer:
    """Return the error of a customer who is in no partition, which says whether the customer objects.

    Parameters
    ----------
    store
        The state.
    customer, stored
        The id that was asked for, and under which ids it may be stored.
    more
        What else there is to say.

    Raises
    ------
    StoreError
        If the state cannot be read.
    """
    meta = store.meta()
    for number in range(meta.partitions):
        objections = Suppression(meta.id)
        fields = [objections.field_of(name) for name in stored]
        found = store.partition(number).hash_get(suppression.NAME, fields)
        objections.load((field, raw) for field, raw in zip(fields, found, strict=True) if raw is not None)
        for since in filter(None, map(objections.objected_since, stored)):
            return CustomerObjects(
                f"customer {customer!r} objects to being profiled, since {to_short_iso(since)}: nothing else is kept"
            )
    return UnknownCustomer(f"no customer {customer!r} in the state{more}")
