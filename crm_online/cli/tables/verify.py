"""What `verify` found, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crm_online.cli.console import plain
from crm_online.cli.tables.words import count


def verify_table(found: Mapping[str, Any]) -> str:
    """Return whether the state adds up, and each difference if not."""
    checked = f"{count(found['customers'], 'customer')}, {count(found['events'], 'event')}"
    end = [f"digest {found['digest']}", *_gaps(found["gaps"])]
    if found["ok"]:
        return "\n".join([f"All figures are what the customers add up to ({checked})", *end])
    differences = [f"  {plain(str(difference))}" for difference in found["differences"]]
    return "\n".join([f"{count(len(differences), 'difference')} found ({checked}):", *differences, *end])


def _gaps(gaps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what of the log is not in the state, one line each; nothing if nothing was left out."""
    lines = [
        f"  {gap['time']} {plain(gap['topic'])} partition {gap['partition']}: {gap['end']} follows {gap['begin']}"
        f" ({plain(gap['why'])})"
        for gap in gaps
    ]
    return [f"{count(len(lines), 'gap')} in what was read of the log:", *lines] if lines else []
