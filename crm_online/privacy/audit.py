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
from crm_online.privacy.files import private_no_link
from crm_online.privacy.pseudonyms import NO_PSEUDONYMS, Pseudonyms

AuditedAction: TypeAlias = Literal["look-up", "explain", "recommend", "copy", "members", "export", "erase", "objection"]
"""What somebody did with data of customers."""


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Appends lines to a file that only its owner may read; the file may be rotated at any time.

    A line has `time`, `who`, `action`, `count` and `customers`: the hash of each id (of its pseudonym under each key),
    keyed with the id of the state.

    Attributes
    ----------
    path
        The file.
    key
        What the hashes depend on: the id of the state.
    pseudonyms
        By which ids are stored: an id has the hashes of all its pseudonyms.
    """

    path: Path
    key: str
    pseudonyms: Pseudonyms = NO_PSEUDONYMS

    def hashes_of(self, customer: str) -> list[str]:
        """Return the hashes of a customer's id, as lines have them."""
        names = [name.encode("utf-8", "surrogatepass") for name in self.pseudonyms.every(customer)]
        return [blake2b(name, digest_size=16, key=self.key.encode()[:64]).hexdigest() for name in names]

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
            "customers": [found for customer in customers for found in self.hashes_of(customer)],
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
        place = private_no_link(str(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            data = text.encode()
            written = os.write(place, data)
            if written < len(data):
                end = os.lseek(place, 0, os.SEEK_CUR)
                if os.fstat(place).st_size == end:  # nobody has appended since: the part of a line goes
                    os.ftruncate(place, end - written)
                raise AuditFailed(f"the audit log {path} cannot be written: the line did not fit")
        finally:
            os.close(place)
    except OSError as error:
        raise AuditFailed(f"the audit log {path} cannot be written: {error.strerror}") from error
