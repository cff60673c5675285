"""The file of keys: their names, scopes and hashes, never the keys themselves.

A key is ``crm_<id>_<secret>``. Its secret has 256 random bits, so a plain SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crm_online.errors import InputError

Scope = Literal["read", "write", "admin", "aggregates"]
"""read: look-ups and feeds; write: send events; admin: all, and rejects with what was sent; aggregates: only what
stands on many customers."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
_NAME = r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}"
_HEAD = "# Keys of crm-online's service, as hashes. `crm-online keys new`, `list` and `revoke` change this file.\n"


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a key that a request came with.

    Attributes
    ----------
    id, name
        Of the key.
    scopes
        What the key is for.
    producer
        Whose event ids it sends.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    producer: str

    def may(self, scope: Scope) -> bool:
        """Return whether the caller has a scope; admin has all, and who may read may read aggregates."""
        return scope in self.scopes or "admin" in self.scopes or (scope == "aggregates" and "read" in self.scopes)


class StoredKey(BaseModel):
    """A key as it is stored; of the ids of events its producer is the key's id if none is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=f"^{_NAME}$")
    id: str = Field(pattern="^[0-9a-f]{8}$")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    scopes: tuple[Scope, ...] = Field(min_length=1)
    created: datetime
    producer: str | None = Field(default=None, pattern=f"^{_NAME}$")

    def caller(self) -> Caller:
        """Return the caller with this key."""
        return Caller(self.id, self.name, frozenset(self.scopes), self.producer or self.id)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: tuple[StoredKey, ...] = ()


def read_keys(path: Path) -> tuple[StoredKey, ...]:
    """Read the keys of a file.

    Raises
    ------
    InputError
        If it cannot be read, is not TOML, or holds something else.
    """
    try:
        found = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).keys
    except OSError as error:
        raise InputError(f"cannot read the keys in {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not TOML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        # Pydantic's own text would quote the hashes.
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{path} is not a file of keys: {where}: {first['msg']}") from None
    for what, values in (("name", [key.name for key in found]), ("id", [key.id for key in found])):
        if len(set(values)) < len(values):
            raise InputError(f"{path} is not a file of keys: two have the same {what}")
    return found


def new_key(path: Path, name: str, scopes: Iterable[Scope], producer: str | None = None) -> str:
    """Add a key to a file, which is made if it is not there, and return the key: it cannot be had again.

    Raises
    ------
    InputError
        If the name is in use or cannot be one, or the file cannot be read or written.
    """
    for what, given in (("key", name), ("producer", producer)):
        if given is not None and not re.fullmatch(_NAME, given):
            raise InputError(f"{given[:80]!r} cannot be a {what}'s name: up to 64 letters, digits, spaces, and . _ @ -")
    known = read_keys(path) if path.exists() else ()
    if any(key.name == name for key in known):
        raise InputError(f"{path} has a key {name!r}: give another name, or revoke it first")
    ids = {key.id for key in known}
    identity = next(made for made in iter(lambda: secrets.token_hex(4), None) if made not in ids)
    key = f"crm_{identity}_{secrets.token_urlsafe(32)}"
    ordered = tuple(scope for scope in SCOPES if scope in set(scopes))
    created = datetime.now(UTC).replace(microsecond=0)
    made = StoredKey(name=name, id=identity, sha256=_hashed(key), scopes=ordered, created=created, producer=producer)
    _write(path, [*known, made])
    return key


def revoke_key(path: Path, name: str) -> None:
    """Remove a key from a file.

    Raises
    ------
    InputError
        If there is none of that name, or the file cannot be read or written.
    """
    known = read_keys(path)
    if all(key.name != name for key in known):
        raise InputError(f"{path} has no key {name[:80]!r}; crm-online keys list shows those there are")
    _write(path, [key for key in known if key.name != name])


def matching(key: str, known: dict[str, StoredKey]) -> StoredKey | None:
    """Return the stored key of a key that was shown, in a time that does not depend on how much of it is right.

    Parameters
    ----------
    key
        What was shown.
    known
        The stored keys by id.
    """
    found = known.get(key[4:12])
    return found if found and hmac.compare_digest(_hashed(key), found.sha256) else None


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _write(path: Path, keys: Sequence[StoredKey]) -> None:
    """Replace the file by a new one, readable by its owner only."""
    blocks = [
        f'\n[[keys]]\nname = "{key.name}"\nid = "{key.id}"\nsha256 = "{key.sha256}"\n'
        f"scopes = {list(key.scopes)}\ncreated = {key.created.isoformat()}\n"
        + (f'producer = "{key.producer}"\n' if key.producer else "")
        for key in keys
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes it 0600.
        handle, made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(_HEAD + "".join(blocks))
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                # The service may run as another user, to whom the old file was given.
                old = path.stat()
                with contextlib.suppress(PermissionError):
                    os.chown(made, old.st_uid, old.st_gid)
            os.replace(made, path)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"cannot write the keys to {path}: {error.strerror or error}") from error
