"""What Python has in addition to the command line: moments of any kind, changes, and a tree that scipy reads."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest
from scipy.cluster.hierarchy import dendrogram, fcluster, is_valid_linkage

import crm_online
from crm_online.errors import InputError
from crm_online.lookup.moments import Moment, milliseconds
from tests.command import printed
from tests.replay import shop

EAST = timezone(timedelta(hours=5))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("python")
    shop.write(folder / "shop.jsonl", shop.events(40, 60, seed=1))
    printed(folder, "replay", "shop.jsonl", "--set", "segments.min_customers=20", "--set", "segments.k=4")
    return str(folder / ".crm-online")


@pytest.mark.parametrize(
    "moment",
    [
        "2024-02-01",
        "2024-02-01T05:00:00+05:00",
        date(2024, 2, 1),
        datetime(2024, 2, 1),
        datetime(2024, 2, 1, 5, tzinfo=EAST),
        pd.Timestamp("2024-02-01"),
        pd.Timestamp("2024-02-01", tz="UTC"),
        1_706_745_600_000,
    ],
)
def test_a_moment_may_be_given_as_python_has_it(moment: Moment) -> None:
    assert milliseconds(moment) == datetime(2024, 2, 1, tzinfo=UTC).timestamp() * 1000


@pytest.mark.parametrize("moment", ["yesterday", pd.NaT, 1.5, True, b"2024"])
def test_what_is_no_moment_is_refused(moment: Moment) -> None:
    with pytest.raises(InputError, match="is not a time"):
        milliseconds(moment)


def test_frames_take_any_moment(state: str) -> None:
    at = pd.Timestamp("2024-12-01")
    pd.testing.assert_frame_equal(
        crm_online.segments_frame(state, as_of=at), crm_online.segments_frame(state, as_of="2024-12-01")
    )
    assert len(crm_online.customers_frame(state, as_of=at.date())) > 30


def test_changes_are_a_frame(state: str) -> None:
    found = crm_online.changes_frame(state)
    assert {"customer_id", "from", "to", "reason", "time", "cause"} <= set(found.columns)
    assert len(found) >= 30
    assert isinstance(found["time"].dtype, pd.DatetimeTZDtype)
    assert len(crm_online.changes_frame(state, topic="segments")) >= 4


@pytest.mark.parametrize("of", ["segments", "customers"])
@pytest.mark.parametrize("linkage", ["average", "ward", "complete"])
def test_scipy_draws_and_cuts_the_tree(state: str, linkage: str, of: str) -> None:
    matrix, ids = crm_online.linkage_matrix(state, linkage=linkage, of=of)
    assert is_valid_linkage(matrix)
    assert sorted(dendrogram(matrix, labels=ids, no_plot=True)["ivl"]) == sorted(ids)
    assert len(set(fcluster(matrix, 3, "maxclust").tolist())) == 3


def test_types_are_shipped(root: Path) -> None:
    assert (root / "crm_online" / "py.typed").exists()
    assert (root / "streams" / "py.typed").exists()


def test_the_error_of_the_client_names_the_extra_it_needs(root: Path) -> None:
    hidden = (
        "import importlib.util as u; f = u.find_spec; "
        "u.find_spec = lambda name, *more: None if name == 'httpx' else f(name, *more); import crm_online.client"
    )
    done = subprocess.run([sys.executable, "-c", hidden], cwd=root, capture_output=True, text=True, check=False)
    line = "ImportError: crm_online.client needs an extra: pip install 'crm-online[client]'"
    assert done.stderr.splitlines()[-1] == line
