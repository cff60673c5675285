"""Rules ranked by what sold: what is learned of how often a rule comes true in the next basket."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import orjson
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt
from crm_online.rules.next_baskets import NextBaskets
from crm_online.rules.rank import usefulness
from crm_online.rules.regression import OnlineLogisticRegression
from crm_online.rules.table import NO_ITEM, RuleTable

PULLS = (30.0, 300.0, 3000.0)
"""How strongly regressions are drawn to the fixed score. Of those that rank alike, the strongest is used."""
FIRST = 50
"""Regressions are judged by so many rules at most, the first of each by rank."""
FEWEST = 100
"""Transitions that must have been learned from before rules are ranked by what was learned."""
MEMORY = 0.97
"""What earlier judgements are multiplied by with each batch."""
_HEAD = struct.Struct("<BII")
_VERSION = 1
_TINY = 1e-9


def predictors(table: RuleTable, seen: NextBaskets) -> NDArray[np.float64]:
    """Return what a rule is judged by, float32 digits in float64[n, 12].

    The columns are, in order:

    - ones, for the intercept;
    - logarithms of the fixed score (:func:`crm_online.rules.rank.usefulness`), of the support, of the confidence and of
      the popularity of the consequent; the logarithm of the lift is the difference of the last two;
    - gain, mutual information, leverage and conviction;
    - the share of the support that may be error, and the relative standard error of the count;
    - recency: how many times as often the consequent is in the latest orders of ``seen`` as in all baskets.
    """
    one, popularity = table.measures, table.consequent_count / table.baskets
    columns = (
        np.ones(len(table)),
        np.log(usefulness(table) + _TINY),
        np.log(one.support),
        np.log(one.confidence),
        np.log(popularity),
        one.article_gain,
        np.log(one.mutual_information + _TINY),
        np.sign(one.leverage) * np.sqrt(np.abs(one.leverage)),
        np.log(np.clip(one.conviction, 1e-3, 1e3)),
        np.log1p(table.error / table.count),
        1 / np.sqrt(table.count),
        np.log(seen.shares(table.names, table.consequent, popularity) / popularity),
    )
    return np.stack(columns, axis=1).astype(np.float32).astype(np.float64)


PRIOR = np.array([0.0, 1.0, *[0.0] * 10])
"""The weights before there is evidence: the fixed score decides."""


@dataclass(frozen=True, slots=True)
class Forecasts:
    """The rules in force when they were last derived, with their predictors then, until they are judged.

    Attributes
    ----------
    names
        Names by item id.
    antecedent, consequent
        Item ids, padded with -1, int32[n, w].
    predictors
        See :func:`predictors`, float64[n, 12].
    """

    names: Sequence[str] = ()
    antecedent: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 1), np.int32))
    consequent: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 1), np.int32))
    predictors: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, len(PRIOR))))

    @classmethod
    def of(cls, table: RuleTable, found: NDArray[np.float64]) -> Self:
        """Return the rules of a table and their predictors, with only the names that these have."""
        used = np.unique(np.concatenate([table.antecedent.ravel(), table.consequent.ravel()]))
        used = used[used != NO_ITEM]
        place = np.full(len(table.names) + 1, NO_ITEM, np.int32)  # the last one is of the padding
        place[used] = np.arange(len(used))
        return cls(
            [table.names[item] for item in used.tolist()], place[table.antecedent], place[table.consequent], found
        )


@dataclass(slots=True)
class RuleLearning:
    """What was learned about rules, from the transitions of all partitions.

    Attributes
    ----------
    regressions
        One for each of ``PULLS``.
    scores
        Of each, the decayed number of transitions times the share of the visits of the first 1, 2, 3 … rules that came
        true, the mean of these shares.
    learned_to
        By partition: number of the first transition that was not learned from.
    transitions
        How many transitions were learned from.
    forecasts
        What is judged next.
    """

    regressions: list[OnlineLogisticRegression] = field(
        default_factory=lambda: [OnlineLogisticRegression.of(PRIOR, pull) for pull in PULLS]
    )
    scores: list[float] = field(default_factory=lambda: [0.0] * len(PULLS))
    learned_to: dict[int, int] = field(default_factory=dict)
    transitions: int = 0
    forecasts: Forecasts = field(default_factory=Forecasts)

    @property
    def best(self) -> OnlineLogisticRegression | None:
        """The regression whose first rules came true most often; ``None`` before there is evidence."""
        if self.transitions < FEWEST:
            return None
        places = range(len(self.scores))
        return self.regressions[max(places, key=lambda place: (self.scores[place], PULLS[place]))]

    def chances(self, found: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return the chance of rules with some predictors; ``None`` before there is evidence."""
        return None if self.best is None else self.best.predict(found)

    def learn(self, seen: NextBaskets) -> None:
        """Judge the regressions by the fresh transitions, which came after the forecasts, then learn from these."""
        kept, fresh = self.forecasts, int(np.count_nonzero(seen.fresh))
        if not fresh or not len(kept.predictors):
            return
        visits, hits = seen.outcomes(kept.names, kept.antecedent, kept.consequent, only_fresh=True)
        rows = np.flatnonzero(visits)
        if not len(rows):
            return
        found, visits, hits = kept.predictors[rows], visits[rows], hits[rows]
        for number, one in enumerate(self.regressions):
            first = np.argsort(-one.predict(found), kind="stable")[:FIRST]
            share = float((hits[first].cumsum() / visits[first].cumsum()).mean())
            self.scores[number] = MEMORY * self.scores[number] + fresh * share
        # A transition counts once, however many rules have their antecedents in it.
        weight = np.full(len(rows), min(1.0, fresh / float(visits.sum())))
        for one in self.regressions:
            one.learn(found, weight * visits, weight * hits)
        self.transitions += fresh

    def encode(self) -> bytes:
        """Return the state as bytes."""
        kept = self.forecasts
        head = orjson.dumps(
            {
                "regressions": [one.values() for one in self.regressions],
                "scores": self.scores,
                "learned_to": sorted(self.learned_to.items()),
                "transitions": self.transitions,
                "names": list(kept.names),
                "width": kept.antecedent.shape[1],
            }
        )
        arrays = (kept.antecedent.astype("<i4"), kept.consequent.astype("<i4"), kept.predictors.astype("<f4"))
        body = b"".join(one.tobytes() for one in arrays)
        return _HEAD.pack(_VERSION, len(head), len(kept.predictors)) + head + body

    @classmethod
    def decode(cls, raw: bytes | None) -> Self:
        """Return the state of some bytes; of nothing, that of nothing learned.

        Raises
        ------
        StateCorrupt
            If they are none.
        """
        if not raw:
            return cls()
        try:
            version, length, rules = _HEAD.unpack_from(raw)
            values = orjson.loads(raw[_HEAD.size : _HEAD.size + length])
            shape = rules, int(values["width"])
            sides = np.frombuffer(raw, "<i4", 2 * shape[0] * shape[1], _HEAD.size + length).reshape(2, *shape)
            end = _HEAD.size + length + sides.nbytes
            found = np.frombuffer(raw, "<f4", rules * len(PRIOR), end).reshape(rules, len(PRIOR))
            learning = cls(
                [OnlineLogisticRegression.of_values(one) for one in values["regressions"]],
                [float(score) for score in values["scores"]],
                {int(partition): int(number) for partition, number in values["learned_to"]},
                int(values["transitions"]),
                Forecasts(values["names"], sides[0].astype(np.int32), sides[1].astype(np.int32), found.astype(float)),
            )
        except (struct.error, ValueError, KeyError, TypeError) as error:
            raise StateCorrupt("what was learned about rules cannot be read") from error
        if version != _VERSION or len(learning.regressions) != len(PULLS):
            raise StateCorrupt("what was learned about rules is of another version")
        return learning
