"""Settings of customer traffic on its way: pipeline, Kafka, ingest, gateway, transforms."""

from dataclasses import dataclass

from deskwheel.settings.fields import REFERENCE, bounded, described


@dataclass(frozen=True)
class PipelineSettings:
    """Whose pipeline this is and where its state lives."""

    name: str = described(
        "support",
        "Name of the pipeline: one base model, one served bot. Part of file and job names.",
        pattern=r"[a-z0-9][a-z0-9-]{0,40}",
    )
    tenant: str = described(
        "default", "Tenant written into every record.", pattern=r"[A-Za-z0-9._-]{1,64}"
    )
    lake: str = described(".deskwheel/lake", "Folder of the Delta tables.")
    state_url: str = described(
        "sqlite:///.deskwheel/state.db", "SQLAlchemy address of the state database."
    )
    secrets_dir: str = described(
        ".deskwheel/secrets", "Folder of the HMAC key and of the tokens; files of mode 600."
    )


@dataclass(frozen=True)
class KafkaSettings:
    """How to reach the brokers."""

    bootstrap: str = described("127.0.0.1:9092", "Bootstrap servers, comma-separated host:port.")
    delivery_timeout_s: float = bounded(
        30.0, 1, 600, "Time after which an event without an acknowledgement counts as failed."
    )
    compression: str = described(
        "zstd", "Codec of published batches.", ("none", "gzip", "lz4", "snappy", "zstd")
    )
    linger_ms: int = bounded(20, 0, 60_000, "How long a batch of events waits for company.")
    buffer_bytes: int = bounded(
        67_108_864,
        1_048_576,
        8_589_934_592,
        "Events without an acknowledgement that a publisher holds; beyond, publishing waits.",
    )
    security: str = described(
        "PLAINTEXT",
        "Protocol towards the brokers.",
        ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    )
    tls_ca_file: str = described(
        "", "PEM file of the authority that signed the brokers' certificates; empty: the system's."
    )
    tls_cert_file: str = described("", "PEM file of the client's certificate (mutual TLS).")
    tls_key_file: str = described("", "PEM file of the client's private key, unencrypted.")
    tls_check_hostname: bool = described(True, "Refuse a certificate made out to another host.")
    sasl_mechanism: str = described(
        "SCRAM-SHA-512",
        "How the client proves who it is, with a SASL protocol.",
        ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"),
    )
    sasl_username: str = described("", "User name for PLAIN and SCRAM.")
    sasl_password: str = described(
        "", "Where the password is: `env:NAME` or `file:PATH`.", pattern=REFERENCE
    )
    oauth_token_url: str = described("", "Token endpoint for OAUTHBEARER (client credentials).")
    oauth_client_id: str = described("", "Client id for OAUTHBEARER.")
    oauth_client_secret: str = described(
        "", "Where the client secret is: `env:NAME` or `file:PATH`.", pattern=REFERENCE
    )
    oauth_scope: str = described("", "Scope asked for with OAUTHBEARER.")


@dataclass(frozen=True)
class IngestSettings:
    """Sources, and what they keep between two runs."""

    state_dir: str = described(
        ".deskwheel/ingest", "Folder of the sources' positions and of the spool."
    )
    spool_max_bytes: int = bounded(
        1_073_741_824,
        1_048_576,
        1_099_511_627_776,
        "Events that a source which cannot wait keeps on disk while the brokers are away.",
    )
    spool_segment_bytes: int = bounded(
        16_777_216, 65_536, 1_073_741_824, "A spool file is closed at this size."
    )
    max_redrives: int = bounded(3, 1, 100, "How often a dead letter may be sent back.")
    mirror_interval_s: float = bounded(
        10.0, 0.5, 3600, "Time between two copies of the streams' offsets into consumer groups."
    )


