"""Settings of the gate between candidates and training examples."""

from dataclasses import dataclass

from deskwheel.settings.fields import bounded, described


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
    came_back_days: float = bounded(
        7, 0, 90, "A customer who asks the same again within so many days was not helped; 0: never."
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
