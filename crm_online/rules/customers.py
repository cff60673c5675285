"""How many different customers are behind rules, by the orders that the partitions keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from crm_online.rules.table import NO_ITEM, RuleTable


@dataclass(frozen=True, slots=True, eq=False)
class Buyers:
    """Some orders, and whose they are.

    Attributes
    ----------
    customer
        Number of each order's customer, int64[n]. An order of nobody known is by a customer of its own: it may be
        anybody's.
    items
        Names of each order's items.
    """

    customer: NDArray[np.int64]
    items: Sequence[frozenset[str]]

    @classmethod
    def of(cls, orders: Iterable[tuple[str | None, Iterable[str]]]) -> Buyers:
        """Return some orders, each given as its customer, ``None`` if unknown, and its items.

        Examples
        --------
        >>> Buyers.of([("ann", ["tea"]), (None, ["tea"]), ("ann", ["cup"]), (None, ["cup"])]).customer.tolist()
        [0, 1, 0, 2]
        """
        numbers: dict[str | int, int] = {}
        customer, items = list[int](), list[frozenset[str]]()
        for place, (name, bought) in enumerate(orders):
            customer.append(numbers.setdefault(place if name is None else name, len(numbers)))
            items.append(frozenset(bought))
        return cls(np.array(customer, np.int64), items)

    def have_too_few(self, table: RuleTable, least: int) -> NDArray[np.bool_]:
        """Return which rules' orders are by fewer than ``least`` customers, as far as the orders kept can say.

        They say so of a rule that ``least`` of them have. Of one that fewer have they say nothing.
        """
        if least <= 1 or not len(self.customer) or not len(table):
            return np.zeros(len(table), bool)
        sides = np.concatenate([table.antecedent, table.consequent], axis=1)
        used = np.unique(sides[sides != NO_ITEM])
        column = {table.names[item]: place for place, item in enumerate(used.tolist())}
        pairs = [
            (row, column[name]) for row, items in enumerate(self.items) for name in sorted(items) if name in column
        ]
        rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
        has = csr_array((np.ones(len(rows), np.int32), (columns, rows)), (len(used), len(self.items)))
        rule, side = np.nonzero(sides != NO_ITEM)
        items = np.searchsorted(used, sides[rule, side])
        of_rule = csr_array((np.ones(len(rule), np.int32), (rule, items)), (len(table), len(used)))
        found = (of_rule @ has).tocoo()
        whole = found.data == np.count_nonzero(sides != NO_ITEM, axis=1)[found.row]
        rule, order = found.row[whole].astype(np.int64), found.col[whole]
        orders = np.bincount(rule, minlength=len(table))
        # One number for a rule and a customer: pairs would be sorted as records, which is slow.
        width = len(self.customer)
        buyers = np.unique(rule * width + self.customer[order]) // width
        few: NDArray[np.bool_] = (orders >= least) & (np.bincount(buyers, minlength=len(table)) < least)
        return few


NOBODY = Buyers(np.empty(0, np.int64), ())
"""No orders: nothing is known of the customers."""
