"""An order in the objects of each tool that has a preset of its own."""

from __future__ import annotations

from typing import Any

ORDERS: dict[str, dict[str, Any]] = {
    "ga4": {
        "event_date": "20251226",
        "event_timestamp": "1766789462123456",
        "event_name": "purchase",
        "event_params": [{"key": "transaction_id", "value": {"string_value": "T1", "int_value": None}}],
        "user_id": "u1",
        "user_pseudo_id": "1.2",
        "ecommerce": {"transaction_id": "T1", "purchase_revenue": 7.5},
        "items": [{"item_id": "SKU1", "item_name": "tea", "price": 2.5, "quantity": "3"}],
    },
    "shopify": {
        "id": 450789469,
        "name": "#1001",
        "email": "ada@example.com",
        "created_at": "2025-12-26T17:51:02-05:00",
        "cancelled_at": None,
        "financial_status": "paid",
        "customer": {"id": 207119551, "email": "ada@example.com"},
        "line_items": [{"id": 1, "sku": "T1", "title": "tea", "name": "tea", "quantity": 3, "price": "2.50"}],
    },
    "snowplow": {
        "app_id": "shop",
        "platform": "web",
        "collector_tstamp": "2025-12-26T22:51:02.123Z",
        "derived_tstamp": "2025-12-26T22:51:02.000Z",
        "event": "unstruct",
        "event_id": "c6ef3124-b53a-4b13-a233-0088f79dcbcb",
        "user_id": "u1",
        "event_name": "snowplow_ecommerce_action",
        "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1": {"type": "transaction"},
        "contexts_com_snowplowanalytics_snowplow_ecommerce_transaction_1": [{"transaction_id": "T1", "revenue": 7.5}],
        "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1": [
            {"id": "SKU1", "name": "tea", "price": 2.5, "quantity": 3, "currency": "EUR"}
        ],
    },
    "stripe": {
        "id": "ch_3MmlLrLkdIwHu7ix0snN0B15",
        "object": "charge",
        "amount": 750,
        "amount_refunded": 0,
        "created": 1766789462,
        "currency": "eur",
        "customer": "cus_NffrFeUfNV2Hib",
        "paid": True,
        "status": "succeeded",
    },
    "woocommerce": {
        "id": 727,
        "number": "727",
        "status": "completed",
        "date_created": "2025-12-26T17:51:02",
        "date_created_gmt": "2025-12-26T22:51:02",
        "customer_id": 25,
        "billing": {"email": "ada@example.com"},
        "line_items": [{"id": 315, "name": "tea", "product_id": 93, "quantity": 3, "total": "7.50", "price": 2.5}],
    },
}
