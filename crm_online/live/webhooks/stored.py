"""What the state keeps of webhooks, in partition 0: cursors, dead letters, and which of these to send again.

No step writes it, so it is no part of the digest. A dead letter names its change, and has nothing of what it says: that
is kept once, where an erasure finds it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Final

from crm_online.answers.webhooks import DeadLetter, WebhookStatus
from crm_online.errors import InputError, StateCorrupt
from crm_online.live.feeds import cursors
from crm_online.settings import WebhookSettings
from crm_online.step import ChangeId
from crm_online.store import PartitionStore, Store
from crm_online.store.keys import META, SEQUENCE
from crm_online.store.replies import as_int

LEASE: Final = "webhooks-sender"
PROGRESS: Final = "webhooks"
"""A hash: how far each webhook is, by name."""
REQUESTS: Final = "webhooks-again"
"""A hash whose fields are ``name change-id``: dead letters that are to be sent again."""


def letters_name(webhook: str) -> str:
    """Return the name of the hash of a webhook's dead letters, by change id."""
    return f"dead-letters:{webhook}"


@dataclass(frozen=True, slots=True)
class WebhookProgress:
    """How far a webhook is.

    Attributes
    ----------
    cursor
        The changes up to which, in each partition, all were delivered, or became dead letters, as a cursor of a feed.
    delivered
        How many were delivered in all.
    error
        Why the last delivery failed; empty: it did not.
    """

    cursor: str
    delivered: int = 0
    error: str = ""

    def encode(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def decode(cls, raw: bytes) -> WebhookProgress:
        """Read what :meth:`encode` wrote; raises ``StateCorrupt`` for anything else."""
        try:
            return cls(**json.loads(raw))
        except (ValueError, TypeError) as error:
            raise StateCorrupt("the progress of a webhook cannot be read") from error


def read_progress(store: PartitionStore, webhook: str) -> WebhookProgress | None:
    """Return how far a webhook is; None if it has sent nothing yet."""
    (raw,) = store.hash_get(PROGRESS, [webhook.encode()])
    return None if raw is None else WebhookProgress.decode(raw)


def read_letters(store: PartitionStore, webhook: str) -> list[DeadLetter]:
    """Return the dead letters of a webhook, the oldest first."""
    found = [DeadLetter.model_validate_json(raw) for _, raw in store.hash_all(letters_name(webhook))]
    return sorted(found, key=lambda letter: (letter.failed_at, letter.change_id))


def request_again(store: PartitionStore, webhook: str, change_ids: Collection[str] = ()) -> int:
    """Ask for dead letters to be sent again, by whoever sends; return how many.

    Parameters
    ----------
    store
        Partition 0.
    webhook
        The webhook's name.
    change_ids
        Which; where there are none, all.

    Raises
    ------
    InputError
        If one is no dead letter of the webhook.
    """
    known = [letter.change_id for letter in read_letters(store, webhook)]
    if unknown := sorted(set(change_ids) - set(known)):
        raise InputError(f"webhook {webhook} has no dead letter {unknown[0][:80]}")
    asked = list(dict.fromkeys(change_ids)) or known
    for change_id in asked:
        store.put_field(REQUESTS, f"{webhook} {change_id}".encode(), b"1")
    return len(asked)


def read_requests(store: PartitionStore) -> list[tuple[str, ChangeId]]:
    """Return the dead letters that are to be sent again, as webhook and change, in the order of the changes."""
    found = []
    for field, _ in store.hash_all(REQUESTS):
        webhook, _, change_id = field.decode().partition(" ")
        found.append((webhook, ChangeId.parse(change_id)))
    return sorted(found)


def statuses(store: Store, webhooks: Iterable[tuple[str, WebhookSettings]]) -> list[WebhookStatus]:
    """Return how far some webhooks are.

    Raises
    ------
    StoreError
        If the state cannot be read, or there is none.
    """
    first = store.partition(0)
    parts = [store.partition(number) for number in range(store.meta().partitions)]
    newest = [as_int(part.hash_get(META, [SEQUENCE])[0] or b"0") for part in parts]
    found = []
    for name, settings in webhooks:
        progress = read_progress(first, name)
        cursor = cursors.parse(progress.cursor) if progress else {}
        undelivered = [max(last - cursor[at].sequence, 0) for at, last in enumerate(newest) if at in cursor]
        found.append(
            WebhookStatus(
                name=name,
                receiver=settings.receiver,
                kinds=list(settings.kinds),
                cursor=progress.cursor if progress else None,
                behind=sum(undelivered),
                delivered=progress.delivered if progress else 0,
                dead_letters=first.hash_length(letters_name(name)),
                error=(progress.error or None) if progress else None,
            )
        )
    return found
