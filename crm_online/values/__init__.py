"""The values on the topics that workers write, and in the JSONL files of a replay, as pydantic models.

For whoever reads them: the engine does not go through these models when it writes. The tests hold both together:
every line that a replay writes is one of these values. `docs/asyncapi.yaml` is made from them.

Examples
--------
>>> line = '{"change_id":"0-0-7","id":"s3","model_version":2}'
>>> SEGMENT_LINE.validate_json(line)
SegmentGone(change_id='0-0-7', id='s3', model_version=2)
"""

from crm_online.values.drift import Drift
from crm_online.values.predictions import PredictionChange
from crm_online.values.rejects import Reject
from crm_online.values.rules import Rule
from crm_online.values.segments import SEGMENT_LINE, Segment, SegmentChange, SegmentGone

__all__ = ["SEGMENT_LINE", "Drift", "PredictionChange", "Reject", "Rule", "Segment", "SegmentChange", "SegmentGone"]
