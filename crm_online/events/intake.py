"""What is kept of persons in events, before anything else is done with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from crm_online.events.columns import EventColumns
from crm_online.events.models import Contact, Event, Feedback, Profile
from crm_online.events.rejects import cut
from crm_online.privacy.attributes import KEEP_HARMLESS, AttributeFilter
from crm_online.privacy.free_text import LEFT_OUT, label, without_texts
from crm_online.settings.privacy import PrivacySettings

# What comes after the attributes of a row goes too: it need not be JSON that is whole.
_ATTRIBUTES: Final = re.compile(r'"(?:attributes|traits)"\s{0,8}:\s{0,8}(?=\{)')


@dataclass(frozen=True, slots=True)
class Intake:
    """Leaves out of events and rejected rows what is not kept: attributes, and free text.

    Attributes
    ----------
    attributes
        Which attributes of profiles are kept.
    """

    attributes: AttributeFilter = KEEP_HARMLESS

    @classmethod
    def of(cls, settings: PrivacySettings) -> Intake:
        """Return the intake that settings ask for."""
        listed = settings.attributes
        return cls(AttributeFilter(None if listed is None else frozenset(listed)))

    def events(self, events: EventColumns) -> EventColumns:
        """Return events with what is kept of them."""
        if not events.details:
            return events
        details = {index: kept for index, detail in events.details.items() if (kept := self._detail(detail))}
        return replace(events, details=details)

    def event(self, event: Event) -> Event:
        """Return an event with what is kept of it."""
        match event:
            case Profile():
                return event.model_copy(update={"attributes": self.attributes.kept(event.attributes)})
            case Contact(reason=str()):
                return event.model_copy(update={"reason": label(event.reason)})
            case Feedback(text=str()):
                return event.model_copy(update={"text": None})
            case _:
                return event

    def row(self, raw: str | bytes) -> str:
        """Return what is kept of a row that was rejected: at most 4 KiB."""
        text = cut(raw)
        if self.attributes.listed is not None and (found := _ATTRIBUTES.search(text)):
            text = f'{text[: found.start()]}{found[0]}"{LEFT_OUT}"'
        return without_texts(text)

    def _detail(self, detail: dict[str, object]) -> dict[str, object]:
        attributes, reason = detail.get("attributes"), detail.get("reason")
        if isinstance(attributes, dict):
            return detail | {"attributes": self.attributes.kept(attributes)}
        if isinstance(reason, str):
            return detail | {"reason": label(reason)}
        return {} if "text" in detail else detail


INTAKE: Final = Intake()
"""The intake of the default settings."""
