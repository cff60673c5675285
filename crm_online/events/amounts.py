"""Numbers as people and shops write them: with currency signs, with separators of thousands, with a decimal comma."""

from __future__ import annotations

import re
import unicodedata

from crm_online.events import models

POINT, COMMA = ".", ","
_SIGNS = "".join(chr(code) for code in range(0x2100) if unicodedata.category(chr(code)) == "Sc")
_CURRENCY = rf"(?:[A-Z]{{0,3}}[{_SIGNS}]|[A-Z]{{3}}|(?:kr|zł|Kč|Ft|lei|Fr|Rs)\.?)"
_AMOUNT = re.compile(
    rf"(?P<minus>[-\u2212(])?\s*(?:{_CURRENCY}\s*)?(?P<inner>[-\u2212])?(?P<digits>[\d.,'\u2019\s]*\d)"
    rf"(?P<after>[-\u2212])?(?:\s*{_CURRENCY})?(?P<close>\))?"
)
_SHAPES = {
    POINT: re.compile(r"(\d+|\d{1,3}(?:,\d{2,3})*,\d{3}|\d{1,3}(?:['\u2019\s]\d{3})+)?(?:\.(\d+))?"),
    COMMA: re.compile(r"(\d+|\d{1,3}(?:\.\d{2,3})*\.\d{3}|\d{1,3}(?:['\u2019\s]\d{3})+)?(?:,(\d+))?"),
}
_NO_DIGIT = re.compile(r"\D")


def amount(text: str, decimal: str = POINT) -> float | None:
    """Return the number that a text is, ``None`` if it is none.

    Parameters
    ----------
    text
        Any text.
    decimal
        What stands before the decimals, ``.`` or ``,``; the other one may stand between thousands. With a comma, a
        text that fits only with a point, such as ``1.0000``, is read so.

    Examples
    --------
    >>> amount("€1,234.50"), amount("1.234,50 €", ","), amount("-12.00 USD"), amount("(3.00)"), amount("1'000")
    (1234.5, 1234.5, -12.0, -3.0, 1000.0)
    >>> amount("2,50"), amount("2,50", ","), amount("1,234", ","), amount("1.0000", ","), amount("two")
    (None, 2.5, 1.234, 1.0, None)
    """
    if decimal == POINT and (plain := models.number(text)) is not None:
        return plain
    found = _AMOUNT.fullmatch(text.strip())
    shape = _SHAPES[decimal].fullmatch(found["digits"]) if found else None
    if not found or not shape or (found["minus"] == "(") != bool(found["close"]):
        return models.number(text.strip())
    whole, decimals = _NO_DIGIT.sub("", shape[1] or "0"), shape[2] or "0"
    value = float(f"{whole}.{decimals}")
    return -value if found["minus"] or found["inner"] or found["after"] else value
