"""The command line of the ingest stage: `python -m ingest VERB`."""

from collections.abc import Sequence

from deskwheel.stage import Verb, option, run_stage

SUMMARY = "Bring events into Kafka: topics, sources, recorded and simulated traffic."

_RATE = option(
    "--rate", type=float, metavar="EVENTS_PER_S", help="events a second; default as fast as it goes"
)
VERBS: dict[str, Verb] = {
    "topics": Verb(
        "create the missing topics and show all of them",
        "ingest.commands:topics_verb",
        (option("--plan", action="store_true", help="show what would be done, change nothing"),),
    ),
    "publish": Verb(
        "publish raw material from files",
        "ingest.commands:publish_verb",
        (
            option("--source", required=True, choices=("email", "chat", "call"), help="its kind"),
            option("path", metavar="PATH", help="a file or a folder"),
            _RATE,
        ),
    ),
    "replay": Verb(
        "publish recorded traffic in order of arrival",
        "ingest.commands:replay_verb",
        (option("folder", metavar="FOLDER", help="folder with events.jsonl"), _RATE),
    ),
    "simulate": Verb(
        "publish messy traffic of the demo company's customers",
        "ingest.commands:simulate_verb",
        (
            option("--seed", type=int, default=1, help="the same seed tells the same stories"),
            option("--conversations", type=int, default=400, metavar="N", help="how many"),
            option(
                "--messiness",
                type=float,
                default=1.0,
                metavar="M",
                help="0 is clean, 1 usual, 2 twice as bad",
            ),
            option("--start", metavar="TIME", help="ISO 8601; by default all lies in the past"),
            option("--out", metavar="FOLDER", help="write events.jsonl there, publish nothing"),
            _RATE,
        ),
    ),
    "offsets": Verb(
        "show begin and end offset of each topic-partition", "ingest.commands:offsets_verb"
    ),
    "dlq": Verb(
        "show the dead letters by reason",
        "ingest.commands:dlq_verb",
        (
            option("action", nargs="?", default="list", choices=("list",), help="what to do"),
            option("--limit", type=int, default=20, metavar="N", help="newest letters a topic"),
        ),
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    return run_stage("ingest", SUMMARY, VERBS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
