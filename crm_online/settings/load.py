"""Settings in force: the defaults, then the file, then the environment, then the command line.

Each source is read as text by dotted key; what it means is for the model to say.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from crm_online.errors import InvalidSetting, UnknownSetting
from crm_online.settings.keys import KEYS, as_typed, as_written, key_named, near
from crm_online.settings.model import Settings, flattened
from crm_online.settings.network import MASK

PREFIX = "CRM_ONLINE_"
NOT_SETTINGS = frozenset({"CRM_ONLINE_STATE", "CRM_ONLINE_SHARED"})
"""Variables with the prefix that are none: the default of ``--state``, and the tests' data folder."""

DEFAULT_FILE = Path("crm-online.toml")
"""Read from the working folder, if it is there and no other file is asked for."""


@dataclass(frozen=True, slots=True)
class GivenValue:
    """One value that was given.

    Attributes
    ----------
    value
        Text, or a list of texts.
    source
        Where it was given, for a person: ``crm-online.toml``, ``environment CRM_ONLINE_…``, ``--set``.
    """

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class LoadedSettings:
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
) -> LoadedSettings:
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
        _read_file(file) if file else {},
        _read_environment(os.environ if environment is None else environment),
        _read_overrides(overrides),
    ]
    given: dict[str, GivenValue] = {}
    for source in sources:
        for key, value in source.items():
            _known(key, value)
            given[key] = value
    try:
        settings = Settings.from_keys({key: value.value for key, value in given.items()})
    except ValidationError as error:
        raise InvalidSetting(_problem(error.errors()[0], given)) from error
    origin = {key: given[key].source if key in given else "default" for key in as_written(settings)}
    return LoadedSettings(settings, origin)


def _read_file(path: Path) -> dict[str, GivenValue]:
    """Read a TOML file.

    Raises
    ------
    InvalidSetting
        If there is no such file, or it is not TOML.
    """
    try:
        content = flattened(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InvalidSetting(f"cannot read the settings file {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidSetting(f"{path} is not TOML: {' '.join(str(error).split())}") from error
    return {key: GivenValue(_as_text(value), str(path)) for key, value in content.items()}


def _as_text(value: Any) -> Any:
    """Return a number as it would be typed, so that ``90`` without a unit is refused everywhere."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def _read_environment(environment: Mapping[str, str]) -> dict[str, GivenValue]:
    """Read the variables ``CRM_ONLINE_SECTION__KEY``."""
    return {
        name.removeprefix(PREFIX).lower().replace("__", "."): GivenValue(value, f"environment {name}")
        for name, value in sorted(environment.items())
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }


def _read_overrides(overrides: Iterable[str]) -> dict[str, GivenValue]:
    """Read ``section.key=value`` of the command line; the last one of a key holds.

    Raises
    ------
    InvalidSetting
        If there is no ``=``.
    """
    given = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key.strip():
            raise InvalidSetting(f"--set {override}: it must be section.key=value, such as segments.k=8")
        given[key.strip()] = GivenValue(value.strip(), "--set")
    return given


def _known(key: str, given: GivenValue) -> None:
    """Refuse a key that is none."""
    if key_named(key) is not None:
        return
    inside = [name for name in KEYS if name.startswith(key + ".")]
    if inside:
        raise InvalidSetting(f"{key} ({given.source}) is a section: set one of {', '.join(inside)}")
    suggestions = near(key)
    hint = f"did you mean {' or '.join(suggestions)}?" if suggestions else "`crm-online config` lists all there are"
    raise UnknownSetting(f"unknown setting {key} ({given.source}): {hint}")


def _problem(error: ErrorDetails, given: Mapping[str, GivenValue]) -> str:
    """Return one line that names key, value, source and what is allowed."""
    if error["type"] == "contradiction":
        # Keys of a section that may be there several times, under names of the user's, begin with a point.
        here = ".".join(map(str, error["loc"]))
        keys = [here + key if key.startswith(".") else key for key in error["ctx"]["keys"]]
        return f"{error['msg']} ({'; '.join(_shown(key, given) for key in keys)})"
    parts = [str(part) for part in error["loc"]]
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    key = next((prefix for prefix in prefixes if key_named(prefix)), ".".join(parts))
    known = key_named(key)
    return f"{_shown(key, given)}: allowed is {known.allowed if known else 'something else'}"


def _shown(key: str, given: Mapping[str, GivenValue]) -> str:
    if key in given:
        known = key_named(key)
        value = MASK if known is None or known.secret else given[key].value
        return f"{key} = {value if str(value).strip() else 'nothing'} from {given[key].source}"
    return f"{key} = {as_typed(as_written(Settings()).get(key, 'none'))} by default"
