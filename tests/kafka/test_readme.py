"""The README's commands on Kafka run as they stand there."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

from crm_online.errors import UnknownCustomer
from crm_online.lookup import open_lookup
from tests.command import crm_online
from tests.docs import fenced, made
from tests.kafka.waiting import until, until_read
from tests.servers.broker import Broker
from tests.servers.redis_server import RedisServer
from tests.servers.server import Program

PREFIX = ".venv/bin/crm-online "
SOMEBODY = "C17"


def test_worker_publish_and_segments_run_as_the_readme_says_and_erase_asks_the_workers(
    broker: Broker, redis_server: RedisServer, prefix: str, tmp_path: Path, root: Path
) -> None:
    blocks = [text for language, text in fenced.blocks(root / "README.md") if language == "shell"]
    assert len(blocks) == 1
    worker, publish, segments = (
        shlex.split(line.removeprefix(PREFIX).replace("redis://localhost:6379", redis_server.url))
        for line in blocks[0].splitlines()
    )
    made.write_jsonl(tmp_path / "events.jsonl")
    chosen = ["--set", f"kafka.brokers={broker.address}", "--set", f"kafka.prefix={prefix}"]
    command = [sys.executable, "-m", "crm_online", *worker, *chosen, "--set", "worker.listen=none"]
    env = {**os.environ, "PYTHONPATH": str(root)}
    with Program(command, tmp_path / "worker.log", cwd=tmp_path, env=env) as running:
        done = crm_online(tmp_path, *publish, *chosen)
        assert done.returncode == 0, done.stderr
        until_read(broker.client, redis_server, prefix)
        asked = crm_online(tmp_path, "erase", SOMEBODY, "--yes", "--json", "--state", redis_server.url, *chosen)
        assert asked.returncode == 0, asked.stderr
        assert json.loads(asked.stdout)["asked"] == f"{prefix}commands"
        until(lambda: somebody(redis_server) is False, "the workers were asked to erase, and have not")
        assert running.stop() == 0, running.last_lines()
    done = crm_online(tmp_path, *segments)
    assert done.returncode == 0, done.stderr
    with open_lookup(redis_server.url) as lookup:
        assert lookup.customers == made.CUSTOMERS - 1


def somebody(server: RedisServer) -> bool:
    """Tell whether the customer is there."""
    with open_lookup(server.url) as lookup:
        try:
            lookup.customer(SOMEBODY)
        except UnknownCustomer:
            return False
        return True
