"""How many different customers support rules, by the orders that the partitions keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets.sampled import SampledOrder
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.vertical import Words, rows_of
from crm_online.rules.table import RuleTable

_WORDS_AT_ONCE = 1 << 18


@dataclass(frozen=True, eq=False)
class Buyers:
    """Some orders, and whose they are.

    Attributes
    ----------
    customer
        Number of each order's customer, ascending, int64[n]. An order of nobody known is by a customer of its own: it
        may be anybody's.
    numbers
        Numbers of the items by name: 0, 1, 2, ….
    orders
        The items of each order by number; without times.
    """

    customer: NDArray[np.int64]
    numbers: dict[str, int]
    orders: Baskets

    @classmethod
    def of(cls, parts: Iterable[tuple[Sequence[SampledOrder], Sequence[str]]]) -> Buyers:
        """Return the orders of some partitions, each given with the names of its items by number.

        Examples
        --------
        >>> orders = [SampledOrder(name, 0, 0, [0]) for name in ("ann", None, "ann", None)]
        >>> Buyers.of([(orders, ["tea"])]).customer.tolist()
        [0, 0, 1, 2]
        """
        customers: dict[str | int, int] = {}
        numbers: dict[str, int] = {}
        customer, lengths, items = list[int](), list[int](), list[NDArray[np.int32]]()
        for orders, names in parts:
            for order in orders:
                name = len(customer) if order.customer is None else order.customer
                customer.append(customers.setdefault(name, len(customers)))
            every = [[item for item in order.items if item < len(names)] for order in orders]
            lengths += map(len, every)
            used, inverse = np.unique(np.array(list(chain.from_iterable(every)), np.int64), return_inverse=True)
            number_of = [numbers.setdefault(names[item], len(numbers)) for item in used.tolist()]
            items.append(np.array(number_of, np.int32)[inverse])
        start = np.cumsum([0, *lengths])
        joined = Baskets(np.zeros(len(lengths), np.int64), start, np.concatenate([np.empty(0, np.int32), *items]))
        by_customer = np.argsort(np.array(customer, np.int64), kind="stable")
        return cls(np.array(customer, np.int64)[by_customer], numbers, joined.take(by_customer))

    def have_too_few(self, table: RuleTable, least: int) -> NDArray[np.bool_]:
        """Return which rules' orders are by fewer than ``least`` customers, as far as the orders kept can say.

        They say so of a rule that ``least`` of them have. Of one that fewer have they say nothing.
        """
        few = np.zeros(len(table), bool)
        if least <= 1 or not len(self.customer) or not len(table):
            return few
        missing = len(self.numbers)
        number_of = [self.numbers.get(name, missing) for name in table.names]
        # Padding, -1, is the last row: all orders.
        row_of = np.array([*number_of, missing + 1], np.int64)
        sides = row_of[np.concatenate([table.antecedent, table.consequent], axis=1)]
        step = max(1, _WORDS_AT_ONCE // self._rows.shape[1])
        for begin in range(0, len(table), step):
            few[begin : begin + step] = self._are_of_too_few(sides[begin : begin + step], least)
        return few

    def _are_of_too_few(self, sides: NDArray[np.int64], least: int) -> NDArray[np.bool_]:
        both = self._rows[sides[:, 0]]
        for column in sides.T[1:]:
            both &= self._rows[column]
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

    @cached_property
    def _rows(self) -> Words:
        """Which orders have each item; a row of none, and a row of all."""
        rows = rows_of(self.orders, np.arange(len(self.numbers)))
        words = -(-len(self.orders) // 64)
        return np.concatenate([rows, np.zeros((1, words), np.uint64), np.full((1, words), ~np.uint64(0))])


NOBODY = Buyers.of([])
"""No orders: nothing is known of the customers."""
