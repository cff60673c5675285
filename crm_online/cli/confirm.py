"""The question before something is removed for good."""

from __future__ import annotations

import sys

from crm_online.cli.console import say
from crm_online.errors import InputError


def confirm(who: str) -> None:
    """Ask on the terminal.

    Raises
    ------
    InputError
        If the answer is not yes, or there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise InputError(f"nobody can be asked whether to erase {who}: say --yes")
    say(f"Erase {who}, for good? Type yes:")
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        raise InputError("nothing was erased")
