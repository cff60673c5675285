"""How tables are laid out: how wide, and where a line may end."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from crm_online.cli.console import PIPE_WIDTH
from crm_online.cli.tables.customer import customer_tables
from crm_online.cli.tables.segments import segments_table
from tests.cli import answers
from tests.cli.conftest import Asked, Crm

SIGNS = (
    "Returns 60 % of what it buys (average 14 %), orders 3.2 × as often as is typical, spends 0.29 × what is typical."
)


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("145", 145), ("", PIPE_WIDTH), ("wide", PIPE_WIDTH)])
def test_what_is_piped_is_as_wide_as_columns_says(
    asked: Asked, crm: Crm, monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    out = crm("customer", "1364").out
    assert max(map(cell_len, out.splitlines())) <= width
    assert max(map(cell_len, crm("config").out.splitlines())) == width


@pytest.mark.parametrize("columns", range(70, 130, 3))
def test_no_line_ends_between_a_number_and_its_sign(
    asked: Asked, crm: Crm, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    text = answers.SEGMENTS["segments"][0]["description"]
    monkeypatch.setitem(text, "text", SIGNS)
    monkeypatch.setenv("COLUMNS", str(columns))
    out = crm("segments").out
    cells = [line.split("│")[-2].strip() for line in out.splitlines() if line.startswith("│")]
    assert SIGNS in " ".join(" ".join(cells).split())
    assert not [cell for cell in cells if re.match("[%×]", cell)]
    assert {cell_len(line) for line in out.splitlines() if line.startswith("│")} == {columns}


def test_where_there_are_no_segments_yet_it_is_shown_at_how_many_customers_there_will_be() -> None:
    text = segments_table(answers.NO_SEGMENTS, 1300)
    assert text == (
        "No segments yet: 12 customers so far, and the first model is fitted once there are 1,300 "
        "(segments.min_customers)"
    )


@pytest.mark.parametrize(
    ("name", "shown"), [("Regular customers", "Regular customers (s1)"), ("New ones (s1)", "New ones (s1)")]
)
def test_the_id_of_a_segment_is_shown_once(name: str, shown: str) -> None:
    head = str(customer_tables({**answers.CUSTOMER, "segment": "s1", "since": None}, {"s1": name})[0])
    assert f": {shown} ·" in head


@pytest.mark.parametrize("command", [("segments",), ("rules",), ("customer", "1364")])
@pytest.mark.parametrize("columns", [24, 40])
def test_on_a_narrow_terminal_rows_stand_one_below_the_other_and_no_cell_is_lost(
    asked: Asked, crm: Crm, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], columns: int
) -> None:
    def words(width: int) -> set[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        out = crm(*command).out
        assert max(map(cell_len, out.splitlines())) <= width
        return {word for word in re.findall(r"\w+", out) if len(word) < columns // 4}

    assert words(400) <= words(columns)
