"""The examples of one partition: pending until their outcome is known, then kept in blocks for the owner."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence, Set

import numpy as np

from crm_online.engine.loaded import Loaded
from crm_online.engine.prediction_state import PredictionState
from crm_online.errors import StateCorrupt
from crm_online.predictions.examples import LabelledExamples
from crm_online.predictions.slots import PER_HORIZON
from crm_online.step import Append, Assign, Put, Remove, Shorten, Write

PENDING = "pending-examples"
LABELLED = "labelled-examples"
KEPT = 20_000
"""Labelled examples that are kept over all partitions, at most; more only where the owner has not read them yet."""
MOST_BLOCKS = 8 * PER_HORIZON
_NUMBER = struct.Struct("<Q")
_OUTCOMES = "outcome:"


class ExampleStore:
    """The examples of one partition. Labelled ones are not held in memory.

    Parameters
    ----------
    state
        Where they go on, changed in place.
    loaded
        What the store holds of the partition.
    partitions
        How many partitions there are.

    Attributes
    ----------
    pending
        Examples by slot whose outcome is not known yet.
    """

    def __init__(self, state: PredictionState, loaded: Loaded, partitions: int) -> None:
        self.pending: dict[int, LabelledExamples] = {}
        self._state, self._kept = state, max(KEPT // partitions, 1)
        self._outcomes: dict[str, LabelledExamples] = {}
        for field, raw in loaded.pending:
            name = field.decode()
            block = LabelledExamples.decode(raw)
            if name.startswith(_OUTCOMES):
                self._outcomes[name.removeprefix(_OUTCOMES)] = block
            else:
                self.pending[int(name)] = block
        self._changed: dict[str, LabelledExamples | None] = {}
        self._writes: list[Write] = []

    def take(self, slot: int, block: LabelledExamples) -> None:
        """Add examples whose outcome is not known yet."""
        self.pending[slot] = self._changed[str(slot)] = block

    def label(self, slot: int, block: LabelledExamples) -> None:
        """Keep the examples of a slot with their labels."""
        del self.pending[slot]
        self._changed[str(slot)] = None
        self._keep(block)

    def gathered(self, target: str) -> int:
        """Return how many outcomes of a target there are since the slot began."""
        return len(self._outcomes[target]) if target in self._outcomes else 0

    def gather(self, example: LabelledExamples) -> None:
        """Add an outcome to those of its slot."""
        target = example.target
        before = [self._outcomes[target]] if target in self._outcomes else []
        block = LabelledExamples.concatenated([*before, example])
        self._outcomes[target] = self._changed[f"{_OUTCOMES}{target}"] = block

    def flush_outcomes(self, now: int) -> None:
        """Keep the outcomes of the slot that has ended, known by ``now``, in ms."""
        for target in sorted(self._outcomes):
            self._changed[f"{_OUTCOMES}{target}"] = None
            block = self._outcomes.pop(target)
            self._keep(block.labelled(block.y, now))

    def forget(self, customers: Set[str], stored: Sequence[bytes]) -> None:
        """Remove the examples of erased customers.

        Parameters
        ----------
        customers
            Who they are.
        stored
            The labelled examples as the store holds them.
        """
        for slot, block in self.pending.items():
            if not customers.isdisjoint(block.customers):
                self.pending[slot] = self._changed[str(slot)] = block.without(customers)
        for target, block in self._outcomes.items():
            self._outcomes[target] = self._changed[f"{_OUTCOMES}{target}"] = block.without(customers)
        for index, raw in enumerate(stored):
            number, block = decode_block(raw)
            left = block.without(customers)
            if len(left) < len(block):
                self._state.sizes[index] = len(left)
                self._writes.append(Assign(LABELLED, index, _NUMBER.pack(number) + left.encode()))

    def trim(self, consumed: int) -> None:
        """Drop the oldest blocks beyond the bounds, as far as the owner has read them: up to block ``consumed``."""
        state, count = self._state, 0
        total = sum(state.sizes)
        while (
            state.first + count < consumed
            and count < len(state.sizes)
            and (total > self._kept or len(state.sizes) - count > MOST_BLOCKS)
        ):
            total -= state.sizes[count]
            count += 1
        if count:
            state.first += count
            del state.sizes[:count]
            self._writes.append(Shorten(LABELLED, count))

    def writes(self) -> Iterator[Write]:
        """Yield what has changed since the last call."""
        fields = {name.encode(): block.encode() for name, block in self._changed.items() if block is not None}
        gone = [name.encode() for name, block in self._changed.items() if block is None]
        if fields:
            yield Put(PENDING, fields)
        if gone:
            yield Remove(PENDING, gone)
        yield from self._writes
        self._changed, self._writes = {}, []

    def _keep(self, block: LabelledExamples) -> None:
        self._writes.append(Append(LABELLED, [_NUMBER.pack(self._state.end) + block.encode()]))
        self._state.sizes.append(len(block))


def decode_block(raw: bytes) -> tuple[int, LabelledExamples]:
    """Return number and examples of a block of labelled ones, as the store holds it.

    Raises
    ------
    StateTooNew, StateCorrupt
        If a newer version, or none, wrote it.
    """
    if len(raw) < _NUMBER.size:
        raise StateCorrupt("a block of labelled examples cannot be read")
    return _NUMBER.unpack_from(raw)[0], LabelledExamples.decode(raw[_NUMBER.size :])


def ordered(examples: Sequence[LabelledExamples]) -> LabelledExamples | None:
    """Return examples of one target in the order in which their labels became known; ``None`` if there are none."""
    if not examples:
        return None
    every = LabelledExamples.concatenated(examples)
    return every.take(np.lexsort((np.array(every.customers), every.moment, every.labelled_at)))
