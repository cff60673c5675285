"""Options guessed for a log: preset or mapping, formats of times and numbers, filter."""

from __future__ import annotations

from crm_online.events.guess.check import Check, check

__all__ = ["Check", "check"]
