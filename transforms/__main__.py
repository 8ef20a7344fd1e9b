"""`python -m transforms VERB`: the streaming job."""

from deskwheel.stage import Verb, option, run_stage

VERBS = {
    "stream": Verb(
        "run the streaming job: Kafka → turns → conversations → examples, and feedback",
        "transforms.stream:run",
        (option("--once", action="store_true", help="read what is there now and end"),),
    ),
}


def main() -> int:
    """Run the stage's command line."""
    return run_stage("transforms", "Raw events to training examples, on Spark.", VERBS)


if __name__ == "__main__":
    raise SystemExit(main())
