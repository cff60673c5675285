"""The signals that end a command, and its exit codes."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Final

WRONG: Final = 2
INTERRUPTED: Final = 130
TERMINATED: Final = 143

_received: list[int] = []


def catch() -> None:
    """Make SIGINT and SIGTERM a ``KeyboardInterrupt``, but for one that is ignored."""
    _received.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def received() -> bool:
    """Tell whether one of them came."""
    return bool(_received)


def stopped() -> int:
    """Print that a signal ended the command; return the exit code."""
    by_term = signal.SIGTERM in _received
    how = "stopped by SIGTERM" if by_term else "interrupted"
    print(f"{how}; what was committed stays, and the same command goes on from there", file=sys.stderr)
    return TERMINATED if by_term else INTERRUPTED


def _stop(number: int, _frame: FrameType | None) -> None:
    _received.append(number)
    raise KeyboardInterrupt
