"""Settings of the trigger, a fine-tune and the gate behind it."""

from dataclasses import dataclass

from deskwheel.settings.fields import bounded, described


@dataclass(frozen=True)
class TriggerSettings:
    """When a fine-tune starts."""

    policies: tuple[str, ...] = described(
        ("amount",),
        "`amount`, `quota`, `corrections`, `drift`, `age`: any of the entries suffices; those that"
        " + joins in one entry must agree (`amount+quota`).",
    )
    min_fresh_examples: int = bounded(
        1000, 1, 10_000_000, "Effective examples since the last window that are enough."
    )
    max_category_share: float = bounded(
        0.5, 0.01, 1, "Fresh examples of one category count up to this share of the minimum."
    )
    count_once_by: str = described(
        "group",
        "Which near-copies count once: `group` those with about the same question and answer,"
        " `cluster` also those with about the same answer only, `example` none.",
        ("group", "cluster", "example"),
    )
    quotas: tuple[str, ...] = described(
        (),
        "For `quota`: least effective examples a category, `billing=50`; `billing=5%` is a"
        " share of the minimum.",
    )
    correction_weight: float = bounded(
        3.0, 1, 1000, "For `corrections`: what an edited, repaired or preferred answer counts."
    )
    drift_psi: float = bounded(
        0.25, 0.01, 10, "For `drift`: population stability index of categories or answers' lengths."
    )
    max_age_d: float = bounded(
        7.0, 0.01, 3650, "For `age`: days that the oldest fresh example may wait."
    )
    min_aged_examples: int = bounded(
        100, 1, 10_000_000, "For `age`: effective examples without which it does not fire."
    )
    max_runs_30d: int = bounded(0, 0, 100_000, "Most windows within 30 days; 0 sets no limit.")
    max_hours_30d: float = bounded(
        0.0, 0, 1_000_000, "Most hours of training within 30 days, times workers; 0: no limit."
    )
    cool_down_s: float = bounded(3600.0, 0, 2_592_000, "Least time between two windows.")
    quiet_hours: str = described(
        "",
        "Wall-clock time in which nothing starts, such as `22:00-06:00`; empty: none.",
        pattern=r"|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d",
    )
    time_zone: str = described(
        "UTC", "IANA name of the zone of `quiet_hours` and of forecasts, such as `Europe/Berlin`."
    )
    interval_s: float = bounded(30.0, 0.2, 86_400, "Time between two evaluations of the trigger.")
    lease_s: float = bounded(60.0, 1, 3600, "A watcher that has not renewed for this long is dead.")
    max_attempts: int = bounded(
        3, 1, 100, "Jobs of one window that may end without a model before it is `failed`."
    )


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
    batch_size: int = bounded(1, 1, 4096, "Packed sequences that a worker computes at once.")
    accumulation: int = bounded(2, 1, 1024, "Times that a worker does so for one optimizer step.")
    global_batch: int = bounded(
        0,
        0,
        1_000_000,
        "Packed sequences an optimizer step over all workers, in place of `accumulation`, which"
        " is computed from it; 0: batch_size times accumulation times workers.",
    )
    max_length: int = bounded(384, 16, 131_072, "Tokens in a packed sequence.")
    lora_r: int = bounded(16, 1, 512, "Rank of the adapter.")
    lora_alpha: int = bounded(32, 1, 1024, "Scale of the adapter.")
    seed: int = bounded(7, 0, 2**31 - 1, "Seed of initial weights and data order.")
    threads: int = bounded(
        2,
        1,
        256,
        "CPU threads of a training worker; with `fast` each has examples of its own, so their"
        " number changes its results by rounding.",
    )
    checkpoint_steps: int = bounded(50, 1, 1_000_000, "Steps between two model checkpoints.")
    checkpoints: str = described(
        "", "Folder or fsspec address (`s3://bucket/runs`) of model checkpoints; empty: runs_dir."
    )
    method: str = described(
        "lora",
        "`lora`: an adapter; `qlora`: on a base in 4 bits; `full`: all weights, from Python"
        " only: no verb trains or serves it.",
        ("lora", "qlora", "full"),
    )
    engine: str = described(
        "sft",
        "`sft`: TRL's trainer; `fast`: a loop for Llamas of some millions of parameters on a CPU.",
        ("sft", "fast"),
    )
    precision: str = described(
        "auto",
        "Of products; `auto`: bf16 (a GPU without: fp16) where a short probe finds it faster.",
        ("auto", "bf16", "fp16", "fp32"),
    )
    compile: str = described(
        "auto",
        "`auto`: `fast` in bf16 has kernels, made by this machine's C compiler in a second, and"
        " on a GPU a long run of a large base has its layers compiled, in a quarter of a minute;"
        " both change results by rounding. `off`, or no compiler: PyTorch as it is.",
        ("auto", "off"),
    )
    parallel: str = described(
        "ddp",
        "`ddp`: each worker has the whole base; `fsdp2`: GPUs share it, not in the pipeline.",
        ("ddp", "fsdp2"),
    )
    gradient_checkpointing: str = described(
        "auto",
        "`on` computes layers a second time in place of keeping their activations; `auto`: where"
        " these and the weights take more than 80 % of a GPU; not with the fast engine.",
        ("auto", "on", "off"),
    )
    min_workers: int = bounded(
        0, 0, 1024, "A run starts, and goes on, with so many of `workers`; 0: with all of them."
    )
    patience: int = bounded(
        3,
        0,
        1000,
        "Model checkpoints in a row without a better loss on dev after which training stops; the"
        " best one is kept. 0: trains all steps and keeps the last.",
    )
    min_delta: float = bounded(
        0.001, 0, 10, "Nats a token by which a loss on dev is better than the best before."
    )
    empathetic_weight: float = bounded(
        1.0, 0, 100, "How often an empathetic answer is learnt an epoch; 1.5: half of them twice."
    )
    corrected_weight: float = bounded(
        1.0, 0, 100, "The same for a draft of a model that an agent corrected."
    )
    continual: str = described(
        "retrain",
        "`retrain`: from the frozen base on the whole snapshot; `warm`: the champion's adapter goes"
        " on, with fresh examples and a replay of older ones, and forgetting holds it.",
        ("retrain", "warm"),
    )
    replay_share: float = bounded(
        0.5, 0.3, 0.95, "For `warm`: share of older examples in what is learnt, by category."
    )
    watts: float = bounded(
        0.0,
        0,
        100_000,
        "Power of a worker, for the model card's estimate; 0: 200 W a GPU, 12 W a CPU thread.",
    )
    pue: float = bounded(
        1.58, 1, 5, "Power of the building by that of its machines; 1 for one under a desk."
    )
    price_per_hour: float = bounded(
        0.0, 0, 100_000, "Price of a worker's hour, in your currency; 0: no estimate."
    )
    preference: str = described(
        "none",
        "After the fine-tune: `dpo` on edited drafts, `kto` on thumbs and negatives, `auto` the"
        " first of them with enough; an adapter that is no better on dev is not taken.",
        ("none", "dpo", "kto", "auto"),
    )
    min_preferences: int = bounded(
        200, 1, 10_000_000, "Edited drafts in train, and a 20th of them in dev, that DPO needs."
    )
    min_thumbs: int = bounded(
        200,
        1,
        10_000_000,
        "Thumbs and negatives in train, and a 20th of them in dev, that KTO needs; a tenth of them"
        " good ones and a tenth bad ones.",
    )
    preference_beta: float = bounded(
        0.1, 0.001, 10, "How dearly DPO and KTO pay for leaving the fine-tuned adapter."
    )
    preference_lr: float = bounded(
        1e-4, 1e-9, 1.0, "Peak learning rate of DPO and KTO, for an adapter."
    )
    preference_epochs: float = bounded(
        1.0, 0.01, 100, "How often each preference is learnt; optimizer steps follow from it."
    )
    preference_batch: int = bounded(
        16, 2, 65_536, "Pairs, or answers with a verdict, an optimizer step over all workers."
    )
    preference_loss_margin: float = bounded(
        0.02, 0, 10, "Nats a token by which the loss on dev may rise for preferences to be taken."
    )
    base_sha256: str = described(
        "",
        "Digest that the base model must have (`train.finetune.base`); empty: any.",
        pattern="|[0-9a-f]{64}",
    )
    use_tuned: bool = described(
        False,
        "Take lr, rank, steps and batch from the best trial of `python -m train tune`, where one"
        " is known for this base, method and amount of data.",
    )


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
