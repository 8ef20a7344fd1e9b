"""`python -m train VERB`: when to fine-tune, the fine-tune itself, and what came of it."""

from deskwheel.stage import Verb, option, run_stage
from train.bases.options import BASES_OPTIONS
from train.options import (
    CANCEL_OPTIONS,
    CARD_OPTIONS,
    LINEAGE_OPTIONS,
    LOG_OPTIONS,
    MANIFEST_OPTIONS,
    RETRY_OPTIONS,
    RUN_OPTIONS,
)
from train.trigger.options import OPTIONS as TRIGGER_OPTIONS
from train.tune.options import TUNE_OPTIONS

VERBS = {
    "watch": Verb(
        "claim a window when enough fresh examples are there, and see its training through",
        "train.start:watch",
        (option("--once", action="store_true", help="do what is due now and end"),),
    ),
    "run": Verb(
        "train and judge an adapter: of a submitted window, a snapshot alone, or a file of chats",
        "train.start:run",
        RUN_OPTIONS,
    ),
    "trigger": Verb(
        "say whether a fine-tune is due and why; pause it, start one, try other policies",
        "train.trigger.verbs:trigger",
        TRIGGER_OPTIONS,
    ),
    "runs": Verb(
        "list runs with their verdicts, or how far they are", "train.runs.verbs:show_runs"
    ),
    "card": Verb("print the model card of a run", "train.card.verbs:show_card", CARD_OPTIONS),
    "lineage": Verb(
        "trace an adapter to its examples and conversations, or one of these to all adapters",
        "train.card.verbs:show_lineage",
        LINEAGE_OPTIONS,
    ),
    "logs": Verb("print what a run's job has printed", "train.start:logs", LOG_OPTIONS),
    "cancel": Verb(
        "end a window that is under way, and its job, for a reason",
        "train.start:cancel",
        CANCEL_OPTIONS,
    ),
    "retry": Verb(
        "go on with a window that is held or failed, once its cause is mended",
        "train.start:retry",
        RETRY_OPTIONS,
    ),
    "manifest": Verb(
        "print the RayJob of a window's training as YAML",
        "train.jobs.manifest:show_manifest",
        MANIFEST_OPTIONS,
    ),
    "bases": Verb(
        "compare base models on our own texts: licence, size, speed, loss and what tuning brings",
        "train.start:bases",
        BASES_OPTIONS,
    ),
    "tune": Verb(
        "search for learning rate, rank, epochs and batch; show what is known already",
        "train.start:tune",
        TUNE_OPTIONS,
    ),
    "build-base": Verb(
        "build the demo's base model from the synthetic company (about three CPU minutes)",
        "train.build_base:main",
        (option("--out", required=True, metavar="DIR", help="folder of the model"),),
    ),
}


def main() -> int:
    """Run the stage's command line."""
    return run_stage("train", "Training sets to adapters with a verdict.", VERBS)


if __name__ == "__main__":
    raise SystemExit(main())
