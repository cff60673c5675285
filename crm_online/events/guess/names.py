"""Names of columns, in the languages that exports are written in, by the field that they hold."""

from __future__ import annotations

import re
import unicodedata

FIELDS: dict[str, tuple[str, ...]] = {
    "time": (
        *(
            "order date",
            "purchase date",
            "transaction date",
            "sale date",
            "invoice date",
            "created at",
            "order created at",
        ),
        *(
            "date created",
            "created",
            "order time",
            "order ts",
            "event ts",
            "ts",
            "timestamp",
            "event time",
            "datetime",
            "date time",
            "ordered at",
        ),
        *("placed at", "paid at", "date purchased", "bestelldatum", "auftragsdatum", "rechnungsdatum", "belegdatum"),
        *("kaufdatum", "buchungsdatum", "erstellt am", "angelegt am", "datum", "zeitpunkt", "date de commande"),
        *("date commande", "date d achat", "fecha de pedido", "fecha pedido", "fecha", "data ordine", "data do pedido"),
        *(
            "data pedido",
            "besteldatum",
            "orderdatum",
            "data zamowienia",
            "date add",
            "date",
            "data",
            "time",
            "when",
            "at",
        ),
        *("day", "tag"),
    ),
    "customer_id": (
        *("customer id", "customer number", "customer no", "customer nr", "customer key", "client id", "user id"),
        *("member id", "member number", "buyer id", "account id", "id customer", "id client", "id cliente"),
        *(
            "kundennummer",
            "kundennr",
            "kunden nr",
            "kunden id",
            "kunde nr",
            "debitor",
            "debitorennummer",
            "auftraggeber",
        ),
        *(
            "sold to party",
            "sold to",
            "numero client",
            "n client",
            "klantnummer",
            "customer",
            "client",
            "kunde",
            "cliente",
        ),
        *("klant", "member", "buyer username", "buyer user id", "buyer", "kaufer", "user", "household id", "household"),
        *(
            "card id",
            "customer email",
            "buyer email",
            "billing email",
            "email",
            "e mail",
            "e mail adresse",
            "who",
            "shopper",
        ),
        *("guest", "account", "customer name", "buyer name", "kundenname"),
    ),
    "basket_id": (
        *(
            "order id",
            "order number",
            "order no",
            "order nr",
            "order name",
            "amazon order id",
            "sales order",
            "increment id",
        ),
        *("order increment id", "id order", "order reference", "order ref", "order", "invoice no", "invoice number"),
        *(
            "invoice id",
            "invoice",
            "receipt id",
            "receipt number",
            "receipt no",
            "receipt",
            "transaction id",
            "transaction",
        ),
        *("basket id", "basket", "ticket", "sales record number", "bestellnummer", "bestell nr", "bestellung"),
        *("auftragsnummer", "auftrag nr", "auftrag", "rechnungsnummer", "rechnung", "belegnummer", "beleg nr", "beleg"),
        *(
            "verkaufsbeleg",
            "bon nr",
            "bonnummer",
            "bon",
            "numero de commande",
            "n commande",
            "commande",
            "numero de pedido",
        ),
        *(
            "pedido",
            "numero ordine",
            "ordine",
            "bestelnummer",
            "ordernummer",
            "reference",
            "payment id",
            "cart id",
            "id",
        ),
    ),
    "item": (
        *("item name", "product name", "item title", "product title", "line item name", "lineitem name", "product"),
        *("item", "title", "item description", "product description", "artikelbezeichnung", "artikelname", "artikel"),
        *("produktname", "produkt", "materialbezeichnung", "material", "bezeichnung", "nom du produit", "produit"),
        *(
            "designation",
            "article",
            "nombre del producto",
            "producto",
            "articulo",
            "prodotto",
            "produto",
            "productnaam",
        ),
        *("name", "what", "goods", "description", "sku", "product id", "product sku", "item id", "item number"),
        *("product reference", "artikelnummer", "artikelnr", "artikel nr", "stock code", "product code", "asin"),
        *("product category", "category"),
    ),
    "quantity": (
        *(
            "quantity",
            "qty",
            "quantity purchased",
            "qty ordered",
            "quantity ordered",
            "ordered quantity",
            "product quantity",
        ),
        *("lineitem quantity", "item quantity", "order quantity", "menge", "bestellmenge", "auftragsmenge", "anzahl"),
        *("stuck", "stuckzahl", "quantite", "qte", "cantidad", "quantita", "quantidade", "aantal", "ilosc", "pieces"),
        *("units", "units sold", "count", "pcs", "n"),
    ),
    "price": (
        *("unit price", "price each", "price per unit", "unit price tax incl", "product price", "lineitem price"),
        *(
            "item unit price",
            "einzelpreis",
            "stuckpreis",
            "nettopreis",
            "preis",
            "prix unitaire",
            "prix",
            "precio unitario",
        ),
        *(
            "precio",
            "prezzo",
            "preco",
            "prijs",
            "cena",
            "item price",
            "selling price",
            "sale price",
            "sold for",
            "price",
        ),
        *("unit cost", "unit amount", "rate", "unit"),
    ),
    "amount": (
        *(
            "line total",
            "row total",
            "item total",
            "total price",
            "line amount",
            "net sales",
            "gross sales",
            "net amount",
        ),
        *(
            "gesamtpreis",
            "gesamtbetrag",
            "positionswert",
            "nettowert",
            "betrag",
            "summe",
            "umsatz",
            "gesamt",
            "montant",
        ),
        *(
            "importe",
            "totale",
            "valor",
            "bedrag",
            "amount",
            "sales",
            "revenue",
            "total",
            "sales value",
            "turnover",
            "value",
        ),
    ),
}
"""By field, normalised names, the likelier first."""

