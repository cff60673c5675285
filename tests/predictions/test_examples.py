"""Examples as bytes, and without the customers who are erased."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.predictions.examples import LabelledExamples


def made(customers: list[str]) -> LabelledExamples:
    n = len(customers)
    return LabelledExamples(
        target="purchase",
        customers=customers,
        x=np.arange(n * 3, dtype=np.float32).reshape(n, 3),
        btyd=np.full(n, 0.25, np.float32),
        predicted=np.full((n, 2), np.nan, np.float32),
        segment=np.arange(n, dtype=np.int16),
        moment=np.arange(n, dtype=np.int64),
        labelled_at=np.zeros(n, np.int64),
        y=np.full(n, np.nan, np.float32),
    )


@given(st.lists(st.text(min_size=1, max_size=4).filter(lambda name: name.isprintable()), max_size=5))
def test_examples_come_back_as_they_were(customers: list[str]) -> None:
    examples = made(customers).labelled(np.ones(len(customers), np.float32), 77)
    again = LabelledExamples.decode(examples.encode())
    assert again.encode() == examples.encode()
    assert again.customers == customers
    assert again.labelled_at.tolist() == [77] * len(customers)


def test_an_erased_customer_leaves_no_byte() -> None:
    left = made(["ann", "bob", "ann", "cy"]).without({"ann"})
    assert b"ann" not in left.encode()
    assert (left.customers, left.segment.tolist()) == (["bob", "cy"], [1, 3])


def test_examples_one_after_the_other_keep_their_order() -> None:
    both = LabelledExamples.concatenated([made(["ann"]), made(["bob", "cy"])])
    assert both.customers == ["ann", "bob", "cy"]
    assert both.x[:, 0].tolist() == [0, 0, 3]


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]\n", made(["ann"]).encode()[:-1], made(["ann"]).encode() + b"x"])
def test_bytes_that_are_no_examples_are_refused(raw: bytes) -> None:
    with pytest.raises(StateCorrupt):
        LabelledExamples.decode(raw)


def test_examples_of_a_newer_version_are_refused_as_such() -> None:
    with pytest.raises(StateTooNew):
        LabelledExamples.decode(made(["ann"]).encode().replace(b'"format":1', b'"format":2', 1))
