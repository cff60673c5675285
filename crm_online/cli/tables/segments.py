"""The segments as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import RenderableType

from crm_online.cli.console import plain
from crm_online.cli.tables.words import FIGURE, NOTHING, TEXT, WORD, Prose, count, number, share, table, time


def segments_table(found: Mapping[str, Any], min_customers: int) -> RenderableType:
    """Return the segments, the largest first; the first model is fitted to ``min_customers`` customers."""
    segments = _largest_first(found["segments"])
    if not segments:
        return (
            f"No segments yet: {count(found['customers'], 'customer')} so far, and the first model is fitted "
            f"once there are {min_customers:,} (segments.min_customers)"
        )
    people = sum(segment["size"] for segment in segments)
    title = f"{count(len(segments), 'segment')} of {count(people, 'customer')}, as of {time(found['as_of'])}"
    about = [f"model {found['model_version']}", f"J {number(found['J'])}"]
    if not found["complete"]:
        about.append("incomplete: some partitions are still moving to the next model")
    if found.get("k_choice"):
        about.append(f"{found['k']} by {found['k_choice']['method']}: {found['k_choice']['reason']}")
    rows = table(
        title,
        id=WORD,
        name={**TEXT, "min_width": 14},
        customers={"justify": "right"},
        share=FIGURE,
        **{"what sets it apart": {**TEXT, "ratio": 1}},
    )
    rows.caption = " · ".join(about)
    rows.caption_justify = "left"
    for segment in segments:
        rows.add_row(
            plain(str(segment["id"])),
            plain(segment["name"]),
            f"{segment['size']:,}",
            share(segment["size"] / people if people else None),
            Prose(plain(_text(segment["description"]))),
        )
    return rows


def traits_table(found: Mapping[str, Any]) -> RenderableType | None:
    """Return what the segments' customers need and say, or ``None`` if nothing is known of it."""
    from crm_online.traits.phrases import phrases

    traits = {segment["id"]: phrases(segment["description"]["traits"]) for segment in found["segments"]}
    if not any(traits.values()):
        return None
    rows = table(
        "what their customers need and say, beside everybody",
        **{"id": WORD, "segment": {**TEXT, "min_width": 14}, "": {**TEXT, "ratio": 1}},
    )
    for segment in _largest_first(found["segments"]):
        lines = [plain(f"{heading}: {'; '.join(lines)}") for heading, lines in traits[segment["id"]].items()]
        rows.add_row(plain(str(segment["id"])), plain(segment["name"]), Prose("\n".join(lines) or NOTHING))
    return rows


def segment_names(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the segments' names by id."""
    return {segment["id"]: segment["name"] for segment in found["segments"]}


def _largest_first(segments: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(segments, key=lambda segment: (-segment["size"], segment["id"]))


def _text(description: str | Mapping[str, Any]) -> str:
    return description if isinstance(description, str) else description["text"]
