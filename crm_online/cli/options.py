"""The options that many commands share, and how their texts are read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from crm_online.events.options import LogOptions
    from crm_online.lookup import Lookup
    from crm_online.settings import Settings

DEFAULT_STATE = "./.crm-online"


def parse_time(text: str) -> int:
    """Return an ISO 8601 time as milliseconds since 1970; without a zone it is UTC.

    Raises
    ------
    typer.BadParameter
        If it is not such a time.

    Examples
    --------
    >>> parse_time("1970-01-02"), parse_time("1970-01-01T01:00:00+01:00")
    (86400000, 0)
    """
    from crm_online.settings.units import parse_time as milliseconds

    try:
        return milliseconds(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a time such as 2017-12-31 or 2017-12-31T18:00:00Z") from error


def parse_text(text: str) -> str:
    """Return a text; the operating system hands over any bytes, but ids are characters.

    Raises
    ------
    typer.BadParameter
        If it is not UTF-8.

    Examples
    --------
    >>> parse_text("né 雪")
    'né 雪'
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise typer.BadParameter(f"{text!r} is not UTF-8") from error
    return text


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """Return ``field=column`` pairs as a dict.

    Raises
    ------
    typer.BadParameter
        If a pair is none, or a field comes twice.

    Examples
    --------
    >>> parse_mapping(["customer_id=Customer ID", "time=Date"])
    {'customer_id': 'Customer ID', 'time': 'Date'}
    """
    mapping: dict[str, str] = {}
    for field, column in _pairs(pairs, "FIELD=COLUMN", "--map", empty=False):
        if field in mapping:
            raise typer.BadParameter(f"{field} is mapped twice", param_hint="--map")
        mapping[field] = column
    return mapping


def parse_where(pairs: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return ``column=value`` texts as pairs; a value may be empty.

    Raises
    ------
    typer.BadParameter
        If a text is none.

    Examples
    --------
    >>> parse_where(["Financial Status=paid"])
    (('Financial Status', 'paid'),)
    """
    return tuple(_pairs(pairs, "COLUMN=VALUE", "--where", empty=True))


def _pairs(texts: Sequence[str], form: str, option: str, *, empty: bool) -> Iterator[tuple[str, str]]:
    """Give name and value of texts ``name=value``; the value may be empty if ``empty``."""
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and (value or empty)):
            raise typer.BadParameter(f"{text!r} is not {form}", param_hint=option)
        yield name, value


def log_options(
    preset: str | None,
    mapping: Sequence[str] | None,
    sep: str | None,
    time_format: str | None,
    decimal: str | None,
    where: Sequence[str] | None,
) -> LogOptions:
    """Return how a log is read, as the options of a command say it.

    Raises
    ------
    typer.BadParameter
        If one is not written as it should be.
    """
    fields, pairs = parse_mapping(mapping or ()), parse_where(where or ())
    from crm_online.events.options import LogOptions

    return LogOptions(preset, fields or None, sep, time_format, decimal, pairs)


def parse_sep(text: str) -> str:
    r"""Return a separator in which a tab may be written ``\t``.

    Examples
    --------
    >>> parse_sep(r"\t") == "\t"
    True
    """
    return text.replace(r"\t", "\t")


def parse_speed(text: str) -> float:
    """Return a speed.

    Raises
    ------
    typer.BadParameter
        If it is no number above 0.
    """
    try:
        speed = float(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a number") from error
    if not 0 < speed < math.inf:
        raise typer.BadParameter("it must be above 0")
    return speed


State = Annotated[
    str,
    typer.Option(
        "--state",
        metavar="URL|DIR",
        envvar="CRM_ONLINE_STATE",
        help="Where the state is: redis://…, rediss://… or a folder with a Redis of its own.",
    ),
]
CustomerId = Annotated[
    str, typer.Argument(metavar="ID", help="The customer's id, as it stands in the log.", parser=parse_text)
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file; crm-online.toml in the working folder if not given."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="One setting, stronger than file and environment."),
]
Logs = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH…",
        help="Event logs: CSV, JSON (one object a line, or an array), Parquet or a spreadsheet; texts also packed "
        "(.gz, .zst, .bz2, .xz, .zip).",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="What the log looks like: native, shopify, woocommerce, stripe, ga4, snowplow, segment-spec, cloudevents, "
        "online-retail, complete-journey or baskets; found out from the log if not given (baskets never is).",
    ),
]
Fields = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=COLUMN",
        help="Column in which a field is found, or the path to it (customer.id); Date+Time are two columns together.",
    ),
]
TimeFormat = Annotated[
    str | None,
    typer.Option(
        "--time-format",
        metavar="FORMAT",
        help="How times are written: strptime's format (%d.%m.%Y %H:%M), dd/mm/yyyy, or s, ms or us since 1970; "
        "ISO 8601 if not given.",
    ),
]
Decimal = Annotated[
    str | None, typer.Option("--decimal", metavar=".|,", help="What stands before decimals; a point if not given.")
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="COLUMN=VALUE",
        help="Read only rows with this value (COLUMN!=VALUE: without it); more values of a column are alternatives.",
    ),
]
InOrder = Annotated[
    bool,
    typer.Option(
        "--in-order",
        help="Read the rows of all files in order of time, for exports by customer or the newest first; they are "
        "sorted in TMPDIR.",
    ),
]
Sep = Annotated[
    str | None,
    typer.Option("--sep", metavar="TEXT", help=r"What stands between columns or items; \t is a tab.", parser=parse_sep),
]
Speed = Annotated[
    float | None,
    typer.Option(
        "--speed",
        metavar="X",
        help="Go at X times the log's own speed; as fast as can be if not given.",
        parser=parse_speed,
    ),
]
Host = Annotated[
    str | None, typer.Option("--host", metavar="HOST", help="Where the service listens; 127.0.0.1 if not given.")
]
Port = Annotated[
    int | None,
    typer.Option("--port", metavar="N", min=0, max=65535, help="At which port; 8080 if not given, 0 for a free one."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")]
AsOf = Annotated[
    int | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        parser=parse_time,
        help="Time at which figures of all events so far are read; the latest event's if not given.",
    ),
]


def settings_in_force(config: Path | None, overrides: Sequence[str] | None) -> Settings:
    """Read the settings: file, environment and ``--set``."""
    from crm_online.settings import load_settings

    return load_settings(config, overrides or ()).settings


def open_state(state: str, config: Path | None, overrides: Sequence[str] | None) -> AbstractContextManager[Lookup]:
    """Open a state to look at it.

    It is read by the settings that are stored in it; of those in force only the keys of pseudonyms are used.
    """
    settings = settings_in_force(config, overrides)
    from crm_online.lookup import open_lookup
    from crm_online.privacy.pseudonyms import Pseudonyms

    return open_lookup(state, Pseudonyms.read(settings.privacy.secret_file))
