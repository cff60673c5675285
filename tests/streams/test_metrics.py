"""The metrics of a worker, as Prometheus reads them."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from crm_online.engine.stages import Stage
from streams.metrics import StepReport, WorkerMetrics

STEP = StepReport(
    partition=1,
    step_records=10,
    events=7,
    rejects=2,
    duplicates=1,
    step_seconds=0.02,
    commit_seconds=0.003,
    position=110,
    lag=40,
    outbox_length=3,
    watermark_seconds=1_700_000_000.5,
    epsilon=0.001,
    customers=5,
)
GAUGES = {"position", "lag", "outbox_length", "watermark_seconds", "epsilon", "customers"}


def read(metrics: WorkerMetrics) -> dict[str, float]:
    """Return every sample of ours, by ``name{label}`` without the prefix."""
    samples = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            labels = ",".join(value for key, value in sorted(sample.labels.items()) if key != "le")
            if sample.name.startswith("crm_online_") and not sample.name.endswith(("_bucket", "_created")):
                samples[sample.name.removeprefix("crm_online_") + (f"{{{labels}}}" if labels else "")] = sample.value
    return samples


def of_partition(samples: dict[str, float], partition: int) -> set[str]:
    """Return the names of the samples that a partition has."""
    end = f"{{{partition}}}"
    return {name.removesuffix(end) for name in samples if name.endswith(end)}


def test_steps_add_up_and_gauges_show_the_last_one() -> None:
    metrics = WorkerMetrics()
    metrics.step(STEP)
    metrics.step(replace(STEP, position=120, lag=30, outbox_length=0, customers=6))
    samples = read(metrics)
    assert samples["events_total{1}"] == 14
    assert samples["rejects_total{1}"] == 4
    assert samples["duplicates_total{1}"] == 2
    assert samples["step_records_count{1}"] == 2
    assert samples["step_records_sum{1}"] == 20
    assert samples["step_seconds_sum{1}"] == 0.04
    assert samples["commit_seconds_sum{1}"] == 0.006
    assert samples["position{1}"] == 120
    assert samples["lag{1}"] == 30
    assert samples["outbox_length{1}"] == 0
    assert samples["watermark_seconds{1}"] == 1_700_000_000.5
    assert samples["epsilon{1}"] == 0.001
    assert samples["customers{1}"] == 6


def test_lag_and_outbox_are_shown_while_no_step_is_committed() -> None:
    metrics = WorkerMetrics()
    metrics.step(STEP)
    metrics.lag(1, 5000)
    metrics.outbox(1, 8)
    samples = read(metrics)
    assert (samples["lag{1}"], samples["outbox_length{1}"], samples["events_total{1}"]) == (5000, 8, 7)


def test_a_partition_without_an_event_has_no_watermark() -> None:
    metrics = WorkerMetrics()
    metrics.step(replace(STEP, watermark_seconds=None))
    assert of_partition(read(metrics), 1) & GAUGES == GAUGES - {"watermark_seconds"}


def test_a_revoked_partition_takes_its_gauges_along_and_leaves_its_counters() -> None:
    metrics = WorkerMetrics()
    metrics.step(STEP)
    metrics.step(replace(STEP, partition=2))
    metrics.claimed(1)
    metrics.released(1)
    samples = read(metrics)
    assert not of_partition(samples, 1) & GAUGES
    assert of_partition(samples, 2) >= GAUGES
    assert samples["events_total{1}"] == 7
    assert samples["claims_total{1}"] == 1


def test_a_partition_that_was_claimed_but_never_made_a_step_can_be_revoked() -> None:
    metrics = WorkerMetrics()
    metrics.claimed(3)
    metrics.released(3)
    assert of_partition(read(metrics), 3) == {"claims_total"}


def test_segments_are_shown_by_the_worker_of_partition_0_only() -> None:
    metrics = WorkerMetrics()
    assert not {"j", "model_version"} & read(metrics).keys()
    metrics.segments(12.5, 3, {"a": 100, "b": 50})
    samples = read(metrics)
    assert (samples["j"], samples["model_version"]) == (12.5, 3)
    assert (samples["segment_customers{a}"], samples["segment_customers{b}"]) == (100, 50)

    metrics.released(1)
    assert "j" in read(metrics)
    metrics.released(0)
    assert not {"j", "model_version", "segment_customers{a}"} & read(metrics).keys()


def test_a_segment_that_a_refit_ended_is_no_longer_shown() -> None:
    metrics = WorkerMetrics()
    metrics.segments(12.5, 3, {"a": 100, "b": 50})
    metrics.segments(11.0, 4, {"b": 60, "c": 90})
    samples = read(metrics)
    assert {name for name in samples if name.startswith("segment_customers")} == {
        "segment_customers{b}",
        "segment_customers{c}",
    }


def test_each_reason_of_a_failed_step_and_of_a_wait_is_there_from_the_start() -> None:
    # A rate over a counter that appears with its first failure would miss just that one.
    samples = read(WorkerMetrics())
    assert {name: value for name, value in samples.items() if name.startswith(("refused", "wait"))} == {
        "refused_commits_total{owner}": 0,
        "refused_commits_total{position}": 0,
        "refused_commits_total{hole}": 0,
        "refused_commits_total{store}": 0,
        "wait_seconds_total{store}": 0,
        "wait_seconds_total{broker}": 0,
    }


def test_failed_steps_refetches_waits_transactions_and_rebalances_are_counted() -> None:
    metrics = WorkerMetrics()
    metrics.step_failed("hole")
    metrics.refetched()
    metrics.waited("store", 1.5)
    metrics.waited("store", 2.0)
    metrics.published({"crm.rules": 4, "crm.segments": 1}, 0.01)
    metrics.published({"crm.rules": 2}, 0.03)
    metrics.rebalanced()
    samples = read(metrics)
    assert samples["refused_commits_total{hole}"] == 1
    assert samples["refetches_total"] == 1
    assert samples["wait_seconds_total{store}"] == 3.5
    assert samples["published_total{crm.rules}"] == 6
    assert samples["published_total{crm.segments}"] == 1
    assert samples["publish_seconds_count"] == 2
    assert samples["rebalances_total"] == 1


def test_two_workers_in_one_process_count_for_themselves() -> None:
    one, other = WorkerMetrics(), WorkerMetrics()
    one.step(STEP)
    other.rebalanced()
    assert read(one)["rebalances_total"] == 0
    assert "events_total{1}" not in read(other)


def test_the_process_itself_is_measured() -> None:
    assert b"process_resident_memory_bytes" in WorkerMetrics().text()


def test_processor_time_adds_up_by_stage_and_each_stage_is_there_from_the_start() -> None:
    metrics = WorkerMetrics()
    metrics.stages({Stage.DECODE: 0.5, Stage.RULES: 0.25})
    metrics.stages({Stage.DECODE: 0.5})
    samples = read(metrics)
    spent = {stage: samples[f"stage_cpu_seconds_total{{{stage}}}"] for stage in Stage}
    assert spent == {**dict.fromkeys(Stage, 0.0), Stage.DECODE: 1.0, Stage.RULES: 0.25}
