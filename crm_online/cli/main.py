"""The command line, and the one place where its errors end.

Exit codes: 0 done, 1 something wrong was found (`verify`), 2 wrong use or wrong input, 130 interrupted, 141 nobody
read the output to its end, 143 ended by SIGTERM.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from crm_online.cli.app import app
from crm_online.cli.console import UnreadError, say
from crm_online.cli.signals import INTERRUPTED, WRONG, stopped
from crm_online.errors import CrmOnlineError

UNREAD = 141
DAMAGED = "the state holds bytes that no version of crm-online wrote"


@runtime_checkable
class WrongUse(Protocol):
    """Typer's errors of wrong use: their class is click's, which typer carries inside since 0.26."""

    exit_code: int

    def format_message(self) -> str:
        """Return what is wrong, in one line."""
        ...


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; every error ends as one line on stderr."""
    try:
        code = app(args=list(arguments), prog_name="crm-online", standalone_mode=False)
        sys.stdout.flush()
    except (BrokenPipeError, UnreadError):
        return _unread()
    except SystemExit as ended:
        # Typer and rich end the process on a broken pipe, with the code for "a difference was found".
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        return _unread()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except CrmOnlineError as error:
        return _failed(str(error))
    except UnicodeDecodeError as error:  # files of others are read as bytes, or with an error of their own
        return _failed(f"{DAMAGED} ({error.reason}): put a backup back, or replay into a new --state")
    except OSError as error:
        why = error.strerror or str(error)
        return _failed(f"{error.filename}: {why}" if error.filename else why)
    except Exception as error:
        if not isinstance(error, WrongUse):
            raise
        if not error.format_message():  # no command was given, and the help has been printed
            return WRONG
        return _failed(f"{error.format_message()} (crm-online --help lists what there is)")
    if code == INTERRUPTED:
        return stopped()
    return code if isinstance(code, int) else 0


def _unread() -> int:
    # Python flushes stdout once more when it ends; there is nobody to read that either.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return UNREAD


def _failed(why: str) -> int:
    say(f"crm-online: {why}")
    return WRONG
