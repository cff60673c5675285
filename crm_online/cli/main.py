"""Where the command line starts, and the one place where its errors end.

Exit codes: 0 done, 1 something wrong was found (`verify`), 2 wrong use or wrong input, 130 interrupted,
141 nobody read the output to its end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from crm_online.cli.app import app
from crm_online.cli.console import UnreadError, say
from crm_online.errors import CrmOnlineError

WRONG = 2
INTERRUPTED = 130
UNREAD = 141


@runtime_checkable
class WrongUse(Protocol):
    """Typer's errors of wrong use: their class is click's, which typer carries inside since 0.26."""

    exit_code: int

    def format_message(self) -> str:
        """Return what is wrong, in one line."""
        ...


def main() -> None:
    """Run the command line on the process's arguments and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; every error ends as one line on stderr."""
    try:
        code = app(args=list(arguments), prog_name="crm-online", standalone_mode=False)
        sys.stdout.flush()
    except (BrokenPipeError, UnreadError):
        # Python flushes stdout once more when it ends; there is nobody to read that either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except KeyboardInterrupt:
        code = INTERRUPTED
    except CrmOnlineError as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except Exception as error:
        if not isinstance(error, WrongUse):
            raise
        if not error.format_message():  # no command was given, and the help has been printed
            return WRONG
        return _failed(f"{error.format_message()} (crm-online --help lists what there is)")
    if code == INTERRUPTED:
        say("interrupted; what was committed stays, and the same command goes on from there")
    return code if isinstance(code, int) else 0


def _failed(why: str) -> int:
    say(f"crm-online: {why}")
    return WRONG
