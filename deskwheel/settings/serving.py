"""Settings of how customers are answered, and of the A/B test."""

from dataclasses import dataclass

from deskwheel.settings.fields import bounded, described


@dataclass(frozen=True)
class ServeSettings:
    """How customers are answered."""

    host: str = described("127.0.0.1", "Address the application listens on.")
    port: int = bounded(0, 0, 65_535, "Its port; 0 chooses a free one.")
    max_new_tokens: int = bounded(96, 1, 8192, "Tokens generated an answer.")
    threads: int = bounded(1, 1, 256, "CPU threads of a replica.")
    poll_s: float = bounded(0.25, 0.05, 60, "Time between two looks at the traffic split.")
    num_cpus: float = bounded(0.5, 0.1, 256, "CPUs that Ray reserves for a replica.")
    num_gpus: float = bounded(
        1.0, 0, 64, "GPUs that Ray reserves for a replica with `train.use_gpu`; 0.5 leaves half."
    )
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
