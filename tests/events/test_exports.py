"""Exports as tools write them: what `replay --check` prints reads all the orders."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crm_online.cli.options import log_options
from crm_online.events.columns import Kind
from crm_online.events.guess import check
from crm_online.events.in_order import in_order
from crm_online.events.options import NO_OPTIONS, LogOptions
from tests.command import printed
from tests.events.exports import EXPORTS, Export, export
from tests.events.reading import Read, read_as

NOT_IN_ORDER = {"shopify, newest first", "stripe dashboard"}


def options_of(command: str) -> tuple[str, LogOptions]:
    """Return the path and the options of a printed command, as the command line reads them."""
    found: dict[str, list[str]] = {}
    program, name, path, *words = shlex.split(command)
    assert (program, name) == ("crm-online", "replay")
    sort = "--in-order" in words
    words = [word for word in words if word != "--in-order"]
    for option, value in zip(words[::2], words[1::2], strict=True):
        found.setdefault(option, []).append(value)
    one = {option: found[option][0] if option in found else None for option in ("--preset", "--sep", "--time-format")}
    decimal = found.get("--decimal", [None])[0]
    options = log_options(
        one["--preset"], found.get("--map"), one["--sep"], one["--time-format"], decimal, found.get("--where")
    )
    return path, replace(options, in_order=sort)


def recount(path: Path, found: Read) -> Export:
    """Return what was read as an export tells it."""
    events = found.events
    assert set(events.kind.tolist()) == {Kind.PURCHASE}
    pairs = zip(events.basket.tolist(), events.event_ids, strict=True)
    ids = {events.baskets[code] if code >= 0 else name for code, name in pairs}
    worth = float(np.sum(events.quantity * events.price))
    return Export(path, len(ids), len(events.customers), worth, int(events.time.min()))


@pytest.mark.parametrize("name", EXPORTS)
def test_the_command_that_a_check_prints_reads_all_orders(tmp_path: Path, name: str) -> None:
    expected = export(tmp_path, name)
    path, options = options_of(check(expected.path, NO_OPTIONS).command())
    assert path == str(expected.path)
    for size in (2000, 7):
        found = recount(expected.path, read_as(expected.path, options, size=size))
        assert found._replace(worth=0) == expected._replace(worth=0)
        assert found.worth == pytest.approx(expected.worth)
    assert options.in_order == (name in NOT_IN_ORDER)
    if options.in_order:
        with in_order([expected.path], options) as ordered:
            found = recount(expected.path, read_as(ordered.path, NO_OPTIONS))
        assert found._replace(worth=0) == expected._replace(worth=0)
        assert found.worth == pytest.approx(expected.worth)
    whole, begun = read_as(expected.path, options), read_as(expected.path, options, begin=11, size=4)
    assert begun.events.event_ids == whole.events.select(whole.events.position >= 11).event_ids
    customers = whole.events.select(whole.events.position >= 11)
    assert [begun.events.customers[code] for code in begun.events.customer.tolist()] == [
        customers.customers[code] for code in customers.customer.tolist()
    ]


@pytest.mark.parametrize("name", ["shopify, newest first", "magento", "ga4 parquet"])
def test_run_as_printed_it_ends_with_the_right_totals(tmp_path: Path, name: str) -> None:
    expected = export(tmp_path, name)
    told = json.loads(printed(tmp_path, "replay", "--check", expected.path.name, "--state", "shop", "--json"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [expected.path.name]
    program, *arguments = shlex.split(told["command"])
    assert (program, arguments[-2:]) == ("crm-online", ["--state", "shop"])
    done = json.loads(printed(tmp_path, *arguments, "--json"))
    assert (done["customers"], done["baskets"]) == (expected.customers, expected.orders)
    again = json.loads(printed(tmp_path, *arguments, "--json"))
    assert again["events"] == 0
