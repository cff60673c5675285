"""The article's ranking of rules: by the chance that the next basket holds the consequent, learned while events come.

Run it with ``python examples/ranking.py``. A simulated shop is replayed into a state in a temporary folder. Its rules
stand once in the order of their lift, as in the article, and once by rank.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

import crm_online
from crm_online.replay import replay
from crm_online.settings import Settings
from crm_online.settings.model import ItemsetSettings
from crm_online.simulate import simulate

COLUMNS = ["rank", "antecedent", "consequent", "lift", "confidence", "count", "p_next_basket"]


def ranked(customers: int = 600, events: int = 15_000, seed: int = 1) -> pd.DataFrame:
    """Return the rules of a simulated shop, down to rare ones, sorted by lift."""
    settings = Settings(itemsets=ItemsetSettings(min_support=0.002))
    with TemporaryDirectory() as folder:
        log, state = Path(folder, "log.jsonl"), str(Path(folder, "state"))
        simulate(customers, events, seed).write(log)
        replay([log], settings=settings, state=state)
        return crm_online.rules_frame(state)


if __name__ == "__main__":
    found = ranked()
    for side in ("antecedent", "consequent"):
        found[side] = found[side].str.join(" + ")
    for order in ("lift", "rank"):
        best = found.sort_values(order, ascending=order == "rank", kind="stable").head(10)
        print(f"by {order}\n{best[COLUMNS].round(2).to_string(index=False)}\n")
