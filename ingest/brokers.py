"""Short-lived connections to the brokers for administration and looking. Writes no event."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import KafkaError

from deskwheel.errors import ServiceError
from deskwheel.settings import KafkaSettings
from ingest.access import client_arguments, explained, watched

REQUEST_TIMEOUT_MS = 10_000
"""An administrative request that takes longer is not going to be answered."""


@contextmanager
def administration(settings: KafkaSettings, *, timeout_s: float = 10.0) -> Iterator[Any]:
    """Yield an admin client; a failure in the block names the brokers.

    Raises:
        ServiceError: no broker answers within the time, or it refuses a request.
        ConfigError: `[kafka]` is incomplete or contradictory.
    """
    with _explained(settings):
        client = KafkaAdminClient(
            **client_arguments(settings),
            bootstrap_timeout_ms=int(timeout_s * 1000),
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        try:
            yield client
        finally:
            client.close()


@contextmanager
def reader(settings: KafkaSettings) -> Iterator[Any]:
    """Yield a consumer without a group that commits nothing and is assigned nothing yet.

    Raises:
        ServiceError: no broker answers, or it refuses a request.
    """
    with _explained(settings):
        consumer = KafkaConsumer(
            **client_arguments(settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            bootstrap_timeout_ms=REQUEST_TIMEOUT_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        try:
            yield consumer
        finally:
            consumer.close()


@contextmanager
def _explained(settings: KafkaSettings) -> Iterator[None]:
    try:
        with watched() as seen:
            yield
    except KafkaError as error:
        why = explained(seen, error)
        raise ServiceError(
            f"kafka.bootstrap {settings.bootstrap}: {why}; is the broker running?"
        ) from error
