"""Durations and sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.settings.units import DAY, HOUR, MINUTE, format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("90d", 90 * DAY), ("30m", 30 * MINUTE), ("6s", 6000), ("12h", 12 * HOUR), ("2w", 14 * DAY), ("250ms", 250)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize("text", ["", "none", "90", "d", "90 days", "-1d", "1d2h", "1e3s", "٣d x", "inf d"])
def test_what_has_no_number_and_unit_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a number with one of the units"):
        parse_duration(text)


def test_megabytes_count_by_thousands_and_mebibytes_by_1024() -> None:
    assert parse_size("256MB") == 256_000_000
    assert parse_size("256 MiB") == 256 * 2**20
    assert parse_size("1KB") == parse_size("1kB") == 1000


@given(st.integers(0, 2**53))
def test_a_formatted_duration_reads_back_as_itself(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds)) == milliseconds


@given(st.integers(0, 2**53))
def test_a_formatted_size_reads_back_as_itself(size: int) -> None:
    assert parse_size(format_size(size)) == size
