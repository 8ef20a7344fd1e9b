"""Arguments of the verb `trigger`; imports no engine, so that `--help` answers at once."""

from deskwheel.stage import option

ACTIONS = ("status", "explain", "replay", "pause", "resume", "fire")

OPTIONS = (
    option(
        "action",
        nargs="?",
        default="status",
        choices=ACTIONS,
        help="status (default), explain and replay look; pause, resume and fire are orders",
    ),
    option("--reason", metavar="TEXT", help="pause, fire: why, for others; resume: optional"),
    option("--limit", type=int, default=5, metavar="N", help="explain: evaluations (default 5)"),
    option(
        "--policy",
        action="append",
        default=[],
        metavar="KEY=VALUE[;…]",
        help="replay: settings of [trigger] to try beside today's; may be repeated",
    ),
    option(
        "--sweep",
        action="append",
        default=[],
        metavar="KEY=V1,V2,…",
        help="replay: one setting of [trigger] with each of these values",
    ),
    option("--simulate", action="store_true", help="replay: traffic made up, not the table's"),
    option("--days", type=float, default=365, metavar="N", help="simulate: length (365)"),
    option("--per-day", type=float, default=400, metavar="N", help="simulate: on workdays (400)"),
    option("--weekend", type=float, default=0.3, metavar="SHARE", help="simulate: of that (0.3)"),
    option("--growth", type=float, default=0.0, metavar="SHARE", help="simulate: a year (0)"),
    option(
        "--mix",
        default="order=.3,billing=.2,delivery=.2,refund=.15,setup=.1,warranty=.05",
        metavar="NAME=SHARE,…",
        help="simulate: categories",
    ),
    option("--corrected", type=float, default=0.05, metavar="SHARE", help="simulate: edited (.05)"),
    option("--seed", type=int, default=7, metavar="N", help="simulate: of the traffic (7)"),
    option("--step-h", type=float, default=1.0, metavar="H", help="replay: between looks (1)"),
    option(
        "--run-h",
        type=float,
        metavar="H",
        help="replay: hours of one run; default: the mean of past runs, else 1",
    ),
    option("--plot", metavar="FILE.svg", help="replay: draw cost against freshness"),
)
