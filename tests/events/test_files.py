"""Files of every kind, whole and broken, read some rows at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
import zstandard

from crm_online.errors import InputError, MissingColumn, NoSuchLog, UnknownPreset, UnreadableLog
from crm_online.events.log import check_log
from crm_online.events.options import LogOptions
from crm_online.events.source import open_source
from tests.events.reading import read
from tests.events.writing import HEADER, MAP, ROW, packed


@pytest.mark.parametrize("pack", ["", ".gz", ".zst"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_csv_is_the_same_packed_or_not_with_and_without_mark(
    tmp_path: Path, pack: str, mark: bytes, ends: str
) -> None:
    content = mark + (HEADER + ROW * 5).replace("\n", ends).encode()
    path = packed(tmp_path / f"a.csv{pack}", content)
    found = read(path, mapping=MAP)
    assert not found.rejects
    assert found.events.customers == ["a"]
    assert found.events.price.tolist() == [1.5] * 5


@pytest.mark.parametrize("sep", [";", "\t", "|"])
def test_the_separator_of_a_csv_is_found(tmp_path: Path, sep: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text((HEADER + ROW).replace(",", sep))
    assert len(read(path, mapping=MAP).events) == 1


def test_rows_in_latin_1_stand_beside_rows_in_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(HEADER.encode() + ROW.replace("tea", "thé").encode("latin-1") + ROW.replace("tea", "thé").encode())
    assert read(path, mapping=MAP).events.items == ["thé"]


def test_ragged_rows_are_rejects_and_quoted_line_ends_are_not(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "a,b\n" + '"a",2024-01-01,"green, \ntea",1,1,o\n' + ROW[:-1] + ",more\n" + ROW)
    found = read(path, mapping=MAP)
    assert [reject.row for reject in found.rejects] == [0, 1, 2]  # a name may not hold a line end
    assert found.rejects[0].reason == "2 fields where the header has 6"


def test_a_half_written_last_row_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + ROW + ROW[:20])
    assert read(path, mapping=MAP).reasons == [("half-written last line", None)]


@pytest.mark.parametrize("content", ["", HEADER])
def test_a_file_without_rows_holds_no_events(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    assert read(path, mapping=MAP).rows == 0
    (tmp_path / "b.jsonl").write_text("")
    assert read(tmp_path / "b.jsonl").rows == 0


def test_a_log_that_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    csv = tmp_path / "a.csv"
    csv.write_text(HEADER + ROW)
    (tmp_path / "b.csv").write_bytes(b"\x7fELF\0\0\0\1" * 100)
    (tmp_path / "c.parquet").write_bytes(b"PAR1 not really")
    (tmp_path / "d.csv.gz").write_bytes(b"no archive at all")
    (tmp_path / "e.txt").write_text("one line\n")
    with pytest.raises(NoSuchLog, match="no such file"):
        check_log(tmp_path / "none.csv")
    with pytest.raises(NoSuchLog, match="is a folder"):
        check_log(tmp_path)
    with pytest.raises(UnreadableLog, match="binary"):
        check_log(tmp_path / "b.csv")
    with pytest.raises(UnreadableLog, match="not a Parquet file"):
        check_log(tmp_path / "c.parquet")
    with pytest.raises(UnreadableLog, match="not a whole gz archive"):
        check_log(tmp_path / "d.csv.gz")
    with pytest.raises(UnknownPreset, match="did you mean online-retail"):
        check_log(csv, LogOptions(preset="online-retial"))
    with pytest.raises(MissingColumn, match="InvoiceNo or Invoice; the log has: who, when"):
        check_log(csv, LogOptions(preset="online-retail"))
    with pytest.raises(MissingColumn, match="needs a column nobody"):
        check_log(csv, LogOptions(mapping=MAP | {"customer_id": "nobody"}))
    with pytest.raises(InputError, match="did you mean customer_id"):
        check_log(csv, LogOptions(mapping=MAP | {"customer": "who"}))
    with pytest.raises(InputError, match="time=COLUMN"):
        check_log(csv, LogOptions(mapping={"item": "what"}))
    with pytest.raises(InputError, match="give one of them"):
        check_log(csv, LogOptions(mapping=MAP, preset="baskets"))
    with pytest.raises(InputError, match="fits no preset"):
        check_log(tmp_path / "e.txt")


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_cut_archive_is_told_and_not_taken_for_its_end(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.csv.{kind}"
    content = (HEADER + "".join(ROW.replace("tea", f"tea {n}") for n in range(50_000))).encode()
    whole = packed(path, content).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableLog, match=f"not a whole {kind} archive"):
        read(path, mapping=MAP)


def test_an_archive_of_several_frames_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.zst"
    path.write_bytes(b"".join(zstandard.compress(part.encode()) for part in (HEADER, ROW * 3, ROW * 4)))
    assert len(read(path, mapping=MAP).events) == 7


def test_a_file_that_grows_or_moves_stays_the_same_log(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + ROW)
    first = open_source(path)
    with path.open("a") as file:
        file.write(ROW * 10_000)
    assert open_source(path, [first]) == first
    grown = open_source(path)
    assert grown != first
    assert open_source(path.rename(tmp_path / "b.csv"), [grown]) == grown
    other = tmp_path / "c.csv"
    other.write_text(HEADER + ROW + ROW)
    assert open_source(other, [first]) != first  # a short beginning is not enough without the name
