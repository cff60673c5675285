"""The audit log of commands: which user of the machine looked whom up, copied or erased."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_online.cli.options import settings_in_force

if TYPE_CHECKING:
    from crm_online.lookup import Lookup
    from crm_online.privacy.audit import AuditedAction


def note(
    config: Path | None, overrides: list[str] | None, lookup: Lookup, action: AuditedAction, customers: Sequence[str]
) -> None:
    """Note what a command does with data of customers, where ``privacy.audit_file`` is set.

    Raises
    ------
    AuditFailed
        If it cannot be noted.
    """
    privacy = settings_in_force(config, overrides).privacy
    if privacy.audit_file is None:
        return
    from crm_online.privacy.audit import AuditLog
    from crm_online.privacy.pseudonyms import Pseudonyms

    log = AuditLog(privacy.audit_file, lookup.state_id, Pseudonyms.read(privacy.secret_file))
    log.note(f"user {getpass.getuser()}", action, customers)
