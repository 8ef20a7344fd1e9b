"""TLS, passwords and tokens towards Kafka, against a broker that insists on them."""

import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    SaslAuthenticationFailedError,
)

from deskwheel.access import check
from deskwheel.errors import ConfigError, PublishError, ServiceError, SetupError
from deskwheel.jars import jar_dir
from deskwheel.java import find_java
from deskwheel.settings import KafkaSettings
from ingest import topics
from ingest.access import client_arguments, explained, watched
from ingest.brokers import administration
from ingest.offsets import offsets
from ingest.producer import producer_arguments
from ingest.publish import Publisher
from tests.faults import brokers
from tests.ingest.conftest import make_event
from tests.ingest.papers import Endpoint, Papers, make_papers, token_endpoint, write_keys

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PASSWORD = 'toy "pass\\word'
_SECURITY = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class Guarded:
    """A broker with a listener of each protocol."""

    broker: brokers.Broker
    papers: Papers

    def settings(self, security: str, **changes: Any) -> KafkaSettings:
        plain = KafkaSettings(
            bootstrap=f"127.0.0.1:{self.broker.ports[security]}",
            security=security,
            delivery_timeout_s=10,
        )
        return replace(plain, **changes)

    def scram(self, **changes: Any) -> KafkaSettings:
        own = {
            "tls_ca_file": str(self.papers.ca),
            "sasl_username": "desk",
            "sasl_password": "env:TOY_KAFKA_PASSWORD",
        }
        return self.settings("SASL_SSL", **own | changes)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    try:
        find_java()
        jar_dir("kafka")
    except SetupError as error:
        pytest.skip(str(error))
    papers = make_papers(tmp_path_factory.mktemp("papers"))
    escaped = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
    # A properties file takes one more level of backslashes.
    carol = f'user_carol="{escaped}"'.replace("\\", "\\\\")
    keys = write_keys(tmp_path_factory.mktemp("keys") / "keys.json")
    allowed = "-Dorg.apache.kafka.sasl.oauthbearer.allowed"
    oauthbearer = "listener.name.sasl_plaintext.oauthbearer.sasl.oauthbearer"
    listener, login = "listener.name", "sasl.jaas.config"
    broker = brokers.start(
        tmp_path_factory.mktemp("guarded"),
        listeners=("SSL", "SASL_SSL", "SASL_PLAINTEXT"),
        java_options=f"{allowed}.urls={keys.as_uri()} {allowed}.files={keys}",
        users=(f"SCRAM-SHA-512=[name=desk,password={PASSWORD}]",),
        further={
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(papers.broker),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(papers.ca),
            f"{listener}.ssl.ssl.client.auth": "required",
            f"{listener}.sasl_ssl.sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
            f"{listener}.sasl_ssl.scram-sha-512.{login}": (
                f"{_SECURITY}.scram.ScramLoginModule required;"
            ),
            f"{listener}.sasl_ssl.plain.{login}": (
                f"{_SECURITY}.plain.PlainLoginModule required {carol};"
            ),
            f"{listener}.sasl_plaintext.sasl.enabled.mechanisms": "OAUTHBEARER",
            f"{listener}.sasl_plaintext.oauthbearer.{login}": (
                f"{_SECURITY}.oauthbearer.OAuthBearerLoginModule required"
                ' unsecuredLoginStringClaim_sub="broker";'
            ),
            f"{listener}.sasl_plaintext.oauthbearer.sasl.server.callback.handler.class": (
                f"{_SECURITY}.oauthbearer.OAuthBearerValidatorCallbackHandler"
            ),
            f"{oauthbearer}.jwks.endpoint.url": keys.as_uri(),
            f"{oauthbearer}.expected.audience": "toy-cluster",
            f"{oauthbearer}.expected.issuer": "https://id.example.com",
        },
    )
    try:
        yield Guarded(broker, papers)
    finally:
        broker.stop()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with token_endpoint() as told:
        yield told


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_KAFKA_PASSWORD", PASSWORD)
    monkeypatch.setenv("TOY_CLIENT_SECRET", "toy-secret")


def round_trip(settings: KafkaSettings) -> None:
    """Publish with a publisher, look with an administrator and with a reader."""
    before = sum(end for _, end in offsets(settings)["raw.chat"].values())
    with Publisher(settings) as publisher:
        publisher.publish(make_event()).wait()
    assert sum(end for _, end in offsets(settings)["raw.chat"].values()) == before + 1
    assert not [p for p in topics.plan(settings) if p.is_missing]


