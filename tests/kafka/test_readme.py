"""The README's commands on Kafka run as they stand there."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from crm_online.lookup import open_lookup
from tests.command import crm_online
from tests.docs import fenced, made
from tests.kafka.broker import Broker
from tests.kafka.processes import Process
from tests.kafka.redis_server import RedisServer
from tests.kafka.waiting import until_read

PREFIX = ".venv/bin/crm-online "


def test_worker_publish_and_segments_run_as_the_readme_says(
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
    running = Process(command, tmp_path / "worker.log", cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)})
    try:
        done = crm_online(tmp_path, *publish, *chosen)
        assert done.returncode == 0, done.stderr
        until_read(broker.client, redis_server, prefix)
        assert running.terminate(30) == 0, running.told()
    finally:
        if running.running:
            running.kill()
    done = crm_online(tmp_path, *segments)
    assert done.returncode == 0, done.stderr
    with open_lookup(redis_server.url) as lookup:
        assert lookup.customers == made.CUSTOMERS
