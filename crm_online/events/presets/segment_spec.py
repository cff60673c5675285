"""The preset ``segment-spec``: calls of Segment's Spec, one a line, as sources send and archives keep them.

Orders, refunds and views of products (the Spec's ecommerce events, version 2) and identify are events;
the rest of the Spec says nothing that crm-online counts. See https://segment.com/docs/connections/spec.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crm_online.events.presets.members import Object, first, given
from crm_online.events.presets.preset import JsonPreset, Refusal

_CALLS = ("track", "identify", "page", "screen", "group", "alias")
_TIMES = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
_ITEM = ("product_id", "sku", "name")
_PERSONAL = frozenset(
    "avatar birthday description email firstname id lastname name phone username website".split()  # noqa: SIM905
)
"""Reserved traits that identify a person; without underscores, in lower case."""
_PLACE = frozenset({"city", "country", "state"})
"""What is kept of an address, as attributes by themselves."""


def _event(value: Object) -> Object | Refusal:
    call = _lower(value.get("type"))
    if call == "identify":
        return _profile(value)
    if call != "track":
        if call in _CALLS:
            return Refusal(f"a {call} call of Segment's Spec: crm-online has no use for it", "type")
        return Refusal("no call of Segment's Spec: its type is none of theirs", "type")
    name = _lower(value.get("event"))
    if name not in _TRACKED:
        return Refusal(_UNUSED.get(name, "a track call of another event: crm-online has no use for it"), "type")
    properties = {} if value.get("properties") is None else value["properties"]
    if not isinstance(properties, Mapping):
        return Refusal("its properties are no JSON object")
    return _TRACKED[name](value, properties)


def _purchase(value: Object, properties: Object) -> Object | Refusal:
    return {**_head(value, "purchase"), **_lines(properties)}


def _return(value: Object, properties: Object) -> Object | Refusal:
    if not properties.get("products"):
        return Refusal("a refund without products: it is not known what came back", "items")
    return {**_head(value, "return"), **_lines(properties)}


def _view(value: Object, properties: Object) -> Object | Refusal:
    if value.get("userId") is None:
        return Refusal("an anonymous view: without userId it is no customer's", "customer_id")
    return {**_head(value, "view"), "item": first(properties, *_ITEM)}


def _profile(value: Object) -> Object | Refusal:
    if value.get("userId") is None:
        return Refusal("an anonymous identify: without userId it is no customer's", "customer_id")
    traits = {} if value.get("traits") is None else value["traits"]
    return {**_head(value, "profile"), "attributes": _described(traits) if isinstance(traits, Mapping) else traits}


_TRACKED: dict[str | None, Callable[[Object, Object], Object | Refusal]] = {
    "order completed": _purchase,
    "order refunded": _return,
    "product viewed": _view,
}
_UNUSED: dict[str | None, str] = {
    "product reviewed": "a review: the Spec does not say from where to where its rating goes",
}


def _head(value: Object, kind: str) -> dict[str, object]:
    """Return what all events have; what is missing is left out."""
    time = next((value[name] for name in _TIMES if value.get(name) is not None), None)
    return {"type": kind, **given(event_id=value.get("messageId"), customer_id=value.get("userId"), time=time)}


def _lines(properties: Object) -> dict[str, object]:
    """Return the order's id and its lines; what is missing is left out, and has the models' defaults."""
    products = properties.get("products")
    if isinstance(products, list):
        products = [_line(product) if isinstance(product, Mapping) else product for product in products]
    return given(basket_id=properties.get("order_id"), items=products)


def _line(product: Object) -> dict[str, object]:
    return {"item": first(product, *_ITEM), **given(quantity=product.get("quantity"), price=product.get("price"))}


def _described(traits: Object) -> dict[str, object]:
    """Return the traits without those that identify a person."""
    kept = {name: trait for name, trait in traits.items() if name.replace("_", "").lower() not in _PERSONAL}
    for name in [name for name in kept if name.lower() == "address"]:
        address = kept.pop(name)
        if isinstance(address, Mapping):
            kept |= {part: address[part] for part in address if part in _PLACE}
    return kept


def _lower(name: object) -> str | None:
    return name.strip().lower() if isinstance(name, str) else None


def _fits(value: Object) -> bool:
    named = any(name in value for name in ("messageId", "userId", "anonymousId"))
    return named and _lower(value.get("type")) in _CALLS


PRESET = JsonPreset("segment-spec", _event, _fits)
