"""What is kept of persons in events, and which are refused, before anything else is done with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from crm_online.events.building import coded
from crm_online.events.columns import EventColumns, concat, timeless
from crm_online.events.models import Contact, Erase, Event, Feedback, Objection, Profile, Purchase, Return
from crm_online.events.rejects import cut
from crm_online.privacy.attributes import KEEP_HARMLESS, AttributeFilter
from crm_online.privacy.free_text import LEFT_OUT, label, without_texts
from crm_online.privacy.pseudonyms import NO_PSEUDONYMS, Pseudonyms
from crm_online.settings import Settings

# What comes after the attributes of a row goes too: it need not be JSON that is whole.
_ATTRIBUTES: Final = re.compile(r'"(?:attributes|traits)"\s{0,8}:\s{0,8}(?=\{)')


EXCEEDS_MAX_VALUE: Final = ("worth more than events.max_value", "items")
"""Why an event is refused that is worth too much, and the field."""


AFTER_LATEST: Final = ("time after events.latest", "time")
"""The same of an event that is later than any may be."""


def refusal(event: Event, max_value: float | None, latest: int | None) -> tuple[str, str] | None:
    """Return why an event is refused, and the field: for its worth, or its time in ms; ``None``: it is not."""
    if latest is not None and event.time > latest and not isinstance(event, Erase | Objection):
        return AFTER_LATEST
    if max_value is None or not isinstance(event, Purchase | Return):
        return None
    return EXCEEDS_MAX_VALUE if sum(line.quantity * line.price for line in event.items) > max_value else None


@dataclass(frozen=True, slots=True)
class Intake:
    """Removes from events and rejected rows what may not be kept, and replaces ids by pseudonyms.

    Ids of events and baskets that have the customer's in them become pseudonyms as well.

    Attributes
    ----------
    attributes
        Which attributes of profiles are kept.
    pseudonyms
        Makes pseudonyms of ids.
    max_value
        Money that an event may be worth; ``None``: any.
    latest
        Time in ms after which no event but an erasure or objection may lie; ``None``: any.
    """

    attributes: AttributeFilter = KEEP_HARMLESS
    pseudonyms: Pseudonyms = NO_PSEUDONYMS
    max_value: float | None = None
    latest: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> Intake:
        """Return the intake that settings ask for.

        Raises
        ------
        InputError
            If the file of the keys cannot be used.
        """
        listed = settings.privacy.attributes
        attributes = AttributeFilter(None if listed is None else frozenset(listed))
        pseudonyms = Pseudonyms.read(settings.privacy.secret_file)
        return cls(attributes, pseudonyms, settings.events.max_value, settings.events.latest)

    def refused(self, events: EventColumns) -> Iterator[tuple[int, tuple[str, str]]]:
        """Yield which events are refused, by index, and why, with the field."""
        late = np.zeros(len(events), bool)
        if self.latest is not None:
            late = (events.time > self.latest) & ~timeless(events)
        for index in np.flatnonzero(late | self._exceeding_max_value(events)).tolist():
            yield index, AFTER_LATEST if late[index] else EXCEEDS_MAX_VALUE

    def _exceeding_max_value(self, events: EventColumns) -> NDArray[np.bool_]:
        if self.max_value is None or not len(events.item):
            return np.zeros(len(events), bool)
        owner = np.repeat(np.arange(len(events)), np.diff(events.line_start))
        worth = np.bincount(owner, events.quantity * events.price, len(events))
        much: NDArray[np.bool_] = worth > self.max_value
        return much

    def events(self, events: EventColumns) -> EventColumns:
        """Return events with what is kept of them.

        An erasure of an id, or an objection, is one of its pseudonyms under each key.
        """
        if events.details:
            owners = [*events.customers, ""]
            details = {
                index: kept
                for index, detail in events.details.items()
                if (kept := self._detail(detail, owners[events.customer[index]]))
            }
            events = replace(events, details=details)
        return self._with_pseudonyms(self._under_every_key(events)) if self.pseudonyms else events

    def models(self, events: Iterable[Event]) -> list[Event]:
        """Return events with what is kept of them, as `events` does; of fields that no event has only the names."""
        kept: list[Event] = []
        for event in events:
            name = event.customer_id
            one = event.model_copy(update=self._changed(event) | dict.fromkeys(event.model_extra or ()))
            if name is None or not self.pseudonyms:
                kept.append(one)
                continue
            names = self.pseudonyms.every(name) if isinstance(event, Erase | Objection) else [self.pseudonyms.of(name)]
            ids = {
                field: self._id(value, name)
                for field in ("event_id", "basket_id")
                if isinstance(value := getattr(event, field, None), str)
            }
            kept += [one.model_copy(update=ids | {"customer_id": pseudonym}) for pseudonym in names]
        return kept

    def row(self, raw: str | bytes) -> str:
        """Return what is kept of a row that was rejected: at most 4 KiB; nothing where ids become pseudonyms."""
        if self.pseudonyms:
            return ""
        text = cut(raw)
        if self.attributes.listed is not None and (found := _ATTRIBUTES.search(text)):
            text = f'{text[: found.start()]}{found[0]}"{LEFT_OUT}"'
        # What is put in place of a short text is longer than the text.
        return cut(without_texts(text))

    def _kept(self, attributes: dict[str, object], customer: str) -> dict[str, object]:
        kept = self.attributes.kept(attributes)
        if self.pseudonyms and customer:
            kept = {name: value for name, value in kept.items() if customer not in f"{name} {value}"}
        return kept

    def _detail(self, detail: dict[str, object], customer: str) -> dict[str, object]:
        attributes, reason = detail.get("attributes"), detail.get("reason")
        if isinstance(attributes, dict):
            return detail | {"attributes": self._kept(attributes, customer)}
        if isinstance(reason, str):
            return detail | {"reason": label(reason)}
        return {} if "text" in detail else detail

    def _changed(self, event: Event) -> dict[str, object]:
        match event:
            case Profile():
                return {"attributes": self._kept(dict(event.attributes), event.customer_id)}
            case Contact(reason=str()):
                return {"reason": label(event.reason)}
            case Feedback(text=str()):
                return {"text": None}
            case Purchase() | Return() if any(line.model_extra for line in event.items):
                return {
                    "items": [line.model_copy(update=dict.fromkeys(line.model_extra or ())) for line in event.items]
                }
            case _:
                return {}

    def _id(self, name: str, customer: str) -> str:
        """Return the id of an event or a basket: a pseudonym where it has the customer's in it."""
        return self.pseudonyms.of(name) if customer in name else name

    def _under_every_key(self, events: EventColumns) -> EventColumns:
        """Add the erasures, and objections, of what ids were under older keys."""
        rows = np.flatnonzero(timeless(events) & (events.customer >= 0)).tolist()
        older = [(row, name) for row in rows for name in self._older(events.customers[events.customer[row]])]
        if not older:
            return events
        codes, names = coded([name for _, name in older])
        added = replace(events.select(np.array([row for row, _ in older])), customer=codes, customers=names)
        merged = concat([events, added])
        return merged.select(np.argsort(merged.position, kind="stable"))

    def _older(self, name: str) -> list[str]:
        return self.pseudonyms.every(name)[1:]

    def _with_pseudonyms(self, events: EventColumns) -> EventColumns:
        owners = [*events.customers, None]
        names = [*map(self.pseudonyms.of, events.customers), None]
        codes = events.customer.tolist()
        customer, customers = coded([names[code] for code in codes])
        event_ids = [
            event_id if owner is None or owner not in event_id else self.pseudonyms.of(event_id)
            for event_id, owner in zip(events.event_ids, map(owners.__getitem__, codes), strict=True)
        ]
        changed = replace(events, customer=customer, customers=customers, event_ids=event_ids)
        baskets = [*events.baskets, None]
        pairs = set(zip(codes, events.basket.tolist(), strict=True))
        of_pair = {
            (owner, basket): self.pseudonyms.of(found)
            for owner, basket in pairs
            if (who := owners[owner]) is not None and (found := baskets[basket]) is not None and who in found
        }
        if not of_pair:
            return changed
        rows = zip(codes, events.basket.tolist(), strict=True)
        basket, baskets_ = coded([of_pair.get(pair, baskets[pair[1]]) for pair in rows])
        return replace(changed, basket=basket, baskets=baskets_)


INTAKE: Final = Intake()
"""The intake of the default settings."""