@pytest.mark.kafka
def test_scram_over_tls_serves_publisher_reader_and_administration(guarded: Guarded) -> None:
    round_trip(guarded.scram())


@pytest.mark.kafka
def test_plain_over_tls_serves_all_clients(guarded: Guarded) -> None:
    round_trip(guarded.scram(sasl_mechanism="PLAIN", sasl_username="carol"))


@pytest.mark.kafka
def test_mutual_tls_serves_all_clients(guarded: Guarded) -> None:
    papers = guarded.papers
    round_trip(
        guarded.settings(
            "SSL",
            tls_ca_file=str(papers.ca),
            tls_cert_file=str(papers.cert),
            tls_key_file=str(papers.key),
        )
    )


@pytest.mark.kafka
def test_tokens_serve_all_clients_and_one_token_is_enough(
    guarded: Guarded, endpoint: Endpoint
) -> None:
    round_trip(guarded.settings("SASL_PLAINTEXT", **oauth(endpoint)))
    assert len(endpoint.asked) == 1


def test_a_refusal_is_the_reason_however_many_broken_connections_follow_it() -> None:
    log = logging.getLogger("kafka.net.manager")
    with watched() as seen:
        log.warning("%s", SaslAuthenticationFailedError("invalid credentials"))
        for _ in range(50):
            log.warning("%s", KafkaConnectionError("socket disconnected"))
    assert "invalid credentials" in explained(seen, KafkaTimeoutError("no bootstrap"))
    assert len(seen) < 50


@pytest.mark.kafka
def test_a_wrong_password_is_named_as_the_cause_and_shown_nowhere(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TOY_KAFKA_PASSWORD", "not-this-one")
    caplog.set_level(logging.DEBUG)
    # Both wait as long as they may: time for a handshake on a busy machine.
    settings = guarded.scram(delivery_timeout_s=16)
    with pytest.raises(PublishError, match="(?i)invalid credentials") as caught:
        Publisher(settings)
    assert "not-this-one" not in str(caught.value)
    with (
        pytest.raises(ServiceError, match="(?i)invalid credentials"),
        administration(settings, timeout_s=16) as admin,
    ):
        admin.describe_cluster()
    assert "not-this-one" not in caplog.text


@pytest.mark.kafka
def test_a_broker_with_a_certificate_of_another_authority_is_not_spoken_to(
    guarded: Guarded, tmp_path: Path
) -> None:
    settings = guarded.scram(tls_ca_file=str(make_papers(tmp_path).ca), delivery_timeout_s=8)
    with pytest.raises(PublishError, match="(?i)certificate verify failed"):
        Publisher(settings)


@pytest.mark.kafka
def test_spark_reads_with_the_same_settings_and_shows_no_credentials(
    guarded: Guarded, endpoint: Endpoint, spark: "SparkSession"
) -> None:
    from transforms.access import hide_credentials, kafka_options  # noqa: PLC0415

    papers = guarded.papers
    mutual = {"tls_cert_file": str(papers.cert), "tls_key_file": str(papers.key)}
    ways = {
        "scram": guarded.scram(),
        "mutual": guarded.settings("SSL", tls_ca_file=str(papers.ca), **mutual),
        "oauth": guarded.settings("SASL_PLAINTEXT", **oauth(endpoint)),
    }
    with Publisher(ways["scram"]) as publisher:
        publisher.publish(make_event()).wait()
    expected = sum(end for _, end in offsets(ways["scram"])["raw.chat"].values())
    hide_credentials(spark)
    for way, settings in ways.items():
        frame = (
            spark.read.format("kafka")
            .options(**kafka_options(settings))
            .option("subscribe", "raw.chat")
            .load()
        )
        assert frame.count() == expected, way
        shown = str(frame._jdf.queryExecution().toString())  # noqa: SLF001
        shown += str(
            spark._jsparkSession.sessionState()  # noqa: SLF001
            .conf()
            .redactOptions(
                spark._jvm.PythonUtils.toScalaMap(kafka_options(settings))  # noqa: SLF001
            )
        )
        for secret in ("pass\\", "toy-secret", "PRIVATE KEY"):
            assert secret not in shown


def oauth(endpoint: Endpoint) -> dict[str, str]:
    return {
        "sasl_mechanism": "OAUTHBEARER",
        "oauth_token_url": endpoint.url,
        "oauth_client_id": "desk:1",
        "oauth_client_secret": "env:TOY_CLIENT_SECRET",
        "oauth_scope": "kafka",
    }


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"security": "SASL_SSL"}, "kafka.sasl_username"),
        ({"security": "SASL_SSL", "sasl_username": "desk"}, "kafka.sasl_password"),
        ({"security": "PLAINTEXT", "sasl_username": "desk"}, "kafka.sasl_username"),
        ({"security": "SASL_PLAINTEXT", "tls_ca_file": "ca.pem"}, "kafka.tls_ca_file"),
        ({"security": "SSL", "tls_cert_file": "client.crt"}, "kafka.tls_key_file"),
        ({"security": "SSL", "tls_key_file": "client.key"}, "kafka.tls_cert_file"),
        ({"security": "SSL", "oauth_scope": "kafka"}, "kafka.oauth_scope"),
        ({"security": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"}, "kafka.oauth_token_url"),
    ],
)
def test_a_block_that_is_incomplete_or_contradictory_is_refused_by_the_settings_name(
    changes: dict[str, str], setting: str
) -> None:
    with pytest.raises(ConfigError, match=setting):
        client_arguments(replace(KafkaSettings(), **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("https://id.example.com/token", True),
        ("http://127.0.0.1:9/token", True),
        ("http://id.example.com/token", False),
        ("http://127.0.0.1.example.com/token", False),
        ("https://desk:pw@id.example.com/token", False),
        ("file:///etc/passwd", False),
    ],
)
def test_tokens_are_fetched_over_https_or_from_this_machine(url: str, is_taken: bool) -> None:
    settings = KafkaSettings(
        security="SASL_SSL",
        sasl_mechanism="OAUTHBEARER",
        oauth_token_url=url,
        oauth_client_id="desk",
        oauth_client_secret="env:TOY_CLIENT_SECRET",
    )
    if is_taken:
        check(settings)
    else:
        with pytest.raises(ConfigError, match=r"kafka\.oauth_token_url"):
            check(settings)


