"""What changed in a period, in a few lines: who moved from where to where and why, and which rules came and went."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final

from crm_online.answers.changes import Digest, DigestFlow
from crm_online.events.times import to_short_iso
from crm_online.live.feeds.tally import Tally
from crm_online.lookup.segment_names import SegmentNames

_BEHAVIOUR: Final = {"event": "after an event", "lapse": "after a longer pause"}
_FLOWS: Final = 100
_TOLD: Final = 2


def digest(tally: Tally, names: SegmentNames, since: int, until: int) -> Digest:
    """Return what changed since a time and before another, both in ms, compared with the period before it.

    Parameters
    ----------
    tally
        The changes that are kept.
    names
        The segments' names over time.
    since, until
        The period.
    """
    begin, end = to_short_iso(since), to_short_iso(until + 1000)
    counts = tally.counted(begin, end)
    before = tally.counted(to_short_iso(max(2 * since - until, 0)), begin)
    moves = {one: count for one, count in counts.items() if one.moved and one.left and one.entered}
    behaviour = sorted(
        ((one, count) for one, count in moves.items() if one.reason in _BEHAVIOUR),
        key=lambda pair: (-pair[1], str(pair[0].left), str(pair[0].entered), pair[0].reason),
    )
    flows = [
        DigestFlow.model_validate(
            {
                "from": one.left,
                "to": one.entered,
                "from_name": names.at(one.left, end),
                "to_name": names.at(one.entered, end),
                "reason": one.reason,
                "moves": count,
            }
        )
        for one, count in behaviour
    ]
    rules = Counter({one.reason: count for one, count in counts.items() if one.kind == "rule"})
    found = Digest(
        since=datetime.fromisoformat(begin),
        until=datetime.fromisoformat(to_short_iso(until)),
        headline="",
        moves=sum(flow.moves for flow in flows),
        moves_before=sum(
            count
            for one, count in before.items()
            if one.moved and one.left and one.entered and one.reason in _BEHAVIOUR
        ),
        refits=sum(count for one, count in moves.items() if one.reason not in _BEHAVIOUR),
        newcomers=sum(count for one, count in counts.items() if one.moved and one.left is None),
        flows=flows[:_FLOWS],
        rules_entered=rules["entered"],
        rules_changed=rules["changed"],
        rules_left=rules["left"],
    )
    return found.model_copy(update={"headline": _headline(found)})


def _headline(found: Digest) -> str:
    """Return two or three sentences for a person."""
    day = f"{found.since.day} {found.since:%b %Y}"
    if not found.moves:
        text = f"Since {day} no customer moved to another segment."
    else:
        text = f"Since {day} there were {_plural(found.moves, 'move')} between segments"
        text += f" ({found.moves_before:,} in the period before)"
        some = [
            f"{flow.moves:,} from {flow.from_name} to {flow.to_name} {_BEHAVIOUR[flow.reason]}"
            for flow in found.flows[:_TOLD]
        ]
        text += f"; the most: {', and '.join(some)}."
    if found.newcomers:
        text += f" {_plural(found.newcomers, 'newcomer')}."
    if found.rules_entered or found.rules_left:
        text += f" {_plural(found.rules_entered, 'new rule')}, {found.rules_left:,} gone."
    return text


def _plural(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"
