"""What came of a webhook's deliveries, and what of it the state does not have yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

from crm_online.answers.webhooks import DeadLetter
from crm_online.live.feeds import cursors
from crm_online.live.feeds.cursors import Cursor
from crm_online.live.webhooks.stored import PROGRESS, REQUESTS, WebhookProgress, letters_name
from crm_online.store import HashWrite

_LETTERS: Final = 10_000
"""Dead letters of a webhook that are kept: the oldest leave."""

Outcome = Literal["delivered", "failed", "dead"]
Counted = Callable[[str, Outcome], None]
"""Called with a webhook and what came of an attempt, or of a change."""


class WebhookLedger:
    """What came of the deliveries of one webhook.

    Parameters
    ----------
    name
        Of the webhook.
    progress, letters
        What the state has: how far it is, and the ids of the changes that are dead letters, the oldest first.
    counted
        What counts them.

    Attributes
    ----------
    error
        Why the last delivery failed; empty: it did not.
    """

    def __init__(self, name: str, progress: WebhookProgress | None, letters: Sequence[str], counted: Counted) -> None:
        self._name, self._counted, self._stored = name, counted, progress
        self._letters = dict.fromkeys(letters)
        self._delivered, self.error = (progress.delivered, progress.error) if progress else (0, "")
        self._pending: list[HashWrite] = []

    def deliver(self, change_id: str, *, again: bool) -> None:
        """Note that a change was delivered; ``again``: it was a dead letter."""
        self._delivered, self.error = self._delivered + 1, ""
        self._counted(self._name, "delivered")
        if again:
            self._letters.pop(change_id, None)
            self._write_letter(change_id, None)

    def fail(self, error: str) -> None:
        """Note that an attempt failed."""
        self.error = error
        self._counted(self._name, "failed")

    def add_letter(self, letter: DeadLetter) -> None:
        """Note that a change is a dead letter."""
        self._counted(self._name, "dead")
        self._letters[letter.change_id] = None
        self._write_letter(letter.change_id, letter.model_dump_json().encode())
        if len(self._letters) > _LETTERS:
            oldest = next(iter(self._letters))
            del self._letters[oldest]
            self._write_letter(oldest, None)

    def answer_request(self, change_id: str) -> None:
        """Note that a dead letter was sent again as it was asked for, whatever came of it."""
        self._pending.append(HashWrite(REQUESTS, f"{self._name} {change_id}", None))

    def remove_letter(self, change_id: str) -> None:
        """Note that a dead letter cannot be sent again: its change was trimmed, or its customer erased."""
        self._letters.pop(change_id, None)
        self._write_letter(change_id, None)
        self.answer_request(change_id)

    @property
    def answered_requests(self) -> frozenset[str]:
        """The changes whose requests to be sent again are answered, where the state does not have that yet."""
        return frozenset(write.field.partition(" ")[2] for write in self._pending if write.name == REQUESTS)

    def pending(self, cursor: Cursor) -> list[HashWrite]:
        """Return what the state does not have yet; with `confirm` it has."""
        progress = WebhookProgress(cursors.text(cursor), self._delivered, self.error)
        if progress != self._stored:
            self._stored = progress
            self._pending.append(HashWrite(PROGRESS, self._name, progress.encode()))
        return list(self._pending)

    def confirm(self, count: int) -> None:
        """Note that the first so many writes are done."""
        del self._pending[:count]

    def _write_letter(self, change_id: str, value: bytes | None) -> None:
        self._pending.append(HashWrite(letters_name(self._name), change_id, value))
