"""A DataFrame is replayed as the same table in a file is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import crm_online
from crm_online.engine.stages import Stage
from crm_online.errors import InputError
from crm_online.events.options import LogOptions
from crm_online.replay import replay
from crm_online.settings import Settings

MAP = LogOptions(
    mapping={
        "customer_id": "client",
        "basket_id": "order",
        "time": "at",
        "item": "what",
        "quantity": "n",
        "price": "unit",
    }
)


def orders() -> pd.DataFrame:
    at = pd.date_range("2026-01-01", periods=40, freq="7h", tz="Europe/Berlin")
    number = pd.Series(range(40))
    return pd.DataFrame(
        {
            "client": number % 7,
            "order": number,
            "at": at,
            "what": number.map(lambda one: f"item {one % 5}"),
            "n": number % 3 + 1,
            "unit": number * 0.25,
        }
    )


def test_a_frame_gives_the_totals_of_its_rows_and_goes_on_when_it_has_grown(tmp_path: Path) -> None:
    frame, state = orders(), str(tmp_path / "state")
    first = replay(frame[:25], settings=Settings(), state=state, options=MAP)
    assert (first.accepted, first.rejected, first.position) == (25, 0, {"frame.csv": 25})
    second = replay(frame, settings=Settings(), state=state, options=MAP)
    assert (second.accepted, second.rejected, second.position) == (15, 0, {"frame.csv": 40})
    assert replay(frame, settings=Settings(), state=state, options=MAP).events == 0

    customers = crm_online.customers_frame(state).set_index("customer_id")
    worth = (frame.n * frame.unit).groupby(frame.client.astype(str)).sum()
    pd.testing.assert_series_equal(customers.spend.sort_index(), worth.sort_index(), check_names=False)
    last = frame.groupby(frame.client.astype(str))["at"].max().dt.tz_convert("UTC").astype("datetime64[ms, UTC]")
    assert customers.last_event.sort_index().tolist() == last.sort_index().tolist()


def test_a_frame_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rows"):
        replay(orders()[:0], settings=Settings(), state=str(tmp_path / "state"), options=MAP)


def test_a_replay_says_on_which_stages_it_spent_its_processor_time(tmp_path: Path) -> None:
    done = replay(orders(), settings=Settings(), state=str(tmp_path / "state"), options=MAP, out=tmp_path / "out")
    assert list(done.stages) == [stage.value for stage in Stage]
    assert all(micros > 0 for micros in done.stages.values())
