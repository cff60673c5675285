"""A hundredth of a shop's customers is erased: nothing of ours holds their ids or words, whatever comes afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crm_online.lookup import Lookup, open_lookup
from crm_online.segments.sums import SegmentSums
from crm_online.simulate import simulate
from crm_online.store import open_store
from tests.api.asking import ask, ready
from tests.command import printed
from tests.servers.embedded import contents
from tests.servers.receiver import Taker, receiving
from tests.servers.serving import Served, serving

Events = list[dict[str, Any]]
AUDITED = ("--set", "privacy.audit_file=audit")
SETTINGS = ("segments.min_customers=100", "segments.k=4", "segments.starts=2", "replay.partitions=2")
OPTIONS = (*(part for setting in SETTINGS for part in ("--set", setting)), *AUDITED)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def simulated(_: Path | None) -> Events:
    found: Events = [json.loads(line) for line in simulate(customers=300, events=2000, seed=3).lines()]
    return [event | {"customer_id": f"person-{event['customer_id']}-here"} for event in found]


def online_retail(shared: Path | None) -> Events:
    """Return the first quarter of Online Retail's orders, with ids that nothing else looks like."""
    assert shared is not None
    table = pd.read_parquet(shared / "online_retail.parquet").dropna(subset=["CustomerID"])
    table = table[(table["Quantity"] > 0) & (table["UnitPrice"] > 0)].iloc[:60_000]
    table = table.assign(InvoiceDate=pd.to_datetime(table["InvoiceDate"]))
    found: Events = []
    for _, lines in table.groupby(["InvoiceNo", "CustomerID"], sort=False):
        invoice, customer = lines["InvoiceNo"].iloc[0], int(lines["CustomerID"].iloc[0])
        items = zip(lines["StockCode"], lines["Quantity"], lines["UnitPrice"], strict=True)
        found.append(
            {
                "type": "purchase",
                "event_id": f"order {invoice}",
                "basket_id": f"basket {invoice}",
                "customer_id": f"buyer-{customer}-of-ours",
                "time": lines["InvoiceDate"].min().isoformat() + "Z",
                "items": [
                    {"item": str(item), "quantity": int(number), "price": float(price)} for item, number, price in items
                ],
            }
        )
    return sorted(found, key=lambda event: event["time"])


LOGS = {"simulated": simulated, "online-retail": online_retail}


