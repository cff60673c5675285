"""What is written is a value of these models, all of it and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from crm_online.engine.changes import Reason
from crm_online.engine.divergence import Divergence
from crm_online.events.columns import Kind
from crm_online.rules.emitted import RuleChangeKind
from crm_online.step import Topic
from crm_online.store import Store
from crm_online.values import SEGMENT_LINE, Drift, PredictionChange, Reject, Rule, Segment, SegmentChange, SegmentGone
from crm_online.values.segments import EventType
from tests.engine import shop as made
from tests.engine.pipelines import LOG, Shop, settings

NUMBERS = re.compile(r"\d+-\d+-\d+", re.ASCII)
LINES: dict[Topic, TypeAdapter[Any]] = {
    Topic.SEGMENT_CHANGES: TypeAdapter(SegmentChange),
    Topic.SEGMENTS: SEGMENT_LINE,
    Topic.RULES: TypeAdapter(Rule),
    Topic.REJECTS: TypeAdapter(Reject),
    Topic.DRIFT: TypeAdapter(Drift),
    Topic.PREDICTIONS: TypeAdapter(PredictionChange),
}

DRIFT = {
    "change_id": "0-0-9",
    "what": "distances",
    "size": 0.5,
    "time": "2026-01-31T12:00:00Z",
    "since": "2026-01-21T12:00:00Z",
    "before": 1.0,
    "after": 1.5,
    "deviations": 6.1,
    "items": [],
}
"""A drift, in case that the shop has none."""


def test_every_line_of_a_replay_is_a_value_and_reads_back_to_the_same(written: dict[Topic, list[str]]) -> None:
    for topic, lines in written.items():
        for line in lines:
            value = LINES[topic].validate_json(line)
            again = LINES[topic].dump_json(value, by_alias=True, exclude_unset=True)
            assert list(json.loads(again).items()) == list(json.loads(line).items())


def test_the_replay_wrote_every_kind_of_value(written: dict[Topic, list[str]]) -> None:
    moves = [SegmentChange.model_validate_json(line) for line in written[Topic.SEGMENT_CHANGES]]
    assert {move.reason for move in moves} == {"event", "lapse", "refit", "erase"}
    assert any(move.from_ is None for move in moves)
    assert any(move.to is None for move in moves)
    assert {type(SEGMENT_LINE.validate_json(line)) for line in written[Topic.SEGMENTS]} == {Segment, SegmentGone}
    rules = [Rule.model_validate_json(line) for line in written[Topic.RULES]]
    assert {rule.change for rule in rules} == {"entered", "changed", "left"}
    rejects = [Reject.model_validate_json(line) for line in written[Topic.REJECTS]]
    assert {reject.field for reject in rejects} == {None, "time"}


def test_a_value_with_a_field_too_many_or_too_few_is_refused(written: dict[Topic, list[str]]) -> None:
    for topic, lines in written.items():
        whole = json.loads(lines[-1]) if lines else DRIFT
        wrong = [{key: one for key, one in whole.items() if key != name} for name in whole]
        for value in [*wrong, whole | {"more": 1}]:
            with pytest.raises(ValidationError):
                LINES[topic].validate_python(value)


def test_a_change_has_the_cause_that_its_reason_has(written: dict[Topic, list[str]]) -> None:
    by_reason = {value["reason"]: value for value in map(json.loads, written[Topic.SEGMENT_CHANGES])}
    for reason, value in by_reason.items():
        for other in by_reason.keys() - {reason}:
            with pytest.raises(ValidationError, match="cause"):
                SegmentChange.model_validate(value | {"cause": by_reason[other]["cause"]})


def test_the_words_of_the_values_are_those_of_the_engine() -> None:
    assert set(get_args(SegmentChange.model_fields["reason"].annotation)) == {reason.label for reason in Reason}
    assert set(get_args(Rule.model_fields["change"].annotation)) == set(RuleChangeKind)
    assert set(get_args(EventType)) == {kind.name.lower() for kind in Kind} - {"erase", "catalogue", "objection"}


def test_what_is_told_after_a_rewind_are_values_in_a_new_epoch(redis: Store) -> None:
    told = Shop(redis, settings()).all(made.made(60, 60, seed=2))
    rules = [entry.key for entry in told.entries if entry.topic is Topic.RULES]
    segments = [entry.key for entry in told.entries if entry.topic is Topic.SEGMENTS]
    divergence = Divergence(4, {"customer 001": "s99", "gone": "s1"}, frozenset([*segments, "s98"]), frozenset(rules))
    step = told.pipelines[0].republish(LOG, divergence)
    values = [LINES[entry.topic].validate_json(entry.value) for entry in step.entries]
    moves = [value for value in values if isinstance(value, SegmentChange)]
    assert [(move.from_, move.reason) for move in moves] == [("s99", "rewind"), ("s1", "rewind")]
    assert [isinstance(move.to, str) for move in moves] == [True, False]
    assert {value.change_id.split("-")[1] for value in values} == {"5"}
    assert any(isinstance(value, Rule) for value in values)


@given(st.text("0123456789- ٣", max_size=9) | st.from_regex(r"[0-9]+-[0-9]+-[0-9]+", fullmatch=True))
def test_a_change_id_is_three_numbers_in_ascii(text: str) -> None:
    try:
        SegmentGone(change_id=text, id="s1", model_version=1)
    except ValidationError:
        assert not NUMBERS.fullmatch(text)
    else:
        assert NUMBERS.fullmatch(text)
