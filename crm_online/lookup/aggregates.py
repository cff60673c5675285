"""Keeps the last publication, and makes the next: one process of a state at a time."""

from __future__ import annotations

from pydantic import ValidationError

from crm_online.errors import StateBeingRead, StateCorrupt
from crm_online.lookup.lookup import Lookup
from crm_online.lookup.publication import FIELD, LEASE, NAME, Publication
from crm_online.store import HashWrite, Store

_SECONDS = 60.0


def last_publication(store: Store) -> Publication | None:
    """Return the last publication; None if there is none.

    Raises
    ------
    StateCorrupt
        If it is not that.
    """
    (raw,) = store.partition(0).hash_get(NAME, [FIELD.encode()])
    try:
        return None if raw is None else Publication.model_validate_json(raw)
    except ValidationError as error:
        raise StateCorrupt("the last publication in the state cannot be read") from error


def renewed(store: Store, least: int) -> Publication:
    """Return the next publication and store it, so that the one after it follows from it, in whatever process.

    Parameters
    ----------
    store
        The state; this writes to it.
    least
        The setting ``privacy.least_customers``.

    Raises
    ------
    StateBeingRead
        If another process makes the first publication right now.
    StoreError
        If the state cannot be read or written.
    """
    lookup, lease = Lookup(store), store.lease(LEASE, _SECONDS)
    if not lease.hold():
        found = last_publication(store)
        if found is None:
            raise StateBeingRead("another process makes the first publication: ask again")
        return found
    before = last_publication(store)
    made = lookup.publication(least, before)
    if made != before and not lease.keep([HashWrite(NAME, FIELD, made.model_dump_json().encode())]):
        raise StateBeingRead("another process has made a publication meanwhile: ask again")
    lease.release()
    return made
