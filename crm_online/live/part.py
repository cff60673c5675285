"""What each part of the service has: the application starts and stops it with itself."""

from __future__ import annotations


class ServicePart:
    """A part that does nothing in the background unless it says so."""

    async def start(self) -> None:
        """Begin what goes on in the background; an empty store or one without an answer is no error."""

    async def stop(self) -> None:
        """End it, and let go of threads, connections and whoever waits."""

    def trouble(self) -> str | None:
        """Return in one line why the part cannot answer now; None if it can. It is asked by ``/readyz``, and cheap."""
        return None
