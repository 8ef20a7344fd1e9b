"""Settings of the trigger, a fine-tune and the gate behind it."""

from dataclasses import dataclass

from deskwheel.settings.fields import bounded, described


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
