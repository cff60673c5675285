"""Customers whose ids begin with a text, in capitals or not, by a scan of Redis's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crm_online.engine.engine import CUSTOMERS
from crm_online.store import Store
from crm_online.store.reads import hash_scan

_SCANNED: Final = 400_000
_COUNT: Final = 5000
_SPECIAL: Final = frozenset("*?[]^-\\")


@dataclass(frozen=True, slots=True)
class IdsFound:
    """Some ids.

    Attributes
    ----------
    ids
        The shortest first, equals by the alphabet; what was looked for as it stands comes first of all.
    complete
        Whether all customers were looked at, so that there are no others.
    """

    ids: list[str]
    complete: bool


def find_ids(store: Store, prefix: str, limit: int) -> IdsFound:
    """Return customers whose ids begin with a text; at most some hundred thousand customers are looked at.

    Raises
    ------
    StoreError
        If there is no state (``StateMissing``), or it cannot be read.
    """
    pattern, found, scanned, complete = _pattern(prefix), set[str](), 0, True
    for partition in range(store.meta().partitions):
        cursor = 0
        while True:
            if scanned >= _SCANNED or len(found) > 50 * limit:
                complete = False
                break
            (page,) = store.read_many([hash_scan(partition, CUSTOMERS, cursor, _COUNT, pattern)])
            cursor, pairs = page
            scanned += _COUNT
            found.update(name.decode("utf-8", "surrogatepass") for name in pairs)
            if cursor == 0:
                break
    ordered = sorted(found, key=lambda name: (name != prefix, len(name), name))
    return IdsFound(ordered[:limit], complete and len(ordered) <= limit)


def _pattern(prefix: str) -> bytes:
    r"""Return Redis's pattern of what begins with a text: ASCII letters in capitals or not, all else as it stands.

    Examples
    --------
    >>> _pattern("c1*"), _pattern("é").decode()
    (b'[cC]1\\**', 'é*')
    """
    signs = []
    for sign in prefix:
        if sign.isascii() and sign.isalpha():
            signs.append(f"[{sign.lower()}{sign.upper()}]")
        else:
            signs.append(f"\\{sign}" if sign in _SPECIAL else sign)
    return "".join([*signs, "*"]).encode("utf-8", "surrogatepass")
