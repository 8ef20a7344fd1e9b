"""What can be said to the verbs about runs. Loads nothing heavy: `--help` reads it."""

from deskwheel.stage import option

RUN_OPTIONS = (
    option("--snapshot", metavar="ID", help="snapshot to train on"),
    option(
        "--from-version",
        type=int,
        metavar="N",
        help="the submitted window that starts there: what comes out is published for it",
    ),
    option(
        "--data",
        metavar="FILE.jsonl",
        help="chats to train on in place of a snapshot (`messages`, or `prompt`, `completion`)",
    ),
    option("--register", action="store_true", help="alone: make it a model version in MLflow"),
)

_RUN = option("run", metavar="RUN", help="id of a run, or the version its window starts at")

LOG_OPTIONS = (
    _RUN,
    option("-f", "--follow", action="store_true", help="go on until the job ends"),
    option("-n", "--lines", type=int, default=50, metavar="N", help="how many lines to begin with"),
)

CANCEL_OPTIONS = (
    _RUN,
    option("--reason", required=True, metavar="TEXT", help="why; kept with the window"),
    option("--by", metavar="NAME", help="who; by default who is logged in"),
)

RETRY_OPTIONS = (
    _RUN,
    option("--reason", required=True, metavar="TEXT", help="what was mended; kept on the timeline"),
    option("--by", metavar="NAME", help="who; by default who is logged in, with the host"),
    option(
        "--anew",
        action="store_true",
        help="begin at step 0, with the watcher's settings of today, in place of the last model"
        " checkpoint",
    ),
)

MANIFEST_OPTIONS = (
    option("--snapshot", required=True, metavar="ID", help="snapshot of the window"),
    option("--from-version", required=True, type=int, metavar="N", help="start of the window"),
    option("--attempt", type=int, default=1, metavar="N", help="which attempt at it"),
)

CARD_OPTIONS = (
    option("run", metavar="RUN", help="a run's id, its window's start, or an adapter's folder"),
)

LINEAGE_OPTIONS = (
    option("run", nargs="?", metavar="RUN", help="a run's id, or an adapter's folder"),
    option("--example", metavar="ID", help="all runs and adapters that an example is in"),
    option("--conversation", metavar="ID", help="the same for a conversation's examples"),
)
