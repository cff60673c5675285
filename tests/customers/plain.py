"""A customer, counted in plain Python as a person would; nothing of the code under test is in here."""

from __future__ import annotations

from dataclasses import dataclass, field

DAY = 86_400_000
"""In ms."""


@dataclass
class Plain:
    """One customer, counted again; sums hold the amounts and the times that they came at."""

    events: int = 0
    times: list[int] = field(default_factory=list)
    purchases: list[int] = field(default_factory=list)
    orders: int = 0
    returns: int = 0
    spend: float = 0.0
    items: float = 0.0
    amounts: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def decayed(self, name: str, as_of: int, half_life: int | None) -> float:
        """Return a sum in which what came one half-life ago counts half."""
        return sum(
            amount * (1.0 if half_life is None else 2.0 ** ((time - as_of) / half_life))
            for time, amount in self.amounts.get(name, [])
        )

    def features(self, as_of: int, half_life: int | None) -> dict[str, float]:
        """Return the features as a person would define them."""

        def total(name: str) -> float:
            return self.decayed(name, as_of, half_life)

        def days_since(time: int) -> float:
            return max(as_of - time, 0) / DAY

        bought = max(self.purchases) if self.purchases else min(self.times)
        several = self.orders > 1
        return {
            "orders": total("orders"),
            "spending": total("spend"),
            "recency": days_since(bought),
            "basket_value": total("spend") / total("orders") if total("orders") else 0.0,
            "basket_size": total("lines") / total("orders") if total("orders") else 0.0,
            "gap": (max(self.purchases) - min(self.purchases)) / (self.orders - 1) / DAY
            if several
            else days_since(bought),
            "returned": min(total("returned") / total("spend"), 1.0) if total("spend") else 0.0,
            "views": total("views"),
            "feedback": total("scores") / total("feedbacks") if total("feedbacks") else 0.5,
            "contacts": total("contacts"),
            "tenure": days_since(min(self.times)),
        }
