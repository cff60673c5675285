"""Rules and itemsets over all partitions, from the counts that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from crm_online.engine.peers import MODEL_PARTITION
from crm_online.engine.rules import levels_of, list_rules
from crm_online.errors import InputError
from crm_online.hint import hint
from crm_online.itemsets.parts import FrequentItemsets, PartitionCounters, merge
from crm_online.lookup.partition import PartitionView
from crm_online.rules.customers import Buyers
from crm_online.rules.learning import predictors
from crm_online.rules.next_baskets import NextBaskets
from crm_online.rules.table import RuleTable
from crm_online.settings import Settings

SORTS: Final = ("lift", "confidence", "support", "rank")
"""What rules may be sorted by."""


class StateRules:
    """Rules and itemsets as of any time; as of ``None`` is as of the watermark at which the counts were stored.

    Parameters
    ----------
    views
        All partitions.
    settings
        The settings that shaped the state.
    """

    def __init__(self, views: Sequence[PartitionView], settings: Settings) -> None:
        self._views, self._settings = views, settings

    def ranked(self, as_of: int | None) -> list[dict[str, Any]]:
        """Return the rules in force, by rank."""
        emitted = [pair for view in self._views for pair in view.counts.emitted.items()]
        when = self._latest_time if as_of is None else as_of
        # Itemsets without the evidence that a rule must have are not even put together.
        support = levels_of(self._settings).enter_support(sum(part.baskets(when) for part in self._parts))
        found = self.itemsets(as_of) if support == self._min_support else merge(self._parts, when, support)
        return list_rules(found, self._settings, emitted, self._buyers, self._chances)

    def lacking(self, as_of: int | None) -> str:
        """Return in words which evidence is missing where there are no rules."""
        when = self._latest_time if as_of is None else as_of
        return levels_of(self._settings).lacking(sum(part.baskets(when) for part in self._parts))

    def itemsets(self, as_of: int | None) -> FrequentItemsets:
        """Return the frequent itemsets, with their bounds."""
        return self._latest if as_of is None else merge(self._parts, as_of, self._min_support)

    def refuse_unknown(self, item: str) -> None:
        """Refuse an item that no basket had.

        Raises
        ------
        InputError
            If it is one.
        """
        names = {name for part in self._parts for name in part.names}
        if item not in names:
            raise InputError(f"no item {item!r} in any basket; {hint(item, sorted(names))}")

    @cached_property
    def _latest(self) -> FrequentItemsets:
        return merge(self._parts, self._latest_time, self._min_support)

    @property
    def _latest_time(self) -> int:
        return max(view.counts.watermark for view in self._views)

    @property
    def _min_support(self) -> float:
        return self._settings.itemsets.min_support

    @property
    def _parts(self) -> list[PartitionCounters]:
        return [view.counts.counted for view in self._views]

    @cached_property
    def _buyers(self) -> Buyers:
        return Buyers.of((view.orders, view.counts.counted.names) for view in self._views)

    def _chances(self, table: RuleTable) -> NDArray[np.float64] | None:
        seen = NextBaskets.of((view.transitions, view.counts.counted.names) for view in self._views)
        return self._views[MODEL_PARTITION].rule_learning.chances(predictors(table, seen))
