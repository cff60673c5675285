"""Errors of redis-py as errors of ours."""

from __future__ import annotations

import re
from typing import Final

import redis.exceptions as theirs

from crm_online.errors import StateCorrupt, StoreError, StoreRefused, StoreUnavailable

_RIGHTS: Final = "does not let this user {} (docs/operations.md has the rights that crm-online needs)"
_CERTIFICATE: Final = "breaks TLS off; it may want a certificate of ours (ssl_certfile, ssl_keyfile in the URL)"
_COMMAND: Final = re.compile(r"run the '([^']+)' command")

# Redis 6.2 wraps an error that a command met inside a script: "ERR Error running script …: -OOM command not …".
# So the code word is looked for anywhere, not only at the start. In this order: the first that fits counts.
_BY_WORD: Final[tuple[tuple[str, type[StoreError], str], ...]] = (
    ("WRONGPASS", StoreRefused, "does not accept this user name and password"),
    ("invalid username-password", StoreRefused, "does not accept this user name and password"),
    ("invalid password", StoreRefused, "does not accept this password"),
    ("without any password configured", StoreRefused, "has no password set, but one was given"),
    ("NOAUTH", StoreRefused, "wants a password"),
    ("Authentication required", StoreRefused, "wants a password"),
    ("OOM command not allowed", StoreRefused, "is full (maxmemory is reached); give it more memory, then run again"),
    ("used memory > 'maxmemory'", StoreRefused, "is full (maxmemory is reached); give it more memory, then run again"),
    ("MISCONF", StoreRefused, "cannot write to its disk, and so takes no writes"),
    ("READONLY", StoreRefused, "is a read-only replica"),
    ("read only replica", StoreRefused, "is a read-only replica"),
    ("NOREPLICAS", StoreRefused, "has too few replicas to take writes (min-replicas-to-write)"),
    ("can't run this command", StoreRefused, _RIGHTS.format("run what a commit runs")),
    ("one of the keys", StoreRefused, _RIGHTS.format("at all keys {crm*")),
    ("DENIED", StoreRefused, "is in protected mode: it takes no connections from other machines"),
    ("LOADING", StoreUnavailable, "is still loading its data"),
    ("BUSY", StoreUnavailable, "is busy with a script of somebody else"),
    ("max number of clients", StoreUnavailable, "has too many clients"),
    ("WRONGTYPE", StateCorrupt, "holds a key of another type than crm-online gave it"),
    ("certificate is not valid for", StoreUnavailable, "shows the certificate of another host"),
    ("certificate has expired", StoreUnavailable, "shows a certificate that has expired"),
    (
        "certificate verify failed",
        StoreUnavailable,
        "shows a certificate that is not trusted (ssl_ca_certs in the URL)",
    ),
    ("certificate required", StoreUnavailable, _CERTIFICATE),
    ("EOF occurred in violation of protocol", StoreUnavailable, _CERTIFICATE),
)


def from_redis(error: theirs.RedisError, where: str) -> StoreError:
    """Return our error for one of redis-py.

    Parameters
    ----------
    error
        What redis-py raised.
    where
        The Redis as a person may read it: no password in it.

    Returns
    -------
    StoreError
        For the caller to raise; its text is one line.

    Examples
    --------
    >>> from_redis(theirs.ReadOnlyError("You can't write against a read only replica."), "Redis at db:6379")
    StoreRefused('Redis at db:6379 is a read-only replica')
    """
    text = " ".join(str(error).split())
    # redis-py cuts the code word off for the errors that it knows; the class then stands for it.
    words = f"{type(error).__name__} {text}"
    for word, kind, saying in _BY_WORD:
        if word in words:
            return kind(f"{where} {saying}")
    if isinstance(error, theirs.OutOfMemoryError):
        return StoreRefused(f"{where} is full (maxmemory is reached); give it more memory, then run again")
    if isinstance(error, theirs.NoPermissionError) or "NOPERM" in words:
        command = _COMMAND.search(text)
        return StoreRefused(f"{where} {_RIGHTS.format(f'run {command[1]}' if command else 'do all')}")
    if isinstance(error, theirs.AskError | theirs.TryAgainError):
        return StoreUnavailable(f"{where} is moving the keys to another node")
    if isinstance(error, theirs.ClusterDownError):
        return StoreUnavailable(f"{where} has no answer while its cluster is down: {text}")
    if isinstance(error, theirs.BusyLoadingError):
        return StoreUnavailable(f"{where} is still loading its data")
    if isinstance(error, theirs.AuthenticationError | theirs.AuthorizationError):
        return StoreRefused(f"{where} refuses the log-in: {text}")
    if isinstance(error, theirs.TimeoutError):
        return StoreUnavailable(f"{where} does not answer in time")
    if isinstance(error, theirs.ConnectionError):
        return StoreUnavailable(f"{where} cannot be reached: {text or 'the connection broke'}")
    return StoreRefused(f"{where} refuses: {text}")
