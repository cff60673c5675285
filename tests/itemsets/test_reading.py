"""Itemsets in order."""

from __future__ import annotations

import numpy as np
import pytest

from crm_online.itemsets.parts import UNKNOWN
from crm_online.itemsets.reading import NO_ITEM, in_order


@pytest.mark.parametrize("most", [3, 2000, 1 << 20, UNKNOWN])
def test_the_order_is_by_size_and_then_by_items_however_large_these_are(most: int) -> None:
    random = np.random.default_rng(most)
    sets = [sorted(set(random.integers(0, most, random.integers(1, 7), endpoint=True).tolist())) for _ in range(500)]
    items = np.array([[*one, *[NO_ITEM] * (6 - len(one))] for one in sets], np.int32)
    assert in_order(items).tolist() == sorted(range(500), key=lambda row: (len(sets[row]), sets[row]))
