"""Personalisation that reacts: whoever moves to another segment is written to, with what to recommend now.

Start a service (``crm-online serve``), then ``python examples/personalisation_feed.py [URL] [--cursor FILE]``; a key is
read from CRM_ONLINE_KEY. It waits for customers to move, asks for recommendations for each, and prints a message; put
your own mailer in place of ``print``. After a restart it goes on behind the last message, which FILE holds.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from crm_online.client import Client
from crm_online.errors import NotFound
from crm_online.values import SegmentChange

OFFERS = 3


@dataclass(frozen=True)
class Message:
    """What is written to one customer."""

    customer_id: str
    segment: str
    offers: list[str]
    why: str

    def __str__(self) -> str:
        """Return it on one line."""
        return f"to {self.customer_id}, now among “{self.segment}”: {', '.join(self.offers)} ({self.why})"


def message(client: Client, change: SegmentChange) -> Message | None:
    """Return what to write to a customer who moved; None if there is nothing to say, or nobody to say it to."""
    if change.to is None:
        return None  # erased, or in no segment any more
    try:
        found = client.recommend(change.customer_id, limit=OFFERS)
        # The service sends the segments again only if they have changed.
        names = {segment.id: segment.name for segment in client.segments().segments}
    except NotFound:
        return None  # erased since
    if not found.items:
        return None
    offers = [recommended.item for recommended in found.items]
    return Message(change.customer_id, names.get(change.to, change.to), offers, found.items[0].because.text)


def note(file: Path | None, cursor: str | None) -> None:
    """Write down how far the feed is, for the next time."""
    if file and cursor:
        file.write_text(cursor)


def main() -> None:
    """Follow the feed until it is interrupted."""
    parser = argparse.ArgumentParser(description="Write to whoever moves to another segment.")
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8080", help="where the service is")
    parser.add_argument("--cursor", type=Path, help="file that holds how far it is")
    asked = parser.parse_args()
    after = asked.cursor.read_text() if asked.cursor and asked.cursor.exists() else None
    with (
        Client(asked.url, key=os.environ.get("CRM_ONLINE_KEY")) as client,
        client.changes(kind=["segment-change"], after=after) as feed,
    ):
        # From here on, so that nothing is missed if it is stopped before the first move.
        note(asked.cursor, feed.cursor)
        print("waiting for customers to move; Ctrl+C ends it", flush=True)
        for change in feed:
            if isinstance(change, SegmentChange):
                if (written := message(client, change)) is not None:
                    print(written, flush=True)
            else:
                print(f"some moves were missed: {change}", flush=True)
            note(asked.cursor, feed.cursor)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("bye")