class Erased:
    """A log, a hundredth of its customers, and their words."""

    def __init__(self, log: Events) -> None:
        names = sorted({event["customer_id"] for event in log if event.get("customer_id")})
        frequent = [name for name in names if sum(event.get("customer_id") == name for event in log) > 3]
        self.gone = frequent[:: max(len(frequent) * 100 // len(names), 1)][: -(-len(names) // 100)]
        self.log = self._with_words(log)
        self.others = [event for event in self.log if event.get("customer_id") not in self.gone]
        self.end = log[-1]["time"]

    def words(self, place: int) -> dict[str, str]:
        return {kind: f"{kind}word{place}" for kind in ("feedback", "reason", "town", "reject", "email")}

    def _with_words(self, log: Events) -> Events:
        """Put something that they say after each fourth event of theirs."""
        found, seen = list[dict[str, Any]](), dict[str, int]()
        for event in log:
            found.append(event)
            name = str(event.get("customer_id"))
            if name not in self.gone:
                continue
            seen[name] = seen.get(name, 0) + 1
            words, base = self.words(self.gone.index(name)), {"customer_id": name, "time": event["time"]}
            said: Events = [
                base | {"type": "profile", "attributes": {"town": words["town"], "email": f"{words['email']}@x.org"}},
                base | {"type": "contact", "channel": "phone", "reason": words["reason"]},
                base | {"type": "feedback", "score": 0.5, "text": f"{words['feedback']}, and call me at home"},
                base | {"type": "no such type", "about": words["reject"]},
            ]
            found.append(said[seen[name] % 4])
        return found

    def needles(self) -> list[bytes]:
        every = [word for place in range(len(self.gone)) for word in self.words(place).values()]
        return [text.encode() for text in [*self.gone, *every]]


def write(path: Path, events: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def held(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield all that is ours: each file but the logs, and each key of Redis."""
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".jsonl":
            yield str(path), path.read_bytes()
    with open_store(str(folder / "state"), create=False) as store:
        yield from ((key.decode(), key + content) for key, content in contents(store).items())


def scanned(folder: Path, needles: Sequence[bytes]) -> dict[str, list[bytes]]:
    """Return where something of theirs is, with what stands there, but for changes that say that they are gone."""
    found: dict[str, list[bytes]] = {}
    for place, content in held(folder):
        for needle in needles:
            begins = [one.start() for one in re.finditer(re.escape(needle), content)]
            there = [content[max(begin - 100, 0) : begin + 700] for begin in begins]
            # The base of an AOF is compressed: what it has is what the keys have, unless it is older than the erasure.
            if needle.startswith((b"person-", b"buyer-")) and place.endswith(".base.rdb"):
                continue
            if left := [one for one in there if b'"cause":{"type":"erase"}' not in one]:
                found[place] = [needle, *left]
    return found


@contextmanager
def shown(folder: Path) -> Iterator[Lookup]:
    with open_lookup(str(folder / "state")) as lookup:
        yield lookup


TOTALS = ["first_event", "last_event", "purchases", "spend", "items", "returns", "events"]


def figures(folder: Path) -> pd.DataFrame:
    """Return the totals of all customers, and their features at one time."""
    with shown(folder) as lookup:
        frame = lookup.customers_frame(as_of=lookup.watermark).set_index("customer_id")
        features = list(lookup.settings.features.use)
        return frame[[*TOTALS, *features]]


def sums_of_others(folder: Path, never: Path) -> tuple[SegmentSums, SegmentSums]:
    """Return the stored sums of all segments, and those of the records of a run that never saw whom the other erased.

    Vectors are those of the same model at the same times of scoring.
    """
    with shown(folder) as ours, open_lookup(str(never / "state")) as theirs:
        assert ours.segmented is not None
        assert theirs.segmented is not None
        model, stored = ours.segmented.model, ours.segmented.sums
        raw = {}
        for view in theirs._views:
            for ids, _, records in view.batches():
                raw.update({name: (records, row) for row, name in enumerate(ids)})
        found = SegmentSums.empty(model.k, len(model.scale.names))
        for view in ours._views:
            for ids, _, records in view.batches():
                assert records.scored_by(model.version).all()
                vectors = np.concatenate(
                    [
                        model.scale.encode(view.reader.read(raw[name][0].take(np.array([raw[name][1]])), at * 1000))
                        for name, at in zip(ids, records.scored_at.tolist(), strict=True)
                    ]
                )
                found = found.move(None, None, vectors, records.nearest.astype(np.int64))
        return stored, found


def notified(folder: Path, taker: Taker) -> AbstractContextManager[Served]:
    """Serve the state to a webhook whose receiver takes nothing: all becomes dead letters."""
    (folder / "crm-online.toml").write_text(
        f'[webhooks.shop]\nurl = "{taker.url}"\nsecret = "{SECRET}"\nprivate_networks = ["127.0.0.0/8"]\n'
        'retry_for = "1ms"\nlongest_pause = "50ms"\n'
    )
    return serving(folder, "--state", "state", *AUDITED)


def replayed(folder: Path, name: str) -> None:
    # The run that never saw them is for its totals only, and need not learn.
    quick = ("--set", "predictions.enabled=false") if folder.name == "never" else ()
    printed(folder, "replay", name, "--state", "state", "--another-log", *OPTIONS, *quick)


def right(erased: Erased, folder: Path, never: Path) -> int:
    """Check all figures against a run that never saw them, and look for them everywhere; return the model's version."""
    assert not scanned(folder, erased.needles())
    with shown(folder) as lookup:
        assert lookup.verify()["ok"]
        version = lookup.segmented.model.version if lookup.segmented else 0
    pd.testing.assert_frame_equal(figures(folder), figures(never), check_exact=True)
    ours, theirs = sums_of_others(folder, never)
    for name in ("W", "S", "Q"):
        assert (getattr(ours, name) == getattr(theirs, name)).all(), name
    return version


@pytest.mark.slow
@pytest.mark.parametrize("kind", LOGS)
def test_after_a_hundredth_is_erased_nothing_of_ours_has_their_ids_or_words_and_all_figures_are_those_of_the_others(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    erased = Erased(LOGS[kind](request.getfixturevalue("shared_data") if kind == "online-retail" else None))
    folder, never = tmp_path / "shop", tmp_path / "never"
    for where, log in ((folder, erased.log), (never, erased.others)):
        where.mkdir()
        write(where / "log.jsonl", log)
        replayed(where, "log.jsonl")
    places = scanned(folder, erased.needles())
    # In a year of a gift shop few have an example of whom it is known by the end what they did.
    labelled = {"labelled-examples"} if kind == "simulated" else set[str]()
    assert {place.rsplit(":")[-1] for place in places} >= {"customers", "roster", "said", "rejects"} | labelled
    with receiving(Taker(lambda _: "refuse")) as taker, notified(folder, taker) as served:
        ready(served.url)
        ask(served.url, "/v1/aggregates")
        view, late = ({"type": "view", "time": time} for time in (erased.end, erased.log[-9]["time"]))
        for name in erased.gone:
            ask(served.url, f"/v1/customers/{name}")
            assert ask(served.url, "/v1/events", view | {"customer_id": name}).status == 202
        for name in erased.gone:
            assert ask(served.url, "/v1/events", view | {"type": "erase", "customer_id": name}).status == 202
            ask(served.url, f"/v1/customers/{name}").problem(404)
        served.kill()
        served.start()
        ready(served.url)
        for name in erased.gone:
            assert ask(served.url, "/v1/events", late | {"customer_id": name}).status == 202
            ask(served.url, f"/v1/customers/{name}").problem(404)
        for path in (
            "/v1/aggregates",
            "/v1/digest",
            "/v1/flows",
            "/v1/moves",
            "/metrics",
            "/v1/picture",
            "/v1/rejects",
        ):
            answer = ask(served.url, path)
            assert answer.status == 200
            moves = [json.dumps(move) for move in answer.json.get("moves", ())] if path == "/v1/moves" else []
            rest = answer.body if path != "/v1/moves" else b"".join(one.encode() for one in moves if "erase" not in one)
            assert not any(needle in rest for needle in erased.needles()), path
    assert taker.asked
    version = right(erased, folder, never)
    write(folder / "old.jsonl", erased.log)
    replayed(folder, "old.jsonl")
    right(erased, folder, never)
    later = [
        event | {"time": shifted(event["time"]), "event_id": f"later {row}"}
        for row, event in enumerate(erased.others[-400:])
    ]
    for where in (folder, never):
        write(where / "later.jsonl", later)
        replayed(where, "later.jsonl")
    assert right(erased, folder, never) > version


def shifted(time: str) -> str:
    return (datetime.fromisoformat(time) + timedelta(days=400)).isoformat()
