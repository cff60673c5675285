"""How the times of a column are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from crm_online.events import times
from crm_online.events.time_format import TimeFormat

ENOUGH = 0.9
"""Share of the cells of a column that must be read."""
_DATES = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d", "%Y/%m/%d", "%Y-%m-%d", "%Y%m%d"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%d-%b-%Y", "%d-%b-%y", "%b-%d-%y", "%b-%d-%Y", "%b %d, %Y"),
    *("%B %d, %Y", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%a, %d %b %Y", "%d/%b/%Y"),
)
_TIMES = (
    *("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S %z", " %H:%M:%S.%f", "T%H:%M:%S", " %H.%M"),
    *(", %H:%M", ", %H:%M:%S", ", %I:%M %p", ", %I:%M:%S %p", " %H:%M:%S %Z", " %I:%M:%S%p", " %I:%M%p", "%H%M%S"),
    *(" %H:%M %z", " - %H:%M", " um %H:%M", " at %I:%M %p", " %I:%M:%S %p %Z", ":%H:%M:%S %z"),
)
_UNITS = (("s", 1e9), ("ms", 1e12), ("us", 1e15), ("ns", 1e18))
_LARGEST = 4.3
_LOOKED_AT = 5
_DAY = 86_400_000


def time_format_of(cells: Sequence[object], *, comma: bool = False) -> str | None:
    """Return the format of a column of times: empty if none has to be named, ``None`` if they are no times.

    Where day and month could be either, the order of the rows decides: most exports are sorted. Then the day comes
    first, but for what is written as in the United States.

    Parameters
    ----------
    cells
        Cells that are not empty, in the order of the rows.
    comma
        Whether the log has decimal commas.

    Examples
    --------
    >>> time_format_of(["26.12.2025 17:51", "27.12.2025 9:03"]), time_format_of(["2025-12-26 17:51:02 -0500"])
    ('%d.%m.%Y %H:%M', '')
    >>> time_format_of([1766789462, 1766789999]), time_format_of(["tea"]) is None
    ('s', True)
    """
    cells = [cell for cell in cells if not isinstance(cell, bool)]
    if not cells:
        return None
    if _share([_without_format(cell) for cell in cells]) >= ENOUGH:
        return ""
    unit = _unit_of(cells)
    if unit:
        return unit
    fitting = [one for one in _candidates(cells) if _fits(one, cells)]
    if not fitting:
        return None
    return max(fitting, key=lambda one: _likelihood(one, cells, comma=comma))


def days_of(cells: Sequence[object], time_format: str | None) -> list[object]:
    """Return the day of each cell of a column of times, as a number; ``None`` where a cell is none.

    Examples
    --------
    >>> days_of(["26.12.2025 17:51", None, "26.12.2025 9:03"], "%d.%m.%Y %H:%M")
    [20448, None, 20448]
    """
    read = TimeFormat.of(time_format).read(cells).tolist() if time_format else [_without_format(cell) for cell in cells]
    known = zip(cells, read, strict=True)
    return [None if cell is None or time == times.NONE else time // _DAY for cell, time in known]


def is_ambiguous(chosen: str, cells: Sequence[object]) -> bool:
    """Return whether the cells could be read with day and month the other way round."""
    other = _other_way_round(chosen)
    return other is not None and _fits(other, cells)


def _without_format(cell: object) -> int:
    """Return the time of a cell that needs no format; month first is never assumed."""
    text = str(cell)
    return times.NONE if "/" in text[:3] or isinstance(cell, int | float) else times.from_cell(cell)


def _unit_of(cells: Sequence[object]) -> str | None:
    try:
        counts = np.array([float(str(cell)) for cell in cells])
    except ValueError:
        return None
    middle = float(np.median(counts))
    return next((unit for unit, low in _UNITS if 0.1 * low <= middle < _LARGEST * low), None)


def _candidates(cells: Sequence[object]) -> Iterator[str]:
    first = list(dict.fromkeys(map(str, cells)))[:_LOOKED_AT]
    for date in _DATES:
        for clock in _TIMES:
            form = TimeFormat.of(date + clock)
            if any(form.one(cell) != times.NONE for cell in first):
                yield form.text


def _fits(pattern: str, cells: Sequence[object]) -> bool:
    return _share(TimeFormat.of(pattern).read(cells).tolist()) >= ENOUGH


def _share(read: Sequence[int]) -> float:
    return sum(times.BEGIN < ms < times.END for ms in read) / len(read)


def _likelihood(pattern: str, cells: Sequence[object], *, comma: bool) -> tuple[float, float, int]:
    """Return how likely a format is: by how many cells it reads, how well they are in order, and what is usual."""
    read = TimeFormat.of(pattern).read(cells)
    good = read[read != times.NONE]
    steps = np.sign(np.diff(good))
    ordered = abs(float(steps.sum())) / max(1, int(np.count_nonzero(steps)))
    american = "%p" in pattern and not comma
    month_first = pattern.startswith("%m")
    return round(len(good) / len(cells), 3), round(ordered, 1), int(month_first == american)


def _other_way_round(pattern: str) -> str | None:
    if "%d" not in pattern or "%m" not in pattern or pattern.startswith("%Y"):
        return None
    return pattern.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
