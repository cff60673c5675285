"""Replay: event logs through the engine, and what changed into files."""

from __future__ import annotations

from crm_online.replay.replay import Progress, ReplayResult, replay

__all__ = ["Progress", "ReplayResult", "replay"]
