"""The options of the verb `suite`; apart, so that `--help` loads no engine."""

from deskwheel.stage import option

OPTIONS = (
    option(
        "action",
        nargs="?",
        default="show",
        choices=("show", "set", "add", "remove", "check", "diff", "docs"),
        help="set, add and remove change the suites' files; docs writes their page",
    ),
    option(
        "names",
        nargs="*",
        metavar="NAME",
        help="a rule (set, add, remove), a file (docs), a place (check), two versions (diff)",
    ),
    option("--min-value", type=float, metavar="X", help="set: least value that is good"),
    option("--max-value", type=float, metavar="X", help="set: greatest value that is good"),
    option("--values", metavar="A,B", help="set: the values that are good"),
    option("--kinds", metavar="A,B", help="set, add: examples that are judged, or every"),
    option("--severity", choices=("quarantine", "warn", "stop"), help="set, add: what it does"),
    option("--what", metavar="TEXT", help="set, add: what the rule wants, a sentence"),
    option("--source", metavar="TEXT", help="set, add: where the threshold comes from"),
    option("--owner", metavar="WHO", help="set, add: who is asked about the rule"),
    option("--expectation", metavar="JSON", help="add: type and kwargs, as GX writes them"),
    option(
        "--suite",
        choices=("examples", "batches"),
        default="examples",
        help="add: judge rows or whole batches (default examples)",
    ),
    option("--folder", metavar="DIR", help="set, add, remove: folder to write; default: as set"),
    option("--over", default="7d", metavar="TIME", help="diff: how far back (default 7d)"),
    option("--limit", type=int, default=3, metavar="N", help="diff: examples a rule (default 3)"),
)
