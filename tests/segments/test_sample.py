"""The sample is the customers with the smallest hashes, whatever the order, the batches and the partitions."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from crm_online.events.columns import hash64
from crm_online.segments.sample import Sample, merged
from crm_online.step import Put, Remove, Write

SIZE = 8
names = st.lists(st.integers(0, 200).map(lambda number: f"c{number}"), unique=True, max_size=40)


def smallest(customers: Iterable[str], size: int = SIZE) -> list[str]:
    """Sort all customers by hash, and take the first ones."""
    ordered = sorted(customers)
    hashes = hash64(ordered, "crm-online/sample").tolist()
    return [name for _, name in sorted(zip(hashes, ordered, strict=True))[:size]]


def apply(kept: dict[bytes, bytes], writes: Iterable[Write]) -> None:
    for write in writes:
        match write:
            case Put("sample", fields):
                kept.update(fields)
            case Remove("sample", fields):
                for name in fields:
                    del kept[name]
            case _:
                raise AssertionError(write)


def batches(customers: list[str], cuts: list[int]) -> list[list[str]]:
    ends = sorted({0, len(customers), *(cut for cut in cuts if cut < len(customers))})
    return [customers[begin:end] for begin, end in itertools.pairwise(ends)]


@given(customers=names, cuts=st.lists(st.integers(0, 40)))
def test_the_sample_is_those_with_the_smallest_hashes_and_the_store_holds_it(
    customers: list[str], cuts: list[int]
) -> None:
    sample, kept = Sample(SIZE), dict[bytes, bytes]()
    for batch in batches(customers, cuts):
        apply(kept, sample.offer(batch))
        again = Sample(SIZE)  # as after a crash
        again.load(kept.items())
        sample = again
    assert sorted(sample.hashes) == sorted(smallest(customers))
    assert {name.decode(): struct.unpack("<Q", value)[0] for name, value in kept.items()} == sample.hashes


@given(customers=names, where=st.integers(0, 10**6), partitions=st.sampled_from((1, 4)))
def test_samples_of_partitions_merge_into_that_of_everybody(customers: list[str], where: int, partitions: int) -> None:
    kept: list[dict[bytes, bytes]] = [{} for _ in range(partitions)]
    for number, stored in enumerate(kept):
        mine = [name for place, name in enumerate(customers) if (place * 7 + where) % partitions == number]
        apply(stored, Sample(SIZE).offer(mine))
    found = merged((stored.items() for stored in kept), SIZE)
    assert [name for _, name in found] == smallest(customers)
    assert all(name.encode() in kept[number] for number, name in found)


@given(customers=names, gone=st.lists(st.integers(0, 39), max_size=20))
def test_who_was_forgotten_is_out_and_may_come_back(customers: list[str], gone: list[int]) -> None:
    """Nobody was ever turned away here, so that the smallest are still known after some are forgotten."""
    customers = customers[:SIZE]
    sample, kept = Sample(SIZE), dict[bytes, bytes]()
    apply(kept, sample.offer(customers))
    left = [name for place, name in enumerate(customers) if place not in gone]
    for name in set(customers) - set(left):
        apply(kept, sample.forget(name))
        apply(kept, sample.forget(name))
    assert sorted(sample.hashes) == sorted(left)
    back = [*sorted(set(customers) - set(left)), *(f"new {number}" for number in range(30))]
    apply(kept, sample.offer(back))
    assert sorted(sample.hashes) == sorted(smallest([*left, *back]))
    assert {name.decode() for name in kept} == sample.hashes.keys()


def test_who_does_not_know_the_key_cannot_make_ids_that_are_sampled_first() -> None:
    """4,096 ids with small hashes, found in a second, took the place of nearly all real customers."""
    real = [f"C{number}" for number in range(2000)]
    forged = smallest((f"forged {number}" for number in range(200_000)), SIZE)  # by the key of the source code
    assert not set(smallest([*real, *forged], SIZE)) & set(real)
    sample = Sample(SIZE, key="a secret of the state")
    list(sample.offer([*real, *forged]))
    assert len(sample.hashes.keys() & set(forged)) < SIZE / 4
