"""Orders of one made shop as the exports of twelve tools, each in two shapes, with what a recount of them finds."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crm_online.events.presets.snowplow import _FIELDS

PRICES = {"Green tea": 4.5, "Teapot, large": 1249.0, "Honey 250 g": 6.25, "Jam": 3.2, "Cup": 12.0, "Tray": 27.9}


class Line(NamedTuple):
    """A line of an order; ``sku`` is a number."""

    item: str
    sku: int
    quantity: int
    price: float


class Order(NamedTuple):
    """An order."""

    number: int
    customer: int
    time: dt.datetime
    lines: tuple[Line, ...]
    sold: bool

    @property
    def total(self) -> float:
        return sum(line.quantity * line.price for line in self.lines)


class Export(NamedTuple):
    """A file, and what a recount finds: orders that were sold, distinct customers, worth, and the first time in ms."""

    path: Path
    orders: int
    customers: int
    worth: float
    first: int


def shop(seed: int = 7, orders: int = 60) -> list[Order]:
    """Return orders in the order of time; one in eight was cancelled."""
    random = Random(seed)
    names = list(PRICES)
    found, time = [], dt.datetime(2025, 11, 3, 9, 15, 2)
    for number in range(1001, 1001 + orders):
        time += dt.timedelta(minutes=random.randint(30, 2000))
        chosen = random.sample(names, random.randint(1, 4))
        lines = tuple(Line(name, 100 + names.index(name), random.randint(1, 3), PRICES[name]) for name in chosen)
        found.append(Order(number, random.randint(17850, 17865), time, lines, number % 8 != 0))
    return found


Rows = list[dict[str, object]]
Writer = Callable[[Path, Sequence[Order]], Path]


def export(folder: Path, name: str) -> Export:
    """Write one of the exports."""
    orders = shop()
    path = EXPORTS[name](folder, orders)
    sold = [order for order in orders if order.sold or name in NEVER_CANCELLED]
    first = min(order.time for order in sold).replace(tzinfo=dt.UTC)
    if name in DAYS_ONLY:
        first = first.replace(hour=0, minute=0, second=0)
    elif name in MINUTES:
        first = first.replace(second=0)
    worth = sum(order.total for order in sold)
    return Export(path, len(sold), len({order.customer for order in sold}), worth, int(first.timestamp() * 1000))


def text(rows: Iterable[Mapping[str, object]], sep: str = ",", ends: str = "\n") -> str:
    """Return rows as CSV with a header."""
    rows = list(rows)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=sep, lineterminator=ends)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def email(order: Order) -> str:
    return f"c{order.customer}@example.com"


def comma(value: float, sign: str = "") -> str:
    """Return a number as in Germany: 1.249,00."""
    return f"{value:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".") + sign


def each(orders: Sequence[Order], row: Callable[[Order, Line], dict[str, object]]) -> Rows:
    return [row(order, line) for order in orders for line in order.lines]


def shopify(orders: Sequence[Order]) -> list[Rows]:
    """Return the rows of each order; only the first says what became of it."""
    zone = dt.timezone(dt.timedelta(hours=-5))
    found = []
    for order in orders:
        at = f"{order.time.replace(tzinfo=dt.UTC).astimezone(zone):%Y-%m-%d %H:%M:%S %z}"
        rows: Rows = []
        for place, line in enumerate(order.lines):
            state = "paid" if order.sold else "voided"
            head = {"Financial Status": state, "Total": f"{order.total:.2f}", "Id": order.number * 7, "Source": "web"}
            rows.append(
                {
                    **{"Name": f"#{order.number}", "Email": email(order)},
                    **{key: value if place == 0 else "" for key, value in head.items()},
                    **{"Created at": at, "Lineitem quantity": line.quantity, "Lineitem name": line.item},
                    **{"Lineitem price": f"{line.price:.2f}", "Lineitem sku": line.sku, "Notes": 'he said\n"hello"'},
                    "Cancelled at": "" if order.sold or place else at,
                }
            )
        found.append(rows)
    return found


def shopify_oldest_first(folder: Path, orders: Sequence[Order]) -> Path:
    rows = [row for rows in shopify(orders) for row in rows]
    return written(folder / "orders_export_1.csv", text(rows))


def shopify_newest_first(folder: Path, orders: Sequence[Order]) -> Path:
    rows = [row for rows in reversed(shopify(orders)) for row in rows]
    return written(folder / "orders_export.csv.gz", gzip.compress(text(rows).encode()))


def woocommerce_analytics(folder: Path, orders: Sequence[Order]) -> Path:
    rows: Rows = [
        {
            **{"Date": f"{order.time:%Y-%m-%d %H:%M:%S}", "Order #": order.number, "N. Revenue (formatted)": "x"},
            **{"Status": "completed" if order.sold else "cancelled", "Customer": f"Ada {order.customer}"},
            "Customer type": "returning",
            "Product(s)": ", ".join(f"{line.quantity}× {line.item}" for line in order.lines),
            **{"Items sold": sum(line.quantity for line in order.lines), "Coupon(s)": "", "N. Revenue": order.total},
        }
        for order in orders
    ]
    for row in rows:
        row["N. Revenue (formatted)"] = f"${row['N. Revenue']:,.2f}"
    return written(folder / "wc-orders-report-export.csv", text(rows))


def woocommerce_plugin(folder: Path, orders: Sequence[Order]) -> Path:
    rows: Rows = []
    for order in orders:
        cells = {f"line_item_{place}": "" for place in range(1, 5)}
        for place, line in enumerate(order.lines, 1):
            figures = f"quantity:{line.quantity}|total:{line.quantity * line.price:.2f}"
            cells[f"line_item_{place}"] = f"name:{line.item}|product_id:{line.sku}|sku:{line.sku}|{figures}"
        rows.append(
            {
                **{"order_id": order.number, "order_number": order.number},
                **{"order_date": f"{order.time:%Y-%m-%d %H:%M:%S}", "status": "processing" if order.sold else "failed"},
                **{"customer_email": email(order), "order_total": order.total, **cells},
            }
        )
    return written(folder / "order_export.csv", text(rows))


def stripe_csv(folder: Path, orders: Sequence[Order]) -> Path:
    rows: Rows = [
        {
            **{"id": f"ch_{order.number}", "Created date (UTC)": f"{order.time:%Y-%m-%d %H:%M:%S}"},
            **{"Amount": f"{order.total:.2f}", "Amount Refunded": "0.00", "Currency": "eur", "Captured": "true"},
            **{"Description": "", "Status": "Paid" if order.sold else "Failed", "Customer ID": f"cus_{order.customer}"},
        }
        for order in reversed(orders)
    ]
    return written(folder / "unified_payments.csv", text(rows))


def stripe_api(folder: Path, orders: Sequence[Order]) -> Path:
    charges = [
        {
            **{
                "id": f"ch_{order.number}",
                "object": "charge",
                "amount": round(order.total * 100),
                "amount_refunded": 0,
            },
            **{"created": int(order.time.replace(tzinfo=dt.UTC).timestamp()), "currency": "eur"},
            **{"amount_refunded": 0, "metadata": {}},
            **{"customer": f"cus_{order.customer}", "status": "succeeded" if order.sold else "failed"},
        }
        for order in orders
    ]
    answer = {"object": "list", "has_more": False, "url": "/v1/charges", "data": charges}
    return written(folder / "charges.json", json.dumps(answer, indent=2))


def ga4(orders: Sequence[Order], *, texts: bool) -> list[dict[str, object]]:
    """Return events: two page views, then an order; BigQuery writes its integers into JSON as texts."""
    events: list[dict[str, object]] = []
    for order in orders:
        micros = int(order.time.replace(tzinfo=dt.UTC).timestamp() * 1_000_000)
        for name, ahead in (("page_view", 9), ("session_start", 5), ("purchase" if order.sold else "add_to_cart", 0)):
            count = str if texts else int
            items = [
                {"item_id": f"S{one.sku}", "item_name": one.item, "price": one.price, "quantity": count(one.quantity)}
                for one in order.lines
            ]
            parameter = {"string_value": "web", "int_value": None, "float_value": None, "double_value": None}
            events.append(
                {
                    **{"event_date": f"{order.time:%Y%m%d}", "event_timestamp": count(micros - ahead * 1_000_000)},
                    **{"event_name": name, "event_params": [{"key": "page", "value": parameter}]},
                    **{"user_id": None, "user_pseudo_id": f"{order.customer}.17"},
                    "ecommerce": {"transaction_id": str(order.number), "purchase_revenue": order.total},
                    "items": items if name != "page_view" else [],
                }
            )
    return events


def ga4_lines(folder: Path, orders: Sequence[Order]) -> Path:
    return written(folder / "events_20251226.json", "".join(json.dumps(one) + "\n" for one in ga4(orders, texts=True)))


def ga4_parquet(folder: Path, orders: Sequence[Order]) -> Path:
    pq.write_table(pa.Table.from_pylist(ga4(orders, texts=False)), folder / "events_000000000000.parquet")
    return folder / "events_000000000000.parquet"


VENDOR = "com.snowplowanalytics.snowplow"


def snowplow_lines(folder: Path, orders: Sequence[Order]) -> Path:
    lines = []
    for order in orders:
        about = [("transaction", {"transaction_id": str(order.number), "revenue": order.total, "currency": "EUR"})]
        about += [("product", _product(line)) for line in order.lines]
        ours = f"iglu:{VENDOR}.ecommerce/%s/jsonschema/1-0-0"
        contexts = [{"schema": ours % name, "data": data} for name, data in about]
        action = {"type": "transaction" if order.sold else "checkout_step"}
        cells = dict.fromkeys([*_FIELDS, *map(str, range(73, 131))], "")
        at = f"{order.time:%Y-%m-%d %H:%M:%S}.000"
        cells |= {"app_id": "shop", "platform": "web", "collector_tstamp": at, "124": at, "event": "unstruct"}
        cells |= {"event_id": f"{order.number:08}-b53a-4b13-a233-0088f79dcbcb", "user_id": f"u{order.customer}"}
        cells["contexts"] = json.dumps({"schema": f"iglu:{VENDOR}/contexts/jsonschema/1-0-0", "data": contexts})
        inner = {"schema": ours % "snowplow_ecommerce_action", "data": action}
        cells["unstruct_event"] = json.dumps(
            {"schema": f"iglu:{VENDOR}/unstruct_event/jsonschema/1-0-0", "data": inner}
        )
        lines.append("\t".join(cells.values()))
    return written(folder / "enriched.tsv", "\n".join(lines) + "\n")


def snowplow_json(folder: Path, orders: Sequence[Order]) -> Path:
    lines = [
        {
            **{"app_id": "shop", "collector_tstamp": f"{order.time:%Y-%m-%dT%H:%M:%S}.000Z", "event": "unstruct"},
            **{"event_id": f"e{order.number}", "domain_userid": f"d{order.customer}"},
            "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1": {
                "type": "transaction" if order.sold else "add_to_cart"
            },
            "contexts_com_snowplowanalytics_snowplow_ecommerce_transaction_1": [{"transaction_id": str(order.number)}],
            "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1": [_product(one) for one in order.lines],
        }
        for order in orders
    ]
    return written(folder / "enriched.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def _product(line: Line) -> dict[str, object]:
    return {"id": f"S{line.sku}", "name": line.item, "price": line.price, "quantity": line.quantity, "currency": "EUR"}


def segment(orders: Sequence[Order]) -> list[dict[str, object]]:
    return [
        {
            **{"type": "track", "event": "Order Completed" if order.sold else "Order Cancelled"},
            **{"messageId": f"m{order.number}", "userId": f"u{order.customer}"},
            "timestamp": f"{order.time:%Y-%m-%dT%H:%M:%S}.000Z",
            "properties": {"order_id": str(order.number), "products": [_product(one) for one in order.lines]},
        }
        for order in orders
    ]


def segment_lines(folder: Path, orders: Sequence[Order]) -> Path:
    lines = "".join(json.dumps(call) + "\n" for call in segment(orders))
    return written(folder / "1766770000.json.gz", gzip.compress(lines.encode()))


def segment_batch(folder: Path, orders: Sequence[Order]) -> Path:
    return written(folder / "calls.json", json.dumps({"batch": segment(orders), "sentAt": "2026-01-01T00:00:00Z"}))


def cloudevents(orders: Sequence[Order]) -> list[dict[str, object]]:
    return [
        {
            **{"specversion": "1.0", "id": str(order.number), "source": "/shop", "subject": f"c{order.customer}"},
            **{"type": "com.example.shop.purchase.v1", "time": f"{order.time:%Y-%m-%dT%H:%M:%S}Z"},
            "data": {
                "basket_id": str(order.number),
                "items": [{"item": one.item, "quantity": one.quantity, "price": one.price} for one in order.lines],
            },
        }
        for order in orders
    ]


def cloudevents_lines(folder: Path, orders: Sequence[Order]) -> Path:
    return written(folder / "events.ndjson", "".join(json.dumps(event) + "\n" for event in cloudevents(orders)))


def cloudevents_batch(folder: Path, orders: Sequence[Order]) -> Path:
    return written(folder / "batch.json", json.dumps(cloudevents(orders), indent=1))


def prestashop(folder: Path, orders: Sequence[Order]) -> Path:
    def row(order: Order, line: Line) -> dict[str, object]:
        return {
            **{"id_order": order.number, "Référence": f"XK{order.number}", "id_customer": order.customer},
            **{
                "date_add": f"{order.time:%d/%m/%Y %H:%M}",
                "product_name": line.item,
                "product_quantity": line.quantity,
            },
            **{"unit_price_tax_incl": comma(line.price, " €"), "État": "Livré" if order.sold else "Annulé"},
        }

    return written(folder / "commandes.csv", text(each(orders, row), ";", "\r\n").encode("cp1252"))


def magento(folder: Path, orders: Sequence[Order]) -> Path:
    def row(order: Order, line: Line) -> dict[str, object]:
        return {
            **{"Auftrag #": f"{order.number:09}", "Bestelldatum": f"{order.time:%d.%m.%Y %H:%M:%S}"},
            **{
                "Kundennummer": f"{order.customer}.0",
                "Artikelbezeichnung": line.item,
                "Menge": f"{line.quantity}.0000",
            },
            **{"Einzelpreis": comma(line.price), "Status": "abgeschlossen" if order.sold else "storniert"},
        }

    return written(folder / "bestellungen.csv", "\ufeff" + text(each(orders, row), ";"))


def excel(folder: Path, orders: Sequence[Order]) -> Path:
    def row(order: Order, line: Line) -> dict[str, object]:
        return {
            **{"Order No": order.number, "Customer No": float(order.customer), "Order Date": order.time},
            **{"Product": line.item, "Qty": line.quantity, "Unit Price": line.price},
            "Order Status": "Shipped" if order.sold else "Cancelled",
        }

    pd.DataFrame(each(orders, row)).to_excel(folder / "sales.xlsx", index=False, engine="openpyxl")
    return folder / "sales.xlsx"


def excel_in_words(folder: Path, orders: Sequence[Order]) -> Path:
    def row(order: Order, line: Line) -> dict[str, object]:
        return {
            **{"Beleg-Nr.": str(order.number), "Kunde": f"K-{order.customer}", "Datum": f"{order.time:%d.%m.%Y}"},
            **{"Artikel": line.item, "Anzahl": line.quantity, "Betrag": line.quantity * line.price},
        }

    with pd.ExcelWriter(folder / "Umsätze 2025.xlsx", engine="openpyxl") as book:
        rows = each([order for order in orders if order.sold], row)
        pd.DataFrame(rows).to_excel(book, sheet_name="Umsätze", index=False, startrow=1)
    return folder / "Umsätze 2025.xlsx"


def sap(orders: Sequence[Order]) -> Rows:
    def row(order: Order, line: Line) -> dict[str, object]:
        return {
            **{"Verkaufsbeleg": f"{order.number:010}", "Auftraggeber": order.customer, "Material": line.sku},
            **{"Bezeichnung": line.item, "Auftragsmenge": f"{line.quantity},000", "ME": "ST"},
            **{"Nettowert": comma(line.quantity * line.price), "Währg": "EUR", "Belegdatum": f"{order.time:%d.%m.%Y}"},
        }

    return each([order for order in orders if order.sold], row)


def sap_tab(folder: Path, orders: Sequence[Order]) -> Path:
    return written(folder / "VA05.txt", text(sap(orders), "\t", "\r\n").encode("utf-16"))


def sap_zip(folder: Path, orders: Sequence[Order]) -> Path:
    rows: Rows = [{**row, "Belegdatum": _digits(row["Belegdatum"])} for row in sap(orders)]
    with zipfile.ZipFile(folder / "VA05.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("VA05.csv", text(rows, ";").encode("utf-16-le"))
    return folder / "VA05.zip"


def _digits(date: object) -> str:
    return "".join(reversed(str(date).split(".")))


def amazon(folder: Path, orders: Sequence[Order]) -> Path:
    def row(order: Order, line: Line) -> dict[str, object]:
        return {
            **{"amazon-order-id": f"302-{order.number}", "purchase-date": f"{order.time:%Y-%m-%dT%H:%M:%S}+00:00"},
            **{"order-status": "Shipped" if order.sold else "Cancelled", "buyer-email": email(order), "sku": line.sku},
            **{"product-name": line.item, "quantity": line.quantity, "currency": "EUR"},
            "item-price": f"{line.quantity * line.price:.2f}",
        }

    return written(folder / "all-orders.txt", text(each(orders, row), "\t"))


def square(folder: Path, orders: Sequence[Order]) -> Path:
    def row(order: Order, line: Line) -> dict[str, object]:
        return {
            **{
                "Date": f"{order.time:%m/%d/%y}",
                "Time": f"{order.time:%H:%M:%S}",
                "Time Zone": "UTC",
                "Category": "Tea",
            },
            **{"Item": line.item, "Qty": f"{line.quantity}.0", "SKU": line.sku, "Transaction ID": f"T{order.number}"},
            **{"Gross Sales": f"${line.quantity * line.price:,.2f}", "Discounts": "$0.00", "Tax": "$0.00"},
            **{"Event Type": "Payment", "Customer ID": f"SQ{order.customer}"},
        }

    return written(folder / "items-2025.csv", text(each([order for order in orders if order.sold], row)))


def ebay(folder: Path, orders: Sequence[Order]) -> Path:
    def row(order: Order, line: Line) -> dict[str, object]:
        return {
            **{"Sales Record Number": order.number + 5, "Order Number": f"12-{order.number}-9"},
            **{"Buyer Username": f"b{order.customer}", "Item Title": line.item, "Quantity": line.quantity},
            **{"Sold For": f"${line.price:,.2f}", "Sale Date": f"{order.time:%b-%d-%y}"},
        }

    return written(folder / "ebay-orders.csv", "\n" + text(each([order for order in orders if order.sold], row)) + "\n")


def api(orders: Sequence[Order]) -> list[dict[str, object]]:
    return [
        {
            **{"id": order.number, "createdAt": int(order.time.replace(tzinfo=dt.UTC).timestamp() * 1000)},
            **{"status": "complete" if order.sold else "canceled", "customer": {"id": order.customer, "tier": "gold"}},
            "lines": [
                {"product": {"name": one.item}, "qty": one.quantity, "unitPrice": one.price} for one in order.lines
            ],
        }
        for order in orders
    ]


def own_api(folder: Path, orders: Sequence[Order]) -> Path:
    return written(folder / "orders.json", json.dumps({"orders": api(orders), "next": None}))


EXPORTS: dict[str, Writer] = {
    **{"shopify, oldest first": shopify_oldest_first, "shopify, newest first": shopify_newest_first},
    **{"woocommerce analytics": woocommerce_analytics, "woocommerce plugin": woocommerce_plugin},
    **{"stripe dashboard": stripe_csv, "stripe api": stripe_api},
    **{"ga4 json": ga4_lines, "ga4 parquet": ga4_parquet},
    **{"snowplow tsv": snowplow_lines, "snowplow json": snowplow_json},
    **{"segment lines": segment_lines, "segment batch": segment_batch},
    **{"cloudevents lines": cloudevents_lines, "cloudevents batch": cloudevents_batch},
    **{"prestashop": prestashop, "magento": magento},
    **{"excel": excel, "excel in German": excel_in_words},
    **{"sap utf-16": sap_tab, "sap zip": sap_zip},
    **{"amazon": amazon, "ebay": ebay},
    **{"square": square, "own api": own_api},
}
"""Writers by name: twelve pairs."""

NEVER_CANCELLED = {"cloudevents lines", "cloudevents batch"}
DAYS_ONLY = {"excel in German", "sap utf-16", "sap zip", "ebay"}
MINUTES = {"prestashop"}
