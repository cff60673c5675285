"""Presets of JSON lines: found out by the first object that fits one, and nothing that is in a line stops them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crm_online.errors import InputError, UnknownPreset
from crm_online.events import presets
from crm_online.events.building import from_events
from crm_online.events.log import check_log
from crm_online.events.options import LogOptions
from crm_online.events.presets import NAMES, PRESETS, JsonPreset, Refusal
from crm_online.events.rejects import cut
from tests.events import test_cloudevents, test_segment_spec, tools
from tests.events.reading import event_of, read
from tests.events.test_agreement import seen
from tests.events.writing import GOOD, jsonl

ORDERS = {"segment-spec": test_segment_spec.ORDER, "cloudevents": test_cloudevents.ORDER, **tools.ORDERS}
JSON_PRESETS = {name: preset for name, preset in PRESETS.items() if isinstance(preset, JsonPreset)}
NATIVE: list[dict[str, object]] = [
    GOOD,
    {"type": "purchase", "time": "2024-01-01", "items": [{"item": "tea"}]},
    GOOD | {"specversion": "1.0", "id": "x", "source": "/shop", "data": {}},
    GOOD | {"messageId": "m", "userId": "u", "anonymousId": "a", "event": "Order Completed"},
    {"type": "erase", "time": "2024-01-01", "customer_id": "a", "specversion": 1, "userId": "u"},
]
BAD_LINES = [
    *(b"", b"{", b"[]", b"null", b'"text"', b"7", b"}{", b'{"type": NaN}', b'{"id": 1' + b"0" * 5000 + b"}"),
    *(b"[" * 10_000 + b"]" * 10_000, b'{"data":' * 10_000, b'{"id": "\\ud800"}', b"\xff\xfe", b'{"a": "\xff"}'),
]


def test_the_presets_are_those_of_the_folder_in_the_order_of_their_files() -> None:
    assert (
        *("native", "cloudevents", "complete-journey", "ga4", "online-retail", "segment-spec", "shopify"),
        *("snowplow", "stripe", "woocommerce", "baskets"),
    ) == NAMES
    assert JSON_PRESETS.keys() == ORDERS.keys()


@pytest.mark.parametrize("before", [[], ["", "{", "[1]", '{"type": "?"}'], ["7"] * 900])
@pytest.mark.parametrize("name", [*ORDERS, "native"])
def test_the_first_object_that_fits_one_decides(tmp_path: Path, name: str, before: list[str]) -> None:
    others = [GOOD, *ORDERS.values()]
    line = ORDERS.get(name, GOOD)
    found = read(jsonl(tmp_path / "a.jsonl", *before, line, *others))
    told = read(tmp_path / "a.jsonl", preset=name)
    assert found.chunks[0].events.event_ids == told.chunks[0].events.event_ids
    assert found.rejects == told.rejects
    assert found.events.position.tolist() == [len(before), len(before) + 1 + others.index(line)]


@pytest.mark.parametrize("line", NATIVE)
@pytest.mark.parametrize("others", ORDERS.values(), ids=list(ORDERS))
def test_a_native_log_is_never_taken_for_another(
    tmp_path: Path, line: dict[str, object], others: dict[str, object]
) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", line, *[others] * 5))
    assert found.events.position.tolist() == [0]


@pytest.mark.parametrize("call", ["track", "identify", "page", "screen", "group", "alias"])
@pytest.mark.parametrize("who", ["userId", "anonymousId", "messageId"])
def test_any_call_of_segment_tells_its_log(tmp_path: Path, call: str, who: str) -> None:
    assert len(read(jsonl(tmp_path / "a.jsonl", {"type": call, who: "x"}, ORDERS["segment-spec"])).events) == 1


def test_a_cloudevent_may_have_a_type_that_is_native(tmp_path: Path) -> None:
    assert len(read(jsonl(tmp_path / "a.jsonl", ORDERS["cloudevents"] | {"type": "purchase"})).events) == 1


def test_a_log_that_says_nothing_is_native(tmp_path: Path) -> None:
    assert not read(jsonl(tmp_path / "a.jsonl")).chunks
    assert len(read(jsonl(tmp_path / "a.jsonl", {"type": "track"}, {"id": 1})).rejects) == 2


def test_what_a_log_is_may_be_said_whatever_its_name_is_and_however_it_is_packed(tmp_path: Path) -> None:
    for name, order in ORDERS.items():
        assert len(read(jsonl(tmp_path / "a.log", order), preset=name).events) == 1


@pytest.mark.parametrize("name", ["segment-spec", "cloudevents", "ga4"])
@pytest.mark.parametrize("file", ["a.csv", "a.csv.gz", "a.tsv"])
def test_on_a_table_it_is_an_error_of_one_line(tmp_path: Path, name: str, file: str) -> None:
    (tmp_path / file).write_bytes(b"")
    with pytest.raises(InputError, match=rf"^preset {name} reads JSON lines, and {file} is a table: say --map$"):
        check_log(tmp_path / file, LogOptions(preset=name))


def test_a_wrong_name_is_told_with_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(UnknownPreset, match="did you mean segment-spec"):
        check_log(jsonl(tmp_path / "a.jsonl", GOOD), LogOptions(preset="segment"))


@pytest.mark.parametrize("name", JSON_PRESETS)
@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line[:12])
def test_a_line_that_is_no_object_is_a_reject_and_the_rest_are_events(tmp_path: Path, name: str, line: bytes) -> None:
    good = json.dumps(ORDERS[name]).encode()
    (tmp_path / "a.jsonl").write_bytes(good + b"\n" + line + b"\n" + good + b"\n")
    found = read(tmp_path / "a.jsonl", preset=name)
    assert found.events.position.tolist() == [0, 2]
    assert found.rejects[0].raw == cut(line)


@pytest.mark.parametrize("name", JSON_PRESETS)
def test_two_objects_in_a_line_or_one_over_two_lines_are_rejects(tmp_path: Path, name: str) -> None:
    text = json.dumps(ORDERS[name])
    half = text.index(", ") + 1
    found = read(jsonl(tmp_path / "a.jsonl", text + text, f"{text}, {text}", text[:half], text[half:]), preset=name)
    assert [reject.row for reject in found.rejects] == [0, 1, 2, 3]


@pytest.mark.parametrize("name", JSON_PRESETS)
def test_a_half_written_last_line_is_told_as_such(tmp_path: Path, name: str) -> None:
    text = json.dumps(ORDERS[name])
    (tmp_path / "a.jsonl").write_text(text + "\n" + text[:40])
    assert read(tmp_path / "a.jsonl").reasons == [("half-written last line", None)]
    (tmp_path / "a.jsonl").write_text(text + "\n" + text)
    assert len(read(tmp_path / "a.jsonl").events) == 2


@pytest.mark.parametrize("name", ["segment-spec", "cloudevents"])
def test_lines_in_other_encodings_are_read_as_native_ones_are(tmp_path: Path, name: str) -> None:
    line = json.dumps(ORDERS[name] | {"userId": "rené", "subject": "rené"}, ensure_ascii=False) + "\r\n"
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + line.encode() + line.encode("latin-1"))
    assert read(tmp_path / "a.jsonl").events.customers == ["rené"]
    assert len(read(tmp_path / "a.jsonl").events) == 2


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.sampled_from([10**400, -1, 7, True, "", "a", "\ud800", "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def fields(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the places of all parts of a value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([path] if path else []), *(place for name, part in parts for place in fields(part, (*path, name)))]


@st.composite
def envelopes(draw: st.DrawFn, name: str) -> object:
    """Draw an order whose parts are here and there something else, or gone."""
    whole = json.loads(json.dumps(ORDERS[name]))
    whole |= draw(st.sampled_from([{}, {"event": "Product Viewed"}, {"type": "identify", "traits": {"a": 1}}]))
    for path in draw(st.lists(st.sampled_from(fields(whole)), max_size=3)):
        part = whole
        try:
            for step in path[:-1]:
                part = part[step]
            if draw(st.booleans()):
                part[path[-1]] = draw(VALUES)
            else:
                del part[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue
    return draw(st.just(whole) | VALUES) if draw(st.integers(0, 9)) == 0 else whole


@pytest.mark.parametrize("name", JSON_PRESETS)
@given(data=st.data())
@settings(max_examples=100)
def test_whatever_an_envelope_holds_it_is_an_event_or_a_reject_in_a_file_and_by_itself(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    values = data.draw(st.lists(envelopes(name), min_size=1, max_size=6))
    assume(not isinstance(values[0], list))  # a file that begins with a list is a JSON document
    found = read(jsonl(tmp_path_factory.mktemp("log") / "a.jsonl", *map(json.dumps, values)), preset=name)
    assert len(found.events) + len(found.rejects) == len(values)
    alone = [event_of(value, JSON_PRESETS[name]) for value in values]
    taken = {place: event for place, event in enumerate(alone) if not isinstance(event, Refusal)}
    refused = {reject.row: (reject.reason, reject.field) for reject in found.rejects}
    # As a line of a file it may be no JSON: halves of surrogate pairs, NaN. By itself that is the models' to say.
    for place in taken.keys() & refused.keys():
        assert refused[place] == ("not JSON", None)
    rows = found.events.position.tolist()
    same = from_events([taken[row] for row in rows], rows, found.chunks[0].source)
    assert seen(found.events) == seen(same)


@pytest.mark.parametrize("preset", [None, *JSON_PRESETS.values()], ids=["native", *JSON_PRESETS])
def test_a_value_that_was_decoded_elsewhere_may_be_anything(preset: JsonPreset | None) -> None:
    deep: object = 10**5000
    for _ in range(900):
        deep = {"a": deep}
    inside = {"attributes": deep, "customer_id": "a", "time": "2024-01-01"}
    calls = [
        {"type": "identify", "userId": "a", "timestamp": "2024-01-01", "traits": deep},
        inside | {"type": "profile"},
    ]
    envelope = {"specversion": "1.0", "id": "1", "source": "s", "type": "profile", "data": inside}
    for value in (*calls, envelope, deep, [deep], None, "text", float("nan"), 10**5000, b"bytes", {}):
        assert isinstance(event_of(value, preset), Refusal)


FILE = '''
"""Orders of a till."""

from crm_online.events.presets.preset import JsonPreset

PRESET = JsonPreset(
    "till",
    event=lambda value: {
        "type": "purchase", "customer_id": value.get("card"), "time": value.get("at"), "items": [{"item": "tea"}]
    },
    fits=lambda value: "card" in value,
)
'''


def test_a_preset_is_one_file(tmp_path: Path, root: Path) -> None:
    shutil.copytree(root / "crm_online", tmp_path / "crm_online", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "crm_online/events/presets/a_till.py").write_text(FILE, encoding="utf-8")
    jsonl(tmp_path / "log.jsonl", {"card": "c1", "at": "2024-01-01"}, {"card": "c2"})
    for more in ((), ("--preset", "till")):
        command = [
            sys.executable,
            "-m",
            "crm_online",
            "replay",
            "log.jsonl",
            "--json",
            "--state",
            f"s{len(more)}",
            *more,
        ]
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert (result["accepted"], result["rejected"], result["customers"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (FILE.replace('"till",', '"cloudevents",'), "two presets of the name cloudevents"),
        (FILE.replace('"till",', '"native",'), "two presets of the name native"),
        ("PRESET = print", "neither a TablePreset nor a JsonPreset"),
    ],
)
def test_a_preset_of_a_wrong_kind_or_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    module = f"wrong_{len(why)}"
    (tmp_path / f"{module}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(presets, "__path__", [*presets.__path__, str(tmp_path)])
    with pytest.raises(TypeError, match=why):
        presets._found()
