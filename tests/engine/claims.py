"""What names and descriptions of segments claim, checked against the customers themselves.

Nothing of the engine's is used but its words: a claim is read out of the text, and held against plain figures of
the members, as `export` has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

SLACK = 1.4
"""Factor by which a typical figure may be off: vectors are as of when a customer was last visited."""

RATIOS = {
    "spending": r"spends (?P<side>at most |at least )?(?P<ratio>\S+) (?:×|times) what is typical",
    "orders": r"orders (?P<side>at most |at least )?(?P<ratio>\S+) (?:×|times) as often",
    "views": r"looks at (?P<side>at most |at least )?(?P<ratio>\S+) (?:×|times) as many items",
    "contacts": r"gets in touch (?P<side>at most |at least )?(?P<ratio>\S+) (?:×|times) as often",
    "basket_value": r"has baskets worth (?P<side>at most |at least )?(?P<ratio>\S+) (?:×|times) what is typical",
}
NEXT_TO_NOTHING = {
    "spending": "spends next to nothing",
    "orders": "hardly ever orders",
    "views": "looks at hardly any items",
    "contacts": "hardly ever gets in touch",
    "basket_value": "baskets worth next to nothing",
}
AMOUNTS = {
    "recency": r"last bought (?P<side>at (?:least|most) )?(?P<value>[^(]+) ago \(typical: (?P<typical>[^)]+)\)",
    "gap": r"buys every (?P<side>at (?:least|most) )?(?P<value>[^(]+) \(typical: (?P<typical>[^)]+)\)",
    "tenure": r"known for (?P<side>at (?:least|most) )?(?P<value>[^(]+) \(typical: (?P<typical>[^)]+)\)",
    "basket_size": r"buys (?P<side>at (?:least|most) )?(?P<value>\S+) lines at a time \(typical: (?P<typical>[^)]+)\)",
}
SHARES = {0: r"(\S+) % never bought", 1: r"(\S+) % bought once"}
KNEES = {"recency": 30.0, "gap": 30.0, "tenure": 30.0}
OF_BUYERS = {"spending": 1, "orders": 1, "basket_value": 1, "basket_size": 1, "recency": 1, "returned": 1, "gap": 2}
SAYS_THEY_BUY = r"buyer|spender|shopper|returner|lapsed|frequent|occasional|regular|seldom|active"
MORE = {
    "big spenders": ("spending", 1),
    "small spenders": ("spending", -1),
    "frequent": ("orders", 1),
    "occasional": ("orders", -1),
    "lapsed": ("recency", 1),
    "active": ("recency", -1),
    "long-standing": ("tenure", 1),
    "new": ("tenure", -1),
    "regular": ("gap", -1),
    "seldom-seen": ("gap", 1),
    "full-basket shoppers": ("basket_size", 1),
    "few-item shoppers": ("basket_size", -1),
    "high-value basket buyers": ("basket_value", 1),
    "low-value basket buyers": ("basket_value", -1),
    "browsing buyers": ("views", 1),
    "help-seekers": ("contacts", 1),
}


def untrue(segments: list[dict[str, Any]], customers: pd.DataFrame) -> list[str]:
    """Return each claim that the members of a segment do not bear out.

    Parameters
    ----------
    segments
        As ``segments --json`` has them.
    customers
        As ``customers.parquet`` has them.
    """
    wrong: list[str] = []
    for segment in segments:
        members = customers[customers["nearest"] == segment["id"]]
        if len(members):
            claims = [*_of_name(segment, members, customers), *_of_text(segment, members, customers)]
            about = f"{segment['name']} ({len(members)}), {segment['description']['text']}"
            wrong += [f"{claim}: {about}" for claim in claims]
    return wrong


def _of_name(segment: dict[str, Any], members: pd.DataFrame, everybody: pd.DataFrame) -> Iterator[str]:
    name = segment["name"].lower()
    never, once = (members["purchases"] == 0).mean(), (members["purchases"] == 1).mean()
    if ("never bought" in name) != (never >= 0.5):
        yield f"{never:.2f} of them never bought"
    if "who never bought" in name and never < 0.8:
        yield f"only {never:.2f} of them never bought"
    if "never bought" in name and "browsers" in name and not members["views"].median() > 0:
        yield "they look at nothing"
    if ("one-time buyers" in name and once < 0.8) or ("most of whom bought once" in name and once < 0.5):
        yield f"only {once:.2f} of them bought once"
    if once >= 0.8 and not re.search("one-time buyers|most of whom bought once", name):
        yield f"{once:.2f} of them bought once"
    if never >= 0.5 and re.search(SAYS_THEY_BUY, name.partition(",")[0]):
        yield f"they buy, though {never:.2f} never did"
    for word, (feature, sign) in MORE.items():
        if re.search(rf"\b{word}\b", name.partition(" who ")[0].partition(" with ")[0]):
            mine, typical = _of(members, feature)[feature].median(), _of(everybody, feature)[feature].median()
            if not sign * mine > sign * typical:
                yield f"{word}, but {feature} is {mine:.3g} beside {typical:.3g}"
    if "lapsed" in name and not _of(members, "recency")["recency"].median() >= min(
        80, 1.2 * _pause(members, everybody)
    ):
        yield f"lapsed after {_of(members, 'recency')['recency'].median():.0f} days"
    rhythm = re.search(r"frequent|occasional|regular|seldom-seen", name.partition(" who ")[0])
    # Names go by centroids, which lie below the median where a few members were there lately.
    if rhythm and members["recency"].median() > max(150, 2 * _pause(members, everybody)):
        yield f"{rhythm[0]}, though they stopped {members['recency'].median():.0f} days ago"
    if "new" in name.split() and members["tenure"].median() > 100:
        yield f"new, but known for {members['tenure'].median():.0f} days"
    if "happy" in name.split() and not members["feedback"].mean() > 0.6:
        yield "they are not happy"
    if "unhappy" in name.split() and not members["feedback"].mean() < 0.4:
        yield "they are not unhappy"
    if name.startswith("average customers"):
        for feature in RATIOS:
            ratio = _typical(members, feature) / max(_typical(everybody, feature), 1e-9)
            if not 1 / 1.7 < ratio < 1.7 and _typical(everybody, feature) > 0.5:
                yield f"average, but {feature} is {ratio:.2f} × what is typical"


def _of_text(segment: dict[str, Any], members: pd.DataFrame, everybody: pd.DataFrame) -> Iterator[str]:
    text = segment["description"]["text"].lower()
    for purchases, pattern in SHARES.items():
        if found := re.search(pattern, text):
            share = (members["purchases"] == purchases).mean()
            if abs(float(found[1]) / 100 - share) > 0.006:
                yield f"{share:.3f} have bought {purchases} times"
    for feature, pattern in RATIOS.items():
        found, nothing = re.search(pattern, text), NEXT_TO_NOTHING[feature] in text
        if found or nothing:
            if (have := _having(members, feature)) < 0.5:
                yield f"{feature} is told of the {have:.2f} who have it"
            ratio = _typical(members, feature) / max(_typical(everybody, feature), 1e-9)
            said = 0.0 if nothing or not found else 100.0 if found["ratio"] == "many" else float(found["ratio"])
            side = found["side"] if found else None
            low = ratio > said / SLACK or side == "at most "
            high = ratio < said * SLACK or said == 100.0 or side == "at least "
            if nothing and ratio > 0.05 * SLACK:
                yield f"{feature} is {ratio:.3f} × what is typical"
            elif said and not (low and high):
                yield f"{feature} is {ratio:.2f} × what is typical, not {said}"
    for feature, pattern in AMOUNTS.items():
        if found := re.search(pattern, text):
            if (have := _having(members, feature)) < 0.5:
                yield f"{feature} is told of the {have:.2f} who have it"
            for value, side, frame in (
                (found["value"], found["side"], members),
                (found["typical"], None, everybody),
            ):
                said, true = _number(value), _typical(frame, feature)
                low = said <= SLACK * true + 2 or side == "at most "
                high = said >= (true - 2) / SLACK or side == "at least "
                if not (low and high):
                    yield f"{feature} is {true:.2f}, not {said}"


def _number(text: str) -> float:
    if text == "less than a day":
        return 0.0
    return float(text.split()[0].replace(",", ""))


def _of(frame: pd.DataFrame, feature: str) -> pd.DataFrame:
    return frame[frame["purchases"] >= OF_BUYERS.get(feature, 0)]


def _having(frame: pd.DataFrame, feature: str) -> float:
    return float((frame["purchases"] >= OF_BUYERS.get(feature, 0)).mean())


def _typical(frame: pd.DataFrame, feature: str) -> float:
    """Return the kind of geometric mean that "typical" is said to be, of who has the feature."""
    knee, have = KNEES.get(feature, 1.0), _of(frame, feature)
    return float(np.expm1(np.log1p(have[feature] / knee).mean()) * knee) if len(have) else 0.0


def _pause(members: pd.DataFrame, everybody: pd.DataFrame) -> float:
    again = _of(members, "gap") if _having(members, "gap") >= 0.5 else _of(everybody, "gap")
    return _typical(again, "gap") if len(again) else np.inf
