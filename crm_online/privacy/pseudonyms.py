"""Pseudonyms: ids as HMAC-SHA-256 under a key of the operator's, with the key's id before it."""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hmac import HMAC
from pathlib import Path
from typing import Final, Self

from crm_online.errors import InputError

_BYTES: Final = 16
"""Bytes of the hash that are kept: 128 bits, of which a billion ids share none."""
_LEAST_SECRET: Final = 32
_LINE: Final = re.compile(r"([a-z0-9]{1,8})\s+(\S+)")
_FORM: Final = re.compile(r"([a-z0-9]{1,8})~[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Makes pseudonyms of ids; without keys, ids stay as they are.

    A pseudonym stays as it is: whoever has it only from a change can look it up.

    Attributes
    ----------
    keys
        Id and secret of each key, the one in force first; the others are older.

    Examples
    --------
    >>> pseudonyms = Pseudonyms((("k1", b"of the shop"),))
    >>> pseudonyms.of("C17")
    'k1~4VEXz5CVRHLkookWwQKXBg'
    >>> pseudonyms.of(pseudonyms.of("C17")) == pseudonyms.of("C17"), Pseudonyms().of("C17")
    (True, 'C17')
    """

    keys: tuple[tuple[str, bytes], ...] = ()
    _hashes: dict[str, HMAC] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A copy of a hash that has its key already takes half the time of a new one.
        hashes = {name: hmac.new(secret, digestmod="sha256") for name, secret in self.keys}
        object.__setattr__(self, "_hashes", hashes)

    def __bool__(self) -> bool:
        """Return whether ids become pseudonyms."""
        return bool(self.keys)

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """Return the pseudonyms by the keys of a file; without one, ids stay.

        Each line is the id of a key and its secret, such as ``k1 4f1c…``; the first line is in force, the others are
        keys of before.

        Raises
        ------
        InputError
            If the file cannot be read, or holds something else.
        """
        if path is None:
            return cls()
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise InputError(f"the keys of pseudonyms cannot be read: {path}: {why}") from None
        found = [_LINE.fullmatch(line) for line in lines if line and not line.startswith("#")]
        keys = tuple((match[1], match[2].encode()) for match in found if match)
        if len(keys) < len(found) or not keys or len({name for name, _ in keys}) < len(keys):
            raise InputError(
                f"{path} must have a key on each line: an id of up to 8 small letters and digits, each once, and a "
                "secret, such as k1 and what `openssl rand -hex 32` prints"
            )
        if any(len(secret) < _LEAST_SECRET for _, secret in keys):
            raise InputError(f"each secret of {path} must have {_LEAST_SECRET} characters or more")
        return cls(keys)

    def of(self, name: str) -> str:
        """Return the pseudonym of an id under the key in force."""
        if not self.keys or self._is_one(name):
            return name
        return self._hashed(name, self.keys[0][0])

    def every(self, name: str) -> list[str]:
        """Return the pseudonyms of an id under each key, that in force first."""
        if not self.keys or self._is_one(name):
            return [name]
        return [self._hashed(name, key) for key in self._hashes]

    def _is_one(self, name: str) -> bool:
        found = _FORM.fullmatch(name)
        return found is not None and found[1] in self._hashes

    def _hashed(self, name: str, key: str) -> str:
        hashed = self._hashes[key].copy()
        hashed.update(name.encode("utf-8", "surrogatepass"))
        return f"{key}~{urlsafe_b64encode(hashed.digest()[:_BYTES])[:-2].decode()}"


NO_PSEUDONYMS: Final = Pseudonyms()
"""Leaves ids as they are."""
