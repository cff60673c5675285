"""Which column of a log holds which field: by its name, and by what is in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isclose

from crm_online.events.amounts import COMMA, POINT, amount
from crm_online.events.columns import KINDS
from crm_online.events.first_rows import FirstRows
from crm_online.events.guess import lexicon
from crm_online.events.guess.lexicon import likeness, normalised
from crm_online.events.guess.time_formats import ENOUGH, days_of, time_format_of
from crm_online.events.models import MAX_ID
from crm_online.events.options import LogOptions

_ORDER = ("time", "basket_id", "customer_id", "quantity", "price", "amount", "item")
_MOST_STATES = 30
_SHARED = 0.9
_OF_ONE_DAY = 0.7
_LEAST = 0.25
_LINE = ("item", "quantity", "price", "amount")


def guess_columns(rows: FirstRows) -> LogOptions:
    """Return the mapping, formats and filter of a log; without ``time`` in the mapping no column seems to hold any."""
    decimal = _decimal_of(rows)
    mapping: dict[str, str] = {}
    days: list[object] = []
    for field in _ORDER:
        if field == "amount" and "price" in mapping:
            continue
        found = _column_of(field, rows, set(mapping.values()), decimal, days)
        if found:
            mapping[field] = found
        if field == "time" and found:
            days = days_of(rows.columns[found], time_format_of(rows.filled(found), comma=decimal == COMMA))
    _price_or_amount(rows, mapping, decimal)
    time_format = None
    if "time" in mapping:
        time_format = time_format_of(rows.filled(mapping["time"]), comma=decimal == COMMA)
        mapping["time"], time_format = _with_time_of_day(rows, mapping["time"], time_format)
    if "basket_id" not in mapping and (basket := _together(rows, mapping)):
        mapping["basket_id"] = basket
    if kinds := _kinds_of(rows):
        mapping["type"] = kinds
    where = () if "type" in mapping else _orders_of(rows) or sales_of(rows, mapping.get("quantity"), decimal)
    ordered = {name: mapping[name] for name in ("type", "customer_id", "basket_id", "time", *_LINE) if name in mapping}
    decimals = COMMA if decimal == COMMA else None
    return LogOptions(mapping=ordered, time_format=time_format or None, decimal=decimals, where=where)


def _orders_of(rows: FirstRows) -> tuple[tuple[str, str], ...]:
    """Return what keeps only the orders of a log in which other things happen too."""
    for name in rows.columns:
        if name in rows.listed or likeness(name, lexicon.EVENT) <= 1:
            continue
        happened = list(dict.fromkeys(rows.texts(name)))
        orders = [one for one in happened if normalised(one) in lexicon.SALE]
        if 0 < len(orders) < len(happened) <= _MOST_STATES:
            return tuple((name, one) for one in orders)
    return ()


def sales_of(rows: FirstRows, quantity: str | None, decimal: str) -> tuple[tuple[str, str], ...]:
    """Return what keeps the rows that are no sales out: each value of a state that says so, but for returns.

    Returns have a quantity below 0: those rows are kept.
    """
    named = [(likeness(name, lexicon.STATUS), name) for name in rows.columns if name not in rows.listed]
    for score, name in sorted(named, key=lambda one: -one[0]):
        if score <= 0.9:
            break
        states = list(dict.fromkeys(rows.texts(name)))
        if not 1 < len(states) <= _MOST_STATES:
            continue
        bad = [state for state in states if lexicon.NO_SALE.search(state)]
        bad = [state for state in bad if not _returns(rows, name, state, quantity, decimal)]
        if bad and len(bad) < len(states):
            return tuple((f"{name}!", state) for state in bad)
    return ()


def decimal_of(texts: Sequence[str]) -> str:
    """Return what stands before the decimals of numbers: a point, unless more of them are numbers with a comma."""
    points = sum(amount(text) is not None for text in texts)
    commas = sum("," in text and amount(text, COMMA) is not None for text in texts)
    whole = sum(amount(text, COMMA) is not None for text in texts)
    return COMMA if commas and whole > points else POINT


def _decimal_of(rows: FirstRows) -> str:
    texts = []
    for field in ("price", "amount", "quantity"):
        names = [name for name in rows.columns if likeness(name, lexicon.FIELDS[field]) > 0.3]
        texts += [text for name in names for text in rows.texts(name)]
    return decimal_of(texts)


def _column_of(field: str, rows: FirstRows, used: set[str], decimal: str, days: Sequence[object]) -> str | None:
    """Return the column that holds a field: the likeliest by its name of those whose cells could be it.

    ``days`` is the day of each row, empty where no time was found.
    """
    scored = [(_score(field, name), name) for name in rows.columns if name not in used]
    for score, name in sorted(scored, key=lambda one: -one[0]):
        if score <= _LEAST:
            break
        if field not in _LINE and name in rows.listed:
            continue
        certain = score > 1 and normalised(name) not in lexicon.OF_ANYTHING
        if field == "basket_id" and not certain and not _of_one_day(rows.columns[name], days):
            continue
        if _could_be(field, rows, name, decimal):
            return name
    if field == "time":
        return next((name for name in rows.columns if name not in rows.listed and _is_dated(rows, name)), None)
    return None


def _score(field: str, name: str) -> float:
    """Return how well a column's name fits a field; the words of an amount count wherever they stand."""
    score = likeness(name, lexicon.FIELDS[field])
    if field not in ("price", "amount") or score > 1:
        return score
    if lexicon.SURCHARGE.search(normalised(name)) and not lexicon.QUALIFIER.search(normalised(name)):
        return 0.0
    return max(score, 2 * _LEAST if score > 0 else 0.0)


