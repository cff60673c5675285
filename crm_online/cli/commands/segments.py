"""`crm-online segments`: the segments of the state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crm_online.cli.console import print_json, say, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, AsOf, Config, Overrides, State, open_state
from crm_online.cli.tables.segments import segments_table, traits_table
from crm_online.segments.linkage import Leaves, Linkage


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
        Linkage, typer.Option(help="How far apart two groups are that the tree joins.")
    ] = Linkage.AVERAGE,
    of: Annotated[Leaves, typer.Option(help="What the tree of --json joins.")] = Leaves.SEGMENTS,
    as_of: AsOf = None,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show the segments: how many customers, what sets them apart, what they need and say."""
    if axes and not plot:
        raise typer.BadParameter("is for a picture: say --plot FILE too", param_hint="--axes")
    from crm_online.plots.draw import check_suffix, draw_segments

    if plot:
        check_suffix(plot)
    with open_state(state, config, overrides) as lookup:
        found = lookup.segments(as_of=as_of, linkage=linkage, of=of)
        if plot:
            picture = lookup.picture(as_of, linkage=linkage)
            draw_segments(picture, plot, [name.strip() for name in axes.split(",")] if axes else None)
    if as_json:
        print_json(found)
        return
    traits = traits_table(found)
    show(segments_table(found), *([traits] if traits else []))
    if plot:
        say(f"drawn to {plot}")
