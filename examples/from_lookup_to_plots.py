"""From look-ups to plots, cell by cell: the service's answers as DataFrames, and four figures of them.

Start a service (``crm-online serve``), then run the cells in an editor that knows ``# %%``, or all of them with
``python examples/from_lookup_to_plots.py [URL] [FOLDER]``. The figures are written to FOLDER, here by default.
"""

# %% The client, and where the figures go.
from __future__ import annotations

import os
import sys
from pathlib import Path

import matplotlib
import pandas as pd

from crm_online.client import Client

matplotlib.use("agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import LogLocator, PercentFormatter

url, folder = [*sys.argv[1:], *["http://127.0.0.1:8080", "."][len(sys.argv) - 1 :]]
client = Client(url, key=os.environ.get("CRM_ONLINE_KEY"))
plt.rcParams.update({"figure.constrained_layout.use": True, "axes.spines.top": False, "axes.spines.right": False})

# %% The segments: one row each, with the centroid's features in their own units.
found = client.segments()
segments = pd.DataFrame(
    [{"id": one.id, "name": one.name, "customers": one.size, **one.centroid} for one in found.segments]
).set_index("id")
print(f"{found.customers} customers as of {found.as_of:%Y-%m-%d %H:%M}")
print(segments[["name", "customers"]].to_string())

# %% What sets them apart: each centroid against the mean of all, in standard deviations between segments.
centroids = segments[found.features]
weights = segments["customers"] / segments["customers"].sum()
mean = centroids.mul(weights, axis=0).sum()
apart = (centroids - mean) / centroids.std(ddof=0).replace(0, 1)
figure, axes = plt.subplots(figsize=(9, 4.5))
image = axes.imshow(apart, cmap="RdBu_r", vmin=-2.5, vmax=2.5, aspect="auto")
axes.set_xticks(range(len(apart.columns)), apart.columns, rotation=40, ha="right")
axes.set_yticks(range(len(apart)), segments["name"])
axes.set_title("What sets the segments apart")
figure.colorbar(image, label="above or below all customers,\nin standard deviations of the centroids")
figure.savefig(Path(folder, "segments.png"), dpi=120)

# %% The picture: sampled customers and centroids on the two axes along which customers differ most.
picture = client.picture()
customers = pd.DataFrame([point.model_dump() for point in picture.customers])
centres = pd.DataFrame([point.model_dump() for point in picture.centroids]).set_index("segment")
figure, axes = plt.subplots(figsize=(8, 6))
for name, points in customers.groupby("segment"):
    label = segments["name"].get(name, name)
    axes.scatter(points["x"], points["y"], s=9, linewidths=0, alpha=0.7, label=label)
axes.plot(centres["x"], centres["y"], "x", color="black", markersize=11, markeredgewidth=2.5, label="centroids")
axes.set_xlabel(picture.axes[0].name)
axes.set_ylabel(picture.axes[1].name)
axes.set_title(f"{len(customers)} sampled customers")
axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, markerscale=1.5)
figure.savefig(Path(folder, "picture.png"), dpi=120)

# %% One customer: how far from each centroid, and the last moves.
customer = client.customer(str(customers["id"].iloc[0]))
moves = pd.DataFrame([move.model_dump() for move in customer.history])
print(f"\n{customer.customer_id} is in {customer.segment} since {customer.since}; last moves:")
print(moves.to_string(index=False))
distances = pd.Series(customer.distances).rename(segments["name"].get).sort_values(ascending=False)
figure, axes = plt.subplots(figsize=(8, 3.5))
axes.barh(distances.index.astype(str), distances, color=["0.7"] * (len(distances) - 1) + ["C0"])
axes.set_xlabel("distance to the centroid, in standard deviations")
axes.set_title(f"How far {customer.customer_id} is from each segment")
figure.savefig(Path(folder, "customer.png"), dpi=120)

# %% The rules, the best first; the client reads page after page.
rules = pd.DataFrame([rule.model_dump() for rule in client.rules(sort="rank")])
rules["rule"] = rules["antecedent"].str.join(" + ") + " ⇒ " + rules["consequent"].str.join(" + ")
print("\n" + rules[["rule", "support", "confidence", "lift"]].head(10).round(3).to_string(index=False))
figure, axes = plt.subplots(figsize=(8, 5.5))
dots = axes.scatter(rules["support"], rules["confidence"], c=rules["lift"], cmap="viridis", s=28, norm="log")
for measure in ("support", "confidence", "lift"):
    top = rules.nlargest(1, measure).iloc[0]
    at = (top["support"], top["confidence"])
    axes.annotate(top["rule"], at, (0, 7), textcoords="offset points", ha="center", fontsize=8)
axes.margins(0.15, 0.1)
axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
axes.set_xlabel("support: share of the baskets that has all items")
axes.set_ylabel("confidence: share of the baskets with the left side that has the right one")
axes.set_title(f"{len(rules)} rules")
figure.colorbar(dots, label="lift", ticks=LogLocator(subs=(1, 2, 5)), format="%g")
figure.savefig(Path(folder, "rules.png"), dpi=120)

# %% Done.
client.close()
