"""Arguments of the verb `annotate`; imports no engine, so that `--help` answers at once."""

from deskwheel.stage import option

ACTIONS = (
    "plan", "export", "import", "token", "serve", "progress", "agreement", "adjudicate", "labels",
)  # fmt: skip

OPTIONS = (
    option("action", choices=ACTIONS, help="what to do"),
    option("file", nargs="?", metavar="FILE", help="import: what the labelling tool exported"),
    option("--plan", metavar="ID", help="export, import, agreement: the plan"),
    option(
        "--strategy",
        choices=("random", "uncertain", "category", "disputed"),
        default="random",
        help="plan: which examples come first (default random)",
    ),
    option(
        "--purpose",
        choices=("train", "measure"),
        default="train",
        help="plan: train draws from the train split, measure from dev (default train)",
    ),
    option(
        "--near",
        type=float,
        default=0.65,
        metavar="P",
        help="plan: resolution probability that uncertain looks around (default 0.65)",
    ),
    option("--size", type=int, default=200, help="plan: examples (default 200)"),
    option("--annotators", default="", metavar="NAMES", help="plan: aliases, as rater-1,rater-2"),
    option("--seed", type=int, default=7, help="plan, agreement, labels (default 7)"),
    option(
        "--format",
        choices=("label-studio", "argilla", "mlflow"),
        default="label-studio",
        help="export, import: the labelling tool (default label-studio)",
    ),
    option("--to", metavar="PATH", help="export: folder; labels: file"),
    option("--annotator", metavar="NAME", help="export: only this one's tasks; import: who"),
    option("--port", type=int, default=0, help="serve: port (default: a free one)"),
    option("--example", metavar="ID", help="adjudicate: the example; without it, what is open"),
    option(
        "--answer", action="append", metavar="QUESTION=VALUE", help="adjudicate: may be repeated"
    ),
    option("--by", metavar="NAME", help="adjudicate: who decides"),
    option("--comment", metavar="TEXT", help="adjudicate: why"),
    option(
        "--for",
        dest="use",
        choices=("tags", "resolution", "quarantine"),
        help="labels: who reads them",
    ),
    option(
        "--despite-agreement",
        action="store_true",
        help="labels: write them although annotators agree too little",
    ),
)
