"""`python -m validate VERB`: the gate, training sets, and what was kept out of them."""

from deskwheel.stage import Verb, option, run_stage

VERBS = {
    "watch": Verb(
        "judge examples as they come, and freeze the windows that the trigger claims",
        "validate.watch:watch",
        (option("--once", action="store_true", help="judge what is there now and end"),),
    ),
    "freeze": Verb(
        "freeze the valid examples of a table version as a training set",
        "validate.snapshot:freeze",
        (option("--version", type=int, help="version of validated_examples; default: newest"),),
    ),
    "quarantine": Verb(
        "show what was kept out of training, and why",
        "validate.quarantine:show",
        (
            option("--reason", help="only rows with this reason code"),
            option("--limit", type=int, default=20, help="rows to show (default 20)"),
        ),
    ),
    "suite": Verb("print every rule with its threshold and source", "validate.watch:rules"),
}


def main() -> int:
    """Run the stage's command line."""
    return run_stage("validate", "Examples to training sets, by rules.", VERBS)


if __name__ == "__main__":
    raise SystemExit(main())
