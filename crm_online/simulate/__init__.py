"""A simulated shop: a log of any size in which segments, rules, lapses and a shift of behaviour are planted."""

from __future__ import annotations

from crm_online.simulate.simulation import Simulation, simulate

__all__ = ["Simulation", "simulate"]
