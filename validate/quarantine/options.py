"""Arguments of the verb `quarantine`; imports no engine, so that `--help` answers at once."""

from deskwheel.stage import option

ACTIONS = ("summary", "list", "show", "fix", "replay", "accept", "reject")

OPTIONS = (
    option(
        "action",
        nargs="?",
        default="summary",
        choices=ACTIONS,
        help="summary (default) counts, list and show look; the others ask the gate to judge anew",
    ),
    option("ids", nargs="*", metavar="ID", help="example ids or their beginnings"),
    option("--reason", metavar="CODE", help="summary, list, replay: rows with this reason code"),
    option("--channel", metavar="NAME", help="summary, list, replay: email, chat or call"),
    option("--source", metavar="TOPIC", help="summary, list, replay: the topic it came from"),
    option("--category", metavar="NAME", help="summary, list, replay: rows of this category"),
    option("--verdict", metavar="NAME", help="list: rows with this verdict, valid ones, too"),
    option("--day", metavar="DATE", help="summary, list, replay: judged on this day, in UTC"),
    option("--since", metavar="TIME", help="summary, list, replay: judged since; 7d or a date"),
    option("--until", metavar="TIME", help="summary, list, replay: judged before"),
    option("--limit", type=int, default=20, metavar="N", help="summary, list: lines (default 20)"),
    option("--query", metavar="TEXT", help="fix: the query as it must be"),
    option("--response", metavar="TEXT", help="fix: the response as it must be"),
    option("--context", metavar="TEXT", help="fix: what came before, one utterance a line"),
    option("--rejected-response", metavar="TEXT", help="fix: the response not preferred"),
    option("--file", metavar="FILE", help="fix: JSON with the texts by their names; - is stdin"),
    option("--edit", action="store_true", help="fix: open the texts in $EDITOR"),
    option(
        "--needless-apology",
        choices=("yes", "no"),
        help="fix: whether the response, as edited, apologises needlessly",
    ),
    option(
        "--rule", action="append", metavar="CODE", help="accept: a reason set aside; may repeat"
    ),
    option(
        "--from",
        dest="from_file",
        metavar="FILE",
        help="accept, reject: the lines for it in a file of `annotate labels --for quarantine`",
    ),
    option("--note", metavar="TEXT", help="fix, replay, accept, reject: why, for others"),
    option("--by", metavar="NAME", help="who asks: an alias as lead-1; default: the user, hashed"),
    option("--dry-run", action="store_true", help="fix, replay, accept, reject: ask nothing"),
    option(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="fix, replay, accept, reject: until the gate has applied it",
    ),
)
