"""A service killed again and again while events are sent: each that was acknowledged is there, and each counts once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from crm_online.lookup import open_lookup
from tests.servers.serving import Served, serving

POSTS, EACH, KILLS = 50, 5, 3
CUSTOMERS = 7


def events(post: int) -> list[dict[str, object]]:
    """Return one post's purchases, each with an id."""
    numbers = range(post * EACH, (post + 1) * EACH)
    return [
        {
            "event_id": f"e{number}",
            "type": "purchase",
            "customer_id": f"c{number % CUSTOMERS}",
            "time": f"2026-03-01T{number // 60:02d}:{number % 60:02d}:00Z",
            "items": [{"item": "bread", "quantity": 1, "price": number + 1}],
        }
        for number in numbers
    ]


class Sender:
    """Sends all posts one after the other; one that was not acknowledged is sent again."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.under_way = threading.Semaphore(0)
        self.again = threading.Semaphore(0)
        self.lost = 0
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        for post in range(POSTS):
            while not self._acknowledged(post):
                self.lost += 1
                self.again.acquire()

    def _acknowledged(self, post: int) -> bool:
        self.under_way.release()
        try:
            return httpx.post(f"{self._served.url}/v1/events", json=events(post), timeout=30).status_code == 202
        except httpx.TransportError:
            return False


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Return a service of a folder that has no state yet."""
    with serving(tmp_path, "--state", "state") as it:
        yield it


def test_each_event_counts_once_however_often_the_service_was_killed(served: Served, tmp_path: Path) -> None:
    sender = Sender(served)
    sender.thread.start()
    for _ in range(KILLS):
        for _ in range(POSTS // (KILLS + 2)):
            sender.under_way.acquire()
        served.kill()
        served.start()
        sender.again.release()
    sender.thread.join()
    served.stop()
    assert sender.lost >= 1
    with open_lookup(str(tmp_path / "state")) as lookup:
        found = lookup.customers_frame()
        assert lookup.states[0].accepted == POSTS * EACH
        assert lookup.verify()["ok"]
    spend = dict(zip(found["customer_id"], found["spend"], strict=True))
    assert spend == {
        f"c{one}": sum(number + 1 for number in range(POSTS * EACH) if number % CUSTOMERS == one)
        for one in range(CUSTOMERS)
    }
