"""The preset ``snowplow``: enriched events of Snowplow, as tab-separated lines or as JSON of its analytics SDKs.

Transactions, refunds and product views of its e-commerce accelerator, and transaction items of its older trackers, are
events; the rest says nothing that crm-online counts. The customer is ``user_id`` or, without one, ``domain_userid``.
See https://docs.snowplow.io/docs/fundamentals/canonical-event.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from pydantic_core import from_json

from crm_online.events.presets.members import Object, first, given, identity, line, time
from crm_online.events.presets.preset import JsonPreset, Refusal
from crm_online.events.raw.lines import as_text

_NAMES = """
app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker
v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid geo_country
geo_region geo_city geo_zipcode geo_latitude geo_longitude geo_region_name ip_isp ip_organization ip_domain
ip_netspeed page_url page_title page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery
page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery refr_urlfragment refr_medium
refr_source refr_term mkt_medium mkt_source mkt_term mkt_content mkt_campaign contexts se_category se_action
se_label se_property se_value unstruct_event tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state
tr_country ti_orderid ti_sku ti_name ti_category ti_price ti_quantity
"""
_FIELDS = tuple(_NAMES.split())
"""The first fields of a line, in order; what follows says nothing that is read here."""
_WIDTH = 131
_ACTION = "snowplow_ecommerce_action"
_TIMES = ("derived_tstamp", "true_tstamp", "dvce_created_tstamp", "collector_tstamp", "etl_tstamp")


def _decode(line: bytes) -> object:
    """Return the object of a line: JSON, or the fields of a tab-separated line that are not empty."""
    if line.startswith(b"{"):
        try:
            value: object = from_json(as_text(line), allow_inf_nan=False)
        except ValueError:
            return Refusal("not JSON")
        return value
    cells = as_text(line).split("\t")
    if len(cells) != _WIDTH:
        return Refusal(f"{len(cells)} fields where an enriched event of Snowplow has {_WIDTH}")
    return {name: cell for name, cell in zip(_FIELDS, cells, strict=False) if cell} | given(
        event_name=cells[126] or None, derived_tstamp=cells[124] or None
    )


def _event(value: Object) -> Object | Refusal:
    head = given(
        event_id=identity(value.get("event_id")),
        customer_id=identity(first(value, "user_id", "domain_userid", "network_userid")),
        time=time(first(value, *_TIMES)),
    )
    if value.get("event") == "transaction_item" or value.get("event_name") == "transaction_item":
        basket = given(basket_id=identity(first(value, "ti_orderid")))
        item = line(first(value, "ti_name", "ti_sku"), first(value, "ti_quantity"), first(value, "ti_price"))
        return {"type": "purchase", **head, **basket, "items": [item]}
    action = _described(value, "unstruct_event", _ACTION)
    kind = first(action[0] if action else None, "type")
    products = _described(value, "contexts", "product")
    if kind == "product_view" and products:
        return {"type": "view", **head, "item": identity(first(products[0], "name", "id"))}
    if kind not in ("transaction", "refund"):
        return Refusal("an event of Snowplow that is no transaction, refund or view of a product", "type")
    about = _described(value, "contexts", str(kind))
    basket = given(basket_id=identity(first(about[0] if about else None, "transaction_id")))
    if not products:
        paid = first(about[0] if about else None, "revenue", "refund_amount")
        products = [] if paid is None else [{"price": paid}]
    items = [_line(one) for one in products]
    return {"type": "purchase" if kind == "transaction" else "return", **head, **basket, "items": items}


def _line(one: object) -> object:
    if not isinstance(one, Mapping):
        return one
    return line(first(one, "name", "id"), one.get("quantity"), one.get("price"))


def _described(value: Object, member: str, name: str) -> list[object]:
    """Return what self-describing JSON of a name holds: as the SDKs name it, or in the column as it was sent."""
    ours = re.compile(rf"{member}_com_snowplow.*_{name}_\d+")
    for key, part in value.items():
        if ours.fullmatch(str(key)):
            return part if isinstance(part, list) else [part]
    column = value.get(member)
    try:
        parsed = json.loads(column) if isinstance(column, str) else column
    except (ValueError, RecursionError):
        return []
    inner = parsed.get("data") if isinstance(parsed, dict) else None
    entries = inner if isinstance(inner, list) else [inner]
    found = [one for one in entries if isinstance(one, dict) and _is_schema(one.get("schema"), name)]
    return [one.get("data") for one in found]


def _is_schema(schema: object, name: str) -> bool:
    """Return whether a schema such as ``iglu:vendor/name/jsonschema/1-0-0`` has a name."""
    return isinstance(schema, str) and f"/{name}/" in schema


def _fits(value: Object) -> bool:
    return "collector_tstamp" in value and "event_id" in value and "event" in value


PRESET = JsonPreset("snowplow", _event, _fits, decode=_decode)
