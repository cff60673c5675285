"""Settings that shaped a state: read back, and held against those in force."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from crm_online.errors import SettingsConflict, StateCorrupt, StateTooNew
from crm_online.settings.fields import DEFAULT_FEATURES, FEATURE_NAMES
from crm_online.settings.keys import as_typed, as_written
from crm_online.settings.model import Settings

PSEUDONYMS: Final = "privacy.pseudonyms"
"""The key by which a state says that its ids are pseudonyms; no setting has it."""


def has_pseudonyms(text: str) -> bool:
    """Return whether the ids of a state are pseudonyms, by the text that is stored in it."""
    return PSEUDONYMS in json.loads(text)


def from_stored(text: str) -> Settings:
    """Return the settings that shaped a state, of the text that is stored in it; see `from_shaping`."""
    return from_shaping(json.loads(text))


def from_shaping(stored: Mapping[str, Any]) -> Settings:
    """Return the settings that shaped a state; what does not shape it is at its default.

    A key that the state does not have is younger than the state: it counts as its default.

    Parameters
    ----------
    stored
        What `Settings.shaping` returned when the state was begun.

    Raises
    ------
    StateTooNew
        If it has keys that this version does not.
    StateCorrupt
        If it has values that no version stores.

    Examples
    --------
    >>> from_shaping({"segments.k": 8}).segments.k
    8
    """
    stored = {key: value for key, value in stored.items() if key != PSEUDONYMS}
    used = stored.get("features.use", DEFAULT_FEATURES)
    missing = sorted(set(used) - set(FEATURE_NAMES))
    if missing:
        raise StateTooNew(f"this state was made with the feature {missing[0]}, which this version does not have")
    defaults = Settings().shaping()
    unknown = sorted(stored.keys() - defaults.keys() - {f"features.weights.{name}" for name in used})
    if unknown:
        raise StateTooNew(
            f"a newer version of crm-online made this state: it was shaped by {', '.join(unknown)}, "
            "which this version does not have"
        )
    try:
        return Settings.from_keys({**defaults, **stored})
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise StateCorrupt(f"the settings stored in the state are not ones that can be set: {where}") from error


def conflicts(stored: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Return the keys in which two results of `Settings.shaping` differ.

    A key that only one of them has counts as its default in the other.

    Examples
    --------
    >>> conflicts({"segments.k": 8}, Settings().shaping())
    ['segments.k']
    """
    defaults = Settings().shaping()
    before, now = {**defaults, **stored}, {**defaults, **current}
    return [key for key in dict.fromkeys([*now, *before]) if before.get(key) != now.get(key)]


def refuse_conflict(stored: Mapping[str, Any], settings: Settings) -> None:
    """Refuse to go on with a state that other settings shaped.

    Parameters
    ----------
    stored
        What `Settings.shaping` returned when the state was begun.
    settings
        The settings in force.

    Raises
    ------
    SettingsConflict
        If they differ; the text gives both ways out.
    StateTooNew, StateCorrupt
        See `from_shaping`.
    """
    refuse_pseudonyms(PSEUDONYMS in stored, settings.privacy.secret_file is not None)
    shaped = from_shaping(stored)
    before = _typed(shaped)
    keys = [key for key in conflicts(shaped.shaping(), settings.shaping()) if key != PSEUDONYMS]
    if not keys:
        return
    now = _typed(settings)
    differences = "; ".join(f"{key} was {before[key]}, is now {now[key]}" for key in keys)
    back = " ".join(f"--set {key}={before[key]}" for key in keys)
    raise SettingsConflict(
        f"other settings shaped this state: {differences}. "
        f"To keep the state, go on with {back}; to use the new settings, replay the log into a new --state"
    )


def refuse_pseudonyms(stored: bool, keys: bool) -> None:
    """Refuse ids in a state of pseudonyms, or the other way round.

    Parameters
    ----------
    stored
        Whether the ids of the state are pseudonyms.
    keys
        Whether there are keys, as ``privacy.secret_file`` says.

    Raises
    ------
    SettingsConflict
        If the state is of the other kind than the keys say.
    """
    if stored and not keys:
        raise SettingsConflict(
            "the ids of this state are pseudonyms: set privacy.secret_file to the file of their keys"
        )
    if keys and not stored:
        raise SettingsConflict(
            "the ids of this state are no pseudonyms, as privacy.secret_file asks for: replay into a new --state"
        )


def _typed(settings: Settings) -> dict[str, str]:
    """Return every setting as it would be typed after ``--set``."""
    values = as_written(settings) | {"itemsets.epsilon": settings.itemsets.epsilon_in_force}
    return {key: as_typed(value) for key, value in values.items()}
