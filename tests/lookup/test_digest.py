"""What changed in a period: the same as a count of the changes themselves, over HTTP's way and the command's."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path

from crm_online.live.feeds.digest import digest
from crm_online.live.feeds.events import feed_event
from crm_online.live.feeds.tally import Tally
from crm_online.settings.units import DAY
from tests.command import printed
from tests.engine.flows import Shop


def test_a_digest_counts_the_moves_of_its_period_and_the_one_before(at_rest: Shop) -> None:
    tally, lookup = Tally(), at_rest.lookup
    for entry in lookup.kept():
        tally.add(feed_event(entry))
    until = lookup.watermark
    for days in (3, 10, 1000):
        begin = max(until - days * DAY, 0)
        found = digest(tally, lookup.names_over_time(), begin, until)
        moves = [move for move in at_rest.moves() if at(move["time"]) >= begin // 1000 * 1000]
        behaviour = [one for one in moves if one["from"] and one["to"] and one["reason"] in ("event", "lapse")]
        assert found.moves == len(behaviour)
        counted = Counter((one["from"], one["to"], one["reason"]) for one in behaviour)
        assert {(one.from_, one.to, one.reason): one.moves for one in found.flows} == counted
        assert found.newcomers == sum(one["from"] is None for one in moves)
        earlier = [move for move in at_rest.moves() if begin - days * DAY <= at(move["time"]) < begin // 1000 * 1000]
        assert found.moves_before == sum(
            bool(one["from"] and one["to"]) and one["reason"] in ("event", "lapse") for one in earlier
        )
        assert f"{found.moves:,} move" in found.headline or not found.moves
        assert {one.from_name for one in found.flows} <= set(lookup.names_over_time().latest().values())


def at(time: str) -> float:
    return datetime.fromisoformat(time).timestamp() * 1000


def test_the_commands_show_the_changes_of_a_period(made_shop: Path) -> None:
    found = json.loads(printed(made_shop, "digest", "--since", "3650d", "--state", "shop", "--json"))
    every = json.loads(printed(made_shop, "changes", "--since", "3650d", "--state", "shop", "--json"))
    moves = [one for one in every if one["kind"] == "segment-changes"]
    assert found["newcomers"] == sum(one["from"] is None for one in moves)
    assert found["moves"] + found["refits"] == sum(bool(one["from"] and one["to"]) for one in moves)
    rules = json.loads(
        printed(made_shop, "changes", "--since", "3650d", "--kind", "rules", "--state", "shop", "--json")
    )
    assert rules == [one for one in every if one["kind"] == "rules"]
    assert "Since" in printed(made_shop, "digest", "--state", "shop")
