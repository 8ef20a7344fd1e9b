"""Every setting of deskwheel with its unit, range and effect; defaults live only here.

A section is a frozen dataclass; `deskwheel.config` reads them from TOML. The bounds of a number
stand in its field's metadata and are checked when the file is read.
"""

from dataclasses import dataclass, field
from typing import Any


def bounded(default: Any, low: float, high: float, doc: str) -> Any:
    """A field with a default, an inclusive range and a sentence for the docs."""
    return field(default=default, metadata={"low": low, "high": high, "doc": doc})


def described(
    default: Any, doc: str, choices: tuple[str, ...] = (), *, pattern: str | None = None
) -> Any:
    """A field with a default and a sentence for the docs.

    Its allowed values follow, where they are few, or the pattern that the whole value matches.
    """
    metadata = {"doc": doc, "choices": choices, "pattern": pattern}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


REFERENCE = r"|env:[A-Za-z_][A-Za-z0-9_]*|file:.+"
"""A place where a secret is, never the secret itself; see `deskwheel.secret`."""


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


@dataclass(frozen=True)
class ValidateSettings:
    """Which candidates become training examples."""

    interval_s: float = bounded(5.0, 0.1, 3600, "Micro-batch interval.")
    suite: str = described(
        "",
        "Folder or file of the rules, as `python -m validate suite` writes them; empty: those of"
        " the release (docs/quality-rules.md).",
    )
    min_batch_examples: int = bounded(
        20, 1, 1_000_000, "Smaller batches are not judged as a whole: their shares say nothing."
    )
    dev_share: float = bounded(0.05, 0, 0.5, "Share of subjects in the dev split.")
    test_share: float = bounded(0.1, 0.01, 0.5, "Share of subjects in the test split.")
    contamination: str = described(
        "block",
        "When a training example says what a dev, test or golden one does: `block` freezes no"
        " snapshot, `drop` leaves the training example out and counts it.",
        ("block", "drop"),
    )
    max_contaminated_share: float = bounded(
        0.2, 0, 1, "With `drop`: a larger share of the training examples blocks nevertheless."
    )
    annotation_categories: tuple[str, ...] = described(
        ("ACCOUNT", "CANCELLATION_FEE", "CONTACT", "DELIVERY", "FEEDBACK", "INVOICE",
         "NEWSLETTER", "ORDER", "PAYMENT", "REFUND", "SETUP", "SHIPPING_ADDRESS", "WARRANTY"),
        "Categories that annotators choose from, `OTHER` besides: those of the tagger.",
    )  # fmt: skip
    annotation_double_share: float = bounded(
        0.1, 0, 1, "Share of a plan's examples that two annotators are asked about."
    )
    annotation_gold_share: float = bounded(
        0.05, 0, 0.5, "Share of an annotator's tasks, unknown to them, whose answers are known."
    )
    annotation_min_gold_accuracy: float = bounded(
        0.8, 0, 1, "An annotator who answers fewer of those as was decided is flagged."
    )
    driver_memory: str = described("1g", "Heap of the Spark driver.")


@dataclass(frozen=True)
class TriggerSettings:
    """When a fine-tune starts."""

    min_fresh_examples: int = bounded(1000, 1, 10_000_000, "Valid examples since the last window.")
    max_category_share: float = bounded(
        0.5, 0.01, 1, "Fresh examples of one category count up to this share of the minimum."
    )
    cool_down_s: float = bounded(3600.0, 0, 2_592_000, "Least time between two windows.")
    interval_s: float = bounded(30.0, 0.2, 86_400, "Time between two evaluations of the trigger.")
    lease_s: float = bounded(60.0, 1, 3600, "A watcher that has not renewed for this long is dead.")


