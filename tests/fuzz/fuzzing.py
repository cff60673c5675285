"""What the fuzz tests share: how long they search, bytes that are nearly right, and what has failed before.

In CI each searches for a second or so, the same examples every time. `make fuzz` sets CRM_ONLINE_FUZZ to a number of
examples, and runs them again and again with new seeds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
EXAMPLES = int(os.environ.get("CRM_ONLINE_FUZZ", "0"))
LONG = EXAMPLES > 0


def searching(in_ci: int) -> settings:
    """Return how many examples are tried: so many in CI."""
    return settings(
        max_examples=EXAMPLES or in_ci,
        suppress_health_check=[*HealthCheck],
        derandomize=not LONG,
        report_multiple_bugs=False,
    )


def failed_before(target: str) -> list[bytes]:
    """Return the kept bytes at which a target once failed."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


EDITS = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 3), st.binary(max_size=9)), min_size=1, max_size=5)


def edited(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Return bytes with some parts put in place of others, put in, or cut out."""
    for at, kind, part in edits:
        at %= len(data) + 1
        gone = (len(part), 0, 1 + at % 40, len(data))[kind]
        data = data[:at] + part + data[at + gone :]
    return data


ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["", " ", "\0", "\ud800", "1e400", "NaN", "0001-01-01", "9999-12-31T23:59:59.999999Z", "-1", "1_0"]
    ),
)
"""Values that are seldom what is expected."""
JSON = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


@st.composite
def nearly(draw: st.DrawFn, value: Any) -> Any:
    """Return a JSON value in which some parts are others."""
    for _ in range(draw(st.integers(1, 4))):
        value = _changed(draw, value)
    return value


def _changed(draw: st.DrawFn, value: Any) -> Any:
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not keys or draw(st.integers(0, 5)) == 0:
        return draw(JSON)
    key = draw(st.sampled_from(keys))
    if isinstance(value, dict):
        if draw(st.integers(0, 5)) == 0:
            return {name: one for name, one in value.items() if name != key}
        return value | {key: _changed(draw, value[key])}
    changed = _changed(draw, value[key])
    return [changed if at == key else one for at, one in enumerate(value)]


def to_json(value: Any) -> bytes:
    """Return JSON, of what is none too: NaN, halves of characters."""
    return json.dumps(value, ensure_ascii=True).encode()


def done_or_refused(call: Callable[[], object], refusals: tuple[type[Exception], ...]) -> None:
    """Call something, which is done, or refused in one line."""
    refusal = "done"
    try:
        call()
    except refusals as error:
        refusal = str(error)
    assert len(refusal.splitlines()) == 1
