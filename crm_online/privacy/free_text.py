"""Free text of persons: told from labels, and left out of what is kept of rejected rows."""

from __future__ import annotations

import re
from typing import Final

from crm_online.privacy.attributes import identifies, is_e_mail

LABEL_CHARACTERS: Final = 40
"""Characters of a label, at most."""
_LABEL_WORDS: Final = 3
_NO_LABEL: Final = re.compile(r"[@\d\n\r.!?,;:\"']")
LEFT_OUT: Final = "[left out]"
_FREE: Final = frozenset(("text", "reason", "note", "notes", "message", "comment", "comments", "feedback", "remarks"))
# Both are bounded, so that a row of nothing but quotes is read in a moment.
_TEXTS: Final = re.compile(r'("((?:[^"\\]|\\.){1,64})"\s{0,8}:\s{0,8})"((?:[^"\\]|\\.)*+)(?:"|\\?$)', re.DOTALL)


def label(text: str | None) -> str | None:
    """Return a reason that is a label, such as one picks from a list; ``None`` for what somebody wrote.

    A label has up to three words and 40 characters, without digits, e-mail addresses and the marks of sentences.

    Examples
    --------
    >>> label("late delivery"), label("wrong-item"), label("My order never came"), label("call 0731")
    ('late delivery', 'wrong-item', None, None)
    """
    if text is None or len(text) > LABEL_CHARACTERS or len(text.split()) > _LABEL_WORDS or _NO_LABEL.search(text):
        return None
    return text


def without_texts(raw: str) -> str:
    """Return what was sent in a row without free text and texts that identify, by the names that stand before them.

    It need not be JSON that is whole.

    Examples
    --------
    >>> without_texts('{"type":"feedback","score":7,"text":"I am Ada","firstName" : "Ada","town":"Ul')
    '{"type":"feedback","score":7,"text":"[left out]","firstName" : "[left out]","town":"Ul'
    """

    def replaced(found: re.Match[str]) -> str:
        name = found[2]
        leaves = name.casefold() in _FREE or identifies(name) or is_e_mail(found[3])
        return f'{found[1]}"{LEFT_OUT}"' if leaves else found[0]

    return _TEXTS.sub(replaced, raw)
