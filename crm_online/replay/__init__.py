"""Replay: event logs through the engine, and what changed into files."""

from __future__ import annotations

from crm_online.replay.replay import logs_of, replay
from crm_online.replay.result import Progress, ReplayResult

__all__ = ["Progress", "ReplayResult", "logs_of", "replay"]
