"""`python -m validate VERB`: the gate, training sets, and what was kept out of them."""

from pathlib import Path

from deskwheel.stage import Verb, option, run_stage
from validate.annotation.options import OPTIONS as ANNOTATE_OPTIONS
from validate.quarantine.options import OPTIONS as QUARANTINE_OPTIONS
from validate.rules.options import OPTIONS as SUITE_OPTIONS

VERBS = {
    "watch": Verb(
        "judge examples as they come, and freeze the windows that the trigger claims",
        "validate.watch:watch",
        (option("--once", action="store_true", help="judge what is there now and end"),),
    ),
    "freeze": Verb(
        "freeze the valid examples of a table version as a training set",
        "validate.snapshots.freeze:freeze",
        (option("--version", type=int, help="version of validated_examples; default: newest"),),
    ),
    "snapshot": Verb(
        "list, show, verify, compare, export, describe and prove training sets",
        "validate.snapshots.commands:snapshot_verb",
        (
            option(
                "action",
                nargs="?",
                default="list",
                choices=("list", "show", "verify", "diff", "export", "card", "prove"),
                help="verify, diff: status 1 if something is not as it must be",
            ),
            option("names", nargs="*", metavar="ID", help="ids or their beginnings, or newest"),
            option("--to", metavar="DIR", help="export: folder to write, empty or none yet"),
            option(
                "--format",
                default="jsonl",
                choices=("jsonl", "parquet", "hf"),
                help="export: files of it (default jsonl); hf is for datasets.load_from_disk",
            ),
        ),
    ),
    "golden": Verb(
        "fill, freeze, list and check the set of examples that no model learns from",
        "validate.golden.commands:golden_verb",
        (
            option(
                "action",
                nargs="?",
                default="list",
                choices=("list", "add", "remove", "freeze", "check"),
                help="check: status 1 if models must not be measured by it",
            ),
            option(
                "--from",
                dest="file",
                type=Path,
                metavar="FILE",
                help="add, remove: example ids, one a line",
            ),
            option(
                "--plan",
                type=int,
                metavar="N",
                help="add: draw N of the test split by category and channel",
            ),
        ),
    ),
    "quarantine": Verb(
        "count and show what was kept out of training, and ask to judge it anew",
        "validate.quarantine.commands:quarantine",
        QUARANTINE_OPTIONS,
    ),
    "annotate": Verb(
        "ask people about examples: plans, pages, labelling tools, agreement, labels",
        "validate.annotation.commands:annotate",
        ANNOTATE_OPTIONS,
    ),
    "suite": Verb(
        "show, change, check and compare the rules",
        "validate.rules.commands:suite_verb",
        SUITE_OPTIONS,
    ),
    "baseline": Verb(
        "keep what came lately as what batches are compared with",
        "validate.drift:baseline_verb",
        (option("--over", default="30d", metavar="TIME", help="how far back (default 30d)"),),
    ),
}


def main() -> int:
    """Run the stage's command line."""
    return run_stage("validate", "Examples to training sets, by rules.", VERBS)


if __name__ == "__main__":
    raise SystemExit(main())
