"""Who may be reported in another risk band."""

from __future__ import annotations

import numpy as np

from crm_online.customers.records import NO_BAND
from crm_online.predictions.bands import RiskBands


def test_nobody_moves_of_whom_that_is_known_beforehand() -> None:
    random, n, now = np.random.default_rng(1), 20_000, 1_000
    bands = RiskBands((0.2, 0.5, 0.8), margin=0.1, dwell=100)
    reported = random.choice(np.array([0, 1, 2, 3, NO_BAND], np.uint8), n)
    left = random.choice(np.array([0, 1, 2, 3, NO_BAND], np.uint8), n)
    since = now - random.integers(0, 300, n)
    chances = random.choice([np.nan, 0.0, 1.0], n)
    chances = np.where(random.random(n) < 0.5, random.random(n), chances)
    may, moved = bands.may_move(reported, since, now), bands.report(chances, reported, left, since, now) != reported
    assert not (moved & ~may).any()
    # As far as can be known without a chance: of each kind that may move, some do.
    for age in (100, 200, 299):
        assert moved[may & (now - since == age)].any()
    assert moved[reported == NO_BAND].any()
    assert not may[(reported != NO_BAND) & (now - since == 99)].any()
