"""What the gateway counts in its own process, as Prometheus text.

The metrics of `deskwheel.metrics` come out of tables and outlive every process; a request that was
turned away is in no table, so these live and start anew with the gateway. Same prefix, same style.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from ingest.gateway.circuit import STATES
from ingest.gateway.outlet import Outlet

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 5.0)
"""Upper bounds; 2 s is the longest that a request waits for brokers that are away."""


class Counts:
    """Counters of one gateway, in a registry of their own."""

    def __init__(self, outlet: Outlet) -> None:
        """Begin at zero; pending events and the brokers' state are read from the outlet."""
        self._registry = CollectorRegistry()
        self._accepted = Counter(
            "deskwheel_gateway_accepted",
            "Events acknowledged by the brokers.",
            ("tenant", "channel"),
            registry=self._registry,
        )
        self._rejected = Counter(
            "deskwheel_gateway_rejected",
            "Events and requests turned away, by reason code.",
            ("tenant", "channel", "reason"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "deskwheel_gateway_request_seconds",
            "Time from a request's head to its answer.",
            ("address", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(_Pending(outlet))

    def accept(self, tenant: str, channel: str, events: int = 1) -> None:
        """Count acknowledged events."""
        self._accepted.labels(tenant, channel).inc(events)

    def reject(self, tenant: str, channel: str, reason: str, events: int = 1) -> None:
        """Count what was turned away; empty names where they are not known."""
        self._rejected.labels(tenant, channel, reason).inc(events)

    def answer(self, address: str, status: int, seconds: float) -> None:
        """Count an answer by its address, without the variable part, and status."""
        self._seconds.labels(address, str(status)).observe(seconds)

    def exposition(self) -> bytes:
        """Everything as Prometheus text."""
        return generate_latest(self._registry)


class _Pending(Collector):
    """What waits for the brokers, and what is believed of them."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def collect(self) -> Iterator[GaugeMetricFamily]:
        outlet = self._outlet
        yield GaugeMetricFamily(
            "deskwheel_gateway_pending_events",
            "Events without an acknowledgement.",
            value=outlet.pending_events,
        )
        yield GaugeMetricFamily(
            "deskwheel_gateway_pending_bytes",
            "Bytes of their payloads.",
            value=outlet.pending_bytes,
        )
        state = GaugeMetricFamily(
            "deskwheel_gateway_broker", "1 for the state of the brokers.", labels=("state",)
        )
        for name in STATES:
            state.add_metric((name,), float(outlet.circuit.state == name))
        yield state
