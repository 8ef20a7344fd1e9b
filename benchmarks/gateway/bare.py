"""The peer of the gateway: a bare kafka-python producer at the same rate and with its settings.

`python -m benchmarks.gateway.bare BOOTSTRAP` prints the time of each event from when it was due to
its acknowledgement.
"""

import argparse
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from kafka import KafkaProducer

from benchmarks.gateway.load import message
from benchmarks.gateway.processes import LINGER_MS
from deskwheel.settings import KafkaSettings
from ingest.envelope import Arrival, headers_of
from ingest.producer import producer_arguments
from ingest.sources import CHANNELS


def latencies(
    settings: KafkaSettings, *, rate_per_s: float, seconds: float, prefix: str
) -> list[float]:
    """Seconds from the due time to the acknowledgement of each event."""
    total, now = int(rate_per_s * seconds), datetime.now(UTC)
    arrivals = [Arrival(data=message(i, prefix), received_at=now) for i in range(total)]
    events = [CHANNELS["chat"](arrival) for arrival in arrivals]
    ready = [(event.key.encode(), event.data, headers_of(event)) for event in events]
    producer = KafkaProducer(**producer_arguments(settings))
    producer.partitions_for("raw.chat")
    found: list[float] = []
    begin = time.perf_counter() + 0.2
    for number, (key, value, headers) in enumerate(ready):
        due = begin + number / rate_per_s
        time.sleep(max(0.0, due - time.perf_counter()))
        future = producer.send("raw.chat", value=value, key=key, headers=headers)
        future.add_callback(lambda _, due=due: found.append(time.perf_counter() - due))
    producer.flush()
    producer.close()
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run one load and print the latencies."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway.bare", description=__doc__)
    parser.add_argument("bootstrap")
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--linger", type=int, default=LINGER_MS, metavar="MS")
    chosen = parser.parse_args(argv)
    settings = KafkaSettings(bootstrap=chosen.bootstrap, linger_ms=chosen.linger)
    found = latencies(
        settings, rate_per_s=chosen.rate, seconds=chosen.seconds, prefix=chosen.prefix
    )
    print(json.dumps({"latencies_s": found}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
