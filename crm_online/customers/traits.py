"""Traits of customers of the sample: attributes, contact reasons, feedback, items bought.

They are kept of the customers of the sample only: so memory does not grow with the shop, and little is kept that could
identify a customer. Shares among them estimate those of the population, since the sample is uniform and a customer is
in it from the first event on; only who replaces an erased customer joins later. Texts of feedback are not kept at all.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from crm_online.errors import StateCorrupt

MOST_ATTRIBUTES = 32
"""Attributes, and reasons of contacts, that are remembered of one customer at most."""
MOST_CHARACTERS = 64
"""Characters of an attribute's value, or a reason, that are remembered."""
MOST_TEXTS = 8
"""Texts of an attribute that has several."""
MOST_ITEMS = 512
"""Different items that are remembered of one customer at most."""
UNHAPPY = 0.4
"""Score of feedback below which a customer counts as unhappy."""

_VERSION = b"\x01"
Value = str | float | list[str]


@dataclass(slots=True)
class Traits:
    """Attributes, contact reasons, feedback and items of one customer.

    Attributes
    ----------
    attributes
        The last value of each attribute: a text, a number, or several texts.
    reasons
        Number of contacts by reason.
    feedbacks, score, unhappy
        Number of feedbacks, the sum of their scores, and how many scores were below ``UNHAPPY``.
    bought
        Number of order lines by item; items are numbers within the partition.
    """

    attributes: dict[str, Value] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    feedbacks: int = 0
    score: float = 0.0
    unhappy: int = 0
    bought: dict[int, int] = field(default_factory=dict)

    def update_attributes(self, attributes: Mapping[str, object]) -> None:
        """Set attributes; ``None`` removes one, and objects within objects are left out."""
        for full, raw in attributes.items():
            name, value = full[:MOST_CHARACTERS], _value(raw)
            if value is None:
                self.attributes.pop(name, None)
            elif name in self.attributes or len(self.attributes) < MOST_ATTRIBUTES:
                self.attributes[name] = value

    def add_contact(self, reason: str) -> None:
        """Count a contact by its reason."""
        reason = reason.strip()[:MOST_CHARACTERS]
        if reason and (reason in self.reasons or len(self.reasons) < MOST_ATTRIBUTES):
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def add_feedback(self, score: float) -> None:
        """Count a feedback with a score from 0 to 1."""
        self.feedbacks += 1
        self.score += score
        self.unhappy += score < UNHAPPY

    def add_lines(self, item: int, lines: int) -> None:
        """Count order lines of an item."""
        if item in self.bought or len(self.bought) < MOST_ITEMS:
            self.bought[item] = self.bought.get(item, 0) + lines

    def encode(self) -> bytes:
        """Return all but the items, as one line of JSON."""
        value = [self.attributes, self.reasons, self.feedbacks, self.score, self.unhappy]
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

    def encode_items(self) -> bytes:
        """Return the items bought, as bytes: a version, the items' numbers, then as many counts."""
        numbers = array("I", self.bought)
        numbers.extend(self.bought.values())
        return _VERSION + numbers.tobytes()

    @classmethod
    def decode(cls, raw: bytes | None, items: bytes | None) -> Traits:
        """Read what :meth:`encode` and :meth:`encode_items` wrote; ``None`` where there was nothing.

        Raises
        ------
        StateCorrupt
            If it is something else.
        """
        traits = cls()
        if raw is not None:
            try:
                attributes, reasons, feedbacks, score, unhappy = json.loads(raw)
                traits = cls(dict(attributes), dict(reasons), int(feedbacks), float(score), int(unhappy))
            except (ValueError, TypeError) as error:
                raise StateCorrupt("the traits of a customer of the sample cannot be read") from error
        if items is not None:
            if items[:1] != _VERSION or len(items) % 8 != 1:
                raise StateCorrupt("the items that a customer of the sample bought cannot be read")
            numbers = array("I", items[1:]).tolist()
            traits.bought = dict(zip(numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :], strict=True))
        return traits


def _value(raw: object) -> Value | None:
    """Return an attribute's value as it is stored; ``None`` if it is of a type that is not stored."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | float):
        number = float(raw) if abs(raw) < 1e100 else math.nan
        return number if math.isfinite(number) else None
    if isinstance(raw, str):
        return raw.strip()[:MOST_CHARACTERS] or None
    if isinstance(raw, list):
        texts = (part.strip()[:MOST_CHARACTERS] for part in raw if isinstance(part, str))
        return list(islice(dict.fromkeys(text for text in texts if text), MOST_TEXTS)) or None
    return None
