"""The audit log of the service: which key looked whom up, copied or erased."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from starlette.requests import HTTPConnection

from crm_online.api.keyfile import Caller
from crm_online.api.keys import CALLER
from crm_online.errors import StateMissing
from crm_online.privacy.audit import AuditedAction, AuditLog, append
from crm_online.privacy.pseudonyms import Pseudonyms
from crm_online.store import Store


class ServiceAudit:
    """Notes what callers do with data of customers, before they are answered.

    Parameters
    ----------
    path
        The file; ``None``: nothing is noted.
    store
        The state.
    pseudonyms
        By which ids are stored.

    Raises
    ------
    AuditFailed
        If the file cannot be written.
    """

    def __init__(self, path: Path | None, store: Store, pseudonyms: Pseudonyms) -> None:
        self._path, self._store, self._pseudonyms = path, store, pseudonyms
        self._key: str | None = None
        if path is not None:
            append(path, "")

    async def note(self, connection: HTTPConnection, action: AuditedAction, customers: Sequence[str]) -> None:
        """Note what the caller of a request does.

        Raises
        ------
        AuditFailed
            If it cannot be noted.
        StoreError
            If the state cannot be read.
        """
        if self._path is None:
            return
        caller: Caller | None = connection.scope.get(CALLER)
        host = connection.client.host if connection.client else "?"
        who = f"key {caller.id} ({caller.name}) at {host}" if caller and caller.id else f"anybody at {host}"
        await asyncio.to_thread(self._note, self._path, who, action, customers)

    def _note(self, path: Path, who: str, action: AuditedAction, customers: Sequence[str]) -> None:
        if self._key is None:
            try:
                self._key = self._store.meta().id
            except StateMissing:  # there is nobody to find
                AuditLog(path, "").note(who, action, [])
                return
        AuditLog(path, self._key, self._pseudonyms).note(who, action, customers)
