"""A segment is given a name, a note and a colour over HTTP."""

from __future__ import annotations

import pytest

from tests.api.asking import Answer, ask, until
from tests.servers.serving import Served


def test_a_name_given_by_hand_is_what_look_ups_answer(local: Served) -> None:
    before = ask(local.url, "/v1/segments/s1")
    made = before.json
    try:
        change = {"name": " Regulars ", "note": "<b>in spring</b>", "colour": "#2a7f62"}
        answer = ask(local.url, "/v1/segments/s1", change, "PATCH")
        assert answer.status == 200
        given = {"name": "Regulars", "note": "<b>in spring</b>", "colour": "#2a7f62", "named_by_hand": True}
        assert answer.json == made | given
        after = other(local, before)
        assert after.json == made | given
        # More than one may come, of one bucket of Redis.
        member, *_ = ask(local.url, "/v1/segments/s1/customers?limit=1").json["customers"]
        assert "Regulars" in ask(local.url, f"/v1/explain/{member['customer_id']}").json["text"]
    finally:
        taken = ask(local.url, "/v1/segments/s1", {"name": None, "note": None, "colour": None}, "PATCH")
    assert taken.json == made
    assert other(local, after).json == made


def other(local: Served, known: Answer) -> Answer:
    """Return the segment once it is another one than is known."""
    asked = {"If-None-Match": known.headers["etag"]}
    return until(lambda: ask(local.url, "/v1/segments/s1", headers=asked), 200)


@pytest.mark.parametrize(
    "change", [{"name": " "}, {"name": "x" * 81}, {"colour": "red"}, {"colour": "#FFF"}, {"size": 3}, [], "s1"]
)
def test_what_is_no_label_is_refused(change: object, local: Served) -> None:
    ask(local.url, "/v1/segments/s1", change, "PATCH").problem(422)


@pytest.mark.parametrize(
    "name",
    ["a\nb", "a\x1b[31mb", "a\x00", "\u202egnp", "\u2066a", "x\u200b", "\ufeffx", "a\u2028b", "\x9bx", "a\U000e0041"],
)
def test_no_sign_that_nobody_sees_gets_into_a_name_or_a_note(name: str, local: Served) -> None:
    for change in ({"name": name}, {"note": name}):
        if change != {"note": "a\nb"}:
            ask(local.url, "/v1/segments/s1", change, "PATCH").problem(422, "invalid")


def test_names_of_any_script_are_taken(local: Served) -> None:
    for name in ("Größe", "\u0646\u0645\u06cc\u200c\u062f\u0627\u0646\u0645", "常客", "👩\u200d🌾"):
        assert (
            ask(local.url, "/v1/segments/s1", {"name": name, "note": f"{name}\n{name}"}, "PATCH").json["name"] == name
        )
    ask(local.url, "/v1/segments/s1", {"name": None, "note": None}, "PATCH")


def test_a_segment_that_is_not_there_has_no_label(local: Served) -> None:
    ask(local.url, "/v1/segments/s999", {"name": "x"}, "PATCH").problem(404, "unknown-segment")
