"""Where settings are written: a TOML file, the environment, the command line.

Each reader returns text by dotted key; what it means is for the model to say.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_online.errors import InvalidSetting
from crm_online.settings.nesting import flattened

PREFIX = "CRM_ONLINE_"
NOT_SETTINGS = frozenset({"CRM_ONLINE_STATE", "CRM_ONLINE_SHARED"})
"""Variables with the prefix that are none: the default of ``--state``, and the tests' data folder."""


@dataclass(frozen=True, slots=True)
class Given:
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


def read_file(path: Path) -> dict[str, Given]:
    """Read a TOML file.

    Raises
    ------
    InvalidSetting
        If there is no such file, or it is not TOML.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSetting(f"cannot read the settings file {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"{path} is not TOML: {' '.join(str(error).split())}") from error
    return {key: Given(_as_text(value), str(path)) for key, value in flattened(content).items()}


def _as_text(value: Any) -> Any:
    """Return a number as it would be typed, so that ``90`` without a unit is refused everywhere."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def read_environment(environment: Mapping[str, str]) -> dict[str, Given]:
    """Read the variables ``CRM_ONLINE_SECTION__KEY``."""
    return {
        name.removeprefix(PREFIX).lower().replace("__", "."): Given(value, f"environment {name}")
        for name, value in sorted(environment.items())
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }


def read_overrides(overrides: Iterable[str]) -> dict[str, Given]:
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
        given[key.strip()] = Given(value.strip(), "--set")
    return given
