"""What a log is that nobody has described: its preset or mapping, how times and numbers are written, what counts."""

from __future__ import annotations

from crm_online.events.guess.check import Check, check

__all__ = ["Check", "check"]
