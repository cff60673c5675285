"""Which attributes of a profile are kept: the listed ones, or all that do not identify a person."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_E_MAIL: Final = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")
IDENTIFYING: Final = frozenset(
    (
        "name",
        "surname",
        "forename",
        "firstname",
        "lastname",
        "fullname",
        "username",
        "nickname",
        "login",
        "mail",
        "email",
        "phone",
        "telephone",
        "tel",
        "mobile",
        "cellphone",
        "fax",
        "whatsapp",
        "address",
        "street",
        "zip",
        "zipcode",
        "postcode",
        "postal",
        "birthday",
        "birthdate",
        "birth",
        "dob",
        "iban",
        "bic",
        "ssn",
        "passport",
        "password",
        "ip",
        "vorname",
        "nachname",
        "anschrift",
        "adresse",
        "strasse",
        "straße",
        "telefon",
        "handy",
        "plz",
        "geburtstag",
        "geburtsdatum",
        "nom",
        "prenom",
        "prénom",
        "courriel",
        "rue",
        "nombre",
        "apellido",
        "apellidos",
        "correo",
        "telefono",
        "teléfono",
        "direccion",
        "dirección",
        "calle",
    )
)
"""Words in an attribute's name by which its values identify somebody."""
_ENDS: Final = (
    *("name", "mail", "phone", "address", "street", "birthday", "birthdate", "passport", "password"),
    *("adresse", "anschrift", "strasse", "telefon", "prenom", "telefono", "direccion"),
)
"""Ends of compounds that identify; shorter ones are ends of other words (hotel, automobile)."""
_NUMBERS: Final = ("number", "nummer", "num", "no", "nr", "line", "code")
"""Ends of compounds that identify by what is before them."""
_PLURALS: Final = ("", "s", "es", "n")


def identifies(name: str) -> bool:
    """Return whether a field identifies a person, judged by the words of its name.

    Examples
    --------
    >>> identifies("firstName"), identifies("e-mail"), identifies("EMAIL_ADDRESS"), identifies("billing.phone2")
    (True, True, True, True)
    >>> identifies("PHONENUMBER"), identifies("streetaddress"), identifies("phones"), identifies("addresses")
    (True, True, True, True)
    >>> identifies("hotel"), identifies("automobile"), identifies("news")
    (False, False, False)
    >>> identifies("household_size"), identifies("country"), identifies("shipping_zone")
    (False, False, False)
    """
    words = [word.casefold() for word in _WORDS.findall(name)]
    return any(
        _is_identifying(word.removesuffix(plural)) for word in words for plural in _PLURALS if word.endswith(plural)
    )


def _is_identifying(word: str) -> bool:
    return word in IDENTIFYING or word.endswith(_ENDS) or any(word.removesuffix(end) in IDENTIFYING for end in _NUMBERS)


def is_e_mail(value: object) -> bool:
    """Return whether a text, or one of a list of texts, has an e-mail address."""
    texts = value if isinstance(value, list) else [value]
    return any(isinstance(text, str) and _E_MAIL.search(text) for text in texts)


@dataclass(frozen=True, slots=True)
class AttributeFilter:
    """Keeps some attributes of profiles.

    Attributes
    ----------
    listed
        The names of attributes that are kept; ``None``: all but those whose name or value identifies somebody.

    Examples
    --------
    >>> AttributeFilter().kept({"town": "Ulm", "email": "a@b.de", "contact": "a@b.de"})
    {'town': 'Ulm'}
    >>> AttributeFilter({"email"}).kept({"town": "Ulm", "email": "a@b.de"})
    {'email': 'a@b.de'}
    """

    listed: Collection[str] | None = None

    def kept(self, attributes: Mapping[str, object]) -> dict[str, object]:
        """Return the attributes that are kept."""
        if self.listed is not None:
            return {name: value for name, value in attributes.items() if name in self.listed}
        return {name: value for name, value in attributes.items() if not identifies(name) and not is_e_mail(value)}


KEEP_HARMLESS: Final = AttributeFilter()
"""Keeps all attributes but those that identify somebody."""
