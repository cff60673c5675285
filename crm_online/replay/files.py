"""The outbox into JSONL files: every change once, whatever was killed when."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from io import BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from crm_online.errors import InputError
from crm_online.privacy.files import private, private_folder
from crm_online.step import Entry, Topic

MARKER_FILE: Final = ".state.json"
"""The file in the folder that says whose changes they are, and up to which all of them were written."""
_CHANGE_ID = re.compile(rb'\{"change_id":"(\d+)-(\d+)-(\d+)"')


class ChangeFiles:
    """One JSONL file for each topic, in a folder.

    A file itself says how far it goes: a line that was cut off is dropped, and changes that the
    file has already are not written again. A replay repeats exactly, so what is skipped after a
    crash, or after the store went back, equals what is there.

    The folder belongs to one state: what another one numbers alike is something else.

    Parameters
    ----------
    folder
        Made if it is not there.
    state
        Id of the state.
    begins
        By partition, the number after which changes are written if the folder is new.

    Attributes
    ----------
    written
        By partition, up to which number all changes are in the files for sure.

    Raises
    ------
    InputError
        If the folder cannot be written, a file in it is not of this kind, or it belongs to another state.
    """

    def __init__(self, folder: Path, state: str, begins: Mapping[int, int]) -> None:
        self._folder, self._state = folder, state
        self._files: dict[Topic, BufferedWriter] = {}
        self._last: dict[tuple[Topic, int], int] = {}
        try:
            private_folder(folder)
            self.written = self._owned(begins)
            for topic in Topic:
                path = folder / f"{topic}.jsonl"
                self._resume(topic, path)
                self._files[topic] = open(path, "ab", opener=private)  # noqa: SIM115
        except OSError as error:
            raise InputError(f"changes cannot be written to {folder}: {error.strerror or error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failures = [failure for failure in map(_close, self._files.values()) if failure]
        if error is None and failures:
            raise InputError(f"changes cannot be written to {self._folder}: {failures[0].strerror}")
        with contextlib.suppress(OSError):  # a lower number only lets more be looked through next time
            self._note()

    def write(self, partition: int, entries: Sequence[Entry]) -> None:
        """Write changes of one partition that are not there yet, and wait until they are on disk."""
        try:
            self._write(partition, entries)
        except OSError as error:
            raise InputError(
                f"changes cannot be written to {self._folder}: {error.strerror or error}; nothing is lost: "
                "mend that, and run the same command again"
            ) from error

    def _write(self, partition: int, entries: Sequence[Entry]) -> None:
        touched = set()
        for entry in entries:
            file_key = (entry.topic, partition)
            if entry.sequence <= self._last.get(file_key, 0):
                continue
            self._files[entry.topic].write(entry.value + b"\n")
            self._last[file_key] = entry.sequence
            touched.add(entry.topic)
        for topic in sorted(touched):
            self._files[topic].flush()
            os.fsync(self._files[topic].fileno())
        if entries:
            self.written[partition] = max(self.written[partition], entries[-1].sequence)

    def _owned(self, begins: Mapping[int, int]) -> dict[int, int]:
        """Return up to which number the files have all; make the folder this state's if it is nobody's."""
        path = self._folder / MARKER_FILE
        try:
            owner = json.loads(path.read_text(encoding="utf-8"))
            written = {int(partition): int(sequence) for partition, sequence in owner["written"].items()}
            state = owner["state"]
        except FileNotFoundError:
            topics = [self._folder / f"{topic}.jsonl" for topic in Topic]
            state = None if any(path.exists() and path.stat().st_size for path in topics) else self._state
            written = dict(begins)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} cannot be read: name another folder for the changes") from error
        if state != self._state or written.keys() != begins.keys():
            raise InputError(
                f"{self._folder} has the changes of another state: name another folder, "
                "or remove this one if that state is gone"
            )
        self.written = written
        self._note()
        return written

    def _note(self) -> None:
        path = self._folder / MARKER_FILE
        fresh = path.with_suffix(".new")
        with open(fresh, "w", encoding="utf-8", opener=private) as file:
            file.write(json.dumps({"state": self._state, "written": self.written}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def _resume(self, topic: Topic, path: Path) -> None:
        if not path.exists():
            return
        complete = 0
        with path.open("rb+") as file:
            for line in file:
                found = _CHANGE_ID.match(line)
                if not line.endswith(b"\n"):
                    break
                if not found:
                    raise InputError(f"{path} is not a file of changes: a line begins {line[:40]!r}")
                file_key = (topic, int(found[1]))
                self._last[file_key] = max(self._last.get(file_key, 0), int(found[3]))
                complete += len(line)
            file.truncate(complete)


def _close(file: BufferedWriter) -> OSError | None:
    """Close a file even if its buffer no longer fits on the disk: the next run writes the missing lines."""
    try:
        file.close()
    except OSError as error:
        return error
    return None
