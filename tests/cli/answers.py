"""Answers of look-ups and a replay as the contract has them, for tests of what is printed."""

from __future__ import annotations

from typing import Any

HOSTILE = "[bold]milk[/bold] :smile: \x1b[2J\nand bread"
"""An item's name that would style, clear or break lines if a terminal got it as it is."""

_NOTHING: dict[str, Any] = {"customers": 9, "attributes": [], "contact_reasons": [], "feedback": None, "items": []}

SEGMENTS: dict[str, Any] = {
    "model_version": 3,
    "complete": True,
    "k": 3,
    "J": 12345.678,
    "customers": 2469,
    "as_of": "2017-12-31T23:59:00Z",
    "features": ["orders", "spending", "recency"],
    "scale": {"orders": 0.7, "spending": 1.2, "recency": 0.9},
    "segments": [
        {
            "id": "s2",
            "name": "Lapsed small spenders",
            "size": 400,
            "centroid": {"orders": 1.2, "spending": 12.5, "recency": 190.0},
            "description": {
                "text": "Last bought 190 days ago (typical: 15 days), spends 0.2 × what is typical.",
                "facts": [],
                "traits": _NOTHING,
            },
        },
        {
            "id": "s1",
            "name": "Active big spenders",
            "size": 2000,
            "centroid": {"orders": 14.0, "spending": 410.0, "recency": 2.0},
            "description": {
                "text": "Spends 3.1 × what is typical, last bought 2 days ago.",
                "facts": [],
                "traits": _NOTHING,
            },
        },
        {
            "id": "s3",
            "name": "One-time buyers",
            "size": 69,
            "centroid": {"orders": 1.0, "spending": 30.0, "recency": 90.0},
            "description": {"text": "Like everybody.", "facts": [], "traits": _NOTHING},
        },
    ],
    "hierarchy": {"linkage": [[0, 1, 2.5, 2]], "leaves": ["s2", "s1", "s3"]},
}

NO_SEGMENTS: dict[str, Any] = SEGMENTS | {"model_version": 0, "k": 0, "J": None, "customers": 12, "segments": []}

RULES: list[dict[str, Any]] = [
    {
        "change_id": "0-0-17",
        "change": "entered",
        "antecedent": ["root vegetables", "tropical fruit"],
        "consequent": ["other vegetables"],
        "support": 0.0123,
        "confidence": 0.5845,
        "lift": 3.0209,
        "article_gain": -0.45,
        "mutual_information": 0.012,
        "leverage": 0.008,
        "conviction": 1.94,
        "count": 121.0,
        "error": 0.0,
        "baskets": 9835.0,
        "rank": 1,
    },
    {
        "change_id": "0-0-18",
        "change": "entered",
        "antecedent": [HOSTILE],
        "consequent": ["whole milk"],
        "support": 0.0005,
        "confidence": 1.0,
        "lift": 3.914,
        "article_gain": 0.0,
        "mutual_information": 0.001,
        "leverage": 0.001,
        "conviction": None,
        "count": 5.0,
        "error": 1.0,
        "baskets": 9835.0,
        "rank": 2,
    },
]

CUSTOMER: dict[str, Any] = {
    "customer_id": "1364",
    "segment": "s1",
    "since": "2017-05-02T10:00:00Z",
    "features": {"orders": 14.2, "spending": 410.123, "recency": 1.5, "returned": 0.02, "gap": None, "novel": 3.0},
    "distances": {"s3": 2.5, "s1": 0.41, "s2": 3.75},
    "predictions": {
        "horizon_days": 90.0,
        "purchase": 0.934,
        "expected_purchases": 5.2,
        "expected_value": 210.5,
        "band": "0.8-1",
        "model": "ensemble",
        "model_version": 7,
        "reasons": ["bought lately"],
        "targets": {"renewed": 0.4},
        "target_bands": {"renewed": "0.2-0.5"},
    },
    "history": [
        {"time": "2017-03-01T00:00:00Z", "from": None, "to": "s7", "reason": "event"},
        {"time": "2017-05-02T10:00:00Z", "from": "s7", "to": "s1", "reason": "refit"},
    ],
    "events": 231,
    "last_event": "2017-12-30T18:25:00Z",
}

DRIFTS: list[dict[str, Any]] = [
    {
        "change_id": "0-0-90",
        "what": "distances",
        "size": 0.27,
        "time": "2017-09-04T21:38:33Z",
        "since": "2017-09-02T21:12:58Z",
        "before": 1.0,
        "after": 1.27,
        "deviations": 5.6,
        "items": [],
    },
    {
        "change_id": "0-0-41",
        "what": "baskets",
        "size": 1.31,
        "time": "2017-06-02T21:40:07Z",
        "since": "2017-05-27T00:00:00Z",
        "before": 0.0371,
        "after": 0.0858,
        "deviations": 6.7,
        "items": [{"item": "parmesan", "before": 0.0371, "after": 0.0858}],
    },
]

VERIFIED: dict[str, Any] = {
    "ok": True,
    "customers": 2469,
    "events": 155848,
    "digest": "5f2c",
    "differences": [],
    "gaps": [],
}

REPLAYED: dict[str, Any] = {
    "events": 155900,
    "accepted": 155848,
    "rejected": 52,
    "duplicates": 0,
    "baskets": 155848,
    "customers": 2469,
    "segment_changes": 6021,
    "rule_changes": 312,
    "seconds": 12.3456,
    "events_per_second": 12628.1,
    "position": {"transactions.parquet": 1469307},
    "reject_reasons": {"price is below 0": 52},
}

RECOMMENDED: dict[str, Any] = {
    "customer_id": "1364",
    "segment": "s2",
    "history": True,
    "basket": ["eggs", "no such thing"],
    "unknown": ["no such thing"],
    "as_of": "2017-12-31T23:50:00Z",
    "items": [
        {
            "item": "whole milk",
            "rank": 1,
            "score": 0.740683,
            "because": {
                "kind": "basket",
                "antecedent": ["eggs"],
                "consequent": ["whole milk"],
                "support": 0.062,
                "confidence": 0.625,
                "lift": 2.5,
                "text": "62.5 % of the baskets with eggs have it too: 2.5 times as many as of all baskets",
            },
        },
        {
            "item": "rum\x1b[31m",
            "rank": 2,
            "score": 0.289,
            "because": {
                "kind": "history",
                "antecedent": [],
                "consequent": ["rum\x1b[31m"],
                "support": 0.031,
                "confidence": 0.3,
                "lift": 9.63,
                "lines": 21,
                "orders": 70,
                "text": "bought 21 times in 70 orders of this customer",
            },
        },
    ],
}
