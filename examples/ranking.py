"""The article's ranking of rules: logistic regression, decision tree, support vector machine and neural network.

The article leaves open what they should predict. Here it is what a shop acts on: whether the next basket of who bought
the antecedent holds the consequent ("sold next"). Run it with ``python examples/ranking.py``. A simulated shop is
replayed into a state in a temporary folder, in four parts. scikit-learn's models learn from the rules as they are after
the second and from the baskets of the third; crm-online learned its rank on the way. All of them then rank the rules as
they are after the third, and the baskets of the fourth say who was right.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import crm_online
from crm_online.replay import replay
from crm_online.settings import Settings
from crm_online.settings.model import ItemsetSettings, RuleSettings
from crm_online.simulate import simulate

MEASURES = ["support", "confidence", "lift", "article_gain", "mutual_information", "leverage"]
FIRST = 10
Model = LogisticRegression | DecisionTreeClassifier | LinearSVC | MLPClassifier
MODELS: dict[str, Callable[[], Model]] = {
    "logistic regression": LogisticRegression,
    "decision tree": lambda: DecisionTreeClassifier(min_samples_leaf=200, random_state=1),
    "support vector machine": lambda: LinearSVC(random_state=1),
    "neural network": lambda: MLPClassifier((8,), max_iter=300, random_state=1),
}
Visit = tuple[set[str], set[str]]
"""A basket, and the next one of the same customer."""


def ranked(customers: int = 600, events: int = 15_000, seed: int = 1) -> pd.DataFrame:
    """Return the rules of a simulated shop by rank, a column of scores for each model, and what sold next.

    ``visits`` are the baskets of the last part with the antecedent, ``sold_next`` those of them whose customer's next
    basket has the consequent.
    """
    settings = Settings(itemsets=ItemsetSettings(min_support=0.002), rules=RuleSettings(every=500))
    with TemporaryDirectory() as folder:
        log, state = Path(folder, "log.jsonl"), str(Path(folder, "state"))
        simulate(customers, events, seed).write(log)
        lines = log.read_text(encoding="utf-8").splitlines()
        parts = [lines[len(lines) * part // 4 : len(lines) * (part + 1) // 4] for part in range(4)]
        frames = []
        for number, part in enumerate(parts[:3]):
            path = Path(folder, f"part-{number}.jsonl")
            path.write_text("\n".join(part), encoding="utf-8")
            replay([path], settings=settings, state=state)
            frames.append(crm_online.rules_frame(state, sort="rank"))
    learned = labelled(frames[1], visits_of(parts[2]))
    rules = labelled(frames[2], visits_of(parts[3]))
    mean, spread = learned[MEASURES].mean(), learned[MEASURES].std()
    for name, make in MODELS.items():
        # One example a visit: the measures of the rule, and whether the next basket came out as it says.
        hits, misses = learned["sold_next"].to_numpy(), (learned["visits"] - learned["sold_next"]).to_numpy()
        found = ((learned[MEASURES] - mean) / spread).to_numpy(float)
        sold = np.repeat([True, False], [hits.sum(), misses.sum()])
        model = make().fit(np.concatenate([np.repeat(found, hits, axis=0), np.repeat(found, misses, axis=0)]), sold)
        rules[name] = scores(model, ((rules[MEASURES] - mean) / spread).to_numpy(float))
    return rules


def scores(model: Model, found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a model ranks by: the chance, or of a support vector machine the distance to its border."""
    if isinstance(model, LinearSVC):
        return model.decision_function(found)
    return model.predict_proba(found)[:, 1]


def visits_of(lines: Sequence[str]) -> list[Visit]:
    """Return each basket of some lines of the log with the next one of the same customer."""
    baskets: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for event in map(json.loads, lines):
        if event["type"] == "purchase" and event.get("customer_id"):
            items = {line["item"] for line in event["items"]}
            baskets[event["customer_id"]][event.get("basket_id") or event["event_id"]] |= items
    each = [list(mine.values()) for mine in baskets.values()]
    return [visit for mine in each for visit in pairwise(mine)]


def labelled(rules: pd.DataFrame, visits: Sequence[Visit]) -> pd.DataFrame:
    """Return rules with how often somebody bought the antecedent, and the consequent next."""
    counts = []
    for antecedent, consequent in zip(rules["antecedent"], rules["consequent"], strict=True):
        after = [later for basket, later in visits if basket.issuperset(antecedent)]
        counts.append((len(after), sum(later.issuperset(consequent) for later in after)))
    labels = pd.DataFrame(counts, columns=["visits", "sold_next"], index=rules.index)
    return pd.concat([rules, labels], axis=1)


def share(rules: pd.DataFrame, way: str) -> float:
    """Return which share of the visits of the first rules came true: by a measure, a model, or the rank."""
    seen = rules[rules["visits"] > 0]
    first = seen.sort_values(way, ascending=way == "rank", kind="stable").head(FIRST)
    return float((first["sold_next"] / first["visits"]).mean())


if __name__ == "__main__":
    found = ranked()
    ways = {"by rank, as crm-online learned it": "rank"} | {f"by {name}": name for name in (*MODELS, *MEASURES[:3])}
    print(f"the first {FIRST} rules: how often the next basket held the consequent")
    for text, way in ways.items():
        print(f"{text:34} {share(found, way):.3f}")
    for side in ("antecedent", "consequent"):
        found[side] = found[side].str.join(" + ")
    columns = ["rank", "antecedent", "consequent", "lift", "confidence", "p_next_basket", "visits", "sold_next"]
    print(f"\nby rank\n{found[columns].head(FIRST).round(2).to_string(index=False)}")
