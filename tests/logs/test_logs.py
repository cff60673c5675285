"""A worker's log as it stands on stderr, of a process of its own."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from crm_online.logs import Hide

SETUP = """
import logging
from crm_online import logs
logs.setup({mode!r}, {level!r}, {secrets!r})
ours = logging.getLogger("streams.partition")
"""


ABOUT_REDIS = """
log = logs.partition_log(ours, 3)
log.position = 1200
log.warning("Redis is full %s tiger [bold]", "x" * 200)
"""


def environment() -> dict[str, str]:
    """Return the environment in which a process finds the checkout."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def written(code: str, mode: str = "json", level: str = "info", secrets: tuple[str, ...] = ()) -> list[str]:
    """Return the lines that a piece of code logs."""
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", SETUP.format(mode=mode, level=level, secrets=secrets) + code],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def objects(code: str, level: str = "info", secrets: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return the lines that a piece of code logs, read as JSON: each line is one object."""
    return [json.loads(line) for line in written(code, "json", level, secrets)]


def test_a_line_tells_time_level_logger_message_partition_and_position() -> None:
    (line,) = objects("""
log = logs.partition_log(ours, 3)
log.position = 1200
log.warning("%s is full: ε", "Redis")
""")
    time = datetime.fromisoformat(line.pop("time"))
    assert time.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - time) < timedelta(minutes=10)
    assert line == {
        "level": "WARNING",
        "logger": "streams.partition",
        "message": "Redis is full: ε",
        "partition": 3,
        "position": 1200,
    }


def test_the_position_moves_on_and_what_a_call_gives_stands() -> None:
    lines = objects("""
log = logs.partition_log(ours, 3)
log.info("before the claim")
log.position = 10
log.info("claimed")
log.info("about another", extra={"position": 7, "change_id": "3-1-5"})
""")
    assert [(line.get("partition"), line.get("position")) for line in lines] == [(3, None), (3, 10), (3, 7)]
    assert lines[2]["change_id"] == "3-1-5"


def test_an_exception_is_in_one_line() -> None:
    (line,) = objects("""
try:
    1 / 0
except ZeroDivisionError:
    ours.exception("the step failed")
""")
    assert line["message"] == "the step failed"
    assert line["exception"].splitlines()[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("level", "seen"),
    [
        ("debug", ["ours debug", "ours info", "theirs info", "ours warning", "theirs warning"]),
        ("info", ["ours info", "ours warning", "theirs warning"]),
        ("warning", ["ours warning", "theirs warning"]),
        ("error", []),
    ],
)
def test_libraries_are_logged_from_warnings_up_unless_the_level_is_debug(level: str, seen: list[str]) -> None:
    lines = objects(
        """
theirs = logging.getLogger("aiokafka.consumer.group_coordinator")
for name in ("debug", "info", "warning"):
    getattr(ours, name)("ours %s", name)
    getattr(theirs, name)("theirs %s", name)
""",
        level=level,
    )
    assert [line["message"] for line in lines] == seen


def test_the_lines_of_faust_go_the_same_way_though_it_sets_logging_up_itself() -> None:
    lines = objects("""
import faust
from mode.utils.logging import get_logger, setup_logging
app = faust.App("x", logging_config=logs.config("json", "info"))
setup_logging(loglevel="INFO", logging_config=dict(app.conf.logging_config))
get_logger("mode.worker").info("starting")
get_logger("faust.app").warning("not good")
ours.info("started")
""")
    assert [(line["logger"], line["message"]) for line in lines if line["logger"] != "py.warnings"] == [
        ("faust.app", "not good"),
        ("streams.partition", "started"),
    ]


def test_a_warning_of_python_is_a_line_too() -> None:
    (line,) = objects("import warnings; warnings.warn('this will go')")
    assert line["logger"] == "py.warnings"
    assert "UserWarning: this will go" in line["message"]


def test_a_secret_is_in_no_part_of_a_line() -> None:
    secret = 'ti"g/er'
    lines = written(
        f"""
log = logs.partition_log(ours, 0)
log.warning("password %s refused", {secret!r})
log.warning({secret!r}, extra={{"given": {{"password": {secret!r}}}}})
log.warning("%r %r", {secret!r}.encode(), ({secret!r},))
log.warning("redis://scott:other@db:6379 does not answer")
try:
    raise ValueError({secret!r})
except ValueError:
    log.exception("failed")
""",
        secrets=(secret,),
    )
    text = "\n".join(lines)
    assert len(lines) == 5
    assert "g/er" not in text
    assert "scott" not in text
    assert "other" not in text
    assert json.loads(lines[0])["message"] == "password *** refused"
    assert json.loads(lines[3])["message"] == "redis://***@db:6379 does not answer"
    assert json.loads(lines[4])["exception"].endswith("ValueError: ***")


@pytest.mark.parametrize("secret", ["tiger", 'a"b', "a\\b", "pass word", "pä/ss:w@rd%", "a.*b", "é\n"])
def test_a_secret_is_hidden_in_whatever_way_it_is_written(secret: str) -> None:
    hide = Hide([secret])
    for way in (secret, quote(secret, safe=""), str(secret.encode()), repr([secret]), json.dumps({"x": secret})):
        assert "***" in hide(f"before {way} after")
        assert secret not in hide(f"before {way} after")
        assert quote(secret, safe="") not in hide(f"before {way} after")


def test_of_two_secrets_that_overlap_nothing_is_left() -> None:
    assert Hide(["tiger", "tiger-lily"])("tiger-lily tiger") == "*** ***"
    assert Hide(["", "x"])("a text") == "a te***t"


def test_text_for_people_tells_the_place_and_no_secret_and_a_line_stays_one() -> None:
    (line,) = written(ABOUT_REDIS, mode="text", secrets=("tiger",))
    assert line.endswith(f"WARNING partition 3 at 1200: Redis is full {'x' * 200} *** [bold]")


def test_on_a_terminal_the_form_is_text() -> None:
    terminal, end = pty.openpty()
    with os.fdopen(terminal, "rb") as shown:
        subprocess.run(
            [sys.executable, "-c", SETUP.format(mode="auto", level="info", secrets=("tiger",)) + ABOUT_REDIS],
            env=environment(),
            stderr=end,
            check=True,
        )
        os.write(end, b"\n.\n")
        os.close(end)
        text = "".join(iter(lambda: shown.readline().decode(), ".\r\n"))
    assert "WARNING" in text
    assert "Redis is full" in text
    assert "bold" in text
    assert "tiger" not in text


def test_where_stderr_is_no_terminal_the_form_is_json() -> None:
    (line,) = written("ours.info('here')", mode="auto")
    assert json.loads(line)["message"] == "here"
