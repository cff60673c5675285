"""What Prometheus asks and Grafana shows, beside the metrics that there are."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from crm_online.engine.stages import Stage
from crm_online.settings import load_settings
from streams.metrics import StepReport, WorkerMetrics
from tests.deploy.files import ROOT, image_environment, read_yaml, services

DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/crm-online.json").read_text(encoding="utf-8"))
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
# What Prometheus itself adds to every sample.
ADDED = {"job", "instance"}


def samples() -> dict[str, set[str]]:
    """Return the labels of every sample that a worker may tell, by the sample's name."""
    metrics = WorkerMetrics()
    metrics.step(StepReport(0, 1, 1, 0, 0, 0.1, 0.1, 1, 0, 0, 1.0, 0.0, 1))
    metrics.segments(1.0, 1, {"a": 1})
    metrics.claimed(0)
    metrics.stages({Stage.DECODE: 0.1})
    metrics.published({"crm.rules": 1}, 0.1)
    found: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def parsed(expression: str) -> tuple[set[str], set[str]]:
    """Return the names of the samples and of the labels in an expression."""
    names: set[str] = set()
    labels: set[str] = set()

    def visit(part: promql_parser.Expr) -> None:
        if isinstance(part, promql_parser.VectorSelector):
            names.add(part.name or "")
            labels.update(matcher.name for matcher in part.matchers.matchers)
        if isinstance(part, promql_parser.AggregateExpr) and part.modifier is not None:
            labels.update(part.modifier.labels)

    promql_parser.walk(promql_parser.parse(expression.replace("$__rate_interval", "1m")), visit)
    return names, labels


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_expression_reads_metrics_that_a_worker_tells(expression: str) -> None:
    known = samples()
    names, labels = parsed(expression)
    assert names
    assert names <= known.keys()
    assert labels <= ADDED.union(*(known[name] for name in names))


def test_every_metric_of_ours_is_shown() -> None:
    shown = set().union(*(parsed(expression)[0] for expression in EXPRESSIONS))
    ends = ("_bucket", "_sum", "_count", "_created")
    ours = {name for name in samples() if name.startswith("crm_online_") and not name.endswith(ends)}
    histograms = {name.removesuffix("_bucket") for name in samples() if name.endswith("_bucket")}
    # An offset alone says little: the lag is shown.
    assert ours - shown == {"crm_online_position"}
    assert not {name for name in histograms if not any(one.startswith(name + "_") for one in shown)}


def test_panels_have_an_id_and_a_place_of_their_own_within_the_width() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not [pair for pair in combinations(places, 2) if overlap(*pair)]


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    """Say whether two panels lie on each other."""
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


def test_panels_ask_the_data_source_that_is_provisioned() -> None:
    (source,) = read_yaml("deploy/grafana/provisioning/datasources/prometheus.yml")["datasources"]
    asked = {"type": source["type"], "uid": source["uid"]}
    assert all(panel["datasource"] == asked for panel in DASHBOARD["panels"])
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == prometheus()["global"]["scrape_interval"]


def test_grafana_finds_the_dashboard_and_opens_with_it() -> None:
    (provider,) = read_yaml("deploy/grafana/provisioning/dashboards/crm-online.yml")["providers"]
    grafana = services()["grafana"]
    folder = provider["options"]["path"]
    assert f"./deploy/grafana/dashboards:{folder}:ro" in grafana["volumes"]
    assert grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == f"{folder}/crm-online.json"


def test_prometheus_asks_every_worker_where_it_listens() -> None:
    job, api = prometheus()["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    listen = load_settings(environment=ours(image_environment())).settings.worker.address
    assert (job["job_name"], found["names"]) == ("crm-online", ["worker"])
    assert listen == ("0.0.0.0", found["port"])
    # The default, /metrics, is where it is.
    assert "metrics_path" not in job
    listen = load_settings(environment=services()["api"]["environment"]).settings.serve.address
    assert api["static_configs"] == [{"targets": [f"api:{listen[1]}"]}]


def prometheus() -> Any:
    """Return the configuration of Prometheus."""
    return read_yaml("deploy/prometheus.yml")


def ours(variables: dict[str, str]) -> dict[str, str]:
    """Return the variables that are settings."""
    return {name: value for name, value in variables.items() if name.startswith("CRM_ONLINE_")}
