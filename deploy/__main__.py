"""The command line of the stage: `python -m deploy serve|watch|decide|rollback`."""

from deskwheel.stage import Verb, option, run_stage

VERBS = {
    "serve": Verb(
        "Answer customers over HTTP until stopped (OpenAI-compatible, on Ray Serve).",
        "deploy.serve:serve",
    ),
    "watch": Verb(
        "Act on evaluations: put a promoted adapter to the test, note what was held or rejected.",
        "deploy.promote:watch",
        (option("--once", action="store_true", help="one pass, then end"),),
    ),
    "decide": Verb(
        "Show what the A/B test has found so far, and what would be decided.",
        "deploy.decide:decide",
    ),
    "rollback": Verb(
        "Take the challenger out of the split.",
        "deploy.rollback:rollback",
        (option("--reason", default="asked for by a person", help="why, for the timeline"),),
    ),
}


def main() -> int:
    """Exit status of the verb named on the command line."""
    return run_stage("deploy", "Serve variants, split traffic, log feedback, decide.", VERBS)


if __name__ == "__main__":
    raise SystemExit(main())
