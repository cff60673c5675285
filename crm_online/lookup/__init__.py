"""Look-ups: the state, read from the store alone, never from an engine's memory."""

from __future__ import annotations

from crm_online.lookup.lookup import Lookup, open_lookup

__all__ = ["Lookup", "open_lookup"]