def _is_dated(rows: FirstRows, name: str) -> bool:
    """Return whether all cells of a column, whatever its name is, are times that cannot be anything else."""
    texts = rows.texts(name)
    return len(texts) >= ENOUGH * rows.count > 0 and len(texts[0]) > 7 and time_format_of(texts) == ""


def _of_one_day(cells: Sequence[object], days: Sequence[object]) -> bool:
    """Return whether rows with the same cell are of one day: those of a customer, or of a state, are of many."""
    pairs = {pair for pair in zip(map(str, cells), days, strict=False) if None not in pair}
    return len({cell for cell, _ in pairs}) >= _OF_ONE_DAY * len(pairs)


def _could_be(field: str, rows: FirstRows, name: str, decimal: str) -> bool:
    cells = rows.filled(name)
    if not cells:
        return False
    if field == "time":
        return time_format_of(cells) is not None and len(cells) >= ENOUGH * rows.count
    if field in ("quantity", "price", "amount"):
        return _share(cells, lambda cell: _number(cell, decimal) is not None) >= ENOUGH
    plain = _share(cells, lambda cell: isinstance(cell, str | int | float) and len(str(cell)) <= MAX_ID)
    if plain < ENOUGH or (field != "item" and _share(cells, lambda cell: isinstance(cell, float) and cell % 1) > 0.1):
        return False
    return field != "item" or _share(cells, lambda cell: _number(cell, decimal) is None) >= 0.5 or _named_as_item(name)


def _named_as_item(name: str) -> bool:
    """Return whether a column of numbers may be that of items: its name must be one of theirs."""
    return likeness(name, lexicon.FIELDS["item"]) > 1


def _number(cell: object, decimal: str) -> float | None:
    if isinstance(cell, bool):
        return None
    return float(cell) if isinstance(cell, int | float) else amount(str(cell), decimal)


def _share(cells: Sequence[object], good: Callable[[object], object]) -> float:
    return sum(bool(good(cell)) for cell in cells) / len(cells)


def _price_or_amount(rows: FirstRows, mapping: dict[str, str], decimal: str) -> None:
    """Tell the price of a piece from that of a line by the rows: which of them is the same for any number of pieces."""
    name = mapping.get("price") or mapping.get("amount")
    if name is None or "quantity" not in mapping or "item" not in mapping:
        return
    columns = (rows.columns[mapping["item"]], rows.columns[mapping["quantity"]], rows.columns[name])
    seen: dict[object, dict[float, float]] = {}
    for item, pieces, price in zip(*columns, strict=True):
        count, worth = _number(pieces, decimal), _number(price, decimal)
        if item is not None and count and worth:
            seen.setdefault(item, {}).setdefault(abs(count), abs(worth))
    piece = line = compared = 0
    for figures in seen.values():
        (first, worth), *others = figures.items()
        compared += len(others)
        for count, other in others:
            piece += isclose(other, worth, rel_tol=0.02)
            line += isclose(other / count, worth / first, rel_tol=0.02)
    # Prices that differ from line to line agree by chance now and then: that says nothing against the name.
    if piece != line and 2 * max(piece, line) >= compared:
        for field in ("price", "amount"):
            mapping.pop(field, None)
        mapping["price" if piece > line else "amount"] = name


def _together(rows: FirstRows, mapping: dict[str, str]) -> str | None:
    """Return customer and time together as an order's id, where several rows share both: orders without numbers."""
    names = [mapping[field] for field in ("customer_id", "time") if field in mapping]
    parts = [part for name in names for part in name.split("+") if part in rows.columns]
    if len(names) < 2 or any("+" in part or part in rows.listed for part in parts):
        return None
    keys = set(zip(*(map(str, rows.columns[part]) for part in parts), strict=True))
    return "+".join(parts) if len(keys) <= _SHARED * rows.count else None


def _kinds_of(rows: FirstRows) -> str | None:
    """Return the column of native types, if there is one."""
    for name in rows.columns:
        texts = {text.lower() for text in rows.texts(name)}
        if texts and texts <= KINDS.keys() and name not in rows.listed:
            return name
    return None


def _returns(rows: FirstRows, column: str, state: str, quantity: str | None, decimal: str) -> bool:
    if quantity is None:
        return False
    pairs = zip(rows.columns[column], rows.columns[quantity], strict=True)
    counts = [_number(cell, decimal) for one, cell in pairs if one == state and cell is not None]
    return bool(counts) and all(count is not None and count < 0 for count in counts)


def _with_time_of_day(rows: FirstRows, name: str, time_format: str | None) -> tuple[str, str | None]:
    """Return the column of a day together with that of its time of day, if they are two."""
    cells = rows.filled(name)
    if ":" in str(cells[0]) or time_format in ("s", "ms", "us", "ns"):
        return name, time_format
    for other in rows.columns:
        clock = rows.filled(other)
        if (
            other == name
            or likeness(other, lexicon.TIME_OF_DAY) <= 1
            or len(clock) < len(cells)
            or ":" not in str(clock[0])
        ):
            continue
        pairs = zip(rows.columns[name], rows.columns[other], strict=True)
        both = [f"{day} {at}" for day, at in pairs if day is not None and at is not None]
        found = time_format_of(both)
        if found is not None:
            return f"{name}+{other}", found
    return name, time_format
