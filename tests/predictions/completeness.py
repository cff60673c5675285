"""The examples of a state: complete, and none taken, kept or learned from twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from crm_online.engine.engine import CUSTOMERS, layout
from crm_online.engine.example_store import LABELLED, PENDING, decode_block
from crm_online.engine.state import NAME as STATE
from crm_online.engine.state import PartitionState
from crm_online.predictions import keys
from crm_online.predictions.examples import PURCHASE, LabelledExamples
from crm_online.predictions.predictor import Predictor
from crm_online.predictions.slots import EVERY, Slots
from crm_online.segments import sample
from crm_online.settings import Settings
from crm_online.store import PartitionStore, Store
from tests.engine.shop import DAY

_SETTLED = 2 * DAY
"""After a first purchase, in ms, it is in a step before that in which a slot begins."""


def wrong_examples(store: Store, settings: Settings, partitions: int) -> list[str]:
    """Return what is wrong with the examples of a state that is at rest, one line each.

    All customers must be in the sample, and no block dropped yet.
    """
    parts = [store.partition(number) for number in range(partitions)]
    raw = parts[0].value(keys.NAME)
    if raw is None:
        return ["nothing was learned"]
    predictor = Predictor.decode(raw)
    both = list(zip(parts, predictor.consumed, strict=True))
    found = [line for part, consumed in both for line in _wrong(part, settings, consumed)]
    learned = sum(
        len(block)
        for part, consumed in both
        for number, block in map(decode_block, part.list_range(LABELLED, 0, -1))
        if number < consumed and block.target == PURCHASE
    )
    judged = predictor.purchase.figures()
    if not judged or not 0 < judged[0].examples <= learned:
        found.append(f"models were judged by {judged[:1]}, of {learned} examples that were learned from")
    return found


def _wrong(part: PartitionStore, settings: Settings, consumed: int) -> Iterator[str]:
    raw = part.value(STATE)
    state = PartitionState.decode(raw)
    blocks = [decode_block(one) for one in part.list_range(LABELLED, 0, -1)]
    if [number for number, _ in blocks] != list(range(state.predictions.end)) or consumed > state.predictions.end:
        yield f"blocks {[number for number, _ in blocks]}, and {consumed} of {state.predictions.end} are learned from"
    pending = [LabelledExamples.decode(one) for name, one in part.hash_all(PENDING) if not name.startswith(b"outcome:")]
    labelled = [block for _, block in blocks if block.target == PURCHASE]
    taken = Counter(
        (name, int(moment))
        for block in (*pending, *labelled)
        for name, moment in zip(block.customers, block.moment.tolist(), strict=True)
    )
    yield from (f"{one} is an example twice" for one, count in taken.items() if count > 1)
    slots, codec, watermark = Slots(settings.predictions.horizon), layout(settings)[0], state.watermark or 0
    for field, value in part.hash_all(sample.NAME):
        name, phase = field.decode(), int.from_bytes(value, "little") % EVERY
        record = codec.decode(part.hash_get(CUSTOMERS, [field]))
        if record.purchases[0]:
            settled = slots.of(int(record.first_purchase[0]) + _SETTLED) + 1
            due = [slot for slot in range(settled, slots.of(watermark) + 1) if slot % EVERY == phase]
            yield from (f"no example of {name} in {slot}" for slot in due if (name, slots.moment(slot)) not in taken)
