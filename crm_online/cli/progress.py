"""The progress bar of a replay: how far, how fast, how long still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from crm_online.cli.console import console, say
from crm_online.cli.tables.words import count

if TYPE_CHECKING:
    from crm_online import replay

PARTS = 10_000
"""What a whole replay counts as on the bar."""


@contextmanager
def stop_note(move: Callable[[replay.Progress], None]) -> Iterator[Callable[[replay.Progress], None]]:
    """Give what notes how far a replay is before ``move``; if it is interrupted, say so on stderr."""
    events = 0

    def noted(progress: replay.Progress) -> None:
        nonlocal events
        events = progress.events
        move(progress)

    try:
        yield noted
    except KeyboardInterrupt:
        if events:
            say(f"{count(events, 'row')} of this run had been read and committed")
        raise


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[replay.Progress], None]]:
    """Show a bar on stderr while the block runs, and give the function that moves it.

    Where stderr is no terminal, nothing is shown.
    """
    err = console(stderr=True)
    if not err.is_terminal:
        yield lambda progress: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[events]:,} events"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=PARTS, events=0, rate=0.0)
        began = False

        def move(progress: replay.Progress) -> None:
            nonlocal began
            done = round(progress.fraction * PARTS)
            if not began:
                # A resumed replay begins far along: that leap is no speed to judge the time left by.
                bar.reset(task, completed=done)
                began = True
            bar.update(task, completed=done, events=progress.events, rate=progress.events_per_second)

        yield move
