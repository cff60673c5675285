"""A replay in another process than the one that holds the state: it is looked at meanwhile, and stopped any moment."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from crm_online.cli.replay_process import ReplayJob, replay_in_process
from crm_online.errors import CrmOnlineError
from crm_online.events.options import LogOptions
from crm_online.lookup import Lookup
from crm_online.replay import Progress, replay
from crm_online.settings import Settings
from crm_online.settings.model import ReplaySettings
from crm_online.store import Store, open_store
from tests.replay import shop

SETTINGS = Settings(replay=ReplaySettings(step=100))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop.write(tmp_path_factory.mktemp("log") / "shop.jsonl", shop.events(40, 60, seed=1))


def job(log: Path, store: Store, out: Path, *, preset: str = "native") -> ReplayJob:
    assert store.url is not None
    return ReplayJob(log, SETTINGS, store.url, preset, out, None)


def ended(_: Progress) -> None:
    """Interrupt, as Ctrl-C does."""
    raise KeyboardInterrupt


def test_the_state_is_read_while_it_is_replayed_and_ends_as_in_one_process(log: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    with open_store(tmp_path / "state") as store:

        def look(_: Progress) -> None:
            seen.append(Lookup(store).states[0].accepted)

        result = replay_in_process(job(log, store, tmp_path / "out"), look)
        digest = Lookup(store).verify()["digest"]
    assert result["accepted"] > seen[0] > 0
    replay(
        [log],
        settings=SETTINGS,
        state=str(tmp_path / "other"),
        options=LogOptions(preset="native"),
        out=tmp_path / "other-out",
    )
    with open_store(tmp_path / "other") as store:
        assert Lookup(store).verify()["digest"] == digest
    for name in ("segment-changes.jsonl", "rules.jsonl", "rejects.jsonl"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "other-out" / name).read_bytes()


def test_when_it_is_interrupted_no_process_is_left_and_it_goes_on_from_there(log: Path, tmp_path: Path) -> None:
    before = set(multiprocessing.active_children())  # services of other tests may be among them
    with open_store(tmp_path / "state") as store:
        with pytest.raises(KeyboardInterrupt):
            replay_in_process(job(log, store, tmp_path / "out"), ended)
        assert not set(multiprocessing.active_children()) - before
        done = Lookup(store).states[0].accepted
        again = replay_in_process(job(log, store, tmp_path / "out"), lambda _: None)
        assert 0 < done < done + again["accepted"] == Lookup(store).states[0].accepted


def test_what_fails_there_is_raised_here(log: Path, tmp_path: Path) -> None:
    with (
        open_store(tmp_path / "state") as store,
        pytest.raises(CrmOnlineError, match="did you mean native"),
    ):
        replay_in_process(job(log, store, tmp_path / "out", preset="natve"), lambda _: None)


def test_a_process_that_is_killed_is_reported_in_one_line(log: Path, tmp_path: Path) -> None:
    def kill(_: Progress) -> None:
        for child in multiprocessing.active_children():
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)

    with open_store(tmp_path / "state") as store, pytest.raises(CrmOnlineError, match="goes on from there"):
        replay_in_process(job(log, store, tmp_path / "out"), kill)
