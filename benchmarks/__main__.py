"""``python -m benchmarks [NAME …] [--quick] [--json] [--strict]``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import (
    accuracy,
    counting,
    drift,
    estimator,
    middle,
    planted,
    predictions,
    quality,
    replay,
    rules,
    scale,
    sold,
)
from benchmarks.kafka import run as kafka
from benchmarks.recommend import next_basket
from benchmarks.recommend import run as recommend
from benchmarks.report import LeftOutError, Report, load_note
from benchmarks.serve import run as serve
from crm_online.errors import NoSuchLog

BENCHMARKS: dict[str, Callable[[bool], Report]] = {
    "replay": lambda quick: replay.run(replay.QUICK if quick else replay.FULL),
    "counting": lambda quick: counting.run(counting.QUICK if quick else counting.FULL),
    "rules": lambda quick: sold.run(rules.run(rules.QUICK if quick else rules.FULL), quick=quick),
    "scale": lambda quick: scale.run(scale.QUICK if quick else scale.FULL),
    "accuracy": lambda quick: accuracy.run(accuracy.QUICK if quick else accuracy.FULL),
    "quality": lambda quick: quality.run(quality.QUICK if quick else quality.FULL),
    "middle": lambda quick: middle.run(5 if quick else 20),
    "planted": lambda quick: planted.run(planted.QUICK if quick else planted.FULL),
    "drift": lambda quick: drift.run(drift.QUICK if quick else drift.FULL),
    "estimator": lambda quick: estimator.run(estimator.QUICK if quick else estimator.FULL),
    "predictions": lambda quick: predictions.run(predictions.QUICK if quick else predictions.FULL),
    "recommend": lambda quick: recommend.run(recommend.QUICK if quick else recommend.FULL),
    "next-basket": lambda quick: next_basket.run(quick=quick),
    "serve": lambda quick: serve.run(serve.QUICK if quick else serve.FULL),
    "kafka": lambda quick: kafka.run(kafka.QUICK if quick else kafka.FULL),
}


def main(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", help=", ".join(BENCHMARKS))] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller sizes: minutes less, but other figures.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if a figure misses its target.")] = False,
) -> None:
    """Measure speed and quality against other ways of doing the same."""
    chosen = names or list(BENCHMARKS)
    unknown = [name for name in chosen if name not in BENCHMARKS]
    if unknown:
        typer.echo(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}", err=True)
        raise typer.Exit(2)
    out, aside = Console(), Console(stderr=True)
    found: dict[str, Report] = {}
    for name in chosen:
        started = time.monotonic()
        before = load_note()
        try:
            with aside.status(f"measuring {name} …"):
                found[name] = BENCHMARKS[name](quick)
        except (NoSuchLog, LeftOutError) as missing:
            aside.print(f"{name} is left out: {missing}")
            continue
        found[name].notes.append(f"{before}; took {time.monotonic() - started:.0f} s")
        if not as_json:
            out.print(found[name].table())
    if as_json:
        json.dump({name: report.as_dict() for name, report in found.items()}, sys.stdout, indent=1)
        sys.stdout.write("\n")
    short = [figure for report in found.values() for figure in report.short]
    if short:
        aside.print(f"{len(short)} figures miss their target")
    raise typer.Exit(1 if strict and short else 0)


if __name__ == "__main__":
    typer.run(main)
