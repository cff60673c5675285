"""An example of each operation's answer, for the OpenAPI document; lists are shortened to their first one."""

from __future__ import annotations

from typing import Any, Final

_TIME = "2026-04-01T07:43:00Z"
_CUSTOMER: dict[str, Any] = {
    "customer_id": "C17",
    "segment": "s3",
    "since": "2026-03-02T18:10:00Z",
    "features": {"orders": 1.44, "spending": 11.6, "recency": 33.1},
    "distances": {"s1": 1.21, "s3": 0.42},
    "history": [{"time": "2026-03-02T18:10:00Z", "from": "s1", "to": "s3", "reason": "lapse"}],
    "events": 2,
    "last_event": "2026-02-27T05:11:00Z",
}
_SEGMENT: dict[str, Any] = {
    "id": "s1",
    "name": "Big spenders",
    "size": 100,
    "centroid": {"orders": 2.87, "spending": 20.86},
    "description": {
        "text": "Spends 1.4 × what is typical.",
        "facts": [{"feature": "spending", "value": 20.86, "everybody": 14.58, "unit": "money", "ratio": 1.43}],
    },
}
_RULE: dict[str, Any] = {
    "change_id": "0-0-408",
    "change": "entered",
    "antecedent": ["bread", "soap"],
    "consequent": ["butter"],
    "support": 0.151,
    "confidence": 0.851,
    "lift": 1.98,
    "article_gain": -0.198,
    "mutual_information": 0.118,
    "leverage": 0.075,
    "conviction": 3.83,
    "count": 191.7,
    "error": 0.0,
    "baskets": 1266.7,
    "rank": 2,
}
_SESSION: dict[str, Any] = {"name": "web-shop", "scopes": ["read", "write"], "keys": True}
_PARTITION: dict[str, Any] = {
    "partition": 0,
    "watermark": _TIME,
    "positions": {"afaf122ae6a1": 1500},
    "lag": None,
    "accepted": 1500,
    "rejected": 0,
    "duplicates": 0,
}

EXAMPLES: Final[dict[str, Any]] = {
    "get_customer": _CUSTOMER,
    "get_customers": {"customers": [_CUSTOMER], "missing": ["nobody"]},
    "get_members": {"segment": "s3", "customers": [{"customer_id": "C17", "since": _TIME}], "next": None},
    "explain": {
        "customer_id": "C17",
        "segment": "s3",
        "text": "C17 moved from Big spenders to Occasional customers on 2026-03-02, after 33 days without an event; "
        "what spoke most for it: recency.",
        "pulls": [{"feature": "recency", "value": 33.1, "unit": "days", "left": 17.0, "entered": 31.2, "pull": 1.9}],
        "against": "s1",
        "causes": [
            {
                "change_id": "0-0-421",
                "time": "2026-03-02T18:10:00Z",
                "from": "s1",
                "to": "s3",
                "reason": "lapse",
                "idle_days": 33.0,
                "margin": 0.21,
            }
        ],
    },
    "get_segments": {
        "model_version": 1,
        "complete": True,
        "k": 6,
        "J": 281.7,
        "customers": 400,
        "as_of": _TIME,
        "features": ["orders", "spending", "recency"],
        "scale": {"orders": 0.52, "spending": 0.82, "recency": 0.38},
        "segments": [_SEGMENT],
        "hierarchy": {"linkage": [[0, 1, 1.4, 200]], "leaves": ["s1", "s2"], "method": "average", "distances": [[0.0]]},
    },
    "get_segment": _SEGMENT,
    "get_sizes": {"points": [{"as_of": _TIME, "sizes": {"s1": 100, "s2": 100}}]},
    "get_picture": {
        "as_of": _TIME,
        "model_version": 1,
        "axes": [{"name": "axis 1 (69 %): spending +, orders +", "loadings": {"orders": 0.65}, "explained": 0.69}],
        "centroids": [{"id": "s1", "segment": "s1", "x": 0.6, "y": -0.02}],
        "customers": [{"id": "C17", "segment": "s3", "x": -0.61, "y": 0.4}],
    },
    "get_flows": {
        "since": "2026-03-01T00:00:00Z",
        "moves": 12,
        "flows": [{"from": "s1", "to": "s3", "moves": 12}],
        "reasons": {"lapse": 12},
        "first_segments": 400,
    },
    "get_rules": {"as_of": _TIME, "total": 32, "rules": [_RULE], "next": "bGlmdCAxLjk4IDU"},
    "recommend": {
        "customer_id": "C17",
        "segment": "s3",
        "history": True,
        "basket": ["bread"],
        "unknown": [],
        "as_of": _TIME,
        "items": [
            {
                "item": "butter",
                "rank": 1,
                "score": 1.42,
                "because": {
                    "kind": "basket",
                    "antecedent": ["bread"],
                    "consequent": ["butter"],
                    "support": 0.38,
                    "confidence": 0.8,
                    "lift": 1.87,
                    "text": "80.0 % of the baskets with bread have it too: 1.87 times as many as of all baskets",
                },
            }
        ],
    },
    "send_events": {"events": 1, "to": "engine"},
    "get_changes": "retry: 2000\nid: 0-0-7\n\nid: 0-0-8\nevent: segment\ndata: "
    '{"change_id":"0-0-8","id":"s3","model_version":2}\n\n',
    "get_rejects": {
        "rejected": 1,
        "reasons": {"time is missing": 1},
        "rejects": [
            {"change_id": "0-0-9", "reason": "time is missing", "field": "time", "position": "line 7", "raw": "{}"}
        ],
    },
    "get_status": {
        "version": "0.1.0",
        "feed": "logs",
        "watermark": _TIME,
        "customers": 400,
        "min_customers": 300,
        "baskets": 1500,
        "accepted": 1500,
        "rejected": 0,
        "duplicates": 0,
        "segment_changes": 400,
        "rule_changes": 48,
        "events_per_second": 0.0,
        "lag": None,
        "partitions": [_PARTITION],
    },
    "get_health": {"alive": True},
    "get_ready": {"ready": True, "reasons": []},
    "get_metrics": 'crm_online_requests_total{method="GET",route="/v1/rules",status="200"} 17.0\n',
    "get_session": _SESSION,
    "begin_session": _SESSION,
}
"""By operation id; one without is an operation whose answer has no body."""
