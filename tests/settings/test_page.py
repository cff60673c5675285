"""Every setting is documented, and the features are those there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from crm_online.customers.registry import FEATURES
from crm_online.settings import FEATURE_NAMES, KEYS, Settings


def test_the_settings_page_is_up_to_date_and_has_every_setting(root: Path) -> None:
    page = (root / "docs" / "settings.md").read_text(encoding="utf-8")
    made = subprocess.run(
        [sys.executable, "-X", "utf8", "scripts/settings_page.py"],
        cwd=root,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    ).stdout
    assert page == made, "run `make docs`"
    assert all(f"| `{key}` |" in page for key in KEYS)


def test_every_setting_says_what_it_does_and_what_it_allows() -> None:
    assert all(key.description and key.allowed for key in KEYS.values())


def test_the_features_of_the_settings_are_the_features_there_are() -> None:
    assert set(FEATURE_NAMES) == set(FEATURES)


def test_the_schema_tells_durations_as_they_are_written() -> None:
    schema = Settings.model_json_schema(mode="serialization")
    half_life = schema["$defs"]["FeatureSettings"]["properties"]["half_life"]
    assert half_life["default"] == "90d"
    assert {"const": "none"} in half_life["anyOf"]
