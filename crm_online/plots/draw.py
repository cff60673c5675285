"""Pictures of the segments, and of the predictions, as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

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
    render = _module("layout").render
    return _write(path, lambda file, kind: str(render(picture, file, kind, axes)))


def draw_predictions(found: Mapping[str, Any], path: str | Path) -> str:
    """Draw how good the predictions of each target are: calibration, ROC AUC over time, and gains.

    The same figures make the same bytes.

    Parameters
    ----------
    found
        The predictions, as ``Lookup.predictions`` has them.
    path
        The file: ``.png`` or ``.svg``.

    Returns
    -------
    str
        As for :func:`draw_segments`.

    Raises
    ------
    InputError
        If the file is of another kind or cannot be written, nothing was predicted and judged yet, or
        matplotlib is not installed.
    """
    path = Path(path)
    check_suffix(path)
    if not any(one["calibration"] for one in found["curves"]):
        raise InputError(
            "no prediction was judged yet, so there is nothing to draw: outcomes are known a horizon later"
        )
    render = _module("judged").render
    return _write(path, lambda file, kind: str(render(found, file, kind)))


def _module(name: str) -> ModuleType:
    if find_spec("matplotlib") is None:
        raise InputError("a picture needs matplotlib: pip install 'crm-online[plots]'")
    return import_module(f"crm_online.plots.{name}")


def _write(path: Path, render: Callable[[BinaryIO, str], str]) -> str:
    drawn = BytesIO()
    lacking = render(drawn, path.suffix.lower()[1:])
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
