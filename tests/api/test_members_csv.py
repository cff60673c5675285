"""The customers of a segment for a spreadsheet, and a rule by its id."""

from __future__ import annotations

import csv
import io
import json
from urllib.parse import quote, urlencode

from crm_online.api.tables import FORMULAS, harmless
from tests.api.asking import ask
from tests.servers.serving import Served


def test_the_csv_has_each_customer_of_the_segment_once(local: Served) -> None:
    for segment in (one["id"] for one in ask(local.url, "/v1/segments").json["segments"]):
        answer = ask(local.url, f"/v1/segments/{segment}/customers.csv")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == f'attachment; filename="{segment}.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
        page = ask(local.url, f"/v1/segments/{segment}/customers?limit=1000").json
        assert page["next"] is None
        assert [{**row, "spend": float(row["spend"])} for row in rows] == page["customers"]
    ask(local.url, "/v1/segments/s999/customers.csv").problem(404, "unknown-segment")


def test_the_customers_of_a_flow_are_listed_and_are_a_table(local: Served) -> None:
    flows = ask(local.url, "/v1/flows?reason=event&reason=lapse").json["flows"]
    assert flows
    for flow in [{"from": "none", "to": None, "moves": None}, *flows[:3]]:
        asked = {"since": "1970-01-01T00:00:00Z", "from": flow["from"], "to": flow["to"], "reason": ["event", "lapse"]}
        query = urlencode({name: value for name, value in asked.items() if value}, doseq=True)
        found = ask(local.url, f"/v1/moves?{query}&limit=1000").json
        assert flow["moves"] in (None, found["total"])
        answer = ask(local.url, f"/v1/moves.csv?{query}")
        assert answer.headers["content-disposition"] == 'attachment; filename="moves.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
        assert rows == [
            {name: "" if value is None else str(value) for name, value in move.items()} for move in found["moves"]
        ]


def test_no_formula_gets_into_a_spreadsheet() -> None:
    for sign in FORMULAS:
        assert str(harmless(f"{sign}HYPERLINK(1)")).startswith("'")
    assert harmless("C=17") == "C=17"


def test_no_part_of_an_id_is_a_cell_of_its_own_whatever_a_spreadsheet_splits_at(local: Served) -> None:
    ids = ["C;=HYPERLINK(1)", 'C";=1+1;"', "C,=1+1", "C|=1+1", "=1+1", "＝1+1", "C' =1+1"]  # noqa: RUF001
    time = ask(local.url, "/v1/status").json["watermark"]
    for name in ids:
        order = {
            "type": "purchase",
            "customer_id": name,
            "time": time,
            "items": [{"item": "tea", "quantity": 1, "price": 1}],
        }
        assert ask(local.url, "/v1/events", order).status == 202
    segments = {ask(local.url, f"/v1/customers/{quote(name, safe='')}").json["segment"] for name in ids}
    text = "".join(ask(local.url, f"/v1/segments/{one}/customers.csv").body.decode() for one in segments)
    assert all(str(harmless(name)).replace('"', '""') in text for name in ids)
    for delimiter in (",", ";", "|", "\t"):
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            assert not [cell for cell in row if cell.startswith(FORMULAS)], (delimiter, row)


def test_a_rule_is_found_by_its_id(local: Served) -> None:
    for rule in ask(local.url, "/v1/rules?limit=5").json["rules"]:
        name = json.dumps([rule["antecedent"], rule["consequent"]], separators=(",", ":"))
        assert ask(local.url, f"/v1/rules/{quote(name, safe='')}").json == rule
    for wrong in ("[]", "x", "[[1],[2]]", '[["no"],["such"]]', "[[[1]],[{}]]"):
        ask(local.url, f"/v1/rules/{quote(wrong, safe='')}").problem(404, "unknown-rule")
