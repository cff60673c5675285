"""Names of columns, in the languages that exports are written in, by the field that they hold."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from importlib.resources import files

_LEXICON = tomllib.loads(files(__package__).joinpath("lexicon.toml").read_text(encoding="utf-8"))

FIELDS: dict[str, tuple[str, ...]] = {field: tuple(names) for field, names in _LEXICON["fields"].items()}
"""By field, normalised names, the likelier first."""

STATUS: tuple[str, ...] = tuple(_LEXICON["columns"]["status"])
"""Names of columns that say what became of an order."""

EVENT: tuple[str, ...] = tuple(_LEXICON["columns"]["event"])
"""Names of columns that say what happened."""

SALE: frozenset[str] = frozenset(_LEXICON["words"]["sale"])
"""What such a column says of an order, normalised."""

TIME_OF_DAY: tuple[str, ...] = tuple(_LEXICON["columns"]["time_of_day"])
"""Names of columns that hold the time of day."""

NO_SALE = re.compile("|".join(_LEXICON["words"]["no_sale"]), re.IGNORECASE)
"""What the state of an order says if it is no sale."""

SURCHARGE = re.compile(rf"\b({'|'.join(_LEXICON['words']['surcharge'])})\b")
"""What a column of money is named after that is not that of a line."""

QUALIFIER = re.compile(rf"\b({'|'.join(_LEXICON['words']['qualifier'])})\b")
"""What makes it that of a line all the same: a price without tax."""

OF_ANYTHING = frozenset(_LEXICON["words"]["of_anything"])
"""Names of ids that may be those of anything, normalised."""

ORDER_STATE = re.compile("|".join(_LEXICON["words"]["order_state"]), re.IGNORECASE)
"""What the state of an order says if it is one."""

_TYPE = re.compile(
    r":(token|float|string|text|int|integer|long|double|number|date|datetime|timestamp|bool|boolean)(_seq)?$"
)
"""The type of a column, written after its name."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_WORD = re.compile(r"[^a-z0-9#]+")
_GENERIC = {"value", "amount", "name", "title"}


def normalised(name: str) -> str:
    """Return a column's name in lower case, without accents, its words apart.

    Examples
    --------
    >>> normalised("Stück_Preis (€)"), normalised("customerId"), normalised("Order #")
    ('stuck preis', 'customer id', 'order number')
    >>> normalised("user_id:token")
    'user id'
    """
    plain = unicodedata.normalize("NFKD", _CAMEL.sub(" ", _TYPE.sub("", name)))
    text = "".join(letter for letter in plain if not unicodedata.combining(letter)).lower().replace("ß", "ss")
    return " ".join(_NO_WORD.sub(" ", text).replace("#", " number ").split())


def likeness(name: str, names: tuple[str, ...]) -> float:
    """Return how well a column's name fits, from 0 to 2: above 1 if it is one of the names.

    Of a path the last words count most.

    Examples
    --------
    >>> likeness("Menge", ("quantity", "menge")) > 1 > likeness("Menge in kg", ("quantity", "menge")) > 0
    True
    """
    text = normalised(name)
    *outer, last = name.split(".")
    # The value of a price, and the name of a product, are the price and the product.
    short = normalised(outer[-1] if outer and normalised(last) in _GENERIC else last)
    joined = text.replace(" ", "")
    best = 0.0
    for rank, one in enumerate(names):
        early = 1.0 - rank / len(names)
        if text == one or joined == one.replace(" ", ""):
            best = max(best, 1.0 + early)
        elif short == one:
            best = max(best, 0.98 + 0.9 * early)
        elif f" {one} " in f" {text} " and len(one) > 2:
            best = max(best, 0.9 * early * len(one) / len(text))
    return best
