"""How a Kafka client of ours reaches the brokers: `[kafka]` as arguments of kafka-python.

Reads and writes no topic. Secrets come from `deskwheel.secret` and stand in no message: whatever
prints the arguments, as kafka-python does at level DEBUG, prints `***` in their place.
"""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from kafka.errors import (
    AuthorizationError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

from deskwheel.access import check, uses_sasl, uses_tls
from deskwheel.errors import ConfigError
from deskwheel.secret import read_secret
from deskwheel.settings import KafkaSettings
from ingest.oauth import TokenProvider

RECONNECT_MS = 500
"""Longest pause between two attempts to connect; kafka-python's 30 s outlast any restart."""

_KEPT = 10
"""Reasons that are remembered, of either sort."""

_REFUSALS = (SaslAuthenticationFailedError, AuthorizationError, UnsupportedSaslMechanismError)


class HiddenText(str):
    """A text that shows nothing of itself in a representation."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def client_arguments(settings: KafkaSettings) -> dict[str, Any]:
    """Return what producer, consumer and admin client of kafka-python have in common.

    Raises:
        ConfigError: a setting is missing or contradicts another, or a secret or PEM file cannot
            be read.
    """
    check(settings)
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap.split(","),
        "security_protocol": settings.security,
        "reconnect_backoff_max_ms": RECONNECT_MS,
    }
    if uses_tls(settings):
        arguments["ssl_context"] = tls_context(settings)
    if uses_sasl(settings):
        arguments |= {"sasl_mechanism": settings.sasl_mechanism, **_credentials(settings)}
    return arguments


def tls_context(settings: KafkaSettings) -> ssl.SSLContext:
    """Return the context that checks the brokers' certificates and presents ours.

    Raises:
        ConfigError: a PEM file cannot be read, or holds something else.
    """
    name = "tls_ca_file"
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca_file or None)
        context.check_hostname = settings.tls_check_hostname
        name = "tls_cert_file"
        if settings.tls_cert_file:
            # Without the callback OpenSSL would ask the terminal for the key's password.
            context.load_cert_chain(
                settings.tls_cert_file, settings.tls_key_file, password=lambda: ""
            )
    except (OSError, ValueError) as error:
        places = [settings.tls_ca_file] if name == "tls_ca_file" else [
            settings.tls_cert_file, settings.tls_key_file,
        ]  # fmt: skip
        absent = [place for place in places if not Path(place).is_file()]
        why = f"no such file: {', '.join(absent)}" if absent else f"{', '.join(places)}: {error}"
        raise ConfigError(
            f"kafka.{name}: {why}; PEM files are wanted, an unencrypted key"
        ) from None
    return context


@contextmanager
def watched() -> Iterator[list[BaseException]]:
    """Yield a list that fills with the reasons why connections fail while the block runs.

    kafka-python 3.0.12 tells a caller only that no broker answered in time, and logs why. Two
    connections that are made at once see each other's reasons.
    """
    witness = _Witness()
    log = logging.getLogger("kafka.net.manager")
    log.addHandler(witness)
    try:
        yield witness.seen
    finally:
        log.removeHandler(witness)


def explained(seen: list[BaseException], error: BaseException) -> str:
    """Return an error in words, with the last reason why a connection failed."""
    said = str(error) or type(error).__name__
    # A refusal tells more than the broken connections that follow it, and the last thing that is
    # logged may be the error itself.
    texts = [(isinstance(e, _REFUSALS), str(e) or type(e).__name__) for e in seen]
    reasons = [(is_refusal, text) for is_refusal, text in texts if text not in said]
    refusals = [text for is_refusal, text in reasons if is_refusal]
    last = [*(text for _, text in reasons), *refusals][-1:]
    return f"{said} ({last[0]})" if last else said


class _Witness(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        values = record.args if isinstance(record.args, tuple) else ()
        for error in (v for v in values if isinstance(v, BaseException)):
            refusals = [e for e in self.seen if isinstance(e, _REFUSALS)]
            others = [e for e in self.seen if e not in refusals]
            # One refusal among many broken connections is the reason for all of them.
            self.seen[:] = [*refusals[-_KEPT:], *others[-_KEPT:], error]


@lru_cache(maxsize=8)
def _provider(url: str, client_id: str, secret: str, scope: str) -> TokenProvider:
    """One provider for all clients of this process, so that they share a token."""
    return TokenProvider(url, client_id, secret, scope=scope)


def _credentials(settings: KafkaSettings) -> dict[str, Any]:
    if settings.sasl_mechanism == "OAUTHBEARER":
        secret = read_secret(settings.oauth_client_secret, setting="kafka.oauth_client_secret")
        provider = _provider(
            settings.oauth_token_url, settings.oauth_client_id, secret, settings.oauth_scope
        )
        return {"sasl_oauth_token_provider": provider}
    password = read_secret(settings.sasl_password, setting="kafka.sasl_password")
    return {
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": HiddenText(password),
    }
