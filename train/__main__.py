"""`python -m train VERB`: when to fine-tune, the fine-tune itself, and what came of it."""

from deskwheel.stage import Verb, option, run_stage

VERBS = {
    "watch": Verb(
        "claim a window when enough fresh examples are there, and see its training through",
        "train.start:watch",
        (option("--once", action="store_true", help="do what is due now and end"),),
    ),
    "run": Verb(
        "train, judge and publish an adapter for a submitted window",
        "train.start:run",
        (
            option("--snapshot", required=True, metavar="ID", help="snapshot to train on"),
            option(
                "--from-version",
                required=True,
                type=int,
                metavar="N",
                help="where the window starts",
            ),
        ),
    ),
    "trigger": Verb("print what the trigger says now, and why", "train.watch:show_decision"),
    "runs": Verb("list runs with their verdicts", "train.watch:show_runs"),
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
