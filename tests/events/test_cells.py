"""Times, numbers and names as shops and databases print them."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_online.errors import InputError
from crm_online.events import times
from crm_online.events.columns import Kind
from crm_online.events.log import check_log
from crm_online.events.options import LogOptions
from tests.events.reading import read
from tests.events.writing import CELLS, HEADER, MAP, jsonl

AT = times.from_iso("2025-12-26T22:51:02Z")


def table(path: Path, *rows: str) -> Path:
    path.write_text(HEADER + "".join(row + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    "text",
    [
        "2025-12-26 17:51:02 -0500",
        "2025-12-26 22:51:02 UTC",
        "2025-12-26 22:51:02.000000 UTC",
        "20251226T225102Z",
        "2025/12/26 22:51:02",
        "2025-12-26T22:51:02+00:00",
    ],
)
def test_times_that_shops_and_databases_print_are_read(tmp_path: Path, text: str) -> None:
    found = read(table(tmp_path / "a.csv", f"a,{text},tea,1,1,o"), mapping=MAP)
    assert found.events.time.tolist() == [AT]
    assert read(jsonl(tmp_path / "a.jsonl", CELLS | {"when": text}), mapping=MAP).events.time.tolist() == [AT]


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("%d/%m/%Y %H:%M:%S", "26/12/2025 22:51:02"),
        ("dd.mm.yyyy HH:mm:ss", "26.12.2025 22:51:02"),
        ("%Y%m%d%H%M%S", "20251226225102"),
        ("%b %d, %Y %I:%M:%S %p", "Dec 26, 2025 10:51:02 PM"),
        ("%d/%m/%Y %H:%M:%S %z", "26/12/2025 17:51:02 -0500"),
        ("s", "1766789462"),
        ("ms", "1766789462000"),
        ("us", "1766789462000000"),
        ("µs", "1766789462000000"),
        ("s", "1766789462.0"),
    ],
)
def test_a_time_format_says_how_times_are_written(tmp_path: Path, how: str, text: str) -> None:
    row = f'a,"{text}",tea,1,1,o'
    found = read(table(tmp_path / "a.csv", row, row.replace(text, "soon")), mapping=MAP, time_format=how)
    assert found.events.time.tolist() == [AT]
    assert found.reasons == [(f"time does not fit --time-format {how}", "time")]
    value: object = int(text) if text.isdecimal() else text
    for kind in (jsonl(tmp_path / "a.jsonl", CELLS | {"when": value}),):
        assert read(kind, mapping=MAP, time_format=how).events.time.tolist() == [AT]


def test_with_a_format_a_day_that_also_fits_month_first_is_never_read_so(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "a,01/02/2025 10:00,tea,1,1,o", "a,12/31/2025 10:00,tea,1,1,o")
    found = read(path, mapping=MAP, time_format="%d/%m/%Y %H:%M")
    assert found.events.time.tolist() == [times.from_iso("2025-02-01 10:00")]
    assert [reject.row for reject in found.rejects] == [1]


def test_times_that_are_day_first_are_not_read_month_first(tmp_path: Path) -> None:
    rows = [f"a,{day:02}/02/2025 10:00,tea,1,1,o" for day in range(1, 28)]
    path = table(tmp_path / "a.csv", *rows)
    with pytest.raises(InputError, match=r"day first \(13/02/2025 10:00\).*say --time-format '%d/%m/%Y %H:%M'"):
        check_log(path, LogOptions(mapping=MAP))
    check_log(path, LogOptions(mapping=MAP, time_format="%d/%m/%Y %H:%M"))
    check_log(table(tmp_path / "b.csv", *[row.replace("/02/", "/28/") for row in rows[:12]]), LogOptions(mapping=MAP))


@pytest.mark.parametrize("how", ["%d/%m", "soon", "%Q", "%H:%M", "%Y %"])
def test_a_time_format_that_tells_no_day_is_refused(tmp_path: Path, how: str) -> None:
    with pytest.raises(InputError, match="--time-format"):
        check_log(table(tmp_path / "a.csv"), LogOptions(mapping=MAP, time_format=how))


@pytest.mark.parametrize(
    ("decimal", "text", "value"),
    [
        (".", "€1,234.50", 1234.5),
        (".", "$ 12", 12),
        (".", "1,234", 1234),
        (".", "12.50 USD", 12.5),
        (".", "US$3.00", 3),
        (",", "1.234,50 €", 1234.5),
        (",", "12,5", 12.5),
        (",", "1.234", 1234),
        (",", "1.0000", 1),
        (",", "1\u202f234,50\u00a0€", 1234.5),
        (".", "1'234.50", 1234.5),
    ],
)
def test_prices_are_read_with_signs_and_separators(tmp_path: Path, decimal: str, text: str, value: float) -> None:
    path = table(tmp_path / "a.csv", f'a,2024-01-01,tea,1,"{text}",o')
    found = read(path, mapping=MAP, decimal=decimal)
    assert found.events.price.tolist() == [value]
    log = jsonl(tmp_path / "a.jsonl", CELLS | {"each": text})
    assert read(log, mapping=MAP, decimal=decimal).events.price.tolist() == [value]


@pytest.mark.parametrize("text", ["12,50", "1,23", "1.2.3", "12 pieces", "--1", "(1", "1,234.5,6"])
def test_a_number_that_could_be_two_is_a_reject(tmp_path: Path, text: str) -> None:
    found = read(table(tmp_path / "a.csv", f'a,2024-01-01,tea,1,"{text}",o'), mapping=MAP)
    assert [reject.field for reject in found.rejects] == ["items.0.price"]


def test_a_negative_quantity_is_a_return_and_ids_lose_their_zero(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "123.0,2024-01-01,tea,-2,1.50,7.0", "123,2024-01-02,tea,-1,-1.50,7")
    found = read(path, mapping=MAP)
    assert found.events.kind.tolist() == [Kind.RETURN] * 2
    assert found.events.quantity.tolist() == [2, 1]
    assert found.events.price.tolist() == [1.5, 1.5]
    assert (found.events.customers, found.events.baskets) == (["123"], ["7"])


def test_an_amount_is_the_price_of_all_pieces_of_a_line(tmp_path: Path) -> None:
    mapping = {name: column for name, column in MAP.items() if name != "price"} | {"amount": "each"}
    rows = [
        "a,2024-01-01,tea,2,3.00,o",
        "a,2024-01-01,tea,-2,-3.00,o",
        "a,2024-01-01,tea,0,3,o",
        "a,2024-01-01,tea,1,x,o",
    ]
    found = read(table(tmp_path / "a.csv", *rows), mapping=mapping)
    assert found.events.price.tolist() == [1.5, 1.5]
    assert [reject.field for reject in found.rejects] == ["items.0.quantity", "items.0.price"]
    with pytest.raises(InputError, match="say the same thing"):
        check_log(table(tmp_path / "a.csv"), LogOptions(mapping=MAP | {"amount": "each"}))


def test_day_and_time_of_day_may_stand_in_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Date,Time,Item\n2025-12-26,22:51:02,tea\n")
    found = read(path, mapping={"time": "Date+Time", "item": "Item"})
    assert found.events.time.tolist() == [AT]
