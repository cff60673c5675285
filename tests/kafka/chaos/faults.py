"""What goes wrong in a chaos run, drawn from a seed."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.servers.broker import Broker
from tests.servers.redis_server import RedisServer
from tests.servers.workers import Worker

SHARES = {"worker killed": 15, "worker stopped": 6, "redis killed": 7, "redis put back": 6, "broker killed": 6}
"""How often each comes, of forty."""


@dataclass
class System:
    """What faults befall.

    Attributes
    ----------
    session
        Seconds after which a silent worker is taken for dead.
    positions
        Gives the positions of all partitions, or None while Redis does not answer.
    spared
        How many of the workers, from the first on, are never killed.
    """

    broker: Broker
    redis: RedisServer
    workers: Sequence[Worker]
    folder: Path
    session: float
    positions: Callable[[], dict[int, int] | None]
    spared: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def befall(self, kind: str, random: Random) -> None:
        """Let one thing go wrong, and put the process back to work; what it did meanwhile is for it to mend."""
        match kind:
            case "worker killed":
                worker = random.choice([worker for worker in self.workers[self.spared :] if worker.running])
                worker.kill()
                worker.start()
            case "worker stopped":
                worker = random.choice([worker for worker in self.workers if worker.running])
                worker.suspend()
                self.wait_for_progress(self.session + 1)
                worker.resume()
            case "redis killed":
                self.redis.kill()
                self.redis.start()
            case "redis put back":
                self._put_back()
            case "broker killed":
                self.broker.kill()
                self.broker.start()
        self.counts[kind] += 1

    def wait_for_progress(self, least: float, most: float = 60.0) -> None:
        """Wait so many seconds, and until some partition has moved on."""
        before, begin = self.positions(), time.monotonic()
        while True:
            now = self.positions()
            moved = before is not None and now is not None and now != before
            waited = time.monotonic() - begin
            if waited >= least and moved:
                return
            assert waited < most, (
                f"nothing has moved on for {waited:.0f} s: {[worker.last_lines() for worker in self.workers]}"
            )
            before = before or now
            time.sleep(0.05)

    def _put_back(self) -> None:
        """Take Redis back by at least 2 s in which it made progress: a disk that lost writes it had acknowledged."""
        kept = self.redis.copy(self.folder / "kept")
        self.wait_for_progress(2.0)
        self.redis.put_back(kept)
        shutil.rmtree(kept)


def drawn(random: Random) -> Iterator[str]:
    """Yield faults without end in random order, each kind by its share."""
    kinds = [kind for kind, share in SHARES.items() for _ in range(share)]
    while True:
        random.shuffle(kinds)
        yield from kinds
