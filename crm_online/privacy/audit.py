"""The audit log: who looked whom up, copied or erased, line by line, without ids."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Literal, TypeAlias

from crm_online.errors import AuditFailed
from crm_online.privacy.pseudonyms import NO_PSEUDONYMS, Pseudonyms
from crm_online.private import private_here

AuditedAction: TypeAlias = Literal["look-up", "explain", "recommend", "copy", "members", "export", "erase", "objection"]
"""What somebody did with data of customers."""


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Appends lines to a file that its owner alone may read; it may be moved away at any time.

    A line has `time`, `who`, `action`, `count` and `customers`: the hash of each id, keyed with the id of the state.

    Attributes
    ----------
    path
        The file.
    key
        What the hashes depend on: the id of the state.
    pseudonyms
        By which ids are stored: an id and its pseudonym have one hash.
    """

    path: Path
    key: str
    pseudonyms: Pseudonyms = NO_PSEUDONYMS

    def hash_of(self, customer: str) -> str:
        """Return the hash of a customer's id, as lines have it."""
        name = self.pseudonyms.of(customer).encode("utf-8", "surrogatepass")
        return blake2b(name, digest_size=16, key=self.key.encode()[:64]).hexdigest()

    def note(self, who: str, action: AuditedAction, customers: Sequence[str]) -> None:
        """Append a line.

        Raises
        ------
        AuditFailed
            If it cannot be written.
        """
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "who": who,
            "action": action,
            "count": len(customers),
            "customers": list(map(self.hash_of, customers)),
        }
        append(self.path, json.dumps(line) + "\n")


def append(path: Path, text: str) -> None:
    """Append a text to the audit log, in one write; an empty one makes the file.

    Raises
    ------
    AuditFailed
        If it cannot be written, or is a link.
    """
    try:
        place = private_here(str(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(place, text.encode())
        finally:
            os.close(place)
    except OSError as error:
        raise AuditFailed(f"the audit log {path} cannot be written: {error.strerror}") from error
