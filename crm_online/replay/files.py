"""The outbox into JSONL files: every change once, whatever was killed when."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from io import BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import Self

from crm_online.errors import InputError
from crm_online.step import Entry, Topic

_CHANGE_ID = re.compile(rb'\{"change_id":"(\d+)-(\d+)-(\d+)"')


class ChangeFiles:
    """One JSONL file for each topic, in a folder.

    A file tells itself how far it goes: a line that was cut off is dropped, and changes that the
    file has already are not written again. A replay repeats exactly, so what is skipped after a
    crash, or after the store went back, equals what is there.

    Parameters
    ----------
    folder
        Made if it is not there.

    Raises
    ------
    InputError
        If the folder cannot be written, or a file in it is not of this kind.
    """

    def __init__(self, folder: Path) -> None:
        self._files: dict[Topic, BufferedWriter] = {}
        self._last: dict[tuple[Topic, int], int] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for topic in Topic:
                path = folder / f"{topic}.jsonl"
                self._resume(topic, path)
                self._files[topic] = path.open("ab")
        except OSError as error:
            raise InputError(f"changes cannot be written to {folder}: {error.strerror or error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()

    def write(self, partition: int, entries: Sequence[Entry]) -> None:
        """Write changes of one partition that are not there yet, and wait until they are on disk."""
        touched = set()
        for entry in entries:
            place = (entry.topic, partition)
            if entry.sequence <= self._last.get(place, 0):
                continue
            self._files[entry.topic].write(entry.value + b"\n")
            self._last[place] = entry.sequence
            touched.add(entry.topic)
        for topic in sorted(touched):
            self._files[topic].flush()
            os.fsync(self._files[topic].fileno())

    def _resume(self, topic: Topic, path: Path) -> None:
        if not path.exists():
            return
        whole = 0
        with path.open("rb+") as file:
            for line in file:
                found = _CHANGE_ID.match(line)
                if not line.endswith(b"\n"):
                    break
                if not found:
                    raise InputError(f"{path} is not a file of changes: a line begins {line[:40]!r}")
                place = (topic, int(found[1]))
                self._last[place] = max(self._last.get(place, 0), int(found[3]))
                whole += len(line)
            file.truncate(whole)
