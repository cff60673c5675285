"""What each part of the service has: the application starts and stops it with itself."""

from __future__ import annotations


class ServicePart:
    """A part of the service; by default it does nothing in the background."""

    async def start(self) -> None:
        """Begin what goes on in the background; an empty store or one without an answer is no error."""

    async def stop(self) -> None:
        """End it, and release threads, connections and requests that wait."""

    def trouble(self) -> str | None:
        """Return in one line why the part cannot answer now; None if it can. ``/readyz`` calls it: it must be cheap."""
        return None
