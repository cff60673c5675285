"""One partition's state in Redis: claim it, commit steps to it, read it, publish its outbox."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from crm_online.errors import HoleInLog, OwnerLost, PositionMoved, StateCorrupt, StoreUnavailable
from crm_online.step import ChangeId, Entry, Step, Topic
from crm_online.store import meta, reads, replies
from crm_online.store.client import RedisClient, Script
from crm_online.store.entries import TOPICS, decode
from crm_online.store.kept import KeptChanges, kept_changes
from crm_online.store.keys import (
    CHANGES,
    COMMITS,
    COMMITS_STARTED,
    META,
    OUTBOX,
    POSITIONS,
    PROBE,
    TOKEN,
    key,
)
from crm_online.store.program import Fences, keys_and_arguments

_T = TypeVar("_T")
_U = TypeVar("_U")
_V = TypeVar("_V")
_CLAIM: Final = Script.named("claim.lua")
_COMMIT: Final = Script.named("commit.lua")
_OUTBOX: Final = Script.named("outbox.lua")
_CHANGES: Final = Script.named("changes.lua")
_TRIM: Final = Script.named("trim.lua")
_EXCHANGE: Final = Script.named("exchange.lua")
_FIELDS: Final = 10_000
_SCANNED: Final = 2000


class PartitionStore:
    """The state of one partition; made by ``Store.partition``."""

    def __init__(self, client: RedisClient, partition: int, fences: Fences) -> None:
        self.partition = partition
        self._client = client
        self._fences = fences
        self._token = ""
        self._commits: int | None = None

    def claim(self, owner: str) -> dict[str, int]:
        """Take the partition over, and return the next position of each source: all other owners' commits are refused.

        Parameters
        ----------
        owner
            Who takes it, for messages; it need not be unique.

        Returns
        -------
        dict of str to int
            The positions; a source that is not there begins at 0.

        Raises
        ------
        StateCorrupt
            Its Redis lost part of a commit, and brought it back later (see ``commit.lua``).
        """
        token = f"{owner}:{secrets.token_hex(16)}"
        figures, positions = replies.as_list(
            self._client.run(_CLAIM, [self._key(name) for name in (META, POSITIONS, PROBE)], [token])
        )
        fields = replies.as_pairs(figures)
        commits = replies.as_int(fields.get(COMMITS, b"0"))
        if replies.as_int(fields.get(COMMITS_STARTED, b"%d" % commits)) != commits:
            raise self._torn()
        self._token, self._commits = token, commits
        return reads.as_positions(positions)

    def holds_claim(self) -> bool:
        """Ask Redis whether nobody has claimed the partition since this did."""
        return self.hash_get(META, [TOKEN]) == [self._token.encode()]

    def refuse_if_moved(self) -> None:
        """See that the partition is as the claim, and its last commit, left it.

        Raises
        ------
        OwnerLost, PositionMoved
            If it was claimed, or committed to, or put back in time since: what was read of it meanwhile need not be of
            one state.
        """
        token, commits = (found or b"" for found in self._mark())
        if token != self._token.encode():
            raise self._owner_lost(token.decode("utf-8", "replace"))
        if (count := replies.as_int(commits or b"0")) != self._commits:
            raise PositionMoved(
                f"partition {self.partition} has {count} commits, but this owner left it at {self._commits}"
            )

    def commit(self, step: Step) -> None:
        """Write all of a step, or nothing of it; the partition must be claimed.

        Raises
        ------
        OwnerLost, PositionMoved, HoleInLog
            A fence refused it; nothing was written. Drop the state in memory and claim again.
        StoreRefused, StateCorrupt
            Redis could not take it; nothing was written.
        StoreUnavailable
            The answer was lost: claim again; the positions then say whether it was done, and if it was not done until
            then, it is refused.
        """
        keys, args = keys_and_arguments(step, self._token, self._commits, self._fences)
        answer, *more = replies.as_byte_list(self._client.run(_COMMIT, keys, args))
        if answer != b"done":
            raise self._commit_error(step, answer, [item.decode("utf-8", "replace") for item in more])
        self._commits = replies.as_int(more[0])

    def hash_get(self, name: str, fields: Sequence[bytes]) -> list[bytes | None]:
        """Read fields of a hash, in their order; None for each that is not there."""
        found: list[bytes | None] = []
        for at in range(0, len(fields), _FIELDS):
            part = self._read(reads.hash_fields(self.partition, name, fields[at : at + _FIELDS]))
            found.extend(part)
        return found

    def hash_all(self, name: str) -> Iterator[tuple[bytes, bytes]]:
        """Give each field and value of a hash once, in no order, a few thousand a round trip."""
        seen: set[bytes] = set()
        cursor = 0
        while True:
            cursor, pairs = self._read(reads.hash_scan(self.partition, name, cursor, _SCANNED))
            # HSCAN may give a field again while Redis moves the hash to a larger table.
            fresh = [pair for pair in pairs.items() if pair[0] not in seen]
            seen.update(field for field, _ in fresh)
            yield from fresh
            if cursor == 0:
                return

    def put_field(self, name: str, field: bytes, value: bytes) -> None:
        """Set a field of a hash that no step writes."""
        self._client.call("HSET", self._key(name), field, value)

    def remove_fields(self, name: str, fields: Sequence[bytes]) -> None:
        """Remove fields of a hash that no step writes."""
        if fields:
            self._client.call("HDEL", self._key(name), *fields)

    def drop(self, name: str) -> None:
        """Delete a key; no claim is needed."""
        self._client.call("DEL", self._key(name))

    def hash_length(self, name: str) -> int:
        """Count the fields of a hash."""
        return self._read(reads.hash_length(self.partition, name))

    def list_range(self, name: str, first: int, last: int) -> list[bytes]:
        """Read a list from index ``first`` to ``last``, both included; -1 is the last one."""
        return self._read(reads.list_part(self.partition, name, first, last))

    def list_all(self, name: str, chunk: int = 1000) -> Iterator[bytes]:
        """Give a list's values in order, ``chunk`` a round trip."""
        first = 0
        while values := self.list_range(name, first, first + chunk - 1):
            yield from values
            first += len(values)

    def list_places(self, name: str, value: bytes) -> list[int]:
        """Find the indexes of a value in a list; Redis looks at the whole list."""
        places = self._client.call("LPOS", self._key(name), value, "COUNT", 0)
        return [replies.as_int(place) for place in replies.as_list(places)]

    def list_length(self, name: str) -> int:
        """Count the values of a list."""
        return self._read(reads.list_length(self.partition, name))

    def value(self, name: str) -> bytes | None:
        """Read a plain value, None if it is not there."""
        return self._read(reads.plain_value(self.partition, name))

    def state_meta(self) -> meta.StateMeta | None:
        """Read the description of the whole state; None where there is none."""
        return meta.read(self._client)

    def positions(self) -> dict[str, int]:
        """Read the next position of each source."""
        return self._read(reads.positions(self.partition))

    def together(self, one: reads.Read[_T], other: reads.Read[_U], *more: reads.Read[_V]) -> tuple[_T, _U, list[_V]]:
        """Do some reads (see ``reads``) between which nothing is committed, however busy the partition is.

        Redis does nothing else meanwhile; for what may take a while, there is :meth:`consistent_read`.
        """
        commands = [one.command, other.command, *(read.command for read in more)]
        first, second, *rest = self._client.together(commands)
        found = [read.decode(answer) for read, answer in zip(more, rest, strict=True)]
        return one.decode(first), other.decode(second), found

    def consistent_read(self, read: Callable[[PartitionStore], _T], tries: int = 20) -> _T:
        """Read until no commit came between the read's begin and end; ``read`` must consume what it reads.

        Raises
        ------
        StoreUnavailable
            Commits came during each of the ``tries``.
        """
        before = self._mark()
        for _ in range(tries):
            result = read(self)
            after = self._mark()
            if before == after:
                return result
            before = after
        raise StoreUnavailable(f"partition {self.partition} changed during each of {tries} reads: try again later")

    def outbox(self, after: int = 0, most: int | None = None) -> list[Entry]:
        """Read the entries after sequence number ``after``, in order, at most ``most``.

        Raises
        ------
        StateCorrupt
            Bytes that are not known, or a gap in the sequence.
        """
        keys = [self._key(META), self._key(OUTBOX)]
        reply = self._client.run(_OUTBOX, keys, [after, -1 if most is None else most])
        entries = [decode(data, self.partition) for data in replies.as_byte_list(reply)]
        for at, entry in enumerate(entries):
            if entry.sequence != entries[0].sequence + at:
                raise StateCorrupt(f"the outbox of partition {self.partition} has a gap before {entry.sequence}")
        return entries

    def changes(self, after: ChangeId | None = None, most: int | None = None) -> list[Entry]:
        """Read the changes that are kept, published or not, of all topics, in order; see :meth:`kept_changes`."""
        return self.kept_changes(after, most).entries

    def kept_changes(self, after: ChangeId | None = None, most: int | None = None) -> KeptChanges:
        """Read the kept changes after a change id, or all, at most ``most``, and which were trimmed.

        Those of customers who were erased since are blank (see ``entries.is_blank``).

        Raises
        ------
        StateCorrupt
            Bytes that are not known.
        """
        after = after or ChangeId(self.partition, 0, 0)
        keys = [self._key(META), *(self._key(CHANGES[topic]) for topic in TOPICS.values())]
        reply = self._client.run(_CHANGES, keys, [after.epoch, after.sequence, -1 if most is None else most])
        return kept_changes(reply, after, most)

    def exchange_rejects(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Put other bytes in the place of rejects that are kept, as far as they still are.

        No claim is needed: rejects are only added at the end and dropped at the beginning, and who owns the partition
        does not hold them.
        """
        for old, new in pairs:
            self._client.run(_EXCHANGE, [self._key(CHANGES[Topic.REJECTS])], [old, new])

    def trim(self, upto: int) -> int:
        """Drop the entries up to and with sequence number ``upto``, which were published; give how many went."""
        return replies.as_int(self._client.run(_TRIM, [self._key(META), self._key(OUTBOX)], [upto]))

    def _mark(self) -> list[bytes | None]:
        """Read what no commit leaves as it is; the token reveals a Redis that went back and on again."""
        return replies.as_value_list(self._client.call("HMGET", self._key(META), TOKEN, COMMITS))

    def _read(self, read: reads.Read[_T]) -> _T:
        return read.decode(self._client.call(*read.command))

    def _key(self, name: str) -> bytes:
        return key(self.partition, name)

    def _torn(self) -> StateCorrupt:
        return StateCorrupt(
            f"partition {self.partition} holds a part of a commit that was torn when {self._client.where} was killed: "
            "run redis-check-aof --fix over its AOF, or put a copy back (docs/operations.md: Redis)"
        )

    def _owner_lost(self, token: str) -> OwnerLost:
        here, taker = f"partition {self.partition}", token.rpartition(":")[0]
        return OwnerLost(
            f"another process (owner {taker}) has taken {here} over: a second replay or worker, erase, or a "
            "service that takes events; run one at a time, then this one goes on from its last commit"
            if taker
            else f"{here} is claimed by nobody"
        )

    def _commit_error(self, step: Step, answer: bytes, more: list[str]) -> Exception:
        here = f"partition {step.partition}"
        match answer, more:
            case b"owner", [token]:
                return self._owner_lost(token)
            case b"position", [at]:
                return PositionMoved(f"{here} is at {at} of {step.source}, but the step begins at {step.begin}")
            case b"commits", [count]:
                return PositionMoved(f"{here} has {count} commits, but this owner left it at {self._commits}")
            case b"sequence", [last]:
                return PositionMoved(f"{here} ends at change {last}, but the step goes on with another than the next")
            case b"hole", _:
                return HoleInLog(f"{here}: the step begins at {step.begin}, but its first record is at {step.first}")
            case b"torn", _:
                return self._torn()
            case b"kind", [name, kind]:
                return StateCorrupt(f"{name} is a {kind}, which no version of crm-online made it")
            case b"index", [name, length]:
                return StateCorrupt(f"{name} has {length} values: too few for the index that the step sets")
            case _:
                return StateCorrupt(f"{here}: the commit answered {answer!r} {more}")
