"""The log of what runs on, a worker or the service: JSON lines for machines, or text for people, on stderr.

A JSON line has ``time``, ``level``, ``logger``, ``message``; ``partition`` and ``position`` where the line is about
them; ``exception`` with its traceback. Faust, mode and aiokafka write to the same log, from warnings up; from info up
where the level is debug. Lower levels of theirs are never logged: they hold requests, and so customers and passwords.
"""

from __future__ import annotations

import json
import logging
import logging.config
import re
import sys
from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, unquote, urlsplit

from pythonjsonlogger.json import JsonFormatter
from rich.console import Console
from rich.logging import RichHandler

if TYPE_CHECKING:
    from crm_online.settings import Settings

Mode = Literal["auto", "json", "text"]
Level = Literal["debug", "info", "warning", "error"]

_SELDOM = 10.0
_OURS = ("streams", "crm_online")
_OTHERS: dict[Level, str] = {"debug": "INFO", "info": "WARNING", "warning": "WARNING", "error": "ERROR"}
_USER_INFO = re.compile(r"""(\w://)[^\s"'<>]*@""")
_HIDDEN = "***"


def secrets(settings: Settings, state: str) -> list[str]:
    """Return what no log may show: the passwords of Kafka and of the Redis of a state, secrets of webhooks."""
    kafka, redis = settings.kafka.password, urlsplit(state).password
    hooks = [hook.secret.get_secret_value() for hook in settings.webhooks.values() if hook.secret]
    return [*([kafka.get_secret_value()] if kafka else []), *([unquote(redis), redis] if redis else []), *hooks]


def setup(mode: Mode, level: Level, secrets: Iterable[str] = ()) -> None:
    """Send all of this process's logging, and Python's warnings, to stderr.

    Parameters
    ----------
    mode : {"auto", "json", "text"}
        JSON lines, or text for people; auto: text where stderr is a terminal.
    level : {"debug", "info", "warning", "error"}
        From which level our own lines are written.
    secrets : iterable of str
        Passwords and keys; wherever one would be written there are three stars. So are they for user and password in
        URLs, known or not.
    """
    logging.config.dictConfig(config(mode, level, secrets))
    logging.captureWarnings(True)


def config(mode: Mode, level: Level, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """Return what `setup` does as a configuration for `logging.config.dictConfig`: Faust wants to do it itself."""
    terminal = sys.stderr.isatty()
    handler: dict[str, Any] = {"()": logging.StreamHandler}
    formatter: dict[str, Any] = {"()": _Json}
    if mode == "text" or (mode == "auto" and terminal):
        formatter = {"()": _Text, "fmt": "%(asctime)s %(levelname)-7s %(message)s"}
        if terminal:
            # In a file or a pipe rich would wrap the lines, and they could not be searched.
            handler = {"()": RichHandler, "console": Console(stderr=True), "show_path": False}
            formatter = {"()": _Text, "fmt": "%(message)s"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"ours": formatter | {"hide": Hide(secrets)}},
        "filters": {"seldom": {"()": _Seldom}},
        "handlers": {"stderr": handler | {"formatter": "ours", "filters": ["seldom"]}},
        "root": {"level": _OTHERS[level], "handlers": ["stderr"]},
        "loggers": {name: {"level": level.upper()} for name in _OURS},
    }


class _Seldom(logging.Filter):
    """Lets a line of a library through once in a while: without a broker aiokafka writes a hundred a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is ours, or the first of its kind for some seconds."""
        kind = record.name, record.levelno, str(record.msg)
        if record.name.startswith(_OURS):
            return True
        if record.created - self._last.get(kind, 0.0) < _SELDOM:
            return False
        self._last[kind] = record.created
        return True


class PartitionLog(logging.LoggerAdapter[logging.Logger]):
    """A logger whose lines have partition and position.

    Attributes
    ----------
    position : int or None
        Offset of the next record; whoever has the partition sets it as it moves on.
    """

    def __init__(self, logger: logging.Logger, partition: int) -> None:
        super().__init__(logger, {})
        self.partition = partition
        self.position: int | None = None

    def process(self, msg: object, kwargs: MutableMapping[str, Any]) -> tuple[object, MutableMapping[str, Any]]:
        """Add partition and position to a line; what the call itself gives as ``extra`` stands."""
        where = {"partition": self.partition}
        if self.position is not None:
            where["position"] = self.position
        return msg, {**kwargs, "extra": where | dict(kwargs.get("extra") or {})}


def partition_log(logger: logging.Logger, partition: int) -> PartitionLog:
    """Return the logger of one partition."""
    return PartitionLog(logger, partition)


class Hide:
    """Takes secrets out of a text.

    Parameters
    ----------
    secrets : iterable of str
        What must not be seen, in whatever way a text quotes it.

    Examples
    --------
    >>> Hide(["tiger"])("scott/tiger at redis://scott:lion@db:6379")
    'scott/*** at redis://***@db:6379'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        ways = {way for secret in secrets if secret for way in _written(secret)}
        # The longest first: a secret may lie within another.
        known = "|".join(re.escape(way) for way in sorted(ways, key=lambda way: (-len(way), way)))
        self._known = re.compile(known) if known else None

    def __call__(self, text: str) -> str:
        """Return the text with three stars for each secret, and for user and password in URLs."""
        text = _USER_INFO.sub(rf"\1{_HIDDEN}@", text)
        return self._known.sub(_HIDDEN, text) if self._known else text


def _written(secret: str) -> set[str]:
    """Return the ways in which a secret may stand in a log: plain, in a URL, as Python, as JSON."""
    plain = {secret, quote(secret, safe=""), repr(secret)[1:-1], repr(secret.encode())[2:-1], json.dumps(secret)[1:-1]}
    return plain | {json.dumps(way, ensure_ascii=False)[1:-1] for way in plain}


class _Json(JsonFormatter):
    """A record as one line of JSON."""

    def __init__(self, hide: Hide) -> None:
        names = {"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "exception"}
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=names, json_ensure_ascii=False)
        self._hide = hide

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the record's time in UTC, as ISO 8601 with milliseconds."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without secrets."""
        return self._hide(super().format(record))


class _Text(logging.Formatter):
    """A record as text for a person."""

    def __init__(self, fmt: str, hide: Hide) -> None:
        super().__init__(fmt)
        self._hide = hide

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line, with the partition and position that it is about before the message."""
        partition, position = getattr(record, "partition", None), getattr(record, "position", None)
        if partition is not None:
            at = "" if position is None else f" at {position}"
            record.message = f"partition {partition}{at}: {record.message}"
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        """Return the text, without secrets."""
        return self._hide(super().format(record))
