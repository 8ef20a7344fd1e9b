"""Whether `[kafka]` says how to reach the brokers: complete, and without contradictions.

Each stage makes its own client's settings out of the block: kafka-python's in `ingest.access`,
Java's in `transforms.access`.
"""

from urllib.parse import urlsplit

from deskwheel.errors import ConfigError
from deskwheel.settings import KafkaSettings

LOOPBACK = frozenset({"127.0.0.1", "::1"})

_TLS_ONLY = ("tls_ca_file", "tls_cert_file", "tls_key_file")
_SASL_ONLY = ("sasl_username", "sasl_password", *(f"oauth_{n}" for n in (
    "token_url", "client_id", "client_secret", "scope",
)))  # fmt: skip
_NEEDED = {
    "OAUTHBEARER": ("oauth_token_url", "oauth_client_id", "oauth_client_secret"),
    "": ("sasl_username", "sasl_password"),
}


def check(settings: KafkaSettings) -> None:
    """Raise ConfigError, with the setting's name, for a block that is incomplete or contradictory.

    Looks at no secret and at no file.
    """
    if not uses_tls(settings):
        _refuse(settings, _TLS_ONLY, "has TLS")
    if bool(settings.tls_cert_file) != bool(settings.tls_key_file):
        missing = "tls_key_file" if settings.tls_cert_file else "tls_cert_file"
        raise ConfigError(f"kafka.{missing} is empty; mutual TLS needs certificate and key")
    if not uses_sasl(settings):
        _refuse(settings, _SASL_ONLY, "has SASL")
        return
    mechanism = settings.sasl_mechanism
    for name in _NEEDED.get(mechanism, _NEEDED[""]):
        if not getattr(settings, name):
            raise ConfigError(
                f"kafka.{name} is empty; {settings.security} with {mechanism} needs it"
            )
    if mechanism == "OAUTHBEARER":
        _check_token_url(settings.oauth_token_url)


def uses_tls(settings: KafkaSettings) -> bool:
    """Whether the connection is encrypted."""
    return settings.security in ("SSL", "SASL_SSL")


def uses_sasl(settings: KafkaSettings) -> bool:
    """Whether the client proves by SASL who it is."""
    return settings.security.startswith("SASL_")


def _refuse(settings: KafkaSettings, names: tuple[str, ...], quality: str) -> None:
    for name in names:
        if getattr(settings, name):
            raise ConfigError(
                f"kafka.{name} is set, but kafka.security = {settings.security} never {quality};"
                " choose another protocol or remove the setting"
            )


def _check_token_url(url: str) -> None:
    parts = urlsplit(url)
    is_local = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or is_local):
        raise ConfigError(
            f"kafka.oauth_token_url must be an https address (http only on 127.0.0.1), got {url!r}"
        )
    if parts.username or parts.password:
        raise ConfigError("kafka.oauth_token_url holds credentials; use kafka.oauth_client_secret")
