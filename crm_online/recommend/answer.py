"""Recommendations as they are answered, each with why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crm_online.digits import digits
from crm_online.events.times import to_short_iso
from crm_online.recommend.basis import ABSENT, Basis
from crm_online.recommend.ranking import NO_HISTORY, History, Ranked, rank

TOP = 10
"""Items that are recommended, if no other number is asked for."""

DECISIVE = 0.25
"""What the basket or the history must add to an item's popularity, as a share of it, to be the reason that is given."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """A customer, as far as recommendations go.

    Attributes
    ----------
    customer_id
        The id; ``None``: no customer in particular.
    segment
        The reported segment.
    history
        What the customer bought before; ``None`` where that is nothing.
    """

    customer_id: str | None = None
    segment: str | None = None
    history: History | None = None


@dataclass(frozen=True, slots=True)
class RecommendationRequest:
    """What is asked for.

    Attributes
    ----------
    basket
        Names of the items that are in the basket already; repeats and their order do not matter.
    top
        How many items at most.
    exclude
        Names of items that are not to come.
    new_only
        Whether only items may come that the customer has not bought, as far as that is remembered.
    """

    basket: Sequence[str] = ()
    top: int = TOP
    exclude: Sequence[str] = ()
    new_only: bool = False


def recommended(basis: Basis, buyer: Buyer, request: RecommendationRequest) -> dict[str, object]:
    """Return recommendations for a buyer, as ``crm_online.answers.rules.Recommendations`` has them."""
    names = sorted(set(request.basket))
    known = [basis.ids[name] for name in names if name in basis.ids]
    history = buyer.history or NO_HISTORY
    left_out = {basis.ids[name] for name in request.exclude if name in basis.ids}
    if request.new_only:
        left_out |= history.items.keys()
    found = rank(basis, known, history, request.top, sorted(left_out))
    return {
        "customer_id": buyer.customer_id,
        "segment": buyer.segment,
        "history": buyer.history is not None,
        "basket": names,
        "unknown": [name for name in names if name not in basis.ids],
        "as_of": to_short_iso(basis.as_of),
        "items": list(_items(basis, history, found)),
    }


def _items(basis: Basis, history: History, found: Ranked) -> Iterator[dict[str, object]]:
    figures = (found.score, found.popular, found.basket, found.by, found.own)
    rows = zip(found.item.tolist(), *(one.tolist() for one in figures), strict=True)
    for number, (item, score, popular, basket, by, own) in enumerate(rows, start=1):
        decisive = DECISIVE * popular
        if by != ABSENT and basket >= max(own, decisive):
            because = _of_basket(basis, by, item)
        elif own >= decisive:
            because = _of_history(basis, history, item)
        else:
            because = _of_popularity(basis, item)
        name = basis.names[item]
        entry = basis.catalogue.get(name)
        of_catalogue = (
            {"category": entry.category, "price": entry.price} if entry else {"category": None, "price": None}
        )
        yield {"item": name, "rank": number, "score": digits(score), **of_catalogue, "because": because}


def _of_basket(basis: Basis, by: int, item: int) -> dict[str, object]:
    both, popular = basis.pair(by, item), float(basis.support[item])
    confidence = both / float(basis.count[by])
    lift = confidence / popular
    text = (
        f"{_percent(confidence)} of the baskets with {basis.names[by]} have it too: "
        f"{lift:.3g} times as many as of all baskets"
    )
    return {
        "kind": "basket",
        "antecedent": [basis.names[by]],
        "consequent": [basis.names[item]],
        "support": digits(both / basis.baskets),
        "confidence": digits(confidence),
        "lift": digits(lift),
        "text": text,
    }


def _of_history(basis: Basis, history: History, item: int) -> dict[str, object]:
    popular, bought = float(basis.support[item]), history.items[item]
    confidence = min(1.0, bought / history.orders)
    return {
        "kind": "history",
        "antecedent": [],
        "consequent": [basis.names[item]],
        "support": digits(popular),
        "confidence": digits(confidence),
        "lift": digits(confidence / popular),
        "bought": digits(bought),
        "orders": digits(history.orders),
        "text": f"in {_percent(confidence)} of this customer's orders, of which older ones count less",
    }


def _of_popularity(basis: Basis, item: int) -> dict[str, object]:
    popular = float(basis.support[item])
    return {
        "kind": "everybody",
        "antecedent": [],
        "consequent": [basis.names[item]],
        "support": digits(popular),
        "confidence": digits(popular),
        "lift": 1.0,
        "text": f"{_percent(popular)} of all baskets have it",
    }


def _percent(share: float) -> str:
    """Return a share in per cent.

    Examples
    --------
    >>> _percent(0.1234), _percent(0.000123)
    ('12.3 %', '0.012 %')
    """
    percent = 100 * share
    return f"{percent:.1f} %" if percent >= 1 else f"{percent:.2g} %"
