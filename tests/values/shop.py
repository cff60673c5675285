"""What a replay of a simulated shop writes: with erasures and rejects in the log, refits, and rules that leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from crm_online.replay import replay
from crm_online.settings import load_settings
from crm_online.simulate import simulate
from crm_online.step import Topic

SETTINGS = (
    "replay.step=500",
    "replay.partitions=2",
    "segments.refit_gain=0.005",
    "itemsets.half_life=40d",
    "rules.every=100",
)


def write(folder: Path) -> dict[Topic, list[str]]:
    """Replay the shop in a folder; return the lines of each file of changes."""
    with (folder / "log.jsonl").open("w", encoding="utf-8") as log:
        for number, line in enumerate(simulate(400, 20_000, seed=3).lines()):
            log.write(line + "\n")
            event: dict[str, Any] = json.loads(line)
            if number % 997 == 990:
                erase = {"type": "erase", "customer_id": event["customer_id"], "time": event["time"]}
                log.write(json.dumps(erase) + "\n")
            if number % 1501 == 500:
                log.write(json.dumps(event | {"time": "yesterday"}) + "\n" + line[:30] + "\n")
    settings = load_settings(None, SETTINGS).settings
    replay([folder / "log.jsonl"], settings=settings, state=str(folder / "state"), out=folder / "out")
    return {topic: (folder / "out" / f"{topic}.jsonl").read_text(encoding="utf-8").splitlines() for topic in Topic}
