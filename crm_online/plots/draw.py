"""A picture of the segments, as a file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from crm_online.errors import InputError
from crm_online.plots.picture import SegmentPicture

SUFFIXES = (".png", ".svg")
"""The files that can be drawn."""


def draw_segments(picture: SegmentPicture, path: str | Path, axes: Sequence[str] | None = None) -> str:
    """Draw the customers by segment, the tree of the segments, and what sets them apart.

    The same picture makes the same bytes.

    Parameters
    ----------
    picture
        What is drawn.
    path
        The file: ``.png`` or ``.svg``.
    axes
        The two features across and up; by default the two directions in which the customers differ most.

    Returns
    -------
    str
        The letters that no font of this computer has; a PNG has replacement characters in their place.

    Raises
    ------
    InputError
        If the file is of another kind or cannot be written, an axis is no feature of the model, there are
        no segments yet, or matplotlib is not installed.
    """
    path = Path(path)
    check_suffix(path)
    if not picture.segments:
        raise InputError("there are no segments yet, so there is nothing to draw")
    if find_spec("matplotlib") is None:
        raise InputError("a picture needs matplotlib: pip install 'crm-online[plots]'")
    drawn = BytesIO()
    lacking = str(import_module("crm_online.plots.layout").render(picture, drawn, path.suffix.lower()[1:], axes))
    try:
        path.write_bytes(drawn.getvalue())
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    return lacking


def check_suffix(path: Path) -> None:
    """Refuse a file that is no picture, before any work is done for it.

    Raises
    ------
    InputError
        If its name ends otherwise than the :data:`SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"a picture is a {' or '.join(SUFFIXES)} file, and {path.name!r} is neither")