def test_files_that_are_no_pem_are_refused_by_the_settings_name(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    settings = KafkaSettings(security="SSL", tls_ca_file=str(tmp_path / "ca.pem"))
    with pytest.raises(ConfigError, match=r"kafka\.tls_ca_file"):
        client_arguments(settings)
    with pytest.raises(ConfigError, match="no such file"):
        client_arguments(replace(settings, tls_ca_file=str(tmp_path / "none.pem")))


def test_the_tls_context_checks_certificate_and_host_unless_told_otherwise(tmp_path: Path) -> None:
    settings = KafkaSettings(security="SSL", tls_ca_file=str(make_papers(tmp_path).ca))
    context = client_arguments(settings)["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    context = client_arguments(replace(settings, tls_check_hostname=False))["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert not context.check_hostname


def test_the_arguments_show_no_secret_when_they_are_printed(endpoint: Endpoint) -> None:
    scram = KafkaSettings(
        security="SASL_PLAINTEXT", sasl_username="desk", sasl_password="env:TOY_KAFKA_PASSWORD"
    )
    arguments = client_arguments(scram)
    assert arguments["sasl_plain_password"] == PASSWORD
    assert "pass" not in repr(arguments["sasl_plain_password"])
    tokens = replace(KafkaSettings(security="SASL_PLAINTEXT"), **oauth(endpoint))
    assert "toy-secret" not in repr(client_arguments(tokens))


def test_batches_follow_the_settings() -> None:
    settings = KafkaSettings(compression="none", linger_ms=5, delivery_timeout_s=8)
    arguments = producer_arguments(settings)
    assert arguments["compression_type"] is None
    assert arguments["linger_ms"] == 5
    assert arguments["acks"] == "all"
    assert arguments["enable_idempotence"] is True
    assert producer_arguments(replace(settings, compression="lz4"))["compression_type"] == "lz4"
    with pytest.raises(ConfigError, match=r"kafka\.linger_ms"):
        producer_arguments(replace(settings, linger_ms=7900))
