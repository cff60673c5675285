"""Writes small logs for tests: good rows to put bad ones among."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import zstandard

GOOD: dict[str, object] = {
    "type": "purchase",
    "customer_id": "a",
    "time": "2024-01-01T00:00:00Z",
    "items": [{"item": "tea"}],
}
"""A native event."""

MAP = {
    "customer_id": "who",
    "time": "when",
    "item": "what",
    "quantity": "pieces",
    "price": "each",
    "basket_id": "order",
}
"""Columns of a table by native field."""
HEADER = "who,when,what,pieces,each,order\n"
ROW = "a,2024-01-01 10:00:00,tea,2,1.50,o1\n"
CELLS: dict[str, object] = {"who": "a", "when": "2024-01-01", "what": "tea", "pieces": 2, "each": 1.5, "order": "o1"}
"""The same as a row of JSON lines."""


def jsonl(path: Path, *lines: object) -> Path:
    """Write each line: texts as they are, anything else as JSON."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(text + "\n" for text in texts))
    return path


def packed(path: Path, content: bytes) -> Path:
    """Write bytes, packed as the name says."""
    if path.suffix == ".gz":
        content = gzip.compress(content)
    elif path.suffix == ".zst":
        content = zstandard.compress(content)
    path.write_bytes(content)
    return path
