"""How many different customers support rules, by the orders that the partitions keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets.sampled import SampledOrder
from crm_online.rules.occurrences import Occurrences, joined
from crm_online.rules.table import RuleTable

_WORDS_AT_ONCE = 1 << 18


@dataclass(frozen=True, eq=False)
class Buyers:
    """Some orders, and whose they are.

    Attributes
    ----------
    customer
        Number of each order's customer, ascending, int64[n]. Orders of unknown customers are all by one customer where
        most orders are of known ones, so that whoever sends many of them proves nothing; elsewhere each is by a
        customer of its own.
    bought
        The items of each order.
    """

    customer: NDArray[np.int64]
    bought: Occurrences

    @classmethod
    def of(cls, parts: Iterable[tuple[Sequence[SampledOrder], Sequence[str]]]) -> Buyers:
        """Return the orders of some partitions, each given with the names of its items by number.

        Examples
        --------
        >>> orders = [SampledOrder(name, 0, 0, [0]) for name in ("ann", None, "ann", None)]
        >>> Buyers.of([(orders, ["tea"])]).customer.tolist()
        [0, 0, 1, 1]
        """
        parts = list(parts)
        every = [order for orders, _ in parts for order in orders]
        nobody = 2 * sum(order.customer is not None for order in every) >= len(every)
        customers: dict[str | int, int] = {}
        customer = list[int]()
        for order in every:
            name = (-1 if nobody else len(customer)) if order.customer is None else order.customer
            customer.append(customers.setdefault(name, len(customers)))
        numbers, batch = joined(([order.items for order in orders], names) for orders, names in parts)
        by_customer = np.argsort(np.array(customer, np.int64), kind="stable")
        return cls(np.array(customer, np.int64)[by_customer], Occurrences(numbers, batch.take(by_customer)))

    def have_too_few(self, table: RuleTable, least: int) -> NDArray[np.bool_]:
        """Return which rules are surely supported by fewer than ``least`` customers.

        This is known only of a rule with ``least`` or more of the kept orders: of a rule with fewer, those of other
        customers may just not have been kept.
        """
        few = np.zeros(len(table), bool)
        if least <= 1 or not len(self.customer) or not len(table):
            return few
        rows = self.bought.rows(table.names, np.concatenate([table.antecedent, table.consequent], axis=1))
        step = max(1, _WORDS_AT_ONCE // self.bought.words)
        for begin in range(0, len(table), step):
            few[begin : begin + step] = self._are_of_too_few(rows[begin : begin + step], least)
        return few

    def customers_of(self, items: Sequence[str]) -> int:
        """Return how many different customers have an order with all of some items, by name."""
        rows = self.bought.rows(items, np.arange(len(items), dtype=np.int32)[np.newaxis])
        words = self.bought.having(rows)[0].astype("<u8").view(np.uint8)
        having = np.unpackbits(words, bitorder="little", count=len(self.customer)).view(bool)
        return len(np.unique(self.customer[having]))

    def _are_of_too_few(self, rows: NDArray[np.int64], least: int) -> NDArray[np.bool_]:
        both = self.bought.having(rows)
        orders = np.bitwise_count(both).sum(axis=1)
        few: NDArray[np.bool_] = orders >= least
        # More orders than any least - 1 customers have are by least customers at least.
        unsure = np.flatnonzero(few & (orders <= self._most_orders_of(least - 1)))
        few[:] = False
        words = both[unsure].ravel()
        full = np.flatnonzero(words)
        bit = np.flatnonzero(np.unpackbits(words[full].astype("<u8").view(np.uint8), bitorder="little").view(bool))
        rule, word = np.divmod(full[bit >> 6], both.shape[1])
        customer = self.customer[(word << 6) + (bit & 63)]
        first = np.ones(len(rule), bool)  # of a customer's orders, which stand side by side
        first[1:] = (rule[1:] != rule[:-1]) | (customer[1:] != customer[:-1])
        buyers = np.bincount(rule[first], minlength=len(unsure))
        few[unsure] = buyers < least
        return few

    def _most_orders_of(self, customers: int) -> int:
        return int(np.sort(np.bincount(self.customer))[-customers:].sum())


NOBODY = Buyers.of([])
"""No orders: nothing is known of the customers."""
