"""The keys that can be set, and the near one of a key that cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from crm_online.settings.fields import Section, allowed
from crm_online.settings.model import Settings, flattened
from crm_online.settings.webhooks import WEBHOOK_NAME, WebhookSettings


@dataclass(frozen=True, slots=True)
class Key:
    """One key that can be set.

    Attributes
    ----------
    name
        Section and setting, ``segments.k``.
    allowed, description
        What it allows and what it does, in words.
    secret
        Whether it is never shown.
    """

    name: str
    allowed: str
    description: str
    secret: bool = False


def _keys() -> dict[str, Key]:
    keys = []
    defaults = as_written(Settings())
    for section, holder in Settings.model_fields.items():
        model = holder.annotation
        if section == "webhooks":
            continue
        if not (isinstance(model, type) and issubclass(model, Section)):
            raise TypeError(f"{section} is not a section")
        for name, field in model.model_fields.items():
            full = f"{section}.{name}"
            text = field.description or ""
            if get_origin(field.annotation) is dict:
                limits = allowed(type(field).from_annotation(get_args(field.annotation)[1]))
                keys += [Key(key, limits, text) for key in defaults if key.startswith(full + ".")]
            else:
                keys.append(_key(full, field))
    return {key.name: key for key in keys}


def _key(name: str, field: FieldInfo) -> Key:
    return Key(name, allowed(field), field.description or "", SecretStr in get_args(field.annotation))


def as_written(settings: Settings) -> dict[str, Any]:
    """Return every setting by key, as it is written in a file: durations and sizes as text, passwords masked.

    Examples
    --------
    >>> as_written(Settings())["baskets.open_for"]
    '30m'
    """
    return flattened(settings.model_dump(mode="json", exclude=None if settings.webhooks else {"webhooks"}))


def as_typed(value: object) -> str:
    """Return a value of `as_written` as it would be typed after ``--set``.

    Examples
    --------
    >>> as_typed(["orders", "spending"]), as_typed(True), as_typed("30m")
    ('orders,spending', 'true', '30m')
    """
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


KEYS: dict[str, Key] = _keys()
"""Every key that can be set, in the order of the model, but for those of webhooks."""

WEBHOOK_KEYS: dict[str, Key] = {
    name: _key(f"webhooks.<name>.{name}", field) for name, field in WebhookSettings.model_fields.items()
}
"""What can be set of each webhook."""
_OF_WEBHOOK = re.compile(rf"webhooks\.({WEBHOOK_NAME})\.(\w+)")


def key_named(name: str) -> Key | None:
    """Return the key of a name, which may be one of a webhook; None: it is no setting.

    Examples
    --------
    >>> key_named("webhooks.crm.secret").secret, key_named("webhooks.crm.colour")
    (True, None)
    """
    found = _OF_WEBHOOK.fullmatch(name)
    return WEBHOOK_KEYS.get(found[2]) if found else KEYS.get(name)


def near(name: str) -> list[str]:
    """Return the keys that someone who wrote ``name`` may have meant, the likeliest first.

    Examples
    --------
    >>> near("itemset.min_suport"), near("segments.half_life")
    (['itemsets.min_support'], ['features.half_life', 'itemsets.half_life'])
    """
    last = name.rpartition(".")[2]
    leaves: dict[str, list[str]] = {}
    for key in KEYS:
        leaves.setdefault(key.rpartition(".")[2], []).append(key)
    if last in leaves:
        return leaves[last]
    close = get_close_matches(name, KEYS, n=1, cutoff=0.8)
    return close or [key for leaf in get_close_matches(last, leaves, n=1, cutoff=0.7) for key in leaves[leaf]]
