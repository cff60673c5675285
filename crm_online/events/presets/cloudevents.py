"""The preset ``cloudevents``: events in the envelope of CloudEvents 1.0, structured JSON, one a line.

The envelope says which event it is (``source`` and ``id``), of which type, and when; the native fields
are in its data. See https://github.com/cloudevents/spec, "CloudEvents" and "JSON Event Format".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from hashlib import blake2b

from pydantic_core import from_json

from crm_online.events import models
from crm_online.events.columns import KINDS
from crm_online.events.presets.preset import JsonPreset, Refusal

_VERSION = re.compile(r"\.v\d+(?:\.\d+)*\Z", re.ASCII | re.IGNORECASE)


def _event(value: Mapping[str, object]) -> Mapping[str, object] | Refusal:
    if value.get("specversion") != "1.0":
        return Refusal("no CloudEvent of version 1.0: its specversion is another, or is missing")
    source, name = value.get("source"), value.get("id")
    if not isinstance(source, str) or not source:
        return Refusal("a CloudEvent has a source, a text that is not empty", "event_id")
    if not isinstance(name, str) or not name:
        return Refusal("a CloudEvent has an id, a text that is not empty", "event_id")
    data = _data(value)
    if isinstance(data, Refusal):
        return data
    event = {**data, "event_id": event_id(source, name), "type": _native_type(value.get("type"), data.get("type"))}
    if value.get("time") is not None:
        event["time"] = value["time"]
    # Data that says that there is no customer is believed: the subject may be the order.
    if "customer_id" not in data and value.get("subject") is not None:
        event["customer_id"] = value["subject"]
    return event


def event_id(source: str, name: str) -> str:
    """Return the native id of a CloudEvent, which is unique only within its source.

    Where the two are too long for an id, or could be read in two ways, it is a digest of them.

    Examples
    --------
    >>> event_id("/shop", "17")
    '/shop 17'
    >>> event_id("/shop", "x" * 256)
    'blake2b:692680eb633c76bb4e00e4e5bad81761'
    """
    if " " not in source and len(source) + len(name) < models.MAX_ID:
        return f"{source} {name}"
    both = f"{len(source)} {source} {name}".encode("utf-8", "surrogatepass")
    return f"blake2b:{blake2b(both, digest_size=16).hexdigest()}"


def _native_type(name: object, inner: object) -> object:
    """Return the native type: the last part of ``com.example.shop.purchase.v1`` that is no version.

    Where that is none, as in ``com.example.order.placed``, the data may name it.
    """
    if not isinstance(name, str):
        return name
    last = _VERSION.sub("", name).rpartition(".")[2].lower()
    return inner if last not in KINDS and isinstance(inner, str) and inner in KINDS else last


def _data(value: Mapping[str, object]) -> Mapping[str, object] | Refusal:
    data, packed = value.get("data"), value.get("data_base64")
    if packed is not None:
        if not isinstance(packed, str):
            return Refusal("its data_base64 is no text")
        if data is not None:
            return Refusal("a CloudEvent has data or data_base64, and not both")
        try:
            data = from_json(base64.b64decode(packed, validate=True), allow_inf_nan=False)
        except ValueError:
            return Refusal("its data_base64 is not JSON in Base64")
    if data is None:
        return {}
    if not isinstance(data, dict):
        return Refusal("its data is no JSON object")
    return data


PRESET = JsonPreset("cloudevents", _event, fits=lambda value: "specversion" in value)
