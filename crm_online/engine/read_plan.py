"""What the engine reads of the store before a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from crm_online.engine.replica import JournalCursor, StoredCounters


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """What a step reads of the store, but for the records of customers.

    Attributes
    ----------
    due
        Buckets of the due queue and how many entries to read of each.
    roster
        First and last index of the block of the roster that moves to the model in use, or ``None``.
    erased
        Customers to be found in the roster and the due queue, so that nothing of them stays.
    swept
        First and last index of the block of the roster in which idle customers are looked for, or ``None``.
    lists
        The names of the lists in which they are looked up.
    peers
        Whether the sums and the model of the other partitions are needed.
    observed
        Whether it is needed what the steps of the other partitions have shown.
    sample
        Whether the samples of all partitions are needed.
    counters
        Other partitions whose baskets and orders are needed, and how far these were read.
    spare
        How many of the partition's customers with the smallest hashes are needed, since some of its sample
        are erased; 0 for none.
    followed
        Of whom examples are taken, by slot of event time.
    expiring
        Whose examples are labelled.
    labelled
        The partitions whose labelled examples are needed.
    predictor
        The version of the predictor that is known; a newer one is needed. ``None``: none is.
    """

    due: Sequence[tuple[int, int]] = ()
    roster: tuple[int, int] | None = None
    erased: Sequence[str] = ()
    swept: tuple[int, int] | None = None
    lists: Sequence[str] = ()
    peers: bool = False
    observed: bool = False
    sample: bool = False
    counters: Mapping[int, JournalCursor] = field(default_factory=dict)
    spare: int = 0
    followed: Mapping[int, Sequence[str]] = field(default_factory=dict)
    expiring: Sequence[str] = ()
    labelled: Sequence[int] = ()
    predictor: int | None = None

    @property
    def example_customers(self) -> list[str]:
        """Customers of whom examples are taken or labelled."""
        return [*(name for names in self.followed.values() for name in names), *self.expiring]


@dataclass
class ReadResult:
    """What the store holds of what was planned.

    Attributes
    ----------
    due
        The entries read of each bucket, in the order of :attr:`ReadPlan.due`.
    roster, swept
        The blocks of the roster; an erased customer is an empty string.
    occurrences
        For each erased customer, the lists and indexes where the id is.
    customers
        Records by customer id, in the order in which the engine works on them.
    peers
        The sums of each partition, as bytes, by partition; ``None`` where there are none yet.
    observed
        What the steps of each other partition have shown so far, as bytes; ``None`` where there were none yet.
    model
        The newest model, as partition 0 stores it.
    sample
        The records of the sample over all partitions, in order of hash.
    counters
        Baskets and orders of other partitions.
    spare
        Who may take the places of erased customers in the sample.
    labelled
        The blocks of labelled examples, by partition.
    predictor
        The newest predictor, if it is newer than the one that is known.
    """

    due: list[list[str]] = field(default_factory=list)
    roster: list[str] = field(default_factory=list)
    swept: list[str] = field(default_factory=list)
    occurrences: list[tuple[str, int]] = field(default_factory=list)
    customers: dict[str, bytes | None] = field(default_factory=dict)
    peers: dict[int, bytes | None] = field(default_factory=dict)
    observed: dict[int, bytes | None] = field(default_factory=dict)
    model: bytes | None = None
    sample: list[bytes | None] = field(default_factory=list)
    counters: dict[int, StoredCounters] = field(default_factory=dict)
    spare: list[str] = field(default_factory=list)
    labelled: dict[int, list[bytes]] = field(default_factory=dict)
    predictor: bytes | None = None

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The place of each customer among those the engine works on."""
        return {customer: row for row, customer in enumerate(self.customers)}

    def customer_ids(
        self, events: Sequence[str], followed: Sequence[str] = (), erased: Sequence[str] = ()
    ) -> list[str]:
        """Return whose records a step reads, each once: of events, due, moving, followed, erased, swept.

        Parameters
        ----------
        events
            The customers of the step's events.
        followed
            Of whom examples are taken or labelled.
        erased
            Who is erased.
        """
        due = (customer for bucket in self.due for customer in bucket)
        ids = [*events, *due, *self.roster, *followed, *erased, *self.swept]
        return [customer for customer in dict.fromkeys(ids) if customer]
