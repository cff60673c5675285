"""The native events for msgspec: what decodes them fastest, and accepts less than the models do.

They have the fields of the :mod:`~crm_online.events.models`, with the types that JSON can have there. What is not in a
type, such as the characters of an id, is checked by columns: see :mod:`~crm_online.events.decoding`.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from crm_online.events import models

Id = str | int
Number = float | str
Text = Annotated[str, Meta(min_length=1)]


class LineStruct(Struct, gc=False, forbid_unknown_fields=True):
    """One line of a basket."""

    item: Id | None
    quantity: Number = 1.0
    price: Number = 0.0


class EventStruct(Struct, gc=False, forbid_unknown_fields=True, kw_only=True, tag_field="type"):
    """What all events have."""

    event_id: Id | None = None
    time: str


class BasketStruct(EventStruct, gc=False, forbid_unknown_fields=True, kw_only=True):
    """A purchase or a return."""

    customer_id: Id | None = None
    basket_id: Id | None = None
    items: Annotated[list[LineStruct], Meta(min_length=1, max_length=models.MAX_LINES)]


class CustomerStruct(EventStruct, gc=False, forbid_unknown_fields=True, kw_only=True):
    """An event of a known customer."""

    customer_id: Id


class PurchaseStruct(BasketStruct, gc=False, forbid_unknown_fields=True, tag="purchase"):
    """See :class:`~crm_online.events.models.Purchase`."""


class ReturnStruct(BasketStruct, gc=False, forbid_unknown_fields=True, tag="return"):
    """See :class:`~crm_online.events.models.Return`."""


class ViewStruct(CustomerStruct, gc=False, forbid_unknown_fields=True, tag="view"):
    """See :class:`~crm_online.events.models.View`."""

    item: Id | None = None


class FeedbackStruct(CustomerStruct, gc=False, forbid_unknown_fields=True, kw_only=True, tag="feedback"):
    """See :class:`~crm_online.events.models.Feedback`."""

    score: Number
    text: str | None = None


class ContactStruct(CustomerStruct, gc=False, forbid_unknown_fields=True, kw_only=True, tag="contact"):
    """See :class:`~crm_online.events.models.Contact`."""

    channel: Text
    reason: str | None = None


class ProfileStruct(CustomerStruct, gc=False, forbid_unknown_fields=True, kw_only=True, tag="profile"):
    """See :class:`~crm_online.events.models.Profile`."""

    attributes: dict[str, object]


class OutcomeStruct(CustomerStruct, gc=False, forbid_unknown_fields=True, kw_only=True, tag="outcome"):
    """See :class:`~crm_online.events.models.Outcome`."""

    name: Text
    value: bool | int | float | str


class CatalogueStruct(EventStruct, gc=False, forbid_unknown_fields=True, kw_only=True, tag="catalogue"):
    """See :class:`~crm_online.events.models.Catalogue`."""

    item: Id
    category: Annotated[str, Meta(min_length=1, max_length=models.MAX_ID)] | None = None
    price: Annotated[float, Meta(ge=0, le=models.MAX_NUMBER)] | None = None
    available: bool

    @property
    def customer_id(self) -> None:
        """No customer: it is about an item."""


class EraseStruct(CustomerStruct, gc=False, forbid_unknown_fields=True, tag="erase"):
    """See :class:`~crm_online.events.models.Erase`."""


class ObjectionStruct(CustomerStruct, gc=False, forbid_unknown_fields=True, kw_only=True, tag="objection"):
    """See :class:`~crm_online.events.models.Objection`."""

    withdrawn: bool = False


AnyEvent = (
    PurchaseStruct
    | ReturnStruct
    | ViewStruct
    | FeedbackStruct
    | ContactStruct
    | ProfileStruct
    | OutcomeStruct
    | CatalogueStruct
    | EraseStruct
    | ObjectionStruct
)

EVENT_STRUCTS: dict[str, type[AnyEvent]] = {
    "purchase": PurchaseStruct,
    "return": ReturnStruct,
    "view": ViewStruct,
    "feedback": FeedbackStruct,
    "contact": ContactStruct,
    "profile": ProfileStruct,
    "outcome": OutcomeStruct,
    "catalogue": CatalogueStruct,
    "erase": EraseStruct,
    "objection": ObjectionStruct,
}
"""The struct of each native ``type``."""


def struct_of(event: models.Event) -> AnyEvent:
    """Return a validated event as a struct; its time is not in it, since there it is a text."""
    kind = EVENT_STRUCTS[event.type]
    fields = {name: getattr(event, name) for name in kind.__struct_fields__}
    if isinstance(event, models.Purchase | models.Return):
        fields["items"] = [LineStruct(line.item, line.quantity, line.price) for line in event.items]
    return kind(**fields | {"time": ""})
