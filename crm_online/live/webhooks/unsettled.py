"""Which changes of a partition were read for a webhook and are under way, and hence how far it is."""

from __future__ import annotations

from crm_online.step import ChangeId


class UnsettledChanges:
    """The changes of a partition after a cursor.

    Parameters
    ----------
    cursor
        The last change that was settled: delivered, given up, or left out by the filter.

    Attributes
    ----------
    read
        The last change that was read.

    Examples
    --------
    >>> unsettled = UnsettledChanges(ChangeId(0, 0, 4))
    >>> for number in (5, 6, 7):
    ...     unsettled.add(ChangeId(0, 0, number))
    >>> unsettled.settle(ChangeId(0, 0, 6))
    >>> str(unsettled.cursor)
    '0-0-4'
    >>> unsettled.settle(ChangeId(0, 0, 5))
    >>> str(unsettled.cursor), len(unsettled)
    ('0-0-6', 1)
    """

    def __init__(self, cursor: ChangeId) -> None:
        self.read = cursor
        self._before: dict[ChangeId, ChangeId] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._before)

    @property
    def cursor(self) -> ChangeId:
        """The change up to which all are settled."""
        return next(iter(self._before.values()), self.read)

    def add(self, change: ChangeId) -> None:
        """Add the change that was read next."""
        self._before[change], self.read = self.read, change

    def skip(self, change: ChangeId) -> None:
        """Move on over a change that is not sent."""
        self.read = change

    def settle(self, change: ChangeId) -> None:
        """Remove a change."""
        self._before.pop(change, None)
