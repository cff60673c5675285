"""What changed in a period, in a few lines: who moved from where to where and why, and which rules came and went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, Final
from urllib.parse import urlencode

from crm_online.answers.changes import Digest, DigestFlow, HeadlinePart, PeriodFigure
from crm_online.digits import digits
from crm_online.engine.daily import DAY
from crm_online.events.times import to_short_iso
from crm_online.live.feeds.moves import last_moves, total_of
from crm_online.live.feeds.period import Period
from crm_online.live.feeds.rule_changes import differences
from crm_online.live.feeds.tally import BEHAVIOUR, Tally
from crm_online.lookup.shop_history import ShopHistory
from crm_online.settings.units import SECOND

_FLOWS: Final = 100
_LAPSE: Final = "lapse"


def digest(tally: Tally, history: ShopHistory, period: Period) -> Digest:
    """Return what changed in a period, compared with the one before it.

    Parameters
    ----------
    tally
        The changes that are kept.
    history
        What else is known of the shop's past.
    period
        The period.
    """
    counts = tally.counted(period.begin, period.end)
    before = tally.counted(period.before.begin, period.begin)
    idles = dict[tuple[str | None, str | None, str], list[float]]()
    worth = dict[tuple[str | None, str | None, str], list[float | None]]()
    for move in tally.moves(period.begin, period.end):
        flow = move.left, move.entered, move.reason
        worth.setdefault(flow, []).append(history.monthly(move.spending, move.idle_days))
        if move.idle_days is not None:
            idles.setdefault(flow, []).append(move.idle_days)
    moves = {one: count for one, count in counts.items() if one.moved and one.left and one.entered}
    behaviour = sorted(
        ((one, count) for one, count in moves.items() if one.reason in BEHAVIOUR),
        key=lambda pair: (-pair[1], str(pair[0].left), str(pair[0].entered), pair[0].reason),
    )
    flows = [
        DigestFlow.model_validate(
            {
                "from": one.left,
                "to": one.entered,
                "from_name": history.names.at(one.left, period.end),
                "to_name": history.names.at(one.entered, period.end),
                "reason": one.reason,
                "moves": count,
                "monthly": total_of(worth.get((one.left, one.entered, one.reason), ())),
                "idle_days": digits(median(idle)) if (idle := idles.get((one.left, one.entered, one.reason))) else None,
            }
        )
        for one, count in behaviour
    ]
    rules = Counter(one.change for one in differences(tally, period))
    newcomers = sum(count for one, count in counts.items() if one.moved and one.left is None)
    parts = [*_headline(tally, history, period, newcomers), *_rules(period, rules)]
    return Digest(
        since=datetime.fromisoformat(period.begin),
        until=datetime.fromisoformat(period.end),
        kept_since=tally.complete_since or tally.rules_complete_since,
        headline="".join(_text(one) for one in parts),
        parts=parts,
        days=len(period.days),
        figures=_figures(tally, history, period),
        moves=sum(flow.moves for flow in flows),
        moves_before=sum(
            count for one, count in before.items() if one.left and one.entered and one.reason in BEHAVIOUR
        ),
        refits=sum(count for one, count in moves.items() if one.reason not in BEHAVIOUR),
        newcomers=newcomers,
        flows=flows[:_FLOWS],
        rules_entered=rules["entered"],
        rules_changed=rules["changed"],
        rules_left=rules["left"],
    )


def _headline(tally: Tally, history: ShopHistory, period: Period, newcomers: int) -> list[HeadlinePart]:
    """Return two or three sentences: who went quiet, what they used to spend, who moved otherwise, who is new."""
    last = last_moves(tally.moves(period.begin, period.end))
    lapsed = [one for one in last if one.reason == _LAPSE]
    active = len(last) - len(lapsed)
    parts = [_part(f"{_day(period.since)} to {_day(period.until - 1)}: ")]
    if period.until <= SECOND:
        return [_part("nothing that has a time has happened yet. ")]
    if history.days.anonymous:
        parts.append(_part(f"{_orders(history, period)}, none of a known customer. "))
    elif not history.names.names and not newcomers:
        parts.append(_part(f"{_orders(history, period)}; there are no segments yet. "))
    elif not last:
        parts.append(_part("no customer moved to another segment. "))
    if lapsed:
        parts += [
            _moved(period, f"{_plural(len(lapsed), 'customer')}", reason=_LAPSE, latest=True),
            _part(" went quiet"),
        ]
        worth = total_of(history.monthly(one.spending, one.idle_days) for one in lapsed)
        if worth is not None:
            parts += [_part(", who used to spend "), HeadlinePart(money=worth), _part(" a month")]
        segment, count = Counter(str(one.left) for one in lapsed).most_common(1)[0]
        if len(lapsed) > 1:
            name = history.names.at(segment, period.end)
            sums = [history.monthly(one.spending, one.idle_days) for one in lapsed if one.left == segment]
            parts += [
                _part("; most of them, " if 2 * count > len(lapsed) else "; the most, "),
                _moved(period, f"{count:,}", reason=_LAPSE, latest=True, **{"from": segment}),
                _part(f", were in “{name}”"),
            ]
            if worth is not None and (part := total_of(sums)) is not None and count < len(lapsed):
                parts += [_part(" and used to spend "), HeadlinePart(money=part)]
        parts.append(_part(". "))
    if active:
        parts += [
            _moved(period, _plural(active, "customer"), reason="event", latest=True),
            _part(" moved after an event. "),
        ]
    if newcomers:
        parts += [_moved(period, _plural(newcomers, "newcomer"), **{"from": "none"}), _part(". ")]
    return parts


def _orders(history: ShopHistory, period: Period) -> str:
    """Return how many orders a period had; of one that begins or ends within a day, those of its whole days."""
    days = period.days
    orders = history.days.orders(days[0], days[-1]) if days else 0
    whole = bool(days) and (days[0] * DAY, (days[-1] + 1) * DAY) == (period.since, period.until)
    return _plural(orders, "order") + ("" if whole else f" on {_plural(len(days), 'whole day')}")


def _rules(period: Period, rules: Counter[str]) -> list[HeadlinePart]:
    if not (rules["entered"] or rules["left"]):
        return []
    return [
        _listed("/v1/rule-changes", period, _plural(rules["entered"], "new rule"), change="entered"),
        _part(", "),
        _listed("/v1/rule-changes", period, f"{rules['left']:,} gone", change="left"),
        _part("."),
    ]


def _figures(tally: Tally, history: ShopHistory, period: Period) -> list[PeriodFigure]:
    """Return the figures of the whole days of a period, with those of as many days before."""
    days, found = period.days, history.days
    if not days or not found.rows:
        return []
    first, last, earliest = days[0], days[-1], min(found.rows)
    earlier = first - len(days)
    each = range(max(earlier, earliest), min(last, max(found.rows)) + 1)
    if not each:
        return []
    by_day = Counter(
        int(datetime.fromisoformat(one.time).timestamp()) // 86_400
        for one in tally.moves(_midnight(each[0]), _midnight(each[-1] + 1))
        if one.left and one.entered and one.reason in BEHAVIOUR
    )
    read: dict[str, Callable[[int, int], float]] = {
        "active": found.active,
        "revenue": lambda begin, end: round(found.revenue(begin, end), 2),
        "orders": found.orders,
        "at_risk": lambda _, end: found.at_risk(end),
        "moves": lambda begin, end: sum(count for day, count in by_day.items() if begin <= day <= end),
    }
    if not any(row.revenue for row in found.rows.values()):
        del read["revenue"]
    if not any(row.at_risk for row in found.rows.values()):
        del read["at_risk"]
    if found.anonymous:
        del read["active"], read["moves"]
    kept, known = tally.complete_since, earlier >= earliest
    known_moves = known and kept is not None and kept.timestamp() <= earlier * 86_400
    return [
        PeriodFigure.model_validate(
            {
                "name": name,
                "value": of(first, last),
                "before": of(earlier, first - 1) if (known_moves if name == "moves" else known) else None,
                "series": [of(day, day) for day in each],
            }
        )
        for name, of in read.items()
    ]


def _midnight(day: int) -> str:
    return to_short_iso(day * 86_400_000)


def _part(text: str) -> HeadlinePart:
    return HeadlinePart(text=text)


def _moved(period: Period, text: str, **query: Any) -> HeadlinePart:
    return _listed("/v1/moves", period, text, **query)


def _listed(path: str, period: Period, text: str, **query: Any) -> HeadlinePart:
    whole = {"since": period.begin, "until": period.end, **query}
    written = {name: str(value).lower() if value is True else value for name, value in whole.items()}
    return HeadlinePart(text=text, list=f"{path}?{urlencode(written)}")


def _text(part: HeadlinePart) -> str:
    return f"{part.money:,.0f}" if part.money is not None else part.text or ""


def _day(time: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time)
    return f"{at.day} {at:%b %Y}"


def _plural(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"
