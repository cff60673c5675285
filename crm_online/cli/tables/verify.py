"""What `verify` found, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_online.cli.console import plain
from crm_online.cli.tables.words import count


def verify_table(found: Mapping[str, Any]) -> str:
    """Return whether the state adds up, and each difference if not."""
    checked = f"{count(found['customers'], 'customer')}, {count(found['events'], 'event')}"
    digest = f"digest {found['digest']}"
    if found["ok"]:
        return f"All figures are what the customers add up to ({checked})\n{digest}"
    differences = [f"  {plain(str(difference))}" for difference in found["differences"]]
    return "\n".join([f"{count(len(differences), 'difference')} found ({checked}):", *differences, digest])
