"""How rules changed in a period: what is left when those that came and went again are taken out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from typing import Final

from crm_online.answers.changes import RuleChanges, RuleDifference
from crm_online.live.feeds.period import Period
from crm_online.live.feeds.tally import TalliedRule, Tally

_ENTERED: Final = "entered"
_LEFT: Final = "left"
_BEGIN: Final = "0"


@dataclass(frozen=True, slots=True)
class Difference:
    """A rule's values before, if they are known, and now."""

    change: str
    before: TalliedRule | None
    after: TalliedRule

    @property
    def size(self) -> float:
        """How much it matters: the share of baskets that are beyond chance, or of those that are more or fewer."""
        one = self.after
        if self.change == "changed":
            return one.support * abs(one.confidence - self.before.confidence) if self.before else 0.0
        return one.support * abs(1 - 1 / one.lift) if one.lift else 0.0

    def answer(self) -> RuleDifference:
        """Return it as look-ups have it."""
        antecedent, consequent = json.loads(self.after.rule)
        return RuleDifference.model_validate(
            {
                "antecedent": antecedent,
                "consequent": consequent,
                "change": self.change,
                "time": self.after.time,
                "confidence_before": self.before and self.before.confidence,
                "lift_before": self.before and self.before.lift,
                "support": self.after.support,
                "confidence": self.after.confidence,
                "lift": self.after.lift,
            }
        )


def differences(tally: Tally, period: Period) -> list[Difference]:
    """Return how rules differ between the begin and the end of a period, in no order."""
    first, last = dict[str, TalliedRule](), dict[str, TalliedRule]()
    for one in tally.rules(period.begin, period.end):
        first.setdefault(one.rule, one)
        last[one.rule] = one
    before = {one.rule: one for one in tally.rules(_BEGIN, period.begin) if one.rule in first}
    found = []
    for rule, one in last.items():
        entered, left = first[rule].change == _ENTERED, one.change == _LEFT
        if not (entered and left):
            change = _ENTERED if entered else _LEFT if left else "changed"
            found.append(Difference(change, None if entered else before.get(rule), one))
    return found


def rule_changes(tally: Tally, period: Period, change: str | None, limit: int) -> RuleChanges:
    """Return how rules changed in a period, the clearest first.

    Parameters
    ----------
    tally
        The changes that are kept.
    period
        The period.
    change
        Only those that entered, changed or left; ``None``: all.
    limit
        How many at most.
    """
    found = [one for one in differences(tally, period) if change is None or one.change == change]
    best = nsmallest(limit, found, key=lambda one: (-one.size, one.after.rule))
    return RuleChanges(
        since=datetime.fromisoformat(period.begin),
        until=datetime.fromisoformat(period.end),
        kept_since=tally.rules_complete_since,
        total=len(found),
        rules=[one.answer() for one in best],
    )
