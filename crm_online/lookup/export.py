"""The state as Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crm_online.errors import StoreError
from crm_online.privacy.files import private, private_folder

if TYPE_CHECKING:
    import pandas as pd


def write(folder: Path, frames: dict[str, pd.DataFrame]) -> dict[str, int]:
    """Write frames as Parquet files; return the rows of each.

    Raises
    ------
    StoreError
        If the folder cannot be written.
    """
    try:
        private_folder(folder)
        for name, frame in frames.items():
            with open(folder / f"{name}.parquet", "wb", opener=private) as file:
                frame.to_parquet(file, index=False)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error
    return {name: len(frame) for name, frame in frames.items()}
