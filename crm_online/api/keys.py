"""Who may do what: the key of a request, and the scope that a route needs."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from crm_online.api.keyfile import SCOPES, Caller, Scope, StoredKey, matching, read_keys
from crm_online.api.problems import ProblemError
from crm_online.errors import InputError
from crm_online.events.producers import LOG
from crm_online.live.part import ServicePart

CALLER = "crm_online.caller"
"""Where the gate puts the caller in an ASGI scope; None: unknown."""
ANYBODY = Caller("", "anybody", frozenset({"admin"}), LOG)
"""The caller where no keys are configured."""

_log = logging.getLogger(__name__)
_CHECK_EVERY = 1.0
_MODEL = HTTPBearer(description="A key made by `crm-online keys new`; not needed where none are configured.")


class Keys(ServicePart):
    """The keys of the service, read again when their file changes.

    Parameters
    ----------
    path
        Their file; None: no keys, and anybody may do everything.

    Raises
    ------
    InputError
        If the file cannot be used; later on the keys that were read last stay in force.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, StoredKey] = {}
        self._callers: dict[str, Caller] = {}
        self._trouble: str | None = None
        self._version: tuple[int, ...] = ()
        self._checked = 0.0
        if path is not None:
            self._version = _version(path)
            self._replace(read_keys(path))

    @property
    def configured(self) -> bool:
        """Whether a key is needed at all."""
        return self._path is not None

    def caller(self, key: str) -> Caller | None:
        """Return the caller who shows a key; None: the key is not known."""
        self._refresh()
        found = matching(key, self._known)
        return self._callers[found.id] if found else None

    def holder(self, key_id: str) -> Caller | None:
        """Return the caller whose key has an id; None if the key was revoked or has expired."""
        self._refresh()
        return self._callers.get(key_id)

    def trouble(self) -> str | None:
        """Return why the file's last change is not in force; None if it is."""
        self._refresh()
        return self._trouble

    def _refresh(self) -> None:
        """Read the file again if it has changed, once in a second at most."""
        now = time.monotonic()
        if self._path is None or now - self._checked < _CHECK_EVERY:
            return
        self._checked = now
        version = _version(self._path)
        if version == self._version:
            return
        self._version = version
        try:
            self._replace(read_keys(self._path))
        except InputError as error:
            self._trouble = "keys: their file cannot be used, those read last stay in force; the log says why"
            _log.error("the keys that were read last stay in force: %s", error)
        else:
            self._trouble = None
            _log.info("%d keys are in force now", len(self._known))

    def _replace(self, keys: tuple[StoredKey, ...]) -> None:
        self._known = {key.id: key for key in keys}
        self._callers = {key.id: key.caller() for key in keys}


def _version(path: Path) -> tuple[int, ...]:
    """Return what changes with a file; empty if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size


class RequiredScope(SecurityBase):
    """A dependency: the caller must have a scope; None: a key, whatever its scopes."""

    def __init__(self, scope: Scope | None) -> None:
        self._scope = scope
        self.model = _MODEL
        self.scheme_name = "key"

    async def __call__(self, request: Request) -> None:
        """Refuse a request whose caller has not the scope."""
        caller: Caller | None = request.scope.get(CALLER)
        if caller is None:
            raise no_key()
        if self._scope is not None and not caller.may(self._scope):
            raise ProblemError(
                403,
                f"this needs a key with the scope {self._scope}; yours has {', '.join(sorted(caller.scopes))}",
                kind="scope",
                headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{self._scope}"'},
            )


_REQUIRED = {scope: RequiredScope(scope) for scope in (None, *SCOPES)}


def requires(scope: Scope | None) -> RequiredScope:
    """Return the dependency of a route or router: ``dependencies=[Depends(requires("read"))]``.

    The scope ``admin`` includes all, and ``read`` includes ``aggregates``; ``write`` does not include ``read``.
    None: any key will do.
    """
    return _REQUIRED[scope]


def no_key(shown: bool = False) -> ProblemError:
    """Return the refusal of a request without a key, or with one that is not known."""
    if shown:
        return ProblemError(
            401,
            "this key is not known, or no more",
            kind="key",
            headers={"WWW-Authenticate": 'Bearer realm="crm-online", error="invalid_token"'},
        )
    return ProblemError(
        401,
        "this needs a key: send it as Authorization: Bearer crm_…",
        kind="key",
        headers={"WWW-Authenticate": 'Bearer realm="crm-online"'},
    )
