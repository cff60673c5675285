"""Settings in force: the defaults, then the file, then the environment, then the command line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from crm_online.errors import InvalidSetting, UnknownSetting
from crm_online.settings.keys import KEYS, as_typed, as_written, near
from crm_online.settings.model import Settings
from crm_online.settings.nesting import nested
from crm_online.settings.network import MASK
from crm_online.settings.sources import Given, read_environment, read_file, read_overrides

DEFAULT_FILE = Path("crm-online.toml")
"""Read from the working folder, if it is there and no other file is asked for."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, and where each came from.

    Attributes
    ----------
    settings
        The settings.
    origin
        Source by key, for every key: ``default``, the file's path, ``environment CRM_ONLINE_…`` or ``--set``.
    """

    settings: Settings
    origin: dict[str, str]


def load_settings(
    config: Path | None = None,
    overrides: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Loaded:
    """Read the settings in force.

    Parameters
    ----------
    config
        A TOML file; without it ``crm-online.toml`` in the working folder, if there is one.
    overrides
        ``section.key=value``, stronger than all else.
    environment
        Stands in for the process's environment.

    Raises
    ------
    UnknownSetting
        If a source has a key that is none; the text suggests the near one.
    InvalidSetting
        If a value does not fit, or two contradict each other.

    Examples
    --------
    >>> loaded = load_settings(overrides=["segments.k=8"], environment={})
    >>> loaded.settings.segments.k, loaded.origin["segments.k"], loaded.origin["segments.margin"]
    (8, '--set', 'default')
    """
    file = config or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)
    sources = [
        read_file(file) if file else {},
        read_environment(os.environ if environment is None else environment),
        read_overrides(overrides),
    ]
    given: dict[str, Given] = {}
    for source in sources:
        for key, value in source.items():
            _known(key, value)
            given[key] = value
    try:
        settings = Settings(**nested({key: value.value for key, value in given.items()}))
    except ValidationError as error:
        raise InvalidSetting(_said(error.errors()[0], given)) from error
    return Loaded(settings, {key: given[key].source if key in given else "default" for key in KEYS})


def _known(key: str, given: Given) -> None:
    """Refuse a key that is none."""
    if key in KEYS:
        return
    inside = [name for name in KEYS if name.startswith(key + ".")]
    if inside:
        raise InvalidSetting(f"{key} ({given.source}) is a section: set one of {', '.join(inside)}")
    suggestions = near(key)
    hint = f"did you mean {' or '.join(suggestions)}?" if suggestions else "`crm-online config` lists all there are"
    raise UnknownSetting(f"unknown setting {key} ({given.source}): {hint}")


def _said(error: ErrorDetails, given: Mapping[str, Given]) -> str:
    """Return one line that names key, value, source and what is allowed."""
    if error["type"] == "contradiction":
        keys = error["ctx"]["keys"]
        return f"{error['msg']} ({'; '.join(_shown(key, given) for key in keys)})"
    parts = [str(part) for part in error["loc"]]
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    key = next((prefix for prefix in prefixes if prefix in KEYS), ".".join(parts))
    return f"{_shown(key, given)}: allowed is {KEYS[key].allowed}"


def _shown(key: str, given: Mapping[str, Given]) -> str:
    if key in given:
        value = MASK if KEYS[key].secret else given[key].value
        return f"{key} = {value if str(value).strip() else 'nothing'} from {given[key].source}"
    return f"{key} = {as_typed(as_written(Settings())[key])} by default"
