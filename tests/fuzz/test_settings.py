"""Whatever stands in the file, the environment or on the command line: settings, or one line that says why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.errors import SettingsError
from crm_online.settings import KEYS, load_settings
from tests.fuzz.fuzzing import EDITS, done_or_refused, edited, failed_before, searching

VALUES = st.text(max_size=20) | st.sampled_from(
    *[
        [
            "",
            "none",
            "auto",
            "1e400",
            "-1",
            "nan",
            "9" * 400,
            "0x10",
            "1_000",
            "90d",
            "1.5h",
            "-0d",
            "[]",
            "{}",
            "1,2",
            "a:b:c",
        ]
    ]
)
FILE = b"""
[features]
half_life = "90d"
weights = { orders = 1.0, views = 0.25 }
[predictions]
bands = [0.2, 0.5]
[serve]
listen = "127.0.0.1:8080"
cors = ["https://a.example"]
"""


def check(file: Path | None, overrides: list[str], environment: dict[str, str]) -> None:
    """Load settings."""
    done_or_refused(lambda: load_settings(file, overrides, environment), (SettingsError,))


@given(st.lists(st.tuples(st.sampled_from(sorted(KEYS)) | st.text(max_size=9), VALUES), max_size=4), st.booleans())
@searching(40)
def test_any_value_is_a_setting_or_refused_in_a_line(pairs: list[tuple[str, str]], in_environment: bool) -> None:
    if in_environment:
        names = {f"CRM_ONLINE_{key.upper().replace('.', '__')}": value for key, value in pairs}
        check(None, [], names)
    else:
        check(None, [f"{key}={value}" for key, value in pairs], {})


def test_any_file_is_settings_or_refused_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / "crm-online.toml"

    @given(EDITS)
    @searching(60)
    def test(edits: list[tuple[int, int, bytes]]) -> None:
        file.write_bytes(edited(FILE, edits))
        check(file, [], {})

    test()


@pytest.mark.parametrize("data", failed_before("settings"))
def test_what_once_failed_as_a_file_of_settings_does_not(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "crm-online.toml"
    file.write_bytes(data)
    check(file, [], {})