@dataclass(frozen=True)
class GatewaySettings:
    """The HTTP service that takes events in."""

    host: str = described("127.0.0.1", "Address the gateway listens on.")
    port: int = bounded(0, 0, 65_535, "Its port; 0 chooses a free one.")
    tokens_file: str = described(
        "", "TOML file `[tokens]` of tenant = `env:NAME` or `file:PATH`; empty: secrets/api_token."
    )
    sources_dir: str = described(
        "", "Folder of source files; those of kind webhook get an address each."
    )
    max_body_bytes: int = bounded(
        1_048_576, 1024, 16_777_216, "Larger events get a 413; keep at transforms.max_event_bytes."
    )
    max_batch_bytes: int = bounded(8_388_608, 1024, 268_435_456, "Larger batches get a 413.")
    max_batch_events: int = bounded(1000, 1, 100_000, "Batches of more events get a 413.")
    ack_wait_s: float = bounded(
        1.5, 0.05, 60, "How long a request waits for the brokers; then it gets a 503."
    )
    max_pending_events: int = bounded(
        4000, 1, 10_000_000, "Events without an acknowledgement; further ones get a 503."
    )
    max_pending_bytes: int = bounded(
        33_554_432, 65_536, 8_589_934_592, "The same in bytes of their payloads."
    )
    events_per_s: float = bounded(
        0.0,
        0,
        10_000_000,
        "Events a second of a tenant, beyond which it gets a 429; 0: no limit.",
    )
    replay_window_s: float = bounded(
        300.0, 1, 86_400, "A webhook signed longer ago, or as far in the future, is refused."
    )
    drain_s: float = bounded(20.0, 0, 600, "How long requests under way may take after SIGTERM.")


@dataclass(frozen=True)
class TransformsSettings:
    """The streaming job from Kafka to examples."""

    checkpoint_dir: str = described(".deskwheel/checkpoints", "Folder of the stream checkpoints.")
    interval_s: float = bounded(5.0, 0.1, 3600, "Micro-batch interval.")
    max_offsets_per_batch: int = bounded(
        20_000, 1, 10_000_000, "Upper limit of events in a micro-batch."
    )
    max_event_bytes: int = bounded(
        1_048_576, 1024, 16_777_216, "Larger events are rejected as TOO_LARGE."
    )
    future_slack_s: float = bounded(
        300.0, 0, 86_400, "How much later than the broker's clock an event may be dated."
    )
    earliest_event_time: str = described(
        "2000-01-01T00:00:00Z", "Events dated before are rejected as TIME_PAST (ISO 8601)."
    )
    dedup_horizon_h: float = bounded(
        192.0, 168, 8760, "How far back an event id is remembered; not below the topics' retention."
    )
    thread_horizon_h: float = bounded(
        720.0, 1, 8760, "How far back a mail's thread is looked for by ids and tickets."
    )
    thread_subject_h: float = bounded(
        168.0,
        0,
        8760,
        "How far apart two mails may be that only subject and customer tie together; 0: never.",
    )
    idle_close_s: float = bounded(
        1800.0, 1, 604_800, "A conversation without a new turn for this long is closed."
    )
    idle_close_email_s: float = bounded(
        0.0, 0, 2_592_000, "The same for e-mail, where days may pass; 0: `idle_close_s`."
    )
    idle_close_chat_s: float = bounded(0.0, 0, 2_592_000, "The same for chat; 0: `idle_close_s`.")
    idle_close_call_s: float = bounded(0.0, 0, 2_592_000, "The same for calls; 0: `idle_close_s`.")
    close_grace_s: float = bounded(
        30.0, 0, 86_400, "Wait after a stated end, for turns that are still under way."
    )
    max_turns: int = bounded(400, 2, 10_000, "A conversation with this many turns is closed.")
    max_conversation_bytes: int = bounded(
        1_048_576, 1024, 67_108_864, "A conversation whose turns take this much state is closed."
    )
    company_domains: tuple[str, ...] = described(
        ("acme.example",), "Mail from these domains is written by agents."
    )
    redact_ner: bool = described(
        False,
        "Redaction also asks Presidio's named-entity model (docs/quality.md): slower, more names.",
    )
    category_model: str = described(
        "", "File of a tagger made by `transforms tags train`; empty: the one of the release."
    )
    compact_commits: int = bounded(
        50, 0, 100_000, "Versions of a table after which its small files are merged; 0: never."
    )
    driver_memory: str = described("1g", "Heap of the Spark driver.")
    master: str = described("local[2]", "Spark master.")
    jvm_compiler: str = described(
        "client",
        "Of the Spark jobs' JVM: `client` starts with a third of the CPU time, `server` makes"
        " faster code, which pays for large batches and steady load, and takes the driver's memory"
        " at once (docs/quality.md).",
        ("client", "server"),
    )
