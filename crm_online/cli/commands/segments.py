"""`crm-online segments`: the segments of the state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crm_online.cli.console import print_json, say, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, AsOf, Config, Overrides, State, open_state
from crm_online.cli.tables.segments import segments_table, traits_table
from crm_online.segments.linkage import Leaves, Linkage

LETTERS = 20
"""Most letters that are listed as having no font."""
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def segments(
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Draw them into a .png or .svg file: customers, centres, tree, what sets apart."
        ),
    ] = None,
    axes: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="The two features to plot; the two directions in which customers differ most if not given.",
        ),
    ] = None,
    linkage: Annotated[
        Linkage | None,
        typer.Option(help="How far apart two groups are that the tree joins; average if not given."),
    ] = None,
    of: Annotated[Leaves | None, typer.Option(help="What the tree of --json joins; segments if not given.")] = None,
    as_of: AsOf = None,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show the segments: how many customers, what sets them apart, what they need and say."""
    if axes and not plot:
        raise typer.BadParameter("is for a picture: say --plot FILE too", param_hint="--axes")
    if linkage and not (plot or as_json):
        raise typer.BadParameter("is for the tree: say --plot FILE or --json too", param_hint="--linkage")
    if of and not as_json:
        raise typer.BadParameter("is for the tree of --json: say --json too", param_hint="--of")
    linkage = linkage or Linkage.AVERAGE
    from crm_online.plots.draw import check_suffix, draw_segments

    if plot:
        check_suffix(plot)
    with open_state(state, config, overrides) as lookup:
        found = lookup.segments(as_of=as_of, linkage=linkage, of=of or Leaves.SEGMENTS)
        min_customers = lookup.settings.segments.min_customers
        if plot:
            picture = lookup.picture(as_of, linkage=linkage)
            lacking = draw_segments(picture, plot, [name.strip() for name in axes.split(",")] if axes else None)
            _say_lacking(plot, lacking)
    if as_json:
        print_json(found)
        return
    traits = traits_table(found)
    show(segments_table(found, min_customers), *([traits] if traits else []))
    if plot:
        say(f"drawn to {plot}")


def _say_lacking(plot: Path, lacking: str) -> None:
    """Say which letters of a picture no font of this computer has."""
    if lacking:
        letters = lacking if len(lacking) <= LETTERS else lacking[:LETTERS] + "…"
        where = "whoever opens it needs one" if plot.suffix.lower() == ".svg" else f"each is drawn as {UNKNOWN}"
        say(f"no font of this computer has these letters of {plot}, so {where}: {letters}")