@dataclass(frozen=True)
class TrainSettings:
    """One fine-tune."""

    base_model: str = described(
        "demo", "`demo` (shipped, 5 M parameters), a folder, or a model id of the hub."
    )
    base_revision: str = described("main", "Revision of a model id of the hub.")
    runs_dir: str = described(".deskwheel/runs", "Where model checkpoints and adapters are stored.")
    mlflow_uri: str = described("sqlite:///.deskwheel/mlflow.db", "MLflow tracking server.")
    ray_address: str = described("", "Address of the Ray cluster; empty starts a local one.")
    ray_jobs_url: str = described("", "Address of Ray's job server (the dashboard).")
    workers: int = bounded(1, 1, 1024, "Data-parallel workers.")
    use_gpu: bool = described(False, "Train on GPUs, one a worker.")
    steps: int = bounded(180, 1, 1_000_000, "Optimizer steps.")
    lr: float = bounded(2e-4, 1e-7, 1.0, "Peak learning rate.")
    batch_size: int = bounded(1, 1, 4096, "Packed sequences a step and worker.")
    accumulation: int = bounded(2, 1, 1024, "Steps whose gradients are added up.")
    max_length: int = bounded(384, 16, 131_072, "Tokens in a packed sequence.")
    lora_r: int = bounded(16, 1, 512, "Rank of the adapter.")
    lora_alpha: int = bounded(32, 1, 1024, "Scale of the adapter.")
    seed: int = bounded(7, 0, 2**31 - 1, "Seed of initial weights and data order.")
    threads: int = bounded(2, 1, 256, "CPU threads of a training worker.")
    checkpoint_steps: int = bounded(50, 1, 1_000_000, "Steps between two model checkpoints.")


@dataclass(frozen=True)
class GateSettings:
    """Which model may meet customers."""

    primary: str = described("rouge_l", "The one metric on which a challenger must be superior.")
    alpha: float = bounded(
        0.0019, 1e-6, 0.2, "One-sided error of the superiority test (5 % over 26 slots a year)."
    )
    margin: float = bounded(0.02, 0, 1, "Non-inferiority margin on every other metric.")
    min_test_conversations: int = bounded(
        500, 2, 1_000_000, "With fewer conversations in the test split the verdict is HOLD."
    )
    max_examples: int = bounded(1000, 2, 1_000_000, "Test examples that are scored.")
    max_new_tokens: int = bounded(128, 1, 8192, "Tokens generated an answer.")


@dataclass(frozen=True)
class ServeSettings:
    """How customers are answered."""

    host: str = described("127.0.0.1", "Address the application listens on.")
    port: int = bounded(0, 0, 65_535, "Its port; 0 chooses a free one.")
    max_new_tokens: int = bounded(96, 1, 8192, "Tokens generated an answer.")
    threads: int = bounded(1, 1, 256, "CPU threads of a replica.")
    poll_s: float = bounded(0.25, 0.05, 60, "Time between two looks at the traffic split.")
    num_cpus: float = bounded(0.5, 0.1, 256, "CPUs that Ray reserves for a replica.")
    max_batch: int = bounded(8, 1, 1024, "Answers generated together.")
    batch_wait_s: float = bounded(0.05, 0, 5, "How long the first request of a batch waits.")
    max_ongoing: int = bounded(64, 1, 100_000, "Requests in a replica; further ones get a 429.")
    max_body_bytes: int = bounded(262_144, 1024, 16_777_216, "Larger requests get a 413.")
    ack_wait_s: float = bounded(
        2.0, 0.05, 60, "How long an answer waits for the broker to acknowledge its assignment."
    )
    merge_max_parameters: int = bounded(
        300_000_000,
        0,
        10**12,
        "Up to this size each adapter has its own merged copy of the base; above, all share one.",
    )
    system_prompt: str = described(
        "You are the support assistant. Answer in a friendly way.",
        "Prompt of the old, prompt-engineered bot.",
    )


@dataclass(frozen=True)
class AbSettings:
    """The A/B test between champion and challenger."""

    initial_share: float = bounded(0.05, 0.001, 0.5, "Share of customers a challenger starts with.")
    salt: str = described("deskwheel-1", "Changes who is in which arm; fixed during a test.")
    min_outcomes: int = bounded(100, 1, 10_000_000, "Outcomes an arm needs before a decision.")
    confidence: float = bounded(0.95, 0.5, 0.999, "Level of the intervals that `decide` prints.")
    sample_ratio_alpha: float = bounded(
        0.001, 1e-9, 0.1, "Below this p-value the traffic is not split as it should be."
    )
    interval_s: float = bounded(2.0, 0.1, 3600, "Time between two looks at the evaluations.")


@dataclass(frozen=True)
class Settings:
    """All sections; one TOML table each."""

    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    transforms: TransformsSettings = field(default_factory=TransformsSettings)
    validate: ValidateSettings = field(default_factory=ValidateSettings)
    trigger: TriggerSettings = field(default_factory=TriggerSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    serve: ServeSettings = field(default_factory=ServeSettings)
    ab: AbSettings = field(default_factory=AbSettings)