STATUS = (
    *("order status", "status", "financial status", "payment status", "order state", "current state", "item status"),
    *("bestellstatus", "auftragsstatus", "zahlungsstatus", "zustand", "statut", "statut de la commande", "etat"),
    *("estado", "stato", "state", "event type", "transaction type"),
)
"""Names of columns that say what became of an order."""

NO_SALE = re.compile(
    r"cancel|storn|refund|erstatt|reembols|rembours|rimbors|return|retour|fail|fehlgeschl|void|pending|unpaid|unbezahlt"
    r"|expired|reject|abgelehnt|annul|declin|draft|abandon|awaiting|ausstehend|offen|error|fraud|no sale|on hold"
    r"|cancelad|impaye|not paid",
    re.IGNORECASE,
)
"""What the state of an order says if it is no sale."""

TIME_OF_DAY = ("time", "uhrzeit", "zeit", "heure", "hora", "ora", "order time", "time of day", "tijd")
"""Names of columns that hold the time of day."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_WORD = re.compile(r"[^a-z0-9#]+")


_GENERIC = {"value", "amount", "name", "title"}
BESIDE = re.compile(
    r"\b(shipping|tax|taxes|vat|discount|fee|fees|versand|porto|steuer|mwst|rabatt|tva|iva|frais|envio)\b"
)
"""What a column of money is named after that is not that of a line."""
WITH = re.compile(r"\b(incl|including|inc|inkl|excl|excluding|ex|exkl|zzgl|before|after|with|without|net of)\b")
"""What makes it that of a line all the same: a price without tax."""


def normalised(name: str) -> str:
    """Return a column's name in lower case, without accents, its words apart.

    Examples
    --------
    >>> normalised("Stück_Preis (€)"), normalised("customerId"), normalised("Order #")
    ('stuck preis', 'customer id', 'order number')
    """
    plain = unicodedata.normalize("NFKD", _CAMEL.sub(" ", name))
    text = "".join(letter for letter in plain if not unicodedata.combining(letter)).lower().replace("ß", "ss")
    return " ".join(_NO_WORD.sub(" ", text).replace("#", " number ").split())


def likeness(name: str, wanted: tuple[str, ...]) -> float:
    """Return how well a column's name fits, from 0 to 2: above 1 if it is one of those wanted.

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
    for rank, one in enumerate(wanted):
        early = 1.0 - rank / len(wanted)
        if text == one or joined == one.replace(" ", ""):
            best = max(best, 1.0 + early)
        elif short == one:
            best = max(best, 0.98 + 0.9 * early)
        elif f" {one} " in f" {text} " and len(one) > 2:
            best = max(best, 0.9 * early * len(one) / len(text))
    return best
