"""DataFrames as logs: a frame is written to a file, and replayed as any table is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from crm_online.errors import InputError

FRAME = "frame.csv"
"""The name of the log that a frame is."""


@contextmanager
def as_paths(logs: pd.DataFrame | Path | str | Sequence[Path | str]) -> Iterator[list[Path]]:
    """Give the files of logs: those that were named, or one of a frame's rows while the context lasts.

    A file is CSV, whose beginning stays the same when rows are added: so a frame that has grown goes on where it
    ended, as a log file does.

    Raises
    ------
    InputError
        If a frame has no rows.
    """
    if isinstance(logs, pd.DataFrame):
        if not len(logs):
            raise InputError("the frame has no rows")
        with tempfile.TemporaryDirectory(prefix="crm-online-") as folder:
            path = Path(folder) / FRAME
            logs.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%S.%f%z")
            yield [path]
    else:
        yield [Path(path) for path in ([logs] if isinstance(logs, str | Path) else logs)]
