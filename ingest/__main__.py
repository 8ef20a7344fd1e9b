"""The command line of the ingest stage: `python -m ingest VERB`."""

from collections.abc import Sequence

from deskwheel.stage import Verb, option, run_stage

SUMMARY = "Bring events into Kafka: topics, sources, recorded and simulated traffic."

_PATH_KINDS = ("email", "mbox", "maildir", "chat", "call", "twilio", "genesys")
_RATE = option(
    "--rate", type=float, metavar="EVENTS_PER_S", help="events a second; default as fast as it goes"
)
VERBS: dict[str, Verb] = {
    "topics": Verb(
        "show how the topics differ from their list, or mend it",
        "ingest.commands.topics:topics_verb",
        (
            option(
                "action",
                nargs="?",
                default="plan",
                choices=("plan", "apply"),
                help="plan changes nothing; apply creates and changes",
            ),
            option("--check", action="store_true", help="status 1 if something still differs"),
            option(
                "--allow-destructive",
                action="store_true",
                help="apply also what may cost events or their order",
            ),
        ),
    ),
    "source": Verb(
        "list the kinds of sources, or try or run the one that a file describes",
        "ingest.commands.sources:source_verb",
        (
            option("action", choices=("list", "test", "run"), help="what to do"),
            option("file", metavar="FILE", nargs="?", help="source file (test, run)"),
            option("--sample", type=int, default=20, metavar="N", help="records to look at (test)"),
            option("--values", action="store_true", help="show values, may be personal (test)"),
            option("--once", action="store_true", help="stop at the end, wait for no more (run)"),
            _RATE,
        ),
    ),
    "publish": Verb(
        "publish raw material from files",
        "ingest.commands.play:publish_verb",
        (
            option("--source", required=True, choices=_PATH_KINDS, help="its kind"),
            option("path", metavar="PATH", help="a file or a folder"),
            _RATE,
        ),
    ),
    "replay": Verb(
        "publish recorded traffic in order of arrival",
        "ingest.commands.play:replay_verb",
        (option("folder", metavar="FOLDER", help="folder with events.jsonl"), _RATE),
    ),
    "simulate": Verb(
        "publish synthetic, messy traffic of the demo company's customers, without end",
        "ingest.commands.simulate:simulate_verb",
        (
            option("--seed", type=int, metavar="S", help="the same seed tells the same stories"),
            option(
                "--channels",
                metavar="LIST",
                help="as chat,email:2,call: channels and their weights among conversations",
            ),
            option(
                "--messiness",
                type=float,
                default=1.0,
                metavar="M",
                help="0 is clean, 1 usual, 2 twice as bad",
            ),
            option("--events", type=int, metavar="N", help="end after so many events"),
            option("--for", dest="duration", metavar="TIME", help="end after a time, as 90s, 10m"),
            option(
                "--conversations",
                type=int,
                metavar="N",
                help="publish so many whole conversations instead, which lie in the past",
            ),
            option("--start", metavar="TIME", help="time of the first event, ISO 8601"),
            option(
                "--out",
                metavar="FOLDER",
                help="write the conversations (400) to FOLDER/events.jsonl, publish nothing",
            ),
            _RATE,
        ),
    ),
    "schema": Verb(
        "list and show schemas, compare two versions, check payloads",
        "ingest.commands.schema:schema_verb",
        (
            option(
                "action",
                nargs="?",
                default="list",
                choices=("list", "show", "diff", "check"),
                help="diff: 1 if breaking",
            ),
            option("names", nargs="*", metavar="NAME", help="schemas as chat.v2; check: a file"),
            option("--all", action="store_true", help="diff: against every older version"),
            option("--as", dest="schema", metavar="NAME", help="check: the payloads' schema"),
        ),
    ),
    "gateway": Verb(
        "take events and signed webhooks in over HTTP", "ingest.commands.gateway:gateway_verb"
    ),
    "offsets": Verb(
        "show begin and end offset of each topic-partition, and how far the streams have read",
        "ingest.commands.topics:offsets_verb",
        (option("--groups", action="store_true", help="with --json: also the streams' lag"),),
    ),
    "mirror": Verb(
        "copy how far the streams have read into consumer groups",
        "ingest.commands.topics:mirror_verb",
        (option("--once", action="store_true", help="once, instead of until a signal"),),
    ),
    "dlq": Verb(
        "list dead letters, show some, or send them back to the topic they came from",
        "ingest.commands.dlq:dlq_verb",
        (
            option(
                "action",
                nargs="?",
                default="list",
                choices=("list", "show", "replay"),
                help="what to do",
            ),
            option("place", nargs="?", metavar="TOPIC/PARTITION/OFFSET", help="one letter"),
            option("--topic", metavar="TOPIC", help="only letters of this topic"),
            option("--channel", metavar="CHANNEL", help="only letters of this channel"),
            option("--reason", action="append", metavar="CODE", help="only these; may be repeated"),
            option("--since", metavar="TIME", help="rejected from then on: ISO 8601, or 2h, 3d"),
            option("--until", metavar="TIME", help="rejected before: ISO 8601, or 2h, 3d ago"),
            option(
                "--limit",
                type=int,
                metavar="N",
                help="the newest N a topic to list, N to show (both 20), the oldest N to replay",
            ),
            option("--payload", action="store_true", help="show: the payload too; personal data"),
            option("--out", metavar="FOLDER", help="show: write the payloads there"),
            option("--dry-run", action="store_true", help="replay: only say what would be sent"),
        ),
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    return run_stage("ingest", SUMMARY, VERBS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
