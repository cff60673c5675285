"""The article's association rules: baskets in, a DataFrame of rules out, sorted by lift.

Run it with ``python examples/association_rules.py``. It replays twelve baskets into a state in a temporary folder,
as a log of millions would be, and reads the rules that are in force at its end.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

import crm_online
from crm_online.events.options import LogOptions
from crm_online.replay import replay
from crm_online.settings import Settings
from crm_online.settings.model import ItemsetSettings, RuleSettings

BASKETS = """\
milk,bread,butter
bread,butter
milk,bread,butter,jam
beer,crisps
milk,tea
beer,crisps,nuts
bread,butter,jam
milk,bread
tea,milk
beer,crisps,bread
tea,jam
milk,bread,butter
"""

COLUMNS = ["antecedent", "consequent", "support", "confidence", "lift", "article_gain", "mutual_information"]


def rules(baskets: str, min_support: float = 0.15, min_confidence: float = 0.6) -> pd.DataFrame:
    """Return the rules of some baskets, one basket a line, sorted by lift."""
    settings = Settings(
        # Every basket counts the same, and every itemset exactly.
        itemsets=ItemsetSettings(min_support=min_support, epsilon=0.0, half_life=None),
        # Twelve baskets are few: a shop's own log keeps the least count, so that chance makes no rules.
        rules=RuleSettings(min_confidence=min_confidence, redundant="keep", min_count=1),
    )
    with TemporaryDirectory() as folder:
        log, state = Path(folder, "baskets.csv"), str(Path(folder, "state"))
        log.write_text(baskets, encoding="utf-8")
        replay([log], settings=settings, state=state, options=LogOptions(preset="baskets"))
        return crm_online.rules_frame(state)


if __name__ == "__main__":
    found = rules(BASKETS)
    for side in ("antecedent", "consequent"):
        found[side] = found[side].str.join(" + ")
    print(found[COLUMNS].round(3).to_string(index=False))
