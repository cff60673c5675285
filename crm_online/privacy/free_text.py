"""Free text about persons: how it differs from labels, and how it is removed from rejected rows."""

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
# All are bounded or possessive, so that a row of nothing but quotes is read in a moment.
_NAME: Final = re.compile(r'"((?:[^"\\]|\\.){1,64})"\s{0,8}:\s{0,8}(?=["\[{\d-])', re.DOTALL)
_VALUE_PART: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?$)|[\[\]{}]|[^\s"\[\]{},]++', re.DOTALL)
_ADDRESS: Final = re.compile(r"[^\s@\"',;:<>()\[\]{}\\]{1,64}+(?:@|\\u0040)[^\s@\"',;:<>()\[\]{}\\]{1,255}")


def label(text: str | None) -> str | None:
    """Return a reason if it is a label, as picked from a list; ``None`` if it is free text.

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
    """Return a row as it was sent, without free text and identifying values, which are found by their field names.

    It need not be JSON that is whole. E-mail addresses are left out wherever they are.

    Examples
    --------
    >>> without_texts('{"type":"feedback","score":7,"text":"I am Ada","firstName" : "Ada","town":"Ul')
    '{"type":"feedback","score":7,"text":"[left out]","firstName" : "[left out]","town":"Ul'
    >>> without_texts('{"phone":491701234567,"name":["Ada",["L"]],"likes":["tea","ada@x.de"]}')
    '{"phone":"[left out]","name":"[left out]","likes":["tea","[left out]"]}'
    """
    parts, begin = list[str](), 0
    while found := _NAME.search(raw, begin):
        name, is_text = found[1], raw[found.end()] == '"'
        end = _end_of_value(raw, found.end())
        leaves = name.casefold() in _FREE or identifies(name) or (is_text and is_e_mail(raw[found.end() : end]))
        if not (leaves or is_text):
            end = found.end()  # names within a list or an object are looked at by themselves
        parts.append(raw[begin : found.end()] + f'"{LEFT_OUT}"' if leaves else raw[begin:end])
        begin = end
    return _ADDRESS.sub(_without_address, "".join(parts) + raw[begin:])


def _end_of_value(raw: str, begin: int) -> int:
    """Return where a text, a number, a list or an object ends; where the row does, if it is cut off."""
    depth = 0
    for part in _VALUE_PART.finditer(raw, begin):
        depth += (part[0] in ("[", "{")) - (part[0] in ("]", "}"))
        if depth <= 0:
            return part.end()
    return len(raw)


def _without_address(found: re.Match[str]) -> str:
    return LEFT_OUT if is_e_mail(found[0].replace("\\u0040", "@")) else found[0]
