"""`crm-online recommend`: what to recommend to a customer, or with a basket."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crm_online.cli.audit import note
from crm_online.cli.console import print_answer, print_json, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State, open_state, parse_text
from crm_online.cli.tables.recommend import joined, recommend_each_table, recommend_table
from crm_online.errors import InputError

MOST_CUSTOMERS = 10_000
"""Customers in a file, at most: the answer is held in memory."""
_AT_ONCE = 500


def recommend(
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="For whom; nobody in particular if not given.", parser=parse_text)
    ] = None,
    item: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ITEM", help="An item that is in the basket already; give it repeatedly.", parser=parse_text
        ),
    ] = None,
    customers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="For each customer of a text file, one id a line; at most 10,000.",
        ),
    ] = None,
    top: Annotated[int, typer.Option(metavar="N", min=1, help="How many items.")] = 10,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="ITEM", help="An item that is not to come; give it repeatedly.", parser=parse_text),
    ] = None,
    new_only: Annotated[bool, typer.Option("--new-only", help="Only items that the customer has not bought.")] = False,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Say what to recommend, and why; without customer and items, what is popular."""
    if customers is not None:
        if customer is not None or item:
            raise typer.BadParameter("--customers goes with neither --customer nor --item", param_hint="--customers")
        ids = _ids(customers)
        with open_state(state, config, overrides) as lookup:
            note(config, overrides, lookup, "recommend", ids)
            parts = [
                lookup.recommend_each(ids[begin : begin + _AT_ONCE], top, exclude=exclude or [], new_only=new_only)
                for begin in range(0, len(ids), _AT_ONCE)
            ]
        print_answer(joined(parts), recommend_each_table, as_json=as_json)
        return
    with open_state(state, config, overrides) as lookup:
        if customer is not None:
            note(config, overrides, lookup, "recommend", [customer])
        found = lookup.recommend(customer, item or [], top, exclude=exclude or [], new_only=new_only)
        names = {} if as_json else lookup.segment_names()
    if as_json:
        print_json(found)
    else:
        show(*recommend_table(found, names))


def _ids(path: Path) -> list[str]:
    """Return the distinct ids of a file, in order.

    Raises
    ------
    InputError
        If it is not UTF-8, or has none or too many.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8") from None
    ids = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not ids:
        raise InputError(f"{path} has no ids of customers")
    if len(ids) > MOST_CUSTOMERS:
        raise InputError(f"{path} has {len(ids):,} customers; give at most {MOST_CUSTOMERS:,} at a time")
    return ids
