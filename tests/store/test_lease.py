"""A lease: only its holder writes and gives it up, and what was computed under one that has expired is not written."""

from __future__ import annotations

from crm_online.store import HashWrite, Store
from crm_online.store.keys import key
from tests.servers.embedded import admin, emptied

WRITE = [HashWrite("kept", "field", b"value")]


def written(store: Store) -> list[bytes | None]:
    return store.partition(0).hash_get("kept", [b"field"])


def test_what_was_computed_under_a_lease_that_has_expired_is_not_written(redis: Store) -> None:
    one, other = emptied(redis).lease("lease", 60.0), redis.lease("lease", 60.0)
    assert one.hold()
    assert not other.hold()
    expire(redis)
    assert not one.keep(WRITE), "nobody holds it, and others may have meanwhile"
    assert not one.lasts(0)
    assert one.hold()
    assert one.keep(WRITE)
    assert written(redis) == [b"value"]


def test_it_is_given_up_by_its_holder_only(redis: Store) -> None:
    late, holder = emptied(redis).lease("lease", 60.0), redis.lease("lease", 60.0)
    assert late.hold()
    expire(redis)  # though by its own clock it lasts
    assert holder.hold()
    late.release()
    assert holder.keep(WRITE), "the lease of another was given up"
    holder.release()
    assert late.hold()


def expire(store: Store) -> None:
    """Let the lease expire."""
    with admin(store) as client:
        assert client.delete(key(0, "lease"))
