"""What is guessed of a log: columns by name and content, formats, filters, and one line where nothing fits."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from crm_online.errors import InputError
from crm_online.events.guess import check
from crm_online.events.guess.time_formats import is_ambiguous, time_format_of
from crm_online.events.options import NO_OPTIONS, LogOptions

LOGS = {
    "pos": (
        "bon;kunde;datum;uhrzeit;artikel;menge;preis\n1;K1;26.12.2025;17:51;Tee;2;1,50\n2;K2;27.12.2025;09:05;Bier;1;3,20\n",
        "customer_id=kunde basket_id=bon time=datum+uhrzeit item=artikel quantity=menge price=preis",
        "%d.%m.%Y %H:%M",
    ),
    "etsy": (
        "Sale Date,Item Name,Buyer,Quantity,Price,Date Shipped,Order ID\n12/26/25,Mug,ada,2,24.00,,381\n",
        "customer_id=Buyer basket_id=Order ID time=Sale Date item=Item Name quantity=Quantity price=Price",
        "%m/%d/%y",
    ),
    "orders only": (
        'ID,Purchase Date,Grand Total (Base),Tax,Customer Email\n1,"Dec 26, 2025 5:51:02 PM","$1,250.00",$1,a@x.com\n',
        "customer_id=Customer Email basket_id=ID time=Purchase Date amount=Grand Total (Base)",
        "%b %d, %Y %I:%M:%S %p",
    ),
    "a member's day": (
        "Member_number,Date,itemDescription\n1,21-07-2015,tea\n2,05-01-2015,milk\n1,21-07-2015,milk\n",
        "customer_id=Member_number basket_id=Member_number+Date time=Date item=itemDescription",
        "%d-%m-%Y",
    ),
    "a till's": (
        "Bon,Karte,Datum,Uhrzeit,Artikelbezeichnung,Stueck\n1,K1,26/12/2025,17:51,Tee,2\n2,K2,27/12/2025,09:05,Bier,1\n",
        "customer_id=Karte basket_id=Bon time=Datum+Uhrzeit item=Artikelbezeichnung quantity=Stueck",
        "%d/%m/%Y %H:%M",
    ),
    "sap": (
        "VBELN|KUNNR|ERDAT|MATNR|KWMENG|NETPR\n1|c|20251226|tea|1.000|2.50\n",
        "customer_id=KUNNR basket_id=VBELN time=ERDAT item=MATNR quantity=KWMENG price=NETPR",
        "%Y%m%d",
    ),
    "events": (
        "type,customer_id,time,item\nview,c1,2025-12-26T10:00:00Z,tea\npurchase,c1,2025-12-26T10:05:00Z,tea\n",
        "type=type customer_id=customer_id time=time item=item",
        None,
    ),
    "taxes": (
        "Order;Customer;Date;Product;Qty;Shipping price;Price (excl. tax)\n1;c;2025-12-26;tea;1;4.90;2.50\n",
        "customer_id=Customer basket_id=Order time=Date item=Product quantity=Qty price=Price (excl. tax)",
        None,
    ),
    "time by its look": (
        "who,order_ts,sku\nc1,2025-12-26 10:00:00.123 UTC,tea\n",
        "customer_id=who time=order_ts item=sku",
        None,
    ),
    "epoch": (
        "id,user_id,created_at,product_name,quantity,unit_price\n1,5,1766771462123,tea,2,2.5\n",
        "customer_id=user_id basket_id=id time=created_at item=product_name quantity=quantity price=unit_price",
        "ms",
    ),
    "an order's state is no order": (
        "Customer ID,Order Status,Order Date,SKU\n"
        + "".join(f"{n % 3},Completed,2025-12-{n + 1:02},tea\n" for n in range(9)),
        "customer_id=Customer ID time=Order Date item=SKU",
        None,
    ),
    "ids that come on many days": (
        "date,id\n" + "".join(f"2025-12-{n + 1:02} 00:00:00,{n % 3}\n" for n in range(9)),
        "customer_id=id time=date",
        None,
    ),
    "numbers that begin anew each day are an order's by their name": (
        "bon,datum,artikel\n" + "".join(f"{n % 3},2025-12-{n // 3 + 1:02},Tee\n" for n in range(9)),
        "basket_id=bon time=datum item=artikel",
        None,
    ),
    "types after the names": (
        "user_id:token\titem_id:token\ttimestamp:float\n196\t242\t881250949\n186\t302\t891717742\n",
        "customer_id=user_id:token time=timestamp:float item=item_id:token",
        "s",
    ),
    "excel's own separator": (
        "sep=;\norder;client;date;product\n1;c;2025-12-26;tea, green\n",
        "customer_id=client basket_id=order time=date item=product",
        None,
    ),
}


@pytest.mark.parametrize("name", LOGS)
def test_the_columns_of_a_log_are_found(tmp_path: Path, name: str) -> None:
    text, mapping, time_format = LOGS[name]
    path = tmp_path / "log.csv"
    path.write_text(text)
    found = check(path, NO_OPTIONS)
    assert found.options.mapping is not None
    assert " ".join(f"{field}={column}" for field, column in found.options.mapping.items()) == mapping
    assert found.options.time_format == time_format
    assert found.accepted == found.looked_at


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["26/12/2025 10:00", "27/12/2025 9:00"], "%d/%m/%Y %H:%M"),
        (["12/26/2025 10:00", "12/27/2025 9:00"], "%m/%d/%Y %H:%M"),
        (["01/02/2025", "02/02/2025", "03/02/2025"], "%d/%m/%Y"),  # in order only if the day is first
        (["02/01/2025", "02/02/2025", "02/03/2025", "03/01/2025"], "%m/%d/%Y"),
        (["Dec-26-25", "Jan-02-26"], "%b-%d-%y"),
        (["20251226", "20251227"], "%Y%m%d"),
        ([20251226, 20251227], "%Y%m%d"),
        ([1766771462, "1766771499"], "s"),
        ([1766771462123456], "us"),
        (["2025-12-26 17:51:02 -0500", "2025-12-26"], ""),
        (["tea", "jam"], None),
        ([1, 2, 3], None),
        ([], None),
    ],
)
def test_the_format_of_times_is_found(cells: list[object], expected: str | None) -> None:
    assert time_format_of(cells) == expected


def test_what_could_be_two_days_is_said(tmp_path: Path) -> None:
    assert is_ambiguous("%d/%m/%Y", ["01/02/2025"])
    assert not is_ambiguous("%d/%m/%Y", ["01/02/2025", "13/02/2025"])
    (tmp_path / "a.csv").write_text("customer,date,item\nc,01/02/2025,tea\n")
    assert any("the other way round" in note for note in check(tmp_path / "a.csv", NO_OPTIONS).notes)


def test_what_is_said_is_kept_and_only_the_rest_is_guessed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("buyer;when;what\nc1;26.12.2025;2,5\n")
    said = LogOptions(mapping={"time": "when", "customer_id": "buyer"}, where=(("buyer", "c1"),))
    found = check(path, said)
    assert (found.options.mapping, found.options.where) == (said.mapping, said.where)
    assert found.options.time_format == "%d.%m.%Y"


def test_orders_that_are_no_sales_are_left_out_and_returns_are_not(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = ["c,2025-12-26,tea,2,paid", "c,2025-12-27,tea,1,Cancelled", "c,2025-12-28,tea,-1,Refund"]
    path.write_text("\n".join(["customer,date,item,qty,order status", *rows]) + "\n")
    found = check(path, NO_OPTIONS)
    assert found.options.where == (("order status!", "Cancelled"),)
    assert [row["type"] for row in found.rows] == ["purchase", "return"]
    assert "--where 'order status!=Cancelled'" in found.command()


def test_of_a_log_of_all_that_happened_only_the_orders_are_purchases(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    happened = ["view_item", "purchase", "add_to_cart", "Order Completed"]
    rows = [{"event": one, "user": "c", "ts": 1766771462123 + at, "sku": "tea"} for at, one in enumerate(happened)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = check(path, NO_OPTIONS)
    assert found.options.where == (("event", "purchase"), ("event", "Order Completed"))
    assert (found.accepted, found.left_out) == (2, 2)


def test_rows_in_a_list_within_an_object_are_taken_out_first(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": {"orders": [{"id": 1, "at": "2025-12-26"}]}, "page": 1}))
    with pytest.raises(InputError, match=r"jq -c '\.data\.orders\[\]' a\.json > a\.jsonl"):
        check(path, NO_OPTIONS)


@pytest.mark.parametrize("column", ["item price", "amount"])
def test_a_price_that_grows_with_the_pieces_is_that_of_the_line(tmp_path: Path, column: str) -> None:
    for field, prices in (("amount", (2.5, 5, 7.5)), ("price", (2.5, 2.5, 2.5))):
        rows = [f"c,2025-12-2{place},tea,{place},{price}" for place, price in enumerate(prices, 1)]
        (tmp_path / "a.csv").write_text("\n".join([f"customer,date,product,qty,{column}", *rows]) + "\n")
        assert (check(tmp_path / "a.csv", NO_OPTIONS).options.mapping or {})[field] == column


def test_prices_that_differ_from_line_to_line_stay_what_their_name_says(tmp_path: Path) -> None:
    sold = [(1, 1.0), (2, 2.0), (3, 7.0), (4, 5.0), (5, 9.0), (6, 11.0)]  # by chance twice as much for two pieces
    rows = [f"c,2025-12-2{pieces},tea,{pieces},{price}" for pieces, price in sold]
    (tmp_path / "a.csv").write_text("\n".join(["customer,date,product,qty,unit price", *rows]) + "\n")
    assert (check(tmp_path / "a.csv", NO_OPTIONS).options.mapping or {})["price"] == "unit price"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b,c\n1,2,3\n", "nothing in a.csv looks like a time: say --map time=COLUMN.*its columns: a, b, c"),
        ("order,date,item\n", "a.csv has no rows"),
        ("", "a.csv has no rows"),
        ("All amounts in USD\n\norder id,date,item,quantity\n1,2025-12-26,tea,1\n", "its header in line 3: delete"),
    ],
)
def test_where_nothing_fits_one_line_says_what_to_do(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=why):
        check(tmp_path / "a.csv", NO_OPTIONS)


def test_a_title_above_the_table_of_a_spreadsheet_is_no_header(tmp_path: Path) -> None:
    table = pd.DataFrame({"Order No": [1], "Customer": ["c"], "Date": ["2025-12-26"], "Product": ["tea"]})
    with pd.ExcelWriter(tmp_path / "a.xlsx", engine="openpyxl") as book:
        pd.DataFrame(["Sales of 2025"]).to_excel(book, index=False, header=False)
        table.to_excel(book, index=False, startrow=2)
    assert check(tmp_path / "a.xlsx", NO_OPTIONS).accepted == 1


def test_baskets_are_told_from_tables(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("bread,milk\nmilk\nbread,milk,beer,tea\ntea\nbread,beer,jam\n")
    assert check(tmp_path / "a.csv", NO_OPTIONS).options.preset == "baskets"


def test_a_state_of_a_country_is_none_of_an_order(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for states, told in (("Texas Oklahoma New-York", False), ("paid open shipped", True)):
        rows = [f"c,2025-12-26,tea,{state}\n" for state in states.split()]
        path.write_text("customer,date,item,state\n" + "".join(rows))
        assert any("--where" in note for note in check(path, NO_OPTIONS).notes) == told


def test_rows_that_are_not_in_order_of_time_are_put_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    days = [f"c{day},2025-12-{day:02},tea\n" for day in range(1, 29)]
    path.write_text("customer,date,item\n" + "".join(days))
    assert "--in-order" not in check(path, NO_OPTIONS).command()
    path.write_text("customer,date,item\n" + "".join(reversed(days)))
    found = check(path, NO_OPTIONS)
    assert found.command().endswith("--in-order")
    assert found.notes[-1].startswith("26 of the rows lie more than a day behind others before them")
