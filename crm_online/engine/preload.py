"""What fits and counts import when they first need it: imported before by processes that live long, as they start.

Look-ups and the command line's help do without it; a worker's step must not wait a second for scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

_MODULES: Final = (
    "sklearn.cluster",
    "sklearn.exceptions",
    "scipy.optimize",
    "scipy.special",
    "scipy.sparse",
    "scipy.special",
    "pandas",
    "crm_online.engine.learning",
)


def preload() -> None:
    """Import them; this takes about a second of a core, and may be done in a thread."""
    for name in _MODULES:
        import_module(name)
