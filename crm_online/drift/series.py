"""A series of observations in the order of time: into blocks, without the weekly rhythm, into the test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_online.drift.measures import Measure, Sums, Week
from crm_online.drift.windows import WINDOWS, WindowTest, arrays, restore
from crm_online.errors import StateCorrupt, StateTooNew

DAY = 86_400_000
LEAST = 32
"""Observations in a block, at least."""

_FORMAT = 1
_UNREADABLE = "a drift series in the state cannot be read"
_FADING = 1 - 1 / 52
_MONDAY = 4
"""Days from 1970-01-01, a Thursday, to the first Monday."""


@dataclass(frozen=True, slots=True)
class FoundDrift:
    """A drift of a series.

    Attributes
    ----------
    since, time
        Time in ms from which it can be seen, and at which it was found.
    score
        Standard deviations of its usual fluctuation by which the series is off.
    before, after
        Sums of an observation, before and since, shape (d,).
    """

    since: int
    time: int
    score: float
    before: Sums
    after: Sums


class DriftSeries:
    """Observations of one kind over time.

    Parameters
    ----------
    measure
        What is compared.
    least
        Observations that make a block, at least: what is added together stays together.

    Attributes
    ----------
    has_changed, has_ended_block
        Whether anything was added, and whether a block came to its end, since these were last set to ``False``.
    """

    def __init__(self, measure: Measure, least: int = LEAST) -> None:
        self._test, self._least = WindowTest(measure), least
        d = measure.parts
        self._week = Week(np.zeros((7, d)), np.zeros((7, d)), np.zeros(7))
        self._ends: list[int] = []
        self.has_changed = self.has_ended_block = False
        self._begin_block()

    def _begin_block(self) -> None:
        self._n, self._sums = 0.0, np.zeros(self._test.measure.parts)
        self._raw = self._sums
        self._weekdays: set[int] = set()

    def add(self, n: float, sums: Sums, time: int) -> FoundDrift | None:
        """Add observations, and return a drift if they show one.

        Parameters
        ----------
        n
            How many there are, above 0.
        sums
            What they add up to, shape (d,).
        time
            Time of the last of them, in ms.
        """
        weekday = (time // DAY - _MONDAY) % 7
        self._n += n
        self._raw = self._raw + sums
        self._sums = self._sums + self._test.measure.without_rhythm(sums, n, weekday, self._week)
        self._weekdays.add(weekday)
        self.has_changed = True
        return self._end_block(time) if self._n >= self._least else None

    def restart(self) -> None:
        """Restart the windows, since the observed quantity has changed; the usual number of observations is kept."""
        self._test.restart()
        self._begin_block()
        self.has_changed = self.has_ended_block = True

    def _end_block(self, time: int) -> FoundDrift | None:
        self.has_ended_block = True
        self._learn_rhythm()
        self._ends = [*self._ends, time][-1 - WINDOWS[-1] :]
        shift = self._test.add(self._n, self._sums)
        self._begin_block()
        if shift is None:
            return None
        begin = len(self._ends) - 1 - shift.blocks
        return FoundDrift(self._ends[max(begin, 0)], time, shift.score, shift.before, shift.after)

    def _learn_rhythm(self) -> None:
        """Note a block that lies on one weekday."""
        usual = self._test.mean()
        if usual is None or len(self._weekdays) > 1:
            return
        (weekday,), (n, sums), week, measure = self._weekdays, usual, self._week, self._test.measure
        for table, block in ((week.observed, self._raw), (week.expected, sums * (self._n / n))):
            table[weekday] = table[weekday] * _FADING + measure.rhythm(block, self._n)
        week.blocks[weekday] = week.blocks[weekday] * _FADING + 1

    def encode(self) -> bytes:
        """Return all but the block under way as bytes: a line of JSON, then arrays."""
        week = self._week
        return _pack({"ends": self._ends}, [*arrays(self._test), week.observed, week.expected, week.blocks])

    def encode_block(self) -> bytes:
        """Return the block under way as bytes."""
        return _pack({"n": self._n, "weekdays": sorted(self._weekdays)}, [self._sums, self._raw])

    def load(self, raw: bytes) -> None:
        """Go on from what :meth:`encode` wrote.

        Raises
        ------
        StateTooNew
            If a newer version wrote it.
        StateCorrupt
            If it is something else; the same holds for :meth:`load_block`.
        """
        head, parts = _unpack(raw)
        try:
            *test, observed, expected, blocks = parts
            restore(self._test, test)
            self._week = Week(observed, expected, blocks)
            self._ends = [int(end) for end in head["ends"]]
        except (ValueError, KeyError, TypeError) as error:
            raise StateCorrupt(_UNREADABLE) from error

    def load_block(self, raw: bytes) -> None:
        """Go on with the block that :meth:`encode_block` wrote."""
        head, parts = _unpack(raw)
        try:
            self._sums, self._raw = parts
            self._n, self._weekdays = float(head["n"]), set(head["weekdays"])
        except (ValueError, KeyError, TypeError) as error:
            raise StateCorrupt(_UNREADABLE) from error


def _pack(head: dict[str, object], parts: Sequence[NDArray[np.float64]]) -> bytes:
    line = {"format": _FORMAT, **head, "shapes": [part.shape for part in parts]}
    return (
        json.dumps(line, separators=(",", ":")).encode()
        + b"\n"
        + b"".join(part.astype("<f8").tobytes() for part in parts)
    )


def _unpack(raw: bytes) -> tuple[dict[str, Any], list[NDArray[np.float64]]]:
    line, _, body = raw.partition(b"\n")
    try:
        head = json.loads(line)
        if int(head["format"]) > _FORMAT:
            raise StateTooNew(f"a drift series has format {head['format']}, known is up to {_FORMAT}")
        values, parts = np.frombuffer(body, "<f8"), []
        for shape in head["shapes"]:
            size = int(np.prod(shape))
            parts.append(values[:size].reshape(shape).astype(np.float64))
            values = values[size:]
    except (ValueError, KeyError, TypeError) as error:
        raise StateCorrupt(_UNREADABLE) from error
    return head, parts
