"""`crm-online simulate`: a shop with planted segments and rules, and its truth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from crm_online.cli.console import UnreadError, say

PACKED = {".gz", ".zst", ".parquet", ".csv"}


def simulate(
    customers: Annotated[int, typer.Option(metavar="N", help="Customers; from 300 to 10 million.")] = 2000,
    events: Annotated[
        int | None, typer.Option(metavar="N", help="Events; at least 2 for each customer, 25 if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed and numbers make the same log.")] = 0,
    browsers: Annotated[
        bool, typer.Option("--browsers", help="Half of the customers never buy, but look around.")
    ] = False,
    shift: Annotated[
        str | None,
        typer.Option(
            metavar="DAY",
            help="Day of the year, from 0, on which a sixth of the customers begin to behave otherwise; none: nobody "
            "does. Without it a few do on day 146.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="File for the log; stdout if not given.")] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File for the truth; --out's name with .truth.json if not given, or truth.json in the working folder.",
        ),
    ] = None,
) -> None:
    """Write a year of a made-up shop as native events: planted segments, rules and changes, and the truth of them."""
    if out is None and sys.stdout.isatty():
        raise typer.BadParameter("a log is not for a terminal: give a file, or > log.jsonl", param_hint="--out")
    _must_name_a_file(out, "--out")
    _must_name_a_file(truth, "--truth")
    if out is not None and out.suffix in PACKED:
        raise typer.BadParameter(f"the log is written as JSONL, not as {out.suffix}", param_hint="--out")
    truth_file = truth or (out.with_suffix(".truth.json") if out else Path("truth.json"))
    if truth_file == out:
        raise typer.BadParameter("the log and its truth are two files", param_hint="--truth")

    from crm_online.simulate import simulate as make
    from crm_online.simulate.shop import LARGE_SHARE, NO_SHIFT, USUAL_SHIFT, Shift
    from crm_online.simulate.simulation import text_of

    planted = USUAL_SHIFT if shift is None else NO_SHIFT
    if shift not in (None, "none"):
        if not shift.isdecimal():
            raise typer.BadParameter(f"{shift!r} is no day: a number, or none", param_hint="--shift")
        planted = Shift(int(shift), LARGE_SHARE)
    try:
        shop = make(customers, events, seed, browsers=browsers, shift=planted)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if out is not None:
        shop.write(out, truth_file)
        say(f"{shop.events:,} events in {out}, what is planted in them in {truth_file}")
        return
    shop.write_truth(truth_file)
    say(f"what is planted in these {shop.events:,} events is in {truth_file}")
    try:
        for day in shop.days():
            sys.stdout.write(text_of(day))
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise UnreadError from error


def _must_name_a_file(path: Path | None, option: str) -> None:
    if path is not None and (not path.name or path.is_dir()):
        raise typer.BadParameter(f"{str(path)!r} is a folder: name a file in it", param_hint=option)
