"""How Spark's Kafka clients reach the brokers: `[kafka]` as `kafka.*` options.

Reads and writes no topic. Kafka hides these values in its logs; `hide_credentials` makes Spark
hide them in its plans.
"""

from pathlib import Path

from pyspark.sql import SparkSession

from deskwheel.access import check, uses_sasl, uses_tls
from deskwheel.errors import ConfigError
from deskwheel.secret import read_secret
from deskwheel.settings import KafkaSettings

_MODULES = "org.apache.kafka.common.security"
_LOGIN = {
    "PLAIN": f"{_MODULES}.plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{_MODULES}.scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{_MODULES}.scram.ScramLoginModule",
    "OAUTHBEARER": f"{_MODULES}.oauthbearer.OAuthBearerLoginModule",
}
_REDACTION = "spark.sql.redaction.options.regex"
_HIDDEN = "jaas|keystore"
_PKCS8 = "-----BEGIN PRIVATE KEY-----"


def kafka_options(settings: KafkaSettings) -> dict[str, str]:
    """Return the options that Spark's Kafka source and sink need to reach the brokers.

    Raises:
        ConfigError: a setting is missing or contradicts another, or a secret or PEM file cannot
            be read.
    """
    check(settings)
    options = {"bootstrap.servers": settings.bootstrap, "security.protocol": settings.security}
    if uses_tls(settings):
        options |= _tls(settings)
    if uses_sasl(settings):
        options |= _sasl(settings)
    return {f"kafka.{name}": value for name, value in options.items()}


def hide_credentials(spark: SparkSession) -> None:
    """Let Spark write `*(redacted)` where a plan or a message would show our credentials."""
    pattern = spark.conf.get(_REDACTION) or "(?i)url"
    if _HIDDEN not in pattern:
        spark.conf.set(_REDACTION, f"{pattern}|{_HIDDEN}")


def _tls(settings: KafkaSettings) -> dict[str, str]:
    options = {}
    if settings.tls_ca_file:
        _pem("tls_ca_file", settings.tls_ca_file)
        options["ssl.truststore.type"] = "PEM"
        options["ssl.truststore.location"] = str(Path(settings.tls_ca_file).absolute())
    if settings.tls_cert_file:
        key = _pem("tls_key_file", settings.tls_key_file)
        if _PKCS8 not in key:
            raise ConfigError(
                f"kafka.tls_key_file: {settings.tls_key_file}: Java reads unencrypted PKCS #8 only;"
                " convert it: openssl pkcs8 -topk8 -nocrypt"
            )
        options["ssl.keystore.type"] = "PEM"
        options["ssl.keystore.key"] = key
        options["ssl.keystore.certificate.chain"] = _pem("tls_cert_file", settings.tls_cert_file)
    if not settings.tls_check_hostname:
        options["ssl.endpoint.identification.algorithm"] = ""
    return options


def _sasl(settings: KafkaSettings) -> dict[str, str]:
    mechanism = settings.sasl_mechanism
    options = {"sasl.mechanism": mechanism}
    if mechanism == "OAUTHBEARER":
        secret = read_secret(settings.oauth_client_secret, setting="kafka.oauth_client_secret")
        given = {"clientId": settings.oauth_client_id, "clientSecret": secret}
        if settings.oauth_scope:
            given["scope"] = settings.oauth_scope
        options["sasl.oauthbearer.token.endpoint.url"] = settings.oauth_token_url
        options["sasl.login.callback.handler.class"] = (
            f"{_MODULES}.oauthbearer.OAuthBearerLoginCallbackHandler"
        )
    else:
        password = read_secret(settings.sasl_password, setting="kafka.sasl_password")
        given = {"username": settings.sasl_username, "password": password}
    words = [_LOGIN[mechanism], "required", *(f"{n}={_quoted(v)}" for n, v in given.items())]
    options["sasl.jaas.config"] = " ".join(words) + ";"
    return options


def _quoted(value: str) -> str:
    """A value as JAAS reads it: in quotes, with those and backslashes escaped."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _pem(name: str, path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"kafka.{name}: {path} cannot be read ({error})") from error
    if "-----BEGIN " not in text:
        raise ConfigError(f"kafka.{name}: {path} is no PEM file")
    return text
