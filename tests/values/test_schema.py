"""What a replay writes fits docs/asyncapi.yaml, for those who read it without our models."""

from __future__ import annotations

import json
from pathlib import Path

from crm_online.step import Topic
from tests.docs.asyncapi import Document

MESSAGES = {
    Topic.SEGMENT_CHANGES: "segmentChange",
    Topic.SEGMENTS: "segment",
    Topic.RULES: "rule",
    Topic.REJECTS: "reject",
    Topic.DRIFT: "drift",
    Topic.PREDICTIONS: "prediction",
}


def test_every_line_fits_the_schema_of_its_topic(written: dict[Topic, list[str]], root: Path) -> None:
    document = Document((root / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
    for topic, lines in written.items():
        validator = document.validator(MESSAGES[topic])
        for line in lines:
            value = json.loads(line)
            gone = topic is Topic.SEGMENTS and "name" not in value
            assert validator.is_valid(value) != gone, line
        assert not validator.is_valid({"change_id": "0-0-1"})
