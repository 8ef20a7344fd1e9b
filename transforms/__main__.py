"""`python -m transforms VERB`: the streaming job, what it learns from labels, what it took away."""

from collections.abc import Sequence

from deskwheel.stage import Verb, option, run_stage

VERBS = {
    "stream": Verb(
        "run the streaming job: Kafka → turns → conversations → examples, and feedback",
        "transforms.stream:run",
        (option("--once", action="store_true", help="read what is there now and end"),),
    ),
    "backfill": Verb(
        "read past traffic anew into shadow tables and say what would change; status 3 if anything",
        "transforms.backfill.run:run",
        (
            option("--since", metavar="T", help="from then on by the broker's clock (ISO 8601)"),
            option("--until", metavar="T", help="up to, not including, then"),
            option("--into", metavar="FOLDER", required=True, help="new folder of shadow tables"),
            option(
                "--merge",
                action="store_true",
                help="append what an earlier call left in the folder, as newer versions",
            ),
        ),
    ),
    "show": Verb(
        "print a conversation's turns with what cleaning took out of them put back",
        "transforms.shown:show_verb",
        (option("name", metavar="ID", help="id of a conversation, turn or event"),),
    ),
    "resolution": Verb(
        "fit or check the weights by which conversations count as resolved",
        "transforms.labels:resolution_verb",
        (
            option("action", choices=("fit", "evaluate"), help="what to do"),
            option("file", metavar="FILE", help="labelled conversations, one JSON object a line"),
            option("--out", metavar="FILE", help="write the weights there"),
            option("--about", metavar="TEXT", help="what they were fitted on, kept with them"),
        ),
    ),
    "tags": Verb(
        "train or check the tagger of categories or of moods",
        "transforms.labels:tags_verb",
        (
            option("action", choices=("train", "evaluate"), help="what to do"),
            option(
                "files", nargs="+", metavar="FILE", help="JSON lines with a text and a label each"
            ),
            option(
                "--tag", choices=("category", "sentiment"), default="category", help="which tag"
            ),
            option("--text", default="text", metavar="FIELD", help="field of the text"),
            option(
                "--label",
                default="label",
                metavar="FIELD",
                help="field of the label; without one, the words of a category or mood decide",
            ),
            option("--out", metavar="FILE", help="write the trained tagger there (.npz)"),
        ),
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage's command line."""
    return run_stage("transforms", "Raw events to training examples, on Spark.", VERBS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
