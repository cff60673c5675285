"""Events that keep coming while a test does something else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from tests.kafka.service import Service
from tests.servers.records import Sent


class Load:
    """Sends records to a service, so many a second while the block runs; at its end, the rest at once.

    Parameters
    ----------
    service
        Where to.
    records
        What.
    rate
        Records a second.
    """

    def __init__(self, service: Service, records: Sequence[Sent], rate: float) -> None:
        self._service, self._records, self._rate = service, records, rate
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._service.sent += self._records
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send the rest, and wait until all is acknowledged."""
        lasted = self._thread.is_alive()
        self._hurry.set()
        self._thread.join()
        if error is None:
            if self._error is not None:
                raise self._error
            assert lasted, "there was not enough to send until the end"

    def _send(self) -> None:
        try:
            self._service.broker.client.produce(self._service.events, self._paced())
        except Exception as error:  # raised by the test's own thread
            self._error = error

    def _paced(self) -> Iterator[Sent]:
        began = time.monotonic()
        for number, record in enumerate(self._records):
            self._hurry.wait(max(began + number / self._rate - time.monotonic(), 0.0))
            yield record
