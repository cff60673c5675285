"""The AsyncAPI document is valid, whole, and that of the code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from crm_online.settings import Settings
from streams.topics import TOPICS, topic_name
from tests.docs.asyncapi import Document


@pytest.fixture(scope="module")
def document(root: Path) -> Document:
    """Return the document as it stands in the repository."""
    return Document((root / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))


def test_the_document_is_up_to_date(document: Document, root: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-X", "utf8", "scripts/asyncapi.py"],
        cwd=root,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    ).stdout
    assert document.content == yaml.safe_load(made), "run `make docs`"


def test_the_official_schema_has_nothing_against_it(document: Document) -> None:
    assert document.faults() == []


def test_the_official_schema_sees_what_is_wrong(root: Path) -> None:
    text = (root / "docs" / "asyncapi.yaml").read_text(encoding="utf-8")
    for right, wrong in (
        ("action: send", "action: publish"),
        ("asyncapi: 3.0.0", "asyncapi: 2.6.0"),
        ("- compact", "- shrink"),
        ("address: crm.rules", "adress: crm.rules"),
        ("type: integer", "type: whole number"),
    ):
        assert right in text
        assert Document(text.replace(right, wrong)).faults(), wrong


def test_every_reference_leads_somewhere_and_everything_is_referred_to(document: Document) -> None:
    references = set(document.references())
    for reference in references:
        document.at(reference)
    for kind in ("messages", "schemas"):
        for name in document.content["components"][kind]:
            assert f"#/components/{kind}/{name}" in references, name
    for name, channel in document.content["channels"].items():
        assert f"#/channels/{name}" in references, name
        for message in channel["messages"]:
            assert f"#/channels/{name}/messages/{message}" in references, message


def test_every_topic_is_a_channel(document: Document) -> None:
    addresses = [channel["address"] for channel in document.content["channels"].values()]
    assert addresses == [topic_name(Settings().kafka.prefix, topic) for topic in TOPICS]


def test_no_pattern_is_written_in_a_way_that_only_one_language_reads(document: Document) -> None:
    text = yaml.safe_dump(document.content)
    assert r"\p{" not in text
    assert r"\d" not in text
