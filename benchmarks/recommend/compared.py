"""The report: one table of all ways on all logs, and below it the figures that have targets."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.table import Table

from benchmarks.report import Report


@dataclass(frozen=True, slots=True)
class Score:
    """How well a way does: share of baskets whose hidden item is among the first ten, and the mean of 1 / its rank."""

    hit_rate: float
    reciprocal: float


@dataclass(slots=True)
class Comparison(Report):
    """Ways of recommending, compared on some logs.

    Attributes
    ----------
    scores
        By log, then by way, in the order in which they are shown.
    """

    scores: dict[str, dict[str, Score]] = field(default_factory=dict)

    def table(self) -> Table:
        """Return the one table, and the figures with targets below."""
        grid = Table(title=self.title, title_justify="left")
        grid.add_column("way", overflow="fold")
        for log in self.scores:
            for name in (f"{log}: hit rate @10", "× popular", "MRR@10"):
                grid.add_column(name, justify="right")
        for way in dict.fromkeys(way for scores in self.scores.values() for way in scores):
            cells = [cell for scores in self.scores.values() for cell in _cells(scores, way)]
            grid.add_row(way, *cells, style="bold" if way == OURS else "")
        both = Table.grid()
        both.add_row(grid)
        # A dataclass with slots is another class than the one that super() would find here.
        both.add_row(Report.table(self))
        return both

    def as_dict(self) -> dict[str, object]:
        """Return the report as JSON values."""
        values = Report.as_dict(self)
        return values | {
            "scores": {
                log: {way: {"hit_rate": one.hit_rate, "mrr": one.reciprocal} for way, one in scores.items()}
                for log, scores in self.scores.items()
            }
        }


OURS = "crm-online"
POPULAR = "most popular"


def _cells(scores: dict[str, Score], way: str) -> list[str]:
    if way not in scores:
        return ["", "", ""]
    one = scores[way]
    return [f"{one.hit_rate:.4f}", f"{one.hit_rate / scores[POPULAR].hit_rate:.2f}", f"{one.reciprocal:.4f}"]
