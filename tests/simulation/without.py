"""Fences switched off one at a time: a simulation that finds nothing wrong without one shows nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from crm_online.store import Fences, state
from streams import fetching
from tests.simulation.broker import SimulatedBroker


def _owner(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(state, "Fences", lambda: Fences(owner=False))


def _position(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(state, "Fences", lambda: Fences(position=False))


def _holes(patch: pytest.MonkeyPatch) -> None:
    """Compare no offsets, and read nothing a second time."""
    patch.setattr(state, "Fences", lambda: Fences(holes=False))

    async def nothing_lost(*_: object) -> None:
        return None

    patch.setattr(fetching.GapVerifier, "first_lost", nothing_lost)


def _producer(patch: pytest.MonkeyPatch) -> None:
    """Let producers go on whose name another has."""
    patch.setattr(SimulatedBroker, "_refuse_fenced", lambda *_: None)


FENCES: Final[dict[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "owner": _owner,
    "position": _position,
    "holes": _holes,
    "producer": _producer,
}
