"""The process of the command line: its streams and its end, before anything that takes long is imported."""

from __future__ import annotations

import gc
import os
import sys
from typing import Final, TextIO

from crm_online.cli.signals import WRONG, catch, received, stopped

_YOUNG: Final = 20_000
"""After how many new objects the garbage collector looks at young ones; Python's own 700 are soon there.

Modules, rules and the events of a step are many objects, and hardly any of them are garbage.
"""
_STREAMS: Final = {0: "stdin", 1: "stdout", 2: "stderr"}


def main() -> None:
    """Run the command line on the process's arguments and end the process."""
    gc.set_threshold(_YOUNG)
    catch()
    if _open_streams():
        print("crm-online: stdout is closed: there is nowhere to print to", file=sys.stderr)
        sys.exit(WRONG)
    try:
        from crm_online.cli.main import run

        code = run(sys.argv[1:])
    except BaseException:
        # Whatever a signal broke off, such as an import that then says that a part of it is missing.
        if not received():
            raise
        code = stopped()
    sys.exit(code)


def _open_streams() -> bool:
    """Let no file take the place of a closed stream, and no stream fail on a letter; return if stdout was closed."""
    closed = False
    for number, name in _STREAMS.items():
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            closed |= name == "stdout"
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if not _writes_all(stream) and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    return closed


def _writes_all(stream: TextIO) -> bool:
    return stream.encoding.lower().replace("-", "") in ("utf8", "utf16", "utf32")
