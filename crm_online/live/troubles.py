"""What `/readyz` answers where the store is the trouble: the same for all parts; details are in the log."""

from __future__ import annotations

from typing import Final

NO_STATE: Final = "no state yet: replay a log (crm-online replay), send events, or start a worker"
UNREADABLE: Final = "the store cannot be read; the service's log says why"
