"""The one vocabulary of metrics, and their values out of the facts of a moment.

Values come from the tables when they are scraped, so that a restart loses none and every replica
of the console says the same. Reads what `deskwheel.console.facts` reads; writes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

Values = Iterable[tuple[tuple[str, ...], float]]
"""Label values and the number that belongs to them."""


@dataclass(frozen=True)
class Metric:
    """One metric: its name, type, meaning and labels."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...] = ()


EVENTS = Metric(
    "deskwheel_events_total", "counter", "Events read from Kafka.", ("topic", "verdict")
)
REJECTIONS = Metric(
    "deskwheel_rejections_total", "counter", "Events rejected, by reason code.", ("reason",)
)
TURNS = Metric("deskwheel_turns_total", "counter", "Utterances accepted.", ("channel",))
CONVERSATIONS = Metric(
    "deskwheel_conversations", "gauge", "Closed conversations, current version.", ("resolution",)
)
EXAMPLES = Metric(
    "deskwheel_examples_total", "counter", "Examples by verdict; pending has none.", ("verdict",)
)
QUARANTINE = Metric(
    "deskwheel_quarantine_total", "counter", "Examples quarantined, by broken rule.", ("rule",)
)
WINDOWS = Metric("deskwheel_windows", "gauge", "Training windows by phase.", ("phase",))
RUNS = Metric("deskwheel_runs_total", "counter", "Finished fine-tunes.")
LOSS = Metric("deskwheel_run_last_loss", "gauge", "Last training loss of the newest run, in nats.")
SCORE = Metric("deskwheel_evaluation_score", "gauge", "Newest evaluation.", ("model", "metric"))
VERDICT = Metric(
    "deskwheel_evaluation_verdict", "gauge", "1 for the verdict of the newest.", ("verdict",)
)
SHARE = Metric(
    "deskwheel_variant_share", "gauge", "Share of customers in [0, 1].", ("variant", "role")
)
FEEDBACK = Metric(
    "deskwheel_feedback_total", "counter", "Answers assigned and outcomes.", ("variant", "kind")
)
CSAT = Metric("deskwheel_variant_csat_mean", "gauge", "Mean CSAT, 1 to 5.", ("variant",))
UNACCOUNTED = Metric(
    "deskwheel_audit_unaccounted", "gauge", "Events and examples without a verdict, last audit."
)
BALANCED = Metric("deskwheel_audit_balanced", "gauge", "1 when the last audit was balanced.")
SERVICE_UP = Metric("deskwheel_service_up", "gauge", "1 when the service is ready.", ("service",))
RESTARTS = Metric(
    "deskwheel_service_restarts_total", "counter", "Restarts of a service.", ("service",)
)

METRICS: tuple[Metric, ...] = (
    EVENTS, REJECTIONS, TURNS, CONVERSATIONS, EXAMPLES, QUARANTINE, WINDOWS, RUNS, LOSS, SCORE,
    VERDICT, SHARE, FEEDBACK, CSAT, UNACCOUNTED, BALANCED, SERVICE_UP, RESTARTS,
)  # fmt: skip
"""Every metric; dashboards and alerts use no other name."""


def exposition(facts: Mapping[str, Any]) -> bytes:
    """The facts as Prometheus text."""
    registry = CollectorRegistry()
    registry.register(_Collected(facts))
    return generate_latest(registry)


def values_of(facts: Mapping[str, Any]) -> dict[Metric, Values]:
    """Each metric's values; a metric without a fact has none."""
    flow, audit, run = facts["flow"], facts["audit"], facts["run"]
    evaluation = facts["evaluation"] or {}
    return {
        EVENTS: _events(facts["topics"]),
        REJECTIONS: [((row["reason"],), row["count"]) for row in facts["rejected"]],
        TURNS: _each(facts["channels"]),
        CONVERSATIONS: _each(facts["resolutions"]),
        EXAMPLES: [*_each(facts["verdicts"]), (("pending",), flow["pending"])],
        QUARANTINE: [((row["reason"],), row["count"]) for row in facts["quarantined"]],
        WINDOWS: _phases(facts["windows"]),
        RUNS: [((), flow["runs"])],
        LOSS: [((), run["last_loss"])] if run else [],
        SCORE: _scores(evaluation.get("scores", {})),
        VERDICT: [((evaluation["verdict"],), 1)] if evaluation else [],
        SHARE: [((arm["variant"], arm["role"]), arm["share"]) for arm in facts["arms"]],
        FEEDBACK: _feedback(facts["arms"]),
        CSAT: [
            ((arm["variant"],), arm["mean_csat"])
            for arm in facts["arms"]
            if arm["mean_csat"] is not None
        ],
        UNACCOUNTED: [((), audit["unaccounted"])] if audit else [],
        BALANCED: [((), float(audit["is_balanced"]))] if audit else [],
        SERVICE_UP: [((s["name"],), float(s["phase"] == "ready")) for s in facts["services"]],
        RESTARTS: [((s["name"],), s["restarts"]) for s in facts["services"]],
    }


class _Collected(Collector):
    """Hands the values of a moment to the Prometheus client."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._values = values_of(facts)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        for metric, values in self._values.items():
            family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            collected = family(metric.name, metric.help, labels=metric.labels)
            for labels, value in values:
                collected.add_metric(labels, value)
            yield collected


def _each(counts: Mapping[str, int]) -> list[tuple[tuple[str, ...], float]]:
    return [((name,), count) for name, count in counts.items()]


def _events(topics: Iterable[Mapping[str, Any]]) -> Values:
    for topic in topics:
        for verdict, count in topic.items():
            if verdict != "topic":
                yield (topic["topic"], verdict), count


def _phases(windows: Iterable[Mapping[str, Any]]) -> Values:
    phases = [window["phase"] for window in windows]
    return [((phase,), phases.count(phase)) for phase in sorted(set(phases))]


def _scores(scores: Mapping[str, Mapping[str, float]]) -> Values:
    for model, metrics in scores.items():
        for metric, value in metrics.items():
            yield (model, metric), value


def _feedback(arms: Iterable[Mapping[str, Any]]) -> Values:
    for arm in arms:
        yield (arm["variant"], "assignment"), arm["assignments"]
        yield (arm["variant"], "outcome"), arm["outcomes"]
