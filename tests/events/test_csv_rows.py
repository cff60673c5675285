"""CSV: a broken row costs itself; what stands over several lines, or is not yet whole, is seen as such."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_online.errors import InputError, UnreadableLog
from crm_online.events.log import check_log
from crm_online.events.options import LogOptions
from tests.events.reading import read
from tests.events.writing import HEADER, MAP, ROW

NOTES = "who,when,what,note\n"
TO_NOTES = {"customer_id": "who", "time": "when", "item": "what"}


def csv_of(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("later", ["", 'b,2024-01-01,"6 nails",1,1,o\n', 'b,2024-01-01,"6 nails,1,1,o\n'])
def test_a_quote_that_is_never_closed_costs_its_row_only(tmp_path: Path, later: str) -> None:
    found = read(csv_of(tmp_path, HEADER + ROW + 'a,2024-01-01,"5 screws,1,1,o\n' + ROW * 3 + later + ROW), mapping=MAP)
    lost = [1, 5] if later.count('"') == 1 else [1]
    assert [(reject.row, reject.position) for reject in found.rejects] == [(row, f"a.csv:{row + 2}") for row in lost]
    assert found.rejects[0].reason == "a quote that is not closed"
    assert found.rejects[0].raw == 'a,2024-01-01,"5 screws,1,1,o'
    assert len(found.events) == found.rows - len(lost)


def test_a_quote_is_searched_for_in_a_bounded_part_of_the_file_only(tmp_path: Path) -> None:
    found = read(csv_of(tmp_path, HEADER + 'a,2024-01-01,"5 screws,1,1,o\n' + ROW * 20_000), mapping=MAP)
    assert [reject.row for reject in found.rejects] == [0]
    assert len(found.events) == 20_000


def test_text_over_several_lines_is_one_row(tmp_path: Path) -> None:
    row = 'a,2024-01-01,tea,"first line\n\nthird, with ""quotes"""\n'
    found = read(csv_of(tmp_path, NOTES + row + row.replace("tea", "") + "b\n"), mapping=TO_NOTES)
    assert found.rows == 3
    assert found.events.items == ["tea"]
    assert [reject.position for reject in found.rejects] == ["a.csv:8"]


def test_a_row_whose_text_is_written_by_half_is_met_again_when_it_is_whole(tmp_path: Path) -> None:
    row = 'a,2024-01-01,tea,"first line\nsecond line"\n'
    whole = NOTES + row * 2
    opened = len(NOTES + row) + row.index('"') + 1  # what is cut before the quote may be a row with an empty note
    for cut in range(opened, len(whole) - 2):
        found = read(csv_of(tmp_path, whole[:cut]), mapping=TO_NOTES)
        assert found.reasons == [("half-written last line", None)], whole[:cut]
        assert (len(found.events), found.rows) == (1, 1)


def test_blank_lines_are_no_rows_and_positions_name_the_line(tmp_path: Path) -> None:
    found = read(csv_of(tmp_path, "\n" + HEADER + "\n" + ROW + "\n\n" + "x,y\n" + ROW + "\n"), mapping=MAP)
    assert found.rows == 3
    assert [(reject.row, reject.position) for reject in found.rejects] == [(1, "a.csv:7")]


def test_a_file_of_blank_lines_holds_no_rows(tmp_path: Path) -> None:
    assert read(csv_of(tmp_path, "\n\r\n\n"), mapping=MAP).rows == 0


def test_windows_1252_and_latin_1_stand_beside_utf_8(tmp_path: Path) -> None:
    rows = [ROW.replace("tea", "thé – 5€").encode(name) for name in ("utf-8", "cp1252")]
    undefined = ROW.encode().replace(b"tea", b"t\xe9\x81a")  # 0x81 is nothing in cp1252, a control in Latin-1
    found = read(csv_of(tmp_path, HEADER.encode() + b"".join(rows) + undefined + ROW.encode()), mapping=MAP)
    assert found.events.items == ["thé – 5€", "tea"]
    assert [(reject.row, reject.field) for reject in found.rejects] == [(2, "items.0.item")]


def test_a_null_byte_far_into_a_file_rejects_its_row(tmp_path: Path) -> None:
    found = read(csv_of(tmp_path, HEADER + ROW * 1000 + ROW.replace("tea", "t\0a") + ROW), mapping=MAP)
    assert [(reject.row, reject.field) for reject in found.rejects] == [(1000, "items.0.item")]


@pytest.mark.parametrize("opened", ["", '"'], ids=["plain", "quoted"])
@pytest.mark.parametrize("size", [140_000, 3_000_000])
def test_a_very_long_row_is_a_reject_and_keeps_its_beginning_only(tmp_path: Path, opened: str, size: int) -> None:
    long = ROW.replace("tea", opened + "x" * size + opened)
    found = read(csv_of(tmp_path, HEADER + ROW + long + ROW), mapping=MAP)
    assert [reject.row for reject in found.rejects] == [1]
    assert len(found.rejects[0].raw) <= 4096
    assert len(found.events) == 2


def test_a_row_that_is_too_long_is_a_reject_even_if_its_beginning_looks_whole(tmp_path: Path) -> None:
    long = 'a,2024-01-01,"' + "x" * 2_000_000 + '",note\n'
    for row in (long, long.replace('"', ""), f"a,2024-01-01,tea,{'n' * 2_000_000}\n"):
        path = csv_of(tmp_path, NOTES + row + "a,2024-01-01,tea,\n")
        found = read(path, mapping=TO_NOTES)
        assert found.reasons == [("the line is longer than 1048576 bytes", None)]
        assert found.events.position.tolist() == [1]


@pytest.mark.parametrize("sep", ["||", '"', "\n"])
def test_a_separator_that_cannot_be_one_is_told(tmp_path: Path, sep: str) -> None:
    with pytest.raises(InputError, match="separated by one character"):
        check_log(csv_of(tmp_path, HEADER + ROW), LogOptions(mapping=MAP, sep=sep))


def test_a_separator_that_was_asked_for_is_used(tmp_path: Path) -> None:
    assert len(read(csv_of(tmp_path, (HEADER + ROW).replace(",", "~")), mapping=MAP, sep="~").events) == 1


def test_a_file_with_carriage_returns_only_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLog, match="no header that is CSV"):
        check_log(csv_of(tmp_path, (HEADER + ROW).replace("\n", "\r")), LogOptions(mapping=MAP))


def test_a_last_row_without_line_end_is_an_event_if_it_is_whole(tmp_path: Path) -> None:
    found = read(csv_of(tmp_path, HEADER + ROW + ROW[:-1]), mapping=MAP)
    assert (len(found.events), found.rejects) == (2, [])
