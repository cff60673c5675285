"""The example of the article runs, and shows what the README says of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median


def test_make_blobs_prints_its_table_and_draws_its_picture(root: Path, tmp_path: Path) -> None:
    picture = tmp_path / "blobs.png"
    done = subprocess.run(
        [sys.executable, str(root / "examples" / "make_blobs.py"), str(picture)],
        env=os.environ | {"PYTHONPATH": str(root), "MPLCONFIGDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    rows = [line.split() for line in done.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 21)]
    assert all(float(row[1]) <= 1.01 and row[2] == "1.00" for row in rows)
    assert median(float(row[3]) for row in rows) > 2  # river's as it comes
    assert picture.read_bytes().startswith(b"\x89PNG")
